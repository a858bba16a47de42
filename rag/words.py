"""Small English and German word tables that the checks of an answer and of a follow-up read."""

from __future__ import annotations


def _table(lines: dict[str, str]) -> dict[str, str]:
    return {spelling: meaning for meaning, spellings in lines.items() for spelling in spellings.split("|")}


def _set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


MONTHS: dict[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "January Januar Jänner Jan",
            "February Februar Feb",
            "March März Mar Mrz",
            "April Apr",
            "May Mai",
            "June Juni Jun",
            "July Juli Jul",
            "August Aug",
            "September Sept Sep",
            "October Oktober Oct Okt",
            "November Nov",
            "December Dezember Dec Dez",
        ),
        1,
    )
    for name in names.split()
}

UNITS: dict[str, str] = _table(
    {
        "%": "%|percent|per cent|Prozent|pct|percentage points|Prozentpunkte|v. H.",
        "usd": "$|US$|USD|dollars|dollar|Dollar|US-Dollar",
        "eur": "€|EUR|euros|euro|Euro|Euros",
        "gbp": "£|GBP|pounds sterling|Pfund Sterling",
        "jpy": "¥|JPY|yen|Yen",
        "km": "km|kilometers|kilometres|kilometer|kilometre|Kilometer|Kilometern",
        "m": "m|meters|metres|meter|metre|Meter|Metern",
        "cm": "cm|centimeters|centimetres|centimeter|Zentimeter|Zentimetern",
        "mm": "mm|millimeters|millimetres|millimeter|Millimeter|Millimetern",
        "mi": "mi|miles|mile|Meilen|Meile",
        "ft": "ft|feet|foot|Fuß",
        "in": "inches|inch|Zoll",
        "yd": "yards|yard",
        "sqkm": "km²|km2|square kilometers|square kilometres|Quadratkilometer|Quadratkilometern",
        "acre": "acres|acre",
        "ha": "ha|hectares|hectare|Hektar",
        "sqm": "m²|m2|square meters|square metres|Quadratmeter|Quadratmetern",
        "mph": "mph|miles per hour|Meilen pro Stunde",
        "km/h": "km/h|kilometers per hour|kilometres per hour|Kilometer pro Stunde|Stundenkilometer",
        "kg": "kg|kilograms|kilogram|Kilogramm",
        "g": "g|grams|gram|Gramm",
        "t": "tonnes|tonne|metric tons|tons|ton|Tonnen|Tonne",
        "lb": "lb|lbs|pounds|pound|Pfund",
        "l": "liters|litres|liter|litre|Liter|Litern",
        "ml": "ml|milliliters|millilitres|Milliliter",
        "year": "years|year|Jahre|Jahren|Jahr",
        "month": "months|month|Monate|Monaten|Monat",
        "week": "weeks|week|Wochen|Woche",
        "day": "days|day|Tage|Tagen|Tag",
        "hour": "hours|hour|h|hrs|Stunden|Stunde|Std.",
        "minute": "minutes|minute|min|mins|Minuten|Minute",
        "second": "seconds|second|s|sec|Sekunden|Sekunde|Sek.",
        "ms": "ms|milliseconds|Millisekunden",
        "°C": "°C|° C|degrees Celsius|Grad Celsius",
        "°F": "°F|° F|degrees Fahrenheit|Grad Fahrenheit",
        "kB": "kB|KB|kilobytes|Kilobyte",
        "MB": "MB|megabytes|Megabyte",
        "GB": "GB|gigabytes|Gigabyte",
        "TB": "TB|terabytes|Terabyte",
        "Hz": "Hz|hertz|Hertz",
        "kHz": "kHz|kilohertz|Kilohertz",
        "MHz": "MHz|megahertz|Megahertz",
        "GHz": "GHz|gigahertz|Gigahertz",
        "W": "W|watts|watt|Watt",
        "kW": "kW|kilowatts|kilowatt|Kilowatt",
        "MW": "MW|megawatts|megawatt|Megawatt",
        "V": "V|volts|volt|Volt",
    }
)

MULTIPLIERS: dict[str, tuple[float, ...]] = {
    "hundred": (1e2,),
    "thousand": (1e3,),
    "tausend": (1e3,),
    "Tausend": (1e3,),
    "million": (1e6,),
    "millions": (1e6,),
    "Million": (1e6,),
    "Millionen": (1e6,),
    "Mio.": (1e6,),
    "Mio": (1e6,),
    "billion": (1e9,),
    "bn": (1e9,),
    "Milliarde": (1e9,),
    "Milliarden": (1e9,),
    "Mrd.": (1e9,),
    "Mrd": (1e9,),
    "trillion": (1e12,),
    "Billion": (1e12, 1e9),  # German; a capital in an English title means the smaller one
    "Billionen": (1e12,),
}

