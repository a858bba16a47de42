"""What a footnote opens: the page with the quote marked, the text around it, the original."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import NotFound, StorageError
from rag.types import Span
from tests.support.documents import long_text, pdf
from tests.support.services import add, ingested, opened, settled
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord

PAGES = [[f"Line {line} of page {page} speaks of the copper harbour." for line in range(1, 9)] for page in range(1, 4)]
TEXT = "Before. " * 200 + "The valve opens at 12 bar — “twelve”, 🗎. " + "After. " * 200


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with opened(Path(tmp_path_factory.mktemp("data")) / "data") as found:
        yield found


@pytest.fixture(scope="module")
def workspace(services: Services) -> str:
    return services.library.create_workspace("viewer").id


@pytest.fixture(scope="module")
def manual(services: Services, workspace: str) -> DocumentRecord:
    return ingested(services, workspace, pdf(PAGES), "manual.pdf")


@pytest.fixture(scope="module")
def notes(services: Services, workspace: str) -> DocumentRecord:
    return ingested(services, workspace, TEXT, "notes.txt")


def span_of(services: Services, record: DocumentRecord, quote: str) -> Span:
    start = services.viewer.text(record.version_id, limit=10**6).index(quote)
    return Span(start, start + len(quote))


def yellow(png: bytes) -> tuple[int, int, int]:
    """(number of marked pixels, first and last row that has any)."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    pixels = image.load()
    rows = [
        y for y in range(image.height) for x in range(image.width)
        if pixels[x, y][0] > 200 and pixels[x, y][1] > 180 and pixels[x, y][2] < 180
    ]  # fmt: skip
    return len(rows), min(rows, default=0), max(rows, default=0)


def test_a_quote_is_marked_on_its_page(services, manual):
    quote = "Line 3 of page 2 speaks of the copper harbour."
    view = services.viewer.passage(manual.version_id, span_of(services, manual, quote))
    assert (view.quote, view.page, view.page_count, view.document.id) == (quote, 2, 3, manual.id)
    assert "Line 2 of page 2" in view.before
    assert "Line 4 of page 2" in view.after
    marked, first, last = yellow(view.page_image)
    assert marked > 500
    plain, _, _ = yellow(services.viewer.page_image(manual.version_id, 2))
    assert plain == 0, "the control: the page itself has no yellow"
    height = Image.open(io.BytesIO(view.page_image)).height
    assert 0.05 * height < first < last < 0.2 * height, "third line from the top, and only there"


def test_a_quote_across_pages_shows_where_it_begins(services, manual):
    start = span_of(services, manual, "Line 7 of page 1").start
    end = span_of(services, manual, "Line 2 of page 2").end
    view = services.viewer.passage(manual.version_id, Span(start, end))
    assert view.page == 1
    assert "page 1" in view.quote
    assert "page 2" in view.quote
    assert yellow(view.page_image)[0] > 500
    assert yellow(services.viewer.page_image(manual.version_id, 2, span=Span(start, end)))[0] > 500


def test_each_citation_of_a_search_opens_its_own_words(services, workspace, manual):
    for passage in services.library.search(workspace, "copper harbour", limit=10).passages:
        view = services.viewer.passage(passage.version_id, passage.span)
        assert view.quote == passage.text
        assert view.page == passage.page or passage.best_sentence is not None


def test_a_text_document_has_text_around_the_quote_and_no_page(services, notes):
    quote = "The valve opens at 12 bar — “twelve”, 🗎."
    view = services.viewer.passage(notes.version_id, span_of(services, notes, quote))
    assert (view.quote, view.page, view.page_image, view.page_count) == (quote, None, None, 0)
    assert view.before.endswith("Before. ")
    assert view.after.startswith(" After.")
    assert 500 < len(view.before) < 2000
    assert TEXT.startswith(view.before + quote, TEXT.index(view.before + quote))


def test_the_edges_of_a_document_have_less_around_them(services, notes):
    first = services.viewer.passage(notes.version_id, Span(0, 7))
    assert (first.before, first.quote) == ("", "Before.")
    last = services.viewer.passage(notes.version_id, Span(len(TEXT) - 8, len(TEXT)))
    assert last.after == ""


@pytest.mark.parametrize("span", [Span(10**7, 10**7 + 5), Span(5, 5)])
def test_a_span_outside_the_text_is_not_found(services, notes, span):
    with pytest.raises(NotFound, match="does not exist"):
        services.viewer.passage(notes.version_id, span)


@pytest.mark.parametrize("page", [0, 4, -1])
def test_a_page_that_is_not_there_is_not_found(services, manual, page):
    with pytest.raises(NotFound, match="page does not exist"):
        services.viewer.page_image(manual.version_id, page)


def test_a_page_image_is_drawn_once(services, manual):
    first = services.viewer.page_image(manual.version_id, 3, dpi=72)
    assert services.viewer.page_image(manual.version_id, 3, dpi=72) is first
    assert services.viewer.page_image(manual.version_id, 3, dpi=100) != first


