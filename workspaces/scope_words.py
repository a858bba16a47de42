"""What a scope leaves to be searched, in a person's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from rag.scope import Scope

T = TypeVar("T")

KIND_NAMES: Mapping[str, str] = {
    "pdf": "PDF",
    "office": "Office files",
    "document": "Text documents",
    "presentation": "Presentations",
    "spreadsheet": "Spreadsheets",
    "mail": "Mail",
    "web": "Web pages",
    "book": "E-books",
    "text": "Plain text",
    "picture": "Pictures",
    "code": "Source code",
    "data": "Data files",
    "archive": "Archives",
}
LANGUAGE_NAMES: Mapping[str, str] = {
    "ar": "Arabic", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fi": "Finnish", "fr": "French", "ga": "Irish", "hi": "Hindi",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian", "lt": "Lithuanian", "ne": "Nepali",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sr": "Serbian", "sv": "Swedish", "ta": "Tamil", "tr": "Turkish", "yi": "Yiddish",
}  # fmt: skip
GONE_DOCUMENT = "a deleted document"
GONE_WORKSPACE = "a deleted workspace"


def kind_name(kind: str) -> str:
    """What a person calls a kind of documents."""
    return KIND_NAMES.get(kind, kind)


def language_name(language: str) -> str:
    """ "German"."""
    return LANGUAGE_NAMES.get(language, language)


def parts(scope: Scope, titles: Mapping[str, str], spaces: Mapping[str, str]) -> Iterator[tuple[str, Scope]]:
    """Each condition in words, with the scope that is left without it.

    Args:
        scope: what was chosen.
        titles: of its documents, by id; one that is missing was deleted.
        spaces: names of the other workspaces, by id.
    """
    for name in scope.names:
        label = f"#{name.value}" if name.kind == "tag" else titles.get(name.value, GONE_DOCUMENT)
        yield label, replace(scope, names=_without(scope.names, name))
    for document in scope.documents:
        yield titles.get(document, GONE_DOCUMENT), replace(scope, documents=_without(scope.documents, document))
    for folder in scope.folders:
        yield f"folder {folder}", replace(scope, folders=_without(scope.folders, folder))
    for tag in scope.tags:
        yield f"#{tag}", replace(scope, tags=_without(scope.tags, tag))
    for kind in scope.kinds:
        yield kind_name(kind), replace(scope, kinds=_without(scope.kinds, kind))
    for language in scope.languages:
        yield f"in {language_name(language)}", replace(scope, languages=_without(scope.languages, language))
    if scope.since:
        yield f"dated {scope.since} or later", replace(scope, since="")
    if scope.until:
        yield f"dated {scope.until} or earlier", replace(scope, until="")
    for other in scope.also:
        yield f"also in {spaces.get(other, GONE_WORKSPACE)}", replace(scope, also=_without(scope.also, other))


def _without(values: tuple[T, ...], value: T) -> tuple[T, ...]:
    return tuple(item for item in values if item != value)
