"""Use cases of tags: what a person groups documents by. A tag lives as long as a document has it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from rag.errors import InvalidInput, NotFound
from workspaces import repository, tag_rows
from workspaces.batches import batches
from workspaces.database import Database
from workspaces.identifiers import new_id
from workspaces.names import printable
from workspaces.tables import document_tags, documents, tags

LONGEST = 50
"""Characters of a tag."""
MOST_OF_DOCUMENT = 20
MOST_OF_WORKSPACE = 500


class Tags:
    """Gives documents tags and takes them away. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, workspace_id: str, document_ids: Sequence[str], names: Sequence[str]) -> None:
        """Give documents of one workspace tags; those that they have already stay as they are.

        Raises:
            NotFound: a document does not exist here (any more); then nothing is changed.
            InvalidInput: a tag is empty or too long, or there would be too many.
        """
        wanted = [clean(name) for name in names]
        with self._database.write() as connection:
            home = _documents_of(connection, workspace_id, document_ids)
            for name in wanted:
                tag_id = _tag(connection, home, name)
                rows = [{"document_id": id_, "tag_id": tag_id} for id_ in dict.fromkeys(document_ids)]
                connection.execute(sqlite_insert(document_tags).on_conflict_do_nothing(), rows)
            _check_numbers(connection, home, document_ids)

    def remove(self, workspace_id: str, document_ids: Sequence[str], names: Sequence[str]) -> None:
        """Take tags from documents of one workspace; what they do not have is fine. Raises NotFound."""
        keys = [printable(name).removeprefix("#").strip().casefold() for name in names]
        with self._database.write() as connection:
            home = _documents_of(connection, workspace_id, document_ids)
            mine = select(tags.c.id).where(tags.c.workspace_id == home, tags.c.name_key.in_(keys))
            for some in batches(document_ids):
                chosen = document_tags.c.document_id.in_(some) & document_tags.c.tag_id.in_(mine)
                connection.execute(delete(document_tags).where(chosen))
            tag_rows.sweep(connection)

    def replace(self, workspace_id: str, document_id: str, names: Sequence[str]) -> None:
        """Let a document have these tags and no others. Raises as `add` does."""
        wanted = [clean(name) for name in names]
        with self._database.write() as connection:
            home = _documents_of(connection, workspace_id, [document_id])
            connection.execute(delete(document_tags).where(document_tags.c.document_id == document_id))
            for tag_id in dict.fromkeys(_tag(connection, home, name) for name in wanted):
                connection.execute(insert(document_tags).values(document_id=document_id, tag_id=tag_id))
            _check_numbers(connection, home, [document_id])
            tag_rows.sweep(connection)

    def of_workspace(self, workspace_id: str) -> list[str]:
        """All tags of a workspace, by name."""
        query = select(tags.c.name).where(tags.c.workspace_id == workspace_id).order_by(tags.c.name_key)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())


def clean(name: str) -> str:
    """A tag as it is kept: printable, without the sign before it. Raises InvalidInput."""
    tag = printable(name).removeprefix("#").strip()
    if not tag or len(tag) > LONGEST or '"' in tag:
        raise InvalidInput(
            f"“{tag[: LONGEST + 10]}” is no tag: it has 1 to {LONGEST} characters and no quotation marks.",
            hint="Choose another word.",
        )
    return tag


def _documents_of(connection: Connection, workspace_id: str, document_ids: Sequence[str]) -> str:
    """The workspace's id, where all the documents are live and in it."""
    home = repository.workspace_id_of(connection, workspace_id)
    wanted = list(dict.fromkeys(document_ids))
    found = 0
    for some in batches(wanted):
        mine = documents.c.id.in_(some) & (documents.c.workspace_id == home) & documents.c.deleted_at.is_(None)
        found += connection.execute(select(func.count()).select_from(documents).where(mine)).scalar_one()
    if found != len(wanted):
        raise NotFound("This document does not exist any more.", hint="Reload the list of documents.")
    return home


def _tag(connection: Connection, workspace_id: str, name: str) -> str:
    """The id of a tag, which is made where it is new; case does not matter."""
    key = name.casefold()
    row = sqlite_insert(tags).values(id=new_id(), workspace_id=workspace_id, name=name, name_key=key)
    connection.execute(row.on_conflict_do_nothing())
    mine = (tags.c.workspace_id == workspace_id) & (tags.c.name_key == key)
    return str(connection.execute(select(tags.c.id).where(mine)).scalar_one())


def _check_numbers(connection: Connection, workspace_id: str, document_ids: Sequence[str]) -> None:
    for some in batches(document_ids):
        counts = (
            select(func.count().label("number"))
            .where(document_tags.c.document_id.in_(some))
            .group_by(document_tags.c.document_id)
        ).subquery()
        if (connection.execute(select(func.max(counts.c.number))).scalar() or 0) > MOST_OF_DOCUMENT:
            raise InvalidInput(f"A document has at most {MOST_OF_DOCUMENT} tags.", hint="Take some away first.")
    whole = select(func.count()).select_from(tags).where(tags.c.workspace_id == workspace_id)
    if connection.execute(whole).scalar_one() > MOST_OF_WORKSPACE:
        raise InvalidInput(f"A workspace has at most {MOST_OF_WORKSPACE} tags.", hint="Use one that is there.")
