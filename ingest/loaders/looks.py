"""How characters look, as far as it decides whether a person can see them."""

from __future__ import annotations

import re
from dataclasses import dataclass

TINY = 1.0
"""Points: nobody reads type of this size or smaller."""
WHITE = "FFFFFF"
_ALIKE = 8
"""Steps of 256 between two colours that a person does not tell apart."""
_COLOUR = re.compile(r"#?([0-9A-Fa-f]{6})")


@dataclass(frozen=True, slots=True)
class Look:
    """Properties of characters; None where nothing is said and what lies below counts."""

    vanish: bool | None = None
    colour: str | None = None
    """Six hexadecimal digits, or "auto"."""
    size: float | None = None
    """Points."""
    shade: str | None = None
    """Colour behind the characters, six hexadecimal digits; "" for one that is not known."""

    def over(self, below: Look) -> Look:
        """Both, where this one goes first."""
        return Look(
            self.vanish if self.vanish is not None else below.vanish,
            self.colour if self.colour is not None else below.colour,
            self.size if self.size is not None else below.size,
            self.shade if self.shade is not None else below.shade,
        )

    def hidden(self) -> bool:
        """Marked as hidden, too small to read, or of the colour of what lies behind."""
        if self.vanish or (self.size is not None and self.size <= TINY):
            return True
        return bool(self.colour) and alike(self.colour or "", WHITE if self.shade is None else self.shade)


def alike(colour: str, other: str) -> bool:
    """Whether a person could not tell two colours apart; False where one is not known."""
    one, two = _COLOUR.fullmatch(colour), _COLOUR.fullmatch(other)
    if not one or not two:
        return False
    pairs = zip(bytes.fromhex(one.group(1)), bytes.fromhex(two.group(1)), strict=True)
    return all(abs(a - b) < _ALIKE for a, b in pairs)


def colour_of(value: str) -> str | None:
    """A colour as six digits; None for anything else ("auto", "transparent", a name)."""
    match = _COLOUR.fullmatch(value.strip())
    return match.group(1).upper() if match else None
