"""Rows of watched folders and their files. Every function takes the caller's connection."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from rag.errors import NotFound
from workspaces.folders import Known, Stamp
from workspaces.identifiers import new_id, now
from workspaces.models import Folder
from workspaces.tables import documents, folder_files, folders, workspaces


def add(connection: Connection, workspace_id: str, path: str, patterns: list[str]) -> str:
    """A folder that nobody has looked into yet; its id."""
    folder_id = new_id()
    values = {"path": path, "patterns": patterns, "created_at": now()}
    connection.execute(insert(folders).values(id=folder_id, workspace_id=workspace_id, **values))
    return folder_id


def list_folders(connection: Connection, *where: ColumnElement[bool]) -> list[Folder]:
    """Folders of live workspaces with the number of their files, by path."""
    files = select(func.count()).where(folder_files.c.folder_id == folders.c.id).scalar_subquery()
    query = (
        select(folders, files.label("files"))
        .join(workspaces, workspaces.c.id == folders.c.workspace_id)
        .where(workspaces.c.deleted_at.is_(None), *where)
        .order_by(folders.c.path, folders.c.id)
    )
    return [
        Folder(
            id=row.id,
            workspace_id=row.workspace_id,
            path=row.path,
            patterns=tuple(row.patterns),
            created_at=row.created_at,
            scanned_at=row.scanned_at,
            problem=row.problem,
            files=row.files,
        )
        for row in connection.execute(query)
    ]


def get(connection: Connection, folder_id: str) -> Folder:
    """One folder. Raises NotFound."""
    found = list_folders(connection, folders.c.id == folder_id)
    if not found:
        raise NotFound("This folder is not watched any more.", hint="Reload the list of documents.")
    return found[0]


def looked(connection: Connection, folder_id: str, problem: str) -> None:
    """Note that a folder was looked into, and what was wrong."""
    connection.execute(update(folders).where(folders.c.id == folder_id).values(scanned_at=now(), problem=problem))


def known(connection: Connection, folder_id: str) -> dict[str, Known]:
    """The files of a folder as they were last seen, by relative path."""
    query = select(folder_files).where(folder_files.c.folder_id == folder_id)
    return {
        row.path: Known(Stamp(row.size, row.mtime_ns), row.sha256, row.document_id, row.brought)
        for row in connection.execute(query)
    }


def put(connection: Connection, folder_id: str, path: str, file: Known) -> None:
    """Note how a file was seen; nothing happens where the folder is not watched any more."""
    if connection.execute(select(folders.c.id).where(folders.c.id == folder_id)).scalar() is None:
        return
    values = {
        "size": file.stamp.size,
        "mtime_ns": file.stamp.mtime_ns,
        "sha256": file.sha256,
        "document_id": file.document_id,
        "brought": file.brought,
    }
    row = sqlite_insert(folder_files).values(folder_id=folder_id, path=path, **values)
    key = [folder_files.c.folder_id, folder_files.c.path]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_=values))


def move(connection: Connection, folder_id: str, old: str, new: str) -> None:
    """A file lies elsewhere now; its document is called by its new name."""
    mine = (folder_files.c.folder_id == folder_id) & (folder_files.c.path == old)
    document_id = connection.execute(select(folder_files.c.document_id).where(mine)).scalar()
    connection.execute(update(folder_files).where(mine).values(path=new))
    before, after = old.rsplit("/", 1)[-1], new.rsplit("/", 1)[-1]
    called = update(documents).where(documents.c.id == document_id, documents.c.source == before)
    connection.execute(called.values(source=after))


def forget(connection: Connection, folder_id: str, path: str) -> None:
    """Remove the row of a file."""
    mine = (folder_files.c.folder_id == folder_id) & (folder_files.c.path == path)
    connection.execute(delete(folder_files).where(mine))


def names(connection: Connection, document_id: str) -> list[bool]:
    """For each file whose document this is, whether a folder brought the document."""
    query = select(folder_files.c.brought).where(folder_files.c.document_id == document_id)
    return list(connection.execute(query).scalars())


def remove(connection: Connection, folder_id: str) -> None:
    """Forget a folder and what was seen in it."""
    connection.execute(delete(folder_files).where(folder_files.c.folder_id == folder_id))
    connection.execute(delete(folders).where(folders.c.id == folder_id))


def remove_all(connection: Connection, workspace_id: str) -> None:
    """Forget all folders of a workspace."""
    for folder_id in connection.execute(select(folders.c.id).where(folders.c.workspace_id == workspace_id)).scalars():
        remove(connection, folder_id)
