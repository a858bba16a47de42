"""A correct answer sentence beside two sources: its own, and a copy in which that sentence has one planted error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes
from rag.protocols import Embedder
from rag.sentences import sentences
from rag.types import Passage, Span
from tests.support.planted.cases import Case
from tests.support.planted.sources import repaired


def contradicted(cases: Sequence[Case]) -> Iterator[tuple[Case, tuple[Passage, ...]]]:
    """Cases whose correct sentence stands in the passage as it is, and the passages with the wrong copy; none where
    another subject does the same, which contradicts nothing."""
    for case in cases:
        own = case.source.own
        if not case.planted or case.right != case.source.text or "subject" in case.kind:
            continue
        for span in sentences(own.text, own.language):
            if repaired(own.text[span.start : span.end]) == case.right:
                text = own.text[: span.start] + case.text + own.text[span.end :]
                copy = replace(
                    own, chunk_id="copy", document_id="copy", version_id="copy", text=text, span=Span(0, len(text))
                )
                shown = list(case.source.passages)
                shown.insert(len(case.text) % 2 + shown.index(own), copy)  # as often before it as behind
                yield case, tuple(shown)
                break


def said_otherwise(
    text: str, passages: Sequence[Passage], case: Case, embedder: Embedder
) -> tuple[bool, frozenset[str]]:
    """(Is the sentence supported, the chunks of the passages that are said to contradict it)."""
    checker = Checker(
        Aligner(embedder, question=case.source.question, passages=passages), Footnotes(), language=case.source.language
    )
    list(checker.feed(text))
    list(checker.finish())
    numbers = {number for sentence in checker.sentences for number in sentence.conflicts}
    supported = all(sentence.verdict == "supported" for sentence in checker.sentences)
    return supported, frozenset(item.chunk_id for item in checker.citations if item.number in numbers)
