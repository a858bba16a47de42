"""The headings that a position stands under."""

from __future__ import annotations

import pytest

from ingest.outline import headings_at
from rag.types import Block, Document, Span

TEXT = "# Boiler\n\nWarm.\n\n## Valves\n\nBrass.\n\n# Pump\n\nLoud."


def heading(text: str, level: int) -> Block:
    start = TEXT.index(text)
    return Block("heading", Span(start, start + len(text)), level)


@pytest.mark.parametrize(
    ("at", "path"),
    [
        ("# Boiler", ("Boiler",)),
        ("Warm", ("Boiler",)),
        ("## Valves", ("Boiler", "Valves")),
        ("Brass", ("Boiler", "Valves")),
        ("Loud", ("Pump",)),
    ],
)
def test_a_position_stands_under_the_open_headings(at: str, path: tuple[str, ...]) -> None:
    blocks = (heading("# Boiler", 1), heading("## Valves", 2), heading("# Pump", 1))
    assert headings_at(Document(TEXT, title="", language="", blocks=blocks), TEXT.index(at)) == path


def test_without_headings_there_is_no_path() -> None:
    assert headings_at(Document(TEXT, title="", language=""), 10) == ()