def test_a_page_that_cannot_be_drawn_leaves_the_text(services, workspace):
    record = ingested(services, workspace, pdf([["The forest is quiet."], ["The pupil reads."]]), "fragile.pdf")
    services.viewer.original(record.id).path.write_bytes(b"no longer a PDF")
    view = services.viewer.passage(record.version_id, span_of(services, record, "The forest is quiet."))
    assert (view.quote, view.page, view.page_image) == ("The forest is quiet.", 1, None)


def test_headings_above_a_quote_are_named(services, workspace):
    some, more = long_text(1, paragraphs=6), long_text(2, paragraphs=6)
    text = f"# Boilers\n\n{some}\n\n## Valves\n\nThe valve opens at twelve bar. {more}\n"
    record = ingested(services, workspace, text, "boilers.md")
    view = services.viewer.passage(record.version_id, span_of(services, record, "The valve opens"))
    assert view.heading_path in (("Boilers", "Valves"), ("Valves",)), view.heading_path


def test_the_original_comes_back_as_it_was(services, manual):
    original = services.viewer.original(manual.id)
    assert (original.name, original.media_type) == ("manual.pdf", "application/pdf")
    assert original.path.read_bytes() == pdf(PAGES)


def test_a_missing_original_is_told(services, workspace):
    record = ingested(services, workspace, "Soon gone.", "gone.txt")
    services.viewer.original(record.id).path.unlink()
    with pytest.raises(StorageError, match="missing"):
        services.viewer.original(record.id)
    assert services.viewer.passage(record.version_id, Span(0, 4)).quote == "Soon"


def test_an_original_that_never_came_is_told(services, workspace):
    [failed] = settled(services, add(services, workspace, b"", "empty.txt"))
    with pytest.raises(NotFound, match="never received"):
        services.viewer.original(failed.id)


def test_nothing_of_a_deleted_document_can_be_seen(services, workspace):
    record = ingested(services, workspace, pdf([["Secret words."]]), "secret.pdf")
    span = span_of(services, record, "Secret words.")
    assert services.viewer.passage(record.version_id, span).page_image is not None
    services.library.delete(record.id)
    for look in (
        lambda: services.viewer.passage(record.version_id, span),
        lambda: services.viewer.page_image(record.version_id, 1),
        lambda: services.viewer.text(record.version_id),
        lambda: services.viewer.passages(record.version_id),
        lambda: services.viewer.page_text(record.version_id, 1),
        lambda: services.viewer.version(record.version_id),
        lambda: services.viewer.original(record.id),
    ):
        with pytest.raises(NotFound):
            look()


def test_passages_are_read_in_order_in_pieces_and_by_page(services, manual, notes):
    every = services.viewer.passages(notes.version_id, limit=1000)
    assert len(every) == notes.chunks > 1
    assert [passage.ordinal for passage in every] == sorted(passage.ordinal for passage in every)
    assert services.viewer.passages(notes.version_id, offset=1, limit=1) == every[1:2]
    whole = services.viewer.passages(manual.version_id)
    for page in (1, 2, 3):
        span = span_of(services, manual, services.viewer.page_text(manual.version_id, page))
        on_it = [passage for passage in whole if passage.span.overlap(span)]
        assert on_it
        assert services.viewer.passages(manual.version_id, page=page) == on_it
    assert services.viewer.passages(manual.version_id, page=99) == []


def test_the_text_of_a_page_is_its_own_and_can_be_cut(services, manual, notes):
    text = services.viewer.page_text(manual.version_id, 2)
    assert "Line 1 of page 2" in text
    assert "of page 1" not in text
    assert "of page 3" not in text
    assert services.viewer.page_text(manual.version_id, 2, limit=6) == text[:6]
    for record, page in ((manual, 4), (notes, 1)):
        with pytest.raises(NotFound, match="page does not exist"):
            services.viewer.page_text(record.version_id, page)


def test_a_document_says_what_read_and_cut_it(services, manual):
    record = services.viewer.version(manual.version_id)
    assert record.id == manual.id
    assert record.parser.startswith("pypdfium2 ")
    assert record.splitter.startswith("structure-")


def test_the_page_of_a_replaced_version_keeps_its_text(services, workspace):
    old = ingested(services, workspace, pdf([["The first wording of the contract."]]), "contract.pdf")
    newer = pdf([["The second wording of the contract."]])
    [new] = settled(services, add(services, workspace, newer, "contract.pdf", keep_both=False))
    assert (new.id, new.number) == (old.id, 2)
    assert services.viewer.version(old.version_id).state == "superseded"
    assert services.library.wait_purged(timeout=60)
    assert services.viewer.passages(old.version_id) == []
    assert "first wording" in services.viewer.page_text(old.version_id, 1)
    assert services.viewer.passages(new.version_id)


def test_a_row_far_down_a_table_comes_with_its_columns(services, workspace):
    table = "Article,Power\n" + "".join(f"Pump type {number},{number * 3} kW\n" for number in range(400))
    record = ingested(services, workspace, table, "pumps.csv")
    view = services.viewer.passage(record.version_id, span_of(services, record, "Pump type 390"))
    assert "Article | Power" not in view.before
    assert view.header == "Article | Power"
