"""Rich Text Format: headings, lists, tables, notes and comments. Our own reader: the libraries give bare text only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.loaders.rtf_reader import RtfReader
from ingest.loaders.rtf_tokens import tokens
from ingest.loaders.titles import clean, sensible_title
from ingest.protocols import Loaded, LoadEvent
from rag.errors import DamagedSource, EmptySource

_START = b"{\\rtf"
_LONGEST = 200


class RtfLoader:
    """Reads one RTF file; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, NoText, TooLarge
        """
        data = path.read_bytes()
        if not data.strip():
            raise EmptySource("The file is empty.", hint="Check the file and add it again.")
        if not data.lstrip().startswith(_START):
            raise DamagedSource(
                "It is not an RTF file.", hint="Open it in the program it comes from, save it again and add that."
            )
        reader = RtfReader()
        for token in tokens(data):
            reader.take(token)
        reader.finish()
        yield reader.flow.loaded()
        yield Loaded(
            title=title or sensible_title(reader.about.get("title", "")),
            author=clean(reader.about.get("author", ""))[:_LONGEST] or None,
            date=reader.head.date(),
            report=reader.flow.report(skipped=_skipped(reader.objects)),
        )


def _skipped(objects: int) -> list[str]:
    return [f"Files inside the document ({objects:,}) were not read"] if objects else []
