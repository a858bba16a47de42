from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from ingest.loaders import pdf_fingerprints
from ingest.loaders.pdf_fingerprints import NO_PRINT, fingerprints
from tests.support.documents import encrypted, pdf
from tests.support.kept import edited
from tests.support.pdf_files import Made, Sheet, lines

PLAIN = pdf([["The first page."], ["The second page."], ["The third page."]])
SECOND = 1


def _rich(file: Pdf) -> None:
    """On the second page all that may draw something, within all else that there is."""
    form = file.make_stream(b"BT /F1 9 Tf (form) Tj ET", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9])
    form.Resources = Dictionary(Font=Dictionary(F1=file.pages[0].obj.Resources.Font.F1))
    form.Resources.XObject = Dictionary(Self=form)  # a circle
    page = file.pages[SECOND].obj
    page.Resources = file.make_indirect(
        Dictionary(
            Font=Dictionary({"/F1": page.Resources.Font.F1, "/Length": page.Resources.Font.F1}),
            XObject=Dictionary(Fm1=form),
            ExtGState=Dictionary(G=Dictionary(LW=Decimal("1.23456789"))),
        )
    )
    page.Annots = Array([file.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Text, P=page, Contents="a (b\\"))])


RICH = edited(PLAIN, _rich)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.pdf"


def prints(path: Path, data: bytes) -> tuple[bytes, ...]:
    path.write_bytes(data)
    return fingerprints(path)


def _page(file: Pdf) -> pikepdf.Object:
    return file.pages[SECOND].obj


def _font(file: Pdf, **entries: object) -> pikepdf.Object:
    return file.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, **entries))


def _content(file: Pdf) -> None:
    _page(file).Contents = file.make_stream(_page(file).Contents.read_bytes() + b" ")


def _filter(file: Pdf) -> None:
    _page(file).Contents.write(_page(file).Contents.read_raw_bytes(), filter=Name.Crypt)


def _font_of_the_same_name(file: Pdf) -> None:
    _page(file).Resources.Font.F1 = _font(file, BaseFont=Name.Helvetica, Encoding=Name.MacRomanEncoding)


def _font_called_length(file: Pdf) -> None:
    _page(file).Resources.Font[Name.Length] = _font(file, BaseFont=Name.Courier)


def _font_called_like_a_counter(file: Pdf) -> None:
    _page(file).Resources.Font[Name.StructParents] = _font(file, BaseFont=Name.Courier)


def _meaning_of_letters(file: Pdf) -> None:
    font = dict(_page(file).Resources.Font.F1.items())
    _page(file).Resources.Font.F1 = file.make_indirect(Dictionary({**font, "/ToUnicode": file.make_stream(b"x")}))


def _in_the_form(file: Pdf) -> None:
    form = _page(file).Resources.XObject.Fm1
    form.write(form.read_bytes().replace(b"form", b"frog"))


def _in_the_circle(file: Pdf) -> None:
    form = _page(file).Resources.XObject.Fm1
    form.Resources.XObject.Self = file.make_stream(b"", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9])


def _real(file: Pdf) -> None:
    _page(file).Resources.ExtGState.G.LW = Decimal("1.23457")


def _fonts_from_another_page(file: Pdf) -> None:
    file.pages[2].obj.Font = Dictionary(F1=_font(file, BaseFont=Name.Courier))
    _page(file).Resources = file.pages[2].obj


def _inherited_box(file: Pdf) -> None:
    del _page(file).MediaBox
    file.Root.Pages.MediaBox = Array([0, 0, 300, 842])


def _inherited_turn(file: Pdf) -> None:
    file.Root.Pages.Rotate = 90


CHANGES: dict[str, Callable[[Pdf], None]] = {
    "content": _content,
    "filter": _filter,
    "font of the same name": _font_of_the_same_name,
    "font called Length": _font_called_length,
    "font called StructParents": _font_called_like_a_counter,
    "meaning of letters": _meaning_of_letters,
    "in the form": _in_the_form,
    "in the circle": _in_the_circle,
    "real number": _real,
    "fonts from another page": _fonts_from_another_page,
    "inherited box": _inherited_box,
    "inherited turn": _inherited_turn,
    "direction": lambda file: file.Root.__setattr__("ViewerPreferences", Dictionary(Direction=Name.R2L)),
    "box": lambda file: _page(file).__setattr__("MediaBox", Array([0, 0, 300, 842])),
    "crop": lambda file: _page(file).__setattr__("CropBox", Array([0, 0, 300, 842])),
    "turn": lambda file: _page(file).__setattr__("Rotate", 90),
    "unit": lambda file: _page(file).__setattr__("UserUnit", 2),
    "annotation": lambda file: _page(file).Annots[0].__setattr__("Contents", "a (c\\"),
    "another annotation": lambda file: _page(file).Annots.append(Dictionary(Type=Name.Annot, Subtype=Name.Square)),
}

