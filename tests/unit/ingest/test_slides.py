"""Presentations, PowerPoint's and OpenDocument's: slides as places, in the order in which a person reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, loader_for
from rag.errors import DamagedSource, NoText
from rag.types import Document
from tests.support.office_files import odf, pptx, relations, shape, transform, zipped

Read = Callable[[bytes], Document]
PAGE = '<style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/>'


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(data: bytes) -> Document:
        path = tmp_path / "file"
        path.write_bytes(data)
        media_type = media.ODP if b"opendocument" in data[:200] else media.PPTX
        return assemble(loader_for(media_type).load(path, title=None))

    return load


def slides(document: Document) -> list[tuple[int, str, str]]:
    return [(place.number, place.name, document.text[place.span.start : place.span.end]) for place in document.places]


def frame(text: str, *, kind: str = "", x: str = "1cm", y: str = "1cm", more: str = "") -> str:
    classed = f'presentation:class="{kind}"' if kind else ""
    content = text if text.startswith("<") else f"<text:p>{text}</text:p>"
    return (
        f'<draw:frame {classed} svg:x="{x}" svg:y="{y}" svg:width="5cm" svg:height="2cm" {more}>'
        f"<draw:text-box>{content}</draw:text-box></draw:frame>"
    )


def odp(*pages: str, styles: str = "") -> bytes:
    made = "".join(page if page.startswith("<draw:page") else f"<draw:page>{page}</draw:page>" for page in pages)
    return odf(made, kind="presentation", styles=PAGE + styles)


def test_slides_are_places_named_by_their_titles(read: Read) -> None:
    title = shape("Pumps", place="title", box=(0, 5000000, 10, 10))
    document = read(pptx(title + shape("First", box=(0, 0, 10, 10)), "", shape("No title")))
    expected = [(1, "Pumps", "Pumps\n\nFirst"), (3, "", "No title")]
    assert slides(document) == expected
    assert [(b.kind, b.level) for b in document.blocks] == [("heading", 1), ("paragraph", 0), ("paragraph", 0)]
    assert document.title == "Pumps"
    document = read(odp(frame("First") + frame("Pumps", kind="title", y="19cm"), "", frame("No title")))
    assert slides(document) == expected
    assert document.title == "Pumps"


def test_shapes_are_read_from_the_top_and_from_left_to_right(read: Read) -> None:
    boxes = {"c": (100, 3000000, 10, 10), "b": (5000000, 1010000, 10, 10), "a": (100, 1000000, 10, 10)}
    document = read(pptx("".join(shape(text, box=box) for text, box in boxes.items())))
    assert document.text == "a\n\nb\n\nc"
    document = read(odp(frame("c", y="9cm") + frame("b", x="9cm", y="1.1cm") + frame("a", y="1cm")))
    assert document.text == "a\n\nb\n\nc"


def test_groups_stand_where_their_group_does(read: Read) -> None:
    moved = (
        "<p:grpSp><p:nvGrpSpPr><p:cNvPr id='9' name='g'/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x='0' y='4000000'/>"
        "<a:ext cx='100' cy='100'/><a:chOff x='0' y='0'/><a:chExt cx='100' cy='100'/></a:xfrm></p:grpSpPr>"
        + shape("below", box=(0, 0, 10, 10))
        + "</p:grpSp>"
    )
    assert read(pptx(moved + shape("above", box=(0, 1000000, 10, 10)))).text == "above\n\nbelow"
    assert read(odp(f"<draw:g>{frame('below', y='9cm')}</draw:g>" + frame("above"))).text == "above\n\nbelow"


def test_placeholders_without_a_place_of_their_own_stand_where_their_layout_says(read: Read) -> None:
    layout = "<p:cSld><p:spTree>" + shape(place="body", box=(0, 6000000, 10, 10)) + "</p:spTree></p:cSld>"
    data = pptx(
        shape("by layout", place="body") + shape("own", box=(0, 1000000, 10, 10)),
        links={1: {"l": ("slideLayout", "../slideLayouts/l.xml")}},
        others={"ppt/slideLayouts/l.xml": layout},
    )
    assert read(data).text == "own\n\nby layout"


def test_bodies_are_lists_with_depth_and_what_each_slide_repeats_is_left_out(read: Read) -> None:
    deeper = '<a:p><a:pPr lvl="1"/><a:r><a:t>deeper</a:t></a:r></a:p>'
    plain = "<a:p><a:pPr><a:buNone/></a:pPr><a:r><a:t>plain</a:t></a:r></a:p>"
    data = pptx(shape("one", deeper, plain, place="body") + shape("12", place="sldNum") + shape("Corp", place="ftr"))
    assert read(data).text == "- one\n  - deeper\n\nplain"
    items = "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
    document = read(odp(frame(items, kind="outline") + frame("Corp", kind="footer")))
    assert document.text == "- one"


def test_lists_of_two_slides_stay_two_lists(read: Read) -> None:
    document = read(pptx(shape("a", "b", place="body"), shape("c", "d", place="body")))
    assert [text for _, _, text in slides(document)] == ["- a\n- b", "- c\n- d"]


def test_tables_have_their_header_row(read: Read) -> None:
    def row(*texts: str) -> str:
        cells = (f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>" for text in texts)
        return f"<a:tr>{''.join(cells)}</a:tr>"

    rows = row("Part", "Price") + row("Valve", "12")
    graphic = f'<a:graphic><a:graphicData><a:tbl><a:tblPr firstRow="1"/>{rows}</a:tbl></a:graphicData></a:graphic>'
    document = read(pptx(f"<p:graphicFrame>{graphic}</p:graphicFrame>"))
    assert [(b.kind, b.level) for b in document.blocks] == [("table", 1)]
    assert document.text == "Part | Price\nValve | 12"
    cells = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    odf_row = "<table:table-row>" + cells.format("a") + cells.format("b") + "</table:table-row>"
    document = read(odp(f"<draw:frame><table:table>{odf_row}</table:table></draw:frame>"))
    assert (document.blocks[0].kind, document.text) == ("table", "a | b")


def test_notes_are_marked_and_comments_say_who_made_them(read: Read) -> None:
    links = {1: {"n": ("notesSlide", "../notesSlides/n.xml"), "c": ("comments", "../comments/c.xml")}}
    others = {
        "ppt/notesSlides/n.xml": "<p:cSld>"
        + shape("12", place="sldNum")
        + shape("Say this.", place="body")
        + "</p:cSld>",
        "ppt/comments/c.xml": '<p:cm authorId="3"><p:text>Too long?</p:text></p:cm>',
        "ppt/commentAuthors.xml": '<p:cmAuthor id="3" name="A. Teacher"/>',
    }
    document = read(pptx(shape("Text"), links=links, others=others))
    assert document.text == "Text\n\nNotes: Say this.\n\nComment by A. Teacher: Too long?"
    assert slides(document)[0][2] == document.text
    notes = "<presentation:notes>" + frame("Say this.", kind="notes") + frame("1", kind="page-number")
    comment = "<office:annotation><dc:creator>A. Teacher</dc:creator><text:p>Too long?</text:p></office:annotation>"
    document = read(odp(frame("Text") + comment + notes + "</presentation:notes>", frame("Next")))
    assert slides(document)[0][2] == "Text\n\nNotes: Say this.\n\nComment by A. Teacher: Too long?"


def test_charts_and_diagrams_give_their_words(read: Read) -> None:
    def graphic(inner: str) -> str:
        return f"<p:graphicFrame><a:graphic><a:graphicData>{inner}</a:graphicData></a:graphic></p:graphicFrame>"

    run = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    document = read(
        pptx(
            graphic('<c:chart r:id="c"/>') + graphic('<dgm:relIds r:dm="d"/>'),
            links={1: {"c": ("chart", "../charts/chart1.xml"), "d": ("diagramData", "../diagrams/data1.xml")}},
            others={
                "ppt/charts/chart1.xml": "<c:chart><c:title>" + run.format("Sales 2024") + "</c:title></c:chart>",
                "ppt/diagrams/data1.xml": "<dgm:pt>"
                + run.format("Plan")
                + "</dgm:pt><dgm:pt>"
                + run.format("Do")
                + "</dgm:pt>",
            },
        )
    )
    assert document.text == "Chart: Sales 2024\n\n- Plan\n- Do"


def test_hidden_slides_are_read_and_named(read: Read) -> None:
    document = read(pptx(shape("a"), shape("b"), attributes={2: 'show="0"'}))
    assert (document.text, len(document.report.warnings)) == ("a\n\nb", 1)
    assert document.report.warnings[0].endswith("slide 2")
    styles = (
        '<style:style style:name="d1" style:family="drawing-page">'
        '<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    )
    page = f'<draw:page draw:style-name="d1">{frame("b")}</draw:page>'
    document = read(odp(frame("a"), page, styles=styles))
    assert (document.text, document.report.warnings[0][-7:]) == ("a\n\nb", "slide 2")


def test_shapes_that_are_hidden_or_beside_the_slide_are_left_out_and_reported(read: Read) -> None:
    beside = shape("off", box=(-5000000, 0, 4000000, 10)) + shape("gone", hidden=True)
    document = read(pptx(shape("seen", box=(-10, 0, 100, 100)) + beside))
    assert (document.text, document.report.hidden_sample) == ("seen", "off gone")
    beside = frame("off", x="29cm") + frame("gone", more='draw:display="none"')
    document = read(odp(frame("seen", x="-1cm") + beside))
    assert (document.text, document.report.hidden_sample) == ("seen", "off gone")


def test_tiny_text_and_text_in_the_colour_of_its_shape_is_hidden(read: Read) -> None:
    def colour(value: str) -> str:
        return f'<a:solidFill><a:srgbClr val="{value}"/></a:solidFill>'

    run = "<a:p><a:r><a:rPr {}>{}</a:rPr><a:t>{}</a:t></a:r></a:p>"
    shapes = shape(run.format('sz="100"', "", "tiny"), run.format('sz="1200"', colour("FFFFFF"), "seen"))
    shapes += shape(run.format("", colour("102030"), "same"), fill=colour("102030"))
    document = read(pptx(shapes))
    assert (document.text, document.report.hidden_sample) == ("seen", "tiny same")


def test_white_text_on_a_dark_theme_is_seen(read: Read) -> None:
    run = '<a:p><a:r><a:rPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:rPr><a:t>white</a:t></a:r></a:p>'
    links = {1: {"l": ("slideLayout", "../l.xml")}}
    for mapping, text in (('<p:clrMap bg1="dk1"/>', "white\n\nText"), ('<p:clrMap bg1="lt1"/>', "Text")):
        others = {"ppt/l.xml": "<p:cSld/>", "ppt/m.xml": f"<p:cSld/>{mapping}"}
        others["ppt/_rels/l.xml.rels"] = relations({"m": ("slideMaster", "m.xml")})
        data = pptx(shape(run, box=(0, 0, 9, 9)) + shape("Text", box=(0, 999, 9, 9)), links=links, others=others)
        assert read(data).text == text


@pytest.mark.parametrize(
    ("around", "more", "seen"),
    [
        ("", "", False),
        ('<p:bg><p:bgRef idx="1001"><a:schemeClr val="bg1"/></p:bgRef></p:bg>', "", False),
        ('<p:bg><p:bgPr><a:solidFill><a:srgbClr val="000080"/></a:solidFill></p:bgPr></p:bg>', "", True),
        ("<p:bg><p:bgPr><a:gradFill/></p:bgPr></p:bg>", "", True),
        ("", shape(box=(50, 50, 500, 500), fill="<a:gradFill/>"), True),
        ("", shape(box=(5000, 5000, 500, 500), fill="<a:gradFill/>"), False),
    ],
)
def test_white_text_is_hidden_where_nothing_but_white_lies_behind_it(
    read: Read, around: str, more: str, seen: bool
) -> None:
    white = "<a:rPr><a:solidFill><a:{}/></a:solidFill></a:rPr>"
    run = "<a:p><a:r>" + white.format('schemeClr val="bg1"') + "<a:t>one</a:t></a:r><a:r>"
    run += white.format('srgbClr val="FFFFFF"') + "<a:t>two</a:t></a:r></a:p>"
    text = shape(run, box=(0, 0, 100, 100)) + shape("Text", box=(0, 9000, 9, 9)) + more
    layout = f"<p:cSld>{around}<p:spTree/></p:cSld>"
    data = pptx(text, links={1: {"l": ("slideLayout", "../l.xml")}}, others={"ppt/l.xml": layout})
    document = read(data)
    assert document.text == ("onetwo\n\nText" if seen else "Text")
    assert document.report.hidden_sample == ("" if seen else "one two")


def test_links_keep_their_target(read: Read) -> None:
    run = '<a:r><a:rPr><a:hlinkClick r:id="h"/></a:rPr><a:t>manual</a:t></a:r><a:br/><a:r><a:t>next</a:t></a:r>'
    document = read(pptx(shape(f"<a:p>{run}</a:p>"), links={1: {"h": ("hyperlink", "https://example.org/m")}}))
    assert document.text == "manual (https://example.org/m)\nnext"


def test_a_part_outside_is_never_opened(read: Read) -> None:
    links = {1: {"n": ("notesSlide", "http://127.0.0.1:9/n.xml"), "m": ("notesSlide", "../../../etc/passwd")}}
    assert read(pptx(shape("Text"), links=links)).text == "Text"


def test_a_presentation_without_text_says_so_and_another_zip_is_refused(read: Read) -> None:
    for data in (pptx("", shape("")), odp("")):
        with pytest.raises(NoText):
            read(data)
    with pytest.raises(DamagedSource, match="not a document of this kind"):
        read(zipped({"readme.txt": "x"}))


def test_a_doctype_in_a_slide_is_refused(read: Read) -> None:
    data = pptx(shape("Text"), others={"ppt/x.xml": "<p:x/>"})
    assert read(data).text
    good = {"ppt/presentation.xml": "<!DOCTYPE x><x/>"}
    with pytest.raises(DamagedSource, match="never write"):
        read(zipped(good))


def test_a_shape_with_broken_numbers_is_read(read: Read) -> None:
    broken = transform((0, 0, 1, 1)).replace('x="0"', 'x="1e999"').replace('cx="1"', 'cx="??"')
    text = shape("Text").replace("<p:spPr>", f"<p:spPr>{broken}")
    assert read(pptx(text)).text == "Text"
