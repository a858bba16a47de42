"""Workspaces and documents in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from rag.errors import InvalidInput, NameTaken, NotFound
from rag.modes import Mode
from rag.types import Span
from workspaces.models import (
    FINAL_STATES,
    DocumentFilter,
    DocumentRecord,
    DocumentsPage,
    Pending,
    Problem,
    SearchIndex,
    VersionRecord,
    Workspace,
)
from workspaces.reindexing import Suggestion

_ids = itertools.count(1)

LEASE = (
    "The tenant pays the rent in advance, on the third working day of each month at the latest. Payment by bank "
    "transfer is enough if the amount has reached the landlord by that day. The deposit is three months' rent without "
    "operating costs and may be paid in three equal parts, the first at the beginning of the lease. The landlord keeps "
    "the deposit apart from his own assets and pays it back with interest within six months after the flat was handed "
    "over. Small repairs up to 100 euros each are borne by the tenant, up to 8 % of the yearly rent in total. Pets "
    "other than small animals need the landlord's consent, which may only be refused for an important reason."
)


def new_id(prefix: str) -> str:
    return f"{prefix}{next(_ids):04d}"


def now() -> datetime:
    return datetime.now(UTC)


def sentence_spans(text: str) -> list[Span]:
    """Sentences of plain test prose."""
    spans, start = [], 0
    for position, character in enumerate(text):
        if character in ".!?" and (position + 1 == len(text) or text[position + 1] == " "):
            spans.append(Span(start, position + 1))
            start = position + 2
    if start < len(text):
        spans.append(Span(start, len(text)))
    return spans


class FakeReindexing:
    """The search indexes of every workspace: one that is searched, and one that is built where a test says so."""

    def __init__(self) -> None:
        self.search_indexes = [SearchIndex("i1", "w", "all-minilm-l6-v2", "all-minilm-l6-v2", 384, "s", "current")]
        self.suggestion: Suggestion | None = None

    def indexes(self, workspace_id: str) -> list[SearchIndex]:
        return self.search_indexes

    def reindex(self, workspace_id: str, *, embedder_key: str | None = None) -> SearchIndex:
        made = SearchIndex("i2", workspace_id, "other", embedder_key or "", 64, "s", "building", total=340)
        self.search_indexes = [self.search_indexes[0], made]
        return made

    def cancel(self, workspace_id: str) -> None:
        del self.search_indexes[1:]

    def pause(self, workspace_id: str, *, paused: bool) -> None:
        self.search_indexes[1] = replace(self.search_indexes[1], paused=paused)

    def better(self, workspace_id: str) -> Suggestion | None:
        return self.suggestion

    def keep(self, workspace_id: str) -> None:
        self.suggestion = None

    def roll_back(self, workspace_id: str) -> SearchIndex:
        raise InvalidInput("The former search index cannot be brought up to date.", hint="Build a new one instead.")


class FakeLibrary:
    def __init__(self) -> None:
        self.spaces: dict[str, Workspace] = {}
        self.records: dict[str, DocumentRecord] = {}
        self.texts: dict[str, str] = {}
        self.password = "Schlüssel"
        self.unlocked: list[tuple[str, bool]] = []
        self.read_before: list[str] = []
        self.chats_of: Callable[[str], int] = lambda _: 0

    def workspaces(self) -> list[Workspace]:
        return sorted((self._with_figures(space) for space in self.spaces.values()), key=lambda space: space.name)

    def workspace(self, name_or_id: str) -> Workspace:
        for space in self.workspaces():
            if name_or_id in (space.id, space.name):
                return space
        raise NotFound("There is no such workspace.", hint="Choose one from the list.")

    def create_workspace(self, name: str) -> Workspace:
        self._check(name)
        space = Workspace(new_id("w"), name.strip(), now())
        self.spaces[space.id] = space
        return space

    def rename_workspace(self, workspace_id: str, name: str) -> Workspace:
        self._check(name)
        self.spaces[workspace_id] = replace(self.spaces[workspace_id], name=name.strip())
        return self.workspace(workspace_id)

    def set_mode(self, workspace_id: str, mode: Mode) -> Workspace:
        self.spaces[workspace_id] = replace(self.spaces[workspace_id], mode=mode)
        return self.workspace(workspace_id)

    def delete_workspace(self, workspace_id: str) -> None:
        del self.spaces[workspace_id]
        self.records = {key: record for key, record in self.records.items() if record.workspace_id != workspace_id}

    def stale(self, workspace_id: str) -> list[DocumentRecord]:
        return [record for record in self.records.values() if record.id in self.read_before]

    def reread(self, document_id: str) -> DocumentRecord:
        self.read_before.remove(document_id)
        return self.records[document_id]

    def add_file(
        self,
        workspace_id: str,
        name: str,
        content: BinaryIO | Path,
        *,
        title: str | None = None,
        keep_both: bool = False,
        batch: str = "",
    ) -> DocumentRecord:
        data = content.read_bytes() if isinstance(content, Path) else content.read()
        for record in self.records.values():
            if record.workspace_id == workspace_id and self.texts.get(record.version_id) == data.decode(
                "utf-8", "replace"
            ):
                return replace(record, duplicate_of=record.id)
        for record in self.records.values():
            if record.workspace_id == workspace_id and record.source == name and not keep_both:
                newer = Pending(new_id("v"), record.number + 1, "stored")
                self.records[record.id] = replace(record, pending=newer)
                return self.records[record.id]
        kind = "application/pdf" if name.endswith(".pdf") else "text/plain"
        return self.put(
            workspace_id,
            name,
            title=title or name.rsplit(".", 1)[0],
            text=data.decode("utf-8", "replace"),
            media_type=kind,
        )

    def add_url(self, workspace_id: str, url: str) -> DocumentRecord:
        return self.put(
            workspace_id, url, title="", text="", media_type="text/html", source_kind="url", state="received"
        )

    def documents(self, workspace_id: str) -> list[DocumentRecord]:
        return [record for record in reversed(self.records.values()) if record.workspace_id == workspace_id]

    def documents_page(
        self, workspace_id: str, *, search: str = "", only: DocumentFilter = "all", offset: int = 0, limit: int
    ) -> DocumentsPage:
        mine = sorted(self.documents(workspace_id), key=lambda record: record.state != "failed")
        chosen = {
            "all": lambda _: True,
            "working": lambda record: record.in_work,
            "failed": lambda record: "failed" in (record.state, record.pending and record.pending.state),
            "ready": lambda record: record.state == "ready",
        }
        words = search.casefold().split()
        found = [
            record
            for record in filter(chosen[only], mine)
            if all(word in f"{record.title} {record.source}".casefold() for word in words)
        ]
        counts = {name: sum(map(fits, mine)) for name, fits in chosen.items()}
        return DocumentsPage(tuple(found[offset : offset + limit]), len(found), counts)

    def document(self, document_id: str) -> DocumentRecord:
        if document_id not in self.records:
            raise NotFound("This document does not exist any more.", hint="Reload the list.")
        return self.records[document_id]

    def cancel(self, document_id: str) -> None:
        problem = Problem("cancelled", "Reading was cancelled.", "Try again when you want it.")
        self.records[document_id] = replace(self.records[document_id], state="failed", problem=problem)

    def retry(self, document_id: str) -> DocumentRecord:
        self.records[document_id] = replace(self.records[document_id], state="received", problem=None)
        return self.records[document_id]

    def versions(self, document_id: str) -> list[VersionRecord]:
        record = self.document(document_id)
        return [
            VersionRecord(
                f"{record.version_id}-{number}",
                number,
                now(),
                record.size,
                "ready" if number == record.number else "superseded",
                is_current=number == record.number,
                has_original=True,
            )
            for number in range(record.number, 0, -1)
        ]

    def unlock(self, document_id: str, password: str, *, keep: bool) -> DocumentRecord:
        self.unlocked.append((document_id, keep))
        if password != self.password:
            raise InvalidInput("That is not the password.", hint="Mind capital letters.")
        return self.retry(document_id)

    def directly_in(self, document_id: str, *, offset: int = 0, limit: int = 20) -> list[tuple[str, DocumentRecord]]:
        mine = [record for record in self.records.values() if record.container_id == document_id]
        return [(record.path, record) for record in mine[offset : offset + limit]]

    def members_deleted_with(self, document_id: str) -> int:
        return self.records[document_id].members

    def delete(self, document_id: str) -> None:
        self.records.pop(document_id)

    def put(self, workspace_id: str, source: str, *, title: str, text: str = LEASE, **values: Any) -> DocumentRecord:
        """A document as a test wants it; ready unless said otherwise."""
        defaults: dict[str, Any] = {
            "source_kind": "file",
            "media_type": "application/pdf",
            "size": 184_320,
            "state": "ready",
            "created_at": now(),
            "language": "en",
            "pages": 0,
            "characters": len(text),
            "chunks": max(1, len(text) // 400),
            "parser": "reader 1.0 r1" if text else "",
        }
        version = new_id("v")
        record = DocumentRecord(
            id=new_id("d"),
            workspace_id=workspace_id,
            version_id=version,
            title=title,
            source=source,
            **(defaults | values),
        )
        self.records[record.id] = record
        self.texts[version] = text
        return record

    def _with_figures(self, space: Workspace) -> Workspace:
        mine = [record for record in self.records.values() if record.workspace_id == space.id]
        return replace(
            space,
            documents=len(mine),
            working=sum(record.state not in FINAL_STATES for record in mine),
            failed=sum(record.state == "failed" for record in mine),
            chunks=sum(record.chunks for record in mine if record.state == "ready"),
            conversations=self.chats_of(space.id),
        )

    def _check(self, name: str) -> None:
        if not name.strip():
            raise InvalidInput("A workspace name has 1 to 100 characters.", hint="Choose another name.")
        if any(space.name == name.strip() for space in self.spaces.values()):
            raise NameTaken(f"There is already a workspace “{name}”.", hint="Choose another name.")
