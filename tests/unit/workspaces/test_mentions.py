"""Names in a question: what is one, what it means, and what is said where it means nothing."""

from __future__ import annotations

import pytest

from ingest.media import PDF
from rag.errors import InvalidInput
from rag.scope import Name, Scope
from workspaces import scoping
from workspaces.mentions import Mention, mentions


@pytest.mark.parametrize(
    ("question", "rest", "names"),
    [
        ("@handbook what is the notice period?", "what is the notice period?", ["handbook"]),
        ("@handbook: what is the notice period?", "what is the notice period?", ["handbook"]),
        ("What is the notice period @handbook?", "What is the notice period?", ["handbook"]),
        ("Compare @a.pdf and @b.pdf.", "Compare and.", ["a.pdf", "b.pdf"]),
        ('@"Annual report 2023" how much?', "how much?", ["Annual report 2023"]),
        ("@“Annual report” how much?", "how much?", ["Annual report"]),
        ("@„Bericht 2023“ wie viel?", "wie viel?", ["Bericht 2023"]),
        ("(@handbook) When?", "( ) When?", ["handbook"]),
        ("@Übergabe wann?", "wann?", ["Übergabe"]),
        ("What did anna@example.org write?", "What did anna@example.org write?", []),
        ("Write to anna.b+c@example.org, @handbook", "Write to anna.b+c@example.org,", ["handbook"]),
        ("What is meant by @@property?", "What is meant by @property?", []),
        ("Meet @ 5 or @, no?", "Meet @ 5 or @, no?", []),
        ("10 @ 5 each", "10 @ 5 each", []),
    ],
)
def test_names_are_told_from_signs_and_addresses(question: str, rest: str, names: list[str]) -> None:
    text, found = mentions(question)
    assert text == rest
    assert [mention.text for mention in found] == names


def test_a_tag_can_be_asked_for_alone() -> None:
    assert mentions('@#contracts when? @#"old ones"')[1] == [Mention("contracts", True), Mention("old ones", True)]


@pytest.fixture
def shelf(corpus):
    """A workspace with a few documents; (workspace, their ids by file name)."""
    workspace = corpus.workspace()
    titles = {
        "handbook.pdf": "Employee Handbook 2023",
        "report-2022.pdf": "Annual report 2022",
        "report-2023.pdf": "Annual report 2023",
        "hb.txt": "Mitarbeiterhandbuch",
    }
    made = {
        name: corpus.document(workspace, [f"text of {name}"], title=title, source=name, media_type=PDF).id
        for name, title in titles.items()
    }
    return workspace, made


def read(corpus, workspace, question, scope=None):
    with corpus.database.read() as connection:
        return scoping.read(connection, workspace, question, scope or Scope())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("@handbook", "handbook.pdf"),
        ("@HANDBOOK.pdf", "handbook.pdf"),
        ("@employee", "handbook.pdf"),
        ('@"employee handbook"', "handbook.pdf"),
        ("@report-2023", "report-2023.pdf"),
        ('@"report 2023"', "report-2023.pdf"),
        ('@"Annual report 2022"', "report-2022.pdf"),
        ("@handbuch", "hb.txt"),
    ],
)
def test_a_name_means_the_document_that_is_called_so(corpus, shelf, written, name):
    workspace, made = shelf
    asked = read(corpus, workspace, f"{written} when is it due?")
    assert asked.question == "when is it due?"
    assert asked.scope.names == (Name("document", made[name]),)
    assert len(asked.limited_to) == 1


def test_several_names_are_searched_together(corpus, shelf):
    workspace, made = shelf
    asked = read(corpus, workspace, "Compare @report-2022 and @report-2023, @report-2023")
    assert [name.value for name in asked.scope.names] == [made["report-2022.pdf"], made["report-2023.pdf"]]
    assert asked.limited_to == ("Annual report 2022", "Annual report 2023")


def test_an_ambiguous_name_tells_what_it_could_be(corpus, shelf):
    workspace, _ = shelf
    with pytest.raises(InvalidInput, match="could be any of 2: “Annual report 2022”, “Annual report 2023”"):
        read(corpus, workspace, "@report when?")


def test_an_unknown_name_tells_the_nearest(corpus, shelf):
    workspace, _ = shelf
    with pytest.raises(InvalidInput) as caught:
        read(corpus, workspace, "@hanbdook when?")
    assert "No document or tag here is called “hanbdook”" in caught.value.message
    assert "Employee Handbook 2023" in caught.value.hint
    with pytest.raises(InvalidInput, match="No tag here"):
        read(corpus, workspace, "@#handbook when?")


def test_a_name_alone_is_no_question(corpus, shelf):
    with pytest.raises(InvalidInput, match="no question"):
        read(corpus, shelf[0], "@handbook")


def test_documents_of_another_workspace_have_no_name_here(corpus, shelf):
    other = corpus.workspace()
    with pytest.raises(InvalidInput) as caught:
        read(corpus, other, "@handbook when?")
    assert "Handbook" not in caught.value.told.replace("handbook", "")
    assert read(corpus, other, "@handbook when?", Scope(also=(shelf[0],))).scope.names, "the control"


def test_deleted_documents_have_no_name(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["text"], title="Handbook", source="h.pdf")
    assert read(corpus, workspace, "@handbook when?").scope.names, "the control"
    corpus.bury(planted)
    with pytest.raises(InvalidInput, match="is called"):
        read(corpus, workspace, "@handbook when?")
