"""Set-up on a fresh machine: the virtual environment, the pinned packages, the embedder. Standard library only.

Run by `make setup` with the system's Python; README.md lists the same steps as plain pip lines.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
import subprocess
import sys
import venv
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
TORCH = "torch==2.13.0"
INDEX_PATIENCE_SECONDS = 2.0


def main() -> int:
    """Bring .venv up to date; prints what it does and why, and does nothing when there is nothing to do."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dev", action="store_true", help="with what the tests need")
    arguments.add_argument(
        "--torch-index", default="", help="package index with a CPU build of torch, used if it answers"
    )
    options = arguments.parse_args()
    if sys.version_info < (3, 11):
        return _fail("Footnote needs Python 3.11 or newer; `make PYTHON=python3.12 run` chooses one.")
    stamp = VENV / (".ready-dev" if options.dev else ".ready")
    state = _fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state:
        return 0
    print("Setting up Footnote in .venv (about 1.6 GB on disk; packages come from pip's index).", flush=True)
    if not (BIN / _python()).exists():
        venv.create(VENV, with_pip=True)
    steps = [_torch(options.torch_index), ["-e", ".[dev,multilingual]" if options.dev else ".[multilingual]"]]
    for packages in steps:
        command = [str(BIN / _python()), "-m", "pip", "install", "-qq", "-c", "constraints.txt", *packages]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            return _fail("The packages could not be installed; pip says why above. Run the same command again.")
    print("Preparing the embedder (91 MB, converted once for this machine).", flush=True)
    if subprocess.run([str(BIN / _python()), "-m", "rag.embedders.setup"], cwd=ROOT, check=False).returncode != 0:
        return _fail("The embedder could not be prepared; the reason stands above. Run the same command again.")
    for name in (".ready", ".ready-dev") if options.dev else (".ready",):
        (VENV / name).write_text(state, encoding="utf-8")
    return 0


def _torch(index: str) -> list[str]:
    """How to install torch: a CPU build where an index that has one answers, else what pip finds."""
    host = urlsplit(index).hostname
    if host and not _has_torch():
        try:
            socket.create_connection((host, 443), timeout=INDEX_PATIENCE_SECONDS).close()
        except OSError:
            print("torch: from pip's own index (a CUDA build there can take 3 GB).", flush=True)
        else:
            print("torch: CPU build, about 200 MB.", flush=True)
            return [TORCH, "--index-url", index]
    return [TORCH]


def _has_torch() -> bool:
    probe = [str(BIN / _python()), "-c", "import importlib.metadata as m; m.version('torch')"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _fingerprint() -> str:
    """Changes when the pins, the dependencies, the place or the Python change."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _python() -> str:
    return "python.exe" if os.name == "nt" else "python"


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
