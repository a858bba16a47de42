"""A newer version of a PDF, read after a former one: always the result of reading it by itself."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image

from ingest.loaders import pdf_memory
from ingest.loaders.pdf_fingerprints import fingerprints
from ingest.ocr import Recognised, RecognisedWord, turning
from ingest.ocr import pages as ocr_pages
from tests.support.documents import WORDS
from tests.support.kept import differences, edited, read, taken
from tests.support.pdf_files import Made, Sheet, Text, lines
from tests.support.scans import drawn, scanned_pdf

PAGES = 14


def sheet(number: int, *more: str) -> Sheet:
    """A page of a lease with a header, a number, a title and lines of its own."""
    chosen = random.Random(number)
    body = [" ".join(chosen.sample(WORDS, 8)) for _ in range(6)]
    running = [Text("The Garden Lease", 60, 815), Text(f"Page {number}", 280, 30)]
    return Sheet([*running, Text(f"Matter {number}", 60, 700, 16), *lines(*body, *more, top=670)])


def lease(numbers: Iterable[int], **more: str) -> Made:
    return Made([sheet(number, *([more[f"p{number}"]] if f"p{number}" in more else [])) for number in numbers])


LEASE = lease(range(1, PAGES + 1))
OUTLINE = [(f"Matter {number}", number, 1) for number in range(1, PAGES + 1)]
OUTLINED = replace(LEASE, outline=OUTLINE)


VERSIONS: dict[str, tuple[bytes, bytes, int]] = {
    # name → (former version, newer version, pages that are taken over at least)
    "one changed": (OUTLINED.bytes(), replace(lease(range(1, 15), p8="Added later"), outline=OUTLINE).bytes(), 12),
    "one changed, no outline": (LEASE.bytes(), lease(range(1, 15), p8="Added later").bytes(), 1),
    "the first changed": (
        OUTLINED.bytes(),
        replace(lease(range(1, 15), p1="Added later"), outline=OUTLINE).bytes(),
        12,
    ),
    "written anew": (OUTLINED.bytes(), edited(OUTLINED.bytes(), lambda _: None), 13),
    "none the same": (OUTLINED.bytes(), lease(range(21, 35)).bytes(), 0),
    "outline changed": (
        OUTLINED.bytes(),
        replace(OUTLINED, outline=[*OUTLINE[:6], ("Matter 7", 7, 2), *OUTLINE[7:]]).bytes(),
        11,
    ),
    "outline gone": (OUTLINED.bytes(), LEASE.bytes(), 0),
    "labels changed": (OUTLINED.bytes(), replace(OUTLINED, labels="0 << /S /r >>").bytes(), 0),
    "larger titles elsewhere": (
        LEASE.bytes(),
        Made([*LEASE.sheets[:13], Sheet(lines("A larger title", "And one more", size=30))]).bytes(),
        0,
    ),
    "hidden text added": (
        OUTLINED.bytes(),
        replace(
            OUTLINED,
            sheets=[
                *OUTLINED.sheets[:4],
                replace(OUTLINED.sheets[4], extra=b"BT 3 Tr /F1 11 Tf 60 500 Td (never seen) Tj ET"),
                *OUTLINED.sheets[5:],
            ],
        ).bytes(),
        12,
    ),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_result_is_that_of_reading_it_by_itself(tmp_path: Path, name: str) -> None:
    old, new, at_least = VERSIONS[name]
    assert len(taken(tmp_path, old, new)) >= at_least


def _moved(file: Pdf, order: list[int]) -> None:
    pages = [file.pages[number] for number in order]
    while len(file.pages):
        del file.pages[0]
    file.pages.extend(pages)


@pytest.mark.parametrize(
    "order",
    [
        [*range(6), *range(7, PAGES)],
        [*range(1, PAGES)],
        [*range(6), 9, *range(7, 9), 6, *range(10, PAGES)],
        [*range(PAGES), 3, 3],
        [*reversed(range(PAGES))],
        [5],
    ],
    ids=["one removed", "the first removed", "two swapped", "two repeated", "reversed", "one left"],
)
def test_pages_may_come_and_go_and_change_places(tmp_path: Path, order: list[int]) -> None:
    new = edited(OUTLINED.bytes(), lambda file: _moved(file, order))
    assert taken(tmp_path, OUTLINED.bytes(), new) or len(order) in (1, PAGES)


def test_a_page_may_be_put_in(tmp_path: Path) -> None:
    pages = [*LEASE.sheets[:6], Sheet(lines("A new page", "about the garden")), *LEASE.sheets[6:]]
    outline = [(title, page + (page > 6), level) for title, page, level in OUTLINE]
    # page 7 of old is page 8 of new: its number, in its footer, is now one off what the others have
    assert len(taken(tmp_path, OUTLINED.bytes(), Made(pages, outline=outline).bytes())) >= 4


def test_a_fingerprint_that_is_blind_would_be_noticed(tmp_path: Path) -> None:
    old, new, _ = VERSIONS["one changed"]

    def blind(_: Path) -> list[bytes]:
        return [bytes([number]) * 32 for number in range(1, PAGES + 1)]

    for name, data in (("old.pdf", old), ("new.pdf", new)):
        (tmp_path / name).write_bytes(data)
    before = read(tmp_path / "old.pdf", fingerprints=blind)
    after = read(tmp_path / "new.pdf", after=before, fingerprints=blind)
    assert {"text", "pages"} <= set(differences(after, read(tmp_path / "new.pdf")))


class _Anything(frozenset[int]):
    """Equals any lines that are left out."""

    def __eq__(self, _: object) -> bool:
        return True

    __hash__ = frozenset.__hash__


def _unpacked(*given: bytes | str) -> dict[bytes, list[pdf_memory.PageMemory]]:
    pages = pdf_memory.unpack(*given)  # type: ignore[arg-type]
    return {name: [replace(page, dropped=_Anything()) for page in alike] for name, alike in pages.items()}


@pytest.mark.parametrize("part", ["dropped", "context", "asked"])
def test_each_part_of_what_a_page_followed_from_counts(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it passed over, a page would be taken over although it becomes another text."""
    old, new, name, blind = {
        "dropped": (
            OUTLINED.bytes(),
            edited(OUTLINED.bytes(), lambda file: _moved(file, [*range(1, PAGES)])),
            "unpack",
            _unpacked,
        ),
        "context": (*VERSIONS["outline changed"][:2], "PdfPages.context", lambda *_: ""),
        "asked": (_cut("self-locking"), _cut("selflocking"), "Vocabulary.agrees", lambda *_: True),
    }[part]
    assert taken(tmp_path, old, new)
    monkeypatch.setattr(f"ingest.loaders.pdf.{name}", blind)
    with pytest.raises(AssertionError):
        taken(tmp_path, old, new)


