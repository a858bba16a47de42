"""What a test keeps over restarts, and what it gives up when a document or a workspace is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import change, files_holding, opened, rows
from tests.support.trials import ANSWERS, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with the data directory to itself."""
    with opened(tmp_path / "data") as services:
        yield House(services)


def test_a_run_that_a_former_process_left_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as services:
        house = House(services)
        services.trial_questions.add(house.id, "How much is the monthly rent? → lease.txt\nWho built the turbine?")
        run = house.run()
    change(tmp_path / "data", "UPDATE trial_runs SET state = 'running'")
    change(tmp_path / "data", "UPDATE trial_results SET asked_at = NULL WHERE ordinal = 2")
    with opened(tmp_path / "data") as services:
        left = services.trials.run(run.id)
        assert (left.state, left.done, left.total) == ("interrupted", 1, 2)
        services.trials.resume(run.id)
        assert services.trials.wait(timeout=30)
        assert (services.trials.run(run.id).state, services.trials.run(run.id).done) == ("done", 2)


def test_a_run_does_not_go_on_with_another_search_index(house: House, tmp_path: Path) -> None:
    house.services.trial_questions.add(house.id, "How much is the monthly rent?")
    run = house.run()
    change(tmp_path / "data", "UPDATE trial_results SET asked_at = NULL")
    change(tmp_path / "data", "UPDATE trial_runs SET index_id = 'former', state = 'cancelled'")
    house.services.trials.resume(run.id)
    assert house.services.trials.wait(timeout=30)
    ended = house.services.trials.run(run.id)
    assert ended.state == "failed"
    assert ended.problem is not None
    assert "replaced" in ended.problem.message


def test_of_a_deleted_document_nothing_stays_in_the_test(house: House, tmp_path: Path) -> None:
    house.make(40)
    house.services.trial_questions.add(house.id, "Who is the gardener? → garden.txt")
    run = house.run(ANSWERS)
    before = house.figures(run)
    folder = tmp_path / "data"
    needles = (b"Quirinus", b"quirinus", b"340 trees")
    assert files_holding(folder, *needles)
    assert any("Quirinus" in question.text for question in house.services.trial_questions.list(house.id))
    house.services.library.delete(house.garden)
    left = house.services.trial_questions.list(house.id)
    assert not any(question.source_id == house.garden for question in left)
    assert [question.place for question in left if question.origin == "pasted"] == [None]
    assert house.services.library.wait_purged(timeout=60)
    assert files_holding(folder, *needles) == []
    assert house.figures(house.services.trials.run(run.id)) == before, "figures hold no text, and stay"
    results = house.services.trials.results(run.id)
    assert results
    for result in results:
        whole = house.services.trials.result(result)
        assert house.garden not in {item.document_id for item in (*whole.found, *whole.citations)}
    assert [check.detail for check in house.services.doctor.check() if not check.ok] == []


def test_questions_of_a_deleted_document_that_still_wait_are_not_asked(house: House, tmp_path: Path) -> None:
    house.make(12)
    run = house.run()
    change(tmp_path / "data", "UPDATE trial_results SET asked_at = NULL")
    change(tmp_path / "data", "UPDATE trial_runs SET state = 'cancelled'")
    house.services.library.delete(house.garden)
    house.services.trials.resume(run.id)
    assert house.services.trials.wait(timeout=30)
    ended = house.services.trials.run(run.id)
    assert ended.state == "done"
    assert 0 < ended.done == ended.total < run.total
    assert all(result.question for result in house.services.trials.results(run.id))


def test_the_doctor_finds_and_mends_what_a_test_still_names(house: House, tmp_path: Path) -> None:
    house.services.trial_questions.add(house.id, "Who is the gardener? → garden.txt")
    change(tmp_path / "data", "UPDATE trial_questions SET document_id = 'gone'")
    [wrong] = [check for check in house.services.doctor.check() if not check.ok]
    assert (wrong.id, wrong.detail) == ("I6", "1 deleted documents stand in tests")
    assert all(check.ok or check.repaired for check in house.services.doctor.check(repair=True))


def test_the_test_of_a_deleted_workspace_leaves_the_disk(house: House, tmp_path: Path) -> None:
    house.make()
    house.run()
    house.services.library.delete_workspace(house.id)
    assert house.services.trial_questions.list(house.id) == []
    assert house.services.trials.runs(house.id) == []
    assert house.services.library.wait_purged(timeout=60)
    for table in ("trial_questions", "trial_runs", "trial_results", "trial_passages"):
        assert rows(tmp_path / "data", f"SELECT count(*) FROM {table}") == [(0,)]
