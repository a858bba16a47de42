"""Word documents (.docx and kin): headings, lists with their numbers, tables, charts, notes, from their XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ingest.loaders import ooxml
from ingest.loaders.charts import tell_chart
from ingest.loaders.docx_numbering import Numbering
from ingest.loaders.docx_reader import DocxReader
from ingest.loaders.docx_styles import Styles
from ingest.loaders.flow import Flow
from ingest.loaders.ooxml import Names, related, relationships, value
from ingest.loaders.packages import Package
from ingest.loaders.titles import clean, sensible_title
from ingest.protocols import Loaded, LoadEvent

_NOTES = {"w:footnote": "footnote", "w:endnote": "endnote", "w:comment": "comment"}
_LONGEST_NAME = 60


class DocxLoader:
    """Reads one Word document; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, PasswordNeeded, NoText, TooLarge
        """
        with Package(path) as package:
            part = ooxml.main_part(package, "word/document.xml")
            relations = relationships(package, part)
            styles = Styles(package, related(relations, "styles", package))
            flow = Flow()
            notes = _notes(package, relations, styles, flow)
            numbering = Numbering(package, related(relations, "numbering", package))
            reader = DocxReader(flow, styles, numbering=numbering, relations=relations, notes=notes)
            reader.tell_chart = lambda chart: tell_chart(flow, package.tree(chart)) if chart in package else None
            package.stream(part, reader)
            reader.finish()
            for name, note in notes.items():
                if name.startswith("comment ") and name not in reader.mentioned:
                    flow.note(note)
            found = ooxml.properties(package)
            yield flow.loaded()
            yield Loaded(
                title=title or sensible_title(found.title) or sensible_title(reader.title),
                author=found.author,
                date=found.date,
                report=flow.report(skipped=ooxml.embedded_files(package), warnings=_warnings(reader)),
            )


class _NotesReader(DocxReader):
    """Collects the text of footnotes, endnotes and comments by kind and id."""

    def __init__(self, styles: Styles, *, numbering: Numbering, relations: Mapping[str, ooxml.Relationship]) -> None:
        super().__init__(Flow(), styles, numbering=numbering, relations=relations, notes={})
        self.found: dict[str, str] = {}
        self.hidden: list[Flow] = []
        self._short = Names()
        self._name = self._said_by = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        super().start(tag, attributes)
        kind = _NOTES.get(self._short(tag))
        if kind:
            self.flow = Flow()
            self._name = f"{kind} {value(attributes, 'id')}"
            author = clean(value(attributes, "author") or "")[:_LONGEST_NAME]
            self._said_by = (f"Comment by {author}: " if author else "Comment: ") if kind == "comment" else ""

    def end(self, tag: str) -> None:
        super().end(tag)
        if self._short(tag) in _NOTES:
            text = " ".join(self.flow.text.split())
            if text:
                self.found[self._name] = self._said_by + text
            self.hidden.append(self.flow)


def _notes(
    package: Package, relations: Mapping[str, ooxml.Relationship], styles: Styles, flow: Flow
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for kind in ("footnotes", "endnotes", "comments"):
        part = related(relations, kind, package)
        if part is not None:
            reader = _NotesReader(styles, numbering=Numbering(package, None), relations=relationships(package, part))
            package.stream(part, reader)
            found |= reader.found
            for inner in reader.hidden:
                flow.absorb_hidden(inner)
    return found


def _warnings(reader: DocxReader) -> list[str]:
    if not reader.foreign:
        return []
    return [f"Parts of the text in another format ({reader.foreign:,}) were not read"]
