"""The test of a workspace over real SQLite and real indexes; only the embedder and the chat model are doubles."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rag.errors import InvalidInput, ModelUnavailable, NotFound
from rag.prompts import Offer
from rag.protocols import ChatModel
from rag.testing import Reply, ScriptedChatModel
from tests.support.documents import pdf
from tests.support.services import add, ingested, opened, settled, wait_until
from tests.support.trials import ANSWERS, GARDEN, LEASE, TURBINE, House
from workspaces.bootstrap import Services
from workspaces.trial_values import RunSettings

PHRASED = "Which company, Siemens or another, built the turbine?"


def _said(prompt: str) -> str:
    """What a model says: a question, talk, or a question about the sentence."""
    if "Siemens" in prompt:
        return PHRASED
    return "Which rent is named in the sentence?" if "rent" in prompt else "Sure! Here it is."


def _words(text: str) -> set[str]:
    return set(text.split())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services for all tests that leave other workspaces alone."""
    with opened(tmp_path_factory.mktemp("trials") / "data") as services:
        yield services


@pytest.fixture
def house(shared: Services) -> House:
    return House(shared)


def use(house: House, monkeypatch: pytest.MonkeyPatch, model: ChatModel | None) -> None:
    """Let this be the chat model, whatever is asked for."""
    for service in (house.services.trials, house.services.trial_questions):
        monkeypatch.setattr(service, "_open_model", lambda key: model)


def test_made_questions_expect_the_sentence_they_were_made_from(house: House) -> None:
    house.make()
    questions = house.services.trial_questions.list(house.id)
    answerable = [question for question in questions if question.answerable]
    texts = {house.lease: LEASE, house.turbine: TURBINE, house.garden: GARDEN}
    assert answerable
    assert {question.origin for question in questions} == {"generated"}
    for question in answerable:
        assert question.place is not None
        assert question.place.quote
        assert question.place.quote in texts[question.place.document_id]
        assert question.source_id == question.place.document_id


def test_what_is_changed_in_unanswerable_questions_occurs_nowhere(house: House) -> None:
    house.make(40)
    unanswerable = [q.text for q in house.services.trial_questions.list(house.id) if not q.answerable]
    known = set((LEASE + TURBINE + GARDEN).casefold().replace(".", " ").replace(",", "").split())
    frame = _words("what is was said about when how many much by whom did do does and in of the a one can if be")
    assert unanswerable
    for text in unanswerable:
        words = set(text.casefold().replace("?", "").split())
        assert words - known - frame - {"begin", "deliver", "have", "megawatts"}, text


def test_making_twice_repeats_no_question(house: House) -> None:
    house.make(40)
    house.make(40)
    texts = [question.text for question in house.services.trial_questions.list(house.id)]
    assert len(texts) == len(set(texts))


