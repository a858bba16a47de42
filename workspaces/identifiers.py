"""Ids, hashes and times as they are stored."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime


def new_id() -> str:
    """A random id, safe in file names, table names and URLs: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def chunk_id(index_id: str, version_id: str, ordinal: int, text: str) -> str:
    """The same chunk of a version always gets the same id in an index, so that writing it twice is harmless."""
    return text_hash(f"{index_id}\n{version_id}\n{ordinal}\n{text}")[:40]


def text_hash(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes; lone surrogates, which broken PDFs produce, are hashed as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> datetime:
    """The time in UTC, without a zone, as the database stores it."""
    return datetime.now(UTC).replace(tzinfo=None)
