"""Logs as they stand: an entry begins with its time and holds all lines up to the next, a trace included."""

from __future__ import annotations

import re

from ingest.loaders.source import Source, SourceLoader, cut
from rag.types import Block

_DATE = (
    r"(?:\d{4}[-/.]\d{2}[-/.]\d{2}|\d{1,2}[-/.]\w{2,3}[-/.]\d{2,4}|[A-Z][a-z]{2}[ ]{1,2}\d{1,2}|[A-Z][a-z]{2}, \d{2})"
)
_TIME = r"\d{2}:\d{2}:\d{2}"
_ENTRY = re.compile(
    rf"^(?:<\d+>1?[ ]?)?(?:[\w.:-]{{1,40}}[ ]-[ ]\S{{1,40}}[ ])?[\[(\"'{{]?(?:\"?(?:time|ts|timestamp)\"?[:=][ ]?\"?)?"
    rf"(?:[A-Z]+[ :]*\[?)?(?:{_DATE}[T ,:].{{0,12}}?)?(?:{_DATE}|{_TIME}|\d{{10}}(?:\.\d+)?\b)",
    re.MULTILINE,
)


class LogLoader(SourceLoader):
    """Reads logs; one without times is read as plain text."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        entries = [match.start() for match in _ENTRY.finditer(text)]
        blocks: list[Block] = cut(text, entries) if len(entries) > 1 else []
        return Source(text, blocks)
