"""Receipts: what stood behind each answer."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("turns", sa.Column("searched", sa.Text(), nullable=True))
    op.add_column("turns", sa.Column("repeats", sa.String(length=36), nullable=True))
    op.add_column("turns", sa.Column("warning", sa.Text(), nullable=True))
    op.create_table(
        "receipts",
        sa.Column("turn_id", sa.String(length=36), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_receipts_turn_id")),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_receipts")),
    )
