"""Runs an evaluation set through the real pipeline: documents enter by the library, questions by search and answers."""

from __future__ import annotations

import io
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.errors import InvalidInput
from rag.protocols import ChatModel
from rag.types import Answered, Citation, Evidence, Interrupted, Passage, Refused, Retrieval
from workspaces.conversations import Conversations
from workspaces.library import Library
from workspaces.scoring import score

_DEPTH = 10
Line = dict[str, Any]


class Evaluation:
    """One dataset directory with `corpus.jsonl` and `questions.jsonl`."""

    def __init__(self, directory: Path) -> None:
        """Reads both files.

        Raises:
            InvalidInput: they are missing or not in the format.
        """
        self._directory = directory
        try:
            self.corpus = _lines(directory / "corpus.jsonl")
            self.questions = _lines(directory / "questions.jsonl")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "a line is not JSON"
            raise InvalidInput(
                f"“{directory.name}” is not an evaluation set: {reason}.",
                hint="A set is a directory with corpus.jsonl and questions.jsonl.",
            ) from error
        self._ids: defaultdict[str, list[str]] = defaultdict(list)

    def ingest(self, library: Library, workspace_id: str, *, progress: Callable[[int, int], None]) -> None:
        """Take the corpus in; identical bytes are one document that answers to several ids.

        Raises:
            InvalidInput: a document of the set could not be read.
        """
        for line in self.corpus:
            if line.get("text") is not None:
                name, content = f"{line['id']}.txt", io.BytesIO(line["text"].encode())
                record = library.add_file(workspace_id, name, content, title=line.get("title"), keep_both=True)
            else:
                path = self._directory / line["path"]
                record = library.add_file(workspace_id, path.name, path, title=line.get("title"), keep_both=True)
            self._ids[record.id].append(line["id"])
        done = 0
        for record in library.wait(list(self._ids)):
            if record.state == "failed" and record.problem is not None:
                raise InvalidInput(f"{record.source}: {record.problem.message}", hint=record.problem.hint)
            if record.state == "ready":
                done += 1
                progress(done, len(self._ids))

    def sample(self, size: int | None, *, seed: int) -> list[Line]:
        """All questions, or `size` of them, stratified by whether they can be answered."""
        if size is None or size >= len(self.questions):
            return self.questions
        groups: defaultdict[str, list[Line]] = defaultdict(list)
        for question in self.questions:
            groups[str(question.get("answerable"))].append(question)
        generator = random.Random(seed)  # noqa: S311  # a sample, not a secret
        chosen: set[str] = set()
        left, places = len(self.questions), size
        for _, group in sorted(groups.items()):  # each by its share; rounding goes on to the next
            share = round(places * len(group) / left)
            chosen |= {question["id"] for question in generator.sample(group, share)}
            left, places = left - len(group), places - share
        return [question for question in self.questions if question["id"] in chosen]

    def search(self, library: Library, workspace_id: str, questions: Sequence[Line]) -> Iterator[Line]:
        """Retrieval only: one run line a question."""
        for question in questions:
            started = time.perf_counter()
            retrieval = library.search(workspace_id, question["question"], limit=_DEPTH)
            yield {
                "id": question["id"],
                "retrieved": self._retrieved(retrieval),
                "evidence_ms": _milliseconds(started),
                "evidence": retrieval.evidence,
                "sufficient": retrieval.sufficient,
            }

    def answer(
        self, conversations: Conversations, workspace_id: str, questions: Sequence[Line], *, model: ChatModel | None
    ) -> Iterator[Line]:
        """Retrieval and answers: one run line a question."""
        for question in questions:
            started = time.perf_counter()
            line: Line = {"id": question["id"], "retrieved": []}
            for event in conversations.answer(workspace_id, question["question"], model=model):
                if isinstance(event, Evidence):
                    line["retrieved"] = self._retrieved(event.retrieval)
                    line["evidence_ms"] = _milliseconds(started)
                elif isinstance(event, Answered | Interrupted):
                    line["answer"] = event.answer.text
                    line["refused"] = False
                    line["citations"] = self._citations(event.answer.grounds)
                elif isinstance(event, Refused):
                    line.update(answer="", refused=True, citations=[])
            line["answer_ms"] = _milliseconds(started)
            yield line

    def score(self, run: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """The figures of a run."""
        return score(self.corpus, self.questions, run)

    def _retrieved(self, retrieval: Retrieval) -> list[Line]:
        return [
            {**address, "start": one.span.start, "end": one.span.end, "score": round(one.score, 5)}
            for passage in retrieval.passages
            for one in (passage, *_twins(passage, retrieval.others))
            for address in self._addresses(one.document_id, one.page)
        ]

    def _citations(self, citations: Sequence[Citation]) -> list[Line]:
        return [
            {**address, "quote": citation.quote}
            for citation in citations
            for address in self._addresses(citation.document_id, citation.page)[:1]
        ]

    def _addresses(self, document_id: str, page: int | None) -> list[Line]:
        if page is None:
            return [{"passage_id": name, "doc": name} for name in self._ids[document_id]]
        return [{"doc": name, "page": page} for name in self._ids[document_id]]


def _twins(passage: Passage, others: Sequence[Passage]) -> list[Passage]:
    """Those that say the same in other documents, and are shown with it."""
    return [one for one in others if one.shown_with == passage.chunk_id and one.document_id != passage.document_id]


def resume_runs(path: Path) -> list[Line]:
    """The lines of a runs file; a missing file has none. A last line that was cut off is taken off the file, so that it
    can be continued, and its question is asked again.

    Raises:
        InvalidInput: it is not a runs file.
    """
    if not path.is_file():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    try:
        found = [json.loads(line) for line in whole.splitlines() if line.strip()]
        known = {line["id"]: line for line in found}
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"“{path.name}” is not a runs file.", hint="Name another file for --runs.") from error
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return list(known.values())


def _lines(path: Path) -> list[Line]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
