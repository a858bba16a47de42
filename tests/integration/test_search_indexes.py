"""Search indexes with a fingerprint: another takes its predecessor's place in one step, and nothing is ever mixed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import build_parser, command_name, run_command
from rag.errors import EmbedderError, InvalidInput, StorageError
from rag.testing import HashEmbedder
from rag.types import Matrix
from tests.support.documents import long_text
from tests.support.services import (
    PATIENCE,
    Gate,
    add,
    change,
    files_holding,
    ingested,
    opened,
    rows,
    settled,
    wait_until,
)
from workspaces.bootstrap import Services
from workspaces.building import Builder
from workspaces.settings import Settings
from workspaces.vectors import VectorIndex

SMALL, LARGE = "64", "128"
TEXTS = {f"text {number}.txt": long_text(number, paragraphs=4) for number in range(4)}


class Fleet:
    """Opens embedders of two dimensions by their key; the small one can be broken. Builders wait at a gate before each
    document."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.broken: Exception | None = None
        self.embedded: list[str] = []

    def open(self, settings: Settings) -> HashEmbedder:
        fleet, small = self, settings.embedder == SMALL

        class Watched(HashEmbedder):
            def embed_documents(self, texts: Sequence[str]) -> Matrix:
                if small:
                    if fleet.broken is not None:
                        raise fleet.broken
                    fleet.embedded += texts
                return super().embed_documents(texts)

        return Watched(dimension=64 if small else 128, window=100 if small else 256)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("filled")) / "data"
    with opened(folder) as services:
        workspace = services.library.create_workspace("Reports").id
        settled(services, *(add(services, workspace, text, name) for name, text in TEXTS.items()))
    return folder


