"""Alembic's environment: runs on the connection that workspaces.database hands over."""

from alembic import context
from sqlalchemy.schema import SchemaItem

from workspaces.tables import metadata


def include_object(_item: SchemaItem, name: str | None, type_: str, _reflected: bool, _compared: object) -> bool:
    """FTS5 tables and their shadows are made per workspace by workspaces/lexical.py, not by migrations."""
    return not (type_ == "table" and name is not None and name.startswith("fts_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=include_object,
    render_as_batch=True,
)
context.run_migrations()
