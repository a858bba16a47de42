"""How much memory a server takes, with its children."""

from __future__ import annotations

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def proportional_bytes(pid: int) -> dict[str, int]:
    """Bytes of each process of a tree by command; shared pages count in shares (PSS, Linux)."""
    return {f"{each.pid} {' '.join(each.cmdline()[1:4])}": each.memory_full_info().pss for each in tree(pid)}


def maps(pid: int, library: str) -> bool:
    """Whether any process of a tree has loaded a file with this in its path."""
    return any(library in mapped.path for each in tree(pid) for mapped in each.memory_maps())
