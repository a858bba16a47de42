"""A page is recognised once, whatever ends its reading, and whichever version of its document shows it. What is counted
is how often an engine was begun, as the process that reads says before each picture."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfWriter

from ingest import media
from ingest.ocr import MOST_PAGES, Recognised, engines
from ingest.ocr.readings import pack
from ingest.parser import client as client_module
from ingest.parser.client import ParserClient
from ingest.parser.frames import Frame
from ingest.parser.watch import Watch
from ingest.protocols import Readings, RecognisedPicture
from rag.errors import DamagedSource, NotFound
from rag.types import Document
from tests.support.scans import DPI, GERMAN, drawn, encoded, scanned_pdf, watched
from tests.support.services import Gate, add, change, files_holding, ingested, opened, rows, settled, wait_until
from workspaces import recognitions
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord

PAGES = 5
KEPT = "SELECT version_id, picture FROM recognitions ORDER BY picture"

pytestmark = pytest.mark.skipif(not engines.installed(), reason="nothing here recognises text")


def sheets(*editions: str) -> list[Image.Image]:
    """Pages that differ in one word."""
    return [drawn([*GERMAN, f"Blatt {edition}"]) for edition in editions]


def numbered(count: int = PAGES) -> list[str]:
    return [f"{number}00" for number in range(1, count + 1)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[Watch]:
    return watched(monkeypatch)


@pytest.fixture
def client() -> Iterator[ParserClient]:
    client = ParserClient()
    yield client
    client.close()


def begun(watches: list[Watch]) -> int:
    """How often an engine was begun since this was asked last."""
    count = sum(watch.recognised for watch in watches)
    watches.clear()
    return count


class Remembered:
    """Readings in memory; `then` is called with how many are there when one was added."""

    def __init__(self, then: Callable[[int], object] = lambda _: None) -> None:
        self.readings: dict[str, bytes] = {}
        self.told: list[RecognisedPicture] = []
        self._then = then

    def known(self) -> Mapping[str, bytes]:
        return self.readings

    def take(self, recognised: RecognisedPicture) -> None:
        self.told.append(recognised)
        if recognised.reading:
            assert recognised.picture not in self.readings, "it was recognised twice"
            self.readings[recognised.picture] = recognised.reading
            self._then(len(self.readings))


def parse(client: ParserClient, path: Path, readings: Readings, media_type: str = media.PDF) -> Document:
    return client.parse(
        path, media_type, title=None, cancelled=lambda: False, progress=lambda done, total: None, readings=readings
    )


class StoppingParser(ParserClient):
    """Waits at a gate, the first time that so many readings were kept."""

    def __init__(self, gate: Gate, *, after: int) -> None:
        super().__init__()
        self._gate = gate
        self._after = after

    def parse(self, path: Path, media_type: str, *, readings: Readings | None = None, **options: Any) -> Document:
        assert readings is not None
        take, kept = readings.take, 0

        def stop(recognised: RecognisedPicture) -> None:
            nonlocal kept
            take(recognised)
            kept += bool(recognised.reading)
            if kept == self._after:
                self._after = -1
                self._gate.close()
                self._gate.wait(give_up=options["cancelled"])

        readings.take = stop  # type: ignore[method-assign]
        return super().parse(path, media_type, readings=readings, **options)


def locked(content: bytes, password: str) -> bytes:
    writer = PdfWriter(clone_from=BytesIO(content))
    writer.encrypt(password, algorithm="AES-256")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def told(services: Services, record: DocumentRecord) -> tuple[object, ...]:
    """All that a person is told of a document, and its text."""
    return services.viewer.text(record.version_id), record.report, record.notes, record.pages, record.language


# --- the reading process --------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a worker that can be killed")
def test_when_the_reader_is_killed_its_second_try_recognises_the_rest_only(
    client: ParserClient, watches: list[Watch], tmp_path: Path
) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf(sheets(*numbered())))

    def kill(count: int) -> None:
        if count == 2 and client.worker_pid:
            os.kill(client.worker_pid, signal.SIGKILL)

    readings = Remembered(kill)
    document = parse(client, path, readings)
    assert len(document.pages) == len(readings.readings) == PAGES
    again = [recognised.picture for recognised in readings.told if not recognised.reading]
    assert len(watches) == 2, "the control: it was killed"
    assert 2 <= len(again) < PAGES
    assert watches[1].recognised == PAGES - len(again)


def test_frames_that_are_known_are_given_no_time_to_be_recognised_and_read_the_same(
    client: ParserClient, watches: list[Watch], tmp_path: Path
) -> None:
    path = tmp_path / "scan.tiff"
    first, *others = sheets(*numbered(3))
    path.write_bytes(encoded(first, "TIFF", save_all=True, append_images=others, dpi=(DPI, DPI)))
    readings = Remembered()
    before = parse(client, path, readings, media.TIFF)
    after = parse(client, path, readings, media.TIFF)
    assert [(watch.recognised, watch.drawn) for watch in watches] == [(3, 3), (0, 3)]
    assert (after.text, after.report, after.notes) == (before.text, before.report, before.notes)
    assert [list(page.words) for page in after.pages] == [list(page.words) for page in before.pages]


class Speaking:
    """A helper that something has taken over: it says what it likes."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = iter(frames)
        self.pid = os.getpid()

    def send(self, header: Mapping[str, Any], *parts: bytes) -> None:
        """Takes anything."""

    def receive(self, timeout: float) -> Frame | None:
        return next(self._frames)

    def kill(self) -> None:
        """It is gone."""

    close = kill


