"""The second gate: a model that has read the sources tells whether they hold the answer.

Retrieval alone cannot tell a passage that answers from one about the same things (rag/gate.py). A small model that is
told to refuse does so at random, but how much rather it would begin with "yes" than with "no" tells something. The
request shares all but its last line with the one for the answer, so the sources are read once.

What a leaning means is measured for one model in two languages, on questions with their answer in the collection and
questions with a near miss there (docs/decisions.md); other models and languages are not asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rag.languages import detect
from rag.prompts import Prompt, inert
from rag.types import Language, Message
from rag.weights.catalogue import QWEN_CODER

ASK = "Question: {question}\nDo the sources say the answer to this question? Reply with yes or no."
ASK_IN_GERMAN = "Frage: {question}\nSagen die Quellen die Antwort auf diese Frage? Antworte mit ja oder nein."

HELD = 0.45
"""Below it is refused."""

DOUBTFUL = 0.25
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
    (_QWEN, "en"): Reader(evidence=0.45, leaning=2.08, bias=-1.93),
    (_QWEN, "de"): Reader(evidence=0.26, leaning=1.05, bias=-3.25, ask=ASK_IN_GERMAN, yes="ja", no="ne", doubtful=0.05),
}


def reader_for(identity: str, question: str) -> Reader | None:
    """How the leaning of a model with these weights (`ChatModel.identity`) is to be read for a question; None where
    nobody has measured it."""
    return _READERS.get((identity, detect(question)))


def asking(reader: Reader, prompt: Prompt, question: str) -> tuple[Message, ...]:
    """The messages of a prompt, with what is asked here in the place of its question."""
    *parts, last = prompt.parts
    asked = replace(last, text=reader.ask.format(question=inert(question)))
    return replace(prompt, parts=(*parts, asked)).messages


def held(reader: Reader, *, evidence: float, first_words: Mapping[str, float]) -> float:
    """Estimated probability (0 to 1) that the sources hold the answer.

    Args:
        evidence: of retrieval, 0 to 1.
        first_words: how the model would reply, as in `rag.protocols.FirstWords`.
    """
    yes, no = (math.log(first_words.get(word, 0.0) + _NEVER) for word in (reader.yes, reader.no))
    sure = min(max(evidence, _NEVER), 1 - _NEVER)
    logit = reader.bias + reader.evidence * math.log(sure / (1 - sure)) + reader.leaning * (yes - no)
    return 1 / (1 + math.exp(-logit))
