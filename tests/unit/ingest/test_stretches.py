from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingest.splitter import StructureSplitter
from ingest.stretches import _Stretch, split_again
from rag.types import Block, BlockKind, Chunk, Document, Page, Place, Span
from tests.support.documents import WORDS

SPLITTER = StructureSplitter(count_tokens=lambda text: len(text.split()) + 2, window=40, recipe="words")
Piece = tuple[BlockKind, int, str]


def pieces(seed: int, *, headings: Sequence[int] = (1, 2, 2, 3)) -> list[Piece]:
    """Blocks of a document: kind, level, text."""
    chosen = random.Random(seed)

    def words(most: int) -> str:
        return " ".join(chosen.choices(WORDS, k=chosen.randint(1, most)))

    found: list[Piece] = []
    for _ in range(chosen.randint(3, 60)):
        match chosen.choice(["heading", "paragraph", "paragraph", "list", "table", "code", "bare", "blank"]):
            case "heading":
                found.append(("heading", chosen.choice(headings), words(5)))
            case "table":
                rows = "\n".join(f"{words(9)} | {words(9)}" for _ in range(chosen.randint(1, 9)))
                found.append(("table", chosen.randint(0, 1), rows))
            case "bare":
                found.append(("paragraph", -1, f"{words(20)}."))  # stands in no block
            case "blank":
                found.append(("paragraph", 0, " \n"))
            case kind:
                found.append((kind, 0, ". ".join(words(30) for _ in range(3)) + "."))  # type: ignore[arg-type]
    return found


def document(parts: Sequence[Piece], *, seed: int = 0, **values: object) -> Document:
    chosen = random.Random(seed)
    text, blocks, pages = "", [], [Page(1, Span(0, 0), None, 1, 1)]
    for kind, level, part in parts:
        text += "\n\n" if text else ""
        if chosen.random() < 0.3:
            pages.append(Page(len(pages) + 1, Span(len(text), len(text)), None, 1, 1))
        start = len(text)
        text += part
        if level >= 0:
            blocks.append(Block(kind, Span(start, len(text)), level))
    return replace(Document(text, "The title", "en", tuple(pages), tuple(blocks)), **values)  # type: ignore[arg-type]


def changed(parts: list[Piece], seed: int) -> list[Piece]:
    chosen = random.Random(-seed)
    found = list(parts)
    for _ in range(chosen.randint(1, 3)):
        at = chosen.randrange(len(found))
        match chosen.choice(["change", "remove", "repeat", "insert", "swap"]):
            case "change":
                found[at] = (*found[at][:2], found[at][2] + " garden")
            case "remove" if len(found) > 1:
                del found[at]
            case "repeat":
                found[at:at] = found[at : at + 5]
            case "insert":
                found[at:at] = pieces(seed + 1000)[:4]
            case _:
                found[at:], found[:at] = found[:at], found[at:]
    return found


@pytest.mark.parametrize("seed", range(300))
def test_the_chunks_are_those_of_splitting_the_whole(seed: int) -> None:
    parts = pieces(seed, headings=(1, 2, 2, 3) if seed % 3 else (2, 3))
    before, after = document(parts, seed=seed), document(changed(parts, seed), seed=seed + seed % 2)
    chunks = SPLITTER.split(before)
    assert split_again(SPLITTER, after, before, chunks) == SPLITTER.split(after)
    assert split_again(SPLITTER, before, before, chunks) == chunks


class Counting:
    """Splits, and counts what it was given."""

    recipe = SPLITTER.recipe

    def __init__(self) -> None:
        self.characters = 0

    def split(self, part: Document) -> list[Chunk]:
        self.characters += len(part.text)
        return SPLITTER.split(part)


CHAPTERS: list[Piece] = [
    piece
    for number in range(10)
    for piece in (
        ("heading", 1, f"Chapter {number}"),
        ("heading", 2, "Under it"),
        ("paragraph", 0, f"The {WORDS[number]} of it. " * 20),
    )
]


def test_only_what_changed_is_split() -> None:
    before = document(CHAPTERS)
    after = document([*CHAPTERS[:14], ("paragraph", 0, "Another text of it."), *CHAPTERS[15:]])
    counting = Counting()
    found = split_again(counting, after, before, SPLITTER.split(before))
    assert found == SPLITTER.split(after)
    assert 0 < counting.characters < len(after.text) / 5


def test_places_are_part_of_what_is_compared() -> None:
    def placed(name: str) -> Document:
        whole = document(CHAPTERS)
        return replace(whole, pages=(), places=(Place("chapter", Span(0, len(whole.text)), name, 1),))

    before, after = placed("one"), placed("two")
    assert split_again(SPLITTER, after, before, SPLITTER.split(before)) == SPLITTER.split(after)


@pytest.mark.parametrize("part", ["blocks", "text"])
def test_each_part_that_is_compared_counts(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it passed over, some stretch would be cut as it was although it is another."""
    before = document(CHAPTERS)
    plain = replace(before.blocks[4], kind="paragraph", level=0)
    after = {
        "blocks": replace(before, blocks=(*before.blocks[:4], plain, *before.blocks[5:])),
        "text": replace(before, text=before.text.replace("river", "court").replace("lease", "court")),
    }[part]
    chunks = SPLITTER.split(before)
    assert split_again(SPLITTER, after, before, chunks) == SPLITTER.split(after)
    key, none = _Stretch.key.fget, {"blocks": (), "text": ""}[part]  # type: ignore[attr-defined]
    monkeypatch.setattr(
        _Stretch, "key", property(lambda one: key(replace(one, part=replace(one.part, **{part: none}))))
    )
    assert split_again(SPLITTER, after, before, chunks) != SPLITTER.split(after)
