"""What a person chose in the user interface, kept in the `settings` table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from workspaces.database import Database
from workspaces.tables import settings


class Preferences:
    """A small durable dictionary of JSON values."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._database.read() as connection:
            return connection.execute(select(settings.c.value).where(settings.c.key == key)).scalar_one_or_none()

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        with self._database.write() as connection:
            statement = insert(settings).values(key=key, value=value)
            connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
