"""Page numbers in the words of a person, for notes."""

from __future__ import annotations

from collections.abc import Sequence

_LISTED = 12
"""A note lists so many page ranges and counts the rest."""


def page_ranges(numbers: Sequence[int]) -> str:
    """ "Page 3", "Pages 3, 7-9"; `numbers` ascend."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    more = f" and {len(shown) - _LISTED} more ranges" if len(shown) > _LISTED else ""
    return f"{'Page' if len(numbers) == 1 else 'Pages'} {', '.join(shown[:_LISTED])}{more}"
