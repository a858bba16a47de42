from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from PIL import Image

from ingest.loaders import assemble
from ingest.loaders.page_image import MAX_PIXELS
from ingest.loaders.pdf import PdfLoader
from ingest.loaders.pdf_open import unlocked
from ingest.loaders.pdf_render import render_page
from ingest.protocols import Embedded
from ingest.wordboxes import boxes_of
from rag.errors import DamagedSource, InvalidInput, NoText, PasswordNeeded
from rag.types import Document, Page, Span
from tests.support import documents
from tests.support.pdf_files import Made, Sheet, Text, lines, respelled

BODY = ("The lease ends when the tenant has given notice", "in writing to the owner of the garden", "and has left.")


def write(tmp_path: Path, made: Made | bytes) -> Path:
    path = tmp_path / "file.pdf"
    path.write_bytes(made if isinstance(made, bytes) else made.bytes())
    return path


def load(tmp_path: Path, made: Made | bytes, *, title: str | None = None) -> Document:
    return assemble(PdfLoader().load(write(tmp_path, made), title=title))


def headings(document: Document) -> list[tuple[int, str]]:
    return [(b.level, document.text[b.span.start : b.span.end]) for b in document.blocks if b.kind == "heading"]


def test_pages_spans_and_words_agree_with_the_text(tmp_path: Path) -> None:
    document = load(tmp_path, Made([Sheet(lines(*BODY)), Sheet(lines("Second page"))]))
    assert document.text == "\n".join(BODY) + "\n\nSecond page"
    assert [document.text[p.span.start : p.span.end] for p in document.pages] == ["\n".join(BODY), "Second page"]
    for page in document.pages:
        texts = [document.text[word.start : word.end] for word in page.words]
        assert texts == document.text[page.span.start : page.span.end].split()
    first = document.pages[0].words[0]
    assert (round(first.x0), first.y0 < 780 < first.y1) == (60, True)
    assert [(page.width, page.height) for page in document.pages] == [(595, 842), (595, 842)]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_boxes_are_those_of_the_page_as_shown(tmp_path: Path, rotate: int) -> None:
    sheet = Sheet([Text("Mark", 100, 200, 20)], rotate=rotate, media_box=(50, 40, 450, 640))
    path = write(tmp_path, Made([sheet]))
    document = assemble(PdfLoader().load(path, title=None))
    page = document.pages[0]
    assert (page.width, page.height) == ((400, 600) if rotate in (0, 180) else (600, 400))
    image = Image.open(BytesIO(render_page(path, 1, dpi=72))).convert("L")
    dark = image.point([255 if value < 128 else 0 for value in range(256)]).getbbox()
    assert dark is not None
    box = page.words[0]
    shown = (box.x0, page.height - box.y1, box.x1, page.height - box.y0)
    assert all(abs(a - b) <= 10 for a, b in zip(dark, shown, strict=True))


def test_outline_titles_become_headings_with_levels(tmp_path: Path) -> None:
    sheets = [
        Sheet([*lines("1 Lease", *BODY), *lines("1.1 Notice", *BODY, top=600)]),
        Sheet(lines("As said under Notice", "2 Garden", *BODY)),
    ]
    made = Made(sheets, outline=[("Lease", 1, 1), ("Notice", 1, 2), ("Garden", 2, 1), ("Not there", 2, 2)])
    assert headings(load(tmp_path, made)) == [(1, "1 Lease"), (2, "1.1 Notice"), (1, "2 Garden")]


def test_without_an_outline_headings_are_known_by_their_looks(tmp_path: Path) -> None:
    sheet = Sheet(
        [
            Text("The garden", 60, 790, 22),
            *lines(*BODY * 3, top=750),
            Text("Notice periods", 60, 590, 11, bold=True),
            *lines(*BODY * 3, top=576),
        ]
    )
    document = load(tmp_path, Made([sheet, sheet]))
    assert headings(document) == [(1, "The garden"), (2, "Notice periods")] * 2
    assert document.title == "The garden"


@pytest.mark.parametrize(
    ("title", "info", "expected"),
    [("Given", "Metadata title", "Given"), (None, "Metadata title", "Metadata title"), (None, "scan0001.pdf", "Lease")],
)
def test_the_title_is_the_given_one_the_stated_one_or_the_first_heading(
    tmp_path: Path, title: str | None, info: str, expected: str
) -> None:
    outline = [("Lease", 1, 1), ("Notice", 1, 2), ("End", 1, 1)]
    made = Made([Sheet(lines("Lease", *BODY, "Notice"))], outline=outline, info={"Title": info})
    assert load(tmp_path, made, title=title).title == expected


def test_author_date_and_labels_are_read(tmp_path: Path) -> None:
    made = Made(
        [Sheet(lines("one")), Sheet(lines("two"))],
        info={"Author": "Jo Doe", "CreationDate": "D:20240506101112Z"},
        labels="0 << /S /r >>",
    )
    document = load(tmp_path, made)
    assert (document.author, document.date) == ("Jo Doe", "2024-05-06")
    assert [page.label for page in document.pages] == ["i", "ii"]


