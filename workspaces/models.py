"""Values of the application: what use cases take and return. Rows become these; nothing above sees a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rag.types import Answer, Citation, Locator, Passage, Report

SourceKind = Literal["file", "url"]
State = Literal["received", "stored", "parsed", "chunked", "embedded", "indexed", "ready", "failed", "superseded"]
TurnState = Literal["running", "answered", "refused", "interrupted"]

FINAL_STATES: frozenset[str] = frozenset({"ready", "failed", "superseded"})


@dataclass(frozen=True, slots=True)
class Workspace:
    """An isolated knowledge base, with the figures that lists and dialogs show."""

    id: str
    name: str
    created_at: datetime
    documents: int = 0
    working: int = 0
    failed: int = 0
    chunks: int = 0
    conversations: int = 0
    paused: bool = False
    """A person lets none of its documents be read for the time being."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something failed: a stable code, what happened, what to do next."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A version newer than the current one: in work, or failed. The current one serves until it is ready."""

    version_id: str
    number: int
    state: State
    progress_done: int = 0
    progress_total: int = 0
    problem: Problem | None = None
    media_type: str = ""
    next_try_at: datetime | None = None
    """It failed for a passing reason, the problem, and waits until then (UTC, without a zone)."""

    @property
    def in_work(self) -> bool:
        """Whether something still happens to it."""
        return self.state not in FINAL_STATES


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of a document, for the list of them."""

    id: str
    number: int
    added: datetime
    size: int
    state: State
    is_current: bool
    has_original: bool
    """False where its bytes were never received."""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """One document as lists show it (its current version)."""

    id: str
    workspace_id: str
    version_id: str
    title: str
    source_kind: SourceKind
    source: str
    """File name, or the web address."""
    media_type: str
    size: int
    state: State
    created_at: datetime
    problem: Problem | None = None
    """Why it failed, or why it waits until `next_try_at`."""
    notes: tuple[str, ...] = ()
    language: str = ""
    pages: int = 0
    characters: int = 0
    chunks: int = 0
    progress_done: int = 0
    progress_total: int = 0
    author: str | None = None
    date: str | None = None
    fetched_at: datetime | None = None
    report: Report = field(default_factory=Report)
    duplicate_of: str | None = None
    """Set on the value `add` returns when the same bytes were already there: then this record is that document."""
    number: int = 1
    """Of the current version, counted from 1."""
    pending: Pending | None = None
    """The newer version that will take the current one's place, if there is one."""
    next_try_at: datetime | None = None
    """It failed for a passing reason, the problem, and waits until then (UTC, without a zone)."""
    path: str = ""
    """Where it lies in the watched folder that it came from."""

    @property
    def in_work(self) -> bool:
        """Whether something still happens to it: its first version, or a newer one, is being read."""
        return self.state not in FINAL_STATES or (self.pending is not None and self.pending.in_work)


DocumentFilter = Literal["all", "working", "failed", "ready"]


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """Some documents of a workspace, and how many there are. A document whose newer version is in work, or failed,
    counts as ready too."""

    records: tuple[DocumentRecord, ...]
    found: int
    """Documents that fit search and filter, on all pages."""
    counts: Mapping[DocumentFilter, int]
    """Without the search."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workspace's queue stands."""

    waiting: int
    """Documents that are not finished, those in work too."""
    bytes_left: int
    paused: bool
    seconds_left: float | None
    """At the rate of the last minutes; None while that is not known, or nothing is read."""
    no_room: bool
    """The disk is nearly full; reading goes on by itself when there is room."""


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder of this machine that a workspace follows."""

    id: str
    workspace_id: str
    path: str
    patterns: tuple[str, ...]
    """Names left out beside the usual ones."""
    files: int
    documents: int
    """Of its files, one for equal ones; without those that a person deleted."""
    state: Literal["new", "followed", "unreachable"]
    scanned_at: datetime | None
    problem: str
    """Why the last look was not complete; "" where it was."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as saved."""

    id: str
    conversation_id: str
    ordinal: int
    question: str
    state: TurnState
    created_at: datetime
    evidence: tuple[Passage, ...] = ()
    written: str = ""
    """What the model has written so far, while `state` is running."""
    answer: Answer | None = None
    citations: tuple[Citation, ...] = ()
    problem: Problem | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Ordered turns in one workspace. Lists leave `turns` empty."""

    id: str
    workspace_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: tuple[Turn, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PassageView:
    """Everything a footnote opens: the quote in its surroundings, and the page it stands on."""

    document: DocumentRecord
    quote: str
    before: str
    """The text just before the quote (previous passage and the rest of this one)."""
    after: str
    page: int | None
    page_label: str | None
    page_image: bytes | None
    """PNG of the page with the quote highlighted; None for documents without pages."""
    page_count: int
    heading_path: tuple[str, ...] = ()
    locator: Locator | None = None
    """Where the quote stands in a document without pages."""
    number: int = 1
    """Of the version that was cited."""
    added: datetime | None = None
    """When that version was added."""
    superseded: bool = False
    """The document has changed since: a newer version has taken this one's place."""
    locked: bool = False
    """The page can be drawn only with the document's password, which is kept nowhere."""


@dataclass(frozen=True, slots=True)
class Download:
    """Progress of fetching weights. Rates are bytes a second."""

    state: Literal["absent", "asking", "running", "cancelled", "failed", "verifying", "present", "off"]
    done: int = 0
    total: int = 0
    rate: float = 0.0
    problem: Problem | None = None

    @property
    def seconds_left(self) -> float | None:
        """Remaining time at the present rate; None while it is not known."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One entry of the model list. `key` is what is stored: "builtin", "none" or "ollama:NAME"."""

    key: str
    label: str
    available: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `footnote doctor`."""

    id: str
    title: str
    ok: bool
    detail: str = ""
    repaired: bool = False
