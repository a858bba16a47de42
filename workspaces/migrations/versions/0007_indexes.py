"""Search indexes with a fingerprint, several a workspace.

The index of an existing workspace gets the workspace's id, so that its word table and its collection keep their names.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "indexes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("embedder", sa.String(length=200), nullable=False),
        sa.Column("embedder_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("dimension", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("splitter", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("paused", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("progress_done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("progress_total", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("seconds_left", sa.Float(), nullable=True),
        sa.Column("problem_code", sa.String(length=40), nullable=True),
        sa.Column("problem_message", sa.Text(), nullable=True),
        sa.Column("problem_hint", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=True),
        sa.Column("served_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_indexes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indexes")),
    )
    op.create_index(op.f("ix_indexes_workspace_id"), "indexes", ["workspace_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("index_id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"], name=op.f("fk_entries_index_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_entries_version_id")),
        sa.PrimaryKeyConstraint("index_id", "version_id", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_version_id"), "entries", ["version_id"], unique=False)
    _take_over_indexes()
    _key_chunks()
    # as text: Alembic changes a column of an SQLite table by copying all of it
    op.execute("ALTER TABLE workspaces ADD COLUMN index_id VARCHAR(36) NOT NULL DEFAULT ''")
    op.execute("UPDATE workspaces SET index_id = id")
    op.execute("ALTER TABLE workspaces DROP COLUMN embedder")
    op.execute("ALTER TABLE versions DROP COLUMN splitter")


def _take_over_indexes() -> None:
    """One index a workspace; its splitter is known where all its documents were cut by the same one."""
    op.execute(
        """
        INSERT INTO indexes (id, workspace_id, embedder, dimension, splitter, state, created_at, served_at)
        SELECT id, id, embedder,
            coalesce((SELECT length(vector) / 4 FROM embeddings
                      WHERE embeddings.embedder = workspaces.embedder LIMIT 1), 0),
            coalesce((SELECT CASE WHEN count(DISTINCT splitter) = 1 THEN max(splitter) ELSE '' END
                      FROM versions JOIN documents ON documents.id = versions.document_id
                      WHERE documents.workspace_id = workspaces.id AND splitter != ''
                      AND versions.id IN (SELECT version_id FROM chunks)), ''),
            'current', created_at, created_at
        FROM workspaces
        """
    )
    op.execute(
        """
        INSERT INTO entries (index_id, version_id, chunk_count)
        SELECT documents.workspace_id, versions.id, versions.chunk_count
        FROM versions JOIN documents ON documents.id = versions.document_id
        WHERE versions.state = 'ready'
        """
    )


def _key_chunks() -> None:
    """A new table, because a constraint changes; rowids stay, for the words are stored by them."""
    columns = 'rowid, id, version_id, ordinal, start, "end", page, heading_path, places, header, text, embedding_hash'
    op.rename_table("chunks", "chunks_before")
    op.execute("DROP INDEX ix_chunks_embedding_hash")
    op.create_table(
        "chunks",
        sa.Column("rowid", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("index_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("heading_path", sa.JSON(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("header", sa.Text(), nullable=False, server_default=""),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("embedding_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["index_id"], ["indexes.id"], name=op.f("fk_chunks_index_id")),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_chunks_version_id")),
        sa.PrimaryKeyConstraint("rowid", name=op.f("pk_chunks")),
        sa.UniqueConstraint("id", name=op.f("uq_chunks_id")),
        sa.UniqueConstraint("version_id", "index_id", "ordinal", name=op.f("uq_chunks_version_id")),
    )
    op.execute(
        f"""
        INSERT INTO chunks ({columns}, index_id)
        SELECT {", ".join("chunks_before." + name.strip() for name in columns.split(","))}, documents.workspace_id
        FROM chunks_before
        JOIN versions ON versions.id = chunks_before.version_id
        JOIN documents ON documents.id = versions.document_id
        """  # noqa: S608  # constants of this file
    )
    op.execute("DROP TABLE chunks_before")
    op.create_index(op.f("ix_chunks_embedding_hash"), "chunks", ["embedding_hash"], unique=False)
