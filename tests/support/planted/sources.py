"""Sentences of the evaluation sets with the passages that a model would have been shown beside theirs.

The passages are the sentence's own and those that BM25 ranks highest for a question that the set asks about it; where
the set asks none, for the longest words of the sentence. Documents, not sentences, are split into two halves, and a
German text goes with its English original: rules are refined on one half, and what is reported is the other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ingest.loaders import assemble
from ingest.loaders.pdf import PdfLoader
from ingest.splitter import StructureSplitter
from rag.analysis import stems
from rag.protocols import Embedder
from rag.sentences import sentences
from rag.types import Document, Language, Passage, Span
from rag.words import STOP_WORDS
from tests.support.retrieval import WORKSPACE, MemoryLexicalIndex

SHOWN = 5
"""Passages a prompt of 1,200 tokens holds, about."""
LEAST, MOST = 8, 45
"""Words of a sentence that is used."""
SETS = ("xquad-en", "xquad-de", "clapnq", "chunkeval", "sec10q")
_ASKED = 4
"""Words of a sentence that stand for a question where the set has none."""
_CHARACTERS = 60_000
"""Of each long document: as much as the others together."""


@dataclass(frozen=True)
class Source:
    """A sentence that an answer may be made of, and what stands around it."""

    dataset: str
    language: Language
    held_out: bool
    text: str
    """As a model would write it: white space and tokenised punctuation repaired."""
    following: str
    """The next sentence of the passage, or ""."""
    question: str
    own: Passage
    show: Callable[[str, Passage], tuple[Passage, ...]]
    """The passages shown for a question, with this one among them."""
    names: tuple[str, ...] = ()
    """Names of the passage; in German those that the English original spells alike."""
    human: bool = False
    """Written by a person as an answer to the passage, not taken from it."""

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Shown, best first."""
        return self.show(self.question, self.own)


@dataclass
class _Set:
    """One evaluation set as passages, and its questions by passage."""

    name: str
    language: Language
    passages: list[Passage]
    questions: dict[str, list[str]] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    """Of a translated passage, the original's text."""

    @cached_property
    def index(self) -> MemoryLexicalIndex:
        return MemoryLexicalIndex(self.passages)

    @cached_property
    def by_id(self) -> dict[str, Passage]:
        return {passage.chunk_id: passage for passage in self.passages}

    def shown(self, question: str, own: Passage) -> tuple[Passage, ...]:
        """The passages for a question, with `own` among them."""
        groups = [[stem] for stem in dict.fromkeys(stems(question, self.language)) if stem not in STOP_WORDS]
        found = [self.by_id[item.id] for item in self.index.search(WORKSPACE, groups, limit=SHOWN)]
        return tuple(found if own in found else [*found[: SHOWN - 1], own])


def load(directory: Path, embedder: Embedder, *, only: Sequence[str] = SETS) -> list[Source]:
    """Every usable sentence of the sets in `directory`, in the order of the files, and clapnq's gold answers."""
    found: list[Source] = []
    for name in only:
        if (directory / name).is_dir():
            read = _read(directory, name, embedder)
            found += _taken(read)
            found += _written(directory, read) if name == "clapnq" else []
    return found


def repaired(text: str) -> str:
    """Tokenised text ("the city 's , ( 1990 )") as a person writes it."""
    text = re.sub(r"\s+", " ", text.replace("``", '"').replace("''", '"').replace(" -- ", " – "))
    text = re.sub(r"\s+([,.;:!?)\]%])", r"\1", text)
    text = re.sub(r"([(\[$£€])\s+", r"\1", text)
    text = re.sub(r"\s+(['’](?:s|re|ve|ll|d|m)\b|n't\b)", r"\1", text)
    text = re.sub(r'"\s+([^"]*?)\s+"', r'"\1"', text)
    return re.sub(r"(\w) - (\w)", r"\1-\2", text).strip()


def _read(directory: Path, name: str, embedder: Embedder) -> _Set:
    lines = _lines(directory / name / "corpus.jsonl")
    language = lines[0]["lang"]
    read = _Set(name, language, [])
    for line in lines:
        if "path" in line or len(line["text"]) > _CHARACTERS // 10:
            read.passages += _chunks(directory / name, line, embedder)
        else:
            read.passages.append(_passage(line["id"], line["title"], line["text"], language))
    for line in _lines(directory / name / "questions.jsonl"):
        for evidence in line["evidence"]:
            read.questions.setdefault(evidence.get("passage_id", ""), []).append(line["question"])
    if name == "xquad-de" and (directory / "xquad-en").is_dir():
        read.twins = {"de" + line["id"][2:]: line["text"] for line in _lines(directory / "xquad-en" / "corpus.jsonl")}
    return read


