"""Where the links of a page lead, in its text: "text (https://…)" for those to other sites, without trackers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

_LONGEST = 100
"""Of a longer address only the site is shown."""
_LONGEST_QUERY = 40
_TRACKING = re.compile(
    r"(?:^|&)(?:utm_\w+|fbclid|gclid|msclkid|mc_\w+|ref|source|campaign|aff\w*|tag|session\w*)=", re.I
)
_SHARING = re.compile(r"/(?:sharer?|intent|share-offsite|submit)(?:[/.?]|$)", re.IGNORECASE)
_NOT_IN = ("head", "table", "code")
"""A heading stays a heading, and a cell short."""


def spell_out(body: Any, *, own: str) -> None:
    """Write the address behind the text of each link that leads elsewhere; `body` is trafilatura's and is changed.

    Args:
        own: the page's own host, "" where it is not known.
    """
    for link in body.iter("ref"):
        address = _address(link.get("target") or "", own)
        text = " ".join("".join(link.itertext()).split())
        if not address or not text or next(link.iterancestors(*_NOT_IN), None) is not None:
            continue
        if _host(address) in text.lower():
            continue
        last = link[-1] if len(link) else None
        if last is None:
            link.text = f"{(link.text or '').rstrip()} ({address})"
        else:
            last.tail = f"{(last.tail or '').rstrip()} ({address})"


def _address(target: str, own: str) -> str:
    """The address as it is shown; "" if it is not worth showing."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:  # no address at all
        return ""
    host = _bare(parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host or host == own or _SHARING.search(parts.path):
        return ""
    return _short(parts)


def _short(parts: SplitResult) -> str:
    site = f"{parts.scheme}://{parts.hostname}"
    query = parts.query if len(parts.query) <= _LONGEST_QUERY and not _TRACKING.search(parts.query) else ""
    address = site + parts.path.rstrip("/") + (f"?{query}" if query else "")
    whole = len(address) <= _LONGEST and address.isprintable() and not any(map(str.isspace, address))
    return address if whole else site


def _host(address: str) -> str:
    return _bare(urlsplit(address).hostname or "")


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")