MORE = {"fonts from another page": {SECOND, 2}, "inherited turn": {0, SECOND, 2}, "direction": {0, SECOND, 2}}
"""Changes of other pages than the second."""


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_may_change_a_page_changes_its_fingerprint_and_no_other(path: Path, change: str) -> None:
    before, after = prints(path, RICH), prints(path, edited(RICH, CHANGES[change]))
    assert len(before) == len(after) == 3
    assert NO_PRINT not in (*before, *after)
    changed = {number for number, (one, other) in enumerate(zip(before, after, strict=True)) if one != other}
    assert changed == MORE.get(change, {SECOND})


def test_what_a_page_takes_from_another_that_is_none_is_seen(path: Path) -> None:
    def other(file: Pdf) -> None:
        file.pages[2].obj.Font.F1 = _font(file, BaseFont=Name.Times)

    borrowed = edited(RICH, _fonts_from_another_page)
    assert prints(path, borrowed)[SECOND] != prints(path, edited(borrowed, other))[SECOND]


def test_a_file_written_anew_has_the_same_fingerprints(path: Path) -> None:
    before = prints(path, RICH)
    assert prints(path, edited(RICH, lambda _: None)) == before
    copy = BytesIO()
    pypdf.PdfWriter(clone_from=BytesIO(RICH)).write(copy)  # which writes fewer digits
    assert copy.getvalue() != RICH
    assert prints(path, copy.getvalue()) == before
    assert len(set(before)) == 3


def test_pages_are_known_in_another_order_and_among_others(path: Path) -> None:
    def reorder(file: Pdf) -> None:
        file.pages.insert(0, file.pages[2])
        file.add_blank_page()
        file.pages[0].obj.StructParents = 7  # counted through the file

    one, two, three = prints(path, RICH)
    assert prints(path, edited(RICH, reorder))[:4] == (three, one, two, three)


def test_reals_that_pdfium_reads_as_one_are_one(path: Path) -> None:
    def disassembled(file: Pdf) -> None:
        file.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable)

    edited(RICH, disassembled)
    plain = path.read_bytes()
    assert plain.count(b"1.23456789") == 1
    found = {}
    for digits in ("1.23456789", "1.23456788", "1.23457789", "1.23456"):
        [_, found[digits], _] = prints(path, plain.replace(b"1.23456789", digits.ljust(10).encode()))
    assert found["1.23456789"] == found["1.23456788"] != NO_PRINT
    assert len(set(found.values())) == 3


def _with_form(file: Pdf) -> None:
    file.Root.AcroForm = Dictionary(Fields=Array([]))


def _with_layers(file: Pdf) -> None:
    file.Root.OCProperties = Dictionary(OCGs=Array([]), D=Dictionary())


@pytest.mark.parametrize("change", [_with_form, _with_layers])
def test_files_with_forms_or_layers_have_none(path: Path, change: Callable[[Pdf], None]) -> None:
    assert prints(path, edited(RICH, change)) == ()


@pytest.mark.parametrize(
    "data",
    [
        encrypted([["Locked."]], "quokka"),
        encrypted([["Open to all."]], "", owner="quokka"),
        PLAIN[: len(PLAIN) // 2],
        PLAIN.replace(b"/Count 3", b"/Count 2"),
        PLAIN.replace(b"startxref\n", b"startxref\n9"),
        b"%PDF-1.7\nnothing else",
        b"",
    ],
    ids=["locked", "open", "cut", "miscounted", "misplaced", "hollow", "empty"],
)
def test_files_that_two_programs_may_read_differently_have_none(path: Path, data: bytes) -> None:
    assert prints(path, data) == ()


def test_the_walk_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(RICH)
    assert NO_PRINT not in fingerprints(path)
    with monkeypatch.context() as few:
        few.setattr(pdf_fingerprints, "_MOST_OBJECTS", 3)
        assert [one == NO_PRINT for one in fingerprints(path)] == [False, True, False]
    for limit, value in (("_MOST_VISITS", 5), ("_TIMES_THE_FILE", 0)):
        with monkeypatch.context() as few:
            few.setattr(pdf_fingerprints, limit, value)
            assert fingerprints(path) == ()


def test_a_page_tree_that_leads_back_to_itself_has_none(path: Path) -> None:
    data = Made([Sheet(lines("A page.")), Sheet(lines("Another."))]).bytes()
    kids = data[data.index(b"/Kids [") : data.index(b"]", data.index(b"/Kids [")) + 1]
    first = kids[len(b"/Kids [") : kids.index(b"R") + 1]
    looped = kids.replace(first, b"2 0 R".ljust(len(first)))
    assert prints(path, data.replace(kids, looped)) == ()
