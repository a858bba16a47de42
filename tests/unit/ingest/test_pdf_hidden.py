from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders import assemble, pdf_text
from ingest.loaders.pdf import PdfLoader
from ingest.loaders.pdf_hidden import Unseen
from rag.types import Document
from tests.support.pdf_files import drawn, stream

SEEN = b"BT /F1 11 Tf 60 700 Td (what everyone reads) Tj ET\n"
LAYER_OFF = b"/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>"
LAYER = b"<< /Type /OCG /Name (Layer) >>"
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
SECRET = b"BT /F1 11 Tf 60 636 Td (secret) Tj ET"
PIXEL = stream(
    b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8", b"\xee"
)
SCAN = b"/XObject << /Im 6 0 R >>"

HIDDEN = {
    "never painted": drawn(SEEN + b"BT /F1 11 Tf 3 Tr 60 636 Td (secret) Tj ET"),
    "only a clip": drawn(SEEN + b"q BT /F1 11 Tf 7 Tr 60 636 Td (secret) Tj ET Q"),
    "white on white": drawn(SEEN + b"q 1 1 1 rg " + SECRET + b" Q"),
    "nearly white on white": drawn(SEEN + b"q 0.96 0.97 0.95 rg " + SECRET + b" Q"),
    "blue on blue": drawn(SEEN + b"q 0 0 .4 rg 50 630 200 20 re f 0 0.02 .42 rg " + SECRET + b" Q"),
    "transparent": drawn(SEEN + b"q /GS gs " + SECRET + b" Q", resources=b"/ExtGState << /GS << /ca 0 /CA 0 >> >>"),
    "under a box": drawn(SEEN + SECRET + b" q 0 g 50 630 200 20 re f Q"),
    "under a box with a label": drawn(
        SEEN + SECRET + b" q 0 g 50 630 200 20 re f 1 1 1 rg BT /F1 6 Tf 64 638 Td (removed) Tj ET Q"
    ),
    "tiny": drawn(SEEN + b"BT /F1 0.5 Tf 60 636 Td (secret) Tj ET"),
    "tiny by its matrix": drawn(SEEN + b"BT /F1 11 Tf 0.04 0 0 0.04 60 636 Tm (secret) Tj ET"),
    "below the page": drawn(SEEN + b"BT /F1 11 Tf 60 -50 Td (secret) Tj ET"),
    "right of the page": drawn(SEEN + b"BT /F1 11 Tf 700 636 Td (secret) Tj ET"),
    "on a layer switched off": drawn(
        SEEN + b"/OC /L BDC " + SECRET + b" EMC",
        resources=b"/Properties << /L 6 0 R >>",
        catalog=LAYER_OFF,
        more=[LAYER],
    ),
    "in a form on a layer switched off": drawn(
        SEEN + b"/Fm Do",
        resources=b"/XObject << /Fm 7 0 R >>",
        catalog=LAYER_OFF,
        more=[LAYER, stream(FORM + b" /OC 6 0 R", SECRET)],
    ),
    "never painted, in a form": drawn(
        SEEN + b"/Fm Do", resources=b"/XObject << /Fm 6 0 R >>", more=[stream(FORM, b"3 Tr " + SECRET)]
    ),
}
SHOWN = {
    "white on a dark box": drawn(SEEN + b"q 0 0 .4 rg 50 630 200 20 re f 1 1 1 rg " + SECRET + b" Q"),
    "light grey": drawn(SEEN + b"q 0.8 g " + SECRET + b" Q"),
    "an outline": drawn(SEEN + b"q 1 Tr 1 1 1 rg " + SECRET + b" Q"),
    "in a form": drawn(SEEN + b"/Fm Do", resources=b"/XObject << /Fm 6 0 R >>", more=[stream(FORM, SECRET)]),
    "on a layer switched on": drawn(
        SEEN + b"/OC /L BDC " + SECRET + b" EMC",
        resources=b"/Properties << /L 6 0 R >>",
        catalog=b"/OCProperties << /OCGs [6 0 R] /D << /ON [6 0 R] >> >>",
        more=[LAYER],
    ),
    "under a highlight": drawn(
        SEEN + SECRET + b" q /GS gs 1 1 0 rg 50 630 200 20 re f Q",
        resources=b"/ExtGState << /GS << /ca 0.4 /BM /Multiply >> >>",
    ),
    "beside a later box": drawn(SEEN + SECRET + b" q 0 g 50 600 200 20 re f Q"),
}


