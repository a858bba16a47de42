"""Tags in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.ui.fake_library import FakeLibrary
from workspaces.tagging import clean


class FakeTags:
    def __init__(self, library: FakeLibrary) -> None:
        self.library = library

    def add(self, workspace_id: str, document_ids: Sequence[str], names: Sequence[str]) -> None:
        for id_ in document_ids:
            self.replace(workspace_id, id_, [*self.library.records[id_].tags, *map(clean, names)])

    def remove(self, workspace_id: str, document_ids: Sequence[str], names: Sequence[str]) -> None:
        for id_ in document_ids:
            self.replace(workspace_id, id_, [tag for tag in self.library.records[id_].tags if tag not in names])

    def replace(self, workspace_id: str, document_id: str, names: Sequence[str]) -> None:
        tags = tuple(sorted(dict.fromkeys(map(clean, names))))
        self.library.records[document_id] = replace(self.library.records[document_id], tags=tags)

    def of_workspace(self, workspace_id: str) -> list[str]:
        return sorted({tag for record in self.library.documents(workspace_id) for tag in record.tags})
