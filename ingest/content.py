"""The body of an HTTP answer: decompressed within a limit, and text made readable without its header."""

from __future__ import annotations

import codecs
import re
import zlib
from http.client import HTTPResponse, IncompleteRead

from rag.errors import TooLarge, Unreachable

_BLOCK = 64 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15
"""Values of zlib's wbits."""
_CHARSETS = re.compile(
    r"ascii|utf-8|utf-16.*|utf-32.*|iso8859.*|iso2022.*|cp\d+|koi8.*|mac.*|gb.*|big5.*|euc_.*|shift_jis.*|tis-620"
)
"""Python codecs that are charsets of web pages; others are slow (punycode) or no charsets at all (unicode_escape)."""
_SUPERSETS = {"ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""What browsers read under these names (WHATWG Encoding Standard, section 4.2)."""
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_body(response: HTTPResponse, *, limit: int) -> bytes:
    """The whole body, decompressed.

    Raises:
        TooLarge: it has, or announces, more than `limit` bytes, before or after decompression.
        Unreachable: compressed in a way that was not offered, or damaged.
        http.client.IncompleteRead: it ended before the length it announced.
    """
    announced = response.length
    if announced is not None and announced > limit:
        raise _too_large(announced, limit)
    body = bytearray()
    received = 0
    inflater = _inflater(response.headers.get("Content-Encoding", ""))
    while block := _next_block(response):
        received += len(block)
        body += inflater.feed(block, limit + 1 - len(body)) if inflater else block
        if len(body) > limit or received > limit:
            raise _too_large(None, limit)
    if (announced is not None and received < announced) or (inflater and received and not inflater.complete):
        raise IncompleteRead(b"")
    return bytes(body)


def _next_block(response: HTTPResponse) -> bytes:
    try:
        return response.read(_BLOCK)
    except ValueError as error:  # http.client trusts a negative chunk size
        raise IncompleteRead(b"") from error


def in_utf8(data: bytes, charset: str | None) -> tuple[bytes, str | None]:
    """Text that can be read without the header it came with, and the charset's name if there is such a charset.

    Bytes that are UTF-8 or carry a mark already stay as they are, whatever the header says.
    """
    try:
        codec = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return data, None
    if not _CHARSETS.fullmatch(codec):
        return data, None
    if data.startswith(_MARKS):
        return data, charset
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode(_SUPERSETS.get(codec, codec), errors="replace")
        return codecs.BOM_UTF8 + text.encode("utf-8", errors="replace"), charset
    return data, charset


class _Inflater:
    """gzip (also several members in a row), zlib or raw deflate, never more than asked for at a time."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream = zlib.decompressobj(_GZIP) if gzip else None

    @property
    def complete(self) -> bool:
        """Whether the compressed stream has reached its end."""
        return self._stream is not None and self._stream.eof

    def feed(self, block: bytes, room: int) -> bytes:
        """What `block` inflates to, at most `room` bytes of it: the caller gives up when there are as many."""
        out = bytearray()
        try:
            while block and len(out) < room:
                if self._stream is None:
                    self._stream = zlib.decompressobj(_ZLIB if _is_zlib(block) else _RAW)
                elif self._stream.eof:
                    if not self._gzip or not block.strip(b"\0"):
                        break
                    self._stream = zlib.decompressobj(_GZIP)
                out += self._stream.decompress(block, room - len(out))
                block = self._stream.unused_data or self._stream.unconsumed_tail
        except zlib.error as error:
            raise Unreachable("The page's compressed data is damaged.", hint="Try again later.") from error
        return bytes(out)


def _inflater(encoding: str) -> _Inflater | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflater(gzip=name != "deflate")
    raise Unreachable(
        f"The server compresses the page in a way Footnote does not read ({name[:40]}).",
        hint="Save the page in your browser and add the file.",
    )


def _is_zlib(block: bytes) -> bool:
    """By the two header bytes of RFC 1950; some servers send raw deflate instead."""
    return len(block) > 1 and block[0] & 0x0F == 8 and (block[0] << 8 | block[1]) % 31 == 0


def _too_large(size: int | None, limit: int) -> TooLarge:
    figure = f"has {size / 2**20:.0f} MB" if size else "is larger than that"
    return TooLarge(
        f"Up to {limit / 2**20:.0f} MB are fetched from one address; this one {figure}.",
        hint="Download it with your browser and add the file.",
    )
