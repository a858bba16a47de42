from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from ingest.loaders import assemble
from ingest.loaders.charts import tell_chart
from ingest.loaders.docx import DocxLoader
from ingest.loaders.flow import Flow
from ingest.loaders.odp import OdpLoader
from ingest.loaders.odt import OdtLoader
from tests.support.office_files import ODF_NAMES, docx, odf, paragraph

NAMES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def points(*values: str, code: str = "", start: int = 0) -> str:
    cache = f"<c:formatCode>{code}</c:formatCode>" if code else ""
    return cache + "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values, start))


def series(name: str, labels: str, values: str, *, kinds: tuple[str, str] = ("cat", "val")) -> str:
    named = f"<c:tx><c:strRef><c:strCache>{points(name)}</c:strCache></c:strRef></c:tx>" if name else ""
    first, second = kinds
    return f"<c:ser>{named}<c:{first}>{labels}</c:{first}><c:{second}>{values}</c:{second}></c:ser>"


def title(text: str) -> str:
    return f"<c:title><c:tx><c:rich><a:p><a:r><a:t>{text}</a:t></a:r></a:p></c:rich></c:tx></c:title>"


def space(plot: str, *, titled: str = "", before: str = "") -> str:
    return f"<c:chartSpace {NAMES}>{before}<c:chart>{titled}<c:plotArea>{plot}</c:plotArea></c:chart></c:chartSpace>"


def told(plot: str, *, titled: str = "", before: str = "") -> str:
    flow = Flow()
    tell_chart(flow, etree.fromstring(space(plot, titled=titled, before=before)))
    return flow.text


QUARTERS = points("Q1", "Q2")


def test_a_chart_is_its_titles_and_a_table_of_what_it_draws() -> None:
    drawn = series("North", QUARTERS, points("4.3", "2.5")) + series(
        "South", QUARTERS, points("0.30000000000000004", "7")
    )
    axes = f"<c:catAx>{title('Quarter')}</c:catAx><c:valAx>{title('Million euros')}</c:valAx>"
    text = told(f"<c:barChart>{drawn}</c:barChart>{axes}", titled=title("Sales"))
    assert (
        text
        == "Chart: Sales (Quarter; Million euros)\n\n | North | South\nQ1 | 4.3 | 0.30000000000000004\nQ2 | 2.5 | 7"
    )


def test_the_first_row_is_the_tables_header() -> None:
    flow = Flow()
    drawn = series("North", QUARTERS, points("4", "2")) + series("South", QUARTERS, points("3", "7"))
    tell_chart(flow, etree.fromstring(space(f"<c:lineChart>{drawn}</c:lineChart>")))
    (block,) = flow.loaded().blocks
    assert (block.kind, block.level) == ("table", 1)


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("General", "0.30000000000000004", "0.3"),
        ("0.0%", "0.125", "12.5 %"),
        ("d\\. mmmm yyyy", "45292", "2024-01-01"),
        ("dd.mm.yyyy hh:mm", "45292.5", "2024-01-01 12:00"),
        ('#,##0 "days"', "12", "12"),
        ("[$€-407] #,##0", "1500", "1500"),
        ("General", "nan", "nan"),
        ("yyyy", "99999999999", "99999999999"),
        ("General", "n/a", "n/a"),
    ],
)
def test_values_are_shown_by_their_format(code: str, value: str, shown: str) -> None:
    drawn = series("", points("Q1"), points(value, code=code))
    assert told(f"<c:pieChart>{drawn}</c:pieChart>") == f"Q1 | {shown}"


def test_days_count_from_1904_where_the_chart_says_so() -> None:
    drawn = series("", points("43830", code="yyyy"), points("1"))
    assert told(f"<c:lineChart>{drawn}</c:lineChart>", before='<c:date1904 val="1"/>') == "2024-01-01 | 1"


