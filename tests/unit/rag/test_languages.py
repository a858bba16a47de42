from __future__ import annotations

import json

import pytest

from rag.languages import LANGUAGES, detect
from tests.conftest import EVAL_DIR, needs_eval


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The committee met on Monday and agreed that the bridge should be closed."),
        ("en", "What is the capital of Assyria?"),
        ("en", "how many people live in the los angeles area"),
        ("de", "Der Ausschuss tagte am Montag und beschloss, dass die Brücke gesperrt wird."),
        ("de", "Wie viele Punkte gab die Verteidigung der Panthers ab?"),
        ("de", "Was ist Debian?"),
        ("fr", "Le comité s'est réuni lundi et a décidé que le pont serait fermé."),
        ("fr", "Quelle est la capitale de la France ?"),
        ("es", "El comité se reunió el lunes y decidió que el puente se cerrara."),
        ("es", "¿Cuántas personas viven en la ciudad?"),
        ("it", "Il comitato si è riunito lunedì e ha deciso che il ponte sarà chiuso."),
        ("pt", "O comitê reuniu-se na segunda-feira e decidiu que a ponte não seria aberta."),
        ("nl", "De commissie kwam maandag bijeen en besloot dat de brug wordt gesloten."),
        (
            "da",
            "Udvalget mødtes og besluttede, at broen skal lukkes af hensyn til sikkerheden, hvad mange ikke kan lide.",
        ),
        (
            "no",
            "Utvalget møttes mandag og bestemte at broen skal stenges av hensyn til sikkerheten, hva mange ikke likte.",
        ),
        ("sv", "Utskottet möttes på måndagen och beslutade att bron inte ska vara öppen."),
        ("fi", "Valiokunta kokoontui maanantaina ja päätti, että silta on suljettava, mutta se ei ole helppoa."),
        ("cs", "Výbor se sešel v pondělí a rozhodl, že most bude uzavřen, protože není bezpečný."),
        ("pl", "Komitet zebrał się w poniedziałek i zdecydował, że most nie będzie otwarty."),
        ("hu", "A bizottság hétfőn ülésezett, és úgy döntött, hogy a hidat le kell zárni."),
        ("ro", "Comitetul s-a întrunit luni și a decis că podul nu va fi deschis pentru public."),
        ("tr", "Komite pazartesi günü toplandı ve köprünün kapatılması için bir karar aldı."),
        (
            "ca",
            "El comitè es va reunir dilluns i va decidir que el pont no és segur per als vianants.",
        ),
        ("ru", "Комитет собрался в понедельник и решил, что мост не будет открыт."),
        ("sr", "Одбор се састао у понедељак и одлучио да ће мост бити затворен, али није рекао када."),
        ("el", "Η επιτροπή συνεδρίασε τη Δευτέρα και αποφάσισε να κλείσει η γέφυρα."),
        ("ar", "اجتمعت اللجنة يوم الاثنين وقررت إغلاق الجسر من أجل السلامة في المدينة."),
        ("fa", "کمیته روز دوشنبه تشکیل جلسه داد و تصمیم گرفت که پل را ببندد."),
        ("hi", "समिति की बैठक सोमवार को हुई और पुल को बंद करने का निर्णय लिया गया है।"),
        ("ta", "குழு திங்கட்கிழமை கூடி பாலத்தை மூட முடிவு செய்தது"),
    ],
)
def test_language_is_told_from_one_sentence(language: str, text: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("text", ["", "   ", "42", "ISO 27001", "Berlin", "x = y + 1;", "日本語の文章です。"])
def test_unsure_is_empty(text: str) -> None:
    assert detect(text) == ""


def test_among_narrows_the_choice() -> None:
    danish_or_norwegian = "Det er ikke en god dag."
    assert detect(danish_or_norwegian) == ""
    assert detect(danish_or_norwegian, among={"no", "de"}) == "no"
    assert detect("The house is in the garden.", among={"de", "fr"}) in {"", "de", "fr"}


def test_long_text_is_told_from_its_windows_whatever_its_title_page_says() -> None:
    german = "Das ist ein Satz, der sich auf die Sache bezieht und nicht mehr. " * 400
    assert detect("The title of the thing in English is here. " * 5 + german) == "de"


def test_every_language_is_a_short_code() -> None:
    assert {"en", "de"} <= LANGUAGES
    assert all(len(language) == 2 for language in LANGUAGES)


@needs_eval
@pytest.mark.parametrize("language", ["en", "de"])
def test_questions_and_paragraphs_of_real_data_are_told(language: str) -> None:
    folder = EVAL_DIR / f"xquad-{language}"
    right = {}
    for name, key in (("corpus", "text"), ("questions", "question")):
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        right[key] = sum(detect(row[key]) == language for row in rows) / len(rows)
        wrong = [row[key] for row in rows if detect(row[key], among={"en", "de"}) not in (language, "")]
        assert len(wrong) <= len(rows) // 1000
    assert right["text"] == 1.0
    assert right["question"] >= 0.97
