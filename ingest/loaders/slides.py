"""In which order a person reads what stands on a slide, and what of it lies beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.loaders.flow import Flow

_BANDS = 24
"""Shapes whose upper edges lie in the same of so many bands of the slide are read from left to right."""


@dataclass(slots=True)
class Shape:
    """What one shape says and where it stands; lengths in any unit, the same as the slide's."""

    flow: Flow = field(default_factory=Flow)
    title: bool = False
    box: tuple[float, float, float, float] | None = None
    """Left, top, width, height."""
    hidden: bool = False

    def beside(self, width: float, height: float) -> bool:
        """Whether all of it lies off a slide of this size."""
        if self.box is None or not width or not height:
            return False
        left, top, wide, high = self.box
        return left + wide < 0 or top + high < 0 or left >= width or top >= height


def tell(flow: Flow, shapes: Sequence[Shape], *, number: int, width: float, height: float) -> str:
    """Write a slide into a flow as its next place: the title, then the rest in the order of reading; gives the title.

    What is hidden or lies beside the slide is counted as hidden.
    """
    seen: list[Shape] = []
    unseen: list[Shape] = []
    for shape in shapes:
        (unseen if shape.hidden or shape.beside(width, height) else seen).append(shape)
    title = next((" ".join(shape.flow.text.split()) for shape in seen if shape.title and shape.flow.text), "")
    flow.begin_place("slide", title, number)
    if title:
        flow.heading(title, 1)
    titled = False
    for shape in sorted(seen, key=lambda shape: _reading_order(shape, height)):
        if shape.title and not titled and shape.flow.text:
            titled = True
            flow.absorb_hidden(shape.flow)
        else:
            flow.absorb(shape.flow)
    for shape in unseen:
        flow.hide(shape.flow.text)
        flow.absorb_hidden(shape.flow)
    return title


def hidden_slides(numbers: Sequence[int]) -> list[str]:
    """A warning that names the slides that are not shown when the presentation is given."""
    if not numbers:
        return []
    named = ", ".join(map(str, numbers[:20])) + (" and more" if len(numbers) > 20 else "")
    return [f"Hidden when the presentation is shown, but read: slide{'s' if len(numbers) > 1 else ''} {named}"]


def _reading_order(shape: Shape, height: float) -> tuple[bool, float, float]:
    if shape.box is None:
        return not shape.title, float("inf"), 0.0
    left, top = shape.box[:2]
    return not shape.title, top // (height / _BANDS) if height else top, left
