"""OpenDocument text (.odt): headings, lists, tables, notes and comments, from its XML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.loaders import odf
from ingest.loaders.flow import Flow
from ingest.loaders.odf_objects import Objects
from ingest.loaders.odt_reader import OdtReader
from ingest.loaders.packages import Package
from ingest.loaders.titles import sensible_title
from ingest.protocols import Loaded, LoadEvent


class OdtLoader:
    """Reads one OpenDocument text; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, PasswordNeeded, NoText, TooLarge
        """
        with Package(path) as package:
            odf.check(package)
            reader = OdtReader(Flow(), odf.read_styles(package))
            objects = Objects(package)
            reader.tell_object = objects.tell
            package.stream(odf.CONTENT, reader)
            found = odf.properties(package)
            yield reader.flow.loaded()
            yield Loaded(
                title=title or sensible_title(found.title) or sensible_title(reader.title),
                author=found.author,
                date=found.date,
                report=reader.flow.report(skipped=objects.unread()),
            )
