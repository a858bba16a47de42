"""`footnote eval` on a small set of its own: through the real pipeline, resumed, scored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import footnote, needs_embedder
from tests.support.documents import pdf

pytestmark = [needs_embedder, pytest.mark.timeout(120)]

TEXTS = {
    "valve": "The pressure valve of the boiler opens at 12 bar.",
    "rent": "\n  The tenant pays the rent on the third of each month.\r\nIt is paid in advance.",
    "harbour": "The harbour was built of copper in the year 1881.",
    "again": "The harbour was built of copper in the year 1881.",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("set"))
    (folder / "files").mkdir()
    (folder / "files" / "manual.pdf").write_bytes(
        pdf([["Chapter one: unpacking."], ["Chapter two: cleaning the filter."]])
    )
    corpus: list[Mapping[str, Any]] = [
        {"id": id_, "title": f"On the {id_}", "lang": "en", "text": text} for id_, text in TEXTS.items()
    ]
    corpus.append({"id": "manual", "title": "Manual", "lang": "en", "path": "files/manual.pdf", "pages": 2})
    questions = [
        _question("q1", "At how many bar does the valve open?", [{"passage_id": "valve"}], answers=["12 bar"]),
        _question("q2", "When is the rent paid?", [{"passage_id": "rent", "quote": "third"}], answers=["third"]),
        _question("q3", "When was the harbour built?", [{"passage_id": "again"}], answers=["1881"]),
        _question("q4", "How is the filter cleaned?", [{"doc": "manual", "page": 2}], answers=["cleaning"]),
        {**_question("q5", "Who won the chess olympiad of Skopje?", []), "answerable": False},
    ]
    for name, lines in (("corpus", corpus), ("questions", questions)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def _question(id_: str, question: str, evidence: list[Any], **rest: Any) -> dict[str, Any]:
    return {"id": id_, "question": question, "lang": "en", "answerable": True, "evidence": evidence, **rest}


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_retrieval_is_scored_and_every_id_of_identical_bytes_counts(dataset, tmp_path):
    runs = tmp_path / "runs.jsonl"
    ran = footnote(tmp_path / "data", "eval", str(dataset), "--retrieval-only", "--json", "--runs", str(runs))
    assert ran.code == 0, ran.err
    figures = ran.json
    assert figures["questions"] == 5
    assert figures["hit@5"] == 1.0
    run = {line["id"]: line for line in lines_of(runs)}
    assert set(run) == {"q1", "q2", "q3", "q4", "q5"}
    assert all("answer" not in line for line in run.values())
    twins = {item["passage_id"] for item in run["q3"]["retrieved"][:2]}
    assert twins == {"harbour", "again"}
    best = run["q2"]["retrieved"][0]
    assert (best["passage_id"], best["doc"]) == ("rent", "rent")
    kept = TEXTS["rent"].replace("\r\n", "\n")
    assert kept[best["start"] : best["end"]].strip().startswith("The tenant pays")
    page = run["q4"]["retrieved"][0]
    assert (page["doc"], page["page"]) == ("manual", 2)
    assert "passage_id" not in page
    assert not (tmp_path / "data" / "footnote.db").exists(), "the user's own data directory is left alone"
    assert "5 of 5 questions" in ran.err


def test_answers_carry_citations_and_refusals(dataset, tmp_path):
    runs = tmp_path / "runs.jsonl"
    ran = footnote(tmp_path / "data", "eval", str(dataset), "--no-model", "--json", "--runs", str(runs))
    assert ran.code == 0, ran.err
    run = {line["id"]: line for line in lines_of(runs)}
    assert run["q1"]["refused"] is False
    assert "12 bar" in run["q1"]["answer"]
    for citation in run["q1"]["citations"]:
        if citation.get("passage_id") in TEXTS:
            assert citation["quote"] in TEXTS[citation["passage_id"]]
    assert (run["q5"]["answer"], run["q5"]["refused"]) == ("", True)
    assert all(line["evidence_ms"] <= line["answer_ms"] for line in run.values())
    assert ran.json["quotes_verbatim"] == 1.0


def test_a_run_that_was_cut_off_is_continued(dataset, tmp_path):
    runs = tmp_path / "runs.jsonl"
    marked = {"id": "q1", "retrieved": [], "evidence_ms": 1.0}
    runs.write_text(json.dumps(marked) + "\n" + '{"id": "q2", "retrieved": [{"passa')
    ran = footnote(tmp_path / "data", "eval", str(dataset), "--retrieval-only", "--json", "--runs", str(runs))
    assert ran.code == 0, ran.err
    lines = lines_of(runs)
    assert sorted(line["id"] for line in lines) == ["q1", "q2", "q3", "q4", "q5"]
    assert lines[0] == marked, "it is not asked again"
    assert lines[1]["retrieved"], "the one that was cut off is"
    assert ran.json["hit@1"] <= 0.75


def test_a_sample_asks_only_its_questions(dataset, tmp_path):
    arguments = ["eval", str(dataset), "--retrieval-only", "--sample", "2", "--seed", "4", "--json"]
    runs = tmp_path / "runs.jsonl"
    ran = footnote(tmp_path / "data", *arguments, "--runs", str(runs))
    assert (ran.code, ran.json["questions"], len(lines_of(runs))) == (0, 2, 2)


def test_a_set_with_a_document_that_cannot_be_read_says_which(dataset, tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"id": "x", "title": "t", "path": "gone.pdf", "pages": 1}\n')
    (tmp_path / "questions.jsonl").write_text('{"id": "q", "question": "?", "answerable": true, "evidence": []}\n')
    ran = footnote(tmp_path / "data", "eval", str(tmp_path), "--retrieval-only")
    assert ran.code == 2
    assert "gone.pdf" in ran.err
    assert str(tmp_path) not in ran.err
