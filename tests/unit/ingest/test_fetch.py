from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException

import pytest

from ingest import media
from ingest.addresses import IPAddress
from ingest.answers import BadStatus, Validators
from ingest.connection import Allowance
from ingest.fetch import Fetched, Fetcher, FetchLimits
from rag.errors import DamagedSource, EmptySource, ForbiddenAddress, SourceError, TooLarge, Unreachable, UnsupportedType
from tests.web import PageServer, Reply, answer, page_server, redirect

PAGE = b"<html><head><title>T</title></head><body><p>Caf\xc3\xa9</p></body></html>"
DEFAULT = FetchLimits()
URL = "http://www.example.com/page"


def fetcher(server: PageServer, *, limits: FetchLimits = DEFAULT, tls: ssl.SSLContext | None = None) -> Fetcher:
    return Fetcher(
        limits=limits,
        resolver=lambda host, port: ["93.184.216.34"],
        open_connection=lambda address, port, seconds: socket.create_connection(("127.0.0.1", server.port), seconds),
        tls=tls,
    )


def fetched(reply: Reply, *, url: str = URL, limits: FetchLimits = DEFAULT, pause: float = 0.0) -> Fetched:
    with page_server(reply, pause=pause) as server:
        return fetcher(server, limits=limits).fetch(url)


def test_page_comes_back_as_served() -> None:
    with page_server(answer(PAGE, "Set-Cookie: a=b", media_type="Text/HTML; Charset=UTF-8")) as server:
        page = fetcher(server).fetch("http://www.Example.com/ä b".replace(" ", "%20") + "#part")
        assert server.requests[0].splitlines()[:2] == ["GET /%C3%A4%20b HTTP/1.1", "Host: www.example.com"]
    assert (page.data, page.media_type, page.charset) == (PAGE, "text/html", "utf-8")
    assert page.final_url == "http://www.example.com/%C3%A4%20b"
    assert datetime.now(UTC) - page.fetched_at < timedelta(minutes=1)


def test_redirects_are_followed_without_cookies_and_the_last_address_is_told() -> None:
    def reply(target: str) -> bytes:
        if target == "/page":
            return redirect("/zweite?x=ü", status=301)
        if target.startswith("/zweite"):
            return redirect("http://other.example.com/end", status=307)
        return answer(PAGE)

    with page_server(reply) as server:
        page = fetcher(server).fetch(URL)
        assert len(server.requests) == 3
        assert not any("cookie" in request.lower() or "referer" in request.lower() for request in server.requests)
    assert page.url == URL
    assert page.final_url == "http://other.example.com/end"


def test_redirect_loop_ends_after_five() -> None:
    with page_server(redirect("/page")) as server:
        with pytest.raises(Unreachable, match="more than 5 times"):
            fetcher(server).fetch(URL)
        assert server.connections == 6


@pytest.mark.parametrize(
    "location", ["http://[::1", "http://10.0.0.1/", "file:///etc/passwd", "http://u@b.example.com/"]
)
def test_redirect_to_something_else_is_forbidden(location: str) -> None:
    with pytest.raises(ForbiddenAddress):
        fetched(redirect(location))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PAGE), "gzip"),
        (gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:]), "x-gzip"),
        (gzip.compress(PAGE) + b"\0" * 8, "GZIP"),
        (zlib.compress(PAGE), "deflate"),
        (zlib.compress(PAGE)[2:-4], "deflate"),
        (PAGE, "identity"),
    ],
    # The time of day is in a gzip header: such bytes in a name would differ from worker to worker.
    ids=["gzip", "gzip of two members", "gzip padded", "zlib", "deflate", "identity"],
)
def test_compressed_pages_are_unpacked(body: bytes, encoding: str) -> None:
    assert fetched(answer(body, f"Content-Encoding: {encoding}")).data == PAGE


def test_chunked_page_is_put_together() -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (PAGE[:5], PAGE[5:])) + b"0\r\n\r\n"
    assert fetched(answer(body, "Transfer-Encoding: chunked")).data == PAGE


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_compression_that_was_not_offered_is_refused(encoding: str) -> None:
    with pytest.raises(Unreachable, match="compresses"):
        fetched(answer(PAGE, f"Content-Encoding: {encoding}"))


def gzip_bomb(size: int) -> bytes:
    return gzip.compress(b"<p>" + b"\0" * size, compresslevel=9)


