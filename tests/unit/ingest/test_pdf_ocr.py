"""Scanned pages of a PDF: which pages are recognised, where their words stand, and what a person is told."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.loaders import assemble
from ingest.loaders.pdf import PdfLoader
from ingest.loaders.pdf_render import render_page
from ingest.ocr import Recognised, RecognisedWord, engines, pages, turning
from ingest.protocols import Drawing, Loaded, PageLoaded, RecognisedPicture, Recognising, Remembered
from rag.errors import NoText
from rag.types import Document
from tests.support.pdf_files import Made, Sheet, lines
from tests.support.scans import ENGLISH, GERMAN, drawn, scanned_pdf, sides

WRITTEN = "This page has text of its own, enough to be taken for what it is: no scan."


def load(tmp_path: Path, data: bytes) -> Document:
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    return assemble(PdfLoader().load(path, title=None))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Sizes of the pictures that were given to a double, which reads "one" in each."""
    sizes: list[tuple[int, int]] = []

    def recognise(picture: Image.Image, *, dpi: int) -> Recognised:
        sizes.append(picture.size)
        return Recognised(((RecognisedWord("one", (100, 100, 200, 130), 0.9),),), "double")

    monkeypatch.setattr(turning, "recognise", recognise)
    return sizes


def test_only_the_scanned_page_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(scanned_pdf([WRITTEN, drawn(GERMAN), WRITTEN]))
    events = list(PdfLoader().load(path, title=None))
    kinds = [type(event) for event in events]
    told = [Drawing, Recognising, RecognisedPicture]
    assert [kind for kind in kinds if kind not in told] == [*[PageLoaded] * 3, Remembered, Loaded]
    assert kinds[:3] == told, "it is said before the page is there"
    document = assemble(events)
    first, second, third = (document.text[page.span.start : page.span.end] for page in document.pages)
    assert (first, third) == (WRITTEN, WRITTEN)
    assert second.splitlines()[1] == GERMAN[1]
    assert [number for number, _ in document.report.ocr_pages] == [2]
    assert document.notes[0].startswith("Page 2: recognised from images (")
    assert all(len(document.text[w.start : w.end].split()) == 1 for page in document.pages for w in page.words)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_boxes_stand_on_the_words_of_the_page_as_shown(tmp_path: Path, rotate: int) -> None:
    upright = drawn(ENGLISH)
    data = scanned_pdf([upright.rotate(rotate, expand=True)], rotate=rotate)
    document = load(tmp_path, data)
    page = document.pages[0]
    assert (round(page.width), round(page.height)) == (420, 200)
    word = next(word for word in page.words if document.text[word.start : word.end] == "garden")
    image = np.asarray(Image.open(BytesIO(render_page(tmp_path / "file.pdf", 1, dpi=144))).convert("L"))
    left, right = round(word.x0 * 2), round(word.x1 * 2)
    top, bottom = round((page.height - word.y1) * 2), round((page.height - word.y0) * 2)
    assert (image[top:bottom, left:right] < 128).mean() > 0.1
    assert (word.x0, word.x1) == pytest.approx(sides(ENGLISH, "garden"), abs=3)


def test_a_stamp_on_a_scan_does_not_keep_it_from_being_recognised(tmp_path: Path) -> None:
    document = load(tmp_path, scanned_pdf([drawn(ENGLISH)], stamp="Copy 17"))
    assert "period of notice" in document.text
    assert document.report.ocr_pages


def test_text_stays_where_the_picture_does_not_say_more(tmp_path: Path, counted: list[tuple[int, int]]) -> None:
    document = load(tmp_path, scanned_pdf([drawn(ENGLISH)], stamp="A caption under a photograph"))
    assert (document.text, document.report.ocr_pages, len(counted)) == ("A caption under a photograph", (), 1)


def test_pages_without_pictures_and_pages_of_one_tone_are_not_given_to_an_engine(
    tmp_path: Path, counted: list[tuple[int, int]]
) -> None:
    blank = Image.new("L", (875, 417), 250)
    assert load(tmp_path, Made([Sheet(lines("text")), Sheet()]).bytes()).report.pages_without_text == (2,)
    document = load(tmp_path, scanned_pdf([WRITTEN, blank]))
    assert (counted, document.notes[:1], document.report.pages_without_text) == ([], ("Page 2: no text",), (2,))


