"""Several workspaces searched by one question: one pool, one measure, and no more of them than were named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.errors import InvalidInput
from rag.protocols import Embedder
from rag.scope import Scope
from rag.testing import HashEmbedder
from rag.types import Vector
from tests.integration.test_scope_commands import run
from tests.support.services import add, files_holding, opened, settled, wait_until
from workspaces import together
from workspaces.bootstrap import Services
from workspaces.models import Turn
from workspaces.settings import Settings
from workspaces.together import Place, _Words

RENT = "The rent of the harbour office is 900 euros a month."
BERTH = "The rent of the berth in the harbour is 40 euros a month."
FILLERS = [f"Protocol {n} of the sports club meeting about balls, nets and shoes." for n in range(12)]


class Warm(HashEmbedder):
    """Finds everything alike: all its cosines are high."""

    def __init__(self) -> None:
        super().__init__(dimension=64, name="warm")

    def _embed(self, words: list[str]) -> Vector:
        found = super()._embed(words) + np.full(64, 0.4, dtype=np.float32)
        return (found / np.linalg.norm(found)).astype(np.float32)


def embedder(settings: Settings) -> Embedder:
    return Warm() if settings.embedder == "warm" else HashEmbedder()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with opened(Path(tmp_path_factory.mktemp("together")) / "data", embedder=embedder) as services:
        ids = {}
        for name, texts in {"House": [RENT, *FILLERS], "Boat": [BERTH, *FILLERS], "Secret": [RENT + " Hush."]}.items():
            home = services.library.create_workspace(name).id
            sources = [f"{name}-{number}.txt" for number in range(len(texts))]
            ids[name] = [add(services, home, text, source) for text, source in zip(texts, sources, strict=True)]
        settled(services, *(id_ for some in ids.values() for id_ in some))
        yield services


def spaces(services: Services, *names: str) -> tuple[str, ...]:
    return tuple(services.library.workspace(name).id for name in names)


def sources(services: Services, question: str, *, scope: Scope, limit: int = 2) -> list[str]:
    found = services.library.search(services.library.workspace("House").id, question, limit=limit, scope=scope)
    return [services.library.document(passage.document_id).source for passage in found.passages]


def test_the_best_of_all_come_first_whatever_workspace_they_stand_in(services: Services) -> None:
    both = Scope(also=spaces(services, "Boat"))
    assert sources(services, "How high is the rent of the berth?", scope=both)[0] == "Boat-0.txt"
    assert sources(services, "How high is the rent of the office?", scope=both)[0] == "House-0.txt"
    assert set(sources(services, "What is the rent in the harbour?", scope=both)) == {"House-0.txt", "Boat-0.txt"}
    assert sources(services, "How high is the rent of the berth?", scope=Scope())[0] == "House-0.txt", "the control"


def test_what_is_not_named_is_not_searched(services: Services) -> None:
    both = Scope(also=spaces(services, "Boat"))
    found = sources(services, "How high is the rent of the office? Hush", scope=both, limit=40)
    assert not any(source.startswith("Secret") for source in found)
    assert len(found) == 14, "what both say word for word is shown once"
    every = Scope(also=spaces(services, "Boat", "Secret"))
    assert "Secret-0.txt" in sources(services, "How high is the rent of the office? Hush", scope=every), "the control"


def test_a_filter_holds_in_each_of_them(services: Services) -> None:
    [secret] = services.library.documents("Secret")
    also = spaces(services, "Boat")
    assert sources(services, "How high is the rent?", scope=Scope(documents=(secret.id,), also=also)) == []
    with_it = Scope(documents=(secret.id,), also=spaces(services, "Secret"))
    assert sources(services, "How high is the rent?", scope=with_it) == ["Secret-0.txt"], "the control"


def asked(services: Services, question: str, scope: Scope) -> Turn:
    chat = services.conversations.create(services.library.workspace("House").id)
    turn = services.conversations.ask(chat.id, question, scope=scope)
    return services.conversations.wait(turn.id, timeout=60)


@pytest.fixture
def without_model(services: Services) -> None:
    services.chat_models.choose("none")


@pytest.mark.usefixtures("without_model")
def test_an_answer_cites_each_and_its_footnotes_open_where_they_stand(services: Services) -> None:
    turn = asked(services, "What is the rent in the harbour?", Scope(also=spaces(services, "Boat")))
    assert turn.state == "answered"
    by_source = {services.library.document(note.document_id).source: note for note in turn.citations}
    assert {"House-0.txt", "Boat-0.txt"} <= set(by_source)
    note = by_source["Boat-0.txt"]
    assert turn.elsewhere[note.document_id] == "Boat"
    assert by_source["House-0.txt"].document_id not in turn.elsewhere
    view = services.viewer.passage(note.version_id, note.span)
    assert view.quote == note.quote
    assert view.document.workspace_id == services.library.workspace("Boat").id
    assert services.receipts.get(turn.id).limited_to == turn.limited_to == ("also in Boat",)
    again = services.conversations.wait(services.conversations.repeat(turn.id).id, timeout=60)
    assert (again.scope, [note.quote for note in again.citations]) == (turn.scope, [n.quote for n in turn.citations])


@pytest.mark.usefixtures("without_model")
def test_a_name_of_another_workspace_is_known_only_where_that_is_searched(services: Services) -> None:
    question = '@"Boat-0" What is the rent?'
    with pytest.raises(InvalidInput, match="is called"):
        asked(services, question, Scope())
    turn = asked(services, question, Scope(also=spaces(services, "Boat")))
    assert {services.library.document(passage.document_id).source for passage in turn.evidence} == {"Boat-0.txt"}
    assert (turn.question, turn.asked) == (question, "What is the rent?")


def test_on_the_command_line_each_passage_says_its_workspace(services: Services) -> None:
    out = run(services, "search", "-w", "House", "-w", "Boat", "--json", "What is the rent in the harbour?")
    assert {one["workspace"] for one in out.json[:2]} == {"House", "Boat"}
    lines = run(services, "search", "-w", "House", "-w", "Boat", "-k", "2", "What is the rent in the harbour?").lines
    assert any(", in Boat" in line for line in lines)
    one = run(services, "search", "-w", "House", "-k", "2", "What is the rent in the harbour?").lines
    assert not any(", in " in line.partition("[")[0] for line in one[::2])
    answer = run(
        services, "ask", "-w", "House", "-w", "Boat", "--no-model", "--json", "What is the rent in the harbour?"
    )
    assert {citation["workspace"] for citation in answer.json["citations"]} >= {"House", "Boat"}


@pytest.mark.parametrize("calibrated", [True, False])
def test_another_embedders_cosines_are_brought_to_one_scale(
    services: Services, monkeypatch: pytest.MonkeyPatch, calibrated: bool
) -> None:
    boat = services.library.workspace("Boat").id
    if all(index.embedder != Warm().name for index in services.reindexing.indexes(boat)):
        services.reindexing.reindex(boat, embedder_key="warm")
        wait_until(lambda: services.reindexing.indexes(boat)[0].embedder == Warm().name)
    monkeypatch.setattr(together, "_LEAST", 8 if calibrated else 1_000)
    both = Scope(also=(boat,))
    house = services.library.workspace("House").id
    found = services.library.search(house, "How high is the rent of the office?", limit=20, scope=both).passages
    by_meaning = sorted(found, key=lambda passage: -(passage.dense_score or 0))[:8]
    workspaces = [services.library.document(passage.document_id).workspace_id for passage in by_meaning]
    if calibrated:
        assert workspaces[0] == house
        assert sources(services, "How high is the rent of the berth?", scope=both)[0] == "Boat-0.txt"
    else:
        assert workspaces.count(boat) == 8, "the control: as they are, all of that index stands before the other"


def test_words_weigh_alike_in_a_small_and_a_large_workspace(corpus) -> None:
    large, small = corpus.workspace(), corpus.workspace()
    twin = "copper valve of the old mill"
    texts = [f"{'copper' if n % 2 else 'iron'} thing of the mill {n}" for n in range(300)]
    mine = corpus.document(large, [*texts, twin]).ids[-1]
    other = corpus.document(small, [twin, *(f"valve of the other mill {n}" for n in range(30))]).ids[0]
    question = [{"copper"}, {"valv"}]

    def ratio(found: dict[str, float]) -> float:
        return max(found[mine], found[other]) / min(found[mine], found[other])

    places = [Place(index, HashEmbedder(), None, sample=lambda: None) for index in (large, small)]
    pooled = {item.id: item.score for item in _Words(places, corpus.lexical).search("", question, limit=500)}
    apart = {
        item.id: item.score for index in (large, small) for item in corpus.lexical.search(index, question, limit=500)
    }
    assert ratio(pooled) < 1.25
    assert ratio(apart) > 1.5, "the control"
    total, frequencies = _Words(places, corpus.lexical).document_frequencies("", question)
    assert (total, frequencies) == (332, [152, 32])


def test_together_with_one_place_is_that_place(services: Services) -> None:
    [house] = spaces(services, "House")
    one = services.library.search(house, "How high is the rent?", limit=5)
    empty = services.library.create_workspace("Empty").id
    both = services.library.search(house, "How high is the rent?", limit=5, scope=Scope(also=(empty,)))
    assert [passage.chunk_id for passage in both.passages] == [passage.chunk_id for passage in one.passages]
    assert both.evidence == pytest.approx(one.evidence, abs=0.02)


@pytest.mark.usefixtures("without_model")
def test_a_deleted_workspace_is_out_of_the_chats_of_others_at_once(services: Services) -> None:
    doomed = services.library.create_workspace("Doomed").id
    settled(services, add(services, doomed, "The zanzibarquokka costs 12 euros a month to rent.", "z.txt"))
    turn = asked(services, "What does the zanzibarquokka cost?", Scope(also=(doomed,)))
    assert any("zanzibarquokka" in note.quote for note in turn.citations), "the control"
    services.library.delete_workspace(doomed)
    after = services.conversations.turn(turn.id)
    assert not any("zanzibarquokka" in note.quote for note in after.citations)
    assert "zanzibarquokka" not in (after.answer.text if after.answer else "")
    assert after.limited_to == ("also in a deleted workspace",)
    assert after.elsewhere == {}
    assert services.library.wait_purged(timeout=60)
    assert files_holding(services.settings.data_dir / "vectors", b"zanzibarquokka") == []
