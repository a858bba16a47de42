"""Real PDFs that nobody here made: every one is read, or refused for the right reason."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import media
from ingest.parser.client import ParserClient
from rag.errors import SourceError
from rag.types import Document
from tests.conftest import EVAL_DIR, needs_eval

pytestmark = needs_eval

FILES = EVAL_DIR / "files"
MANUALS = EVAL_DIR / "debian-docs" / "files"
TEXT_THAT_NOBODY_SEES = frozenset({"imagemagick-images.pdf"})
"""Its pages are 3.84 points high, and its only word stands 16 points above their feet."""
TEXT_THAT_THE_LIST_MISSES = {"inline-image.pdf": "Test", "output_with_metadata_pymupdf.pdf": "Hello, World!"}
"""The list says "no text" for these; PDF viewers show and copy this."""
LEAST_RECALL = 0.98


@pytest.fixture(scope="module")
def client() -> Iterator[ParserClient]:
    client = ParserClient()
    yield client
    client.close()


def cases() -> list[tuple[str, dict[str, object]]]:
    listing = FILES / "expect.jsonl"
    if not listing.exists():
        return []
    entries = [json.loads(line) for line in listing.read_text().splitlines()]
    return [(entry["path"], entry["expect"]) for entry in entries]


def parse(client: ParserClient, path: Path) -> Document:
    return client.parse(path, media.PDF, title=None, cancelled=lambda: False, progress=lambda done, total: None)


@pytest.mark.parametrize(("path", "expect"), cases())
def test_awkward_files_are_read_or_refused_for_the_right_reason(
    client: ParserClient, path: str, expect: dict[str, object]
) -> None:
    name = Path(path).name
    wanted = (
        "encrypted"
        if expect["needs_password"]
        else "damaged"
        if not expect["opens"]
        else "no_text"
        if name in TEXT_THAT_NOBODY_SEES
        else "text"
        if expect.get("has_text") or name in TEXT_THAT_THE_LIST_MISSES
        else "no_text"
    )
    if wanted != "text":
        with pytest.raises(SourceError) as caught:
            parse(client, FILES / path)
        assert caught.value.code == wanted
        assert caught.value.hint
        return
    document = parse(client, FILES / path)
    assert len(document.pages) == expect["pages"]
    assert TEXT_THAT_THE_LIST_MISSES.get(name, "") in document.text
    check_words(document)


@pytest.mark.parametrize("name", ["debian-reference.de", "debian-reference.en", "install.de", "install.en"])
def test_manuals_keep_their_words_headings_and_boxes(client: ParserClient, name: str) -> None:
    document = parse(client, MANUALS / f"{name}.pdf")
    wanted, found = words((MANUALS / f"{name}.txt").read_text()), words(document.text)
    assert 1 - (wanted - found).total() / wanted.total() >= LEAST_RECALL
    assert document.language == name[-2:]
    assert sum(block.kind == "heading" for block in document.blocks) >= 250
    check_words(document)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def check_words(document: Document) -> None:
    for page in document.pages:
        position = page.span.start
        for word in page.words:
            assert position <= word.start < word.end <= page.span.end
            assert not re.search(r"\s", document.text[word.start : word.end])
            assert not document.text[position : word.start].strip(" \n-|")
            position = word.end