def _says(name: str, reading: bytes) -> Frame:
    return Frame({"event": "recognised", "picture": name}, (reading,))


GOOD = pack(Recognised((), "engine"), 0)


@pytest.mark.parametrize(
    ("frames", "taken"),
    [
        ([_says("ab" * 32, b"no reading")], 0),
        ([_says("../" * 20, GOOD)], 0),
        ([_says("ab" * 32, GOOD), _says("ab" * 32, bytes(2**20))], 1),
        ([_says(f"{number:064x}", b"") for number in range(MOST_PAGES + 1)], MOST_PAGES),
        ([_says(f"{number:064x}", GOOD) for number in range(MOST_PAGES + 1)], MOST_PAGES),
    ],
    ids=["no reading", "no name", "too large", "too many known", "too many new"],
)
def test_what_our_own_loader_does_not_say_is_refused(
    client: ParserClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frames: list[Frame], taken: int
) -> None:
    monkeypatch.setattr(client_module, "HelperProcess", lambda **_: Speaking(frames))
    readings = Remembered()
    with pytest.raises(DamagedSource, match="crashed"):
        parse(client, tmp_path / "file.pdf", readings)
    assert len(readings.told) == taken


# --- the application ------------------------------------------------------------------------------


def test_a_scan_that_was_cut_short_goes_on_at_its_next_page(folder: Path, watches: list[Watch]) -> None:
    gate = Gate()
    data = scanned_pdf(sheets(*numbered()))
    with opened(folder, parser=lambda: StoppingParser(gate, after=3)) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = add(services, workspace, data, "lease.pdf")
        assert gate.reached.wait(60)
    begun(watches)
    kept = rows(folder, KEPT)
    assert len(kept) == 3
    with opened(folder) as services:
        [record] = settled(services, id_)
        assert (record.state, begun(watches)) == ("ready", PAGES - len(kept))
        assert set(kept) < set(rows(folder, KEPT))
        fresh = ingested(services, services.library.create_workspace("Fresh").id, data, "lease.pdf")
        assert begun(watches) == PAGES, "the control: another document is recognised as a whole"
        assert told(services, record) == told(services, fresh)
        assert [check for check in services.doctor.check() if not check.ok] == []


def test_a_scan_that_was_stopped_and_is_tried_again_goes_on_at_its_next_page(
    folder: Path, watches: list[Watch]
) -> None:
    gate = Gate()
    with opened(folder, parser=lambda: StoppingParser(gate, after=2)) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = add(services, workspace, scanned_pdf(sheets(*numbered())), "lease.pdf")
        assert gate.reached.wait(60)
        services.library.cancel(id_)
        wait_until(lambda: services.library.document(id_).state == "failed")
        gate.open()
        assert (len(rows(folder, KEPT)), len(watches)) == (2, 1)
        services.library.retry(id_)
        [record] = settled(services, id_)
        assert (record.state, len(record.report.ocr_pages)) == ("ready", PAGES)
        assert begun(watches[1:]) == PAGES - 2


def test_of_a_newer_version_only_the_changed_page_is_recognised(folder: Path, watches: list[Watch]) -> None:
    first, second = numbered(), [*numbered()[:2], "777", *numbered()[3:]]
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = ingested(services, workspace, scanned_pdf(sheets(*first)), "lease.pdf").id
        former = {picture for _, picture in rows(folder, KEPT)}
        assert (begun(watches), len(former)) == (PAGES, PAGES)
        add(services, workspace, scanned_pdf(sheets(*second)), "lease.pdf", keep_both=False)
        [record] = settled(services, id_)
        assert (record.number, begun(watches)) == (2, 1)
        fresh = ingested(
            services, services.library.create_workspace("Fresh").id, scanned_pdf(sheets(*second)), "lease.pdf"
        )
        assert told(services, record) == told(services, fresh)
        kept = rows(folder, f"SELECT picture FROM recognitions WHERE version_id = '{record.version_id}'")
        assert len(former - {picture for (picture,) in kept}) == 1, "what it does not show is dropped"
        assert len(kept) == PAGES
        assert {version for version, _ in rows(folder, KEPT)} == {record.version_id, fresh.version_id}
        assert [check for check in services.doctor.check() if not check.ok] == []