@pytest.mark.parametrize(
    "reply",
    [
        answer(gzip_bomb(64 * 2**20), "Content-Encoding: gzip"),
        answer(gzip.compress(b"a" * 400_000) * 3, "Content-Encoding: gzip"),
        answer(zlib.compress(b"b" * 2_000_000), "Content-Encoding: deflate"),
        answer(b"c" * 2_000_000),
        answer(b"", "Content-Length: 99999999999"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"d" * 2_000_000,
        answer(b"200000\r\n" + b"e" * 0x200000 + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    ],
    ids=["bomb", "members", "deflate", "long", "announced", "until the end", "chunked"],
)
def test_page_past_the_limit_is_too_large_with_the_figure(reply: bytes) -> None:
    with pytest.raises(TooLarge, match="1 MB"):
        fetched(reply, limits=FetchLimits(size=2**20))


def test_page_of_exactly_the_limit_is_taken() -> None:
    body = b"x" * 2**20
    assert fetched(answer(body), limits=FetchLimits(size=2**20)).data == body
    assert fetched(answer(gzip.compress(body), "Content-Encoding: gzip"), limits=FetchLimits(size=2**20)).data == body


@pytest.mark.parametrize(
    "reply",
    [
        answer(PAGE, f"Content-Length: {len(PAGE) + 1}"),
        answer(b"ff\r\n<p>broken", "Transfer-Encoding: chunked"),
        answer(b"5\r\n<p>br\r\n", "Transfer-Encoding: chunked"),
        answer(b"-1\r\n" + b"x" * 9_000_000, "Transfer-Encoding: chunked"),
        answer(gzip.compress(PAGE)[:-12], "Content-Encoding: gzip"),
        answer(zlib.compress(PAGE)[:-6], "Content-Encoding: deflate"),
        answer(b"\x1f\x8b\x08nonsense", "Content-Encoding: gzip"),
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 300_000,
    ],
)
def test_answer_that_breaks_off_or_is_nonsense_is_unreachable(reply: bytes) -> None:
    with pytest.raises(Unreachable):
        fetched(reply, limits=FetchLimits(size=2**20))


def drip(first: bytes, piece: bytes) -> Iterable[bytes]:
    yield first
    while True:
        yield piece


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Slow: ", b"y"),
        (b"", b"H"),
        (answer(b"", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
    ],
    ids=["body", "header", "status", "chunks"],
)
def test_time_limit_holds_for_the_whole_page_and_not_for_each_read(first: bytes, piece: bytes) -> None:
    """Every single read succeeds: a limit on each of them would never end this."""
    with pytest.raises(Unreachable, match=r"in time \(the limit is 0.3 seconds\)"):
        fetched(drip(first, piece), limits=FetchLimits(seconds=0.3), pause=0.02)


def test_time_limit_spans_redirects() -> None:
    def pieces() -> Iterator[bytes]:
        for byte in redirect("/page"):
            yield bytes([byte])

    class Slowly:
        def __iter__(self) -> Iterator[bytes]:
            return pieces()

    with page_server(Slowly(), pause=0.002) as server, pytest.raises(Unreachable, match="in time"):
        fetcher(server, limits=FetchLimits(seconds=0.4, redirects=1000)).fetch(URL)
    assert server.connections >= 1


def test_look_up_that_hangs_ends_in_time() -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        release.wait(30)
        return []

    with pytest.raises(Unreachable, match="in time"):
        Fetcher(limits=FetchLimits(seconds=0.2), resolver=hang).fetch(URL)
    release.set()


def test_next_address_of_a_host_is_tried_when_one_is_dead() -> None:
    with page_server(answer(PAGE)) as server:

        def open_connection(address: IPAddress, port: int, seconds: float) -> socket.socket:
            if address.version == 6:
                raise ConnectionRefusedError
            return socket.create_connection(("127.0.0.1", server.port), seconds)

        both = Fetcher(
            resolver=lambda host, port: ["2606:2800:220:1::1", "93.184.216.34"], open_connection=open_connection
        )
        assert both.fetch(URL).data == PAGE


@pytest.mark.parametrize(
    ("failure", "message"),
    [(socket.gaierror("x"), "no web server named"), (ConnectionRefusedError(), "cannot be reached")],
)
def test_host_that_is_not_there_says_so(failure: OSError, message: str) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise failure

    with pytest.raises(Unreachable, match=message) as caught:
        Fetcher(resolver=fail).fetch(URL)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("401 Unauthorized", "without a login"),
        ("403 Forbidden", "without a login"),
        ("404 Not Found", "no page at this address"),
        ("410 Gone", "no page at this address"),
        ("500 Oops", "answered with an error"),
        ("204 No Content", "answered with an error"),
        ("206 Partial Content", "answered with an error"),
        ("302 Nowhere", "answered with an error"),
    ],
)
def test_status_becomes_a_reason(status: str, message: str) -> None:
    with pytest.raises(Unreachable, match=message):
        fetched(answer(PAGE, status=status))


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_empty_page_is_an_error(body: bytes) -> None:
    with pytest.raises(EmptySource):
        fetched(answer(body))


