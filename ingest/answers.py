"""What an HTTP answer is: a status that becomes a reason, or a page or file with its type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ingest import media
from ingest.addresses import WebAddress
from ingest.content import in_utf8, read_body
from ingest.loaders import READABLE
from rag.errors import EmptySource, Unreachable, UnsupportedType

_LOGIN = frozenset({401, 402, 403, 407})
GONE = frozenset({404, 410})
"""Statuses by which a server says that there is nothing at an address."""

_ALIASES = {
    "application/xhtml+xml": media.HTML,
    "text/x-markdown": media.MARKDOWN,
    "application/x-pdf": media.PDF,
    "text/rtf": media.RTF,
    "application/x-rtf": media.RTF,
    "application/vnd.ms-word.document.macroenabled.12": media.DOCX,
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": media.PPTX,
    "application/vnd.ms-excel.sheet.macroenabled.12": media.XLSX,
    "application/csv": media.CSV,
    "application/x-tex": media.LATEX,
    "text/x-tex": media.LATEX,
    "text/xml": media.XML,
    "application/x-yaml": media.YAML,
    "text/yaml": media.YAML,
    "image/jpg": media.JPEG,
    "application/x-zip-compressed": media.ZIP,
}
_MEDIA_TYPES = {**{media_type: media_type for media_type in media.EXTENSIONS.values()}, **_ALIASES}
_PAGES = frozenset({media.HTML, media.MARKDOWN, media.TEXT})
"""What is read in the time and size of a page; all else is a file."""

_NEVER_READ = re.compile(r"(?:audio|video|font|model|image)/")
"""Kinds of content that cannot be read unless the very type has a loader: refused before the body is fetched."""

_CODED = frozenset({media.EML, media.MBOX, media.MHTML, media.XML})
"""Text that names the encodings of its parts itself."""

_TRY_LATER = "Check the address in a browser and try again later, or save the page and add the file."
_LONGEST_WAIT = 24 * 3600.0
_LONGEST_VALIDATOR = 300


class BadStatus(Unreachable):
    """A server answered with something else than the page."""

    def __init__(self, message: str, *, hint: str, status: int, retry_after: float | None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.passing = status == 429 or status >= 500
        self.retry_after = retry_after
        """Seconds that the server asks to wait; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Validators:
    """By what a server tells whether a page has changed (RFC 9110, section 8.8); empty where it names none."""

    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The request headers that ask for changed content only."""
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page or file as it was served; text in a charset that only the server named is in UTF-8 with a mark (BOM)."""

    url: str
    final_url: str
    media_type: str
    charset: str | None
    """As the server named it, None where it named none or one that does not exist."""
    data: bytes
    fetched_at: datetime
    validators: Validators = Validators()
    robots: str = ""
    """Values of X-Robots-Tag headers, one a line."""


def is_page(response: HTTPResponse) -> bool:
    """Whether the server announces a page rather than a file."""
    told = _MEDIA_TYPES.get(_declared(response))
    return told in _PAGES if told else _declared(response).startswith("text/")


def taken(url: str, web: WebAddress, response: HTTPResponse, *, limit: int) -> Fetched:
    """Read what was fetched for `url` and in the end came from `web`.

    Raises:
        TooLarge, Unreachable, http.client.HTTPException: see `read_body`.
        EmptySource: an answer without content.
        UnsupportedType, DamagedSource: a type without a loader, or content that is not of its type.
    """
    declared = _declared(response)
    told = _MEDIA_TYPES.get(declared, "")
    if (told and told not in READABLE) or (not told and _NEVER_READ.match(declared)):
        raise _not_read(declared)
    data = read_body(response, limit=limit)
    if not data.strip():
        raise EmptySource("The page is empty.", hint=_TRY_LATER)
    media_type = _media_type(told, data[: media.HEAD_BYTES], _name(web, response))
    if media_type not in READABLE:
        raise _not_read(declared or media_type)
    charset = response.headers.get_content_charset()
    if media_type in media.TEXTUAL - _CODED:
        data, charset = in_utf8(data, charset)
    else:
        charset = None
    return Fetched(
        url,
        web.url,
        media_type,
        charset,
        data,
        datetime.now(UTC),
        Validators(_validator(response, "ETag"), _validator(response, "Last-Modified")),
        "\n".join(response.headers.get_all("X-Robots-Tag", [])),
    )


def check_status(web: WebAddress, response: HTTPResponse) -> None:
    """Raise BadStatus where this is not the page."""
    status = response.status
    if status == 200:
        return
    hint = _TRY_LATER
    if status in _LOGIN:
        message = f"{web.host} does not show this page without a login ({status})."
        hint = "Open it in your browser, save it, and add the file."
    elif status in GONE:
        message = f"{web.host} has no page at this address ({status})."
        hint = "Check the address."
    elif status == 429:
        message = f"{web.host} asks for fewer requests ({status})."
        hint = "Try again later."
    else:
        message = f"{web.host} answered with an error ({status})."
    raise BadStatus(message, hint=hint, status=status, retry_after=_retry_after(response))


def _declared(response: HTTPResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _media_type(told: str, head: bytes, name: str) -> str:
    """The server's word counts for text, whose bytes tell little; for all else the bytes do."""
    named = media.EXTENSIONS.get(PurePosixPath(name).suffix.lower(), "")
    if head.lstrip().startswith(b"%PDF-"):
        return media.PDF
    if told not in media.TEXTUAL:
        return media.detect(head, name if not told or named == told else _renamed(told))
    if told == media.TEXT and (b"\x00" in head or named in media.TEXTUAL - {media.TEXT, media.HTML}):
        return media.detect(head, name)  # servers call many things plain text
    return told


def _renamed(media_type: str) -> str:
    """A name with an ending of this type, for addresses like /download?id=3."""
    return "file" + next(ending for ending, known in media.EXTENSIONS.items() if known == media_type)


def _name(web: WebAddress, response: HTTPResponse) -> str:
    """What the file is called: a label that only its ending is read of."""
    given = response.headers.get_filename() if "Content-Disposition" in response.headers else None
    return given or unquote(urlsplit(web.target).path).rpartition("/")[2]


def _validator(response: HTTPResponse, name: str) -> str:
    """A header as it can be sent back, else ""."""
    value = response.headers.get(name, "").strip()
    return value if value.isascii() and value.isprintable() and len(value) <= _LONGEST_VALIDATOR else ""


def _retry_after(response: HTTPResponse) -> float | None:
    """Seconds from now, of a number or a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)


def _not_read(declared: str) -> UnsupportedType:
    return UnsupportedType(
        f"The address leads to a file of type {declared[:80]}, which Footnote does not read.", hint=media.READABLE
    )
