"""A scope as it is stored, and which versions of a workspace fit it. Every function takes the caller's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select

from rag.errors import InvalidInput, NotFound
from rag.scope import EVERYTHING, Name, Scope, Within
from workspaces import members, repository
from workspaces.batches import batches
from workspaces.kinds import media_types
from workspaces.tables import document_tags, documents, folder_files, folders, tags, versions
from workspaces.tables import members as member_rows

MOST_VALUES = 100
"""Values of one kind of condition; a person chooses a few."""

_container = documents.alias("container")


def scope_values(scope: Scope) -> dict[str, Any] | None:
    """A scope as JSON; None for all of the workspace."""
    return {name: value for name, value in asdict(scope).items() if value} or None


def scope_of(values: Mapping[str, Any] | None) -> Scope:
    """A scope from its JSON; what it does not know is left out."""
    known = {field.name for field in fields(Scope)}
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (values or {}).items()
        if name in known
    }
    if "names" in told:
        told["names"] = tuple(Name(**name) for name in told["names"])
    return Scope(**told) if told else EVERYTHING


def checked(connection: Connection, workspace_id: str, scope: Scope) -> Scope:
    """The scope of a question in a workspace: each other workspace once, by its id.

    Raises:
        NotFound: a workspace that it names does not exist.
        InvalidInput: more values than anybody chooses.
    """
    if any(len(value) > MOST_VALUES for value in asdict(scope).values()):
        raise InvalidInput(f"A filter holds at most {MOST_VALUES} values of one kind.", hint="Choose fewer.")
    try:
        also = dict.fromkeys(repository.workspace_id_of(connection, other) for other in scope.also)
    except NotFound as error:
        raise NotFound(
            "Another workspace in which this question looks does not exist any more.",
            hint="Take it out of what is searched, then ask again.",
        ) from error
    also.pop(workspace_id, None)
    return replace(scope, also=tuple(also))


def within(connection: Connection, workspace_id: str, scope: Scope) -> Within | None:
    """The versions of one workspace that a search may return; None where the scope leaves out none.

    Ids of documents of other workspaces fit nothing here.
    """
    if not scope.filtered:
        return None
    return frozenset(row.id for row in connection.execute(_fitting(connection, workspace_id, scope)))


def count(connection: Connection, workspace_id: str, scope: Scope) -> int:
    """How many documents of one workspace can be found within a scope."""
    fitting = _fitting(connection, workspace_id, scope).subquery()
    return int(connection.execute(select(func.count()).select_from(fitting)).scalar_one())


def searchable(workspace_id: str) -> ColumnElement[bool]:
    """In a query over documents and their current versions: those that can be found."""
    return and_(documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None), versions.c.state == "ready")


def _fitting(connection: Connection, workspace_id: str, scope: Scope) -> Select[tuple[str]]:
    conditions = [searchable(workspace_id)]
    if scope.names:
        conditions.append(_named(connection, workspace_id, scope.names))
    elif scope.documents:
        conditions.append(_is_or_lies_in(connection, workspace_id, scope.documents))
    if scope.folders:
        conditions.append(or_(*(_lies_in(folder) for folder in scope.folders)))
    if scope.tags:
        conditions.append(_tagged(connection, workspace_id, scope.tags))
    if scope.kinds:
        conditions.append(versions.c.media_type.in_(media_types(scope.kinds)))
    if scope.languages:
        conditions.append(versions.c.language.in_(scope.languages))
    conditions += _dated(scope)
    return select(versions.c.id).join(documents, documents.c.version_id == versions.c.id).where(*conditions)


def _named(connection: Connection, workspace_id: str, names: Sequence[Name]) -> ColumnElement[bool]:
    ids = [name.value for name in names if name.kind == "document"]
    tagged = [name.value for name in names if name.kind == "tag"]
    return or_(
        _is_or_lies_in(connection, workspace_id, ids) if ids else false(),
        _tagged(connection, workspace_id, tagged) if tagged else false(),
    )


def _is_or_lies_in(connection: Connection, workspace_id: str, ids: Sequence[str]) -> ColumnElement[bool]:
    mine = select(documents.c.id).where(documents.c.workspace_id == workspace_id, documents.c.id.in_(ids))
    own = list(connection.execute(mine).scalars())
    return _among([*own, *members.inside(connection, own)])


def _lies_in(folder: str) -> ColumnElement[bool]:
    """Whether a document's file, or its place in an archive, lies in a folder, at any depth."""
    wanted = f"/{folder.replace(chr(92), '/').strip('/').casefold()}/"
    watched = (
        select(folder_files.c.document_id)
        .join(folders, folders.c.id == folder_files.c.folder_id)
        .where(_holds(folders.c.path + "/" + folder_files.c.path, wanted), folder_files.c.document_id.is_not(None))
    )
    archived = (
        select(member_rows.c.document_id)
        .join(_container, _container.c.id == member_rows.c.container_id)
        .where(_holds(_container.c.source + "/" + member_rows.c.path, wanted))
    )
    return documents.c.id.in_(watched) | documents.c.id.in_(archived)


def _holds(path: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
    slashed = func.casefold(func.replace("/" + path, chr(92), "/"))  # workspaces/database.py defines casefold
    return func.instr(slashed, wanted) > 0


def _tagged(connection: Connection, workspace_id: str, names: Sequence[str]) -> ColumnElement[bool]:
    """What lies in a document goes with its tags."""
    having = (
        select(document_tags.c.document_id)
        .join(tags, tags.c.id == document_tags.c.tag_id)
        .where(tags.c.workspace_id == workspace_id, tags.c.name_key.in_([name.casefold() for name in names]))
    )
    own = list(connection.execute(having).scalars())
    return _among([*own, *members.inside(connection, own)])


def _among(ids: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *(documents.c.id.in_(some) for some in batches(ids)))


def _dated(scope: Scope) -> list[ColumnElement[bool]]:
    """Dates are kept as text, the day first; one that says only "2023" fits every day of that year."""
    if not (scope.since or scope.until):
        return []
    day = func.substr(versions.c.date, 1, 10)
    found: list[ColumnElement[bool]] = [versions.c.date.op("GLOB")("[0-9][0-9][0-9][0-9]*")]
    if scope.since:
        found.append(day + "~" >= scope.since)
    if scope.until:
        found.append(day <= scope.until)
    return found
