"""What was recognised in pictures (OCR), so that no page is recognised twice."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "recognitions",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("picture", sa.String(length=64), nullable=False),
        sa.Column("reading", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_recognitions_version_id")),
        sa.PrimaryKeyConstraint("version_id", "picture", name=op.f("pk_recognitions")),
    )
