"""The tables: the one truth about documents, vectors and conversations. Every other index is derived from them.

FTS5 tables (one a search index, `fts_<index id>`) are made by workspaces/lexical.py with plain DDL, in the same
transactions; Alembic ignores them.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = String(36)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("name_key", String(400), nullable=False),  # casefolded; cleared to the id when deleted, so the name is free
    Column("index_id", ID, nullable=False),  # the one that is searched; no foreign key, for the two refer to each other
    Column("created_at", DateTime, nullable=False),
    Column("deleted_at", DateTime),
    Column("paused_at", DateTime),  # since when a person lets no document of it be read
    Column("mode", String(10), nullable=False, server_default="strict"),  # of its answers: rag/modes.py
    UniqueConstraint("name_key"),
)

indexes = Table(  # all that is derived for searching belongs to one; embedder and splitter are its fingerprint
    "indexes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("embedder", String(200), nullable=False),  # Embedder.name
    Column("embedder_key", Text, nullable=False, default="", server_default=""),  # what opens it; "" is not known yet
    Column("dimension", Integer, nullable=False, default=0, server_default="0"),  # of its vectors; 0 is not known yet
    Column("splitter", String(200), nullable=False, default="", server_default=""),  # Splitter.recipe; "" is a mixture
    Column("state", String(10), nullable=False),  # workspaces.models.IndexState
    Column("closed", Boolean, nullable=False, default=False, server_default="0"),  # this program cannot extend it
    Column("paused", Boolean, nullable=False, default=False, server_default="0"),
    Column("attempt", Integer, nullable=False, default=1, server_default="1"),  # counts the workflows that build it
    Column("progress_done", Integer, nullable=False, default=0, server_default="0"),  # documents
    Column("progress_total", Integer, nullable=False, default=0, server_default="0"),
    Column("seconds_left", Float),
    Column("problem_code", String(40)),
    Column("problem_message", Text),
    Column("problem_hint", Text),
    Column("created_at", DateTime, nullable=False),
    Column("checked_at", DateTime),  # when it was last compared with the documents as a whole
    Column("served_at", DateTime),  # when it began to be searched; null until then
)

originals = Table(  # content-addressed files; a row exists only after its file is on disk
    "originals",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("version_id", ID),  # the current version; no foreign key, because the two rows refer to each other
    Column("title", Text, nullable=False),  # of the current version
    Column("title_given", Boolean, nullable=False, default=False, server_default="0"),  # no version changes it then
    Column("source_kind", String(10), nullable=False),
    Column("source", Text, nullable=False),  # file name (a label, never a path) or web address
    Column("created_at", DateTime, nullable=False),
    Column("deleted_at", DateTime),  # tombstone: unsearchable at once, purged by a job
    Column("site_id", ID, index=True),  # the section that brought it; no foreign key: its rows may go first
)

members = Table(  # files inside a document (attachments, members of an archive) that became documents of their own
    "members",
    metadata,
    Column("container_id", ID, ForeignKey("documents.id"), primary_key=True),
    Column("path", Text, primary_key=True),  # where it lies inside: a label, never a path
    Column("document_id", ID, ForeignKey("documents.id"), nullable=False, index=True),
)

tags = Table(
    "tags",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False),
    Column("name", String(50), nullable=False),  # as it was first written
    Column("name_key", String(200), nullable=False),  # casefolded
    UniqueConstraint("workspace_id", "name_key"),
)

document_tags = Table(  # of a document, whatever its version
    "document_tags",
    metadata,
    Column("document_id", ID, ForeignKey("documents.id"), primary_key=True),
    Column("tag_id", ID, ForeignKey("tags.id"), primary_key=True, index=True),
)

versions = Table(
    "versions",
    metadata,
    Column("id", ID, primary_key=True),  # also the id of its ingest workflow
    Column("document_id", ID, ForeignKey("documents.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), ForeignKey("originals.sha256"), index=True),  # null until received
    Column("media_type", String(100), nullable=False, default=""),
    Column("size", Integer, nullable=False, default=0),
    Column("state", String(10), nullable=False, index=True),
    Column("attempt", Integer, nullable=False, default=1),
    Column("cancelled", Boolean, nullable=False, default=False),
    Column("problem_code", String(40)),
    Column("problem_message", Text),
    Column("problem_hint", Text),
    Column("notes", JSON, nullable=False, default=list),
    Column("language", String(8), nullable=False, default=""),
    Column("author", Text),
    Column("date", String(40)),
    Column("page_count", Integer, nullable=False, default=0),
    Column("character_count", Integer, nullable=False, default=0),
    Column("chunk_count", Integer, nullable=False, default=0),  # in the index that is searched
    Column("parser", String(100), nullable=False, default=""),  # name and version of what extracted the text
    Column("progress_done", Integer, nullable=False, default=0),
    Column("progress_total", Integer, nullable=False, default=0),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
    Column("fetched_at", DateTime),
    Column("report", JSON, nullable=False, default=dict, server_default="{}"),  # rag.types.Report
    Column("final_url", Text, nullable=False, default="", server_default=""),  # where the web address ended
    Column("etag", Text, nullable=False, default="", server_default=""),  # what the server said of it, as are
    Column("last_modified", Text, nullable=False, default="", server_default=""),  # asked for with the next fetch
    Column("checked_at", DateTime),  # when it was last found unchanged
    Column("gone_at", DateTime),  # since when there is nothing at the web address any more
    Column("title", Text, nullable=False, default="", server_default=""),  # "" until parsed
    Column("readable_sha256", String(64), ForeignKey("originals.sha256"), index=True),  # copy without the password
    Column("batch", ID, nullable=False, default="", server_default=""),  # what came together; batches take turns
    Column("tries", Integer, nullable=False, default=0, server_default="0"),  # that failed for a passing reason
    Column("next_try_at", DateTime),  # it waits until then; its problem says why
    UniqueConstraint("document_id", "number"),
)

texts = Table(  # apart from `versions`, so that lists never read it
    "texts",
    metadata,
    Column("version_id", ID, ForeignKey("versions.id"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("blocks", JSON, nullable=False),  # [[kind, start, end, level], ...]
    Column(
        "places", JSON, nullable=False, default=list, server_default="[]"
    ),  # [[kind, start, end, name, number], ...]
)

pages = Table(
    "pages",
    metadata,
    Column("version_id", ID, ForeignKey("versions.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("label", String(40)),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("words", LargeBinary, nullable=False),  # ingest.wordboxes: zlib of (start, end, x0, y0, x1, y1) per word
)

recognitions = Table(  # what was recognised in pictures (OCR), for the versions of one document only
    "recognitions",
    metadata,
    Column("version_id", ID, ForeignKey("versions.id"), primary_key=True),  # the one that showed it last
    Column("picture", String(64), primary_key=True),  # sha256 of the picture and of what recognises
    Column("reading", LargeBinary, nullable=False),  # ingest.ocr.readings
)

memories = Table(  # what is remembered of a version's pages, so that a newer one can keep them
    "memories",
    metadata,
    Column("version_id", ID, ForeignKey("versions.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # ingest.loaders.pdf_memory
)

chunks = Table(
    "chunks",
    metadata,
    Column("rowid", Integer, primary_key=True),  # the FTS5 rowid
    Column("id", String(64), nullable=False, unique=True),  # sha256(index, version, ordinal, text)
    Column("version_id", ID, ForeignKey("versions.id"), nullable=False),
    Column("index_id", ID, ForeignKey("indexes.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("heading_path", JSON, nullable=False),
    Column("places", JSON, nullable=False, default=list, server_default="[]"),  # those of the text, cut to the chunk
    Column("header", Text, nullable=False, default="", server_default=""),  # of the table in whose rows it begins
    Column("text", Text, nullable=False),
    Column("embedding_hash", String(64), nullable=False, index=True),  # sha256 of the embedded text
    UniqueConstraint("version_id", "index_id", "ordinal"),
)

entries = Table(  # versions that an index holds completely: chunks, words, vectors
    "entries",
    metadata,
    Column("index_id", ID, ForeignKey("indexes.id"), primary_key=True),
    Column("version_id", ID, ForeignKey("versions.id"), primary_key=True, index=True),
    Column("chunk_count", Integer, nullable=False),
)

embeddings = Table(  # the cache by (text, embedder) is also the truth about vectors
    "embeddings",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("embedder", String(200), primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # little-endian float32
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("updated_at", DateTime, nullable=False),
)

turns = Table(
    "turns",
    metadata,
    Column("id", ID, primary_key=True),
    Column("conversation_id", ID, ForeignKey("conversations.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("searched", Text),  # what was searched in its place, where it leans on the turn before
    Column("repeats", ID),  # the turn whose question was asked again; no foreign key: both go with their conversation
    Column("warning", Text),  # why the answer cannot be relied on
    Column("state", String(12), nullable=False, index=True),
    Column("model", String(200)),
    Column("answer", Text, nullable=False, default=""),  # grows while running
    Column(
        "sentences", JSON, nullable=False, default=list
    ),  # [[start, end, verdict, [numbers], [numbers that say otherwise]?], ...]
    Column("timings", JSON, nullable=False, default=dict),
    Column("prompt_tokens", Integer),
    Column("output_tokens", Integer),
    Column("left_out", Text),
    Column("problem_code", String(40)),
    Column("problem_message", Text),
    Column("problem_hint", Text),
    Column("created_at", DateTime, nullable=False),
    Column("rating", String(4)),  # workspaces.models.Rating; null until a thumb is given
    Column("scope", JSON),  # rag.scope.Scope; null where all of the workspace was searched
    Column("without_names", Text),  # the question as it was answered, where names in it (`@name`) were taken out
    UniqueConstraint("conversation_id", "ordinal"),
)

receipts = Table(  # what stood behind a turn; of documents it holds no text, only which passages were sent
    "receipts",
    metadata,
    Column("turn_id", ID, ForeignKey("turns.id"), primary_key=True),
    Column("record", JSON, nullable=False),  # workspaces/receipts.py
)

turn_passages = Table(  # what a turn showed (rank) and cited (number); quotes are blanked when a document is deleted
    "turn_passages",
    metadata,
    Column("turn_id", ID, ForeignKey("turns.id"), primary_key=True),
    Column("role", String(10), primary_key=True),  # "evidence", "citation", or "candidate": read and left out
    Column("number", Integer, primary_key=True),  # rank, or number of the footnote, from 1
    Column("chunk_id", String(64), nullable=False),
    Column("document_id", ID, nullable=False, index=True),
    Column("version_id", ID, nullable=False),
    Column("title", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("page_label", String(40)),
    Column("locator", JSON),  # [kind, name, first, last] in documents without pages
    Column("quote", Text, nullable=False),
    Column(
        "detail", JSON, nullable=False, default=dict
    ),  # evidence only: ordinal, language, headings, scores, sentence; of candidates the scores
)

sites = Table(  # sections of the web that are crawled
    "sites",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("start", Text, nullable=False),
    Column("directory", Text, nullable=False, default=""),  # address that all pages begin with; known after the first
    Column("depth", Integer, nullable=False),
    Column("page_limit", Integer, nullable=False),
    Column("state", String(10), nullable=False, index=True),  # running, paused, done, failed
    Column("attempt", Integer, nullable=False, default=1),  # a new one with each resume and refresh
    Column("problem_code", String(40)),
    Column("problem_message", Text),
    Column("problem_hint", Text),
    Column("created_at", DateTime, nullable=False),
    Column("crawled_at", DateTime),  # when it was last done
)

site_pages = Table(  # the frontier of a crawl, and what became of each address
    "site_pages",
    metadata,
    Column("site_id", ID, ForeignKey("sites.id"), primary_key=True),
    Column("url", Text, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    Column("depth", Integer, nullable=False),  # links from the start
    Column("state", String(10), nullable=False),  # pending, fetched, refused, failed
    Column("reason", Text, nullable=False, default=""),
    Column("document_id", ID, index=True),  # no foreign key: a document that was deleted is not fetched again
)

folders = Table(  # folders of this machine that are watched
    "folders",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),  # absolute, without links
    Column("patterns", JSON, nullable=False),  # what a person wants left out
    Column("created_at", DateTime, nullable=False),
    Column("scanned_at", DateTime),
    Column("problem", Text, nullable=False, default=""),
)

folder_files = Table(  # what was last seen in a watched folder, and the document of each file
    "folder_files",
    metadata,
    Column("folder_id", ID, ForeignKey("folders.id"), primary_key=True),
    Column("path", Text, primary_key=True),  # relative to the folder, parts separated by "/"
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("document_id", ID, index=True),  # null until added; no foreign key: one that was deleted is not added again
    Column("brought", Boolean, nullable=False),  # the document came from a folder, and goes with its last file
)

_EXPECTED = (  # where the answer of a test's question stands, as far as that is known
    ("document_id", ID),
    ("version_id", ID),
    ("page", Integer),
    ("start", Integer),
    ("end", Integer),
)

trial_questions = Table(  # the questions of a workspace's test, and what is expected of each
    "trial_questions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("question", Text, nullable=False),
    Column("answerable", Boolean, nullable=False),
    Column("origin", String(10), nullable=False),  # workspaces.trial_values.Origin
    Column("source_id", ID, index=True),  # the document it was made from, with which it goes; no foreign key
    Column("turn_id", ID),  # the turn it was taken from; no foreign key: the chat may go first
    *(Column(name, type_, index=name == "document_id") for name, type_ in _EXPECTED),
    Column("created_at", DateTime, nullable=False),
)

trial_runs = Table(  # each time a workspace's test was run, and with which settings
    "trial_runs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("workspace_id", ID, ForeignKey("workspaces.id"), nullable=False, index=True),
    Column("state", String(12), nullable=False),  # workspaces.trial_values.RunState
    Column("answers", Boolean, nullable=False),  # false: retrieval only
    Column("model_key", String(200), nullable=False, default=""),
    Column("model", String(200)),  # its name
    Column("passages", Integer, nullable=False),  # offered to the model
    Column("source_tokens", Integer, nullable=False),
    Column("index_id", ID, nullable=False),  # no foreign key: the index may go first
    Column("embedder", String(200), nullable=False),
    Column("splitter", String(200), nullable=False),
    Column("problem_code", String(40)),
    Column("problem_message", Text),
    Column("problem_hint", Text),
    Column("started_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
)

trial_results = Table(  # the questions of a run as they were asked, and what each adds to the run's figures
    "trial_results",
    metadata,
    Column("run_id", ID, ForeignKey("trial_runs.id"), primary_key=True),
    Column("question_id", ID, primary_key=True),  # no foreign key: a question may be deleted, its figures stay
    Column("ordinal", Integer, nullable=False),
    Column("question", Text, nullable=False),  # blanked when the document that it was made from is deleted
    Column("answerable", Boolean, nullable=False),
    Column("source_id", ID, index=True),
    *(Column(name, type_, index=name == "document_id") for name, type_ in _EXPECTED),
    Column("asked_at", DateTime),  # null while it waits
    Column("refused", Boolean),
    Column("answer", Text, nullable=False, default=""),  # blanked when a document that was found for it is deleted
    Column("figures", JSON, nullable=False, default=dict),  # workspaces.scoring.Values of this question
)

trial_passages = Table(  # what a question of a run found (rank) and cited (number): addresses only, never text
    "trial_passages",
    metadata,
    Column("run_id", ID, primary_key=True),
    Column("question_id", ID, primary_key=True),
    Column("role", String(10), primary_key=True),  # "found" or "cited"
    Column("number", Integer, primary_key=True),
    Column("document_id", ID, nullable=False, index=True),
    Column("version_id", ID, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("page_label", String(40)),
    Column("locator", JSON),
    Column("expected", Boolean, nullable=False),
)

settings = Table(  # what the settings page wrote; weaker than variables and the TOML file
    "settings",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", JSON, nullable=False),
)

Index("ix_documents_listed", documents.c.workspace_id, documents.c.deleted_at, documents.c.created_at, documents.c.id)
