from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from rag.machine import available_memory, physical_cores


def limits(folder: Path, *, most: str, used: int, cache: int) -> Path:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")
    return folder


def test_a_containers_limit_counts_and_its_page_cache_is_free(tmp_path: Path) -> None:
    assert available_memory(limits(tmp_path, most="1000", used=900, cache=300)) == 400


@pytest.mark.parametrize("most", ["max", "999999999999999"])
def test_without_a_tighter_limit_the_machine_counts(tmp_path: Path, most: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 12345

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert available_memory(limits(tmp_path, most=most, used=1, cache=0)) == 12345
    assert available_memory(tmp_path / "none") == 12345


def test_a_full_container_has_nothing_left(tmp_path: Path) -> None:
    assert available_memory(limits(tmp_path, most="1000", used=2000, cache=0)) == 0


def test_there_is_at_least_one_core() -> None:
    assert physical_cores() >= 1
