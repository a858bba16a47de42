"""What one file may cost, and what a person reads when it costs more. Known to both sides of the wire."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.ocr import MOST_PAGES
from rag.errors import TooLarge

_SPLIT = "Split the document into smaller files and add those."


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """Bounds on reading one file."""

    memory_bytes: int = 1536 * 2**20
    seconds: float = 60.0
    """Wall time until the first page is there; each page that is read adds `seconds_per_page`."""
    seconds_per_page: float = 0.5
    seconds_per_recognition: float = 60.0
    """Each page that is recognised in a picture adds so much more."""
    seconds_per_drawing: float = 5.0
    """And each whose picture is drawn, be it recognised then or known from before."""
    pages: int = 20_000
    text_characters: int = 50_000_000

    def seconds_after(self, pages: int, recognised: int = 0, drawn: int = 0) -> float:
        """Wall time allowed in all once so many pages have been read, and so many have begun to be recognised and to be
        drawn for that."""
        waited = self.seconds_per_recognition * min(recognised, MOST_PAGES)
        waited += self.seconds_per_drawing * min(drawn, MOST_PAGES)
        return self.seconds + self.seconds_per_page * pages + waited

    def too_much_memory(self) -> TooLarge:
        """The file needs more than `memory_bytes`."""
        return TooLarge(
            f"Reading it takes more than {self.memory_bytes / 2**20:,.0f} MB of memory; it may be damaged.",
            hint=_SPLIT,
        )

    def too_slow(self, pages: int, recognised: int = 0, drawn: int = 0) -> TooLarge:
        """The file needs more than `seconds_after(pages, recognised, drawn)`."""
        allowed = self.seconds_after(pages, recognised, drawn)
        done = f" ({pages} pages were read)" if pages else ""
        return TooLarge(
            f"Reading it takes longer than {allowed:,.0f} seconds{done}; it may be damaged.",
            hint=_SPLIT,
        )

    def too_many_pages(self, pages: int) -> TooLarge:
        """The file has more than `self.pages`."""
        return TooLarge(f"It has {pages:,} pages; the limit is {self.pages:,}.", hint=_SPLIT)

    def too_much_text(self) -> TooLarge:
        """The file holds more than `text_characters`."""
        return TooLarge(f"It holds more than {self.text_characters:,} characters of text.", hint=_SPLIT)
