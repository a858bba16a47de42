"""The words of a search index's chunks in SQLite FTS5: one table an index, in the same transactions as the chunks.

A table of its own, because in a shared one BM25 would shift when another index grows. The columns hold stems
(rag/analysis.py) joined by spaces: FTS5's own stemmer knows English only.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    TableClause,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy import Row as SqlRow

from rag.analysis import stems
from rag.scope import Within
from rag.types import Language, ScoredId
from workspaces.batches import batches
from workspaces.database import Database
from workspaces.repository import title_of_version
from workspaces.tables import chunks, versions
from workspaces.truth import KEPT, SEARCHABLE, among, chunks_of, count_within, in_versions

TITLE_WEIGHT = 2.0
HEADINGS_WEIGHT = 2.0
BODY_WEIGHT = 1.0
"""How much a word counts in each column, by BM25 alone and flat around 2. MRR@10 with titles at 0 / 1 / 2 / 5: English
Wikipedia passages .958 / .961 / .962 / .961, German ones .923 / .929 / .931 / .931, sections of articles .873 / .936 /
.936 / .939. Headings at 0 / 1 / 2 / 5, finding the page of a heading in four manuals: hit@1 .40 / .79 / .86 / .84."""

_TOKENIZER = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co'"
"""Only white space separates: the stems are the words already, and FTS5 is not to cut them again."""

_QUERY_STEMS = 200
"""Stems of one query; 200 take 0.07 s on 20,000 chunks, 1,000 would take 0.8 s. The rarest are kept: they say most."""

_SCORED_ROWS = 12_000
"""Chunks that one query gives a score to, 1 ms a thousand: in a larger index the most common stems are left out. 600
passages of an encyclopaedia among 100,000 others, 300 questions, every stem / 20,000 / 12,000 / 8,000: MRR@10 by words
.819 / .817 / .821 / .811, among the first 60 .930 / .927 / .913 / .900, 202 / 17 / 12 / 6 ms. With meaning MRR@10 is
.937 both at 20,000 and at 12,000, and the same number of questions is refused."""

_COUNTED_INDEXES = 64
_COUNTED_STEMS = 50_000
_TOTALS_ID = 1
_INSERT_ROWS = 500
_ID = re.compile(r"[0-9a-f]{1,64}")

Row = tuple[int, str, str, str, Language]
"""What is entered of one chunk: (rowid in `chunks`, title, headings, body, language of its document)."""

StemmedRow = dict[str, Any]


def stemmed(row: Row) -> StemmedRow:
    """A chunk's words as its index holds them: 0.1 ms of Python's own work, which can be done before a transaction."""
    rowid, title, headings, body, language = row
    texts = {"title": title, "headings": headings, "body": body}
    return {"rowid": rowid, **{name: _joined(value, language) for name, value in texts.items()}}


class Fts5Index:
    """LexicalIndex over SQLite. The writing methods work on the caller's connection, inside its transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._counts: dict[str, _Counts] = {}  # by index

    def create(self, connection: Connection, index_id: str) -> None:
        """Make an index's table; doing it again does nothing."""
        name = _name(index_id)
        connection.execute(
            text(
                f'CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(title, headings, body, tokenize="{_TOKENIZER}")'
            )
        )

    def drop(self, connection: Connection, index_id: str) -> None:
        """Forget an index; doing it again does nothing."""
        connection.execute(text(f"DROP TABLE IF EXISTS {_name(index_id)}"))

    def insert(self, connection: Connection, index_id: str, rows: Iterable[Row]) -> None:
        """Enter chunks. Their rowids must not be in the table yet."""
        self.insert_stemmed(connection, index_id, map(stemmed, rows))

    def insert_stemmed(self, connection: Connection, index_id: str, rows: Iterable[StemmedRow]) -> None:
        """The same for what `stemmed` gave before."""
        words = _words(index_id)
        entries = iter(rows)
        while some := list(islice(entries, _INSERT_ROWS)):
            connection.execute(insert(words), some)

    def delete(self, connection: Connection, index_id: str, rowids: Sequence[int]) -> None:
        """Take chunks out, their words off the pages too; unknown rowids are fine."""
        words = _words(index_id)
        removed = 0
        for start in range(0, len(rowids), _INSERT_ROWS):
            some = rowids[start : start + _INSERT_ROWS]
            removed += connection.execute(delete(words).where(words.c.rowid.in_(some))).rowcount
        if removed:  # FTS5 only marks what is deleted; merging its segments drops it (0.14 s with 20,000 chunks)
            connection.execute(insert(table(words.name, column(words.name))).values({words.name: "optimize"}))

    def missing(self, connection: Connection, index_id: str) -> int:
        """How many chunks of ready documents are not in the table."""
        found = chunks_of(index_id, SEARCHABLE).with_only_columns(func.count())
        if _exists(connection, index_id):
            words = _words(index_id)
            found = found.where(chunks.c.rowid.not_in(select(words.c.rowid)))
        return int(connection.execute(found).scalar_one())

    def foreign(self, connection: Connection, index_id: str) -> int:
        """How many rows of the table belong to no chunk of the index, not even to one that waits to be purged."""
        if not _exists(connection, index_id):
            return 0
        words = _words(index_id)
        owned = words.join(chunks, chunks.c.rowid == words.c.rowid, isouter=True)
        foreign = func.coalesce(chunks.c.index_id, "") != index_id
        query = select(func.count()).select_from(owned).where(foreign)
        return int(connection.execute(query).scalar_one())

    def rebuild(self, connection: Connection, index_id: str) -> None:
        """Make the table anew from the chunks."""
        self.drop(connection, index_id)
        self.create(connection, index_id)
        rows = connection.execute(
            chunks_of(index_id, KEPT).with_only_columns(
                chunks.c.rowid,
                title_of_version().label("title"),
                chunks.c.heading_path,
                chunks.c.header,
                chunks.c.text,
                versions.c.language,
            )
        )
        self.insert(
            connection,
            index_id,
            ((row.rowid, row.title, " ".join(row.heading_path), body_of(row), row.language) for row in rows),
        )

    def search(
        self, index_id: str, groups: Sequence[Collection[str]], *, limit: int, within: Within | None = None
    ) -> list[ScoredId]:
        """Chunks of ready documents that match any group, by BM25 (higher is better); equal scores by id.

        What is deleted but not yet off the disk, or not `within`, is left out and takes nobody's place.
        """
        if limit <= 0 or within == frozenset():
            return []
        with self._database.read() as connection:
            if not _exists(connection, index_id):
                return []
            counts = self._counts_of(connection, index_id)
            rows = counts.size if within is None else min(counts.size, count_within(connection, index_id, within))
            match = _match(counts.telling(connection, groups, rows=rows))
            wanted = limit
            while match:
                found, full = _ranked(connection, index_id, match, wanted, within)
                if len(found) >= limit or not full:
                    return found[:limit]
                wanted *= 4
        return []

    def document_frequencies(self, index_id: str, groups: Sequence[Collection[str]]) -> tuple[int, list[int]]:
        """(number of chunks, number of chunks matching each group); deleted ones count until they are off the disk."""
        with self._database.read() as connection:
            if not _exists(connection, index_id):
                return 0, [0] * len(groups)
            counts = self._counts_of(connection, index_id)
            return counts.size, [counts.frequency(connection, group) for group in groups]

    def similar(self, index_id: str, stem: str, *, letters: int) -> list[tuple[str, int]]:
        """(stem, number of chunks) of those in the index that begin with the same letter and are as long, give or take
        `letters`. Takes 10 ms for 10,000 different stems."""
        with self._database.read() as connection:
            if not stem or not _exists(connection, index_id):
                return []
            words = _vocabulary(connection, index_id)
            query = select(words.c.term, words.c.doc).where(
                words.c.term >= stem[0],
                words.c.term < chr(ord(stem[0]) + 1),
                func.length(words.c.term).between(len(stem) - letters, len(stem) + letters),
            )
            return [(row.term, row.doc) for row in connection.execute(query)]

    def _counts_of(self, connection: Connection, index_id: str) -> _Counts:
        totals = _totals(connection, index_id)
        with self._lock:
            known = self._counts.get(index_id)
            if known is not None and known.totals == totals:
                return known
        counts = _Counts(index_id, totals, _size(connection, index_id))
        with self._lock:
            if len(self._counts) >= _COUNTED_INDEXES:
                self._counts.clear()
            self._counts[index_id] = counts
        return counts


