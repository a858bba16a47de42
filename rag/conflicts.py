"""Whether another source says the same of the same thing with another fact: "signed in 2021" and "signed in 2022".

Only what differs in one place counts: sentences that differ in two are most likely about two things (another year and
another sum). Nor does a place count whose number or name is in the question (who asks about 2021 is not contradicted by
what is said of 2022), nor documents of a series whose titles name different periods.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.facts import facts_of, ground_of, missing
from rag.slots import Slot, agreement, content_words, words_of
from rag.substitution import differences, swapped
from rag.types import Language
from rag.words import MONTHS

_FRAME = 0.7
"""Share of the content words of the shorter sentence that both must have in the same order to be one statement."""
_LEAST = 3
"""Content words that must agree."""
_PERIOD = re.compile(rf"(?<!\d)(?:19|20)\d\d(?!\d)|(?<![^\W_])(?:[QH][1-4]|{'|'.join(MONTHS)})(?![^\W_])")


def disputes(answer: str, source: str, *, question: str, answer_language: Language, source_language: Language) -> bool:
    """Whether a source sentence makes the answer's statement with one other fact."""
    shorter = min(content_words(words_of(answer)), content_words(words_of(source)))
    agreed = agreement(answer, source)
    if agreed < _LEAST or agreed < _FRAME * (shorter - 1):  # one word is the fact itself
        return False
    if min(_lacking(answer, answer_language, source), _lacking(source, source_language, answer)) > 1:
        return False
    if swapped(answer, [source]):
        return True
    found = list(differences(answer, [source], answer_language=answer_language, source_language=source_language))
    facts = {tuple(" ".join(words).casefold() for words in slot.near) for slot in found}
    return len(facts) == 1 and not _asked(found, question)


def other_period(title: str, other: str) -> bool:
    """Whether two titles name different years, quarters or months: what one reports, the other need not repeat."""
    one, two = frozenset(_PERIOD.findall(title)), frozenset(_PERIOD.findall(other))
    return bool(one and two) and one != two


def _lacking(text: str, language: Language, other: str) -> int:
    """Numbers and dates of one sentence that the other does not hold."""
    lacking = missing(facts_of(text, language), ground_of(other))
    return len(lacking.quantities) + len(lacking.dates)


def _asked(found: Sequence[Slot], question: str) -> bool:
    """Whether the question names the number or name that differs: the other sentence is about another one."""
    asked = {word.casefold() for word in words_of(question)}
    naming = (word for slot in found for word in slot.near[0] if word[0].isupper() or word[0].isdigit())
    return any(word.casefold() in asked for word in naming)
