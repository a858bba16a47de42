"""What this machine can give a model: memory and cores, as far as this process may use them."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def available_memory(cgroup: Path = _CGROUP) -> int:
    """Bytes that can be taken without swapping: of the machine, and of the container's limit where there is one."""
    free = int(psutil.virtual_memory().available)
    limit = _figure(cgroup / "memory.max")
    used = _figure(cgroup / "memory.current")
    if limit is None or used is None:
        return free
    return max(0, min(free, limit - used + _reclaimable(cgroup / "memory.stat")))


def physical_cores() -> int:
    """Cores this process may run on; the second thread of a core only slows a model down."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed))


def _figure(path: Path) -> int | None:
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):  # not Linux, the root group, or "max"
        return None


def _reclaimable(path: Path) -> int:
    """Page cache that the kernel gives up first; a container's figure counts it as used."""
    try:
        figures = dict(line.split() for line in path.read_text().splitlines())
        return int(figures.get("inactive_file", "0"))
    except (OSError, ValueError):
        return 0