def test_broken_characters_in_names_are_left_out(tmp_path: Path) -> None:
    half = "\ud835"
    names = {"Title": f"The{half} lease", "Author": f"Jo{half} Doe"}
    made = Made(
        [Sheet(lines("Lease", *BODY))],
        outline=[(f"{half}Lease", 1, 1)] * 3,
        info=names,
        labels="0 << /S /r /P <FEFFD8350041> >>",
    )
    document = load(tmp_path, made)
    assert (document.title, document.author, document.pages[0].label) == ("The lease", "Jo Doe", "Ai")
    assert document.blocks[0].kind == "heading"


def test_letters_past_the_first_65536_are_whole_and_halves_of_them_left_out(tmp_path: Path) -> None:
    data = respelled("Let x be h more than one", {"x": "\U0001d465".encode("utf-16-be"), "h": b"\xd8\x35"})
    document = load(tmp_path, data)
    assert document.text == "Let \U0001d465 be more tan one"
    assert document.text.encode()


def test_pages_without_text_are_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    document = load(tmp_path, Made([Sheet(lines("text"))] + [Sheet()] * 2 + [Sheet(lines("more")), Sheet()]))
    assert document.notes == ("Pages 2-3, 5: no text",)
    assert document.text == "text\n\nmore"
    assert document.pages[1] == Page(2, Span(4, 4), None, 595, 842)


def test_a_scan_is_refused_with_its_page_count(tmp_path: Path) -> None:
    with pytest.raises(NoText, match="2 pages"):
        load(tmp_path, Made([Sheet()] * 2))


def encrypted(user: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=BytesIO(Made([Sheet(lines(*BODY))]).bytes()))
    writer.encrypt(user_password=user, owner_password="owner", algorithm="AES-256")
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def test_a_password_is_needed_or_not(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        load(tmp_path, encrypted("secret"))
    assert load(tmp_path, encrypted("")).text == "\n".join(BODY)


def test_rubbish_is_damaged_and_a_broken_table_is_recovered(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource) as caught:
        load(tmp_path, b"%PDF-1.7\nrubbish")
    assert str(tmp_path) not in caught.value.message
    broken = Made([Sheet(lines(*BODY))]).bytes().replace(b"startxref", b"startxxxx")
    assert load(tmp_path, broken).text == "\n".join(BODY)


def test_attached_files_are_handed_on(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=BytesIO(Made([Sheet(lines(*BODY))]).bytes()))
    writer.add_attachment("../data.txt", b"inside")
    writer.add_attachment("other.txt", b"more")
    path = tmp_path / "file.pdf"
    writer.write(path)
    events = list(PdfLoader().load(path, title=None))
    assert [event for event in events if isinstance(event, Embedded)] == [
        Embedded("data.txt", b"inside"), Embedded("other.txt", b"more")
    ]  # fmt: skip
    assert assemble(events).report.embedded == 2


def test_a_highlight_turns_paper_yellow_and_leaves_ink_black(tmp_path: Path) -> None:
    path = write(tmp_path, Made([Sheet(lines(*BODY))]))
    document = assemble(PdfLoader().load(path, title=None))
    start = document.text.index("tenant")
    boxes = boxes_of(document.pages[0].words, Span(start, start + len("tenant")))
    plain = Image.open(BytesIO(render_page(path, 1, dpi=144)))
    marked = Image.open(BytesIO(render_page(path, 1, dpi=144, boxes=boxes)))
    assert marked.size == plain.size == (1190, 1684)
    (x0, y0, x1, y1) = boxes[0]
    area = tuple(int(2 * value) for value in (x0, 842 - y1, x1, 842 - y0))
    inside = marked.crop(area).getcolors(100_000) or []
    assert all(blue < 128 for _, (_, _, blue) in inside)
    assert min(sum(colour) for _, colour in inside) < 60
    assert marked.getpixel((10, 10)) == (255, 255, 255)


def test_huge_pages_are_drawn_smaller(tmp_path: Path) -> None:
    path = write(tmp_path, Made([Sheet(lines("x"), media_box=(0, 0, 14_000, 14_000))]))
    width, height = Image.open(BytesIO(render_page(path, 1, dpi=300))).size
    assert width * height <= MAX_PIXELS * 1.01


@pytest.mark.parametrize(("page", "dpi"), [(0, 100), (2, 100), (1, 5), (1, 100_000)])
def test_pages_and_resolutions_that_do_not_exist_are_refused(tmp_path: Path, page: int, dpi: int) -> None:
    with pytest.raises(InvalidInput):
        render_page(write(tmp_path, Made([Sheet(lines("x"))])), page, dpi=dpi)


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_a_password_opens_a_pdf_and_what_it_opens_needs_none(tmp_path: Path, algorithm: str) -> None:
    path, copy = tmp_path / "locked.pdf", tmp_path / "readable.pdf"
    path.write_bytes(documents.encrypted([["The copper harbour."]], "Schlüssel", owner="Besitzer", algorithm=algorithm))
    for password in (None, "", "falsch"):
        with pytest.raises(PasswordNeeded):
            list(PdfLoader(password).load(path, title=None))
    with pytest.raises(PasswordNeeded):
        unlocked(path, "falsch")
    for password in ("Schlüssel", "Besitzer"):
        assert assemble(PdfLoader(password).load(path, title=None)).text == "The copper harbour."
        assert render_page(path, 1, dpi=50, password=password)
        copy.write_bytes(unlocked(path, password))
        assert assemble(PdfLoader().load(copy, title=None)).text == "The copper harbour."
