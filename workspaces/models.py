"""Values of the application: what use cases take and return. Rows become these; nothing above sees a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from rag.modes import Mode
from rag.scope import EVERYTHING, Scope
from rag.types import Answer, Citation, Locator, Passage, Progress, Report

SourceKind = Literal["file", "url", "member"]
"""A member is a file inside another document that nobody added by itself."""
State = Literal["received", "stored", "parsed", "chunked", "embedded", "indexed", "ready", "failed", "superseded"]
IndexState = Literal["current", "building", "previous", "dropped"]
SiteState = Literal["running", "paused", "done", "failed"]
SitePageState = Literal["pending", "fetched", "refused", "failed"]
TurnState = Literal["running", "answered", "refused", "interrupted"]
Rating = Literal["up", "down"]
"""A person's thumb on an answer."""

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
    mode: Mode = "strict"
    """Whether its answers come from the documents alone, or may add general knowledge."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something failed: a stable code, what happened, what to do next."""

    code: str
    message: str
    hint: str = ""

    @property
    def told(self) -> str:
        """What happened and what to do next, as a person reads it."""
        return f"{self.message} {self.hint}".strip()


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What a workspace is searched by, was, or will be. Embedder and splitter are its fingerprint: nothing that others
    made is ever in it."""

    id: str
    workspace_id: str
    embedder: str
    """Name of the embedder."""
    embedder_key: str
    """What opens it: a key of the catalogue or a folder; "" where that is not known yet."""
    dimension: int
    """Of its vectors; 0 where that is not known yet."""
    splitter: str
    """Recipe of the splitter; "" where it is empty, or holds a mixture from before there were fingerprints."""
    state: IndexState
    closed: bool = False
    """This program cuts documents otherwise, so it can be searched but not extended."""
    paused: bool = False
    attempt: int = 1
    done: int = 0
    """Documents."""
    total: int = 0
    seconds_left: float | None = None
    problem: Problem | None = None
    checked_at: datetime | None = None
    served_at: datetime | None = None
    """When it began to be searched."""


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
    final_url: str = ""
    """Where the web address ended after redirects."""
    checked_at: datetime | None = None
    """When the web page was last found unchanged; None where nobody has looked again."""
    gone_at: datetime | None = None
    """Since when there is nothing at the web address any more."""
    site_id: str | None = None
    """The section of the web that brought it."""
    report: Report = field(default_factory=Report)
    parser: str = ""
    """Name and version of what extracted the text; "" until it was read."""
    splitter: str = ""
    """How the text was cut into passages."""
    duplicate_of: str | None = None
    """Set on the value `add` returns when the same bytes were already there: then this record is that document."""
    number: int = 1
    """Of the current version, counted from 1."""
    waiting: bool = False
    """It waits for the search index that is being built, because the present one cannot be extended any more."""
    pending: Pending | None = None
    """The newer version that will take the current one's place, if there is one."""
    next_try_at: datetime | None = None
    """It failed for a passing reason, the problem, and waits until then (UTC, without a zone)."""
    members: int = 0
    """Documents that lie inside it: attachments, files of an archive."""
    container_id: str | None = None
    container_title: str = ""
    path: str = ""
    """The first document that it lies in, and where in there."""
    tags: tuple[str, ...] = ()

    @property
    def in_work(self) -> bool:
        """Whether something still happens to it: its first version, or a newer one, is being read."""
        return self.state not in FINAL_STATES or (self.pending is not None and self.pending.in_work)


class Figure(NamedTuple):
    """A figure that a person may choose."""

    usual: int
    most: int


SECTION_DEPTH = Figure(usual=2, most=5)
"""Links from the start of a section that are followed."""

SECTION_PAGES = Figure(usual=50, most=500)
"""Documents that are made of a section."""


@dataclass(frozen=True, slots=True)
class Site:
    """A section of the web that is crawled, with its figures."""

    id: str
    workspace_id: str
    start: str
    depth: int
    """Links from the start that are followed."""
    page_limit: int
    """The most documents that are made of it."""
    state: SiteState
    created_at: datetime
    crawled_at: datetime | None = None
    problem: Problem | None = None
    waiting: int = 0
    """Addresses found and not asked for, or not yet."""
    taken: int = 0
    refused: int = 0
    """Addresses that a rule left out: of the site, or of the crawl."""
    failed: int = 0

    @property
    def found(self) -> int:
        """All addresses of the section that were seen."""
        return self.waiting + self.taken + self.refused + self.failed


@dataclass(frozen=True, slots=True)
class SitePage:
    """One address of a section, and what became of it."""

    url: str
    depth: int
    state: SitePageState
    reason: str = ""
    """Why it is no document, in words for people."""
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder of this machine."""

    id: str
    workspace_id: str
    path: str
    patterns: tuple[str, ...]
    """What is left out, besides hidden and temporary files."""
    created_at: datetime
    scanned_at: datetime | None = None
    problem: str = ""
    files: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a watched folder found and did."""

    added: int = 0
    changed: int = 0
    moved: int = 0
    gone: int = 0
    waiting: int = 0
    """Files that are being written; the next look takes them in."""
    document_ids: tuple[str, ...] = ()
    """Documents that are new or have a newer version."""
    problem: str = ""


DocumentFilter = Literal["all", "working", "failed", "ready"]


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """Some documents of a workspace, and how many there are. One whose newer version is in work, or failed, counts as
    that and as ready."""

    records: tuple[DocumentRecord, ...]
    found: int
    """Documents that fit search and filter, on all pages."""
    counts: Mapping[DocumentFilter, int]
    """Whatever is searched for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workspace's queue stands."""

    left: int
    """Documents that are not finished, those in work too."""
    paused: bool
    no_room: bool
    """The disk is nearly full; reading goes on by itself when there is room."""
    seconds_left: float | None
    """At the rate of the last minutes; None while that is not known, or nothing is read."""


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
    searched: str | None = None
    """What was searched in the question's place, where it leans on the turn before."""
    repeats: str | None = None
    """Id of the turn whose question was asked again."""
    warning: str | None = None
    """Why the answer cannot be relied on, and what to do."""
    rating: Rating | None = None
    scope: Scope = EVERYTHING
    """Where was looked."""
    limited_to: tuple[str, ...] = ()
    """The scope in words; what was deleted since has lost its name."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Document id → name of its workspace, of what it showed from others than its own."""
    without_names: str | None = None
    """The question as it was answered, where names in it (`@name`) were taken out."""
    progress: Progress | None = None
    """How far reading in parts is, while `state` is running."""

    @property
    def asked(self) -> str:
        """The question as it was answered."""
        return self.without_names if self.without_names is not None else self.question


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
    header: str = ""
    """Of the table in whose rows the passage begins, so that a row can be read without its sheet."""
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
    about: str = ""
    """One line that explains what is checked, and why."""
