"""Checks the image and compose files as far as that goes without a container engine. Exit 0 only if all hold.

python docker/check.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def main() -> int:
    """Print one line a check."""
    image = (HERE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    last_stage = image[image.rindex("\nFROM ") :]
    compose = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    checks = {
        "two stages": image.count("FROM ") == 2,
        "base images carry a version": all(":" in base for base in re.findall(r"^FROM (\S+)", image, re.M)),
        "what is copied exists": not _missing(image),
        "what the ignore file leaves out is not copied": not _ignored(image),
        "runs as a user without rights": re.search(r"^USER (?!root|0)\S+", last_stage, re.M) is not None,
        "health check asks /_stcore/health": "HEALTHCHECK" in last_stage and "/_stcore/health" in last_stage,
        "the container flag is set": "FOOTNOTE_CONTAINER=1" in last_stage,
        "data lies on a volume": "VOLUME /data" in last_stage and "FOOTNOTE_DATA_DIR=/data" in last_stage,
        "ports are published on loopback only": all(
            str(port).startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", [])
        ),
        "Ollama is not published": "ports" not in services["ollama"],
        "Footnote waits for a healthy Ollama": services["footnote"]["depends_on"]["ollama"]["condition"]
        == "service_healthy",
        "compose volumes are declared": {
            volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])
        }
        <= set(compose["volumes"]),
    }
    verdict = _compose_verdict()
    if verdict is not None:
        checks["docker compose accepts the file"] = verdict
    for name, good in checks.items():
        print(f"{'ok' if good else 'WRONG':7}{name}")
    return 0 if all(checks.values()) else 1


def _sources(image: str) -> list[str]:
    copies = re.findall(r"^COPY (?!--from)(.+)$", image, re.M)
    return [source for copy in copies for source in copy.split()[:-1]]


def _missing(image: str) -> list[str]:
    return [source for source in _sources(image) if not (ROOT / source).exists()]


def _ignored(image: str) -> list[str]:
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    return [source for source in _sources(image) if source.split("/")[0] in ignored]


def _compose_verdict() -> bool | None:
    """What `docker compose config` says; None where it is not installed. It needs no engine."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return None
    command = [docker, "compose", "-f", str(HERE / "compose.yaml"), "config", "--quiet"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