@pytest.fixture
def folder(tmp_path: Path, filled: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    fleet, enter = Fleet(), Builder._enter

    def gated(self: Builder, *arguments: Any) -> None:
        fleet.gate.wait(give_up=self._closing.is_set)
        enter(self, *arguments)

    monkeypatch.setattr(Builder, "_enter", gated)
    return fleet


@pytest.fixture
def services(folder: Path, fleet: Fleet) -> Iterator[Services]:
    with opened(folder, embedder=fleet.open) as found:
        yield found
        fleet.gate.open()


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.workspace("Reports").id


def states(services: Services, workspace: str) -> dict[str, str]:
    """State of each index to the name of its embedder."""
    return {index.state: index.embedder for index in services.reindexing.indexes(workspace)}


def built(services: Services, workspace: str) -> None:
    """Wait until nothing is being built."""
    wait_until(lambda: "building" not in states(services, workspace))


def found(services: Services, workspace: str, question: str) -> list[tuple[str, str]]:
    """(title, text) of the passages."""
    return [(p.title, p.text) for p in services.library.search(workspace, question, limit=5).passages]


def question(text: str) -> str:
    return " ".join(text.split()[:12])


def sound(services: Services) -> None:
    assert [check for check in services.doctor.check() if not check.ok] == []


def test_another_embedder_takes_over_when_it_holds_everything_and_the_old_one_serves_until_then(
    services: Services, workspace: str, fleet: Fleet
) -> None:
    asked = [question(text) for text in TEXTS.values()]
    before = [found(services, workspace, each) for each in asked]
    fleet.gate.close()
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    assert fleet.gate.reached.wait(PATIENCE)
    assert states(services, workspace) == {"current": "hash-128", "building": "hash-64"}
    assert [found(services, workspace, each) for each in asked] == before, "the old index answers as it did"
    fleet.gate.open()
    built(services, workspace)
    assert states(services, workspace) == {"current": "hash-64", "previous": "hash-128"}
    after = [found(services, workspace, each) for each in asked]
    assert [passages[0][0] for passages in after] == [passages[0][0] for passages in before]
    assert after != before, "the control: the passages are others, for the window is smaller"
    records = services.library.documents(workspace)
    [(count,)] = rows(services.settings.data_dir, f"""SELECT count(*) FROM chunks JOIN indexes ON indexes.id = index_id
        WHERE state = 'current' AND indexes.workspace_id = '{workspace}'""")  # fmt: skip
    assert sum(record.chunks for record in records) == count
    sound(services)


def test_a_document_that_is_ready_is_never_out_of_the_search_while_indexes_change(
    services: Services, workspace: str
) -> None:
    missed, stop = [], threading.Event()
    wanted = {name: question(text) for name, text in TEXTS.items()}

    def ask() -> None:
        while not stop.is_set():
            missed.extend(name for name, each in wanted.items() if not found(services, workspace, each))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for key in (SMALL, LARGE, SMALL):
            services.reindexing.reindex(workspace, embedder_key=key)
            built(services, workspace)
    finally:
        stop.set()
        thread.join()
    assert missed == []


def test_a_build_that_was_cut_short_goes_on_where_it_stopped(folder: Path, fleet: Fleet) -> None:
    with opened(folder, embedder=fleet.open) as services:
        workspace = services.library.workspace("Reports").id
        fleet.gate.close()
        services.reindexing.reindex(workspace, embedder_key=SMALL)
        assert fleet.gate.reached.wait(PATIENCE)
        enter = services.reindexing.indexes(workspace)[1].id
        fleet.gate.open()
        wait_until(lambda: bool(fleet.embedded))
        fleet.gate.close()
        wait_until(lambda: bool(rows(folder, f"SELECT 1 FROM entries WHERE index_id = '{enter}'")))
    done = {row[0] for row in rows(folder, f"SELECT version_id FROM entries WHERE index_id = '{enter}'")}
    assert 0 < len(done) < len(TEXTS), "the control: something was finished, and something not"
    fleet.embedded.clear()
    fleet.gate.open()
    with opened(folder, embedder=fleet.open) as services:
        built(services, workspace)
        assert states(services, workspace) == {"current": "hash-64", "previous": "hash-128"}
        sound(services)
    chunks = rows(folder, f"SELECT text, version_id FROM chunks WHERE index_id = '{enter}'")
    finished = [text for text, version in chunks if version in done]
    assert not [text for text in finished if any(text in embedded for embedded in fleet.embedded)]


def test_a_build_that_fails_leaves_the_old_index_serving_and_says_why(
    services: Services, workspace: str, fleet: Fleet
) -> None:
    before = found(services, workspace, question(TEXTS["text 0.txt"]))
    fleet.broken = EmbedderError("The embedder does not answer.", hint="Run `make setup`.")
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    wait_until(lambda: services.reindexing.indexes(workspace)[1].problem is not None)
    building = services.reindexing.indexes(workspace)[1]
    assert (building.state, building.problem.code) == ("building", "embedder")
    assert found(services, workspace, question(TEXTS["text 0.txt"])) == before
    sound(services)
    fleet.broken = None
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    assert states(services, workspace) == {"current": "hash-64", "previous": "hash-128"}


def test_an_unforeseen_fault_is_a_reason_too(services: Services, workspace: str, fleet: Fleet) -> None:
    fleet.broken = ZeroDivisionError("a mistake")
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    wait_until(lambda: services.reindexing.indexes(workspace)[1].problem is not None)
    assert "internal fault" in services.reindexing.indexes(workspace)[1].problem.message


def test_documents_that_come_change_or_go_while_it_is_built_are_in_step_after_the_swap(
    services: Services, workspace: str, fleet: Fleet
) -> None:
    by_name = {record.source: record for record in services.library.documents(workspace)}
    fleet.gate.close()
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    assert fleet.gate.reached.wait(PATIENCE)
    new = ingested(services, workspace, "The copper harbour freezes over in January.", "new.txt")
    assert found(services, workspace, "copper harbour")[0][0] == new.title, "it is found at once, by the old index"
    changed = by_name["text 1.txt"].id
    services.library.add_version(changed, Path(_file(services, "The winter forest is full of owls.")))
    settled(services, changed)
    wait_until(lambda: services.library.document(changed).number == 2)
    services.library.delete(by_name["text 2.txt"].id)
    fleet.gate.open()
    built(services, workspace)
    assert services.library.wait_purged(timeout=PATIENCE)
    assert states(services, workspace) == {"current": "hash-64", "previous": "hash-128"}
    assert found(services, workspace, "copper harbour")[0][0] == new.title
    assert "owls" in found(services, workspace, "winter forest owls")[0][1]
    titles = {title for title, _ in found(services, workspace, question(TEXTS["text 2.txt"]))}
    assert by_name["text 2.txt"].title not in titles
    sound(services)


def test_going_back_waits_for_what_came_since(services: Services, workspace: str) -> None:
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    new = ingested(services, workspace, "The copper harbour freezes over in January.", "new.txt")
    gone = next(r for r in services.library.documents(workspace) if r.source == "text 2.txt")
    services.library.delete(gone.id)
    services.reindexing.roll_back(workspace)
    built(services, workspace)
    assert states(services, workspace) == {"current": "hash-128", "previous": "hash-64"}
    assert found(services, workspace, "copper harbour")[0][0] == new.title
    assert services.library.wait_purged(timeout=PATIENCE)
    assert gone.title not in {title for title, _ in found(services, workspace, question(TEXTS["text 2.txt"]))}
    sound(services)
    services.reindexing.drop_previous(workspace)
    with pytest.raises(InvalidInput, match="no former"):
        services.reindexing.roll_back(workspace)


def test_a_cancelled_build_leaves_nothing(services: Services, workspace: str, fleet: Fleet, folder: Path) -> None:
    fleet.gate.close()
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    assert fleet.gate.reached.wait(PATIENCE)
    doomed = services.reindexing.indexes(workspace)[1].id
    services.reindexing.cancel(workspace)
    fleet.gate.open()
    assert services.library.wait_purged(timeout=PATIENCE)
    assert states(services, workspace) == {"current": "hash-128"}
    for table, column in (("chunks", "index_id"), ("entries", "index_id"), ("indexes", "id")):
        assert rows(folder, f"SELECT 1 FROM {table} WHERE {column} = '{doomed}'") == []
    assert rows(folder, "SELECT 1 FROM embeddings WHERE embedder = 'hash-64'") == []
    assert rows(folder, f"SELECT 1 FROM sqlite_master WHERE name = 'fts_{doomed}'") == []
    sound(services)


def test_a_cancelled_return_keeps_the_former_index(services: Services, workspace: str, fleet: Fleet) -> None:
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    services.reindexing.reindex(workspace, embedder_key=LARGE)
    built(services, workspace)
    ingested(services, workspace, "The copper harbour freezes over in January.", "new.txt")
    fleet.gate.close()
    services.reindexing.roll_back(workspace)
    assert fleet.gate.reached.wait(PATIENCE)
    services.reindexing.cancel(workspace)
    fleet.gate.open()
    assert states(services, workspace) == {"current": "hash-128", "previous": "hash-64"}


def test_a_build_rests_while_it_is_paused(services: Services, workspace: str, fleet: Fleet) -> None:
    fleet.gate.close()
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    assert fleet.gate.reached.wait(PATIENCE)
    services.reindexing.pause(workspace, paused=True)
    fleet.gate.open()
    wait_until(lambda: not any(name.startswith("build-") for name in services.library._jobs.live()))
    assert states(services, workspace) == {"current": "hash-128", "building": "hash-64"}
    services.reindexing.pause(workspace, paused=False)
    built(services, workspace)
    assert states(services, workspace)["current"] == "hash-64"


def test_deleting_a_document_takes_it_out_of_every_index(services: Services, workspace: str, folder: Path) -> None:
    canary = "zyzzogeton"
    record = ingested(services, workspace, f"The {canary} sits on the copper harbour.", "canary.txt")
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    assert len(rows(folder, f"SELECT DISTINCT index_id FROM chunks WHERE version_id = '{record.version_id}'")) == 2
    assert files_holding(folder, canary.encode()), "the control: its bytes are there"
    vectors = [row[0] for row in rows(folder, f"""SELECT vector FROM embeddings WHERE hash IN
        (SELECT embedding_hash FROM chunks WHERE version_id = '{record.version_id}')""")]  # fmt: skip
    assert {len(vector) for vector in vectors} == {4 * 64, 4 * 128}
    windows = [vector[16:48] for vector in vectors]
    assert files_holding(folder, windows[0])
    services.library.delete(record.id)
    assert services.library.wait_purged(timeout=PATIENCE)
    assert files_holding(folder, canary.encode(), *windows) == []
    sound(services)


def test_deleting_a_workspace_takes_all_its_indexes_along(services: Services, workspace: str, folder: Path) -> None:
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    services.library.delete_workspace(workspace)
    assert services.library.wait_purged(timeout=PATIENCE)
    for table in ("indexes", "entries", "chunks", "embeddings"):
        assert rows(folder, f"SELECT 1 FROM {table}") == []
    assert rows(folder, "SELECT name FROM sqlite_master WHERE name LIKE 'fts_%'") == []


def test_a_passage_of_another_index_is_never_found(services: Services, workspace: str, folder: Path) -> None:
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    built(services, workspace)
    current, previous = services.reindexing.indexes(workspace)
    columns = 'id, version_id, index_id, ordinal, start, "end", page, heading_path, places, header, text'
    change(
        folder,
        f"""INSERT INTO chunks ({columns}, embedding_hash)
            SELECT 'planted', version_id, '{previous.id}', 9999, 0, 5, page, heading_path, places, header,
                   'zyzzogeton', embedding_hash FROM chunks WHERE index_id = '{current.id}' LIMIT 1""",
    )
    change(folder, f"""INSERT INTO fts_{current.id} (rowid, title, headings, body)
                       SELECT rowid, '', '', 'zyzzogeton' FROM chunks WHERE id = 'planted'""")  # fmt: skip
    vectors: VectorIndex = services.doctor._vectors
    vectors.add(current.id, ["planted"], HashEmbedder(dimension=64).embed_documents(["zyzzogeton"]))
    assert "zyzzogeton" not in [text for _, text in found(services, workspace, "zyzzogeton")]
    change(folder, f"UPDATE chunks SET index_id = '{current.id}' WHERE id = 'planted'")
    assert found(services, workspace, "zyzzogeton")[0][1] == "zyzzogeton", "the control"


@pytest.fixture
def other_rules(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda rules: monkeypatch.setattr("ingest.splitter.RULES", rules)


def test_after_an_update_that_cuts_otherwise_a_new_index_is_built_by_itself(
    folder: Path, fleet: Fleet, other_rules: Callable[[str], None]
) -> None:
    with opened(folder, embedder=fleet.open) as services:
        workspace = services.library.workspace("Reports").id
        empty = services.library.create_workspace("Empty").id
    other_rules("structure-of-tomorrow")
    with opened(folder, embedder=fleet.open) as services:
        built(services, workspace)
        assert len(services.reindexing.indexes(workspace)) == 1, "the former could not be extended, so it is dropped"
        assert services.reindexing.indexes(workspace)[0].splitter.startswith("structure-of-tomorrow")
        assert services.reindexing.indexes(empty)[0].splitter.startswith("structure-of-tomorrow")
        assert found(services, workspace, question(TEXTS["text 0.txt"]))[0][0]
        assert services.library.wait_purged(timeout=PATIENCE)
        sound(services)


def test_a_document_waits_for_the_new_index_where_the_old_one_cannot_be_extended(
    folder: Path, fleet: Fleet, other_rules: Callable[[str], None]
) -> None:
    with opened(folder, embedder=fleet.open) as services:
        workspace = services.library.workspace("Reports").id
    other_rules("structure-of-tomorrow")
    fleet.gate.close()
    with opened(folder, embedder=fleet.open) as services:
        assert fleet.gate.reached.wait(PATIENCE)
        new = add(services, workspace, "The copper harbour freezes over in January.", "new.txt")
        wait_until(lambda: services.library.document(new).waiting)
        assert [check.detail for check in services.doctor.check() if check.id == "I5"] == [""]
        assert {r.source for r in services.library.documents(workspace) if r.state == "ready"} == set(TEXTS)
        assert found(services, workspace, question(TEXTS["text 0.txt"])), "the old index is searched meanwhile"
        fleet.gate.open()
        [record] = settled(services, new)
        assert (record.state, record.waiting) == ("ready", False)
        assert found(services, workspace, "copper harbour")[0][0] == record.title
        sound(services)


def test_waiting_for_a_document_ends_where_its_index_is_not_being_built(
    folder: Path, fleet: Fleet, other_rules: Callable[[str], None]
) -> None:
    other_rules("structure-of-tomorrow")
    with opened(folder, embedder=fleet.open, start=False) as services:
        workspace = services.library.workspace("Reports").id
        services.reindexing.extendable(workspace)
        services.reindexing.pause(workspace, paused=True)
        services.start()
        new = add(services, workspace, "The copper harbour.", "new.txt")
        last = list(services.library.wait([new], timeout=PATIENCE))[-1]
        assert (last.state, last.waiting) == ("parsed", True)


def test_a_document_in_the_middle_of_its_ingest_when_the_indexes_change_becomes_ready_in_the_new_one(
    folder: Path, fleet: Fleet
) -> None:
    held = Gate()

    class Held(HashEmbedder):
        def embed_documents(self, texts: Sequence[str]) -> Matrix:
            if any("copper harbour" in text for text in texts) and not done.is_set():
                held.wait()
            return super().embed_documents(texts)

    done = threading.Event()

    def open_embedder(settings: Settings) -> HashEmbedder:
        return HashEmbedder(dimension=64) if settings.embedder == SMALL else Held()

    with opened(folder, embedder=open_embedder) as services:
        workspace = services.library.workspace("Reports").id
        held.close()
        new = add(services, workspace, "The copper harbour freezes over in January.", "new.txt")
        assert held.reached.wait(PATIENCE)
        done.set()
        services.reindexing.reindex(workspace, embedder_key=SMALL)
        threading.Timer(0.2, held.open).start()  # the builder takes turns with it
        built(services, workspace)
        [record] = settled(services, new)
        assert record.state == "ready"
        assert found(services, workspace, "copper harbour")[0][0] == record.title
        sound(services)


def test_an_index_that_is_wrong_when_it_is_full_does_not_take_over(
    services: Services, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise StorageError("The vector index cannot be mended: it is torn.")

    monkeypatch.setattr("workspaces.vectors.VectorIndex.prove", refuse)
    services.reindexing.reindex(workspace, embedder_key=SMALL)
    wait_until(lambda: services.reindexing.indexes(workspace)[1].problem is not None)
    assert states(services, workspace) == {"current": "hash-128", "building": "hash-64"}


def test_an_embedder_that_is_not_there_is_refused_before_anything_is_begun(services: Services, workspace: str) -> None:
    class Missing(HashEmbedder):
        @property
        def name(self) -> str:
            raise EmbedderError("The embedder is not set up.", hint="Run `make setup`.")

    services.library._embedders._opened["missing"] = Missing()
    with pytest.raises(EmbedderError, match="not set up"):
        services.reindexing.reindex(workspace, embedder_key="missing")
    assert states(services, workspace) == {"current": "hash-128"}


def test_a_text_that_other_loaders_made_is_read_again_as_a_newer_version(
    services: Services, workspace: str, folder: Path
) -> None:
    assert services.library.stale(workspace) == []
    record = next(r for r in services.library.documents(workspace) if r.source == "text 0.txt")
    change(folder, f"UPDATE versions SET parser = 'footnote r0' WHERE id = '{record.version_id}'")
    assert [each.id for each in services.library.stale(workspace)] == [record.id]
    services.library.reread(record.id)
    wait_until(lambda: services.library.document(record.id).number == 2)
    assert services.library.stale(workspace) == []
    assert services.viewer.text(record.version_id) == TEXTS["text 0.txt"], "the cited version stays"
    assert services.library.wait_purged(timeout=PATIENCE)
    sound(services)


class Lines:
    """An Output that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    note = line


def run(services: Services, *arguments: str) -> tuple[int, str]:
    """A command on open services: (exit code, all that it wrote)."""
    out = Lines()
    options = build_parser().parse_args(list(arguments))
    return run_command(command_name(options), options, out, services), "\n".join(out.lines)


def test_the_command_waits_until_the_new_index_serves_and_goes_back(
    services: Services, workspace: str, fleet: Fleet
) -> None:
    assert run(services, "reindex", "-w", "Reports", "--embedder", SMALL)[0] == 0
    assert states(services, workspace) == {"current": "hash-64", "previous": "hash-128"}
    code, told = run(services, "reindex", "-w", "Reports", "--roll-back")
    assert (code, states(services, workspace)["current"]) == (0, "hash-128")
    assert told.endswith("Searches use it now: hash-128.")
    fleet.broken = EmbedderError("The embedder does not answer.", hint="Run `make setup`.")
    change(services.settings.data_dir, "DELETE FROM embeddings WHERE embedder = 'hash-64'")
    code, told = run(services, "reindex", "-w", "Reports", "--embedder", SMALL)
    assert (code, "The embedder does not answer. Run `make setup`." in told) == (1, True)
    assert run(services, "reindex", "-w", "Reports", "--cancel")[0] == 0
    assert "building" not in states(services, workspace)


def test_the_command_reads_documents_of_an_earlier_version_again(
    services: Services, workspace: str, folder: Path
) -> None:
    assert run(services, "reread", "-w", "Reports") == (0, "")
    change(folder, "UPDATE versions SET parser = 'footnote r0'")
    code, told = run(services, "reread", "-w", "Reports")
    assert code == 0
    assert all(f"ready  {name}" in told for name in TEXTS)
    assert {record.number for record in services.library.documents(workspace)} == {2}


def _file(services: Services, content: str) -> Path:
    path = services.settings.data_dir.parent / "changed.txt"
    path.write_text(content, encoding="utf-8")
    return path