@pytest.mark.parametrize(
    ("served", "body", "path", "expected"),
    [
        ("text/html", PAGE, "/", "text/html"),
        ("application/xhtml+xml", PAGE, "/", "text/html"),
        ("text/plain", b"plain words", "/a.txt", "text/plain"),
        ("text/plain", b"# Head", "/README.md", "text/markdown"),
        ("text/markdown; variant=GFM", b"# Head", "/", "text/markdown"),
        ("application/pdf", b"%PDF-1.7\n...", "/a.pdf", "application/pdf"),
        ("application/octet-stream", b"%PDF-1.7\n...", "/download", "application/pdf"),
        ("text/html", b"%PDF-1.7\n...", "/download", "application/pdf"),
        ("", PAGE, "/", "text/html"),
    ],
)
def test_type_is_the_servers_unless_the_content_knows_better(
    served: str, body: bytes, path: str, expected: str
) -> None:
    assert fetched(answer(body, media_type=served), url="http://www.example.com" + path).media_type == expected


@pytest.mark.parametrize(
    ("served", "body"),
    [
        ("video/mp4", b"plain words"),
        ("image/x-canon-raw", b"plain words"),
        ("font/woff2", b"wOF2"),
        ("application/x-msdownload", b"MZ\x90\x00"),
        ("application/octet-stream", b"\x7fELF\x00\x00"),
        ("", b"\x00\x01\x02"),
    ],
)
def test_other_types_are_refused(served: str, body: bytes) -> None:
    with pytest.raises(UnsupportedType):
        fetched(answer(body, media_type=served))


@pytest.mark.parametrize("charset", ["klingon-8", "rot13", "hex", "unicode_escape", "punycode", "utf-7", '"', "\x00"])
def test_unknown_charset_leaves_the_bytes_alone(charset: str) -> None:
    body = "<p>Grüße</p>".encode("cp1252")
    page = fetched(answer(body, media_type=f"text/html; charset={charset}"))
    assert (page.data, page.charset) == (body, None)


def test_charset_that_only_the_server_named_is_kept_in_the_bytes() -> None:
    page = fetched(answer("Привет".encode("koi8-r"), media_type="text/plain; charset=KOI8-R"))
    assert page.data.decode("utf-8-sig") == "Привет"
    assert page.charset == "koi8-r"


def test_utf8_text_under_a_wrong_charset_stays_utf8() -> None:
    assert fetched(answer(PAGE, media_type="text/html; charset=iso-8859-1")).data == PAGE


def test_messages_are_fit_for_a_person() -> None:
    for reply in (b"", answer(b"", status="500 Oops"), redirect("http://127.0.0.1/")):
        with pytest.raises(SourceError) as caught:
            fetched(reply)
        assert caught.value.hint
        assert "Traceback" not in caught.value.message
        assert "0x" not in caught.value.message


READABLE = frozenset({media.HTML, media.TEXT, media.MARKDOWN, media.PDF, media.DOCX, media.CSV})
DOCX = b"PK\x03\x04" + b"\x00" * 26 + b"word/document.xml"


@pytest.mark.parametrize(
    ("served", "headers", "body", "path", "expected"),
    [
        (media.DOCX, [], DOCX, "/download?id=3", media.DOCX),
        ("application/octet-stream", [], DOCX, "/report.docx", media.DOCX),
        ("application/octet-stream", ['Content-Disposition: attachment; filename="a.docx"'], DOCX, "/x", media.DOCX),
        ("", ["Content-Disposition: attachment; filename*=UTF-8''%C3%A4.csv"], b"a,b\n1,2", "/x", media.CSV),
        ("text/plain", [], b"a,b\n1,2", "/rows.csv", media.CSV),
        ("application/vnd.something-new", [], DOCX, "/report.docx", media.DOCX),
    ],
)
def test_files_are_taken_by_type_name_and_content(
    monkeypatch: pytest.MonkeyPatch, served: str, headers: list[str], body: bytes, path: str, expected: str
) -> None:
    monkeypatch.setattr("ingest.answers.READABLE", READABLE)
    page = fetched(answer(body, *headers, media_type=served), url="http://www.example.com" + path)
    assert (page.media_type, page.data) == (expected, body)


