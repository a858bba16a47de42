"""A workspace's test: its questions, its runs and their results; and thumbs on answers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("turns", sa.Column("rating", sa.String(length=4), nullable=True))
    _create_questions()
    _create_runs()
    _create_results()


def _create_questions() -> None:
    op.create_table(
        "trial_questions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answerable", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=True),
        sa.Column("turn_id", sa.String(length=36), nullable=True),
        *_expected(),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_trial_questions_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial_questions")),
    )
    for column in ("workspace_id", "source_id", "document_id"):
        op.create_index(op.f(f"ix_trial_questions_{column}"), "trial_questions", [column], unique=False)


def _create_runs() -> None:
    op.create_table(
        "trial_runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("answers", sa.Boolean(), nullable=False),
        sa.Column("model_key", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=True),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("source_tokens", sa.Integer(), nullable=False),
        sa.Column("index_id", sa.String(length=36), nullable=False),
        sa.Column("embedder", sa.String(length=200), nullable=False),
        sa.Column("splitter", sa.String(length=200), nullable=False),
        sa.Column("problem_code", sa.String(length=40), nullable=True),
        sa.Column("problem_message", sa.Text(), nullable=True),
        sa.Column("problem_hint", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_trial_runs_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial_runs")),
    )
    op.create_index(op.f("ix_trial_runs_workspace_id"), "trial_runs", ["workspace_id"], unique=False)


def _create_results() -> None:
    op.create_table(
        "trial_results",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("question_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answerable", sa.Boolean(), nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=True),
        *_expected(),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["trial_runs.id"], name=op.f("fk_trial_results_run_id")),
        sa.PrimaryKeyConstraint("run_id", "question_id", name=op.f("pk_trial_results")),
    )
    for column in ("source_id", "document_id"):
        op.create_index(op.f(f"ix_trial_results_{column}"), "trial_results", [column], unique=False)
    op.create_table(
        "trial_passages",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("question_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("page_label", sa.String(length=40), nullable=True),
        sa.Column("locator", sa.JSON(), nullable=True),
        sa.Column("expected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "question_id", "role", "number", name=op.f("pk_trial_passages")),
    )
    op.create_index(op.f("ix_trial_passages_document_id"), "trial_passages", ["document_id"], unique=False)


def _expected() -> list[sa.Column[object]]:
    return [
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.Column("version_id", sa.String(length=36), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("end", sa.Integer(), nullable=True),
    ]
