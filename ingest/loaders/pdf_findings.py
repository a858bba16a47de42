"""What reading a PDF brings up besides its text, for the notes and the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ingest.loaders.inside import Inside
from ingest.loaders.pdf_text import PageText
from ingest.page_ranges import page_ranges
from rag.types import HIDDEN_SAMPLE, Report

GARBLED = "the text is only signs, because its font does not tell which letters they stand for"


@dataclass(frozen=True, slots=True)
class PageFindings:
    """What is found on one page."""

    text_layer: bool = False
    hidden_characters: int = 0
    hidden_sample: str = ""
    garbled: bool = False
    """Its text is nothing but signs."""

    @classmethod
    def of(cls, text: PageText, *, garbled: bool) -> PageFindings:
        """On a page that was read."""
        return cls(text.text_layer, len(text.hidden) - text.hidden.count(" "), text.hidden[:HIDDEN_SAMPLE], garbled)


@dataclass(slots=True)
class Findings:
    """Gathered page by page; numbers of pages ascend."""

    unreadable: list[int] = field(default_factory=list)
    without_text: list[int] = field(default_factory=list)
    with_hidden_text: list[int] = field(default_factory=list)
    with_text_layer: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)
    hidden_characters: int = 0
    hidden_sample: str = ""
    repeated_lines: int = 0
    tables: int = 0
    attached: Inside = field(default_factory=Inside)

    def add(self, number: int, found: PageFindings) -> None:
        """Take down what was found on a page."""
        if found.text_layer:
            self.with_text_layer.append(number)
        if found.garbled:
            self.garbled.append(number)
        if found.hidden_characters:
            self.with_hidden_text.append(number)
            self.hidden_characters += found.hidden_characters
            self.hidden_sample = f"{self.hidden_sample} {found.hidden_sample}".strip()[:HIDDEN_SAMPLE]

    def notes(self, *, scanned: bool) -> Iterator[str]:
        """In plain words, what a person should know; `scanned`: nobody has looked for text in pictures."""
        if self.without_text:
            yield f"{page_ranges(self.without_text)}: no text{' (scanned?)' if scanned else ''}"
        if self.unreadable:
            yield f"{page_ranges(self.unreadable)}: damaged, could not be read"
        if self.garbled:
            yield f"{page_ranges(self.garbled)}: {GARBLED}"
        if self.with_text_layer:
            yield f"{page_ranges(self.with_text_layer)}: text layer of a scan, recognised by another program"
        if self.with_hidden_text:
            where = page_ranges(self.with_hidden_text)
            where = where[0].lower() + where[1:]
            yield f"Hidden text on {where} was left out ({_counted(self.hidden_characters, 'character')})"
        if self.repeated_lines:
            what = _counted(self.repeated_lines, "running header or footer", "running headers and footers")
            yield f"{what} left out where they repeat; the first of each is kept"
        yield from self.attached.notes()

    def report(self) -> Report:
        """The same for programs."""
        return replace(
            self.attached.report(),
            pages_without_text=tuple(self.without_text),
            tables=self.tables,
            hidden_characters=self.hidden_characters,
            hidden_sample=self.hidden_sample,
            repeated_lines=self.repeated_lines,
            warnings=tuple(
                f"{page_ranges(pages)}: {what}"
                for pages, what in ((self.with_text_layer, "text layer of a scan"), (self.garbled, GARBLED))
                if pages
            ),
        )


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
