from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from ingest.outline import Break, heading_text, units
from ingest.splitter import StructureSplitter
from rag.errors import InvalidInput
from rag.types import Block, BlockKind, Chunk, Document, Page, Span

WINDOW = 40
SENTENCE = "The quick brown fox jumps over the lazy dog today."


def count(text: str) -> int:
    """Words, marks and two special tokens, as a word-piece tokenizer counts them; long words have several pieces."""
    return 2 + sum((len(word) + 7) // 8 for word in re.findall(r"\w+|[^\w\s]", text))


Part = tuple[BlockKind, str] | tuple[BlockKind, str, int]
PARAGRAPH: Part = ("paragraph", SENTENCE)
LONG: Part = ("paragraph", f"{SENTENCE} {SENTENCE} {SENTENCE}")


def document(*parts: Part, title: str = "", pages: int = 0) -> Document:
    """Blocks one after the other with blank lines between; every `pages` blocks begin a new page."""
    text, blocks, starts = "", [], []
    for index, (kind, content, *level) in enumerate(parts):
        if pages and index % pages == 0:
            starts.append(len(text))
        blocks.append(Block(kind, Span(len(text), len(text) + len(content)), level[0] if level else 0))
        text += content + "\n\n"
    bounds = enumerate(pairwise([*starts, len(text)]), start=1)
    found = tuple(Page(number, Span(start, end), None, 595, 842) for number, (start, end) in bounds)
    return Document(text, title, "en", pages=found, blocks=tuple(blocks))


def split(source: Document, *, window: int = WINDOW, target: int | None = None) -> list[Chunk]:
    chunks = StructureSplitter(count_tokens=count, window=window, target_tokens=target, recipe="words").split(source)
    check(source, chunks, window=window)
    return chunks


def check(source: Document, chunks: list[Chunk], *, window: int) -> None:
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert chunk.text == source.text[chunk.span.start : chunk.span.end]
        assert chunk.text == chunk.text.strip() != ""
        assert count(chunk.embedding_text(source.title)) <= window
    held = {position for chunk in chunks for position in range(chunk.span.start, chunk.span.end)}
    assert all(position in held for position, character in enumerate(source.text) if not character.isspace())
    assert chunks == sorted(chunks, key=lambda chunk: chunk.span)


def test_short_document_is_one_chunk() -> None:
    [chunk] = split(document(("paragraph", SENTENCE), ("paragraph", SENTENCE), ("list", "- " + SENTENCE)))
    assert (chunk.page, chunk.heading_path) == (None, ())


def test_long_paragraph_is_cut_between_sentences_into_even_chunks() -> None:
    chunks = split(document(("paragraph", " ".join([SENTENCE] * 4))))
    assert [chunk.text for chunk in chunks] == [" ".join([SENTENCE] * 2)] * 2


def test_cut_falls_between_paragraphs_rather_than_inside_one() -> None:
    chunks = split(document(("paragraph", SENTENCE), ("paragraph", f"{SENTENCE} {SENTENCE}"), ("paragraph", SENTENCE)))
    assert all(len(re.findall(r"\n\n", chunk.text)) <= 1 for chunk in chunks)
    assert not any(chunk.text.startswith(SENTENCE) and chunk.text.endswith(SENTENCE + " ") for chunk in chunks)


def test_heading_belongs_to_what_follows_and_path_names_its_parents() -> None:
    chunks = split(
        document(
            ("heading", "Chapter One", 1),
            ("heading", "Section A", 2),
            ("paragraph", f"{SENTENCE} {SENTENCE}"),
            ("heading", "Section B", 2),
            ("paragraph", f"{SENTENCE} {SENTENCE}"),
        ),
    )
    assert [chunk.heading_path for chunk in chunks] == [("Chapter One", "Section A"), ("Chapter One", "Section B")]
    assert chunks[0].text.startswith("Chapter One\n\nSection A\n\nThe quick")
    assert chunks[1].text.startswith("Section B\n\nThe quick")


def test_small_sections_share_a_chunk_under_their_common_heading() -> None:
    chunks = split(
        document(
            ("heading", "Glossary", 1),
            *[part for name in "ABC" for part in (("heading", name, 2), ("paragraph", f"Letter {name}."))],
        )
    )
    assert [chunk.heading_path for chunk in chunks] == [("Glossary",)]


def test_no_chunk_crosses_a_top_heading() -> None:
    chunks = split(
        document(
            ("paragraph", "Before."),
            ("heading", "One", 1),
            ("paragraph", "Short."),
            ("heading", "Two", 1),
            ("list", "- x"),
        )
    )
    assert [chunk.text for chunk in chunks] == ["Before.", "One\n\nShort.", "Two\n\n- x"]
    assert [chunk.heading_path for chunk in chunks] == [(), ("One",), ("Two",)]


def test_page_is_that_of_the_first_character() -> None:
    chunks = split(document(*[LONG] * 4, pages=1))
    assert [chunk.page for chunk in chunks] == [1, 2, 3, 4]
    [chunk] = split(document(("paragraph", SENTENCE), ("paragraph", SENTENCE), pages=1))
    assert chunk.page == 1


def test_title_and_headings_are_inside_the_window() -> None:
    source = document(
        ("heading", "A heading of several words that goes on and on", 1),
        ("heading", "Another heading of several words", 2),
        ("heading", "Third", 3),
        ("paragraph", " ".join([SENTENCE] * 6)),
        title="A title of six plain words",
    )
    chunks = split(source)
    assert {chunk.heading_path for chunk in chunks} == {("Another heading of several words", "Third")}


def test_heading_that_repeats_the_title_is_not_embedded_twice() -> None:
    source = document(("heading", "The Report", 1), ("heading", "Part", 2), ("paragraph", SENTENCE), title="The report")
    assert [chunk.heading_path for chunk in split(source)] == [("Part",)]


def test_heading_as_long_as_a_paragraph_is_shortened_for_the_path_only() -> None:
    long_heading = " ".join(["word"] * 60)
    chunks = split(document(("heading", long_heading, 1), ("paragraph", SENTENCE)))
    assert chunks[-1].heading_path[0].endswith("word…")
    assert "".join("".join(chunk.text for chunk in chunks).split()).count("word") == 60


def test_title_that_leaves_no_room_is_refused_with_the_figures() -> None:
    with pytest.raises(InvalidInput, match=r"41 tokens.* 40"):
        split(document(("paragraph", SENTENCE), title=" ".join(["word"] * 39)))


def test_sentence_longer_than_the_window_is_cut_at_words() -> None:
    words = " ".join(f"w{index}" for index in range(200))
    chunks = split(document(("paragraph", words)))
    assert " ".join(chunk.text for chunk in chunks) == words
    assert len(chunks) <= 7


def test_word_longer_than_the_window_is_cut_at_characters() -> None:
    chunks = split(document(("paragraph", "before " + "x" * 5000 + " after")))
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "before" + "x" * 5000 + "after"


def test_blob_that_counts_as_one_token_does_not_make_a_huge_chunk() -> None:
    def blind(text: str) -> int:
        return 2 + len(text.split())

    source = document(("paragraph", "A" * 100_000))
    chunks = StructureSplitter(count_tokens=blind, window=WINDOW, recipe="blind").split(source)
    assert max(len(chunk.text) for chunk in chunks) <= 8 * WINDOW
    assert "".join(chunk.text for chunk in chunks) == source.text.strip()


def test_tokenizer_whose_whole_is_more_than_its_parts_still_fits() -> None:
    def superlinear(text: str) -> int:
        return count(text) + len(text) // 100

    source = document(("paragraph", " ".join([SENTENCE] * 20)))
    chunks = StructureSplitter(count_tokens=superlinear, window=WINDOW, recipe="odd").split(source)
    assert all(superlinear(chunk.embedding_text("")) <= WINDOW for chunk in chunks)
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(source.text.split())


def test_table_is_cut_between_rows() -> None:
    rows = [f"| row {index} | value {index} |" for index in range(30)]
    chunks = split(document(("table", "\n".join(rows))))
    assert [row for chunk in chunks for row in chunk.text.split("\n")] == rows


def test_text_outside_of_blocks_and_overlapping_blocks_lose_nothing() -> None:
    text = "Loose start. \n\nA block here. Rest of it.\n\nLoose end."
    blocks = (Block("paragraph", Span(15, 40)), Block("list", Span(20, 30)), Block("paragraph", Span(36, 43)))
    assert split(Document(text, "", "en", blocks=blocks))


def test_document_without_text_has_no_chunks() -> None:
    assert split(Document(" \n\n ", "Title", "")) == []


def test_target_makes_smaller_chunks() -> None:
    source = document(*[PARAGRAPH] * 12)
    assert len(split(source, window=100, target=20)) > len(split(source, window=100))


def test_recipe_tells_rules_figures_and_tokenizer() -> None:
    assert StructureSplitter(count_tokens=count, window=256, recipe="minilm").recipe == "structure-3 256/256 minilm"


def test_any_document_is_covered_within_the_window() -> None:
    source = random.Random(3)
    kinds: tuple[BlockKind, ...] = ("heading", "paragraph", "list", "table", "code")
    contents = ("Dr. No. ", "word ", "x" * 90, "\n", " . ", "Ende! ", "3. ", SENTENCE, "你好。", "| a | b |\n", "\t")
    for _ in range(400):
        parts = [
            (source.choice(kinds), "".join(source.choices(contents, k=source.randrange(1, 12))), source.randrange(1, 5))
            for _ in range(source.randrange(1, 9))
        ]
        split(document(*parts, title=source.choice(["", "A title"]), pages=2), window=source.choice([24, 40, 90]))


def test_heading_text_is_free_of_markup() -> None:
    assert heading_text("##  A *bold*\n claim ##") == "A *bold* claim"
    assert heading_text("Title\n=====") == "Title"
    assert heading_text("C#") == "C#"


def test_units_say_how_strongly_the_text_parts() -> None:
    source = document(
        ("heading", "One", 1), ("paragraph", "First. Second."), ("heading", "Sub", 2), ("list", "- x"), ("code", "a\nb")
    )
    assert [unit.before for unit in units(source)] == [
        *(Break.TOP, Break.NEVER, Break.SENTENCE),
        *(Break.HEADING, Break.NEVER, Break.PARAGRAPH, Break.SENTENCE),
    ]
