"""The receipt of an answer: what was searched and read, what became of each passage, what the model was sent, and what
it reported. It is put together from what retrieval, prompt and model know anyway.

A model that reports fewer tokens than its prompt must have cannot have read all of it: a server cut the prompt, and
answered all the same. That is the receipt's alarm, whatever model it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.chat_models.tokens import lower_bound
from rag.gate import THRESHOLD
from rag.prompts import Part, Prompt, messages_of
from rag.protocols import ChatModel
from rag.reader import denies
from rag.selection import near
from rag.types import Finished, Locator, Message, Parameter, Passage, Retrieval, Span, Timings

CANDIDATES = 40
"""Most that a receipt lists beyond those that were shown; what it takes to keep one has a limit."""

Fate = Literal["source", "shortened", "part", "unread", "no_room", "far", "evidence", "below", "shown_with"]
"""What became of a passage: in the prompt whole, or what stands around its best sentence; evidence for which the prompt
had no room, that came too far behind the best, or for which no model was asked; below the passages that are shown;
shown with another one, which holds it or says the same. Of an answer that took several requests: read with an earlier
one, or with none."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A passage that was read for a question: where it stands, its scores, and what became of it."""

    rank: int
    chunk_id: str
    document_id: str
    version_id: str
    title: str
    span: Span
    fate: Fate
    source: int | None = None
    """Its number in the prompt."""
    read: Span | None = None
    """What of it stood in the prompt."""
    page: int | None = None
    page_label: str | None = None
    locator: Locator | None = None
    lexical: float | None = None
    dense: float | None = None
    score: float = 0.0
    shown_with: str = ""
    """Chunk id of the other one."""
    deleted: bool = False
    """Its document was deleted since: neither its text nor its scores are kept."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a model was sent, and what it reported. Text of documents that were deleted since is blank in `parts`."""

    model: str
    identity: str
    """Digest of the weights; "" where it is not known."""
    parameters: Mapping[str, Parameter]
    window: int
    reserve: int
    """Tokens kept free for the answer."""
    room: int
    """Tokens that the sources could take."""
    parts: tuple[Part, ...]
    left_out: str
    counted: int
    """Tokens of the whole prompt as counted here: exact, or an upper bound."""
    at_least: int
    """Fewer tokens than this the prompt cannot have."""
    reported: int | None
    """Tokens of the whole prompt as the model reported them; None where it did not."""
    output: int | None
    fingerprint: str
    """Of the messages as they were sent."""
    in_time: int | None = None
    """Tokens that the model was expected to read before the first word was due; None where nobody asked."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """As they were sent, where nothing was deleted since."""
        return messages_of(self.parts)

    @property
    def whole(self) -> bool:
        """Whether `messages` are, to the letter, what was sent."""
        return fingerprint(self.messages) == self.fingerprint

    @property
    def cut(self) -> bool:
        """Whether the model cannot have read all that it was sent."""
        return self.reported is not None and self.reported < self.at_least


@dataclass(frozen=True, slots=True)
class Reading:
    """A request before the last one, by which the model took notes of a part. It holds no text of the documents."""

    about: str
    """Of a comparison, the side that the part is about."""
    read: Mapping[str, Span]
    """Chunk id → what of the passage stood in the prompt."""
    counted: int
    at_least: int
    reported: int | None
    output: int | None
    fingerprint: str
    """The figures as in `Sent`."""
    kept: int
    """Sentences of the notes that the part says."""
    dropped: int
    """Those that it does not say."""

    @property
    def cut(self) -> bool:
        """Whether the model cannot have read all that it was sent."""
        return self.reported is not None and self.reported < self.at_least


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that stood behind one answer."""

    asked: str
    searched: str
    """What retrieval was asked: the question, or a follow-up with the topic it leans on."""
    candidates: tuple[Considered, ...]
    more: int
    """Candidates that were read and are not listed."""
    evidence: float
    threshold: float
    """Evidence below it is refused."""
    sufficient: bool
    sent: Sent | None
    """None: no model was asked."""
    timings: Timings
    removed: tuple[str, ...] = ()
    """Sentences of the model that were left out of the answer."""
    respelled: tuple[tuple[str, str], ...] = ()
    """As in `Retrieval`."""
    limited_to: tuple[str, ...] = ()
    """Where was looked, in words; empty where that was all of the workspace."""
    readings: tuple[Reading, ...] = ()
    """The requests before the one that is told in `sent`, in their order."""
    held: float | None = None
    """How likely one of the first sources holds the answer, after the model has read them one by one; None where it was
    not asked. Where that is a refusal, `sent` tells of these alone."""

    @property
    def warning(self) -> str | None:
        """Why the answer cannot be relied on and what to do, where the prompt was cut."""
        cut = next((one for one in (*self.readings, self.sent) if one is not None and one.cut), None)
        if self.sent is None or cut is None:
            return None
        return (
            f"{self.sent.model} read only {cut.reported:,} of at least {cut.at_least:,} tokens of the "
            "question and its sources. Do not rely on this answer. Lower FOOTNOTE_NUM_CTX to what the model can hold, "
            "update the program that runs it, or choose another model; then ask again."
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt on its way to a model, and the settings that go with it: noted when it is sent, for a server that fails
    is not asked what they were."""

    prompt: Prompt
    model: ChatModel
    window: int
    parameters: Mapping[str, Parameter]


def receipt_of(
    asked: str,
    retrieval: Retrieval,
    *,
    timings: Timings,
    request: Request | None = None,
    finished: Finished | None = None,
    readings: Sequence[Reading] = (),
    held: float | None = None,
) -> Receipt:
    """The receipt of an answer that has ended.

    Args:
        asked: the question as it was typed.
        retrieval: what it brought up; its question is the one that was searched.
        timings: of the answer.
        request: what was sent, if a model was asked.
        finished: the model's last word, if there was one.
        readings: the requests before that one.
        held: as in `Receipt`.
    """
    included = request.prompt.passages if request else None
    candidates = tuple(_considered(retrieval, included, readings, denied=denies(held)))
    listed = max(CANDIDATES, len(retrieval.passages))
    return Receipt(
        asked=asked,
        searched=retrieval.question,
        candidates=candidates[:listed],
        more=max(0, len(candidates) - listed),
        evidence=retrieval.evidence,
        threshold=THRESHOLD,
        sufficient=retrieval.sufficient,
        sent=_sent(request, finished) if request is not None else None,
        timings=timings,
        respelled=retrieval.respelled,
        readings=tuple(readings),
        held=held,
    )


def reading_of(request: Request, finished: Finished | None, *, about: str, kept: int, dropped: int) -> Reading:
    """What is kept of a request after which another one followed."""
    messages = request.prompt.messages
    return Reading(
        about=about,
        read={passage.chunk_id: passage.span for passage in request.prompt.passages},
        counted=request.prompt.tokens,
        at_least=sum(lower_bound(message.content) for message in messages),
        reported=finished.prompt_tokens if finished is not None else None,
        output=finished.output_tokens if finished is not None else None,
        fingerprint=fingerprint(messages),
        kept=kept,
        dropped=dropped,
    )


def fingerprint(messages: tuple[Message, ...]) -> str:
    """SHA-256 over roles and contents."""
    told = "".join(f"{message.role}\0{message.content}\0" for message in messages)
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()


def _considered(
    retrieval: Retrieval, included: Sequence[Passage] | None, readings: Sequence[Reading], *, denied: bool
) -> Iterator[Considered]:
    """`included` are those in the last prompt, as far as they are in it; None where there was none. `denied`: the model
    was asked whether they hold the answer, and nothing else."""
    unread: Fate = "unread" if readings else "evidence" if included is None or denied else "no_room"
    sources = {passage.chunk_id: (number, passage.span) for number, passage in enumerate(included or (), 1)}
    noted = {chunk_id: span for reading in readings for chunk_id, span in reading.read.items()}
    worth = near(retrieval.passages)
    for rank, passage in enumerate(retrieval.passages, 1):
        if passage.chunk_id in sources:
            number, read = sources[passage.chunk_id]
            fate: Fate = "source" if read == passage.span else "shortened"
            yield _entry(rank, passage, fate, source=number, read=read)
        elif passage.chunk_id in noted:
            yield _entry(rank, passage, "part", read=noted[passage.chunk_id])
        else:
            yield _entry(rank, passage, "far" if unread == "no_room" and passage not in worth else unread)
    for rank, passage in enumerate(retrieval.others, len(retrieval.passages) + 1):
        yield _entry(rank, passage, "shown_with" if passage.shown_with else "below")


def _entry(
    rank: int, passage: Passage, fate: Fate, *, source: int | None = None, read: Span | None = None
) -> Considered:
    return Considered(
        rank=rank,
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        version_id=passage.version_id,
        title=passage.title,
        span=passage.span,
        fate=fate,
        source=source,
        read=read,
        page=passage.page,
        page_label=passage.page_label,
        locator=passage.locator,
        lexical=passage.lexical_score,
        dense=passage.dense_score,
        score=passage.score,
        shown_with=passage.shown_with,
    )


def _sent(request: Request, finished: Finished | None) -> Sent:
    prompt, model = request.prompt, request.model
    messages = prompt.messages
    return Sent(
        model=model.name,
        identity=model.identity() if finished is not None else "",  # a server that failed is not asked once more
        parameters=request.parameters,
        window=request.window,
        reserve=prompt.max_tokens,
        room=prompt.room,
        parts=prompt.parts,
        left_out=prompt.left_out or "",
        counted=prompt.tokens,
        at_least=sum(lower_bound(message.content) for message in messages),
        reported=finished.prompt_tokens if finished is not None else None,
        output=finished.output_tokens if finished is not None else None,
        fingerprint=fingerprint(messages),
        in_time=prompt.in_time,
    )
