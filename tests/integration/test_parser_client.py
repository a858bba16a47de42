"""Files read and drawn through the helper process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from PIL import Image

from ingest import media
from ingest.loaders import assemble, loader_for
from ingest.parser.client import ParserClient
from ingest.parser.limits import ParserLimits
from rag.errors import Cancelled, DamagedSource, InvalidInput, NoText, TooLarge
from rag.types import Document
from tests.conftest import ROOT
from tests.support.documents import long_text, pdf
from tests.support.office_files import docx, odf, paragraph, pptx, shape

PAGES = [["The tenant of the garden gave notice", f"on page {number} of the lease."] for number in range(1, 6)]


@pytest.fixture
def client() -> Iterator[ParserClient]:
    client = ParserClient()
    yield client
    client.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.pdf"
    path.write_bytes(pdf(PAGES))
    return path


def parse(client: ParserClient, path: Path, media_type: str = media.PDF, *, title: str | None = None) -> Document:
    return client.parse(path, media_type, title=title, cancelled=lambda: False, progress=lambda done, total: None)


def test_the_helper_gives_what_the_loader_gives_with_the_language(client: ParserClient, path: Path) -> None:
    document = parse(client, path, title="Lease")
    direct = assemble(loader_for(media.PDF).load(path, title="Lease"))
    assert document.text == direct.text
    assert document.blocks == direct.blocks
    assert [page.span for page in document.pages] == [page.span for page in direct.pages]
    assert all(
        document.text[word.start : word.end] in PAGES[page.number - 1][0] + PAGES[page.number - 1][1]
        for page in document.pages
        for word in page.words
    )
    assert document.language == "en"


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        (media.TEXT, b"One sentence."),
        (media.MARKDOWN, b"# Head\n\nText"),
        (media.HTML, b"<h1>Head</h1><p>One sentence.</p>"),
        (media.DOCX, docx(paragraph("One sentence."))),
        (media.ODT, odf("<text:p>One sentence.</text:p>")),
        (media.PPTX, pptx(shape("One sentence."))),
    ],
)
def test_every_format_goes_through_the_helper(
    client: ParserClient, tmp_path: Path, media_type: str, data: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert parse(client, path, media_type).text


def test_one_helper_serves_many_files_and_each_its_own_worker(client: ParserClient, path: Path) -> None:
    parse(client, path)
    first = client.pid
    parse(client, path)
    assert client.pid == first is not None
    assert client.worker_pid is None


def test_progress_ends_at_the_last_page(client: ParserClient, path: Path) -> None:
    told: list[tuple[int, int]] = []
    client.parse(
        path, media.PDF, title=None, cancelled=lambda: False, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (5, 5)


def test_a_page_is_drawn(client: ParserClient, path: Path) -> None:
    image = Image.open(BytesIO(client.render(path, media.PDF, 2, dpi=72, boxes=[(60, 770, 200, 790)])))
    assert (image.format, image.size) == ("PNG", (595, 842))
    with pytest.raises(InvalidInput, match="no page 9"):
        client.render(path, media.PDF, 9, dpi=72)


def test_errors_of_the_loader_arrive_with_message_and_hint(client: ParserClient, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(pdf([[]]))
    with pytest.raises(NoText) as caught:
        parse(client, path)
    assert "1 page" in caught.value.message
    assert caught.value.hint
    assert str(tmp_path) not in caught.value.message + caught.value.hint
    path.write_bytes(b"%PDF-1.7 rubbish")
    with pytest.raises(DamagedSource):
        parse(client, path)


def test_a_file_that_is_gone_is_an_error_not_a_crash(client: ParserClient, tmp_path: Path) -> None:
    with pytest.raises(DamagedSource) as caught:
        parse(client, tmp_path / "nothing.txt", media.TEXT)
    assert str(tmp_path) not in caught.value.message


def test_a_cancelled_file_stops_and_the_next_one_is_read(client: ParserClient, path: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(pdf([long_text(1, paragraphs=6).splitlines()] * 1000))
    pages: list[int] = []
    with pytest.raises(Cancelled):
        client.parse(
            large,
            media.PDF,
            title=None,
            cancelled=lambda: bool(pages and pages[-1]),
            progress=lambda done, total: pages.append(done),
        )
    assert 0 < pages[-1] < 1000
    assert parse(client, path).pages


def test_a_caller_that_raises_does_not_mix_up_the_next_file(client: ParserClient, path: Path, tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        raise KeyError(done)

    with pytest.raises(KeyError):
        client.parse(path, media.PDF, title=None, cancelled=lambda: False, progress=progress)
    other = tmp_path / "other.pdf"
    other.write_bytes(pdf([["something else"]]))
    assert parse(client, other).text == "something else"


def test_cancelling_before_the_worker_has_started_does_not_mix_up_the_next_file(
    client: ParserClient, path: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.pdf"
    large.write_bytes(pdf([long_text(1, paragraphs=40).splitlines()] * 100))
    for _ in range(3):
        with pytest.raises(Cancelled):
            client.parse(large, media.PDF, title=None, cancelled=lambda: True, progress=print)
        assert len(parse(client, path).pages) == 5


def test_limits_on_pages_and_text_name_their_figures(path: Path) -> None:
    few = ParserClient(ParserLimits(pages=3))
    little = ParserClient(ParserLimits(text_characters=50))
    try:
        with pytest.raises(TooLarge, match="5 pages; the limit is 3"):
            parse(few, path)
        with pytest.raises(TooLarge, match="more than 50 characters"):
            parse(little, path)
    finally:
        few.close()
        little.close()


def test_a_file_is_read_while_pages_are_opened_without_end_and_its_rests_do_not_count(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested: list[float] = []
    counted = 0.0

    def rest(at_most: float) -> float:
        rested.append(at_most)
        return counted

    now = lambda: time.monotonic() + 1_000.0 * len(rested)  # noqa: E731 - far more than the limit, each time
    monkeypatch.setattr("ingest.parser.client.rest", rest)
    monkeypatch.setattr("ingest.parser.watch.time", SimpleNamespace(monotonic=now))
    client = ParserClient()
    try:
        parse(client, path)
        assert rested == []  # a person waits for what this one reads
        client.gives_way = True
        with pytest.raises(TooLarge):  # as it would be if they counted
            parse(client, path)
        counted = 1_000.0
        parse(client, path)
        assert max(rested) <= 0.1
    finally:
        client.close()


def test_threads_share_one_client(client: ParserClient, path: Path) -> None:
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(parse(client, path).text)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 4
    assert len(set(texts)) == 1


def test_waiting_for_another_file_can_be_cancelled(client: ParserClient, path: Path) -> None:
    with client._busy, pytest.raises(Cancelled):
        client.parse(path, media.PDF, title=None, cancelled=lambda: True, progress=lambda done, total: None)


def test_close_ends_the_helper_and_refuses_more(path: Path) -> None:
    client = ParserClient()
    parse(client, path)
    pid = client.pid
    client.close()
    client.close()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    with pytest.raises(Cancelled):
        parse(client, path)


def test_the_helper_ends_when_the_application_is_gone(path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from ingest.parser.client import ParserClient; c = ParserClient();"
        "c.parse(Path(sys.argv[1]), 'application/pdf', title=None, cancelled=lambda: False, progress=lambda *_: None);"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    application = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    with application:
        line = application.stdout.readline() if application.stdout else b""
        helper = psutil.Process(int(line))
        assert helper.is_running()
        application.kill()
        application.wait()
        helper.wait(timeout=10)


def test_the_helper_sees_no_secrets_of_the_environment(
    client: ParserClient, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "canary")
    parse(client, path)
    environment = psutil.Process(client.pid).environ()
    assert "PATH" in environment
    assert "SOME_API_KEY" not in environment


def test_an_idle_helper_is_small_and_does_not_know_the_large_parsers(client: ParserClient, path: Path) -> None:
    parse(client, path)
    loaded = {Path(mapped.path).name for mapped in psutil.Process(client.pid).memory_maps()}
    assert any("pdfium" in name for name in loaded)
    assert not any(name.startswith("etree") for name in loaded)  # lxml comes with the first web page
    assert psutil.Process(client.pid).memory_full_info().uss < 60 * 2**20
