"""The answer without a model: sentences of the documents themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rag.citations import quote_at
from rag.protocols import Embedder
from rag.running import Run
from rag.sentences import sentences
from rag.types import Answer, Answered, AnswerEvent, Citation, Passage, Sentence, SentenceChecked, Span, Token, Vector

_FEWEST_WORDS = 6
"""Of a sentence that says something by itself."""


def quoted(citations: Sequence[Citation], run: Run, *, left_out: str | None = None) -> Iterator[AnswerEvent]:
    """Each quote as a paragraph with its footnote. `left_out` as in Answer."""
    text = ""
    written: list[Sentence] = []
    for citation in citations:
        piece = ("\n\n" if text else "") + " ".join(citation.quote.split())
        start = len(text) + (2 if text else 0)
        text += piece
        written.append(Sentence(text[start:], Span(start, len(text)), "supported", (citation.number,)))
        yield Token(piece)
        yield SentenceChecked(written[-1], (citation,))
    timings = run.timings()
    yield Answered(Answer(text, tuple(written), tuple(citations), model=None, timings=timings, left_out=left_out))


def central(passages: Sequence[Passage], embedder: Embedder) -> list[Passage]:
    """The passages with the sentence marked that is nearest to the mean of all sentences of its document; those without
    a whole sentence are left out. A passage's score is how near that is."""
    told = [(passage, span) for passage in passages for span in _whole_sentences(passage)]
    vectors = [_vector(quote_at(passage, span), embedder) for passage, span in told]
    best: dict[str, Passage] = {}
    for version in dict.fromkeys(passage.version_id for passage in passages):
        mine = [place for place, (passage, _) in enumerate(told) if passage.version_id == version]
        if not mine:
            continue
        middle = np.mean([vectors[place] for place in mine], axis=0)
        for place in mine:
            passage, span = told[place]
            score = float(vectors[place] @ middle)
            if passage.chunk_id not in best or score > best[passage.chunk_id].score:
                best[passage.chunk_id] = replace(passage, best_sentence=span, score=score)
    return [best[one.chunk_id] for one in passages if one.chunk_id in best]


def _whole_sentences(passage: Passage) -> list[Span]:
    """In code points of the document; headings, rows and scraps say nothing by themselves."""
    start = passage.span.start
    return [
        Span(span.start + start, span.end + start)
        for span in sentences(passage.text, passage.language)
        if len(passage.text[span.start : span.end].split()) >= _FEWEST_WORDS
        and passage.text[span.start : span.end].rstrip("\"'”“)").endswith((".", "!", "?", "。"))
    ]


def _vector(text: str, embedder: Embedder) -> Vector:
    """A sentence's; one that passes the window is shortened."""
    if embedder.count_tokens(text) > embedder.window:
        return embedder.embed_query(text)
    row: Vector = embedder.embed_documents([text])[0]
    return row
