"""The commands that tag documents, and the tags of those that are being added."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Sequence

from entrypoints.output import Output
from rag.errors import NotFound
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord
from workspaces.tagging import clean


def add(services: Services, workspace_id: str, ids: Sequence[str], options: Namespace, out: Output) -> int:
    """Give documents the tag; the exit code."""
    services.tags.add(workspace_id, ids, [options.tag])
    out.note(_counted("Tagged", ids))
    return 0


def remove(services: Services, workspace_id: str, ids: Sequence[str], options: Namespace, out: Output) -> int:
    """Take the tag from documents; the exit code."""
    services.tags.remove(workspace_id, ids, [options.tag])
    out.note(_counted("Taken from", ids))
    return 0


def check(tags: Iterable[str]) -> None:
    """Before anything is read: raises InvalidInput where one is no tag."""
    for tag in tags:
        clean(tag)


def added(services: Services, workspace_id: str, ids: Iterable[str], options: Namespace) -> dict[str, DocumentRecord]:
    """Give what was added the tags of the options; the records by the id they were added under.

    A web page may have turned out to be a document that was there; what somebody deleted meanwhile is left out.
    """
    records = {id_: record for id_ in ids if (record := _found(services, id_)) is not None} if options.tag else {}
    if not records:
        return {}
    services.tags.add(workspace_id, [record.id for record in records.values()], options.tag)
    return {id_: services.library.document(record.id) for id_, record in records.items()}


def _found(services: Services, document_id: str) -> DocumentRecord | None:
    try:
        return services.library.document(document_id)
    except NotFound:
        return services.library.twin(document_id)


def _counted(what: str, ids: Sequence[str]) -> str:
    return f"{what} {len(ids)} document{'s' if len(ids) > 1 else ''}."
