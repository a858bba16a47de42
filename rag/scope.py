"""Where a question looks: a value that a person chooses, by what a document is and not by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rag.types import Language

Within = frozenset[str]
"""Ids of the document versions that a search may return; everything else does not exist for it."""

NamedKind = Literal["document", "tag"]


@dataclass(frozen=True, slots=True)
class Name:
    """What an `@name` in a question means."""

    kind: NamedKind
    value: str
    """Id of the document, or the tag."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter: a document has to fit each kind of condition that is set, and any one value of it."""

    documents: tuple[str, ...] = ()
    """Ids; what lies inside a document goes with it."""
    folders: tuple[str, ...] = ()
    """Watched folders or folders inside archives, whole or by the names at any depth ("letters/2023")."""
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """What a person calls a type of file: `workspaces.kinds`."""
    languages: tuple[Language, ...] = ()
    since: str = ""
    """First day of the document's own date, "2023-05-31"; "" is no bound. A document without a date is left out."""
    until: str = ""
    """Last day."""
    names: tuple[Name, ...] = ()
    """From `@name` in the question; while there are any, they stand in the place of `documents`."""
    also: tuple[str, ...] = ()
    """Ids of other workspaces that are searched as well."""

    @property
    def filtered(self) -> bool:
        """Whether it leaves out documents of the workspaces that are searched."""
        kinds = (self.documents, self.folders, self.tags, self.kinds, self.languages, self.names)
        return any(kinds) or bool(self.since or self.until)


EVERYTHING = Scope()
"""All of the workspace in which it is asked."""