def test_a_model_may_phrase_and_is_not_believed_when_it_talks(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    use(house, monkeypatch, ScriptedChatModel(lambda messages: _said(messages[-1].content)))
    house.make(20, phrase=True)
    texts = [question.text for question in house.services.trial_questions.list(house.id)]
    assert PHRASED in texts
    assert not any("Sure" in text or "sentence" in text for text in texts)
    assert len(texts) > 1


def test_a_failing_model_leaves_the_words_of_the_rules(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedChatModel(Reply(error=ModelUnavailable("Ollama is not running.")))
    use(house, monkeypatch, model)
    house.make(phrase=True)
    assert house.services.trial_questions.list(house.id)
    assert len(model.requests) == 1, "it is not asked again"


def test_the_right_passages_are_found_and_counted(house: House) -> None:
    house.services.trial_questions.add(
        house.id,
        "How much is the monthly rent? → lease.txt\nWho built the turbine? → turbine.txt\n"
        "Who planted the orchard? → lease.txt\nWho won the chess olympiad of Skopje? → –",
    )
    run = house.run()
    figures = house.figures(run)
    assert (run.state, run.done, run.total) == ("done", 4, 4)
    assert figures["hit@1"] == pytest.approx(2 / 3, abs=0.001)
    assert figures["hit@10"] == 1.0
    assert figures["true_refusal"] == 1.0
    assert figures["citation_precision"] is None
    assert figures["evidence_ms_p50"] is not None
    assert figures["answer_ms_p50"] is None
    ranks = {result.question: result.rank for result in house.services.trials.results(run.id)}
    assert ranks["Who built the turbine?"] == 1
    assert (ranks["Who planted the orchard?"] or 0) > 1


def test_a_passage_that_is_expected_is_told_from_others_of_its_document(house: House) -> None:
    pages = [[f"Chapter {number}: the colour of room {number} is shade {number * 111}."] for number in range(1, 9)]
    ingested(house.services, house.id, pdf(pages), "rooms.pdf")
    house.services.trial_questions.add(house.id, "Which shade has room 3? → rooms.pdf, p. 3")
    house.services.trial_questions.add(house.id, "Which shade has room 4? → rooms.pdf, p. 8")
    run = house.run()
    first, second = house.services.trials.results(run.id)
    assert first.rank == 1
    assert second.rank != 1
    found = house.services.trials.result(first).found
    assert [passage.expected for passage in found[:2]] == [True, False]
    assert "room 3" in found[0].text


def test_answers_are_scored_with_their_footnotes_and_quotes(house: House) -> None:
    house.services.trial_questions.add(
        house.id, "How much is the monthly rent? → lease.txt\nWho won the chess olympiad of Skopje? → –"
    )
    run = house.run(ANSWERS)
    figures = house.figures(run)
    assert figures["quotes_verbatim"] == 1.0
    assert figures["citation_precision"] is not None
    assert figures["answer_ms_p50"] is not None
    assert (figures["true_refusal"], figures["false_refusal"]) == (1.0, 0.0)
    [answered, refused] = house.services.trials.results(run.id)
    assert "1,250 euros" in answered.answer
    assert answered.cited is True
    assert refused.refused
    assert house.services.trials.result(answered).citations


def test_the_model_reads_at_most_as_many_passages_as_the_run_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedChatModel("The monthly rent is 1,250 euros.")
    use(house, monkeypatch, model)
    house.services.trial_questions.add(house.id, "How much is the monthly rent? → lease.txt")
    for passages in (1, 3):
        run = house.run(RunSettings(answers=True, offer=Offer(passages=passages)))
        assert (run.state, run.model, run.settings.offer.passages) == ("done", "scripted", passages)
        [result] = house.services.trials.results(run.id)
        assert len(house.services.trials.result(result).found) == 3, "retrieval is judged by all"
    offered = [request[-1].content.count("<source ") for request in model.requests]
    assert offered == [1, 2], "the third is about something else"


def test_two_runs_are_compared_on_what_both_have_asked_alike(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = house.services.trial_questions
    questions.add(house.id, "How much is the monthly rent? → lease.txt\nWho built the turbine?\nWho signed the lease?")
    first = house.run(ANSWERS)
    kept, edited, gone = questions.list(house.id)
    questions.edit(edited.id, text="Who made the turbine?", answerable=True, document_id=None, page=None)
    questions.remove([gone.id])
    questions.add(house.id, "How many trees has the orchard?")
    use(house, monkeypatch, ScriptedChatModel("Bananas are yellow and grow in Ecuador."))
    second = house.run(RunSettings(answers=True))
    compared = house.services.trials.compare(first.id, second.id)
    assert compared.questions == 1
    assert [pair[0].question for pair in compared.changed] == [kept.text]
    assert [result.refused for result in compared.changed[0]] == [False, True]
    assert {figure.count for figure in compared.first.figures if figure.key == "hit@1"} == {1}


def test_a_run_that_failed_says_why_and_goes_on_where_it_was(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    good = "The monthly rent is 1,250 euros."
    error = ModelUnavailable("Ollama does not answer.", hint="Start it.")
    use(house, monkeypatch, ScriptedChatModel(good, Reply(error=error), good))
    house.services.trial_questions.add(
        house.id, "How much is the monthly rent?\nWhat is the monthly rent in euros?\nHow many euros is the rent?"
    )
    failed = house.run(RunSettings(answers=True))
    assert (failed.state, failed.done) == ("failed", 1)
    assert failed.problem is not None
    assert failed.problem.told == "Ollama does not answer. Start it."
    house.services.trials.resume(failed.id)
    assert house.services.trials.wait(timeout=30)
    whole = house.services.trials.run(failed.id)
    assert (whole.state, whole.done, whole.problem) == ("done", 3, None)
    with pytest.raises(InvalidInput, match="Nothing is left"):
        house.services.trials.resume(failed.id)


def test_a_run_does_not_go_on_with_another_model(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    use(house, monkeypatch, ScriptedChatModel(Reply(error=ModelUnavailable("Ollama does not answer."))))
    house.services.trial_questions.add(house.id, "How much is the monthly rent?")
    failed = house.run(RunSettings(answers=True))
    use(house, monkeypatch, ScriptedChatModel("Good.", name="another"))
    with pytest.raises(InvalidInput, match="Another chat model"):
        house.services.trials.resume(failed.id)


def test_one_thing_at_a_time_and_a_cancelled_run_keeps_what_it_has(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, held = threading.Event(), threading.Event()

    def before_token() -> None:
        written.set()
        held.wait(20)

    use(house, monkeypatch, ScriptedChatModel("The monthly rent is 1,250 euros.", before_token=before_token))
    house.services.trial_questions.add(house.id, "Who won the chess olympiad?\nHow much is the monthly rent?")
    started = house.services.trials.start(house.id, RunSettings(answers=True))
    assert written.wait(20)
    with pytest.raises(InvalidInput, match="being run"):
        house.services.trials.start(house.id, RunSettings())
    with pytest.raises(InvalidInput, match="being run"):
        house.services.trial_questions.make(house.id, 5)
    with pytest.raises(InvalidInput, match="under way"):
        house.services.trials.remove(started.id)
    house.services.trials.cancel()
    held.set()
    assert house.services.trials.wait(timeout=30)
    run = house.services.trials.run(started.id)
    assert (run.state, run.done, run.resumable) == ("cancelled", 1, True)
    house.services.trials.remove(run.id)
    assert house.services.trials.runs(house.id) == []


def test_a_newer_version_is_found_by_the_text_that_was_expected(house: House) -> None:
    house.make(12)
    made = [item for item in house.services.trial_questions.list(house.id) if item.place and item.answerable]
    mine = [item for item in made if item.place and item.place.document_id == house.turbine]
    others = [item.id for item in house.services.trial_questions.list(house.id) if item not in mine]
    assert mine
    house.services.trial_questions.remove(others)
    newer = add(house.services, house.id, f"A preface.\n\n{TURBINE}", "turbine.txt", keep_both=False)
    assert newer == house.turbine
    [record] = settled(house.services, newer)
    assert record.number == 2
    assert house.figures(house.run())["hit@10"] == 1.0


def test_an_answer_with_a_thumb_down_is_taken_once(house: House) -> None:
    chats = house.services.conversations
    chat = chats.create(house.id)
    turn = chats.wait(chats.ask(chat.id, "How much is the monthly rent?", model_key="none").id, timeout=30)
    chats.rate(turn.id, "down")
    assert chats.turn(turn.id).rating == "down"
    house.services.trial_questions.take(turn.id)
    house.services.trial_questions.take(turn.id)
    [question] = house.services.trial_questions.list(house.id)
    assert (question.text, question.origin, question.answerable) == ("How much is the monthly rent?", "rated", True)
    assert house.services.trial_questions.taken([turn.id, "other"]) == {turn.id}
    chats.rate(turn.id, None)
    assert chats.turn(turn.id).rating is None
    with pytest.raises(NotFound):
        house.services.trial_questions.take("gone")
    with pytest.raises(NotFound):
        chats.rate("gone", "up")


def test_an_edited_question_keeps_its_passage_until_its_place_changes(house: House) -> None:
    house.make(4)
    questions = house.services.trial_questions
    made = next(question for question in questions.list(house.id) if question.place)
    assert made.place is not None
    where = {"answerable": True, "document_id": made.place.document_id, "page": made.place.page}
    assert questions.edit(made.id, text="Other words?", **where).place == made.place
    moved = questions.edit(made.id, text="Other words?", answerable=True, document_id=house.lease, page=None)
    if made.place.document_id != house.lease:
        assert moved.place is not None
        assert moved.place.span is None
    assert questions.edit(made.id, text="x?", answerable=False, document_id=house.lease, page=None).place is None
    with pytest.raises(InvalidInput, match="no page 3"):
        questions.edit(made.id, text="x?", answerable=True, document_id=house.lease, page=3)
    foreign = ingested(house.services, house.services.library.create_workspace("Other").id, "Nothing here.").id
    with pytest.raises(InvalidInput, match="another workspace"):
        questions.edit(made.id, text="x?", answerable=True, document_id=foreign, page=None)


@pytest.mark.parametrize("offer", [Offer(passages=0), Offer(passages=11), Offer(source_tokens=5)])
def test_settings_out_of_range_are_refused(house: House, offer: Offer) -> None:
    with pytest.raises(InvalidInput):
        house.services.trials.start(house.id, RunSettings(offer=offer))


def test_nothing_to_ask_and_nothing_to_make_from_are_told(house: House) -> None:
    with pytest.raises(InvalidInput, match="no questions"):
        house.services.trials.start(house.id, RunSettings())
    assert not house.services.trials.busy()
    empty = house.services.library.create_workspace("Empty").id
    house.services.trial_questions.make(empty, 5)
    wait_until(lambda: not house.services.trials.busy())
    making = house.services.trial_questions.making(empty)
    assert making is not None
    assert making.problem is not None
    assert "Add documents" in making.problem.hint
    with pytest.raises(InvalidInput):
        house.services.trial_questions.make(house.id, 0)
