"""Whether the answers of a workspace may add general knowledge."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("mode", sa.String(length=10), nullable=False, server_default="strict"))