def test_labels_in_levels_stand_below_their_outer_ones() -> None:
    inner, outer = (
        points("Munich", "Bonn", "Lyon"),
        '<c:pt idx="0"><c:v>DE</c:v></c:pt><c:pt idx="2"><c:v>FR</c:v></c:pt>',
    )
    levels = f"<c:lvl>{inner}</c:lvl><c:lvl>{outer}</c:lvl>"
    labels = f"<c:multiLvlStrRef><c:multiLvlStrCache>{levels}</c:multiLvlStrCache></c:multiLvlStrRef>"
    text = told(f"<c:barChart>{series('', labels, points('1', '2', '3'))}</c:barChart>")
    assert text == "DE Munich | 1\nDE Bonn | 2\nFR Lyon | 3"


def test_series_of_other_points_are_tables_of_their_own() -> None:
    kinds = ("xVal", "yVal")
    drawn = series("A", points("1", "2"), points("5", "6"), kinds=kinds) + series(
        "B", points("9"), points("8"), kinds=kinds
    )
    assert told(f"<c:scatterChart>{drawn}</c:scatterChart>") == " | A\n1 | 5\n2 | 6\n\n | B\n9 | 8"


def test_gaps_missing_labels_and_empty_charts_are_survived() -> None:
    drawn = "<c:ser><c:val>" + points("5", start=3) + "</c:val></c:ser>"
    assert told(f"<c:areaChart>{drawn}</c:areaChart>") == "4 | 5"
    assert told("") == told("<c:barChart><c:ser/></c:barChart>") == ""
    flow = Flow()
    tell_chart(flow, etree.fromstring("<other/>"))
    assert flow.text == ""


def test_a_chart_in_a_text_follows_its_paragraph(tmp_path: Path) -> None:
    chart = space(f"<c:pieChart>{series('', points('Rent'), points('900'))}</c:pieChart>", titled=title("Costs"))
    drawing = f'<w:drawing><c:chart {NAMES} r:id="c"/></w:drawing>'
    body = paragraph("Before.") + f"<w:p><w:r><w:t>See here.</w:t>{drawing}</w:r></w:p>" + paragraph("After.")
    path = tmp_path / "file.docx"
    links = {"c": ("chart", "charts/chart1.xml")}
    path.write_bytes(docx(body, links=links, others={"word/charts/chart1.xml": chart}))
    document = assemble(DocxLoader().load(path, title=None))
    assert document.text == "Before.\n\nSee here.\n\nChart: Costs\n\nRent | 900\n\nAfter."
    path.write_bytes(docx(body, links=links))
    assert assemble(DocxLoader().load(path, title=None)).text == "Before.\n\nSee here.\n\nAfter."


@pytest.mark.parametrize("kind", ["text", "presentation"])
def test_charts_of_open_document_are_read_and_other_objects_named(tmp_path: Path, kind: str) -> None:
    def cell(text: str) -> str:
        return f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"

    empty = '<table:table-cell table:number-columns-repeated="1000"/>'
    header, row = (
        f"<table:table-row>{cell(a)}{cell(b)}{empty}</table:table-row>" for a, b in (("", "Rent"), ("May", "900"))
    )
    chart = (
        f'<office:document-content {ODF_NAMES} xmlns:chart="urn:oasis:names:tc:opendocument:xmlns:chart:1.0">'
        "<chart:chart><chart:title><text:p>Costs</text:p></chart:title>"
        f"<table:table><table:table-header-rows>{header}</table:table-header-rows>{row}</table:table></chart:chart></office:document-content>"
    )
    frames = "".join(
        f'<draw:frame><draw:object xlink:href="./Object {number}"/></draw:frame>' for number in (1, 2, 3, 4)
    )
    body = f"<text:p>Before.{frames}</text:p>" if kind == "text" else f"<draw:page>{frames}</draw:page>"
    others = {"Object 1/content.xml": chart, "Object 2/content.xml": "", "Object 3/content.xml": "<math/>"}
    path = tmp_path / "file"
    path.write_bytes(odf(body, kind=kind, others=others))
    loader = OdtLoader() if kind == "text" else OdpLoader()
    document = assemble(loader.load(path, title=None))
    assert document.text.replace("\n\nBefore.", "") == "Chart: Costs\n\n | Rent\nMay | 900"
    assert [(block.kind, block.level) for block in document.blocks][1] == ("table", 1)
    assert [entry.partition(":")[0] for entry in document.report.skipped] == ["Object 2", "Object 3"]
