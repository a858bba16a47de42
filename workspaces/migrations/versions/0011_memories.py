"""What is remembered of a version's pages, so that a newer version keeps those that stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "memories",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_memories_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_memories")),
    )
