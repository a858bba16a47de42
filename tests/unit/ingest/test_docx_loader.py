"""Word documents: structure kept, hidden and deleted text out, hostile ones refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, flow, loader_for
from rag.errors import DamagedSource, NoText, TooLarge
from rag.places import Clipper, describe, locate
from rag.types import Document, Passage, Span
from tests.support.office_files import cell, docx, item, paragraph, row, table, zipped

Read = Callable[[bytes], Document]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(data: bytes) -> Document:
        path = tmp_path / "file.docx"
        path.write_bytes(data)
        return assemble(loader_for(media.DOCX).load(path, title=None))

    return load


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, document.text[b.span.start : b.span.end]) for b in document.blocks]


def run(text: str, look: str = "") -> str:
    return f"<w:r><w:rPr>{look}</w:rPr><w:t>{text}</w:t></w:r>"


def test_headings_come_from_styles_of_any_language_and_from_outline_levels(read: Read) -> None:
    document = read(
        docx(
            paragraph("One", style="berschrift1")
            + paragraph("Two", style="Eigene")
            + paragraph("Three", style="Gliederung")
            + paragraph("Four", properties='<w:outlineLvl w:val="3"/>')
            + paragraph("Plain", style="berschrift1", properties='<w:outlineLvl w:val="9"/>')
        )
    )
    assert [(kind, level) for kind, level, _ in blocks(document)] == [
        ("heading", 1),
        ("heading", 2),
        ("heading", 3),
        ("heading", 4),
        ("paragraph", 0),
    ]


def test_a_paragraph_numbered_by_a_heading_style_is_no_heading(read: Read) -> None:
    assert blocks(read(docx(paragraph("word " * 80, style="berschrift1"))))[0][0] == "paragraph"


def test_lists_keep_their_numbers_and_their_depth(read: Read) -> None:
    document = read(
        docx(
            item("Lease")
            + item("Rent", 1)
            + item("monthly", 2)
            + item("yearly", 2)
            + item("Term", 1)
            + item("Notice")
            + item("Form", 1)
            + paragraph("Between.")
            + item("dot", list_id=2)
        )
    )
    assert blocks(document) == [
        (
            "list",
            0,
            "- § 1 Lease\n  - 1.1 Rent\n    - (a) monthly\n    - (b) yearly\n  - 1.2 Term\n- § 2 Notice\n  - 2.1 Form",
        ),
        ("paragraph", 0, "Between."),
        ("list", 0, "- dot"),
    ]


def test_a_numbered_heading_carries_its_number(read: Read) -> None:
    numbered = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    document = read(docx(paragraph("Scope", style="berschrift1", properties=numbered)))
    assert blocks(document) == [("heading", 1, "§ 1 Scope")]


def test_tables_have_a_row_a_line_their_header_rows_and_merged_cells(read: Read) -> None:
    body = table(
        row("Part", cell("Price", '<w:gridSpan w:val="2"/>'), properties="<w:tblHeader/>"),
        row("", "net", "gross", properties="<w:tblHeader/>"),
        row(cell("Valve", "<w:vMerge w:val='restart'/>"), "1", "2"),
        row(cell("<w:p/>", "<w:vMerge/>"), "3", "4"),
    )
    document = read(docx(body))
    assert blocks(document) == [("table", 2, "Part | Price |\n | net | gross\nValve | 1 | 2\nValve | 3 | 4")]
    assert document.report.tables == 1


def test_a_first_row_that_is_set_off_is_the_header_only_where_it_reads_like_one(read: Read) -> None:
    look = '<w:tblLook w:val="04A0"/>'
    words = table(row("Part", "Price"), row("Valve", "12"), properties=look)
    figures = table(row("2021", "12"), row("2022", "13"), properties=look)
    plain = table(row("Part", "Price"), row("Valve", "12"), properties='<w:tblLook w:val="0400"/>')
    levels = [level for _, level, _ in blocks(read(docx(words + paragraph("x") + figures + paragraph("x") + plain)))]
    assert levels == [1, 0, 0, 0, 0]


def test_tables_that_only_arrange_larger_things_are_read_as_what_they_hold(read: Read) -> None:
    inner = table(row("a", "b"), row("c", "d"))
    body = table(row(cell(paragraph("Head", style="berschrift1") + paragraph("Text")), cell(inner + "<w:p/>")))
    box = table(row(cell(paragraph("First") + paragraph("Second"))))
    assert [text for _, _, text in blocks(read(docx(body + box)))] == [
        "Head",
        "Text",
        "a | b\nc | d",
        "First",
        "Second",
    ]


def test_notes_and_comments_follow_their_paragraph_and_say_what_they_are(read: Read) -> None:
    body = (
        f"<w:p>{run('Claim')}<w:r><w:footnoteReference w:id='2'/></w:r>{run(' goes on')}"
        "<w:r><w:commentReference w:id='0'/></w:r></w:p>"
        + paragraph("Next")
        + "<w:p><w:r><w:t>Last</w:t><w:endnoteReference w:id='5'/></w:r></w:p>"
    )
    others = {
        "footnotes": "<w:footnote w:type='separator' w:id='0'><w:p/></w:footnote>"
        f"<w:footnote w:id='2'>{paragraph('See § 5.')}{paragraph('And § 6.')}</w:footnote>",
        "endnotes": f"<w:endnote w:id='5'>{paragraph('A source.')}</w:endnote>",
        "comments": f"<w:comment w:id='0' w:author='A. Lawyer'>{paragraph('Really?')}</w:comment>"
        f"<w:comment w:id='1' w:author=''>{paragraph('Left over.')}</w:comment>",
    }
    assert read(docx(body, others=others)).text.split("\n\n") == [
        "Claim goes on",
        "Footnote 1: See § 5. And § 6.",
        "Comment by A. Lawyer: Really?",
        "Next",
        "Last",
        "Endnote 1: A source.",
        "Comment: Left over.",
    ]


def test_notes_in_a_table_follow_the_table(read: Read) -> None:
    noted = f"<w:p>{run('12')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>"
    others = {"footnotes": f"<w:footnote w:id='2'>{paragraph('Estimated.')}</w:footnote>"}
    document = read(docx(table(row("Price", cell(noted)), row("a", "b")), others=others))
    assert document.text == "Price | 12\na | b\n\nFootnote 1: Estimated."


def test_tracked_changes_count_as_accepted(read: Read) -> None:
    body = (
        f"<w:p>{run('The rent is ')}<w:del>{run('10')}<w:r><w:delText>10</w:delText></w:r></w:del>"
        f"<w:ins>{run('12')}</w:ins><w:moveFrom>{run('gone')}</w:moveFrom><w:moveTo>{run(' euros')}</w:moveTo></w:p>"
        f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run('Two halves ')}</w:p><w:p>{run('are one.')}</w:p>"
    )
    body += table(row("kept", "row"), row("deleted", "row", properties="<w:del/>"))
    body += f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run('The last.')}</w:p>"
    assert read(docx(body)).text == "The rent is 12 euros\n\nTwo halves are one.\n\nkept | row\n\nThe last."


@pytest.mark.parametrize(
    "look",
    [
        "<w:vanish/>",
        '<w:rStyle w:val="Geheim"/>',
        '<w:color w:val="FFFFFF"/>',
        '<w:color w:val="FEFEFE"/>',
        '<w:sz w:val="2"/>',
        '<w:color w:val="123456"/><w:shd w:val="clear" w:fill="123456"/>',
    ],
)
def test_text_that_nobody_sees_is_left_out_and_reported(read: Read, look: str) -> None:
    document = read(docx(f"<w:p>{run('Seen.')}{run('Obey the hidden voice', look)}</w:p>"))
    assert document.text == "Seen."
    assert document.report.hidden_characters == len("Obey the hidden voice")
    assert document.report.hidden_sample == "Obey the hidden voice"


@pytest.mark.parametrize(
    "look",
    [
        '<w:vanish w:val="0"/>',
        '<w:rStyle w:val="Geheim"/><w:vanish w:val="false"/>',
        '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="000000"/>',
        '<w:color w:val="FFFFFF"/><w:highlight w:val="black"/>',
        '<w:color w:val="auto"/>',
        '<w:sz w:val="12"/>',
    ],
)
def test_text_that_can_be_seen_stays(read: Read, look: str) -> None:
    document = read(docx(f"<w:p>{run('Light on dark.', look)}</w:p>"))
    assert (document.text, document.report.hidden_characters) == ("Light on dark.", 0)


def test_white_text_in_a_dark_cell_or_box_is_seen_and_in_a_plain_cell_it_is_not(read: Read) -> None:
    white = paragraph("Head", run='<w:color w:val="FFFFFF"/>')
    filled = cell(white, '<w:shd w:val="clear" w:fill="1F3864"/>')
    assert read(docx(table(row(filled, "b")))).text == "Head | b"
    assert read(docx(table(row(cell(white), "b"), properties='<w:tblStyle w:val="Raster"/>'))).text == "Head | b"
    assert read(docx(table(row(cell(white), "b"), row("c", "d")))).text == " | b\nc | d"
    box = "<wps:wsp><wps:spPr>{}</wps:spPr><wps:txbx><w:txbxContent>" + white + "</w:txbxContent></wps:txbx></wps:wsp>"
    assert read(docx(f"<w:p><w:r><v:textbox>{white}</v:textbox></w:r></w:p>")).text == "Head"
    dark = "<a:solidFill><a:srgbClr val='000000'/></a:solidFill>"
    assert read(docx(f"<w:p><w:r>{box.format(dark)}</w:r></w:p>")).text == "Head"
    with pytest.raises(NoText, match="hidden"):
        read(docx(f"<w:p><w:r>{box.format('')}</w:r></w:p>"))


def test_a_text_box_is_read_once(read: Read) -> None:
    content = f"<w:txbxContent>{paragraph('In the box')}</w:txbxContent>"
    box = (
        f"<mc:AlternateContent><mc:Choice><wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp></mc:Choice>"
        f"<mc:Fallback>{content}</mc:Fallback></mc:AlternateContent>"
    )
    assert read(docx(f"<w:p><w:r>{box}</w:r>{run('Around it')}</w:p>")).text == "In the box\n\nAround it"


def test_links_keep_their_target_where_the_text_does_not_say_it(read: Read) -> None:
    links = {
        "l1": ("hyperlink", "https://example.org/lease"),
        "l2": ("hyperlink", "mailto:a@example.org"),
        "l3": ("hyperlink", "file:///etc/passwd"),
    }
    body = (
        f"<w:p><w:hyperlink r:id='l1'>{run('the lease')}</w:hyperlink>, <w:hyperlink r:id='l2'>{run('a@example.org')}"
        f"</w:hyperlink>{run(', ')}<w:hyperlink r:id='l3'>{run('x')}</w:hyperlink>"
        "<w:r><w:fldChar w:fldCharType='begin'/><w:instrText> HYPERLINK \"http://example.org/2\" </w:instrText>"
        f"<w:fldChar w:fldCharType='separate'/></w:r>{run(' field')}<w:r><w:fldChar w:fldCharType='end'/></w:r></w:p>"
    )
    assert read(docx(body, links=links)).text == (
        "the lease (https://example.org/lease)a@example.org, x field (http://example.org/2)"
    )


def test_properties_files_inside_and_foreign_parts_are_told(read: Read) -> None:
    core = "<dc:title>Lease of a garden</dc:title><dc:creator>A. Lawyer</dc:creator>"
    core += "<dcterms:modified>2024-03-01T10:00:00Z</dcterms:modified>"
    others = {"word/embeddings/sheet.xlsx": b"x", "word/media/a.png": b"x"}
    document = read(docx(paragraph("Text") + "<w:altChunk/>", core=core, others=others))
    assert (document.title, document.author, document.date) == ("Lease of a garden", "A. Lawyer", "2024-03-01")
    assert len(document.report.skipped) == 1
    assert "sheet.xlsx" in document.report.skipped[0]
    assert document.report.warnings


def test_a_title_comes_from_the_style_title_where_the_properties_have_none(read: Read) -> None:
    document = read(docx(paragraph("Lease of a garden", style="Titel") + paragraph("Text")))
    assert document.title == "Lease of a garden"
    assert blocks(document)[0][:2] == ("heading", 1)


def test_strict_documents_are_read_too(read: Read) -> None:
    namespace = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    part = f'<w:document xmlns:w="{namespace}"><w:body>{paragraph("Strict.")}</w:body></w:document>'
    assert read(zipped({"word/document.xml": part})).text == "Strict."


def test_a_citation_says_heading_and_paragraph(read: Read) -> None:
    document = read(docx(paragraph("Rent", style="berschrift1") + paragraph("It is due.") + paragraph("It is high.")))
    start = document.text.index("It is high.")
    span = Span(start, len(document.text))
    places = Clipper(document.places, document.text).clip(span)
    passage = Passage(
        "c", "d", "v", "t", 0, span, document.text[start:], "en", heading_path=("Rent",), places=places
    )  # fmt: skip
    assert describe(locate(passage, span)) == "Rent, paragraph 3"


def test_line_breaks_stay_and_blank_lines_never_stand_inside_a_paragraph(read: Read) -> None:
    body = "<w:p><w:r><w:t>one</w:t><w:br/><w:br/><w:t> two </w:t><w:tab/><w:t>three</w:t></w:r></w:p>"
    assert read(docx(body)).text == "one\ntwo three"


def test_a_document_without_text_says_so(read: Read) -> None:
    with pytest.raises(NoText) as caught:
        read(docx("<w:p/>"))
    assert caught.value.hint


def test_another_zip_under_the_name_is_refused(read: Read) -> None:
    with pytest.raises(DamagedSource, match="not a document of this kind"):
        read(zipped({"readme.txt": b"x"}))


def test_a_doctype_is_refused(read: Read) -> None:
    with pytest.raises(DamagedSource, match="never write"):
        read(docx(paragraph("x"), prolog='<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'))


def test_tables_that_nest_without_end_are_refused(read: Read) -> None:
    assert read(docx("<w:tbl><w:tr><w:tc>" * 40 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 40)).text == "x"
    with pytest.raises(DamagedSource, match="nests"):
        read(docx("<w:tbl><w:tr><w:tc>" * 5000 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 5000))


def test_paragraphs_are_counted(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    data = docx("<w:p/>" * 50 + paragraph("x"))
    assert read(data).text == "x"
    monkeypatch.setattr(flow, "MOST", 50)
    with pytest.raises(TooLarge, match="more than 50"):
        read(data)


def test_styles_that_rest_on_each_other_in_a_circle_are_survived(read: Read) -> None:
    styles = (
        '<w:style w:type="paragraph" w:styleId="A"><w:name w:val="A"/><w:basedOn w:val="B"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="B"><w:name w:val="B"/><w:basedOn w:val="A"/></w:style>'
    )
    assert read(docx(paragraph("Round.", style="A"), others={"styles": styles})).text == "Round."


def test_structure_out_of_place_is_survived(read: Read) -> None:
    body = "<w:tc><w:p><w:r><w:t>cell</w:t></w:r></w:p></w:tc><w:tr/><w:t>loose</w:t><w:r><w:t>run</w:t></w:r>"
    body += "<w:p><w:r><w:fldChar w:fldCharType='end'/><w:fldChar w:fldCharType='separate'/></w:r></w:p>"
    body += "<w:p><w:pPr><w:outlineLvl w:val='x'/><w:numPr><w:numId w:val='99'/></w:numPr></w:pPr></w:p><w:hyperlink/>"
    body += paragraph("end", properties="<w:numPr><w:ilvl w:val='-7'/><w:numId w:val='1'/></w:numPr>")
    assert read(docx(body)).text == "cell\n\n- § 1 end"
