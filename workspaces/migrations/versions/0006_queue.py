"""The queue: pauses, turns and tries."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("paused_at", sa.DateTime(), nullable=True))
    op.add_column("versions", sa.Column("batch", sa.String(length=36), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("versions", sa.Column("next_try_at", sa.DateTime(), nullable=True))
    op.drop_index(op.f("ix_documents_live"), table_name="documents")
    op.create_index(
        op.f("ix_documents_listed"), "documents", ["workspace_id", "deleted_at", "created_at", "id"], unique=False
    )
