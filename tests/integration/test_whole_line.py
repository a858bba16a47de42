"""From a file to a cited answer with everything real: SQLite, DBOS, parser process, embedder, Chroma, llama.cpp."""

from __future__ import annotations

import pytest

from rag.types import Answered, Evidence, Interrupted, Refused
from tests.support.documents import long_text, pdf
from tests.support.minilm import minilm_export
from tests.support.smollm import smollm_path
from workspaces.bootstrap import open_services
from workspaces.settings import load_settings

FACT = "The spare key of the boiler room hangs behind the blue door of the workshop."
QUESTION = "Where does the spare key of the boiler room hang?"


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    minilm_export()
    smollm_path()
    folder = tmp_path_factory.mktemp("line")
    settings = load_settings(data_dir=folder / "data", builtin_entry="smollm2-135m", builtin_model="ask")
    services = open_services(settings)
    services.start()
    try:
        workspace = services.library.create_workspace("House")
        other = services.library.create_workspace("Elsewhere")
        filler = [line[:90] for line in long_text(3, paragraphs=6).split(". ")]
        (folder / "house.pdf").write_bytes(pdf([filler[:25], [*filler[25:30], FACT, *filler[30:45]]]))
        (folder / "notes.txt").write_text(long_text(4, paragraphs=10), encoding="utf-8")
        added = [
            services.library.add_file(workspace.id, path.name, path).id
            for path in (folder / "house.pdf", folder / "notes.txt")
        ]
        added.append(services.library.add_file(other.id, "notes.txt", folder / "notes.txt").id)
        records = {record.id: record for record in services.library.wait(added, timeout=120)}
        assert {record.state for record in records.values()} == {"ready"}
        yield services
    finally:
        services.close()


def test_the_passage_is_found_on_its_page(services):
    found = services.library.search(services.library.workspace("House").id, QUESTION, limit=5)
    first = found.passages[0]
    assert found.sufficient
    assert (first.page, FACT in " ".join(first.text.split())) == (2, True)
    start, end = first.best_sentence.start - first.span.start, first.best_sentence.end - first.span.start
    assert " ".join(first.text[start:end].split()) == FACT


def test_a_real_model_answers_and_every_quote_stands_in_its_document(services):
    services.chat_models.ensure(lambda _: None, builtin=True)
    model = services.chat_models.open("builtin")
    events = list(services.conversations.answer(services.library.workspace("House").id, QUESTION, model=model))
    assert isinstance(events[0], Evidence)
    assert isinstance(events[-1], Answered | Refused)
    citations = events[-1].answer.citations if isinstance(events[-1], Answered) else events[-1].citations
    assert citations
    for citation in citations:
        view = services.viewer.passage(citation.version_id, citation.span)
        assert view.quote == citation.quote
        assert view.page == citation.page


def test_without_a_model_the_answer_is_the_evidence_with_its_footnote(services):
    events = list(services.conversations.answer(services.library.workspace("House").id, QUESTION, model=None))
    assert isinstance(events[-1], Answered)
    answer = events[-1].answer
    assert FACT in answer.text
    assert answer.model is None
    assert answer.sentences[0].citations == (1,)
    view = services.viewer.passage(answer.citations[0].version_id, answer.citations[0].span)
    assert view.page == 2
    assert view.page_image is not None
    assert view.page_image.startswith(b"\x89PNG")


def test_what_no_document_says_is_refused_without_asking_the_model(services):
    class Untouchable:
        name = "must not be asked"
        context_window = 4096

        def count_tokens(self, text):
            raise AssertionError("the model was asked")

        def stream(self, messages, *, max_tokens, stop):
            raise AssertionError("the model was asked")

    question = "Which treaty ended the war between Sweden and Denmark in 1658?"
    events = list(services.conversations.answer(services.library.workspace("House").id, question, model=Untouchable()))
    assert isinstance(events[-1], Refused)
    assert not any(isinstance(event, Interrupted) for event in events)


def test_nothing_of_one_workspace_shows_in_another(services):
    found = services.library.search(services.library.workspace("Elsewhere").id, QUESTION, limit=50)
    assert found.passages, "the control: the other workspace holds something"
    assert not any("boiler" in passage.text for passage in found.passages)
    assert not found.sufficient
