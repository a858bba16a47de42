"""The way to the first page loads no engine: those come after it, in the background."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.ollama_standin import unused_url
from tests.ui.memory import maps, proportional_bytes
from tests.ui.real import Server, without_chat_model

ENGINES = (
    "torch",
    "sentence_transformers",
    "transformers",
    "chromadb",
    "onnxruntime",
    "xllamacpp",
    "dbos",
    "pypdfium2",
)

BUDGET = 450_000_000
"""Bytes of all processes before the first question, the chat model's own aside."""

FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from ui import resources
resources.warm_up_soon = lambda: None
page = AppTest.from_file("app.py", default_timeout=60).run()
assert not page.exception, page.exception
assert page.chat_input and page.file_uploader
if sys.argv[1:] == ["and engine"]:
    import onnxruntime
print("loaded:", *(name for name in {engines!r} if name in sys.modules))
resources.close()
"""


def loaded(*arguments: str) -> list[str]:
    """Engines in memory after the first page of the real application."""
    code = FIRST_PAGE.format(engines=ENGINES)
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    line = next(line for line in run.stdout.splitlines() if line.startswith("loaded:"))
    return line.split()[1:]


def test_the_first_page_loads_no_engine() -> None:
    assert loaded() == []
    assert loaded("and engine") == ["onnxruntime"]  # the check sees one when it is there


@pytest.mark.skipif(sys.platform != "linux", reason="proportional memory is Linux's figure")
def test_a_warm_server_stays_within_its_memory(tmp_path: Path) -> None:
    settings = without_chat_model(tmp_path, ollama_url=unused_url())
    with Server(tmp_path / "data", settings) as running:
        running.link()
        (tmp_path / "note.txt").write_text("The boiler is serviced every March.", encoding="utf-8")
        assert running.run("add", "-w", "House", str(tmp_path / "note.txt")).returncode == 0
        assert maps(running.process.pid, "onnxruntime")  # the embedder is loaded
        assert maps(running.process.pid, "chromadb_rust")  # and the vector index runs
        used = proportional_bytes(running.process.pid)
        assert not maps(running.process.pid, "torch")
    assert sum(used.values()) <= BUDGET, used
