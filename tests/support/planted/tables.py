"""Words that the generator exchanges. They were written down without a look at those that the checker knows."""

from __future__ import annotations

from rag.types import Language

Pairs = tuple[tuple[str, str], ...]


def _pairs(text: str) -> Pairs:
    """ "a=b c=d" as pairs; an underscore stands for a blank."""
    return tuple(
        (one.replace("_", " "), other.replace("_", " ")) for one, _, other in (p.partition("=") for p in text.split())
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _both(text: str) -> Pairs:
    pairs = _pairs(text)
    return (*pairs, *((other, one) for one, other in pairs))


SYNONYMS: dict[Language, Pairs] = {
    "en": _pairs(
        "began=started approximately=about about=approximately located=situated because=since large=big many=numerous "
        "often=frequently also=additionally however=nevertheless became=turned_into begins=starts built=constructed "
        "constructed=built received=got created=made important=significant significant=important primarily=mainly "
        "mainly=primarily during=in_the_course_of famous=well-known currently=at_present used=employed help=assist "
        "entire=whole nearly=almost almost=nearly large=sizeable various=several required=needed ended=finished "
        "purchased=bought bought=purchased shows=demonstrates showed=demonstrated usually=normally obtain=get "
        "although=though announced=made_known contains=holds led_to=resulted_in known_as=called called=known_as"
    ),
    "de": _pairs(
        "etwa=ungefähr ungefähr=etwa rund=etwa begann=startete viele=zahlreiche zahlreiche=viele oft=häufig häufig=oft "
        "jedoch=allerdings allerdings=jedoch auch=ebenfalls errichtet=gebaut gebaut=errichtet bekam=erhielt "
        "erhielt=bekam wichtig=bedeutend bedeutende=wichtige wichtige=bedeutende hauptsächlich=vor_allem "
        "berühmt=bekannt fast=beinahe beinahe=fast benötigt=gebraucht endete=war_zu_Ende gekauft=erworben "
        "zeigt=belegt zeigten=belegten normalerweise=gewöhnlich weil=da verwendet=benutzt verwenden=benutzen "
        "gesamten=ganzen momentan=derzeit derzeit=momentan gemäß=laut sowie=und insgesamt=zusammen führte=brachte"
    ),
}

ACTIVE: dict[str, str] = dict(
    _pairs(
        "written=wrote built=built made=made led=led given=gave taken=took won=won held=held driven=drove drawn=drew "
        "sung=sang sold=sold bought=bought found=found seen=saw chosen=chose known=knew begun=began shot=shot told=told"
    )
)

MONTHS: dict[Language, tuple[str, ...]] = {
    "en": _listed("January February March April May June July August September October November December"),
    "de": _listed("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
}

SMALL_NUMBERS: dict[Language, tuple[str, ...]] = {
    "en": _listed("three four five six seven eight nine ten eleven twelve"),
    "de": _listed("drei vier fünf sechs sieben acht neun zehn elf zwölf"),
}
"""From 3 on."""

UNITS: dict[Language, Pairs] = {
    "en": _pairs(
        "kilometres=miles kilometers=miles km=miles miles=kilometres metres=feet meters=feet feet=metres years=months "
        "months=weeks weeks=days days=weeks hours=days minutes=hours acres=hectares tons=kilograms inches=feet"
    ),
    "de": _pairs(
        "Kilometer=Meilen Kilometern=Meilen km=Meilen Meter=Kilometer Metern=Kilometern Meilen=Kilometer Jahre=Monate "
        "Jahren=Monaten Monate=Wochen Monaten=Wochen Wochen=Tage Tage=Wochen Tagen=Wochen Stunden=Tage "
        "Minuten=Stunden Dollar=Euro Euro=Dollar Hektar=Quadratkilometer Tonnen=Kilogramm"
    ),
}

PREFIXES: dict[Language, Pairs] = {
    "en": _both(
        "known=unknown able=unable possible=impossible legal=illegal successful=unsuccessful usual=unusual "
        "important=unimportant official=unofficial common=uncommon likely=unlikely necessary=unnecessary "
        "dependent=independent regular=irregular formal=informal direct=indirect complete=incomplete aware=unaware "
        "popular=unpopular stable=unstable active=inactive visible=invisible certain=uncertain related=unrelated "
        "equal=unequal"
    ),
    "de": _both(
        "bekannt=unbekannt möglich=unmöglich abhängig=unabhängig wichtig=unwichtig üblich=unüblich sicher=unsicher "
        "erfolgreich=erfolglos gewöhnlich=ungewöhnlich beliebt=unbeliebt stabil=instabil aktiv=inaktiv direkt=indirekt "
        "wahrscheinlich=unwahrscheinlich notwendig=unnötig offiziell=inoffiziell sichtbar=unsichtbar legal=illegal "
        "bekannte=unbekannte bekannten=unbekannten wichtige=unwichtige wichtigen=unwichtigen direkte=indirekte "
        "direkten=indirekten regelmäßig=unregelmäßig vollständig=unvollständig"
    ),
}

ANTONYMS: dict[Language, Pairs] = {
    "en": _both(
        "increased=decreased increase=decrease increases=decreases rose=fell won=lost gained=lost accepted=rejected "
        "allowed=prohibited opened=closed began=ended begins=ends started=stopped entered=left success=failure "
        "strong=weak high=low higher=lower largest=smallest large=small longest=shortest long=short old=young hot=cold "
        "early=late public=private major=minor positive=negative rich=poor best=worst good=bad male=female "
        "majority=minority "
        "maximum=minimum supported=opposed true=false internal=external modern=ancient simple=complex "
        "wide=narrow easy=difficult easily=hardly included=excluded created=destroyed attack=defend bought=sold "
        "top=bottom full=empty fast=slow heavy=light always=never all=none more=less most=fewest many=few "
        "passed=failed appointed=dismissed victory=defeat import=export ancestors=descendants arrived=departed"
    ),
    "de": _both(
        "stieg=sank gestiegen=gesunken erhöht=verringert gewann=verlor gewonnen=verloren erlaubt=verboten "
        "begann=endete geöffnet=geschlossen angenommen=abgelehnt stark=schwach hoch=niedrig hohe=niedrige "
        "hohen=niedrigen "
        "größte=kleinste größten=kleinsten große=kleine großen=kleinen lang=kurz alt=jung alten=jungen alte=junge "
        "früh=spät frühen=späten öffentliche=private öffentlichen=privaten "
        "positiv=negativ positive=negative reich=arm besten=schlechtesten gut=schlecht "
        "maximal=minimal unterstützt=bekämpft wahr=falsch interne=externe moderne=antike modernen=antiken "
        "einfach=schwierig leicht=schwer gekauft=verkauft immer=nie mehr=weniger viele=wenige vielen=wenigen "
        "Mehrheit=Minderheit Sieg=Niederlage Erfolg=Misserfolg höher=niedriger schnell=langsam "
        "meisten=wenigsten alle=keine Vorteil=Nachteil"
    ),
}

ORDER: dict[Language, Pairs] = {
    "en": _both(
        "before=after prior_to=after first=last northern=southern north=south eastern=western east=west above=below "
        "until=since older=younger earlier=later over=under inside=outside left=right"
    ),
    "de": _both(
        "vor=nach bevor=nachdem erste=letzte ersten=letzten nördlichen=südlichen nördlich=südlich Norden=Süden "
        "östlichen=westlichen östlich=westlich Osten=Westen über=unter bis=seit älter=jünger linken=rechten "
        "innerhalb=außerhalb"
    ),
}
"""Where, when, in which order. Words of several meanings (German "vor", "über") are planted only before a number."""
