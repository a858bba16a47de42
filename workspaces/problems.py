"""Why something failed, as columns: versions, sections and turns keep it in the same three."""

from __future__ import annotations

from rag.errors import FootnoteError
from workspaces.models import Problem

NO_PROBLEM: dict[str, str | None] = {"problem_code": None, "problem_message": None, "problem_hint": None}
"""Column values of what has not failed."""


def problem_values(problem: Problem | FootnoteError) -> dict[str, str]:
    """Column values of a problem."""
    return {"problem_code": problem.code, "problem_message": problem.message, "problem_hint": problem.hint}


def problem_of(code: str | None, message: str | None, hint: str | None) -> Problem | None:
    """The problem in three columns; None where there is none."""
    return None if code is None else Problem(code, message or "", hint or "")
