"""The domain's words as frozen values. Identity and storage live elsewhere (workspaces/)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rag.receipts import Receipt

Vector = npt.NDArray[np.float32]
"""One embedding: shape (dimension,), unit length."""

Matrix = npt.NDArray[np.float32]
"""Several embeddings: shape (rows, dimension), each row of unit length."""

Language = str
"""ISO 639-1 code ("en", "de"), or "" where it is not known."""

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
Verdict = Literal["supported", "partly", "not_found", "general"]
PlaceKind = Literal["slide", "rows", "chapter", "message", "lines", "paragraphs"]
FinishReason = Literal["stop", "length", "stopped"]
Role = Literal["system", "user", "assistant"]
Parameter = str | int | float | bool
"""One setting of a request to a chat model."""


CELL_BORDER = " | "
"""What stands between the cells of a row in the text of a table."""

HIDDEN_SAMPLE = 200
"""Characters of text that nobody sees that a report quotes."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of code points in a document's text."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def overlap(self, other: Span) -> int:
        """Number of code points both spans hold."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@dataclass(frozen=True, slots=True)
class WordBox:
    """Where one word stands: its span in the document's text and its box in PDF points, origin bottom left."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document; number counts from 1, width and height are PDF points as shown (after rotation)."""

    number: int
    span: Span
    label: str | None
    width: float
    height: float
    words: Sequence[WordBox] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A structural piece of a document; `level` is 1 to 6 for headings, the number of header rows for tables (one row a
    line), and 0 for all else."""

    kind: BlockKind
    span: Span
    level: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document that a person can find again in a format without pages.

    | kind | `name` | `number` |
    |---|---|---|
    | slide | its title | of the slide, from 1 |
    | rows | the sheet, "" in a file of one | of the row on the first line; each line of the span is the next row |
    | chapter | its title | of the chapter, from 1 |
    | message | subject, sender and date | of the message in its file, from 1 |
    | lines | "" | of the first line; each line of the span is the next |
    | paragraphs | "" | of the first paragraph; each blank line in the span begins the next |
    """

    kind: PlaceKind
    span: Span
    name: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a quote stands in a document without pages; `first` and `last` count slides, rows, lines or paragraphs."""

    kind: PlaceKind
    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Report:
    """What reading a file brought up and what it left out: nothing is lost or cut in silence."""

    pages_without_text: tuple[int, ...] = ()
    ocr_pages: tuple[tuple[int, float], ...] = ()
    """(page, mean confidence from 0 to 1) of the pages whose text was recognised in an image."""
    ocr_engine: str = ""
    tables: int = 0
    hidden_characters: int = 0
    """Characters that a person does not see (white, tiny, off the page, `hidden`); they are not indexed."""
    hidden_sample: str = ""
    """The beginning of them, for a person to judge."""
    repeated_lines: int = 0
    """Running headers and footers: lines that repeat on most pages and are not indexed again and again."""
    embedded: int = 0
    """Files inside it that became documents of their own."""
    skipped: tuple[str, ...] = ()
    """Files inside it that did not, each with the reason."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The extracted text of one source with its structure. Spans of pages and blocks index `text`."""

    text: str
    title: str
    language: Language
    pages: tuple[Page, ...] = ()
    blocks: tuple[Block, ...] = ()
    author: str | None = None
    date: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know of the extraction, in plain words ("Pages 3, 7: no text")."""
    places: tuple[Place, ...] = ()
    """In order and disjoint; empty in formats with pages."""
    report: Report = field(default_factory=Report)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit that is embedded and retrieved. `text` is exactly the document's text at `span`."""

    ordinal: int
    span: Span
    text: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    """The document's places inside `span`."""
    header: str = ""
    """The header of the table in whose rows the chunk begins; it stands above them wherever the chunk is read."""

    def embedding_text(self, title: str) -> str:
        """The text that is embedded: what stands above it helps it to be found; it is never quoted."""
        return embedding_text(title, self.heading_path, self.text, header=self.header)


def embedding_text(title: str, heading_path: Sequence[str], text: str, *, header: str = "") -> str:
    """Title, heading path, table header and text as the embedder reads them; the splitter budgets for exactly this."""
    head = " > ".join(part for part in (title, *heading_path) if part)
    return "\n".join(part for part in (head, header, text) if part) if head or header else text


@dataclass(frozen=True, slots=True)
class Likeness:
    """How an embedder's cosines are to be read, from questions on 48 subjects (rag/embedders/acceptance.py): the cosine
    that a question hardly reaches with what does not answer it (mean over the nearest of other subjects and two
    standard deviations), and the usual one with what does."""

    unrelated: float = 0.5
    usual: float = 0.677

    def near(self, cosine: float) -> float:
        """0 where it says nothing, 1 where it is that of an answer; it may be more."""
        return max(0.0, (cosine - self.unrelated) / (self.usual - self.unrelated))


