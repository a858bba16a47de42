"""A newer version of a PDF through the whole line: pages that stay are taken over, and nothing tells it from a version
that was read by itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pikepdf
import pytest

from ingest.loaders.pdf_memory import pack, unpack
from ingest.parser import kept
from ingest.parser.client import ParserClient
from ingest.protocols import PageKept, PageLoaded
from tests.conftest import EVAL_DIR, needs_eval
from tests.support.documents import long_text, pdf
from tests.support.kept import edited, taken
from tests.support.services import add, change, opened, rows, settled
from workspaces.bootstrap import Services

MANUAL = EVAL_DIR / "debian-docs" / "files" / "install.en.pdf"
LINES = long_text(7, paragraphs=80).replace("\n\n", " ").split(". ")
SHEETS = [[line[:90] for line in LINES[start : start + 20]] for start in range(0, len(LINES), 20)]
OLD, NEW = pdf(SHEETS), pdf([*SHEETS[:-2], ["Another page. The valve opens at 15 bar."], SHEETS[-1]])
STORED = (
    "SELECT title, language, author, date, notes, report, page_count, character_count, chunk_count FROM versions",
    "SELECT text, blocks, places FROM texts",
    "SELECT number, start, end, label, width, height, words FROM pages",
    "SELECT ordinal, start, end, page, heading_path, places, header, text, embedding_hash FROM chunks",
    "SELECT data FROM memories",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def services(folder: Path) -> Iterator[Services]:
    with opened(folder) as found:
        yield found


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.create_workspace("Gardens").id


@pytest.fixture
def taken_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the pages that come from a former version."""
    found: list[int] = []
    really = kept.taken_over

    def told(former: PageLoaded, event: PageKept) -> PageLoaded:
        found.append(event.page.number)
        return really(former, event)

    monkeypatch.setattr(kept, "taken_over", told)
    return found


def version(services: Services, workspace: str, data: bytes, name: str = "lease.pdf") -> str:
    """The id of the current version once these bytes are it."""
    [record] = settled(services, add(services, workspace, data, name, keep_both=False))
    assert (record.state, record.pending) == ("ready", None)
    return record.version_id


def stored(folder: Path, version_id: str) -> list[list[tuple[object, ...]]]:
    column = {True: "id", False: "version_id"}
    return [rows(folder, f"{query} WHERE {column['versions' in query]} = '{version_id}'") for query in STORED]


def test_a_newer_version_is_stored_as_if_it_were_read_by_itself(
    services: Services, workspace: str, folder: Path, taken_over: list[int]
) -> None:
    version(services, workspace, OLD)
    newer = version(services, workspace, NEW)
    assert len(taken_over) >= len(SHEETS) - 13, "all but those looked at for the usual size of letters"
    fresh = version(services, workspace, NEW, "the same by itself.pdf")
    assert stored(folder, newer) == stored(folder, fresh)
    assert [check for check in services.doctor.check() if not check.ok] == []
    passages = services.library.search(workspace, "At how many bar does the valve open?").passages
    assert "15 bar" in passages[0].text


def test_only_what_can_be_read_after_is_remembered(services: Services, workspace: str, folder: Path) -> None:
    version(services, workspace, OLD)
    newer = version(services, workspace, NEW)
    assert rows(folder, "SELECT version_id FROM memories") == [(newer,)]
    [(document,)] = rows(folder, "SELECT id FROM documents")
    services.library.delete(document)
    assert services.library.wait_purged(timeout=60)
    assert rows(folder, "SELECT version_id FROM memories") == []


def _lying(data: bytes, recipe: str) -> bytes:
    """Says that each page was another one."""
    pages = [(name, page) for name, alike in unpack(data, recipe).items() for page in alike]
    return pack(recipe, [(name, pages[at - 1][1]) for at, (name, _) in enumerate(pages)])


@pytest.mark.parametrize("forge", [lambda *_: b"nothing", lambda *_: b"", _lying], ids=["nonsense", "none", "lies"])
def test_a_memory_that_was_tampered_with_does_not_keep_a_version_from_being_read(
    services: Services, workspace: str, folder: Path, forge: Callable[[bytes, str], bytes]
) -> None:
    old = version(services, workspace, OLD)
    [(data,)] = rows(folder, "SELECT data FROM memories")
    recipe = zlib.decompress(data).decode().split('"')[1]
    change(folder, "UPDATE memories SET data = :data", data=forge(data, recipe))
    assert version(services, workspace, NEW) != old


def test_pages_that_are_not_there_are_read(
    services: Services, workspace: str, folder: Path, taken_over: list[int]
) -> None:
    version(services, workspace, OLD)
    change(folder, "DELETE FROM pages WHERE number > 2")
    newer = version(services, workspace, NEW)
    fresh = version(services, workspace, NEW, "the same by itself.pdf")
    assert stored(folder, newer) == stored(folder, fresh)


def test_a_file_of_circles_is_read(services: Services, workspace: str, folder: Path) -> None:
    version(services, workspace, edited(OLD, _loop))
    assert len(rows(folder, "SELECT 1 FROM pages")) == len(SHEETS)


def _loop(file: pikepdf.Pdf) -> None:
    page = file.pages[0].obj
    page.Resources.Me = page.Resources = file.make_indirect(page.Resources)
    page.Resources.Pages = file.Root.Pages


def _changed(file: pikepdf.Pdf) -> None:
    page = file.pages[56]
    words = b"BT /FNew 9 Tf 72 40 Td (This line was added for the second edition.) Tj ET"
    page.add_resource(
        pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica),
        pikepdf.Name.Font,
        pikepdf.Name.FNew,
    )
    page.contents_add(words)


def _swapped(file: pikepdf.Pdf) -> None:
    one, other = file.pages[40], file.pages[70]
    file.pages[40], file.pages[70] = other, one


def _removed(file: pikepdf.Pdf) -> None:
    del file.pages[30]


def _inserted(file: pikepdf.Pdf) -> None:
    file.pages.insert(50, file.pages[90])


@needs_eval
@pytest.mark.parametrize(
    ("change_", "at_least"), [(_changed, 110), (_swapped, 90), (_removed, 60), (_inserted, 60), (lambda _: None, 110)]
)
def test_a_manual_read_after_a_former_version_equals_one_read_by_itself(
    tmp_path: Path, change_: Callable[[pikepdf.Pdf], None], at_least: int
) -> None:
    old = MANUAL.read_bytes()
    assert len(taken(tmp_path, old, edited(old, change_))) >= at_least


def test_the_reader_tells_what_to_remember(tmp_path: Path) -> None:
    class Former:
        def __init__(self) -> None:
            self.told: list[bytes] = []

        def memory(self) -> bytes:
            return b""

        def page(self, number: int) -> PageLoaded:
            raise ValueError

        def remember(self, data: bytes) -> None:
            self.told.append(data)

    (tmp_path / "file.pdf").write_bytes(OLD)
    former, client = Former(), ParserClient()
    options = {"title": None, "cancelled": lambda: False, "progress": lambda *_: None}
    client.parse(tmp_path / "file.pdf", "application/pdf", former=former, **options)  # type: ignore[arg-type]
    client.close()
    assert [bool(data) for data in former.told] == [True]
