"""Sections of the web, and what a fetch says of a page."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("page_limit", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("problem_code", sa.String(length=40), nullable=True),
        sa.Column("problem_message", sa.Text(), nullable=True),
        sa.Column("problem_hint", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("crawled_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_sites_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_index(op.f("ix_sites_workspace_id"), "sites", ["workspace_id"], unique=False)
    op.create_index(op.f("ix_sites_state"), "sites", ["state"], unique=False)
    op.create_table(
        "site_pages",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_site_pages_site_id")),
        sa.PrimaryKeyConstraint("site_id", "url", name=op.f("pk_site_pages")),
    )
    op.create_index(op.f("ix_site_pages_document_id"), "site_pages", ["document_id"], unique=False)
    op.add_column("documents", sa.Column("site_id", sa.String(length=36), nullable=True))
    op.create_index(op.f("ix_documents_site_id"), "documents", ["site_id"], unique=False)
    for name in ("final_url", "etag", "last_modified"):
        op.add_column("versions", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("versions", sa.Column("checked_at", sa.DateTime(), nullable=True))
    op.add_column("versions", sa.Column("gone_at", sa.DateTime(), nullable=True))
