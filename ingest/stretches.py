"""Splitting a newer version of a document: what stands between two headings of the highest level, and is as it was,
is cut as it was.

No chunk crosses such a heading, and nothing before it decides how the text after it is cut (ingest/outline.py,
ingest/splitter.py), so a stretch with the same text, blocks and page breaks has the same chunks.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.outline import page_at
from ingest.protocols import Splitter
from rag.types import Chunk, Document, Page, Span


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a document that can be split by itself."""

    start: int
    end: int
    part: Document
    """Its positions count from `start`."""

    @property
    def key(self) -> bytes:
        """The same for stretches that are cut alike under the same title."""
        blocks = [(block.kind, block.span.start, block.span.end, block.level) for block in self.part.blocks]
        breaks = sorted({page.span.start for page in self.part.pages})
        said = repr((self.part.language, blocks, breaks, self.part.places))
        return hashlib.sha256(said.encode() + self.part.text.encode("utf-8", "surrogatepass")).digest()


def split_again(splitter: Splitter, document: Document, former: Document, chunks: Sequence[Chunk]) -> list[Chunk]:
    """The chunks that `splitter.split(document)` gives, most of them taken from a former version.

    Args:
        splitter: by which the former version was split.
        document: of the same title.
        former: as it was split.
        chunks: all that it was split into.
    """
    starts = [chunk.span.start for chunk in chunks]
    known = {
        stretch.key: [
            _moved(chunk, -stretch.start)
            for chunk in chunks[bisect_left(starts, stretch.start) : bisect_left(starts, stretch.end)]
        ]
        for stretch in _stretches(former)
    }
    found: list[Chunk] = []
    for stretch in _stretches(document):
        pieces = known.get(stretch.key)
        for piece in splitter.split(stretch.part) if pieces is None else pieces:
            chunk = _moved(piece, stretch.start)
            found.append(replace(chunk, ordinal=len(found), page=page_at(document.pages, chunk.span.start)))
    return found


def _stretches(document: Document) -> Iterator[_Stretch]:
    """All of a document, in order."""
    cuts = list(_cuts(document))
    if not cuts:
        yield _Stretch(0, len(document.text), document)
        return
    blocks = [block.span.start for block in document.blocks]
    for start, end in pairwise([0, *cuts, len(document.text)]):
        within = document.blocks[bisect_left(blocks, start) : bisect_left(blocks, end)]
        pages = [page for page in document.pages if start < page.span.start < end]
        part = replace(
            document,
            text=document.text[start:end],
            blocks=tuple(replace(block, span=_span(block.span, -start)) for block in within),
            pages=(Page(0, Span(0, 0), None, 0, 0), *(replace(page, span=_span(page.span, -start)) for page in pages)),
        )
        yield _Stretch(start, end, part)


def _cuts(document: Document) -> Iterator[int]:
    """Where headings of the highest level begin; not the first, for what stands before it belongs to it, nor one that
    follows on another heading. Documents with places and blocks that overlap are not parted."""
    if document.places or any(before.span.end > block.span.start for before, block in pairwise(document.blocks)):
        return
    top = min((block.level for block in document.blocks if block.kind == "heading"), default=0)
    met, after_heading = False, False
    for block in document.blocks:
        if document.text[block.span.start : block.span.end].isspace() or not block.span:
            continue
        is_heading = block.kind == "heading"
        if is_heading and block.level == top:
            if met and not after_heading:
                yield block.span.start
            met = True
        after_heading = is_heading


def _span(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _moved(chunk: Chunk, by: int) -> Chunk:
    return replace(chunk, span=_span(chunk.span, by))
