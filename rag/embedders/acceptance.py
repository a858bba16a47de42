"""The examination an export must pass: its vectors against the original's, on texts written for it.

`acceptance.jsonl` holds 48 topics, each with an English and a German passage and two questions on either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.protocols import Embedder
from rag.types import Language, Matrix

LEAST_MEAN_COSINE = 0.99
LEAST_COSINE = 0.97
MOST_MRR_LOSS = 0.003
LANGUAGES: tuple[Language, ...] = ("en", "de")
_QUESTIONS = 2  # on each passage
_CALIBRATION_TOPICS = 12
_ONE_SIDED_95 = 1.645  # standard errors
_LONG = 4  # passages joined to one long text, near the window of a small model


@dataclass(frozen=True, slots=True)
class Examination:
    """Its texts. `calibration` shares none with `texts`. Passages alternate between LANGUAGES; questions 2i and 2i + 1
    ask for passage i."""

    calibration: tuple[str, ...]
    texts: tuple[str, ...]
    passages: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vectors:
    """One embedder's vectors for `texts`, `passages` and `questions`."""

    texts: Matrix
    passages: Matrix
    questions: Matrix


@dataclass(frozen=True, slots=True)
class Figures:
    """Cosine to the original over all texts; MRR@10 of questions among the passages of their language; and the loss of
    MRR that is certain: the lower end of its 95 % interval. Near ties flip both ways under any rounding, and with a few
    hundred questions a single flip costs more than the limit."""

    texts: int
    mean_cosine: float
    least_cosine: float
    mrr: float
    mrr_original: float
    certain_loss: float

    @property
    def accepted(self) -> bool:
        """Whether the export may stand in for the original."""
        return (
            self.mean_cosine >= LEAST_MEAN_COSINE
            and self.least_cosine >= LEAST_COSINE
            and self.certain_loss <= MOST_MRR_LOSS
        )

    def as_mapping(self) -> Mapping[str, float]:
        """For the embedder's card."""
        return {name: round(float(value), 5) for name, value in asdict(self).items()}


@lru_cache(maxsize=1)
def examination() -> Examination:
    """The texts of `acceptance.jsonl`."""
    lines = Path(__file__).with_name("acceptance.jsonl").read_text(encoding="utf-8").splitlines()
    topics = [json.loads(line) for line in lines]
    passages = [topic[language] for topic in topics for language in LANGUAGES]
    questions = [question for topic in topics for language in LANGUAGES for question in topic[f"questions_{language}"]]
    cut = _CALIBRATION_TOPICS * len(LANGUAGES)
    asked = cut * _QUESTIONS
    return Examination(
        calibration=(*passages[:cut], *_joined(passages[:cut]), *questions[:asked]),
        texts=(*passages[cut:], *_joined(passages[cut:]), *questions[asked:]),
        passages=tuple(passages),
        questions=tuple(questions),
    )


def _joined(passages: Sequence[str]) -> list[str]:
    """Long texts of several passages in one language each; every passage is in two of them."""
    by_language = [passages[offset :: len(LANGUAGES)] for offset in range(len(LANGUAGES))]
    return [
        " ".join(texts[start : start + _LONG]) for texts in by_language for start in range(0, len(texts), _LONG // 2)
    ]


def embed_examination(embedder: Embedder) -> Vectors:
    """What `embedder` makes of the examination. Texts past its window are cut to words that fit."""
    paper = examination()
    fitting = [_fit(text, embedder) for text in paper.texts]
    return Vectors(
        texts=embedder.embed_documents(fitting),
        passages=embedder.embed_documents([_fit(text, embedder) for text in paper.passages]),
        questions=np.stack([embedder.embed_query(question) for question in paper.questions]),
    )


def compare(original: Vectors, export: Vectors) -> Figures:
    """The figures of an export."""
    cosines = np.sum(original.texts * export.texts, axis=1)
    ranks, ranks_original = reciprocal_ranks(export), reciprocal_ranks(original)
    losses = ranks_original - ranks
    error = float(losses.std(ddof=1)) / len(losses) ** 0.5
    return Figures(
        texts=len(cosines),
        mean_cosine=float(cosines.mean()),
        least_cosine=float(cosines.min()),
        mrr=float(ranks.mean()),
        mrr_original=float(ranks_original.mean()),
        certain_loss=float(losses.mean()) - _ONE_SIDED_95 * error,
    )


def reciprocal_ranks(vectors: Vectors, *, depth: int = 10) -> npt.NDArray[np.float64]:
    """1 / rank of each question's passage among the passages in its language, 0 past `depth`; shape (questions,)."""
    scores = vectors.questions @ vectors.passages.T
    result = np.zeros(len(scores))
    for question, row in enumerate(scores):
        answer = question // _QUESTIONS
        rivals = row[answer % len(LANGUAGES) :: len(LANGUAGES)]
        rank = int(np.sum(rivals > row[answer])) + 1
        result[question] = 1 / rank if rank <= depth else 0.0
    return result


def _fit(text: str, embedder: Embedder) -> str:
    while embedder.count_tokens(text) > embedder.window:
        text = text.rsplit(" ", maxsplit=8)[0]
    return text
