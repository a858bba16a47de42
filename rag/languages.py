"""Which language a text is written in, from its script, its function words and its letters.

Function words are the classic cue for language identification (Grefenstette 1995, "Comparing two language
identification schemes"): they make up nearly half of running text, need no model and stay right for a one-line
question. Only languages with a Snowball stemmer are told apart; everything else is "", and so is a close call.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from rag.types import Language

_FUNCTION_WORDS: Mapping[Language, str] = {
    "en": "the of and to in is was for on that with as by at from it he she his her an be are were this which or not "
    "have has had but they their you we what who how when where why did does do can could will would there been "
    "its one all into than if about after my your our i me no so any these those many much name during between "
    "most first used us while because also before against without under through each both only should such it's "
    "some other more over out up then whose s t",
    "de": "der die das und ist in den von zu mit sich des auf für nicht ein eine einer eines einem einen dem im als "
    "auch es an werden aus er hat dass daß sie nach wird bei wurde war sind noch wie über zum zur haben nur "
    "oder aber vor bis mehr durch man sein kann um wer was wo wann warum welche welcher welches welchen wieviel "
    "viele ich wir ihr mein ihre ihren wenn so am vom unter dieser diese dieses wurden waren gibt kein keine "
    "zwischen welchem wen wem wessen wofür womit worauf woraus worüber wodurch woher wohin worin wovon wozu "
    "seine seinen seiner seines ihrer ihrem hatte hatten ab jahr jahre viel oft lange etwa statt zwei alle weil "
    "damit ohne gegen seit während bereits jedoch kam machte konnte konnten heißt heute soll sollte muss müssen "
    "werde ja mir mich dir dich",
    "fr": "le la les des et est un une du en dans que qui pour pas sur au aux par plus avec ce il elle son sa ses se "
    "ne ou mais sont cette ces comme nous vous ils être avoir été fait quel quelle quels quelles où quand "
    "comment pourquoi combien je tu mon ma notre votre leur leurs était d l c qu à a si on entre y",
    "es": "el la los las de del y en que es un una por con para no se su al lo como más o pero sus le ha fue son este "
    "esta entre cuando muy sin sobre también me hasta hay donde quien quién qué cuál cuáles cómo cuándo dónde "
    "cuánto cuántos desde todo nos durante uno ni contra ese eso era años yo mi tu a",
    "it": "il lo la i gli le di del della dei delle dell nel nella e è che un una uno per con non si da dal dalla "
    "sono come più al alla ma anche o ha questo questa suo sua loro cosa chi quale quali quando dove perché "
    "quanti quanto fu era stato nei negli sul sulla tra se essere io mio cui ed l",
    "pt": "o os a as de do da dos das e em no na nos nas que é um uma para com não se por mais ao à foi são como mas "
    "ou seu sua ele ela pelo pela até isso este esta quando quem qual quais onde quantos quanto também já entre "
    "era muito ser está há eu meu você foram pelos sobre sem",
    "nl": "de het een en van in is dat op te zijn met voor niet aan er om ook als dan maar bij of uit nog naar heeft "
    "hij zij ze wordt werd door over kan wat wie waar wanneer hoe waarom welke hoeveel deze dit die was hun "
    "haar je ik mijn wij worden tot meer geen tussen onder",
    "da": "og i at det er en den til af på for med der ikke de som et har var han fra ved også men om eller hvad hvem "
    "hvor hvornår hvordan hvorfor hvilken hvilke blev efter kan skal vil jeg du vi sig sin over denne dette "
    "nogle være mange meget kun mellem under hans bliver ud op deres hun mere",
    "no": "og i at det er en den til av på for med som ikke de et har var han fra ved også men om eller hva hvem hvor "
    "når hvordan hvorfor hvilken hvilke ble etter kan skal vil jeg du vi seg sin over denne dette noen være "
    "mange mye bare mellom under hans blir ut opp deres hun mer ei",
    "sv": "och i att det är en den till av på för med som inte de ett har var han från vid också men om eller vad vem "
    "när hur varför vilken vilka blev efter kan ska vill jag du vi sig sin över denna detta några vara många "
    "mycket bara mellan under hans blir ut upp deras hon mer där",
    "fi": "ja on ei oli se että hän ovat mutta tai joka jotka mikä kuka missä milloin miten miksi kuinka monta myös "
    "kun niin kuin sen sekä jos ole olla tämä nämä minä sinä me he mukaan vain voi hänen vuonna jälkeen kanssa "
    "jonka joita ollut",
    "cs": "a je v na se že z do s to o ve za by jsou byl byla bylo nebo ale jako při po pro který která které kde kdy "
    "kdo co jak proč kolik jeho její jejich od podle také však už jen není až ze k i si tak mezi před jsem "
    "tento",
    "pl": "i w na z do się nie to że jest jak o po od za przez przy był była było oraz lub ale dla który która które "
    "gdzie kiedy kto co czy dlaczego ile jego jej ich są ze też tylko może już tym tego ten ta być został roku "
    "a u",
    "hu": "a az és hogy nem is egy van volt ez meg de csak vagy mint már még el ki mi hol mikor hogyan miért hány "
    "mely amely azt ezt szerint lehet között után alatt ha sem majd minden voltak ami aki milyen melyik által",
    "ro": "și în de la a cu din pe pentru că nu este un o care mai sau sunt ce au fost al ale lui prin după cum unde "
    "când cine câte câți dar fi se ca sa său între acest această despre cel cea până era",
    "tr": "ve bir bu için ile da de olarak olan en çok daha gibi kadar ne kim nerede zaman nasıl neden kaç hangi "
    "değil var olduğu sonra ya ki her ama veya o ben sen biz mi mı ise tarafından göre onun ilk iki yılında",
    "ca": "el la els les de del dels i en que és un una per amb no es al als com més o però seu seva ha va són aquest "
    "aquesta entre quan on qui què quin quina quins quantes quants perquè també fins des ser molt sobre sense "
    "ho hi li jo meu",
    "eu": "eta da ez bat zen dira du zuen ere baina edo hau hori zer nor non noiz nola zergatik zenbat izan egin dute "
    "ziren bere dela den bi beste baino oso gero arte behar ditu zituen arabera",
    "et": "ja on ei oli see et ta mis kes kus millal kuidas miks kui ka aga või oma nende selle seda olid mitte palju "
    "siis pärast kuid ning tema ole saab veel üks aastal poolt",
    "lt": "ir yra į iš kad su ne tai buvo kaip bet ar apie už prie nuo kas kur kada kodėl kiek jo jos jų taip pat per "
    "arba kuris kuri po tik dar labai ant šis ši metais",
    "ga": "an na agus is ar i go a le sa tá bhí ag do ní seo sin cad cé cá conas cathain ach nó mar bhfuil ó faoi "
    "chun den don leis gur iad siad mé tú sé sí raibh",
    "id": "yang dan di dari untuk dengan pada ini itu adalah dalam tidak ke oleh sebagai akan juga atau telah ada "
    "dapat apa siapa mana kapan bagaimana mengapa berapa saya anda mereka kami lebih bisa karena tersebut "
    "menjadi secara",
    "eo": "la kaj de en estas al ne ke por kun estis li ŝi ĝi ili mi vi ni el sed aŭ kiu kio kie kiam kiel kial kiom "
    "tiu ĉi pri per ankaŭ sur pli oni tio onia kiuj",
    "ru": "и в не на что с он как по это из к за от о для его но а у так же все был была было или кто где когда "
    "почему сколько какой который которые также при их она они мы вы я до есть быть года чем только",
    "sr": "и у је на да се за од са као су не што али или који која које где када зашто колико био била било по из до "
    "он она они ми ви ја такође после само може бити i u je na da se za od sa kao su ne što ali ili koji koja "
    "koje gde kada zašto koliko bio bila bilo po iz do on ona takođe posle samo može biti sam",
    "el": "και το του η ο της τα στο την των είναι να με για από που δεν τη στην οι τον ένα μια θα ως σε",
    "ar": "في من على إلى أن هذا التي الذي هو هي كان عن مع ما لا هل أين متى كيف لماذا كم كانت بعد قبل بين ذلك هذه و أو "
    "قد تم",
    "fa": "و در به از که این را با است برای آن یک خود تا بر هم نیز شد چه کجا چگونه چرا چند آنها می شود بود های کرد",
    "hi": "के है में की और से को का एक पर यह हैं था नहीं कि ने भी इस क्या कौन कहाँ कब कैसे क्यों कितने हो थी थे तो अपने जो किया",
    "ne": "छ को र मा हो छन् पनि यो भने थियो एक गर्न लागि बाट हुन् के कहाँ कसरी किन कति ले का लाई भएको गरेको",
    "ta": "ஒரு மற்றும் என்று இந்த அது என்ன இது உள்ள அவர் என",
    "hy": "է և որ ու են մեջ համար հետ այս ինչ նա",
    "yi": "און די דער איז אין פון צו מיט דאס אויף וואס האט נישט ער זיי אַ",
}
_LETTERS: Mapping[Language, str] = {
    "de": "äöüß",
    "fr": "éèêàçîôùûœë",
    "es": "ñáéíóú¿¡",
    "it": "àèìòùé",
    "pt": "ãõçáéêâóíà",
    "da": "æøå",
    "no": "æøå",
    "sv": "äöå",
    "fi": "äö",
    "cs": "ěščřžýáíéůúťďň",
    "pl": "ąćęłńóśźż",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "tr": "ğışçöü",
    "ca": "àèéíòóúç·",
    "et": "äõöüšž",
    "lt": "ąčęėįšųūž",
    "ga": "áéíóú",
    "eo": "ĉĝĥĵŝŭ",
    "sr": "ђјљњћџđčćšž",
    "fa": "پچژگیک",
    "ar": "ةىيكأإ",
}
_SCRIPTS: Mapping[Language, tuple[int, int]] = {
    "el": (0x370, 0x3FF),
    "hy": (0x530, 0x58F),
    "yi": (0x590, 0x5FF),
    "ta": (0xB80, 0xBFF),
}
"""Scripts that only one of the languages writes."""
_WORD = re.compile(r"[^\W\d_]+(?:[\u0900-\u0dff\u200c]+[^\W\d_]*)*")
_WINDOW = 1200
"""Characters read at the beginning, middle and end of a long text: a title page can be in another language."""
_LETTER_WEIGHT = 0.25
"""A letter of its own counts a quarter of a word of its own: names carry foreign letters."""
_WEAK = 0.3
"""What a function word counts that is one letter or capitalised inside the text: likely a formula, a list or a name."""
_LEAST = 0.3
"""Weight of evidence below which nothing is said: about one function word that three languages share."""
_LEAST_SHARE = 0.03
"""And that much a word: running text has five times as many, lists of names less."""
_LEAD = 1.15
"""The best must have this many times the evidence of the next, or the call is too close."""


def _shared_out(features: Mapping[Language, Iterable[str]], *, weight: float) -> dict[str, dict[Language, float]]:
    """Feature to languages: `weight` is shared among the languages that have the feature."""
    languages: dict[str, list[Language]] = {}
    for language, found in features.items():
        for feature in dict.fromkeys(found):
            languages.setdefault(feature, []).append(language)
    return {feature: dict.fromkeys(found, weight / len(found)) for feature, found in languages.items()}


_WORD_SCORES = _shared_out({language: words.split() for language, words in _FUNCTION_WORDS.items()}, weight=1.0)
_LETTER_SCORES = _shared_out(_LETTERS, weight=_LETTER_WEIGHT)
LANGUAGES: frozenset[Language] = frozenset(_FUNCTION_WORDS)
"""Every language `detect` can name."""


def detect(text: str, *, among: Collection[Language] | None = None) -> Language:
    """The language of `text`, or "" when it is unsure; `among` narrows the choice to languages that are possible.

    Reads at most three windows of a long text, so its cost does not grow with the length.
    """
    sample = _sample(text)
    scores: defaultdict[Language, float] = defaultdict(float)
    words = _WORD.findall(sample)
    for position, word in enumerate(words):
        weak = len(word) == 1 or (position > 0 and word[0].isupper())
        for language, weight in _WORD_SCORES.get(word.lower(), {}).items():
            scores[language] += weight * (_WEAK if weak else 1)
    for letter, count in Counter(sample.lower()).items():
        for language, weight in _LETTER_SCORES.get(letter, {}).items():
            scores[language] += weight * count
    for language, (first, last) in _SCRIPTS.items():
        if 2 * sum(first <= ord(character) <= last for character in sample) > len(sample.replace(" ", "")):
            scores[language] += 1
    possible = [(score, language) for language, score in scores.items() if among is None or language in among]
    return _clear_winner(sorted(possible, reverse=True), words=len(words))


def _sample(text: str) -> str:
    if len(text) <= 3 * _WINDOW:
        return text
    middle = len(text) // 2
    return " ".join((text[:_WINDOW], text[middle : middle + _WINDOW], text[-_WINDOW:]))


def _clear_winner(ranked: Sequence[tuple[float, Language]], *, words: int) -> Language:
    if not ranked or ranked[0][0] < max(_LEAST, _LEAST_SHARE * words):
        return ""
    if len(ranked) > 1 and ranked[0][0] < _LEAD * ranked[1][0]:
        return ""
    return ranked[0][1]
