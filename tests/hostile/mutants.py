"""Good files of every format, torn at many places, with bytes changed, and under another format's name. Seeded."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from tests.hostile import Hostile

FAMILY = "mutants"
PARTS = 8
CHANGES = 6


def files(samples: Mapping[str, bytes], endings: Mapping[str, str]) -> Iterator[Hostile]:
    """All of them.

    Args:
        samples: a good file of each media type.
        endings: media type → an ending that names it.
    """
    for media_type, data in sorted(samples.items()):
        ending = endings[media_type]
        for part in range(1, PARTS):
            yield Hostile(FAMILY, f"torn at {part} of {PARTS}{ending}", data[: len(data) * part // PARTS])
        for seed in range(CHANGES):
            yield Hostile(FAMILY, f"changed {seed}{ending}", changed(data, seed=f"{seed}{ending}"))
    types = sorted(samples)
    for place, media_type in enumerate(types):
        other = types[(place + 1) % len(types)]
        yield Hostile(FAMILY, f"really {endings[media_type][1:]}{endings[other]}", samples[media_type])


def changed(data: bytes, *, seed: str) -> bytes:
    """The file with some bytes set to others, some runs of bytes gone and some doubled."""
    generator = random.Random(seed)
    found = bytearray(data)
    for _ in range(max(1, len(found) // 200)):
        at = generator.randrange(len(found))
        match generator.randrange(4):
            case 0:
                del found[at : at + generator.randrange(1, 20)]
            case 1:
                found[at:at] = found[at : at + generator.randrange(1, 20)]
            case _:
                found[at] = generator.randrange(256)
        if not found:
            found = bytearray(b"x")
    return bytes(found)
