"""Look-alike documents are told apart by their first lines, from files to search results."""

from __future__ import annotations

from io import BytesIO

import pytest

from tests.support.documents import long_text
from tests.support.minilm import minilm_export
from workspaces.bootstrap import open_services
from workspaces.settings import load_settings

COMPANIES = {"Alder": "1,200", "Birch": "3,400", "Cedar": "5,600"}


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    minilm_export()
    services = open_services(load_settings(data_dir=tmp_path_factory.mktemp("named") / "data"))
    services.start()
    try:
        workspace = services.library.create_workspace("Reports")
        filler = long_text(2, paragraphs=60)
        for company, euros in COMPANIES.items():
            text = f"Annual report of {company} Limited\n\n{filler}\n\nWe paid {euros} euros for water in the year."
            services.library.add_file(workspace.id, f"{euros[0]}.txt", BytesIO(text.encode()))
        note = "Birch wood floats on water."  # a short document names nothing but what it says
        services.library.add_file(workspace.id, "note.txt", BytesIO(note.encode()))
        records = list(services.library.wait([one.id for one in services.library.documents(workspace.id)], timeout=120))
        assert {record.state for record in records if not record.in_work} == {"ready"}
        yield services
    finally:
        services.close()


@pytest.mark.parametrize(("company", "euros"), COMPANIES.items())
def test_the_passage_comes_from_the_document_that_the_question_names(services, company, euros):
    workspace = services.library.workspace("Reports")
    found = services.library.search(workspace.id, f"How much did {company} pay for water?", limit=10)
    first = next(passage for passage in found.passages if "euros for water" in passage.text)
    assert f"We paid {euros} euros" in first.text


def test_the_control_reports_are_long_and_the_note_is_short(services):
    workspace = services.library.workspace("Reports")
    records = {record.source: record for record in services.library.documents(workspace.id)}
    assert records["note.txt"].chunks == 1
    assert min(record.chunks for name, record in records.items() if name != "note.txt") > 8
