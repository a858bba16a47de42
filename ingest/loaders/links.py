"""Where links lead, kept in the text where a reader would not know it otherwise."""

from __future__ import annotations

import re

from ingest.loaders.titles import clean

_KEPT = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)
_LEAD = re.compile(r"^(?:https?://(?:www\.)?|ftp://|mailto:|tel:|www\.)", re.IGNORECASE)
_LONGEST = 300


def with_target(text: str, target: str) -> str:
    """`text` with the address it leads to in brackets, unless it says so itself or there is nothing to click on."""
    target = clean(target)
    if not text.strip() or not _KEPT.match(target) or len(target) > _LONGEST or _bare(target) in _bare(text):
        return text
    return f"{text} ({target})"


def _bare(address: str) -> str:
    return _LEAD.sub("", address.strip()).rstrip("/").casefold()
