"""Use cases of where a question looks: what there is to choose from, what a question names, how much is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from rag.errors import InvalidInput
from rag.scope import EVERYTHING, Scope
from workspaces import mentions, repository, scope_words, scopes
from workspaces.database import Database
from workspaces.folders import top_folders
from workspaces.kinds import kind_of
from workspaces.tables import document_tags, documents, folder_files, folders, members, tags, versions, workspaces
from workspaces.typed import clean_question


@dataclass(frozen=True, slots=True)
class Choices:
    """What the documents of a workspace can be told apart by: value → how many can be found by it."""

    kinds: Mapping[str, int]
    languages: Mapping[str, int]
    tags: Mapping[str, int]
    folders: tuple[str, ...]
    first: str
    """The earliest date that a document states, "2023-05-31"; "" where none states one."""
    last: str
    undated: int
    """Documents that a range of dates leaves out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is answered: the names are out of its text and in its scope."""

    question: str
    scope: Scope
    limited_to: tuple[str, ...] = ()
    """The scope in words; empty where all of the workspace is searched."""


class Scoping:
    """What a front end needs to offer filters. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def choices(self, workspace_id: str) -> Choices:
        """What there is to choose from. Raises NotFound."""
        with self._database.read() as connection:
            return _choices(connection, repository.workspace_id_of(connection, workspace_id))

    def count(self, workspace_id: str, scope: Scope) -> int:
        """How many documents are searched, those of the other workspaces too. Raises NotFound."""
        with self._database.read() as connection:
            home = repository.workspace_id_of(connection, workspace_id)
            scope = scopes.checked(connection, home, scope)
            return sum(scopes.count(connection, searched, scope) for searched in (home, *scope.also))

    def read(self, workspace_id: str, question: str, scope: Scope = EVERYTHING) -> Asked:
        """A question as it was typed, with the names in it understood.

        Raises:
            NotFound: no such workspace.
            InvalidInput: an empty or endless question; a name that means nothing, or several things.
        """
        with self._database.read() as connection:
            return read(connection, repository.workspace_id_of(connection, workspace_id), question, scope)

    def documents(self, workspace_ids: Sequence[str], wanted: str) -> list[str]:
        """Ids of the documents that are called so in these workspaces, or whose id it is, or begins with it.

        Raises:
            InvalidInput: there are none, or it could mean several.
        """
        with self._database.read() as connection:
            begins = (documents.c.workspace_id.in_(workspace_ids)) & documents.c.id.startswith(wanted, autoescape=True)
            live = begins & documents.c.deleted_at.is_(None)
            ids = list(connection.execute(select(documents.c.id).where(live)).scalars()) if wanted else []
            if len(ids) == 1:
                return ids
            meant = mentions.documents_named(connection, workspace_ids, wanted)
            return [name.value for name in meant]

    def parts(self, workspace_id: str, scope: Scope) -> list[tuple[str, Scope]]:
        """Each condition of a scope in words, with the scope that is left without it."""
        with self._database.read() as connection:
            return parts(connection, workspace_id, scope)


def read(connection: Connection, workspace_id: str, question: str, scope: Scope) -> Asked:
    """As `Scoping.read`, on the caller's connection."""
    scope = scopes.checked(connection, workspace_id, scope)
    text, found = mentions.mentions(clean_question(question))
    if found:
        if not text.strip():
            raise InvalidInput(
                "There is only a name and no question.", hint="Add what you want to know from that document."
            )
        scope = replace(scope, names=mentions.named(connection, (workspace_id, *scope.also), found))
    return Asked(text, scope, limited_to(connection, workspace_id, scope))


def parts(connection: Connection, workspace_id: str, scope: Scope) -> list[tuple[str, Scope]]:
    """As `Scoping.parts`. Titles are those of documents of the workspaces that are searched, and of no others."""
    if scope == EVERYTHING:
        return []
    ids = [*scope.documents, *(name.value for name in scope.names if name.kind == "document")]
    titled = (
        select(documents.c.id, documents.c.title, documents.c.source)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .where(
            documents.c.id.in_(ids),
            documents.c.workspace_id.in_((workspace_id, *scope.also)),
            documents.c.deleted_at.is_(None),
            workspaces.c.deleted_at.is_(None),
        )
    )
    titles = {row.id: row.title or row.source for row in connection.execute(titled)}
    living = select(workspaces.c.id, workspaces.c.name).where(
        workspaces.c.id.in_(scope.also), workspaces.c.deleted_at.is_(None)
    )
    spaces = {row.id: row.name for row in connection.execute(living)}
    return list(scope_words.parts(scope, titles, spaces))


def limited_to(connection: Connection, workspace_id: str, scope: Scope) -> tuple[str, ...]:
    """A scope in words; empty where all of the workspace is searched."""
    return tuple(label for label, _ in parts(connection, workspace_id, scope))


def _choices(connection: Connection, workspace_id: str) -> Choices:
    query = select(versions.c.media_type, versions.c.language, versions.c.date).join(
        documents, documents.c.version_id == versions.c.id
    )
    rows = connection.execute(query.where(scopes.searchable(workspace_id))).all()
    days = sorted(row.date[:10] for row in rows if row.date and row.date[:4].isdigit())
    return Choices(
        kinds=_counted([kind_of(row.media_type) for row in rows]),
        languages=_counted([row.language for row in rows]),
        tags=_tags(connection, workspace_id),
        folders=_folders(connection, workspace_id),
        first=days[0] if days else "",
        last=days[-1] if days else "",
        undated=len(rows) - len(days),
    )


def _counted(values: Sequence[str]) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common())


def _tags(connection: Connection, workspace_id: str) -> dict[str, int]:
    query = (
        select(tags.c.name, func.count().label("documents"))
        .join(document_tags, document_tags.c.tag_id == tags.c.id)
        .join(documents, documents.c.id == document_tags.c.document_id)
        .join(versions, versions.c.id == documents.c.version_id)
        .where(scopes.searchable(workspace_id))
        .group_by(tags.c.id)
        .order_by(tags.c.name_key)
    )
    return {row.name: row.documents for row in connection.execute(query)}


def _folders(connection: Connection, workspace_id: str) -> tuple[str, ...]:
    """Watched folders and what lies in them; folders inside archives, named by the archive."""
    watched = (
        select(folders.c.path.label("root"), folder_files.c.path)
        .join(folder_files, folder_files.c.folder_id == folders.c.id)
        .where(folders.c.workspace_id == workspace_id)
    )
    archived = (
        select(documents.c.source.label("root"), members.c.path)
        .join(members, members.c.container_id == documents.c.id)
        .where(documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None))
    )
    found = [(row.root, row.path) for row in connection.execute(watched)]
    inside = [(row.root, row.path) for row in connection.execute(archived) if "/" in row.path]
    return top_folders([*found, *inside])
