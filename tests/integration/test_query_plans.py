"""How SQLite goes about what a search asks: by its indexes, however large a workspace is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from tests.support.documents import long_text
from tests.support.services import ingested, opened

Asked = list[tuple[str, Any]]
READ_WHOLE = ("SCAN chunks", "SCAN embeddings", "SCAN pages", "SCAN texts")


@contextmanager
def asked() -> Iterator[Asked]:
    """The statements that the database is asked meanwhile, and their parameters."""
    statements: Asked = []

    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        ours = (connection.engine.url.database or "").endswith("footnote.db")  # the jobs have one of their own
        if (
            ours and statement.lstrip().upper().startswith("SELECT") and "fts_" not in statement
        ):  # a word index is its own index
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plans(connection: Connection, statements: Asked) -> dict[str, str]:
    """Statement → its plan."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return {
        statement: "\n".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
        for statement, parameters in statements
    }


def read_whole(found: dict[str, str]) -> list[str]:
    return [f"{plan}\n{statement}" for statement, plan in found.items() if any(one in plan for one in READ_WHOLE)]


def test_a_search_reads_no_table_as_a_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as services:
        workspace = services.library.create_workspace("Plans").id
        ingested(services, workspace, long_text(3, paragraphs=40))
        with asked() as statements:
            found = services.library.search(workspace, "What is said about the first label?", limit=5)
        assert found.passages
        with services.library._database.read() as connection:
            told = plans(connection, statements)
            assert any("ordinal" in statement for statement in told), "passages beside the chosen ones were asked for"
            assert read_whole(told) == []
            slow = "SELECT text FROM chunks WHERE (version_id, ordinal) IN (VALUES (?, ?), (?, ?))"
            assert read_whole(plans(connection, [(slow, ("a", 1, "b", 2))])), "the control"
            assert connection.execute(text("SELECT count(*) FROM chunks")).scalar_one() > 10
