"""Figures of a run: retrieval, answers, refusals, citations. One question contributes to a figure only where it can."""

from __future__ import annotations

import math
import re
import statistics
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]
Values = dict[str, list[float]]
"""What questions contribute to each figure, one entry a question (of the figures about citations: one a citation)."""

_DEPTH = 10
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + "–—„“”’‘«»", " "))


def score(corpus: Iterable[Item], questions: Iterable[Item], run: Sequence[Item]) -> dict[str, float]:
    """Mean figures of a run; keys as in the evaluation format (hit@k, mrr@10, ndcg@10, doc_recall@10, span_recall@5,
    answer_f1, answer_recall, false_refusal, true_refusal, answers_with_citation, citation_precision, quotes_verbatim,
    evidence_ms_p50, answer_ms_p50)."""
    return {"questions": len(run), **summarised(values_of(corpus, questions, run))}


def values_of(corpus: Iterable[Item], questions: Iterable[Item], run: Sequence[Item]) -> Values:
    """What the lines of a run contribute to each figure of `score`."""
    texts = {line["id"]: line.get("text") for line in corpus}
    by_id = {question["id"]: question for question in questions}
    values: defaultdict[str, list[float]] = defaultdict(list)
    for line in run:
        question = by_id[line["id"]]
        evidence = question.get("evidence") or []
        if evidence and question.get("answerable") is not False:
            _score_retrieval(values, line.get("retrieved") or [], evidence, texts)
        if "answer" in line:
            _score_answer(values, line, question, texts)
        for key in ("evidence_ms", "answer_ms"):
            if line.get(key) is not None:
                values[f"{key}_p50"].append(line[key])
    return dict(values)


def summarised(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The figure of each: the median of times, the mean of all else."""
    return {key: _summary(key, found) for key, found in values.items()}


def _summary(key: str, found: Sequence[float]) -> float:
    return round(statistics.median(found), 1) if key.endswith("_p50") else round(statistics.fmean(found), 4)


def _score_retrieval(
    values: defaultdict[str, list[float]], items: Sequence[Item], evidence: Sequence[Item], texts: Mapping[str, Any]
) -> None:
    gold = [is_gold(item, evidence) for item in items[:_DEPTH]]
    for depth in (1, 5, 10):
        values[f"hit@{depth}"].append(any(gold[:depth]))
    values["mrr@10"].append(next((1 / rank for rank, good in enumerate(gold, 1) if good), 0.0))
    values["ndcg@10"].append(_ndcg(items, gold, evidence))
    if all("start" in e and "end" in e and e.get("doc") for e in evidence):
        values["span_recall@5"].append(_covered(items[:5], evidence, texts))
    wanted = {e["doc"] for e in evidence if e.get("doc")}
    if wanted:
        found = wanted & {item.get("doc") for item in items[:_DEPTH]}
        values["doc_hit@10"].append(bool(found))
        values["doc_recall@10"].append(len(found) / len(wanted))


def _ndcg(items: Sequence[Item], gold: Sequence[bool], evidence: Sequence[Item]) -> float:
    distinct = {_address(e) for e in evidence}
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(_DEPTH, len(distinct)) + 1))
    seen, gain = set(), 0.0
    for rank, (item, good) in enumerate(zip(items, gold, strict=False), 1):
        if good and _address(item) not in seen:
            gain += 1 / math.log2(rank + 1)
        seen.add(_address(item))
    return min(1.0, gain / ideal)


def _score_answer(values: defaultdict[str, list[float]], line: Item, question: Item, texts: Mapping[str, Any]) -> None:
    refused = bool(line.get("refused"))
    if question.get("answerable") is False:
        values["true_refusal"].append(refused)
        return
    if not question.get("answerable"):
        return
    values["false_refusal"].append(refused)
    if refused:
        return
    wanted = [answer for answer in (question.get("answers") or [question.get("answer")]) if answer]
    if wanted:
        pairs = [_overlap(line["answer"], answer) for answer in wanted]
        values["answer_f1"].append(max(f1 for f1, _ in pairs))
        values["answer_recall"].append(max(recall for _, recall in pairs))
    citations = line.get("citations") or []
    values["answers_with_citation"].append(bool(citations))
    for citation in citations:
        values["citation_precision"].append(is_gold(citation, question.get("evidence") or []))
        text = texts.get(citation.get("passage_id") or citation.get("doc"))
        if text is not None and citation.get("quote") is not None:
            values["quotes_verbatim"].append(" ".join(citation["quote"].split()) in " ".join(text.split()))


def is_gold(item: Item, evidence: Sequence[Item]) -> bool:
    """Whether an item is the passage an evidence entry names, or its document (on its page, where it names one)."""
    for entry in evidence:
        if entry.get("passage_id") is not None:
            if item.get("passage_id") == entry["passage_id"]:
                return True
        elif item.get("doc") == entry.get("doc") and entry.get("page") in (None, item.get("page")):
            return True
    return False


def _address(item: Item) -> tuple[Any, Any, Any]:
    return item.get("passage_id"), item.get("doc"), item.get("page")


def _covered(items: Sequence[Item], evidence: Sequence[Item], texts: Mapping[str, Any]) -> float:
    """Share of the evidence's characters that the items' spans hold."""
    wanted = {(e["doc"], offset) for e in evidence for offset in range(e["start"], e["end"])}
    found: set[tuple[str, int]] = set()
    for item in items:
        start, end = item.get("start"), item.get("end")
        if start is None and item.get("text"):
            start = (texts.get(item["doc"]) or "").find(item["text"])
            end = start + len(item["text"])
        if start is not None and end is not None and start >= 0:
            found |= {(item["doc"], offset) for offset in range(start, end)}
    return len(wanted & found) / len(wanted)


def _overlap(answer: str, wanted: str) -> tuple[float, float]:
    """(F1, recall) of the wanted answer's words."""
    a, b = Counter(_words(answer)), Counter(_words(wanted))
    common = (a & b).total()
    if not common:
        return 0.0, 0.0
    precision, recall = common / a.total(), common / b.total()
    return 2 * precision * recall / (precision + recall), recall


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower().translate(_PUNCTUATION))