def _cut(word: str) -> bytes:
    """Whether the gate of page 8 locks itself with a hyphen, page 2 says."""
    sheets = [*LEASE.sheets]
    sheets[1] = Sheet(lines(f"A {word} gate is one that needs no key,", "and it shuts the garden by itself."))
    sheets[7] = Sheet(lines("The gate to the meadow is to be a self-", "locking one, and so is that to the wood."))
    return replace(OUTLINED, sheets=sheets, outline=[OUTLINE[2], *OUTLINE[3:7], *OUTLINE[8:]]).bytes()


def _field(file: Pdf, value: str) -> None:
    font = file.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    look = file.make_stream(f"BT /F1 11 Tf 2 4 Td ({value}) Tj ET".encode(), Type=Name.XObject, Subtype=Name.Form)
    look.BBox, look.Resources = Array([0, 0, 200, 20]), Dictionary(Font=Dictionary(F1=font))
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T="tenant", V=value, F=4)
    field.Rect, field.AP = Array([60, 400, 260, 420]), Dictionary(N=look)
    made = file.make_indirect(field)
    file.pages[5].obj.Annots = Array([made])
    file.Root.AcroForm = Dictionary(Fields=Array([made]))


def test_what_is_filled_into_a_form_is_read(tmp_path: Path) -> None:
    empty, filled = (
        edited(OUTLINED.bytes(), lambda file, value=value: _field(file, value)) for value in ("Nobody", "Ada Quill")
    )
    assert taken(tmp_path, empty, filled) == []
    assert "Ada Quill" in read(tmp_path / "new.pdf").document.text
    assert taken(tmp_path, OUTLINED.bytes(), filled) == []


