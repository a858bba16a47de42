"""Filters in memory, by what the records say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rag.errors import InvalidInput
from rag.scope import EVERYTHING, Name, Scope
from tests.ui.fake_library import FakeLibrary
from workspaces import scope_words
from workspaces.kinds import kind_of
from workspaces.mentions import mentions
from workspaces.models import DocumentRecord
from workspaces.scoping import Asked, Choices


class FakeScoping:
    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.folders: tuple[str, ...] = ()

    def choices(self, workspace_id: str) -> Choices:
        ready = self.fitting(workspace_id, EVERYTHING)
        days = sorted(record.date for record in ready if record.date)
        return Choices(
            kinds=Counter(kind_of(record.media_type) for record in ready),
            languages=Counter(record.language for record in ready),
            tags=Counter(tag for record in ready for tag in record.tags),
            folders=self.folders,
            first=days[0] if days else "",
            last=days[-1] if days else "",
            undated=len(ready) - len(days),
        )

    def count(self, workspace_id: str, scope: Scope) -> int:
        return sum(len(self.fitting(searched, scope)) for searched in (workspace_id, *scope.also))

    def read(self, workspace_id: str, question: str, scope: Scope = EVERYTHING) -> Asked:
        text, found = mentions(question.strip())
        names = []
        for mention in found:
            called = [
                record
                for record in self.fitting(workspace_id, EVERYTHING)
                if mention.text.casefold() in f"{record.title} {record.source}".casefold()
            ]
            if len(called) != 1:
                raise InvalidInput(f"No document or tag here is called “{mention.text}”.", hint="Correct the name.")
            names.append(Name("document", called[0].id))
        scope = replace(scope, names=tuple(names))
        return Asked(text, scope, tuple(label for label, _ in self.parts(workspace_id, scope)))

    def parts(self, workspace_id: str, scope: Scope) -> list[tuple[str, Scope]]:
        titles = {record.id: record.title for record in self.library.records.values()}
        return list(scope_words.parts(scope, titles, {one.id: one.name for one in self.library.workspaces()}))

    def fitting(self, workspace_id: str, scope: Scope) -> list[DocumentRecord]:
        named = tuple(name.value for name in scope.names) or scope.documents
        return [
            record
            for record in self.library.documents(workspace_id)
            if record.state == "ready"
            and (not named or record.id in named)
            and (not scope.kinds or kind_of(record.media_type) in scope.kinds)
            and (not scope.languages or record.language in scope.languages)
            and (not scope.tags or set(scope.tags) & set(record.tags))
        ]
