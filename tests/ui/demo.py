"""The real server and pages over services in memory.

python -m tests.ui.demo PORT [empty|furnished|unfinished|download|failed-download]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from entrypoints.serve import serve
from tests.ui import fakes
from workspaces.models import Download, Problem


def main(port: int, scene: str) -> int:
    services = fakes.furnished(Path(tempfile.mkdtemp()))
    if scene == "empty":
        services = fakes.FakeServices(Path(tempfile.mkdtemp()))
    if scene == "unfinished":
        fakes.unfinished(services)
    if scene == "download":
        services.chat_models.start_download()
    if scene == "failed-download":
        problem = Problem("weights", "The index does not answer.", "Check the connection; what was fetched is kept.")
        services.chat_models.state = Download("failed", 402_000_000, 1_117_320_768, problem=problem)
    slow = fakes.Script(fakes.DEFAULT.sentences, pace=0.12)
    services.conversations.scripts |= {
        "When is the rent due, slowly?": slow,
        "And when?": fakes.Script(
            fakes.DEFAULT.sentences[:1], searched="rent due: And when?", warning="qwen3:4b read only 12 tokens."
        ),
        "Who won the match?": fakes.Script(refused=True),
        "What breaks?": fakes.Script(
            fakes.DEFAULT.sentences[:2],
            problem=Problem(
                "model_interrupted", "The model stopped before it was done.", "Ask again, or choose another model."
            ),
        ),
        "Without a model": fakes.Script([(fakes.LEASE.split(". ")[0] + ".", "supported", (0,))], model=None),
    }
    fakes.install(services)
    return serve("127.0.0.1", port)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "furnished"))
