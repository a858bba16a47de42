"""Pages of a former version that a newer one keeps: the same text, blocks and word boxes in another place."""

from __future__ import annotations

from dataclasses import replace

from ingest.protocols import PageKept, PageLoaded
from ingest.wordboxes import moved
from rag.types import Block, Span


def taken_over(former: PageLoaded, event: PageKept) -> PageLoaded:
    """The page as it would be loaded now.

    Raises:
        ValueError: it does not fill the place that the reader gives it.
        StorageError: its stored word boxes are damaged.
    """
    if former.page is None or len(former.page.span) != len(event.page.span):
        raise ValueError("another page is meant")
    by = event.page.span.start - former.page.span.start
    return PageLoaded(
        text=event.separator + former.text,
        blocks=tuple(
            Block(block.kind, Span(block.span.start + by, block.span.end + by), block.level) for block in former.blocks
        ),
        page=replace(event.page, words=moved(former.page.words, by)),
        total=event.total,
    )
