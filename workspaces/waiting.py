"""Following documents until they are ready or failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from workspaces import indexes, members, queueing, repository
from workspaces.database import Database
from workspaces.models import DocumentRecord

_WAIT_SECONDS = 0.05


def follow(database: Database, document_ids: Sequence[str], *, timeout: float | None) -> Iterator[DocumentRecord]:
    """See `Library.wait`."""
    deadline = None if timeout is None else time.monotonic() + timeout
    open_ids, seen = list(dict.fromkeys(document_ids)), dict[str, DocumentRecord]()
    known = set(open_ids)
    while open_ids and (deadline is None or time.monotonic() < deadline):
        looked = time.monotonic()
        with database.read() as connection:
            records = repository.get_documents(connection, open_ids)
            rest = queueing.is_paused(connection, *{record.workspace_id for record in records if record.in_work})
            builds = {index.workspace_id for index in indexes.being_built(connection)}
        for record in records:
            if seen.get(record.id) != record:
                seen[record.id] = record
                yield record
        open_ids = [
            record.id for record in records if record.in_work and (not record.waiting or record.workspace_id in builds)
        ]
        open_ids += [id_ for id_ in _met(database, records) if id_ not in known]
        known.update(open_ids)
        if rest:
            return
        if open_ids:  # looking at thousands takes long: at most a tenth of the time goes into it
            time.sleep(max(_WAIT_SECONDS, 9 * (time.monotonic() - looked)))


def _met(database: Database, records: Sequence[DocumentRecord]) -> list[str]:
    """What lies inside documents that are read: once a document has ended, no more is found inside."""
    containers = [record.id for record in records if record.members]
    if not containers:
        return []
    with database.read() as connection:
        return members.inside(connection, containers)