def load(tmp_path: Path, data: bytes) -> Document:
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    return assemble(PdfLoader().load(path, title=None))


@pytest.mark.parametrize("how", HIDDEN)
def test_text_that_a_person_cannot_see_is_left_out_and_reported(tmp_path: Path, how: str) -> None:
    document = load(tmp_path, HIDDEN[how])
    assert document.text.removesuffix("\n\nremoved") == "what everyone reads"
    assert (document.report.hidden_characters, document.report.hidden_sample) == (6, "secret")
    assert document.notes == ("Hidden text on page 1 was left out (6 characters)",)


@pytest.mark.parametrize("how", HIDDEN)
def test_without_the_look_at_it_the_hidden_text_would_be_in_the_document(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_text, "unseen", lambda *_: Unseen())
    monkeypatch.setattr(pdf_text, "_visibility", lambda page: lambda word: True)
    assert "secret" in load(tmp_path, HIDDEN[how]).text


@pytest.mark.parametrize("how", SHOWN)
def test_text_that_can_be_seen_stays(tmp_path: Path, how: str) -> None:
    document = load(tmp_path, SHOWN[how])
    assert document.text.split() == ["what", "everyone", "reads", "secret"]
    assert document.notes == ()
    assert document.report.hidden_characters == 0


def test_hidden_words_inside_a_line_leave_no_gap_and_no_halves(tmp_path: Path) -> None:
    content = b"BT /F1 11 Tf 60 700 Td (The lease ) Tj 3 Tr (never ) Tj 0 Tr (en) Tj 3 Tr (xx) Tj 0 Tr (ds here.) Tj ET"
    document = load(tmp_path, drawn(content))
    assert document.text == "The lease ends here."
    assert document.report.hidden_sample == "never xx"


def test_only_the_beginning_of_much_hidden_text_is_shown(tmp_path: Path) -> None:
    document = load(tmp_path, drawn(SEEN + b"BT /F1 11 Tf 3 Tr 1 0 0 1 60 600 Tm (%s) Tj ET" % (b"hidden " * 60)))
    assert document.report.hidden_characters == 360
    assert len(document.report.hidden_sample) <= 200


def test_the_text_layer_of_a_scan_is_its_text(tmp_path: Path) -> None:
    content = b"q 595 0 0 842 0 0 cm /Im Do Q BT /F1 11 Tf 3 Tr 60 700 Td (what the scan says) Tj ET"
    document = load(tmp_path, drawn(content, resources=SCAN, more=[PIXEL]))
    assert document.text == "what the scan says"
    assert document.report.hidden_characters == 0
    assert document.report.warnings == ("Page 1: text layer of a scan",)
    assert document.notes[0].startswith("Page 1: text layer of a scan")


def test_a_text_layer_may_also_lie_under_the_scan(tmp_path: Path) -> None:
    content = b"BT /F1 11 Tf 60 700 Td (what the scan says) Tj ET q 595 0 0 842 0 0 cm /Im Do Q"
    document = load(tmp_path, drawn(content, resources=SCAN, more=[PIXEL]))
    assert document.text == "what the scan says"
    assert document.report.warnings


def test_hidden_text_on_a_page_with_a_picture_behind_its_text_is_left_out(tmp_path: Path) -> None:
    content = b"q 595 0 0 842 0 0 cm /Im Do Q " + SEEN + b"BT /F1 11 Tf 3 Tr 60 636 Td (secret) Tj ET"
    document = load(tmp_path, drawn(content, resources=SCAN, more=[PIXEL]))
    assert document.text == "what everyone reads"
    assert document.report.hidden_sample == "secret"


def test_invisible_text_beside_a_small_picture_is_no_text_layer(tmp_path: Path) -> None:
    content = b"q 100 0 0 100 0 0 cm /Im Do Q BT /F1 11 Tf 60 700 Td (few) Tj 3 Tr ( hidden words here) Tj ET"
    assert load(tmp_path, drawn(content, resources=SCAN, more=[PIXEL])).text == "few"
