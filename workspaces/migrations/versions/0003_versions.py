"""Newer versions of documents, and readable copies of locked ones."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("documents", sa.Column("title_given", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("versions", sa.Column("title", sa.Text(), nullable=False, server_default=""))
    # as text: Alembic adds a foreign key to an SQLite table by copying all of it
    op.execute("ALTER TABLE versions ADD COLUMN readable_sha256 VARCHAR(64) REFERENCES originals (sha256)")
    op.create_index(op.f("ix_versions_readable_sha256"), "versions", ["readable_sha256"], unique=False)
