"""OpenDocument text: structure kept, hidden and deleted text out, encrypted and hostile ones refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, loader_for
from rag.errors import DamagedSource, NoText, PasswordNeeded
from rag.types import Document
from tests.support.office_files import odf, zipped

Read = Callable[[bytes], Document]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(data: bytes) -> Document:
        path = tmp_path / "file.odt"
        path.write_bytes(data)
        return assemble(loader_for(media.ODT).load(path, title=None))

    return load


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, document.text[b.span.start : b.span.end]) for b in document.blocks]


def style(name: str, look: str, *, family: str = "text", more: str = "", parent: str = "") -> str:
    above = f'style:parent-style-name="{parent}"' if parent else ""
    return (
        f'<style:style style:name="{name}" style:family="{family}" {above}>{more}'
        f"<style:text-properties {look}/></style:style>"
    )


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def test_headings_lists_and_paragraphs_keep_their_levels(read: Read) -> None:
    body = (
        '<text:h text:outline-level="2">Rent</text:h>'
        '<text:p>It is<text:s text:c="3"/>due.<text:line-break/>Soon.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>deeper</text:p>"
        "</text:list-item></text:list></text:list-item><text:list-item><text:p>two</text:p><text:p>goes on</text:p>"
        "</text:list-item></text:list>"
    )
    assert blocks(read(odf(body))) == [
        ("heading", 2, "Rent"),
        ("paragraph", 0, "It is due.\nSoon."),
        ("list", 0, "- one\n  - deeper\n- two"),
        ("paragraph", 0, "goes on"),
    ]


def test_items_and_headings_carry_the_numbers_that_the_program_sets(read: Read) -> None:
    level = '<text:{} text:level="{}" style:num-format="{}" style:num-suffix="{}" text:display-levels="{}"/>'
    number, outline = "list-level-style-number", "outline-level-style"
    lists = '<text:list-style style:name="L1">' + level.format(number, 1, "1", ".", 1)
    lists += level.format(number, 2, "a", ")", 1) + "</text:list-style>"
    headings = level.format(outline, 1, "1", "", 1) + level.format(outline, 2, "1", "", 2)
    styles = f"{lists}<text:outline-style>{headings}</text:outline-style>"
    styles += '<style:style style:name="P9" style:family="paragraph" style:list-style-name=""/>'
    item = "<text:list-item {}><text:p>{}</text:p>{}</text:list-item>"
    inner = f"<text:list>{item.format('', 'x', '')}{item.format('', 'y', '')}</text:list>"
    body = (
        '<text:h text:outline-level="1">One</text:h><text:h text:outline-level="2">Two</text:h>'
        '<text:h text:outline-level="1" text:style-name="P9">Plain</text:h>'
        '<text:h text:outline-level="2">Three</text:h>'
        f'<text:list text:style-name="L1">{item.format("", "a", inner)}{item.format("", "b", "")}</text:list>'
        f'<text:p>-</text:p><text:list text:style-name="L1" text:continue-numbering="true">{item.format("", "c", "")}'
        f"{item.format('text:start-value=' + chr(34) + '7' + chr(34), 'd', '')}</text:list>"
        f'<text:p>-</text:p><text:list text:style-name="L1">{item.format("", "e", "")}</text:list>'
    )
    assert [text for _, _, text in blocks(read(odf(body, styles=styles)))] == [
        *("1 One", "1.1 Two", "Plain", "1.2 Three", "- 1. a\n  - a) x\n  - b) y\n- 2. b"),
        *("-", "- 3. c\n- 7. d", "-", "- 1. e"),
    ]


def test_tables_have_header_rows_and_merged_cells(read: Read) -> None:
    body = (
        "<table:table><table:table-header-rows><table:table-row>"
        + cell("Part")
        + cell("Price", 'table:number-columns-spanned="2"')
        + "<table:covered-table-cell/></table:table-row></table:table-header-rows><table:table-row>"
        + cell("Valve", 'table:number-rows-spanned="2"')
        + cell("1")
        + cell("2")
        + "</table:table-row><table:table-row><table:covered-table-cell/>"
        + cell("3")
        + cell("4")
        + "</table:table-row></table:table>"
    )
    document = read(odf(body))
    assert blocks(document) == [("table", 1, "Part | Price |\nValve | 1 | 2\nValve | 3 | 4")]
    assert document.report.tables == 1


def test_notes_and_comments_follow_their_paragraph(read: Read) -> None:
    body = (
        '<text:p>Claim<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
        "<text:p>See § 5.</text:p></text:note-body></text:note> goes on<office:annotation><dc:creator>A. Lawyer"
        "</dc:creator><dc:date>2024-01-01</dc:date><text:p>Really?</text:p></office:annotation></text:p>"
        '<text:p>Next<text:note text:note-class="endnote"><text:note-body><text:p>A source.</text:p></text:note-body>'
        "</text:note></text:p>"
    )
    assert read(odf(body)).text.split("\n\n") == [
        "Claim goes on",
        "Footnote 1: See § 5.",
        "Comment by A. Lawyer: Really?",
        "Next",
        "Endnote 1: A source.",
    ]


def test_deleted_text_is_out_and_inserted_text_is_in(read: Read) -> None:
    body = (
        '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><text:p>ten</text:p></text:deletion>'
        '</text:changed-region></text:tracked-changes><text:p>The rent is <text:change text:change-id="c1"/>'
        '<text:change-start text:change-id="c2"/>twelve<text:change-end text:change-id="c2"/>.</text:p>'
    )
    assert read(odf(body)).text == "The rent is twelve."


@pytest.mark.parametrize(
    ("look", "seen"),
    [
        ('text:display="none"', False),
        ('fo:color="#ffffff"', False),
        ('fo:color="#FFFFFF" fo:background-color="transparent"', False),
        ('fo:font-size="1pt"', False),
        ('fo:font-size="0.01cm"', False),
        ('fo:color="#ffffff" fo:background-color="#000000"', True),
        ('text:display="true"', True),
        ('fo:color="#ffffff" style:use-window-font-color="true"', True),
        ('fo:font-size="50%"', True),
    ],
)
def test_text_that_nobody_sees_is_left_out_and_reported(read: Read, look: str, seen: bool) -> None:
    body = '<text:p>Seen. <text:span text:style-name="T2">Obey me</text:span></text:p>'
    styles = style("T1", look) + style("T2", "", parent="T1")
    document = read(odf(body, styles=styles))
    assert document.text == ("Seen. Obey me" if seen else "Seen.")
    assert document.report.hidden_sample == ("" if seen else "Obey me")


def test_sections_paragraphs_and_fields_that_are_hidden_are_left_out_and_reported(read: Read) -> None:
    body = (
        '<text:section text:display="none"><text:p>In a section</text:p></text:section>'
        '<text:p>Whole<text:hidden-paragraph text:is-hidden="true"/></text:p>'
        '<text:p>Seen<text:hidden-text text:is-hidden="true" text:string-value="field"/></text:p>'
        '<text:section text:display="true"><text:p>Open</text:p></text:section>'
    )
    document = read(odf(body))
    assert document.text == "Seen\n\nOpen"
    assert document.report.hidden_sample == "In a section Whole field"


def test_white_text_in_a_dark_cell_or_frame_is_seen(read: Read) -> None:
    styles = style("P1", 'fo:color="#ffffff"', family="paragraph")
    styles += style("C1", "", family="table-cell", more='<style:table-cell-properties fo:background-color="#000080"/>')
    styles += style("G1", "", family="graphic", more='<style:graphic-properties draw:fill="gradient"/>')
    white = '<text:p text:style-name="P1">White</text:p>'
    dark = f'<table:table-cell table:style-name="C1">{white}</table:table-cell>{cell("b")}'
    frame = f'<text:p><draw:frame draw:style-name="G1"><draw:text-box>{white}</draw:text-box></draw:frame></text:p>'
    plain = f"<table:table-cell>{white}</table:table-cell>{cell('b')}"
    table = "<table:table><table:table-row>{}</table:table-row></table:table>"
    assert read(odf(table.format(dark), styles=styles)).text == "White | b"
    assert read(odf(frame, styles=styles)).text == "White"
    assert read(odf(table.format(plain), styles=styles)).report.hidden_sample == "White"


def test_a_paragraph_in_the_style_title_gives_the_title_and_metadata_goes_before_it(read: Read) -> None:
    body = '<text:p text:style-name="P1">Lease of a garden</text:p><text:p>Text</text:p>'
    styles = style("P1", "", family="paragraph", parent="Title")
    assert read(odf(body, styles=styles)).title == "Lease of a garden"
    meta = "<dc:title>Terms of lease</dc:title><meta:initial-creator>A. Lawyer</meta:initial-creator>"
    meta += "<dc:date>2024-03-01T10:00:00</dc:date>"
    document = read(odf(body, styles=styles, meta=meta, others={"Object 1/content.xml": "<x/>"}))
    assert (document.title, document.author, document.date) == ("Terms of lease", "A. Lawyer", "2024-03-01")
    assert len(document.report.skipped) == 1


def test_links_keep_their_target(read: Read) -> None:
    body = '<text:p><text:a xlink:href="https://example.org/x">the lease</text:a> ends</text:p>'
    assert read(odf(body)).text == "the lease (https://example.org/x) ends"


def test_an_encrypted_document_needs_a_password(read: Read) -> None:
    entry = "<manifest:file-entry>{}</manifest:file-entry>"
    assert read(odf("<text:p>x</text:p>", manifest=entry.format(""))).text == "x"
    with pytest.raises(PasswordNeeded) as caught:
        read(odf("<text:p>x</text:p>", manifest=entry.format("<manifest:encryption-data/>")))
    assert "remove the password" in caught.value.hint


def test_a_document_without_text_or_content_says_so(read: Read) -> None:
    with pytest.raises(NoText):
        read(odf("<text:p/>"))
    with pytest.raises(DamagedSource, match="not a document of this kind"):
        read(zipped({"mimetype": "x"}))


def test_a_doctype_is_refused_in_every_part_that_is_read(read: Read) -> None:
    for part in ("styles.xml", "META-INF/manifest.xml", "content.xml", "meta.xml"):
        with pytest.raises(DamagedSource, match="never write"):
            read(zipped({"content.xml": "<x/>", part: "<!DOCTYPE x><x/>"}))


def test_structure_out_of_place_is_survived(read: Read) -> None:
    body = (
        "<text:span>loose</text:span><table:table-cell><text:p>cell</text:p></table:table-cell><table:table-row/>"
        '<text:list-item><text:p>item</text:p></text:list-item><text:p><text:s text:c="99999999999"/>x</text:p>'
        '<text:h text:outline-level="abc">Head</text:h><table:table-header-rows/><text:a>y</text:a>'
    )
    assert read(odf(body)).text == "cell\n\nitem\n\nx\n\nHead"