def test_a_page_that_a_pending_version_lacks_is_not_forgotten_before_that_version_is_ready(
    folder: Path, watches: list[Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = ingested(services, workspace, scanned_pdf(sheets("100", "200")), "lease.pdf").id
        begun(watches)
        with monkeypatch.context() as broken:
            broken.setattr("workspaces.indexing.Indexing.split", lambda *_: [])
            add(services, workspace, scanned_pdf(sheets("100")), "lease.pdf", keep_both=False)
            wait_until(lambda: getattr(services.library.document(id_).pending, "state", "") == "failed")
        add(services, workspace, scanned_pdf(sheets("200", "300", "100")), "lease.pdf", keep_both=False)
        settled(services, id_)
        wait_until(lambda: services.library.document(id_).pending is None)
        assert (services.library.document(id_).number, begun(watches)) == (3, 1)
        assert len(rows(folder, KEPT)) == 3


def test_a_locked_scan_keeps_its_readings_like_any_other(folder: Path, watches: list[Watch]) -> None:
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = add(services, workspace, locked(scanned_pdf(sheets("100", "200")), "quokka"), "lease.pdf")
        settled(services, id_)
        services.library.unlock(id_, "quokka", keep=False)
        [record] = settled(services, id_)
        assert (record.state, begun(watches), len(rows(folder, KEPT))) == ("ready", 2, 2)
        add(services, workspace, scanned_pdf(sheets("200", "300")), "lease.pdf", keep_both=False)
        [record] = settled(services, id_)
        assert (record.number, begun(watches), len(rows(folder, KEPT))) == (2, 1, 2)


def test_another_document_with_the_same_pictures_does_not_get_its_readings(folder: Path, watches: list[Watch]) -> None:
    data = scanned_pdf(sheets("100"))
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        ingested(services, workspace, data, "lease.pdf")
        falsified = pack(Recognised((), "nobody"), 0)
        change(folder, "UPDATE recognitions SET reading = :reading", reading=falsified)
        begun(watches)
        other = ingested(services, workspace, data + b"\n%another\n", "copy.pdf")
        assert begun(watches) == 1
        assert "Kündigungsfrist" in services.viewer.text(other.version_id)
        assert len({picture for _, picture in rows(folder, KEPT)}) == 1, "the control: it is the same picture"


def test_of_a_deleted_scan_no_reading_stays(folder: Path) -> None:
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        kept = ingested(services, workspace, scanned_pdf(sheets("100")), "kept.pdf")
        doomed = ingested(services, workspace, scanned_pdf(sheets("200", "300")), "lease.pdf")
        found = rows(folder, f"SELECT picture, reading FROM recognitions WHERE version_id = '{doomed.version_id}'")
        needles = [picture.encode() for picture, _ in found] + [reading[8:40] for _, reading in found]
        assert len(needles) == 4
        assert files_holding(folder, *needles), "the control: they are there"
        services.library.delete(doomed.id)
        assert services.library.wait_purged(timeout=60)
        assert files_holding(folder, *needles) == []
        assert [version for version, _ in rows(folder, KEPT)] == [kept.version_id]
        assert [check for check in services.doctor.check() if not check.ok] == []
    assert files_holding(folder, *needles) == [], "nor once it is closed"


def test_nothing_is_kept_for_a_document_that_was_deleted_while_it_was_read(folder: Path) -> None:
    gate = Gate()
    with opened(folder, parser=lambda: StoppingParser(gate, after=1)) as services:
        workspace = services.library.create_workspace("Scans").id
        id_ = add(services, workspace, scanned_pdf(sheets(*numbered())), "lease.pdf")
        assert gate.reached.wait(60)
        assert len(rows(folder, KEPT)) == 1
        services.library.delete(id_)
        gate.open()
        assert services.library.wait_purged(timeout=60)
        assert rows(folder, KEPT) == []
        with pytest.raises(NotFound):
            services.library.document(id_)
    assert rows(folder, KEPT) == []


@pytest.mark.parametrize(("limit", "kept"), [("_MOST", 2), ("_MOST_BYTES", 0)])
def test_no_more_is_kept_than_the_limits_allow_and_the_rest_is_read_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, kept: int
) -> None:
    monkeypatch.setattr(recognitions, limit, 2)
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        record = ingested(services, workspace, scanned_pdf(sheets(*numbered(4))), "lease.pdf")
        assert len(record.report.ocr_pages) == 4
        assert len(rows(folder, KEPT)) == kept


def test_the_doctor_finds_readings_of_no_document(folder: Path) -> None:
    with opened(folder) as services:
        workspace = services.library.create_workspace("Scans").id
        ingested(services, workspace, scanned_pdf(sheets("100")), "lease.pdf")
        assert [check for check in services.doctor.check() if not check.ok] == []
        change(
            folder, "INSERT INTO recognitions VALUES ('nobody', :picture, :reading)", picture="ab" * 32, reading=GOOD
        )
        assert [check.id for check in services.doctor.check() if not check.ok] == ["I7"]
