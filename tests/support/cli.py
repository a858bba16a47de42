"""The command `footnote` as a process of its own, with the real embedder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag.embedders.setup import embedder_folder, is_ready
from tests.conftest import ROOT

needs_embedder = pytest.mark.skipif(
    not is_ready(embedder_folder()), reason="the embedder is not set up; run make setup"
)


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only line of the result."""
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        """Each line of the result."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "entrypoints.cli", *arguments]


def environment(data: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "FOOTNOTE_DATA_DIR": str(data), "PYTHONPATH": str(ROOT), **variables}


def footnote(data: Path, *arguments: str, cwd: Path = ROOT, typed: str = "", **variables: str) -> Ran:
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(data, **variables),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
