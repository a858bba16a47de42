"""Places, reports and files inside files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "members",
        sa.Column("container_id", sa.String(length=36), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["container_id"], ["documents.id"], name=op.f("fk_members_container_id")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_members_document_id")),
        sa.PrimaryKeyConstraint("container_id", "path", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_document_id"), "members", ["document_id"], unique=False)
    op.add_column("versions", sa.Column("report", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("texts", sa.Column("places", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("chunks", sa.Column("places", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("chunks", sa.Column("header", sa.Text(), nullable=False, server_default=""))
    op.add_column("turn_passages", sa.Column("locator", sa.JSON(), nullable=True))
