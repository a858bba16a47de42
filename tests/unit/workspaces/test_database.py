"""The database migrates, keeps one writer, and speaks for people."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

import workspaces
from rag.errors import StorageError
from workspaces import repository
from workspaces.database import SCHEMA_REVISION, Database
from workspaces.tables import metadata


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "data" / "footnote.db")
    database.open()
    yield database
    database.close()


def test_migrations_make_exactly_the_declared_tables(database):
    with database.read() as connection:
        found = inspect(connection)
        assert set(found.get_table_names()) == {*metadata.tables, "alembic_version"}
        for name, table in metadata.tables.items():
            assert {column["name"] for column in found.get_columns(name)} == {column.name for column in table.columns}


def test_durability_settings_are_in_force(database):
    with database.write() as connection:
        values = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}


def test_a_reader_cannot_write(database):
    with pytest.raises(StorageError, match="cannot be written"), database.read() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('a', '1')"))


def test_an_error_in_the_block_rolls_everything_back(database):
    def write_half() -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO settings VALUES ('a', '1')"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM settings")).scalar() == 0


def test_a_reader_sees_one_state_while_the_writer_goes_on(database):
    with database.read() as reader:
        before = reader.execute(text("SELECT count(*) FROM settings")).scalar()
        with database.write() as writer:
            writer.execute(text("INSERT INTO settings VALUES ('a', '1')"))
        assert reader.execute(text("SELECT count(*) FROM settings")).scalar() == before
    with database.read() as reader:
        assert reader.execute(text("SELECT count(*) FROM settings")).scalar() == before + 1


def test_writers_in_many_threads_lose_nothing(database):
    def write(thread: int) -> None:
        for number in range(20):
            with database.write() as connection:
                connection.execute(text("INSERT INTO settings VALUES (:key, '1')"), {"key": f"{thread}-{number}"})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM settings")).scalar() == 120


def test_a_damaged_file_is_told_and_not_overwritten(tmp_path):
    path = tmp_path / "footnote.db"
    path.write_bytes(b"this is not a database" * 500)
    with pytest.raises(StorageError, match="damaged"):
        Database(path).open()
    assert path.read_bytes().startswith(b"this is not a database")


def test_a_database_of_a_newer_version_is_refused(database):
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StorageError, match="newer version"):
        database.open()
    assert SCHEMA_REVISION < "9999"


def test_deleted_content_is_gone_from_every_file_after_compaction(database):
    canary = "canary-" + "0123456789" * 40
    with database.write() as connection:
        connection.execute(text("INSERT INTO settings VALUES ('canary', :value)"), {"value": f'"{canary}"'})
    files = list(database.path.parent.glob("footnote.db*"))
    assert any(canary.encode() in file.read_bytes() for file in files), "the control: it was written"
    with database.write() as connection:
        connection.execute(text("DELETE FROM settings"))
    database.compact()
    assert not any(canary.encode() in file.read_bytes() for file in database.path.parent.glob("footnote.db*"))


def test_a_foreign_lock_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("workspaces.database._BUSY_MILLISECONDS", 50)
    database = Database(tmp_path / "footnote.db")
    database.open()
    other = sqlite3.connect(tmp_path / "footnote.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"), database.write():
        pass
    other.execute("ROLLBACK")
    other.close()
    database.close()


def at_revision(path: Path, revision: str) -> None:
    """A database as an earlier Footnote left it, with a document."""
    path.touch(mode=0o600)
    config = Config()
    config.set_main_option("script_location", str(Path(workspaces.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        moment = "2026-01-01 00:00:00.000000"
        connection.execute(text("INSERT INTO originals VALUES (:sha, 4, :now)"), {"sha": "a" * 64, "now": moment})
        connection.execute(text("INSERT INTO workspaces VALUES ('w', 'W', 'w', 'hash', :now, NULL)"), {"now": moment})
        connection.execute(
            text("INSERT INTO documents VALUES ('d', 'w', 'v', 'Valves', 'file', 'valves.txt', :now, NULL)"),
            {"now": moment},
        )
        connection.execute(
            text(
                "INSERT INTO versions (id, document_id, number, sha256, media_type, size, state, attempt, cancelled,"
                " notes, language, page_count, character_count, chunk_count, parser, splitter, progress_done,"
                " progress_total, created_at, updated_at) VALUES ('v', 'd', 1, :sha, 'text/plain', 4, 'ready', 1, 0,"
                " '[]', 'en', 0, 4, 1, '', '', 0, 0, :now, :now)"
            ),
            {"sha": "a" * 64, "now": moment},
        )
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_a_database_of_an_earlier_version_is_brought_up_and_kept_beside_it_until_the_next_start(tmp_path, revision):
    path = tmp_path / "footnote.db"
    at_revision(path, revision)
    database = Database(path)
    database.open()
    with database.read() as connection:
        [record] = repository.list_documents(connection, "w")
        found = inspect(connection)
        for name, table in metadata.tables.items():
            assert {column["name"] for column in found.get_columns(name)} == {column.name for column in table.columns}
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    assert (record.title, record.state, record.number, record.pending) == ("Valves", "ready", 1, None)
    [copy] = tmp_path.glob("footnote.db.before-*")
    assert copy.name == f"footnote.db.before-{SCHEMA_REVISION}"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
        assert before.execute("SELECT title FROM documents").fetchone() == ("Valves",)
    database.close()
    database.open()
    assert list(tmp_path.glob("footnote.db.before-*")) == []
    database.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "footnote.db"
    at_revision(path, "0002")

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("alembic.operations.Operations.create_index", fail)
        with pytest.raises(StorageError, match="full"):
            Database(path).open()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
        assert "title_given" not in {row[1] for row in connection.execute("PRAGMA table_info(documents)")}
    database = Database(path)
    database.open()
    database.close()


def test_what_is_deleted_after_a_migration_is_not_left_in_the_copy(tmp_path):
    path = tmp_path / "footnote.db"
    at_revision(path, "0002")
    database = Database(path)
    database.open()
    assert list(tmp_path.glob("footnote.db.before-*")), "the control: there is one"
    database.compact()
    assert list(tmp_path.glob("footnote.db.before-*")) == []
    database.close()
