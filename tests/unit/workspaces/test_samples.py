"""Samples and runs files of an evaluation, without a pipeline."""

import json
from collections import Counter

import pytest

from rag.errors import InvalidInput
from workspaces.evaluation import Evaluation, resume_runs


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.fixture
def dataset(tmp_path):
    questions = [
        {"id": str(n), "question": "?", "answerable": [True, True, True, False, None][n % 5]} for n in range(500)
    ]
    write(tmp_path / "corpus.jsonl", [{"id": "a", "title": "t", "lang": "en", "text": "x"}])
    write(tmp_path / "questions.jsonl", questions)
    return Evaluation(tmp_path)


@pytest.mark.parametrize("size", [1, 7, 50, 99, 499])
def test_a_sample_has_its_size_and_the_shares_of_the_whole(dataset, size):
    sample = dataset.sample(size, seed=3)
    assert len(sample) == len({question["id"] for question in sample}) == size
    counts = Counter(question["answerable"] for question in sample)
    for kind, share in ((True, 0.6), (False, 0.2), (None, 0.2)):
        assert abs(counts[kind] - share * size) <= 1


def test_a_sample_is_the_same_for_the_same_seed_and_keeps_the_order(dataset):
    assert dataset.sample(20, seed=1) == dataset.sample(20, seed=1)
    assert dataset.sample(20, seed=1) != dataset.sample(20, seed=2)
    ids = [int(question["id"]) for question in dataset.sample(20, seed=1)]
    assert ids == sorted(ids)


@pytest.mark.parametrize("size", [None, 500, 9999])
def test_without_a_smaller_size_all_are_asked(dataset, size):
    assert dataset.sample(size, seed=0) == dataset.questions


def test_what_is_no_evaluation_set_is_refused_without_a_path(tmp_path):
    for make in (lambda: None, lambda: (tmp_path / "corpus.jsonl").write_text("not json")):
        make()
        with pytest.raises(InvalidInput, match="not an evaluation set") as caught:
            Evaluation(tmp_path)
        assert str(tmp_path) not in caught.value.message + caught.value.hint


def test_a_runs_file_that_was_cut_off_is_continued_after_its_last_whole_line(tmp_path):
    path = tmp_path / "runs.jsonl"
    write(path, [{"id": "1", "retrieved": []}, {"id": "2", "retrieved": []}])
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "3", "retr')
    assert [line["id"] for line in resume_runs(path)] == ["1", "2"]
    assert path.read_bytes() == whole
    with path.open("a") as file:
        file.write('{"id": "3"}\n')
    assert [line["id"] for line in resume_runs(path)] == ["1", "2", "3"]


def test_a_runs_file_that_is_not_there_yet_is_empty(tmp_path):
    assert resume_runs(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("content", ["some notes\nof mine\n", "[1]\n", '{"no": "id"}\n'])
def test_another_file_is_not_taken_for_a_runs_file(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="not a runs file"):
        resume_runs(path)
    assert path.read_text() == content
