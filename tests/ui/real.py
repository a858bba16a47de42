"""A real server for browser tests: `footnote serve` as a person starts it, and the command line beside it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT
from tests.support.minilm import minilm_export
from tests.ui.conftest import free_port

FOOTNOTE = [sys.executable, "-c", "import sys; from entrypoints.cli import main; sys.exit(main())"]
START_SECONDS = 60


def without_chat_model(folder: Path, *, ollama_url: str) -> dict[str, str]:
    """Settings under which Ollama is the only chat model, or none is: the models beside it are the embedder alone."""
    embedder = minilm_export()
    models = folder / "models"
    models.mkdir()
    (models / embedder.parent.name).symlink_to(embedder.parent, target_is_directory=True)
    return {
        "FOOTNOTE_MODELS_DIR": str(models),
        "FOOTNOTE_OLLAMA_URL": ollama_url,
        "FOOTNOTE_BUILTIN_MODEL": "off",
    }


@dataclass
class Server:
    """Starts on entering with these settings, ends on leaving."""

    data_dir: Path
    settings: dict[str, str]
    module: str = ""
    """A module to run in the place of `footnote serve`; it gets the port."""
    port: int = field(default_factory=free_port)

    def __enter__(self) -> Server:
        self._log = self.data_dir.with_suffix(".log")
        command = [sys.executable, "-m", self.module, str(self.port)] if self.module else [*FOOTNOTE, *self._serve()]
        with self._log.open("a", encoding="utf-8") as stream:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=stream, stderr=stream)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """What the server and the commands beside it are told."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        kept = {"FOOTNOTE_MODELS_DIR": os.environ["FOOTNOTE_MODELS_DIR"]} if "FOOTNOTE_MODELS_DIR" in os.environ else {}
        return {**own, **kept, "FOOTNOTE_DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1", **self.settings}

    @property
    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8")

    def link(self) -> str:
        """The address that it printed, once it answers there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            links = [line.strip() for line in self.log.splitlines() if "token=" in line]
            if links and self._answers():
                return links[-1]
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log}")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the command line on the same data directory."""
        command = [*FOOTNOTE, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def _answers(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _serve(self) -> list[str]:
        return ["serve", "--port", str(self.port)]
