"""Files inside a file: which of them are handed on to become documents, and what is said of the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ingest import loaders, media
from ingest.loaders.titles import clean
from ingest.protocols import Embedded
from rag.errors import SourceError
from rag.types import Report

_LONGEST_PATH = 400
_LONGEST_REPORT = 50
"""Lines about files that were left out."""
_DRIVE = re.compile(r"[A-Za-z]:$")


class Inside:
    """Keeps account of the files inside one file."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}  # label → how many files wanted it
        self._left: dict[tuple[str, str], list[str]] = {}  # (ending, reason) → paths
        self._remarks: dict[str, int] = {}
        self.left = 0
        """How many files were left out that a person may miss."""

    @property
    def offered(self) -> int:
        """How many files were handed on."""
        return len(self._taken)

    def offer(self, path: str, data: bytes) -> Iterator[Embedded]:
        """The file, if Footnote reads its kind; else why not is noted."""
        label = label_of(path)
        reason = refusal(label, data)
        if reason:
            self.leave(label, reason)
            return
        yield Embedded(self._unique(label), data)

    def leave(self, path: str, reason: str) -> None:
        """Note that a file is left out, and why: a person may miss it."""
        label = label_of(path)
        self._left.setdefault((PurePosixPath(label).suffix.lower(), reason), []).append(label)
        self.left += 1

    def pass_over(self, what: str) -> None:
        """Count something that nobody misses (a signature, a logo, a system file)."""
        self._remarks[what] = self._remarks.get(what, 0) + 1

    def report(self) -> Report:
        """What the report of the file that holds them says of them."""
        return Report(embedded=self.offered, skipped=tuple(self._lines()))

    def notes(self) -> tuple[str, ...]:
        """What a person should know at a glance."""
        if not self.left:
            return ()
        return (f"{self.left:,} file{'s' if self.left > 1 else ''} inside cannot be read",)

    def kinds(self) -> str:
        """What was left out, in a few words."""
        return "; ".join(list(self._lines())[:5])

    def _lines(self) -> Iterator[str]:
        groups = list(self._left.items())
        for (ending, reason), paths in groups[:_LONGEST_REPORT]:
            name = paths[0] if len(paths) == 1 else f"{len(paths):,} × {ending or 'no ending'}"
            yield f"{name}: {reason}"
        more = sum(len(paths) for _, paths in groups[_LONGEST_REPORT:])
        if more:
            yield f"{more:,} more files of other kinds"
        for what, count in self._remarks.items():
            yield f"{count:,} × {what}"

    def _unique(self, label: str) -> str:
        """The label, with a number where another file has it."""
        place, unique = PurePosixPath(label), label
        while unique in self._taken:
            self._taken[label] += 1
            unique = str(place.with_name(f"{place.stem} ({self._taken[label]}){place.suffix}"))
        self._taken[unique] = 1
        return unique


def refusal(label: str, data: bytes) -> str:
    """Why Footnote does not read a file of this name and content, "" if it does."""
    try:
        media_type = media.detect(data[: media.HEAD_BYTES], label)
    except SourceError as error:
        return error.message.rstrip(".").lower() if error.code == "empty" else error.message.rstrip(".")
    return "" if media_type in loaders.READABLE else "Files of this kind are not supported"


def label_of(path: str) -> str:
    """A path inside a file as a label: relative, with "/", without "..", drives and what cannot be seen."""
    parts = [clean(part) for part in path.replace("\\", "/").split("/")]
    kept = [part for part in parts if part and part not in (".", "..") and not _DRIVE.match(part)]
    label = "/".join(kept)
    if len(label) > _LONGEST_PATH:
        place = PurePosixPath(label)
        label = label[: _LONGEST_PATH - len(place.suffix[:10]) - 1] + "…" + place.suffix[:10]
    return label or "unnamed"
