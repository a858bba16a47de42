"""The database migrates, keeps one writer, and speaks for people."""

import sqlite3
import threading

import pytest
from sqlalchemy import inspect, text

from rag.errors import StorageError
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
