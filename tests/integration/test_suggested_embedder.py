"""Another embedder is suggested where the present one does not know the language of many documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import EmbedderUnavailable, NotFound
from rag.protocols import Embedder
from rag.testing import HashEmbedder
from tests.support.services import add, opened, settled
from workspaces.adapters import MULTILINGUAL
from workspaces.bootstrap import Services
from workspaces.settings import Settings

GERMAN = (
    "Die Kaution wird nach dem Auszug zurückgezahlt, wenn die Wohnung nicht beschädigt ist und der Mieter das sagt."
)
ENGLISH = "The deposit is paid back after the tenant has moved out, and when the flat is not damaged by what he did."


class Speaking(HashEmbedder):
    def __init__(self, *languages: str) -> None:
        super().__init__()
        self._known = frozenset(languages)

    @property
    def name(self) -> str:
        return f"speaking-{'-'.join(sorted(self._known))}"

    @property
    def languages(self) -> frozenset[str]:
        return self._known


def two(settings: Settings) -> Embedder:
    return Speaking("en", "de", "fr") if settings.embedder == MULTILINGUAL else Speaking("en")


def one(settings: Settings) -> Embedder:
    if settings.embedder == MULTILINGUAL:
        raise EmbedderUnavailable("The multilingual embedder is not installed.", hint="Run `make setup`.")
    return Speaking("en")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with opened(tmp_path / "data", embedder=two) as made:
        yield made


def filled(services: Services, *texts: str) -> str:
    workspace = services.library.create_workspace("Leases").id
    made = (add(services, workspace, f"{text} {number}.", f"{number}.txt") for number, text in enumerate(texts))
    settled(services, *made)
    return workspace


def test_german_documents_call_for_an_embedder_that_knows_german(services: Services) -> None:
    suggestion = services.reindexing.better(filled(services, GERMAN, GERMAN, ENGLISH))
    assert suggestion is not None
    assert (suggestion.embedder_key, suggestion.languages, suggestion.documents) == (MULTILINGUAL, ("de",), 2)


def test_english_documents_and_a_few_others_do_not(services: Services) -> None:
    assert services.reindexing.better(filled(services, *[ENGLISH] * 5, GERMAN)) is None
    assert services.reindexing.better(services.library.create_workspace("Empty").id) is None


def test_what_a_person_decided_stands_until_the_embedder_changes(services: Services) -> None:
    workspace = filled(services, GERMAN)
    services.reindexing.keep(workspace)
    assert services.reindexing.better(workspace) is None
    with pytest.raises(NotFound):
        services.reindexing.keep("nowhere")


def test_nothing_is_suggested_once_it_is_being_built_or_in_use(services: Services) -> None:
    workspace = filled(services, GERMAN)
    services.reindexing.reindex(workspace, embedder_key=MULTILINGUAL)
    assert services.reindexing.better(workspace) is None


def test_nothing_is_suggested_that_is_not_installed(tmp_path: Path) -> None:
    with opened(tmp_path / "data", embedder=one) as services:
        assert services.reindexing.better(filled(services, GERMAN)) is None