def test_letters_drawn_as_shapes_are_recognised(tmp_path: Path, counted: list[tuple[int, int]]) -> None:
    shapes = b"".join(b"%d 700 m %d 720 l 300 500 l f " % (60 + 12 * i, 66 + 12 * i) for i in range(30))
    assert load(tmp_path, Made([Sheet(extra=shapes)]).bytes()).text == "one"
    assert len(counted) == 1


def test_text_that_is_nothing_but_signs_is_recognised_in_the_picture(
    tmp_path: Path, counted: list[tuple[int, int]]
) -> None:
    garbled = lines(*["!$% &'# *+! ;=? #$%& <=>?@ ^~{}"] * 4)
    contents = lines(*[f"Chapter {number} " + ". " * 60 + f"{number}7" for number in range(1, 9)])
    formulas = lines(*["f(x) = a*x^2 + b*x + c;  {x : x > 0}"] * 4)
    document = load(tmp_path, Made([Sheet(garbled), Sheet(contents), Sheet(formulas)]).bytes())
    first, second, third = (document.text[page.span.start : page.span.end] for page in document.pages)
    assert first == "one"
    assert second.startswith("Chapter 1")
    assert third.startswith("f(x)")
    assert (len(counted), document.report.ocr_pages, document.report.warnings) == (1, ((1, 0.9),), ())


def test_signs_in_whose_picture_nothing_is_found_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "recognise", lambda picture, *, dpi: Recognised((), "double"))
    garbled = lines(*["!$% &'# *+! ;=? #$%& <=>?@ ^~{}"] * 4)
    document = load(tmp_path, Made([Sheet(lines(WRITTEN)), Sheet(garbled)]).bytes())
    assert document.notes == document.report.warnings
    assert document.notes[0].startswith("Page 2: the text is only signs")


def test_pictures_of_huge_pages_stay_small(tmp_path: Path, counted: list[tuple[int, int]]) -> None:
    shapes = b"".join(b"%d 700 m %d 9000 l 300 500 l f " % (60 + 12 * i, 6000 + 12 * i) for i in range(30))
    load(tmp_path, Made([Sheet(extra=shapes, media_box=(0, 0, 14400, 14400))]).bytes())
    assert counted[0][0] * counted[0][1] <= 12_100_000


def test_a_page_that_is_hard_to_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = Recognised(((RecognisedWord("one", (100, 100, 200, 130), 0.5),),), "double")
    monkeypatch.setattr(turning, "recognise", lambda picture, *, dpi: doubtful)
    document = load(tmp_path, scanned_pdf([drawn(ENGLISH)] * 2))
    assert document.report.ocr_pages == ((1, 0.5), (2, 0.5))
    assert document.notes == (
        "Pages 1-2: recognised from images (double; mean confidence 50%)",
        "Pages 1-2: hard to read; compare with the page image before you rely on it",
    )