@dataclass(frozen=True, slots=True)
class ScoredId:
    """A chunk id with a score; higher is better. What the score means is the index's own business."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as it is shown: where it stands, why it was chosen, and its sentence that answers best."""

    chunk_id: str
    document_id: str
    version_id: str
    title: str
    ordinal: int
    span: Span
    text: str
    language: Language
    page: int | None = None
    page_label: str | None = None
    heading_path: tuple[str, ...] = ()
    score: float = 0.0
    lexical_score: float | None = None
    dense_score: float | None = None
    best_sentence: Span | None = None
    """In code points of the document's text, inside `span`."""
    places: tuple[Place, ...] = ()
    header: str = ""
    """Both as in the chunk."""
    locator: Locator | None = None
    """Where `best_sentence` (or the whole) stands in a document without pages."""
    shown_with: str = ""
    """Chunk id of the passage that is shown in its place: one that says the same, or that holds it."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A document that can be searched, and how many passages it has; their ordinals count from 0."""

    document_id: str
    version_id: str
    title: str
    passages: int


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one question brought up, best first, and how strong the evidence is."""

    question: str
    passages: tuple[Passage, ...]
    evidence: float
    """Estimated probability (0 to 1) that the passages hold the answer."""
    sufficient: bool
    """Whether `evidence` passes the gate: if not, the model is not asked."""
    seconds: float = 0.0
    others: tuple[Passage, ...] = ()
    """What was read and stands below the passages, best first; the page is that of the beginning."""
    respelled: tuple[tuple[str, str], ...] = ()
    """Words of the question that no document holds, each with the word of the documents that was looked for."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A footnote: an address in a document version and the quote that stands there, byte for byte."""

    number: int
    chunk_id: str
    document_id: str
    version_id: str
    title: str
    span: Span
    quote: str
    page: int | None = None
    page_label: str | None = None
    locator: Locator | None = None
    """Where it stands in a document without pages."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer (`span` indexes the answer's text), its verdict and the numbers of its footnotes."""

    text: str
    span: Span
    verdict: Verdict
    citations: tuple[int, ...] = ()
    conflicts: tuple[int, ...] = ()
    """Footnotes of other sources that say otherwise; only of a supported sentence."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds from the question to each event; None for what did not happen."""

    evidence: float | None = None
    first_token: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished or interrupted answer. `text` has the model's dangling markers removed."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    model: str | None
    """Name of the chat model, or None for an extractive answer (the evidence itself)."""
    timings: Timings = field(default_factory=Timings)
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    left_out: str | None = None
    """What did not fit the model's window, and what of its answer the documents do not say, in plain words; None where
    there was no such thing."""
    removed: tuple[str, ...] = ()
    """Sentences that the model wrote and the documents do not say."""

    @property
    def grounds(self) -> tuple[Citation, ...]:
        """The footnotes that a sentence rests on: all but those that only say otherwise."""
        only = {number for sentence in self.sentences for number in sentence.conflicts}
        only -= {number for sentence in self.sentences for number in sentence.citations}
        return tuple(citation for citation in self.citations if citation.number not in only)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a chat model."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier turn as the prompt sees it; `turn_id` is whatever its keeper knows it by."""

    question: str
    answer: str
    turn_id: str = ""


# --- what a chat model yields --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text from the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The model's last word. A stream that ends without it was interrupted."""

    reason: FinishReason
    prompt_tokens: int | None = None
    output_tokens: int | None = None


ModelEvent = Token | Finished

# --- what answering yields: one stream for UI, API and command line ------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """The passages, before any model has been asked."""

    retrieval: Retrieval


@dataclass(frozen=True, slots=True)
class Progress:
    """How far reading is, where an answer needs more than one look at the documents."""

    done: int
    """Parts that have been read."""
    total: int
    note: str
    """What is being done, in plain words: "Reading part 3 of 7"."""


@dataclass(frozen=True, slots=True)
class SentenceChecked:
    """One sentence is complete and checked; `citations` holds those that are new with it."""

    sentence: Sentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is complete."""

    answer: Answer
    receipt: Receipt | None = None
    """What stood behind it; the last event of an answer has one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The documents do not hold the answer; `citations` are the nearest passages."""

    citations: tuple[Citation, ...]
    timings: Timings
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The answer broke off; what was written is kept. `error` is None when a person stopped it."""

    answer: Answer
    error: str | None
    hint: str | None = None
    receipt: Receipt | None = None


AnswerEvent = Evidence | Progress | Token | SentenceChecked | Answered | Refused | Interrupted
