"""The tables at the head of an RTF file: fonts, colours, styles, and when it was made."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.loaders.docx_styles import heading_of_name, outline_heading
from ingest.loaders.rtf_tokens import CHARSETS

_DEEPEST = 20
"""Styles that a style may rest on, one on the other."""


@dataclass(slots=True)
class _Style:
    name: str = ""
    heading: int | None = None
    below: int | None = None


class Head:
    """Filled while the head is read, asked while the text is."""

    def __init__(self) -> None:
        self.fonts: dict[int, str] = {}
        """Encoding of a font by its number."""
        self._font = 0
        self._colours: list[str | None] = []
        self._colour: dict[str, int] = {}
        self._styles: dict[int, _Style] = {}
        self._style = _Style()
        self._days: dict[str, dict[str, int]] = {}

    def word(self, table: str, name: str, number: int | None) -> None:
        """A control word in a table."""
        match table, name:
            case "fonttbl", "f":
                self._font = number or 0
            case "fonttbl", "fcharset" if number in CHARSETS:
                self.fonts[self._font] = CHARSETS[number]
            case "colortbl", "red" | "green" | "blue":
                self._colour[name] = number or 0
            case "style", "s":
                self._styles[number or 0] = self._style
            case "style", "outlinelevel":
                self._style.heading = outline_heading(number)
            case "style", "sbasedon":
                self._style.below = number
            case "revtim" | "creatim", "yr" | "mo" | "dy":
                self._days.setdefault(table, {})[name] = number or 0

    def end_colours(self, count: int) -> None:
        """So many colours end here; all but the first of them are empty."""
        for _ in range(count):
            values = [self._colour.get(name, 0) for name in ("red", "green", "blue")]
            known = self._colour and all(0 <= value < 256 for value in values)
            self._colours.append("".join(f"{value:02X}" for value in values) if known else None)
            self._colour = {}

    def begin_style(self) -> None:
        """The next style."""
        self._style = _Style()

    def name_style(self, text: str) -> None:
        """A piece of its name."""
        self._style.name += text

    def colour(self, number: int | None) -> str | None:
        """A colour by its number; None for the automatic one and for one that is not known."""
        at = number or 0
        return self._colours[at] if 0 < at < len(self._colours) else None

    def heading(self, number: int) -> int:
        """Heading level of a style; 0 for none."""
        for _ in range(_DEEPEST):
            style = self._styles.get(number)
            if style is None:
                break
            named = heading_of_name(style.name.strip().rstrip(";"))
            if style.heading is not None or named:
                return style.heading or named or 0
            if style.below is None:
                break
            number = style.below
        return 0

    def date(self) -> str | None:
        """Day of the last change, else of creation, where the file says so."""
        for name in ("revtim", "creatim"):
            day = self._days.get(name, {})
            if day.get("yr") and 1 <= day.get("mo", 0) <= 12 and 1 <= day.get("dy", 0) <= 31:
                return f"{day['yr']:04}-{day['mo']:02}-{day['dy']:02}"
        return None
