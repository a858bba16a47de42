"""What all tests share: where the evaluation data lies, which tests may reach the network, a clean environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.corpus import Corpus

ROOT = Path(__file__).resolve().parent.parent
EVAL_DIR = Path(os.environ.get("FOOTNOTE_EVAL_DIR", ROOT.parent / "shared" / "eval")).resolve()

needs_eval = pytest.mark.skipif(not EVAL_DIR.is_dir(), reason="the evaluation data is not there; set FOOTNOTE_EVAL_DIR")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees this machine's settings or writes to this user's data directory."""
    for name in list(os.environ):
        if name.startswith("FOOTNOTE_") and name not in {"FOOTNOTE_EVAL_DIR", "FOOTNOTE_MODELS_DIR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("FOOTNOTE_BUILTIN_MODEL", "off")


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    """An empty library of its own, to put documents into."""
    from tests.support.corpus import Corpus
    from workspaces.database import Database

    database = Database(tmp_path / "footnote.db")
    database.open()
    yield Corpus(database)
    database.close()


@pytest.fixture(autouse=True)
def no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests may talk to this machine only."""
    if "unit" in request.path.parts:
        connect = socket.socket.connect

        def guarded(self: socket.socket, address: object) -> None:
            host = address[0] if isinstance(address, tuple) else "local"
            if host not in ("127.0.0.1", "::1", "local", "localhost"):
                raise RuntimeError(f"a unit test tried to reach {host}")
            connect(self, address)  # type: ignore[arg-type]  # whatever the caller passed on

        monkeypatch.setattr(socket.socket, "connect", guarded)
