"""What all Office Open XML documents (ISO/IEC 29500) share: names, relationships, properties."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.loaders.packages import Package, resolve
from ingest.loaders.titles import clean
from rag.errors import DamagedSource

_PREFIXES = {  # both conformance classes: Transitional, which everyone writes, and Strict
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/presentationml/2006/main": "p",
    "http://purl.oclc.org/ooxml/presentationml/main": "p",
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "c",
    "http://purl.oclc.org/ooxml/drawingml/chart": "c",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
    "urn:schemas-microsoft-com:vml": "v",
}
_OFF = frozenset({"0", "false", "off"})
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)T?")
_LONGEST = 200
_TOLD = 20
"""Files inside that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Relationship:
    """Where a part points; `target` is a member's name, or an address outside if `external`. It is never fetched."""

    kind: str
    """The last word of its type: "styles", "hyperlink"."""
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class Properties:
    """What the file says of itself; "" and None where it says nothing."""

    title: str = ""
    author: str | None = None
    date: str | None = None


class Names:
    """Short names of tags and attributes ("w:p"); remembers them, because a document has few and many of each."""

    def __init__(self, prefixes: Mapping[str, str] = _PREFIXES) -> None:
        self._prefixes = prefixes
        self._short: dict[str, str] = {}

    def __call__(self, tag: str) -> str:
        """Prefix and local name; without a prefix where the namespace is not one of ours."""
        short = self._short.get(tag)
        if short is None:
            namespace, _, local = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
            prefix = self._prefixes.get(namespace, "")
            short = self._short[tag] = f"{prefix}:{local}" if prefix else local
        return short


def value(attributes: Mapping[str, str], name: str = "val") -> str | None:
    """An attribute by its local name, whatever its namespace."""
    for key, found in attributes.items():
        if key == name or key.endswith("}" + name):
            return str(found)
    return None


def switched_on(attributes: Mapping[str, str]) -> bool:
    """Value of an on-off property: its mere presence means on (17.17.4)."""
    return (value(attributes) or "1").lower() not in _OFF


def number(text: str | None, default: int | None = None) -> int | None:
    """A whole number of sane length, else `default`."""
    if text is None or len(text) > 12:
        return default
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return default


def children(element: Any, *names: str) -> Iterator[Any]:
    """Child elements of these local names."""
    for child in element:
        if str(child.tag).rpartition("}")[2] in names:
            yield child


def child(element: Any, *path: str) -> Any | None:
    """The first element down a path of local names."""
    for name in path:
        element = next(children(element, name), None)
        if element is None:
            return None
    return element


def relationships(package: Package, part: str) -> dict[str, Relationship]:
    """Relationships of a part by their id; of the package as a whole for ""."""
    folder, _, name = part.rpartition("/")
    source = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    found: dict[str, Relationship] = {}
    if source not in package:
        return found
    for entry in package.tree(source):
        target, external = entry.get("Target") or "", entry.get("TargetMode") == "External"
        kind = (entry.get("Type") or "").rpartition("/")[2]
        found[entry.get("Id") or ""] = Relationship(kind, target if external else resolve(part, target), external)
    return found


def related(relations: Mapping[str, Relationship], kind: str, package: Package) -> str | None:
    """Name of the member that the first relationship of a kind leads to, if it is there."""
    for relation in relations.values():
        if relation.kind == kind and not relation.external and relation.target in package:
            return relation.target
    return None


def main_part(package: Package, usual: str) -> str:
    """Name of the part that holds the document itself.

    Raises:
        DamagedSource: there is none.
    """
    name = related(relationships(package, ""), "officeDocument", package) or usual
    if name not in package:
        raise DamagedSource(
            "It is not a document of this kind: the part that holds the text is missing.",
            hint="Open it in the program it comes from, save it again and add that.",
        )
    return name


def properties(package: Package) -> Properties:
    """Title, author and day of the last change."""
    name = related(relationships(package, ""), "core-properties", package) or "docProps/core.xml"
    if name not in package:
        return Properties()
    found = {str(entry.tag).rpartition("}")[2]: clean(entry.text or "")[:_LONGEST] for entry in package.tree(name)}
    day = _DAY.match(found.get("modified", "")) or _DAY.match(found.get("created", ""))
    return Properties(found.get("title", ""), found.get("creator") or None, day.group(1) if day else None)


def embedded_files(package: Package) -> list[str]:
    """Sentences about the files that lie inside, each with why it is not read."""
    names = [name.rpartition("/")[2] for name in package.names if "/embeddings/" in name]
    told = [f"{clean(name)[:_LONGEST]}: a file inside the document, not read" for name in names[:_TOLD]]
    more = len(names) - _TOLD
    return [*told, f"{more:,} more files inside the document, not read"] if more > 0 else told
