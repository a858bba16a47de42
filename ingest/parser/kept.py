"""Pages of a former version that a newer one keeps: the same text, blocks and word boxes in another place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingest.parser.process import HelperStopped
from ingest.protocols import Former, LoadEvent, PageKept, PageLoaded, Remembered
from ingest.wordboxes import moved
from rag.errors import StorageError
from rag.types import Block, Span


class FormerPages:
    """What the reader is told of a former version, and what it tells of it."""

    def __init__(self, former: Former | None) -> None:
        self._former = former
        self.memory = former.memory() if former else b""

    def taken_over(self, events: Iterable[LoadEvent]) -> Iterator[LoadEvent]:
        """The events with pages in the place of those that are kept.

        Raises:
            HelperStopped: one of these is none. Its memory is at fault, so the next try has none.
        """
        for event in events:
            if isinstance(event, Remembered) and self._former:
                self._former.remember(event.data)
            if isinstance(event, PageKept):
                try:
                    yield taken_over(self._page(event.former), event)
                except (ValueError, StorageError) as error:
                    self.memory = b""
                    raise HelperStopped from error
            else:
                yield event

    def _page(self, number: int) -> PageLoaded:
        if self._former is None:
            raise ValueError("there is no former version")
        return self._former.page(number)


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
