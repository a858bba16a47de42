"""A follow-up for which the rules (rag/followups.py) find nothing is made complete by the model.

"When did he receive the prize?" leans on a name that only the answer before has. A small model puts names in well and
invents freely, so nothing is searched that was not said in the conversation, and the person sees what was searched.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from rag.alignment import content_stems
from rag.analysis import words
from rag.errors import ModelError
from rag.followups import leans, standalone
from rag.instructions import instructions
from rag.languages import detect
from rag.prompts import Budget, build_messages
from rag.protocols import ChatModel, Retriever
from rag.types import Exchange, Finished, Language, Retrieval
from rag.words import ASKING_WORDS

SECONDS = 5.0
"""The longest that the model may take; reading the conversation is not lost, its answer's prompt begins alike."""

_TOKENS = 60
"""Of one question."""

_NAME = re.compile(r"(?<=\S\s)[\"“„‘'(]*((?:[A-ZÄÖÜ]|\d)[^\s,;?]*)")
"""A word in capitals or with a figure that does not begin the line; in German any noun."""


def retrieve_follow_up(
    retriever: Retriever,
    workspace_id: str,
    question: str,
    history: Sequence[Exchange],
    *,
    limit: int,
    model: ChatModel | None,
    stop: Callable[[], bool],
) -> Retrieval:
    """Search with the topic in front where the rules tell that a question leans on it; where that brings too little
    evidence, search once more with what the model makes of it, and keep what brought more.

    Raises:
        EmbedderError, StorageError: retrieval itself failed.
    """
    found = retriever.retrieve(workspace_id, standalone(question, history), limit=limit)
    if found.sufficient or model is None or not history or not leans(question):
        return found
    complete = rephrased(question, history, model=model, stop=stop)
    again = retriever.retrieve(workspace_id, complete, limit=limit) if complete else found
    return again if again.evidence > found.evidence else found


def rephrased(
    question: str, history: Sequence[Exchange], *, model: ChatModel, stop: Callable[[], bool], seconds: float = SECONDS
) -> str | None:
    """The question as it would be asked without the conversation, in the model's words; None where they are late, empty
    or not those of the conversation, and where the model fails: then the rules' question stands."""
    until = time.monotonic() + seconds
    late = lambda: stop() or time.monotonic() > until  # noqa: E731
    language = detect(question)
    written, finished = "", None
    try:
        prompt = build_messages(
            question,
            passages=(),
            history=history,
            count_tokens=model.count_tokens,
            budget=Budget(model.context_window, answer=_TOKENS, sources=0),
            ask=instructions(language).complete,
            language=language,
        )
        for event in model.stream(prompt.messages, max_tokens=prompt.max_tokens, stop=late):
            if isinstance(event, Finished):
                finished = event
            else:
                written += event.text
    except ModelError:
        return None
    if finished is None or finished.reason != "stop":
        return None
    line = next(iter(written.strip().splitlines()), "").strip(" \"'“”„*")
    return line if line != question and _said(line, question, history, language) else None


def _said(line: str, question: str, history: Sequence[Exchange], language: Language) -> bool:
    """Whether a line asks what the question asks, with something of the conversation in it, and no name or figure that
    was not said."""
    asked, complete = content_stems(question, language), content_stems(line, language)
    earlier = frozenset().union(
        *(content_stems(text, language) for turn in history for text in (turn.question, turn.answer))
    )
    names = content_stems(" ".join(_NAME.findall(line)), language)
    asks = ASKING_WORDS.intersection(words(question)) <= ASKING_WORDS.intersection(words(line))
    kept = 2 * len(asked & complete) >= len(asked)
    return asks and kept and names <= asked | earlier and not (complete - asked).isdisjoint(earlier)