def test_past_the_limit_pages_count_as_without_text(
    tmp_path: Path, counted: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_PAGES", 2)
    document = load(tmp_path, scanned_pdf([drawn([str(number)]) for number in range(4)]))
    assert len(counted) == 2
    assert document.report.pages_without_text == (3, 4)
    assert any(note.startswith("Pages 3-4: not recognised") for note in document.notes)


def _readings(path: Path, known: dict[str, bytes]) -> tuple[Document, dict[str, bytes]]:
    """The document, and the readings that are known afterwards."""
    events = list(PdfLoader(known=known).load(path, title=None))
    told = {event.picture: event.reading for event in events if isinstance(event, RecognisedPicture)}
    return assemble(events), {picture: reading or known[picture] for picture, reading in told.items()}


def test_a_known_picture_is_not_given_to_an_engine_and_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(scanned_pdf([drawn(GERMAN), WRITTEN, drawn(ENGLISH).rotate(90, expand=True)], stamp="Copy 17"))
    first, known = _readings(path, {})
    assert len(known) == 2
    with monkeypatch.context() as without:
        without.setattr(engines, "_recognisers", lambda: iter(()))
        again, kept = _readings(path, known)
    assert (again, kept) == (first, known)
    assert [number for number, _ in again.report.ocr_pages] == [1, 3]


def test_by_another_recipe_all_pictures_are_recognised_again(
    tmp_path: Path, counted: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(scanned_pdf([drawn(GERMAN), drawn(ENGLISH)]))
    _, known = _readings(path, {})
    assert len(counted) == 2
    _readings(path, known)
    assert len(counted) == 2
    monkeypatch.setattr(pages, "recipe", lambda: "another")
    _readings(path, known)
    assert len(counted) == 4


def test_the_same_picture_on_two_pages_is_recognised_once(tmp_path: Path, counted: list[tuple[int, int]]) -> None:
    document = load(tmp_path, scanned_pdf([drawn(GERMAN), drawn(ENGLISH), drawn(GERMAN)]))
    assert (len(counted), [number for number, _ in document.report.ocr_pages]) == (2, [1, 2, 3])


def test_a_known_reading_that_is_none_is_made_anew(tmp_path: Path, counted: list[tuple[int, int]]) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(scanned_pdf([drawn(GERMAN)]))
    first, known = _readings(path, {})
    again, made = _readings(path, dict.fromkeys(known, b"of an older form"))
    assert (again, made, len(counted)) == (first, known, 2)


def test_a_scan_that_no_engine_can_read_is_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = scanned_pdf([drawn(ENGLISH)])
    monkeypatch.setattr(engines, "_recognisers", lambda: iter(()))
    with pytest.raises(NoText, match="could not be recognised"):
        load(tmp_path, data)
    assert (
        "Page 2: text recognition (OCR) could not be run"
        in load(tmp_path, scanned_pdf([WRITTEN, drawn(ENGLISH)])).notes
    )
    for module in ("ingest.ocr.pages", "ingest.loaders.pdf"):
        monkeypatch.setattr(f"{module}.installed", engines.Engines)
    with pytest.raises(NoText, match="looks like a scan") as caught:
        load(tmp_path, data)
    assert "tesseract-ocr-deu" in caught.value.hint


@pytest.mark.parametrize(
    "turn",
    [
        90,
        270,
        pytest.param(180, marks=pytest.mark.skipif(not engines.installed().tesseract, reason="only Tesseract sees it")),
    ],
)
def test_a_sheet_that_lay_wrong_in_the_scanner_is_read_and_marked_where_its_words_are(
    tmp_path: Path, turn: int
) -> None:
    document = load(tmp_path, scanned_pdf([drawn(GERMAN).rotate(turn, expand=True)]))
    assert document.text.splitlines()[-1] == GERMAN[-1]
    page = document.pages[0]
    assert (page.width > page.height) == (turn == 180)
    word = next(word for word in page.words if document.text[word.start : word.end] == "Kündigungsfrist")
    image = np.asarray(Image.open(BytesIO(render_page(tmp_path / "file.pdf", 1, dpi=144))).convert("L"))
    rows = slice(round((page.height - word.y1) * 2), round((page.height - word.y0) * 2))
    columns = slice(round(word.x0 * 2), round(word.x1 * 2))
    assert (image[rows, columns] < 128).mean() > 0.1
    across, along = sorted((word.x1 - word.x0, word.y1 - word.y0))
    assert 8 < across < 20 < 60 < along < 100


def test_a_title_set_larger_in_a_scan_is_a_heading(tmp_path: Path) -> None:
    sheet = Sheet([*lines("Kündigung", top=150, size=24, x=30), *lines(*ENGLISH[1:], top=100, step=17, x=30)])
    made = Made([Sheet(sheet.texts, media_box=(0, 0, 420, 200))]).bytes()
    path = tmp_path / "made.pdf"
    path.write_bytes(made)
    picture = Image.open(BytesIO(render_page(path, 1, dpi=150))).convert("L")
    document = load(tmp_path, scanned_pdf([picture]))
    assert [(b.kind, document.text[b.span.start : b.span.end].split()[0]) for b in document.blocks] == [
        ("heading", "Kündigung"),
        ("paragraph", "The"),
    ]
