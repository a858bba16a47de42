from __future__ import annotations

from rag.digest_prompts import Noted, build_reduction
from rag.prompts import Budget, Prompt
from rag.tasks import Task

NOTES = [
    Noted(f"Hall {hall}", tuple(f"Hall {hall} has {door} doors." for door in range(1, 1 + hall))) for hall in (2, 4, 8)
]
"""Two, four and eight notes of five words."""


def reduction(answer: int) -> Prompt:
    return build_reduction(
        "Summarise it",
        task=Task("summary", "en"),
        notes=NOTES,
        count_tokens=lambda text: len(text.split()),
        budget=Budget(4096, answer=answer),
    )


def notes_in(prompt: Prompt) -> list[int]:
    return [part.text.count("\n- ") for part in prompt.parts if part.kind == "notes"]


def test_all_notes_are_put_together_where_they_fit() -> None:
    prompt = reduction(160)
    assert notes_in(prompt) == [2, 4, 8]
    assert prompt.left_out is None


def test_of_too_many_notes_each_part_gives_its_first_and_that_is_told() -> None:
    prompt = reduction(64)
    assert sum(part.tokens for part in prompt.parts if part.kind == "notes") <= 80
    assert notes_in(prompt) == [2, 4, 4]
    assert "Hall 8 has 1 doors." in prompt.parts[3].text
    assert prompt.left_out == "Of 14 notes the first of each part, 10, were put together."