@pytest.fixture
def recognised(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Widths of the pictures that were given to a double."""
    widths: list[int] = []

    def recognise(picture: Image.Image, *, dpi: int) -> Recognised:
        widths.append(picture.width)
        words = [
            RecognisedWord(word, (100 + 150 * at, 100, 200 + 150 * at, 130), 0.9)
            for at, word in enumerate(f"read in {picture.width} pixels".split())
        ]
        return Recognised((tuple(words),), "double")

    monkeypatch.setattr(turning, "recognise", recognise)
    return widths


def _scan(side: int, *, word: str = "a lease") -> Image.Image:
    return drawn([word], size=(side, 200))


WRITTEN = [
    f"This page has text of its own, {word} and enough of it to be taken for what it is: no scan at all, by nobody."
    for word in WORDS[:21]
]
"""Pages that are not scanned; of so many some are not looked at for the usual size of letters."""


def test_a_scanned_page_keeps_its_text_its_reading_and_how_well_it_was_read(
    tmp_path: Path, recognised: list[int]
) -> None:
    pages = [*WRITTEN, _scan(300), _scan(340), WRITTEN[3], _scan(380)]
    assert {22, 23, 25} & set(taken(tmp_path, scanned_pdf(pages), scanned_pdf([*pages[:23], "Changed.", *pages[24:]])))
    assert len(set(recognised)) == len(recognised), "none is recognised twice"
    before = read(tmp_path / "old.pdf")
    after = read(tmp_path / "new.pdf", after=before)
    assert [number for number, _ in after.document.report.ocr_pages] == [22, 23, 25]
    assert after.pictures == before.pictures
    assert len(after.pictures) == 3


def test_an_annotation_on_a_scan_is_part_of_its_picture(tmp_path: Path, recognised: list[int]) -> None:
    def noted(file: Pdf) -> None:
        look = file.make_stream(b"0 0 0 rg 0 0 90 30 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 90, 30])
        note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=[20, 20, 110, 50], F=4, AP=Dictionary(N=look))
        file.pages[21].obj.Annots = Array([file.make_indirect(note)])

    old = scanned_pdf([*WRITTEN, _scan(300), WRITTEN[0]])
    assert 22 in taken(tmp_path, old, edited(old, lambda _: None))
    assert len(recognised) == 1
    assert 22 not in taken(tmp_path, old, edited(old, noted))
    assert len(set(read(tmp_path / "new.pdf").pictures) - set(read(tmp_path / "old.pdf").pictures)) == 1


def test_a_scan_whose_reading_is_gone_is_recognised_again(tmp_path: Path, recognised: list[int]) -> None:
    (tmp_path / "old.pdf").write_bytes(scanned_pdf([*WRITTEN, _scan(300)]))
    before = read(tmp_path / "old.pdf")
    again = read(tmp_path / "old.pdf", after=replace(before, readings={}))
    assert differences(again, before) == []
    assert len(recognised) == 2


def test_only_so_many_scans_are_recognised_in_a_newer_version_too(
    tmp_path: Path, recognised: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [*WRITTEN, _scan(300), _scan(340), _scan(380)]
    monkeypatch.setattr(ocr_pages, "MOST_PAGES", 3)
    taken(tmp_path, scanned_pdf(pages), scanned_pdf([WRITTEN[0], _scan(260), *pages[1:]]))


@pytest.mark.parametrize(
    "memory",
    [
        b"",
        b"nothing packed",
        zlib.compress(b"[1"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(json.dumps([1, "another recipe", []]).encode()),
        zlib.compress(json.dumps({"format": 1}).encode()),
        zlib.compress(b"0" * (2**28 + 1), 9),
    ],
    ids=["none", "not packed", "cut", "deep", "another recipe", "no list", "bomb"],
)
def test_what_is_no_memory_counts_as_none(tmp_path: Path, memory: bytes) -> None:
    (tmp_path / "old.pdf").write_bytes(OUTLINED.bytes())
    before = read(tmp_path / "old.pdf")
    again = read(tmp_path / "old.pdf", after=replace(before, memory=memory))
    assert (again.kept, differences(again, before)) == ([], [])


def test_a_memory_with_a_page_that_is_none_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "old.pdf").write_bytes(OUTLINED.bytes())
    before = read(tmp_path / "old.pdf")
    written, recipe, rows = json.loads(zlib.decompress(before.memory))
    for place in range(1, len(rows[3])):
        for wrong in (None, "x", -1, [], {"a": []}):
            bad = [*rows[:3], [*rows[3][:place], wrong, *rows[3][place + 1 :]], *rows[4:]]
            memory = zlib.compress(json.dumps([written, recipe, bad]).encode())
            found = pdf_memory.unpack(memory, recipe)
            assert all(isinstance(page, pdf_memory.PageMemory) for alike in found.values() for page in alike)
    assert pdf_memory.unpack(before.memory, recipe)
    assert len(fingerprints(tmp_path / "old.pdf")) == len(rows)


def test_many_pages_may_be_alike(tmp_path: Path) -> None:
    alike = Made([*[Sheet(lines("The same."))] * 40, *LEASE.sheets], outline=[("The same.", 1, 1), *OUTLINE[2:5]])
    fewer = Made([*[Sheet(lines("The same."))] * 20, *LEASE.sheets], outline=[("The same.", 1, 1), *OUTLINE[2:5]])
    assert len(taken(tmp_path, alike.bytes(), fewer.bytes())) > 10
