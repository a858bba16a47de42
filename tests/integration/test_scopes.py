"""Which documents fit a scope: kinds of conditions are joined by and, values of one by or, and no workspace is left."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from ingest.media import DOCX, EML, PDF, XLSX
from rag.errors import InvalidInput, NotFound
from rag.scope import EVERYTHING, Name, Scope
from workspaces import folder_rows, kinds, scopes, scoping
from workspaces.folders import Known, Stamp
from workspaces.scoping import Scoping
from workspaces.tables import document_tags, members, tags

SHELF = {  # file name → media type, language, date
    "lease.pdf": (PDF, "de", "2021-10-03"),
    "report.pdf": (PDF, "en", "2023"),
    "letter.docx": (DOCX, "en", "2023-05-19T10:00:00"),
    "figures.xlsx": (XLSX, "en", None),
    "mail.eml": (EML, "de", "2024-01-31"),
}


@pytest.fixture
def shelf(corpus):
    workspace = corpus.workspace()
    made = {
        name: corpus.document(
            workspace, [f"text of {name}"], title=name, source=name, media_type=media, language=language, date=date
        )
        for name, (media, language, date) in SHELF.items()
    }
    return workspace, made


def fitting(corpus, shelf, scope):
    workspace, made = shelf
    names = {planted.version_id: name for name, planted in made.items()}
    with corpus.database.read() as connection:
        found = scopes.within(connection, workspace, scope)
        assert scopes.count(connection, workspace, scope) == len(names if found is None else found)
    return None if found is None else {names[version] for version in found}


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (EVERYTHING, None),
        (Scope(kinds=("pdf",)), {"lease.pdf", "report.pdf"}),
        (Scope(kinds=("pdf", "mail")), {"lease.pdf", "report.pdf", "mail.eml"}),
        (Scope(kinds=("office",)), {"letter.docx", "figures.xlsx"}),
        (Scope(kinds=("pdf", "mail"), languages=("de",)), {"lease.pdf", "mail.eml"}),
        (Scope(kinds=("book",)), set()),
        (Scope(kinds=("nonsense",)), set()),
        (Scope(languages=("en",)), {"report.pdf", "letter.docx", "figures.xlsx"}),
        (Scope(since="2023-01-01"), {"report.pdf", "letter.docx", "mail.eml"}),
        (Scope(since="2023-05-20"), {"report.pdf", "mail.eml"}),
        (Scope(until="2023-05-19"), {"lease.pdf", "report.pdf", "letter.docx"}),
        (Scope(since="2023-01-01", until="2023-12-31"), {"report.pdf", "letter.docx"}),
        (Scope(since="2023-01-01", kinds=("mail",)), {"mail.eml"}),
    ],
)
def test_kinds_languages_and_dates(corpus, shelf, scope, names):
    assert fitting(corpus, shelf, scope) == names


def test_documents_and_what_lies_in_them(corpus, shelf):
    _workspace, made = shelf
    letter, mail, figures = made["letter.docx"], made["mail.eml"], made["figures.xlsx"]
    with corpus.database.write() as connection:
        for container, path, inner in ((mail, "letter.docx", letter), (letter, "sheets/figures.xlsx", figures)):
            connection.execute(insert(members).values(container_id=container.id, path=path, document_id=inner.id))
    assert fitting(corpus, shelf, Scope(documents=(mail.id,))) == {"mail.eml", "letter.docx", "figures.xlsx"}
    assert fitting(corpus, shelf, Scope(documents=(letter.id, made["lease.pdf"].id))) == {
        "letter.docx", "figures.xlsx", "lease.pdf",
    }  # fmt: skip
    assert fitting(corpus, shelf, Scope(folders=("letter.docx/sheets",))) == {"figures.xlsx"}
    assert fitting(corpus, shelf, Scope(folders=("SHEETS/",))) == {"figures.xlsx"}
    assert fitting(corpus, shelf, Scope(folders=("heets",))) == set(), "names are whole"


def test_folders_that_are_watched(corpus, shelf):
    workspace, made = shelf
    with corpus.database.write() as connection:
        folder = folder_rows.add(connection, workspace, "/home/anna/Letters", [])
        for path, name in (("2023/Mai/letter.docx", "letter.docx"), ("report.pdf", "report.pdf")):
            folder_rows.put(connection, folder, path, Known(Stamp(1, 1), "", made[name].id, brought=True))
    assert fitting(corpus, shelf, Scope(folders=("/home/anna/Letters",))) == {"letter.docx", "report.pdf"}
    assert fitting(corpus, shelf, Scope(folders=("letters/2023",))) == {"letter.docx"}
    assert fitting(corpus, shelf, Scope(folders=("2023\\Mai",))) == {"letter.docx"}
    assert fitting(corpus, shelf, Scope(folders=("2024", "2023"), kinds=("pdf",))) == set()
    assert Scoping(corpus.database).choices(workspace).folders == ("/home/anna/Letters", "/home/anna/Letters/2023")


def tagged(corpus, workspace, name, *documents):
    with corpus.database.write() as connection:
        tag = f"t{name}"
        connection.execute(insert(tags).values(id=tag, workspace_id=workspace, name=name, name_key=name.casefold()))
        for planted in documents:
            connection.execute(insert(document_tags).values(document_id=planted.id, tag_id=tag))


def test_tags_and_names(corpus, shelf):
    workspace, made = shelf
    tagged(corpus, workspace, "Rent", made["lease.pdf"], made["mail.eml"])
    assert fitting(corpus, shelf, Scope(tags=("rent",))) == {"lease.pdf", "mail.eml"}
    assert fitting(corpus, shelf, Scope(tags=("rent", "other"), kinds=("pdf",))) == {"lease.pdf"}
    both = (Name("tag", "Rent"), Name("document", made["report.pdf"].id))
    assert fitting(corpus, shelf, Scope(names=both)) == {"lease.pdf", "mail.eml", "report.pdf"}
    in_place = Scope(documents=(made["letter.docx"].id,), names=both[1:])
    assert fitting(corpus, shelf, in_place) == {"report.pdf"}, "a name stands in the place of the documents chosen"


def test_what_is_not_ready_or_deleted_fits_nothing(corpus, shelf):
    _workspace, made = shelf
    corpus.bury(made["lease.pdf"])
    corpus.set_state(made["mail.eml"], "embedded")
    assert fitting(corpus, shelf, Scope(languages=("de",))) == set()
    assert fitting(corpus, shelf, Scope(documents=(made["lease.pdf"].id, made["mail.eml"].id))) == set()


def test_ids_and_tags_of_another_workspace_find_and_name_nothing(corpus, shelf):
    workspace, made = shelf
    other = corpus.workspace()
    tagged(corpus, workspace, "Rent", made["lease.pdf"])
    ids = tuple(planted.id for planted in made.values())
    for scope in (
        Scope(documents=ids),
        Scope(names=(Name("document", ids[0]), Name("tag", "Rent"))),
        Scope(tags=("Rent",)),
    ):
        with corpus.database.read() as connection:
            assert scopes.within(connection, other, scope) == frozenset()
            assert scopes.within(connection, workspace, scope), "the control"
    with corpus.database.read() as connection:
        assert scoping.limited_to(connection, other, Scope(documents=ids[:1])) == ("a deleted document",)
        assert scoping.limited_to(connection, workspace, Scope(documents=ids[:1])) == ("lease.pdf",), "the control"


def test_what_there_is_to_choose_from(corpus, shelf):
    workspace, made = shelf
    corpus.document(corpus.workspace(), ["x"], media_type=PDF, language="fr")
    found = Scoping(corpus.database).choices(workspace)
    assert found.kinds == {"pdf": 2, "document": 1, "spreadsheet": 1, "mail": 1}
    assert found.languages == {"en": 3, "de": 2}
    assert (found.first, found.last, found.undated) == ("2021-10-03", "2024-01-31", 1)
    assert found.tags == {}
    tagged(corpus, workspace, "Rent", made["lease.pdf"])
    assert Scoping(corpus.database).choices(workspace).tags == {"Rent": 1}


def test_a_scope_is_stored_and_read_back():
    scope = Scope(
        documents=("d",), folders=("f",), tags=("t",), kinds=("pdf",), languages=("de",), since="2023-01-01",
        until="2023-12-31", names=(Name("tag", "x"),), also=("w",),
    )  # fmt: skip
    assert scopes.scope_of(scopes.scope_values(scope)) == scope
    assert scopes.scope_values(EVERYTHING) is None
    assert scopes.scope_of(None) == EVERYTHING
    assert scopes.scope_of({"later": ["x"], "kinds": ["pdf"]}) == Scope(kinds=("pdf",)), "what is not known is left out"


def test_a_scope_in_words_and_without_each_of_them(corpus, shelf):
    workspace, made = shelf
    other = corpus.workspace()
    scope = Scope(
        documents=(made["lease.pdf"].id,), folders=("letters",), tags=("rent",), kinds=("pdf", "mail"),
        languages=("de",), since="2023-01-01", until="2023-12-31", also=(other,),
    )  # fmt: skip
    parts = Scoping(corpus.database).parts(workspace, scope)
    assert [label for label, _ in parts] == [
        "lease.pdf", "folder letters", "#rent", "PDF", "Mail", "in German", "dated 2023-01-01 or later",
        "dated 2023-12-31 or earlier", f"also in {other}",
    ]  # fmt: skip
    assert dict(parts)["PDF"].kinds == ("mail",)
    left = scope
    for _ in parts:
        left = Scoping(corpus.database).parts(workspace, left)[0][1]
    assert left == EVERYTHING


def test_other_workspaces_are_known_by_name_and_each_once(corpus, shelf):
    workspace, _ = shelf
    other = corpus.workspace()
    scoping_ = Scoping(corpus.database)
    assert scoping_.read(workspace, "When?", Scope(also=(other, workspace, other))).scope.also == (other,)
    with pytest.raises(NotFound, match="does not exist any more"):
        scoping_.read(workspace, "When?", Scope(also=("nowhere",)))
    with pytest.raises(InvalidInput, match="at most"):
        scoping_.read(workspace, "When?", Scope(tags=tuple(map(str, range(500)))))


def test_every_type_that_is_read_has_a_kind():
    from ingest.media import EXTENSIONS

    assert all(kinds.kind_of(media_type) for media_type in EXTENSIONS.values())
