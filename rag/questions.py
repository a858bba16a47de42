"""A question as retrieval reads it: its words with their stems in every language of the workspace and their rarity."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rag.analysis import spellings, stem, words
from rag.languages import detect
from rag.protocols import LexicalIndex
from rag.spelling import allowance, can_be_misspelled, meant
from rag.types import Language
from rag.wording import BEFORE_WORD
from rag.words import STOP_WORDS


def word_set(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(word for line in lines for word in line.split())


INSTRUCTIONS = word_set(
    "summarise summarize summary explain describe tell overview please",
    "zusammenfassen fasse fass zusammen zusammenfassung erkläre erklären beschreibe beschreiben überblick bitte",
)
"""What a person wants done, not what it is about."""
DOCUMENT_WORDS = word_set(
    "document documents file files text texts content contents pdf page topic topics key main point points paper",
    "article",
    "dokument dokumente dokuments dokumenten datei dateien text texte texten inhalt inhalte seite thema themen geht",
    "handelt worum wovon wichtigste wichtigsten punkte kernaussagen",
)

_QUOTED = re.compile(r"[\"„“»«‹›]([^\"„“”»«‹›]{2,200})[\"“”«»‹›]")

Group = frozenset[str]
"""The stems of one word in every language of the workspace; any of them is a match."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of the question."""

    word: str
    group: Group
    rarity: float
    """Inverse document frequency in the workspace."""
    content: bool
    """Whether it carries meaning; function words do not."""
    known: bool
    """Whether any chunk of the workspace holds it, or what is meant by it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read for one workspace."""

    text: str
    language: Language
    terms: tuple[Term, ...]
    """In order, repeated words included; a word of several parts stands as its parts."""
    groups: tuple[Group, ...]
    """What the lexical index is asked for: every different word once, words of several parts also whole."""
    quoted: tuple[str, ...] = ()
    """What stands in quotation marks: it is wanted word for word."""
    meant: tuple[tuple[str, str], ...] = ()
    """Words that no document holds, each with the stem that is looked for in its place (rag/spelling.py)."""

    @property
    def about_documents(self) -> bool:
        """Whether it asks for the documents as such ("What is this about?") and names nothing in them."""
        named = {term.word for term in self.terms} - STOP_WORDS
        return bool(named) and named <= DOCUMENT_WORDS | INSTRUCTIONS

    def across(self, languages: Collection[Language]) -> bool:
        """Whether it is in a language that none of the documents has."""
        return self.language != "" and bool(languages) and self.language not in languages

    @property
    def weights(self) -> dict[Group, float]:
        """Rarity of each different content word."""
        return {term.group: term.rarity for term in self.terms if term.content}


def read_question(text: str, *, index_id: str, languages: Collection[Language], lexical: LexicalIndex) -> Question:
    """Split, stem and weigh a question. One without any content word is read as if each word were one."""
    language = detect(text)
    spoken = sorted(languages) or [language]
    found = list(_grouped(text, spoken))
    foreign = language not in spoken and language != ""
    if foreign and any(word not in STOP_WORDS for word, _, _ in found):
        # Function words of another language are rare here, and would weigh most.
        found = [entry for entry in found if entry[0] not in STOP_WORDS]
    groups = tuple(dict.fromkeys(group for _, group, _ in found))
    total, frequencies = lexical.document_frequencies(index_id, groups) if groups else (0, [])
    frequency = dict(zip(groups, frequencies, strict=True))
    slips = [(word, group) for word, group, _ in found if not frequency[group] and _carries_meaning(word)]
    taken = {} if foreign else dict(_meant(slips, index_id=index_id, lexical=lexical))
    if taken:
        found = [(word, frozenset({taken[word]}) if word in taken else group, whole) for word, group, whole in found]
        groups = tuple(dict.fromkeys(group for _, group, _ in found))
        frequency = dict(zip(groups, lexical.document_frequencies(index_id, groups)[1], strict=True))
    single = [(word, group) for word, group, whole in found if not whole]
    meaningful = any(_carries_meaning(word) for word, _ in single)
    terms = tuple(
        Term(
            word=taken.get(word, word),
            group=group,
            rarity=_rarity(total, frequency[group]),
            content=not meaningful or _carries_meaning(word),
            known=frequency[group] > 0,
        )
        for word, group in single
    )
    quoted = tuple(filter(None, (BEFORE_WORD.join(("", *words(part))) for part in _QUOTED.findall(text))))
    return Question(text, language, terms, groups, quoted, tuple(taken.items()))


def _meant(slips: Sequence[tuple[str, Group]], *, index_id: str, lexical: LexicalIndex) -> Iterator[tuple[str, str]]:
    """(word, stem that is meant by it) of those that are near to one that there is."""
    for word, group in slips:
        if not can_be_misspelled(word):
            continue
        for one in sorted(group):
            known = lexical.similar(index_id, one, letters=allowance(word) + 1)
            if (found := meant(one, known, allowed=allowance(word))) is not None:
                yield word, found
                break


def _carries_meaning(word: str) -> bool:
    return word not in STOP_WORDS and word not in INSTRUCTIONS


def _grouped(text: str, languages: Collection[Language]) -> Iterator[tuple[str, Group, bool]]:
    """(word, its group, whether it is the whole of several parts that follow)."""
    for spelled in spellings(text):
        for position, word in enumerate(spelled):
            group = frozenset(stem(word, language) for language in languages)
            yield word, group, len(spelled) > 1 and position == 0


def _rarity(total: int, frequency: int) -> float:
    """Inverse document frequency as in BM25 (Robertson and Zaragoza 2009), never negative."""
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