def _chunks(folder: Path, line: dict[str, Any], embedder: Embedder) -> Iterator[Passage]:
    """A long document, cut as the application cuts it."""
    if "path" in line:
        document = assemble(PdfLoader().load(folder / line["path"], title=line["title"]))
    else:
        document = Document(line["text"][:_CHARACTERS], line["title"], line["lang"])
    splitter = StructureSplitter(count_tokens=embedder.count_tokens, window=embedder.window, recipe="")
    for chunk in splitter.split(document):
        if chunk.span.end > _CHARACTERS:
            return
        name = f"{line['id']}#{chunk.ordinal}"
        yield Passage(
            name, line["id"], line["id"], line["title"], chunk.ordinal, chunk.span, chunk.text, line["lang"],
            heading_path=chunk.heading_path, header=chunk.header,
        )  # fmt: skip


def _passage(name: str, title: str, text: str, language: Language) -> Passage:
    return Passage(name, name, name, title, 0, Span(0, len(text)), text, language)


def _taken(read: _Set) -> Iterator[Source]:
    for passage in read.passages:
        texts = [repaired(passage.text[span.start : span.end]) for span in sentences(passage.text, read.language)]
        names = names_of(passage.text, read.twins.get(passage.chunk_id), read.language)
        asked = read.questions.get(passage.chunk_id, [])
        for place, text in enumerate(texts):
            if _usable(text):
                question = asked[place % len(asked)] if asked else _longest(text)
                following = texts[place + 1] if place + 1 < len(texts) else ""
                yield Source(
                    read.name, read.language, _held_out(passage), text, following, question, passage,
                    read.shown, names,
                )  # fmt: skip


def _written(directory: Path, read: _Set) -> Iterator[Source]:
    """clapnq's gold answers: what people wrote from the passage, sentence by sentence."""
    for line in _lines(directory / read.name / "questions.jsonl"):
        if not line["answerable"]:
            continue
        own = read.by_id[line["evidence"][0]["passage_id"]]
        names = names_of(own.text, None, read.language)
        for answer in dict.fromkeys(line["answers"]):
            for span in sentences(answer, read.language):
                text = repaired(answer[span.start : span.end])
                if len(text.split()) > 3:
                    yield Source(
                        read.name, read.language, _held_out(own), text, "", line["question"], own, read.shown, names,
                        human=True,
                    )  # fmt: skip


def _held_out(passage: Passage) -> bool:
    """By the document's title: parts of one article, in either language, stay together."""
    return hashlib.sha256(passage.title.encode()).digest()[0] % 2 == 1


def _usable(text: str) -> bool:
    whole = (
        text[:1].isupper()
        and text.endswith(".")
        and "|" not in text
        and "{" not in text
        and "\\" not in text
        and " @" not in text
    )
    return whole and LEAST <= len(text.split()) <= MOST and text.count('"') % 2 == 0


def _longest(text: str) -> str:
    words = sorted(dict.fromkeys(re.findall(r"[^\W\d_]{4,}", text)), key=len, reverse=True)[:_ASKED]
    return " ".join(words)


def names_of(text: str, twin: str | None, language: Language) -> tuple[str, ...]:
    """Runs of capitalised words that do not open a sentence. German capitals need the English original to agree."""
    text = repaired(text)
    if language == "de" and twin is None:
        return ()
    spelled = frozenset(re.findall(r"[A-ZÄÖÜ][\w'’-]+", twin)) if twin else None
    found = []
    for match in re.finditer(r"(?<=[\w,;(] )(?:[A-ZÄÖÜ][\w'’-]+)(?: [A-ZÄÖÜ][\w'’-]+)*", text):
        words = match.group().removesuffix("'s").split()
        if spelled is not None:
            words = [word for word in words if word in spelled]
        name = " ".join(words)
        if words and name in text and len(name) > 3 and words[0].casefold() not in STOP_WORDS:
            found.append(name)
    return tuple(dict.fromkeys(found))


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
