"""Figures are those of the evaluation format."""

import importlib.util
import json
import random

import pytest

from tests.conftest import EVAL_DIR, needs_eval
from workspaces.scoring import score

CORPUS = [{"id": "a", "text": "Rain fell on Bonn."}, {"id": "b", "text": "Sun shone on Kiel."}]
QUESTIONS = [
    {"id": "1", "answerable": True, "answers": ["Bonn"], "evidence": [{"passage_id": "a"}]},
    {"id": "2", "answerable": False, "evidence": [{"passage_id": "b"}]},
]


def test_the_rank_of_the_first_gold_passage_counts():
    run = [{"id": "1", "retrieved": [{"passage_id": "b"}, {"passage_id": "a"}]}]
    figures = score(CORPUS, QUESTIONS, run)
    assert (figures["hit@1"], figures["hit@5"], figures["mrr@10"]) == (0.0, 1.0, 0.5)


def test_unanswerable_questions_count_for_refusal_only():
    run = [{"id": "2", "retrieved": [], "answer": "", "refused": True}]
    assert score(CORPUS, QUESTIONS, run) == {"questions": 1, "true_refusal": 1.0}


def test_a_quote_that_stands_nowhere_is_not_verbatim():
    run = [
        {
            "id": "1",
            "retrieved": [{"passage_id": "a"}],
            "answer": "In Bonn.",
            "refused": False,
            "citations": [{"passage_id": "a", "quote": "Rain fell"}, {"passage_id": "a", "quote": "Snow fell"}],
        }
    ]
    figures = score(CORPUS, QUESTIONS, run)
    assert (figures["quotes_verbatim"], figures["citation_precision"], figures["answer_recall"]) == (0.5, 1.0, 1.0)


@needs_eval
@pytest.mark.parametrize("dataset", ["clapnq", "chunkeval", "debian-docs", "sec10q"])
def test_figures_equal_those_of_the_published_scorer(dataset):
    spec = importlib.util.spec_from_file_location("published_scorer", EVAL_DIR / "score.py")
    assert spec is not None
    assert spec.loader is not None
    published = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(published)
    corpus, questions = (
        [json.loads(line) for line in (EVAL_DIR / dataset / f"{name}.jsonl").read_text("utf-8").split("\n") if line]
        for name in ("corpus", "questions")
    )
    run = _random_run(corpus, questions)
    theirs = {key: value for key, value in published.score(EVAL_DIR / dataset, run).items() if "_ms_" not in key}
    ours = {key: value for key, value in score(corpus, questions, run).items() if "_ms_" not in key}
    assert ours == pytest.approx(theirs, abs=2e-4)


def _random_run(corpus, questions):
    generator = random.Random(7)
    run = []
    for question in generator.sample(questions, min(60, len(questions))):
        gold = [dict(entry) for entry in question.get("evidence") or []]
        noise = [
            {"passage_id": line["id"], "doc": line["id"], "page": generator.randint(1, 9)}
            for line in generator.choices(corpus, k=8)
        ]
        items = generator.sample(gold + noise, min(10, len(gold + noise)))
        refused = generator.random() < 0.3
        answer = "" if refused else str((question.get("answers") or [question.get("answer")])[0])[:80]
        citations = [{**item, "quote": "the"} for item in items[:2]]
        run.append(
            {"id": question["id"], "retrieved": items, "answer": answer, "refused": refused, "citations": citations}
        )
    return run
