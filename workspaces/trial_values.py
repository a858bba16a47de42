"""Values of a workspace's test: its questions, its runs, what each question of a run brought, and the figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rag.prompts import Offer
from rag.types import Locator, Span
from workspaces.models import Problem

Origin = Literal["rated", "pasted", "generated"]
"""Taken from an answer with a thumb down, typed, or made from the documents."""

RunState = Literal["running", "done", "cancelled", "interrupted", "failed"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer of a question is expected, as far as that is known."""

    document_id: str
    version_id: str | None = None
    """With `span`: the version whose text it indexes."""
    page: int | None = None
    span: Span | None = None
    title: str = ""
    """Of the document, for display."""
    quote: str = ""
    """The text at `span`, for display."""


@dataclass(frozen=True, slots=True)
class TrialQuestion:
    """One question of a workspace's test, and what is expected of it."""

    id: str
    workspace_id: str
    text: str
    answerable: bool
    """Whether the documents hold an answer; if not, a refusal is right."""
    origin: Origin
    created_at: datetime
    place: Place | None = None
    source_id: str | None = None
    """The document that it was made from, with which it goes."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a person may vary from run to run."""

    answers: bool = False
    """Whether questions are answered too; otherwise passages are only looked up."""
    model_key: str = ""
    """The chat model; "" is the chosen one."""
    offer: Offer = field(default_factory=Offer)


@dataclass(frozen=True, slots=True)
class TrialRun:
    """One time that a test was run: its settings, how far it is, and its figures so far."""

    id: str
    workspace_id: str
    state: RunState
    settings: RunSettings
    index_id: str
    embedder: str
    splitter: str
    """Recipe of the search index that was used."""
    model: str | None
    """Name of the chat model; None without answers, or where answers only quote."""
    started_at: datetime
    done: int
    total: int
    problem: Problem | None = None
    figures: tuple[TrialFigure, ...] = ()

    @property
    def resumable(self) -> bool:
        """Whether questions are left that nobody is asking."""
        return self.state in ("cancelled", "interrupted", "failed") and self.done < self.total


@dataclass(frozen=True, slots=True)
class TrialFigure:
    """One figure of a run. `value` is None where no question of the run says anything about it."""

    key: str
    """As `footnote eval` names it."""
    value: float | None
    count: int = 0
    """Questions (of figures about footnotes: footnotes) that it rests on."""
    low: float | None = None
    high: float | None = None
    """Of a share, its 95 % interval."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage that a question of a run found, or cited."""

    number: int
    document_id: str
    version_id: str
    title: str
    span: Span
    text: str
    page: int | None = None
    page_label: str | None = None
    locator: Locator | None = None
    expected: bool = False
    """It is what was expected, or stands there."""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What one question of a run brought."""

    run_id: str
    question_id: str
    question: str
    answerable: bool
    rank: int | None
    """Of the first expected passage, from 1; None where none was found, or none is expected."""
    judged: bool
    """Whether it is known which passage is expected."""
    refused: bool
    cited: bool | None = None
    """Whether the first footnote stands at the expected place; None where nothing was cited, or none is expected."""
    answer: str = ""
    found: tuple[FoundPassage, ...] = ()
    citations: tuple[FoundPassage, ...] = ()

    def differs(self, other: TrialResult) -> bool:
        """Whether the same question came out otherwise in another run; footnotes count where both have some."""
        footnotes = self.cited is not None and other.cited is not None and self.cited != other.cited
        return footnotes or (self.rank, self.refused) != (other.rank, other.refused)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the questions that both have asked alike."""

    first: TrialRun
    second: TrialRun
    """Both with the figures of these questions only."""
    questions: int
    changed: tuple[tuple[TrialResult, TrialResult], ...]
    """Those with another outcome, without what was found."""


@dataclass(frozen=True, slots=True)
class Making:
    """How far the making of questions is."""

    workspace_id: str
    done: int
    total: int
    running: bool
    problem: Problem | None = None
