"""Long lists of ids in pieces that fit into one query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

SQL_VARIABLES = 500
"""Ids in one IN list; SQLite's default limit was 999 before 3.32."""

T = TypeVar("T")


def batches(items: Sequence[T], size: int = SQL_VARIABLES) -> Iterator[Sequence[T]]:
    """The items in their order, at most `size` at once."""
    return (items[start : start + size] for start in range(0, len(items), size))