NUMBER_WORDS: dict[str, int] = {
    word: value
    for words, value in (
        ("three drei", 3),
        ("four vier", 4),
        ("five fünf", 5),
        ("six sechs", 6),
        ("seven sieben", 7),
        ("eight acht", 8),
        ("nine neun", 9),
        ("ten zehn", 10),
        ("eleven elf", 11),
        ("twelve zwölf", 12),
        ("thirteen dreizehn", 13),
        ("fourteen vierzehn", 14),
        ("fifteen fünfzehn", 15),
        ("sixteen sechzehn", 16),
        ("seventeen siebzehn", 17),
        ("eighteen achtzehn", 18),
        ("nineteen neunzehn", 19),
        ("twenty zwanzig", 20),
        ("thirty dreißig", 30),
        ("forty vierzig", 40),
        ("fifty fünfzig", 50),
        ("sixty sechzig", 60),
        ("seventy siebzig", 70),
        ("eighty achtzig", 80),
        ("ninety neunzig", 90),
    )
    for word in words.split()
}
"""Without one and two, which are articles and pairs as often as counts."""

ABBREVIATIONS = _set("Mr Mrs Ms Dr Prof St Sir Herr Frau Hr Fr No Nr Inc Ltd Co GmbH AG Jr Sr")

STOP_WORDS = _set(
    "a about above after again against all also although am among an and any are as at be became because become",
    "been before being below between both but by can cannot could did do does doing done down due during each",
    "either etc ever every few first for from further get gets given had has have having he her here hers him his",
    "how however i if in include included includes including indeed instead into is it its itself known last later",
    "least less like likely made mainly many may me might more moreover most much must my near nor not of off often",
    "on once one only onto or other others our out over overall own per rather said same says several shall she",
    "should similarly since so some specifically still such than that the their them themselves then there",
    "therefore these they this those though through thus to together too two under unlike until up upon us used",
    "uses using usually various very was we well were what when where whereas whether which while who whom whose",
    "why will with within without would yes yet you your additionally according besides consequently finally",
    "furthermore generally hence nevertheless originally currently aber alle allem allen aller alles als also am an",
    "andere anderen anderer ans auch auf aus außerdem bei beide beiden beim bereits bis bzw da dabei dadurch dafür",
    "daher damit danach dann daran darauf daraus darin das dass davon dazu dem den denn der deren des deshalb",
    "dessen die dies diese diesem diesen dieser dieses doch dort durch ein eine einem einen einer eines einige er",
    "es etwa für gegen gibt hat hatte hatten haben hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im",
    "in indem ins insbesondere ist ja jede jedem jeden jeder jedes jedoch jene jener jetzt kann keine können könnte",
    "laut machen man manche mehr mehrere meist mich mir mit mittels muss müssen nach nachdem neben nicht noch nun",
    "nur ob obwohl oder ohne pro schon sehr sein seine seinem seinen seiner seit sich sie sind so sobald sogar",
    "solche sollte somit sondern sowie sowohl soll sollen steht über um und unter uns unser vom von vor während war",
    "waren warum was weil weitere weiterhin welche welchem welchen welcher welches wenn wer werden weshalb wie",
    "wieder wir wird wo wobei wodurch wurde wurden zu zudem zum zur zusätzlich zwar zwei zwischen",
)

ASKING_WORDS = _set(
    "who whom whose what when where which why how wer wen wem wessen was wann wo woher wohin warum wieso weshalb wie",
    "welche welcher welches welchen welchem",
)

LEAD_IN_WORDS: frozenset[str] = _set(
    "according answer answers based detail details document documents example examples following found give given here",
    "important include includes including information key list main mention mentioned overview passage passages point",
    "points provide provided reason reasons required source sources step steps summarize summary text way ways",
    "angegeben angegebenen antwort aufgeführt ausführen beispiel beispiele beschrieben details dokument dokumente",
    "dokumenten eigenschaft eigenschaften erfüllt folgend folgende folgenden folgender folgendes gefunden genannt",
    "grund gründe hier information informationen liste punkt punkte quelle quellen schritt schritte text übersicht",
    "wichtig wichtige wichtigen wichtigsten zusammenfassung",
)
"""Words of "Here is a summary of the key points:", which claim nothing about the documents."""
