"""YAML as it stands, a block for each key of the outermost level; never parsed, so its tags and aliases do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.loaders.source import Source, SourceLoader, cut

_OUTER = re.compile(r"^(?:[^\s#\]}].*|#.*)$", re.MULTILINE)


class YamlLoader(SourceLoader):
    """Reads YAML."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        return Source(text, cut(text, _starts(text)))


def _starts(text: str) -> Iterator[int]:
    """Where the entries of the outermost level begin; a comment belongs to the entry below it."""
    comment = -1
    end = -1
    for match in _OUTER.finditer(text):
        below = match.start() == end + 1
        end = match.end()
        if match.group().startswith("#"):
            comment = comment if comment >= 0 and below else match.start()
            continue
        yield comment if comment >= 0 and below else match.start()
        comment = -1
