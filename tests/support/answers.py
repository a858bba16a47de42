"""Passages and a retriever for tests of answering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rag.answering import Answering
from rag.scope import EVERYTHING, Scope
from rag.types import AnswerEvent, Citation, Contents, Passage, Retrieval, Span

LEASE = (
    "The lease of the harbour office began on 3 October 2021. Maria Weber signed it for the city. "
    "The monthly rent is 1,250.50 euros. Smoking is not permitted in the building."
)
ENGINE = (
    "The turbine was built by Siemens in Berlin. It delivers 12.5 MW at full load. "
    "The maintenance interval is 18 months. Only certified engineers may open the housing."
)


def passage(text: str, *, name: str = "a", title: str = "Lease", start: int = 0, language: str = "en") -> Passage:
    """A passage that begins at `start` in its document."""
    span = Span(start, start + len(text))
    return Passage(name, f"document-{name}", f"version-{name}", title, 0, span, text, language)


class FixedRetriever:
    """Finds the same passages for every question and records the questions."""

    def __init__(self, passages: Sequence[Passage], *, sufficient: bool = True) -> None:
        self.passages = tuple(passages)
        self.sufficient = sufficient
        self.questions: list[str] = []

    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        self.questions.append(question)
        return Retrieval(question, self.passages[:limit], 0.9 if self.sufficient else 0.1, self.sufficient)

    def documents(self, workspace_id: str) -> list[Contents]:
        counted = Counter((one.document_id, one.version_id, one.title) for one in self.passages)
        return [Contents(*named, count) for named, count in counted.items()]

    def at_ordinals(self, workspace_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        return [one for one in self.passages if (one.version_id, one.ordinal) in ordinals]


class Scopeless(Answering):
    """Answers from wherever its retriever looks, and records where it was told to."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.scopes: list[Scope] = []

    def answer(self, *arguments: Any, scope: Scope = EVERYTHING, **options: Any) -> Iterator[AnswerEvent]:
        self.scopes.append(scope)
        return super().answer(*arguments, **options)


class NumberedPages:
    """Every hundred code points are a page."""

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        return [(offset // 100 + 1, None) for _, offset in places]


def quotes_stand(citations: Sequence[Citation], passages: Sequence[Passage]) -> bool:
    """Whether each quote is the passage's text at its span, byte for byte."""
    known = {item.chunk_id: item for item in passages}
    return all(
        citation.quote
        and known[citation.chunk_id].text[
            citation.span.start - known[citation.chunk_id].span.start : citation.span.end
            - known[citation.chunk_id].span.start
        ]
        == citation.quote
        for citation in citations
    )


def marked(item: Passage, sentence: str) -> Passage:
    """The passage with its answering sentence marked."""
    start = item.span.start + item.text.index(sentence)
    return replace(item, best_sentence=Span(start, start + len(sentence)))