def test_a_login_page_in_the_place_of_a_file_is_told() -> None:
    with pytest.raises(DamagedSource):
        fetched(answer(PAGE, media_type="application/pdf"), url="http://www.example.com/report.pdf")


def test_files_may_be_larger_and_slower_than_pages() -> None:
    body = b"%PDF-1.7\n" + b"x" * 3_000_000
    limits = FetchLimits(size=2**20, file_size=4 * 2**20)
    assert fetched(answer(body, media_type="application/pdf"), limits=limits).data == body
    with pytest.raises(TooLarge, match="4 MB"):
        fetched(answer(body * 2, media_type="application/pdf"), limits=limits)
    with pytest.raises(TooLarge, match="1 MB"):
        fetched(answer(body), limits=limits)


def test_a_file_gets_more_time_than_a_page() -> None:
    allowance = Allowance(0.0, 10)
    with pytest.raises(TimeoutError):
        allowance.left()
    allowance.widen(60.0, 5)
    assert allowance.left() > 0
    allowance.spend(15)
    with pytest.raises(HTTPException):
        allowance.spend(1)


def test_what_has_not_changed_is_not_sent_again() -> None:
    def reply(target: str) -> bytes:
        asked = server.requests[-1]
        if 'If-None-Match: "v1"' in asked and "If-Modified-Since: Sun, 03 May 2026 10:00:00 GMT" in asked:
            return answer(b"", status="304 Not Modified")
        return answer(PAGE, 'ETag: "v1"', "Last-Modified: Sun, 03 May 2026 10:00:00 GMT")

    with page_server(reply) as server:
        first = fetcher(server).fetch(URL)
        assert first.validators == Validators('"v1"', "Sun, 03 May 2026 10:00:00 GMT")
        assert fetcher(server).fetch_changed(URL, first.validators) is None
        changed = fetcher(server).fetch_changed(URL, Validators('"v0"'))
        assert changed is not None
        assert changed.data == PAGE
        assert fetcher(server).fetch_changed(URL, Validators()) is not None


def test_a_validator_that_could_break_a_header_is_not_kept() -> None:
    assert fetched(answer(PAGE, 'ETag: "ü"', "Last-Modified: " + "x" * 400)).validators == Validators()


def test_not_modified_without_having_asked_is_an_error() -> None:
    with pytest.raises(BadStatus):
        fetched(answer(b"", status="304 Not Modified"))


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("soon", None), ("-1", None), ("9" * 400, 86400.0), ("", None)]
)
def test_a_server_says_when_to_come_back(value: str, seconds: float | None) -> None:
    with pytest.raises(BadStatus) as caught:
        fetched(answer(b"", f"Retry-After: {value}", status="429 Slow down"))
    assert (caught.value.status, caught.value.retry_after) == (429, seconds)


def test_a_date_to_come_back_at_is_understood() -> None:
    with pytest.raises(BadStatus) as caught:
        fetched(answer(b"", "Retry-After: Fri, 31 Dec 2199 23:59:59 GMT", status="503 Busy"))
    assert caught.value.retry_after == 86400.0


def test_a_redirect_is_asked_about_before_it_is_followed() -> None:
    asked: list[str] = []

    def passes(address: str) -> None:
        asked.append(address)
        raise ForbiddenAddress("no")

    with page_server(redirect("http://other.example.com/x")) as server:
        with pytest.raises(ForbiddenAddress):
            fetcher(server).fetch(URL, passes=passes)
        assert server.connections == 1
    assert asked == ["http://other.example.com/x"]


def test_bytes_of_any_type_are_read_within_their_limit() -> None:
    with page_server(answer(b"User-agent: *", media_type="video/mp4")) as server:
        assert fetcher(server).fetch_bytes(URL, limit=13) == b"User-agent: *"
        with pytest.raises(TooLarge):
            fetcher(server).fetch_bytes(URL, limit=12)
    with page_server(answer(b"")) as server:
        assert fetcher(server).fetch_bytes(URL, limit=12) == b""
