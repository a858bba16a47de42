"""Files that no honest program writes: bombs, cycles, lies, torn and altered ones, each with the ends it may have."""

from __future__ import annotations

from dataclasses import dataclass

READY = "ready"
REFUSED = frozenset({"damaged", "too_large", "unsupported", "empty", "no_text", "encrypted"})
"""Ends that a file itself can be the reason of."""
ANY = REFUSED | {READY}


@dataclass(frozen=True)
class Hostile:
    """One file. `ends` are the states and error codes that are right for it; `never` must not be in its text."""

    family: str
    name: str
    data: bytes
    ends: frozenset[str] = ANY
    never: str = ""
