"""What was deleted leaves the disk whatever it was: mail with an attachment, versions, an unlocked PDF with its
readable copy, a web page, a picture that was read. And what was freed goes back to the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.containers import mail
from tests.support.documents import encrypted, long_text
from tests.support.scans import DPI, drawn, encoded
from tests.support.services import add, files_holding, ingested, opened, rows, settled
from tests.support.sites import Web, online, page, working
from workspaces.bootstrap import Services

CANARY = "Xylocarpus"
"""In a text that nobody has to read from a picture, so that one spelling is enough."""
URL = "http://docs.example.org/quokkaherder"
PASSWORD = "quokka-4711"
SENTENCE = f"The {CANARY} was seen in the harbour."


def _mail(services: Services, workspace: str) -> str:
    data = mail(SENTENCE, subject=f"About the {CANARY}", attachments={f"{CANARY}.txt": SENTENCE.encode() * 2})
    record = ingested(services, workspace, data, "letter.eml")
    assert record.members == 1
    return record.id


def _versions(services: Services, workspace: str) -> str:
    first = add(services, workspace, SENTENCE, "notes.txt")
    settled(services, first)
    assert add(services, workspace, f"{SENTENCE} Again.", "notes.txt", keep_both=False) == first
    [record] = settled(services, first)
    assert record.number == 2
    return first


def _unlocked(services: Services, workspace: str) -> str:
    id_ = add(services, workspace, encrypted([[SENTENCE]], PASSWORD), "locked.pdf")
    settled(services, id_)
    services.library.unlock(id_, PASSWORD, keep=True)
    [record] = settled(services, id_)
    assert record.state == "ready", record.problem
    return id_


def _web_page(services: Services, workspace: str) -> str:
    id_ = services.library.add_url(workspace, URL).id
    [record] = settled(services, id_)
    assert record.state == "ready", record.problem
    return id_


def _picture(services: Services, workspace: str) -> str:
    picture = encoded(drawn([SENTENCE, f"Nobody knows the {CANARY} better."]), "PNG", dpi=(DPI, DPI))
    record = ingested(services, workspace, picture, "picture.png")
    assert record.report.ocr_pages
    return record.id


KINDS = [_mail, _versions, _unlocked, _web_page, _picture]


def traces(folder: Path, kept: str) -> list[bytes]:
    """The word, as it is written and as it is indexed; windows of every vector and of every file but one document's."""
    spellings = (CANARY, CANARY.lower(), CANARY.lower()[:-2], URL)
    found = [form for word in spellings for form in (word.encode(), word.encode("utf-16-le"))]
    query = f"""SELECT vector FROM embeddings WHERE hash NOT IN
                (SELECT embedding_hash FROM chunks JOIN versions ON versions.id = version_id
                 WHERE document_id = '{kept}')"""
    for (blob,) in rows(folder, query):
        vector = np.frombuffer(blob, dtype="<f4")
        windows = [vector[start : start + 8] for start in range(0, len(vector) - 8, 4)]
        found += [window.tobytes() for window in windows if np.count_nonzero(window) > 3]
    [(mine,)] = rows(folder, f"SELECT sha256 FROM versions WHERE document_id = '{kept}'")
    for path in (folder / "originals").rglob("*"):
        if path.is_file() and path.name != mine:
            data = path.read_bytes()
            found += [data[len(data) * part // 4 :][:24] for part in (1, 2, 3)]
    return found


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__.strip("_"))
def test_no_byte_of_what_was_deleted_stays(tmp_path: Path, make: Callable[[Services, str], str]) -> None:
    folder = tmp_path / "data"
    with online(Web({"/quokkaherder": page(CANARY)})) as web, working(folder, web) as services:
        workspace = services.library.create_workspace("purge").id
        kept = ingested(services, workspace, "The lease of the garden ends in winter.", "other.txt")
        doomed = make(services, workspace)
        needles = traces(folder, kept.id)
        holding = [name.split("/")[0].split("-")[0] for name in files_holding(folder, *needles)]
        assert {"footnote.db", "originals", "vectors"} <= set(holding), "the control: it is there"
        services.library.delete(doomed)
        assert services.library.wait_purged(timeout=60)
        assert files_holding(folder, *needles) == []
        assert [record.id for record in services.library.documents(workspace)] == [kept.id]
        assert [check for check in services.doctor.check() if not check.ok] == []
    assert files_holding(folder, *needles) == [], "nor once it is closed"


def test_after_a_purge_the_disk_holds_little_more_than_what_is_there(tmp_path: Path) -> None:
    texts = [long_text(number, paragraphs=120) for number in range(16)]
    live = _disk_use(tmp_path / "live", texts[:4], delete=0)
    assert live > 1_000_000, "the control: more than what an empty library takes"
    assert _disk_use(tmp_path / "purged", texts, delete=12) <= 2.0 * live


def _disk_use(folder: Path, texts: list[str], *, delete: int) -> int:
    """Bytes of a library once these texts were added and the last ones deleted."""
    with opened(folder) as services:
        workspace = services.library.create_workspace("purge").id
        ids = [add(services, workspace, text, f"{number}.txt") for number, text in enumerate(texts)]
        assert {record.state for record in settled(services, *ids)} == {"ready"}
        full = _bytes(folder)
        for id_ in ids[len(ids) - delete :]:
            services.library.delete(id_)
        assert services.library.wait_purged(timeout=60)
        left = _bytes(folder)
    assert not delete or left < full / 2, "the control: much was deleted"
    return left


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