class _Counts:
    """How many chunks of an index there are and hold a stem, remembered while the index stays as it is: "the" and "und"
    are in every question and in most chunks, and counting those takes milliseconds each time."""

    def __init__(self, index_id: str, totals: bytes, size: int) -> None:
        self.totals = totals
        self.size = size
        self._index_id = index_id
        self._known: dict[str, int] = {}

    def frequency(self, connection: Connection, group: Collection[str]) -> int:
        """Chunks that hold any of the stems."""
        match = _match(sorted(group))
        if match not in self._known:
            if len(self._known) >= _COUNTED_STEMS:
                self._known.clear()
            self._known[match] = _frequency(connection, self._index_id, match)
        return self._known[match]

    def telling(self, connection: Connection, groups: Sequence[Collection[str]], *, rows: int) -> list[str]:
        """All stems where that is cheap, for at most `rows` chunks can get a score; else the rarest: they decide the
        order."""
        distinct = list(dict.fromkeys(stem for group in groups for stem in group))
        if len(distinct) <= _QUERY_STEMS and rows <= _SCORED_ROWS:
            return distinct
        kept: list[str] = []
        scored = 0
        for frequency, stem in sorted((self.frequency(connection, [stem]), stem) for stem in distinct):
            scored += frequency
            if kept and scored > _SCORED_ROWS:
                break
            if frequency:
                kept.append(stem)
        return kept[:_QUERY_STEMS]


