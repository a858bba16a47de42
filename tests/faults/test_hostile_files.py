"""A corpus of hostile files through the real parser process: each ends as it should, with a reason for a person, within
its limits, and the process that reads the next file is there."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from lxml import etree

from ingest import media
from ingest.loaders import loader_for
from ingest.parser.client import ParserClient
from ingest.parser.limits import ParserLimits
from ingest.protocols import Embedded
from rag.errors import SourceError
from tests.contract.test_loaders import FILES
from tests.hostile import READY, Hostile, archives, mutants, packages, pdfs, texts

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them"),
    pytest.mark.timeout(900),
]

LIMITS = ParserLimits(memory_bytes=600 * 2**20, seconds=20.0)
MACHINE_WORDS = re.compile(r"/tmp/|/home/|/root/|/usr/|Traceback|Errno|\.py\b|0x[0-9a-f]{6,}")
ENDINGS = {media_type: ending for ending, media_type in reversed(media.EXTENSIONS.items())}


def _full(family: str) -> Any:
    return pytest.param(family, 1, marks=pytest.mark.full)


FAMILIES: dict[str, Callable[[], Iterable[Hostile]]] = {
    "archives": archives.files,
    "packages": packages.files,
    "pdfs": pdfs.files,
    "texts": texts.files,
    "mutants": lambda: mutants.files(FILES, ENDINGS),
}


@pytest.fixture
def parsers() -> Iterator[list[ParserClient]]:
    clients = [ParserClient(LIMITS) for _ in range(2)]
    yield clients
    for client in clients:
        client.close()


@pytest.mark.full
def test_the_corpus_is_as_large_as_it_says() -> None:
    names = [(item.family, item.name) for family in FAMILIES.values() for item in family()]
    assert len(names) == len(set(names)) >= 600


@pytest.mark.parametrize(
    ("family", "share"), [*((family, 2) for family in FAMILIES), *(_full(family) for family in FAMILIES)]
)
def test_every_hostile_file_ends_with_a_specific_reason_or_is_read(
    family: str, share: int, parsers: list[ParserClient], tmp_path: Path
) -> None:
    items = list(FAMILIES[family]())[share - 1 :: share]
    wrong = _all_wrong(items, parsers, tmp_path)
    assert not wrong, "\n".join(wrong)
    assert all(_reads_on(parser, tmp_path) for parser in parsers)


def test_what_names_another_file_never_opens_it_even_where_nothing_confines_it(tmp_path: Path) -> None:
    told = [item.name for item in _that_name_another() if item.never in _unconfined(item, tmp_path / "file")]
    assert told == []


def test_a_reader_that_opens_what_a_file_names_would_be_found(tmp_path: Path) -> None:
    naive = etree.XMLParser(resolve_entities=True, load_dtd=True)
    item = next(item for item in _that_name_another() if item.name == "file.xml")
    assert item.never in "".join(etree.fromstring(item.data, parser=naive).itertext())


def test_a_wrong_end_would_be_found(parsers: list[ParserClient], tmp_path: Path) -> None:
    planted = [
        Hostile("control", "fine.txt", b"The copper valve.", frozenset({"damaged"})),
        Hostile("control", "told.txt", b"root: the secret", never="root:"),
    ]
    assert len(_all_wrong(planted, parsers, tmp_path)) == 2


def _all_wrong(items: list[Hostile], parsers: list[ParserClient], folder: Path) -> list[str]:
    """What went otherwise than it should, one line a file; two parsers work side by side."""
    free = list(parsers)
    lock = threading.Lock()

    def check(numbered: tuple[int, Hostile]) -> str | None:
        with lock:
            parser = free.pop()
        try:
            return _wrong(numbered[1], parser, folder / str(numbered[0]))
        finally:
            with lock:
                free.append(parser)

    with ThreadPoolExecutor(len(parsers)) as pool:
        return [line for line in pool.map(check, enumerate(items)) if line]


def _wrong(item: Hostile, parser: ParserClient, path: Path) -> str | None:
    end, told = _end(item, parser, path)
    if end not in item.ends:
        return f"{item.name}: ended in {end} ({told}), not in {', '.join(sorted(item.ends))}"
    if end == READY and item.never and item.never in told:
        return f"{item.name}: its text holds what it must not"
    if end != READY and (MACHINE_WORDS.search(told) or len(told) < 20):
        return f"{item.name}: the reason is not one for a person: {told}"
    return None


def _end(item: Hostile, parser: ParserClient, path: Path) -> tuple[str, str]:
    """(state or code, text or reason)."""
    path.write_bytes(item.data)
    inside: list[Embedded] = []
    try:
        kind = media.detect(item.data[: media.HEAD_BYTES], item.name)
        document = parser.parse(
            path, kind, title=None, cancelled=lambda: False, progress=lambda *_: None, embedded=inside.append
        )
    except SourceError as error:
        return error.code, f"{error.message} {error.hint}"
    finally:
        path.unlink()
    return READY, document.text + "".join(entry.data[:1000].decode("latin-1") for entry in inside)


def _that_name_another() -> list[Hostile]:
    link = Hostile(archives.FAMILY, "link.zip", archives.linked("/etc/passwd"), never=packages.SECRET)
    return [link, *packages.declaring(), *(item for item in texts.files() if item.never == packages.SECRET)]


def _unconfined(item: Hostile, path: Path) -> str:
    """All that the loader says of a file when it runs in this process, with this process's rights."""
    path.write_bytes(item.data)
    loader = loader_for(media.detect(item.data[: media.HEAD_BYTES], item.name))
    try:
        return " ".join(map(repr, loader.load(path, title=None)))
    except SourceError as error:
        return f"{error.message} {error.hint}"


def _reads_on(parser: ParserClient, folder: Path) -> bool:
    good = folder / "good.txt"
    good.write_text("All is well.")
    document = parser.parse(good, media.TEXT, title=None, cancelled=lambda: False, progress=lambda *_: None)
    helper = psutil.Process(parser.pid)
    return document.text == "All is well." and helper.memory_info().rss < LIMITS.memory_bytes
