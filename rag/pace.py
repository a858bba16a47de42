"""How fast a chat model reads on this machine, and so how much it is given: the first word is to come in time.

Reading is what a person waits for on a processor: a model of 1.5 billion parameters reads 40 to 60 tokens a second on
two cores, hundreds on a graphics card. The speed is taken from the answers themselves: what stands in the last message
(the sources are new each time, while the rest may come from the model's cache), by the time to the first word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from statistics import median

FIRST_WORD_SECONDS = 15.0
ASSUMED = 60.0
"""Tokens a second, of a model that has not answered yet."""
_KEPT = 5
"""Answers whose median counts: one that waited for the weights to be loaded, or for another program, does not."""
_FEWEST = 100
"""Tokens from which the time says something about reading."""


class ReadingPace:
    """Thread-safe."""

    def __init__(
        self,
        *,
        seconds: float = FIRST_WORD_SECONDS,
        known: Mapping[str, Sequence[float]] | None = None,
        keep: Callable[[dict[str, list[float]]], None] = lambda speeds: None,
    ) -> None:
        """`seconds` until the first word; `known` speeds by the name of the model, tokens a second, the newest last;
        `keep` gets all of them after each answer."""
        self.seconds = seconds
        self._speeds = {name: list(speeds) for name, speeds in (known or {}).items()}
        self._keep = keep
        self._lock = threading.Lock()

    def speed(self, model: str) -> float | None:
        """Tokens a second; None where the model has not answered yet."""
        with self._lock:
            speeds = self._speeds.get(model)
            return median(speeds) if speeds else None

    def prompt_tokens(self, model: str) -> int:
        """The longest prompt whose first word is to be expected in time."""
        return int((self.speed(model) or ASSUMED) * self.seconds)

    def note(self, model: str, *, tokens: int, seconds: float) -> None:
        """A model has read `tokens` new ones in `seconds`."""
        if tokens < _FEWEST or seconds <= 0:
            return
        with self._lock:
            self._speeds[model] = [*self._speeds.get(model, ()), round(tokens / seconds, 1)][-_KEPT:]
            speeds = {name: list(each) for name, each in self._speeds.items()}
        self._keep(speeds)
