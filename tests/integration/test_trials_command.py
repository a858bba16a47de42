"""`footnote test` with the real embedder."""

from __future__ import annotations

import pytest

from tests.ollama_standin import unused_url
from tests.support.cli import footnote, needs_embedder
from tests.ui.real import without_chat_model

pytestmark = [needs_embedder, pytest.mark.timeout(180)]

TEXTS = {
    "valve": "The pressure valve of the boiler opens at 12 bar. The boiler was built by Viessmann in 1998.",
    "rent": "The monthly rent is 1,250 euros. The lease of the flat began on 3 October 2021.",
    "harbour": "The harbour wall was built of copper in 1881. The harbour has 14 cranes.",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tested")
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text)
    added = footnote(folder / "data", "add", "-w", "House", *(str(folder / f"{name}.txt") for name in TEXTS))
    assert added.code == 0, added.err
    return folder / "data"


def test_without_questions_it_says_how_to_make_some(data):
    ran = footnote(data, "test", "-w", "House")
    assert ran.code == 2
    assert "--generate 20" in ran.err


def test_it_makes_questions_asks_them_and_prints_the_figures(data):
    ran = footnote(data, "test", "-w", "House", "--generate", "4", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["state"], found["questions"], found["answers"]) == ("done", 4, False)
    assert found["figures"]["hit@1"]["value"] == 1.0
    assert found["figures"]["hit@1"]["low"] < 1.0
    assert found["figures"]["quotes_verbatim"] == {"value": None, "count": 0, "low": None, "high": None}
    assert "minilm" in found["embedder"]


def test_with_answers_each_figure_is_a_line_with_its_interval(data, tmp_path):
    settings = without_chat_model(tmp_path, ollama_url=unused_url())
    ran = footnote(data, "test", "-w", "House", "--answers", "--generate", "4", **settings)
    assert ran.code == 0, ran.err
    lines = {line.split()[0]: line.split()[1:] for line in ran.out.splitlines()}
    assert "with answers" in ran.out
    assert lines["quotes_verbatim"][0] == "1.000"
    assert lines["quotes_verbatim"][2] == "to"
    assert lines["answer_ms_p50"][1] == "ms"
