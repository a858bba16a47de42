"""Jupyter notebooks (nbformat 3 and 4): the text of their cells in order; what their code put out is counted only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.loaders.markdown import markdown_blocks
from ingest.loaders.source import Source, filled
from rag.types import Block, Place, Span

_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def is_notebook(value: Any) -> bool:
    """Whether parsed JSON is a notebook."""
    return (
        isinstance(value, dict)
        and "nbformat" in value
        and (isinstance(value.get("cells"), list) or isinstance(value.get("worksheets"), list))
    )


def read_notebook(value: dict[str, Any]) -> Source:
    """The cells one after the other, a blank line between them; each is a place of its own."""
    texts: list[str] = []
    blocks: list[Block] = []
    places: list[Place] = []
    title, outputs, length = "", 0, 0
    for number, cell in enumerate(_cells(value), start=1):
        outputs += _characters(cell.get("outputs"))
        text = _UNSTORABLE.sub("", _joined(cell.get("source", cell.get("input"))).replace("\r\n", "\n")).strip("\n")
        if not text.strip():
            continue
        if texts:
            texts.append("\n\n")
            length += 2
        found, heading = ([], "") if cell.get("cell_type") == "code" else markdown_blocks(text)
        title = title or heading
        code = [Block("code", Span(0, len(text)))] if cell.get("cell_type") == "code" else found
        blocks += [Block(b.kind, Span(b.span.start + length, b.span.end + length), b.level) for b in filled(text, code)]
        places.append(Place("chapter", Span(length, length + len(text)), f"Cell {number}", number))
        texts.append(text)
        length += len(text)
    warning = f"What its cells put out is not read ({outputs:,} characters)"
    return Source(
        "".join(texts),
        blocks,
        title=_name(value) or title,
        warnings=(warning,) if outputs else (),
        places=tuple(places),
    )


def _cells(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    groups = [value, *(sheet for sheet in value.get("worksheets") or () if isinstance(sheet, dict))]
    for group in groups:
        for cell in group.get("cells") or ():
            if isinstance(cell, dict):
                yield cell


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _characters(outputs: Any) -> int:
    """How much text the outputs hold: streams and what is shown as plain text."""
    total = 0
    for output in outputs if isinstance(outputs, list) else ():
        if isinstance(output, dict):
            data = output.get("data")
            shown = data.get("text/plain") if isinstance(data, dict) else None
            total += len(_joined(output.get("text"))) + len(_joined(shown))
    return total


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else ""
    return title if isinstance(title, str) else ""
