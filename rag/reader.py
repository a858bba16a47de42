"""The second gate: a model that has read a source tells whether it holds the answer.

Retrieval alone cannot tell a passage that answers from one about the same things (rag/gate.py). A small model that is
told to refuse does so at random, but how much rather it would begin with "yes" than with "no" tells something, and most
where it has one passage before it: so the first is put to it alone, and where that is not enough the second. The
request for the first begins like the one for the answer, so that it is read once.

What a leaning means is measured for one model in two languages, on questions with their answer in the collection and
questions with a near miss there (docs/decisions.md); other models and languages are not asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from rag.languages import detect
from rag.prompts import Prompt, inert, source_block
from rag.protocols import FirstWords
from rag.types import Language
from rag.weights.catalogue import QWEN_CODER

ASK = "Question: {question}\nDoes the source say the answer to this question? Reply with yes or no."
ASK_IN_GERMAN = "Frage: {question}\nSagt die Quelle die Antwort auf diese Frage? Antworte mit ja oder nein."

HELD = 0.28
"""Below it is refused. Leans towards answering, as rag.gate.THRESHOLD does."""

READ = 2
"""Sources that are put to the model, at the most."""

DOUBTFUL = 0.15
"""Evidence of retrieval from which such a model is asked; for others it is rag.gate.THRESHOLD."""

_NEVER = 1e-6


@dataclass(frozen=True, slots=True)
class Reader:
    """A logistic formula over the evidence of retrieval, as log odds, and the model's leaning."""

    evidence: float
    leaning: float
    bias: float
    ask: str = ASK
    yes: str = "yes"
    no: str = "no"
    """How the words begin, in the tokens of the model."""
    doubtful: float = DOUBTFUL


_QWEN = f"sha256:{QWEN_CODER.files[0].sha256}"
_READERS: Mapping[tuple[str, Language], Reader] = {
    (_QWEN, "en"): Reader(evidence=0.58, leaning=1.61, bias=-2.19),
    (_QWEN, "de"): Reader(evidence=0.49, leaning=1.15, bias=-3.2, ask=ASK_IN_GERMAN, yes="ja", no="ne", doubtful=0.05),
}


def reader_for(identity: str, question: str) -> Reader | None:
    """How the leaning of a model with these weights (`ChatModel.identity`) is to be read for a question; None where
    nobody has measured it."""
    return _READERS.get((identity, detect(question)))


def held(
    reader: Reader, prompt: Prompt, question: str, *, evidence: float, model: FirstWords, stop: Callable[[], bool]
) -> float | None:
    """Estimated probability (0 to 1) that one of the prompt's first sources holds the answer; None where the model was
    stopped before it told.

    Args:
        reader: of this model.
        prompt: of the answer.
        question: what is asked.
        evidence: of retrieval, 0 to 1.
        model: what reads them; raises as `ChatModel.stream`.
        stop: polled while it reads.
    """
    most = None
    for place in range(min(READ, len(prompt.passages))):
        messages = asking(reader, prompt, question, range(place, place + 1)).messages
        first_words = model.first_words(messages, stop=stop)
        if not first_words:
            return None
        most = max(most or 0.0, probability(reader, evidence=evidence, first_words=first_words))
        if most >= HELD:
            break
    return most


def denies(held: float | None) -> bool:
    """Whether a model that was asked (`held` of it) says so little for the sources that the question is refused."""
    return held is not None and held < HELD


def asking(reader: Reader, prompt: Prompt, question: str, places: Iterable[int] = range(READ)) -> Prompt:
    """The prompt with some of its sources (from 0, as far as there are so many), and with what is asked here in the
    place of the question."""
    around = [part for part in prompt.parts if part.kind != "source"]
    sources = [part for part in prompt.parts if part.kind == "source"]
    chosen = [(sources[place], prompt.passages[place]) for place in places if place < len(sources)]
    read = [
        replace(part, text=source_block(number, passage), number=number)
        for number, (part, passage) in enumerate(chosen, 1)
    ]
    asked = replace(around[-1], text=reader.ask.format(question=inert(question)))
    return replace(
        prompt, parts=(*around[:-1], *read, asked), passages=tuple(passage for _, passage in chosen), left_out=None
    )


def probability(reader: Reader, *, evidence: float, first_words: Mapping[str, float]) -> float:
    """What a leaning says: `first_words` as in `rag.protocols.FirstWords`."""
    yes, no = (math.log(first_words.get(word, 0.0) + _NEVER) for word in (reader.yes, reader.no))
    sure = min(max(evidence, _NEVER), 1 - _NEVER)
    logit = reader.bias + reader.evidence * math.log(sure / (1 - sure)) + reader.leaning * (yes - no)
    return 1 / (1 + math.exp(-logit))
