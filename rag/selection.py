"""From a ranking to the passages that are shown: who says the same again gives way, and passages that stand beside each
other become one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rag.fusion import Candidate
from rag.matching import Marked, Match
from rag.places import part_of
from rag.sentences import sentences
from rag.types import Passage, Span
from rag.wording import wording

_REPEATED = 0.3
"""What a passage loses for each better one of its document, where several documents are named alike."""
_SAME = 0.95
"""Share of their different words that two passages have in common which say the same; their numbers must be equal."""
_JOINED = 5
"""The first passages, which become one where they stand beside each other. Share of the evidence in the first five on
long English texts (chunkeval), of 3 / 5 / 8 / 10 joined: .921 / .931 / .942 / .947, for 6,000 / 6,800 / 7,900 / 8,500
characters in place of 5,400: it is more to read, too."""
_PARTS = 3
"""Passages in a joined one, at most."""
_EDGE = 50
"""Characters from a passage's edge within which its best sentence calls for what stands beyond."""
_PULLED = 300
_ROWS = 800
"""Characters of a table's rows before and after a passage: rows mean little without their group."""
_NEAR = 0.2
_FEWEST_READ = 2
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Found:
    """One passage with all that is known of how it fits the question."""

    candidate: Candidate
    passage: Passage
    match: Match
    named: float
    """How far the question names its document; see rag/naming.py."""
    score: float
    best: Marked | None
    """The sentence that answers best."""
    similarity: float | None = None
    """Cosine between the question and the nearest of the sentences that were embedded."""


@dataclass(slots=True)
class Chosen:
    """A passage to be shown, with those that are shown as one with it, in the order of the document."""

    found: Found
    words: frozenset[str]
    """Stems of its own text."""
    parts: list[Passage]

    @property
    def span(self) -> Span:
        """From the first part to the last."""
        return Span(self.parts[0].span.start, self.parts[-1].span.end)


def spread(found: Sequence[Found]) -> list[Found]:
    """Where the question names several documents alike, a passage counts less after others of its document: who asks
    for Apple's sales over the quarters wants to see each quarter's filing."""
    most = max((entry.named for entry in found), default=0.0)
    alike = {entry.passage.version_id for entry in found if entry.named == most > 0.0}
    left, ranked = list(found), []
    taken: Counter[str] = Counter()
    while len(alike) > 1 and left:
        best = max(left, key=lambda entry: entry.score - _REPEATED * taken[entry.passage.version_id])
        left.remove(best)
        ranked.append(best)
        taken[best.passage.version_id] += best.passage.version_id in alike
    return ranked + left


def choose(ranked: Sequence[Found], limit: int) -> tuple[list[Chosen], list[Passage]]:
    """The `limit` passages to show, best first, and the others; what is shown with another passage says with which."""
    chosen: list[Chosen] = []
    others: list[Passage] = []
    for rank, entry in enumerate(ranked):
        words = frozenset(wording(entry.passage).body.stems)
        with_it = next((one for one in chosen if _says_the_same(one, entry, words)), None)
        if with_it is None and rank < _JOINED:
            with_it = next((one for one in chosen if _join(one, entry.passage)), None)
        if with_it is not None:
            others.append(replace(scored(entry), shown_with=with_it.found.passage.chunk_id))
        elif len(chosen) < limit:
            chosen.append(Chosen(entry, words, [entry.passage]))
        else:
            others.append(scored(entry))
    return chosen, others


def near(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Those worth reading: the first few, and all whose score comes near the best one's. The others are about something
    else; a model would read them for as long, and speak of them."""
    best = max((passage.score for passage in passages), default=0.0)
    return tuple(one for rank, one in enumerate(passages) if rank < _FEWEST_READ or one.score >= _NEAR * best)


def wanting(chosen: Sequence[Chosen]) -> list[tuple[str, int]]:
    """(version, ordinal) of the passages beside the chosen ones that are asked for; there may be none."""
    return [
        (one.found.passage.version_id, ordinal)
        for one in chosen
        for ordinal, wanted in zip(_beside(one), _edges(one), strict=True)
        if wanted
    ]


def pull(chosen: Chosen, beside: dict[tuple[str, int], Passage]) -> None:
    """Put the sentences, or rows, right beside a chosen passage to its parts. `beside`: what `wanting` asked for."""
    version = chosen.found.passage.version_id
    for after, ordinal in zip((False, True), _beside(chosen), strict=True):
        neighbour = beside.get((version, ordinal))
        if neighbour is None or not _belongs(chosen.parts[-1 if after else 0], neighbour):
            continue
        span = _nearest(neighbour, after=after)
        if span is not None:
            piece = part_of(neighbour, span)
            chosen.parts = [*chosen.parts, piece] if after else [piece, *chosen.parts]


def scored(entry: Found) -> Passage:
    """A passage with what was found out about it; its page is still that of its beginning."""
    return replace(
        entry.passage,
        score=entry.score,
        lexical_score=entry.candidate.lexical,
        dense_score=entry.candidate.dense,
        best_sentence=entry.best.span if entry.best else None,
    )


def _says_the_same(one: Chosen, other: Found, words: Collection[str]) -> bool:
    """Word for word, or nearly; not where the question names either document, for then each is asked for."""
    if not _SAME * len(one.words) <= len(words) <= len(one.words) / _SAME or one.found.named or other.named:
        return False
    if len(one.words.intersection(words)) < _SAME * len(one.words.union(words)):
        return False
    return _NUMBER.findall(one.found.passage.text) == _NUMBER.findall(other.passage.text)


def _join(chosen: Chosen, passage: Passage) -> bool:
    """Make it a part where it stands right beside them on the same page and under the same headings."""
    if len(chosen.parts) == _PARTS:
        return False
    before, after = chosen.parts[0], chosen.parts[-1]
    if passage.ordinal == after.ordinal + 1 and _belongs(after, passage) and passage.page == after.page:
        chosen.parts.append(passage)
    elif passage.ordinal == before.ordinal - 1 and _belongs(before, passage) and passage.page == before.page:
        chosen.parts.insert(0, passage)
    else:
        return False
    return True


def _belongs(passage: Passage, neighbour: Passage) -> bool:
    same = passage.version_id == neighbour.version_id and passage.heading_path == neighbour.heading_path
    return same and (passage.header == neighbour.header or not (passage.header and neighbour.header))


def _beside(chosen: Chosen) -> tuple[int, int]:
    """Ordinals of what stands before and after."""
    return chosen.parts[0].ordinal - 1, chosen.parts[-1].ordinal + 1


def _edges(chosen: Chosen) -> tuple[bool, bool]:
    """Whether what stands before is wanted, and what stands after."""
    best = chosen.found.best
    if chosen.found.passage.header:
        return True, True
    if best is None or len(chosen.parts) == _PARTS:
        return False, False
    return best.span.start - chosen.span.start < _EDGE, chosen.span.end - best.span.end < _EDGE


def _nearest(neighbour: Passage, *, after: bool) -> Span | None:
    """The whole sentences or rows of a neighbour that stand nearest; None where the first is too long."""
    start = neighbour.span.start
    room = _ROWS if neighbour.header else _PULLED
    spans = sentences(neighbour.text, neighbour.language)
    begin = end = None
    for span in spans if after else reversed(spans):
        if (span.end if after else len(neighbour.text) - span.start) > room:
            break
        begin, end = (span.start, end or span.end) if not after else (spans[0].start, span.end)
    return Span(start + begin, start + end) if begin is not None and end is not None else None