def _totals(connection: Connection, index_id: str) -> bytes:
    """FTS5's own record of how many rows and words there are: another one whenever rows come or go. It is compared and
    never read, for its form is FTS5's own (https://sqlite.org/fts5.html, "FTS5 Data Structures")."""
    return bytes(connection.execute(_totals_query(index_id)).scalar_one())


@lru_cache(maxsize=_COUNTED_INDEXES)
def _totals_query(index_id: str) -> Select[Any]:
    data = table(f"{_name(index_id)}_data", column("id"), column("block"))
    return select(data.c.block).where(data.c.id == _TOTALS_ID)


def _vocabulary(connection: Connection, index_id: str) -> TableClause:
    """The words of an index as a table (https://sqlite.org/fts5.html, "The fts5vocab Virtual Table Module"). It is a
    temporary one of this connection, which may write nothing else."""
    name = f"words_of_{_name(index_id)}"
    connection.execute(text("PRAGMA query_only=OFF"))
    try:
        connection.execute(
            text(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{name} USING fts5vocab(main, {_name(index_id)}, row)")
        )
    finally:
        connection.execute(text("PRAGMA query_only=ON"))
    return table(name, column("term"), column("doc"), schema="temp")


def _size(connection: Connection, index_id: str) -> int:
    sizes = table(f"{_name(index_id)}_docsize")  # one small row a chunk: counting it reads no text
    return int(connection.execute(select(func.count()).select_from(sizes)).scalar_one())


def body_of(chunk: SqlRow[*tuple[Any, ...]]) -> str:
    """A chunk's words: its text, and the header of the table in whose rows it begins."""
    return f"{chunk.header}\n{chunk.text}" if chunk.header else str(chunk.text)


def _ranked(
    connection: Connection, index_id: str, match: str, limit: int, within: Within | None
) -> tuple[list[ScoredId], bool]:
    """The searchable ones among the best `limit` rows, of those `within`, and whether more may follow."""
    query = _by_score(index_id)
    if within is not None:  # inside the search: only what passes gets a score, by rowids that are gathered once
        mine = (chunks.c.index_id == index_id) & in_versions("chunks.version_id", within)
        query = query.where(literal_column(f"+{_name(index_id)}.rowid").in_(select(chunks.c.rowid).where(mine)))
    rows = connection.execute(query, {"match": match, "most": limit}).all()
    live: dict[int, str] = {}
    for some in batches([row.rowid for row in rows]):
        live.update((row.rowid, row.id) for row in connection.execute(_LIVE, {"index": index_id, "rows": some}))
    found = [ScoredId(live[row.rowid], -row.score) for row in rows if row.rowid in live]
    return found, len(rows) == limit


@lru_cache(maxsize=_COUNTED_INDEXES)
def _by_score(index_id: str) -> Select[Any]:
    """Made once an index: putting a query together takes longer than asking it."""
    words = _words(index_id)
    score = func.bm25(literal_column(words.name), TITLE_WEIGHT, HEADINGS_WEIGHT, BODY_WEIGHT).label("score")
    return (
        select(words.c.rowid, score)
        .where(literal_column(words.name).op("MATCH")(bindparam("match")))
        .order_by(score, words.c.rowid)
        .limit(bindparam("most"))
    )


_LIVE = among(bindparam("index"), chunks.c.rowid.in_(bindparam("rows", expanding=True))).add_columns(chunks.c.rowid)


def _frequency(connection: Connection, index_id: str, match: str) -> int:
    if not match:
        return 0
    name = _name(index_id)
    query = select(func.count()).select_from(table(name)).where(literal_column(name).op("MATCH")(match))
    return int(connection.execute(query).scalar_one())


def _match(group: Iterable[str]) -> str:
    """An FTS5 query that matches any of the stems; every stem is a quoted string, so none is ever read as syntax."""
    phrases = dict.fromkeys(_clean(stem).replace('"', '""') for stem in group)
    return " OR ".join(f'"{phrase}"' for phrase in phrases if phrase.strip())


def _joined(value: str, language: Language) -> str:
    return _clean(" ".join(stems(value, language)))


def _clean(value: str) -> str:
    """Without what SQLite cannot hold in text: lone surrogates, which broken PDFs produce, and NUL."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode()


def _exists(connection: Connection, index_id: str) -> bool:
    return connection.execute(_EXISTS, {"name": _name(index_id)}).scalar() is not None


_EXISTS = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")


def _name(index_id: str) -> str:
    """The table's name. Names cannot be bound as parameters, so nothing but an id ever gets into one."""
    if not _ID.fullmatch(index_id):
        raise ValueError("this is no id of a search index")
    return f"fts_{index_id}"


def _words(index_id: str) -> TableClause:
    return table(_name(index_id), column("rowid"), column("title"), column("headings"), column("body"))
