"""Words that cannot stand for one another: opposites ("rose", "fell"; "possible", "impossible") and members of a series
("first", "third"; "kilometres", "miles"; "April", "May").

English and German. The pairs are direct antonyms that are frequent in English texts (chosen by hand with a look at
WordNet 3.0: Fellbaum 1998, "WordNet: an electronic lexical database") and their German equivalents; inflected forms are
found by their stems. No list is complete: an opposite that is missing here is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from rag.analysis import stem
from rag.types import Language
from rag.words import MONTHS, MULTIPLIERS, NUMBER_WORDS, UNITS

_PREFIXES: dict[Language, dict[str, int]] = {
    "en": {"un": 4, "non": 4, "in": 5, "im": 5, "il": 5, "ir": 5, "dis": 5, "mis": 5},
    "de": {"un": 4, "nicht": 4, "in": 5, "im": 5, "il": 5, "ir": 5, "miss": 5},
}
"""Prefixes that deny, and the letters of the shortest word that may take one: "income" does not deny "come"."""
_ENDINGS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (("ful", "less"),),
    "de": (("reich", "los"), ("voll", "los"), ("haltig", "frei")),
}
_ROOT = 3
"""Letters of the shortest word that may take an ending that denies."""

_PAIRS: dict[Language, str] = {
    "en": """
        increase=decrease,decline,reduce,fall,drop rise,rose,risen=fall,fell,fallen,decline,drop,sink,sank,sunk
        grow,grew=shrink,shrank gain=lose,loss,lost win,won=lose,lost victory=defeat success=failure
        succeed=fail begin,began,begun,start=end,finish,stop,cease beginning,start=end,close
        accept=reject,refuse allow,permit=forbid,forbade,forbidden,prohibit,ban,prevent,deny open=close,shut
        opened=closed enter=leave,left arrive=depart,leave,left come,came=go,went
        give,gave,given=take,took,taken buy,bought=sell,sold purchase=sale import=export include=exclude
        create,build,built=destroy attack=defend support=oppose,resist advance=retreat strengthen=weaken
        widen=narrow add=subtract,remove attach=detach admit=deny,exclude agree=disagree ascend=descend
        appoint,hire=dismiss,fire borrow=lend,lent expand=contract encourage=discourage,deter
        establish,found=abolish exceed=undercut float=sink,sank forget,forgot=remember ignore=notice
        join=leave,left,quit keep,kept=lose,lost lengthen=shorten lower=raise,upper,higher load=unload
        maximize=minimize multiply=divide pass=fail praise=criticize precede=follow,succeed prove=disprove
        pull=push reveal=hide,hid,conceal reward=punish save=waste,spend,spent simplify=complicate strong=weak
        strength=weakness tighten=loosen unite=divide upgrade=downgrade love=hate find,found=lose,lost
        stay=leave,depart let=prevent manage=fail know,knew=ignore use=misuse withdraw,withdrew=deposit,advance
        absorb=emit always=never,sometimes,rarely often,frequently=rarely,seldom all=none,few,no every=no
        everyone=nobody everything=nothing many=few most=least,fewest more=less,fewer much=little whole=half
        both=neither either=neither major=minor majority=minority maximum=minimum max=min
        largest,biggest,greatest=smallest,least large,big,great=small,little
        larger,bigger,greater=smaller,lesser high=low higher=lower highest=lowest long=short longer=shorter
        longest=shortest tall=short deep=shallow wide,broad=narrow thick=thin heavy=light fast,quick,rapid=slow
        early=late earlier=later earliest=latest old,ancient=new,young,modern older=younger,newer
        oldest=youngest,newest hot,warm=cold,cool hotter,warmer=colder,cooler wet=dry full=empty rich=poor
        strict=lenient hard=soft,easy easy=difficult,hard simple=complex,complicated good=bad,evil,poor
        better=worse best=worst positive=negative,neutral true=false right=wrong,left correct=wrong,incorrect
        same=different,other similar,alike=different,dissimilar equal=unequal public=private
        national=international,local domestic=foreign internal=external,outer inner=outer interior=exterior
        male=female man,men=woman,women boy=girl father=mother husband=wife son=daughter brother=sister
        king=queen mother=father ancestor=descendant parent=child teacher=student employer=employee
        dead=alive,living birth=death born=died,dead war=peace rural=urban civilian=military
        natural=artificial,synthetic liquid=solid,gas primary=secondary upper=lower former=latter,current
        active=passive direct=indirect explicit=implicit well=badly,ill partly=wholly,entirely sharp=dull,flat
        sound=silence home=away permanent=temporary gradual=sudden safe=dangerous strong=weak clean=dirty
        loud=quiet bright=dark,dim light=dark,heavy day=night morning=evening,afternoon summer=winter
        spring=autumn,fall black=white horizontal=vertical absolute=relative general=specific,particular
        broad=narrow conservative=liberal religious=secular democratic=autocratic cheap=expensive profit=loss
        asset=liability debit=credit gross=net supply=demand front=back,rear top=bottom inside=outside
        above,over=below,under,beneath over=under up=down,off on=off in=out within=outside,beyond
        upward,upwards=downward,downwards forward=backward before=after,following prior=subsequent,after
        previous=next,subsequent until,till=since first=last near=far presence=absence present=absent,past
        past=future with=without for=against together=apart only=also here=there with=without
        defense=offense,prosecution approve=disapprove,reject,veto adopt=reject confirm=deny,refute
        acquit=convict guilty=innocent legal=illegal healthy=sick,ill rough=smooth flat=steep familiar=strange
        friendly=hostile joint=separate single=double,multiple,married even=odd inhale=exhale buyer=seller
        winner=loser export=import leading=following sharp=blunt frequent=rare common=rare,uncommon
        abundant=scarce superior=inferior senior=junior optimistic=pessimistic voluntary=compulsory,mandatory
        mandatory,compulsory,required=optional optional=mandatory,required able=unable can=cannot
        accelerate=slow,decelerate appear=disappear attract=repel remember=forget friend=enemy,foe hero=villain
        boom=bust surplus=deficit""",
    "de": """
        steigen,steigt,stieg,stiegen,gestiegen=sinken,sinkt,sank,sanken,gesunken,fallen,fiel,gefallen,zurückgehen
        erhöhen,erhöht,erhöhte=senken,gesenkt,verringern,verringert,verringerte,reduzieren,reduziert
        wachsen,wuchs,gewachsen=schrumpfen,schrumpfte
        zunehmen,zunahm,zugenommen,Zunahme=abnehmen,abnahm,abgenommen,Abnahme Anstieg=Rückgang,Abfall
        Wachstum=Rückgang gewinnen,gewinnt,gewann,gewannen,gewonnen=verlieren,verliert,verlor,verloren
        Gewinn=Verlust Sieg=Niederlage Sieger=Verlierer Erfolg=Misserfolg
        beginnen,beginnt,begann,begannen,begonnen=enden,endet,endete,endeten,geendet Beginn,Anfang=Ende,Schluss
        anfangen=aufhören eröffnen,eröffnet,öffnen,geöffnet=schließen,schloss,geschlossen offen=geschlossen
        annehmen,angenommen,akzeptiert=ablehnen,abgelehnt,lehnten
        erlauben,erlaubt,gestattet,zulassen=verbieten,verbot,verboten,untersagt kommen,kam=gehen,ging
        ankommen,Ankunft=abreisen,Abreise,Abfahrt eintreten,beitreten=austreten,verlassen
        geben,gab,gegeben=nehmen,nahm,genommen kaufen,kauft,kaufte,gekauft,erworben=verkaufen,verkauft,verkaufte
        Kauf=Verkauf Käufer=Verkäufer Import=Export importieren=exportieren
        schaffen,bauen,gebaut,errichtet=zerstören,zerstört angreifen,angriff,Angriff=verteidigen,Verteidigung
        unterstützen,unterstützt,unterstützte=bekämpfen,bekämpft,bekämpfte,ablehnen
        stärken,gestärkt=schwächen,geschwächt einschließen,einschließlich=ausschließen,ausschließlich
        vergrößern=verkleinern verlängern=verkürzen verbessern,verbessert=verschlechtern,verschlechtert
        beschleunigen=bremsen,verlangsamen anziehen=abstoßen aufsteigen,Aufstieg=absteigen,Abstieg
        gründen,gegründet=auflösen,aufgelöst ernennen,ernannt=entlassen vergessen=erinnern loben=kritisieren
        bestätigen,bestätigt=widerlegen,widerlegt zustimmen=ablehnen,widersprechen
        immer,stets=nie,niemals,selten,manchmal oft,häufig=selten alle,allen,alles=keine,keinen,nichts
        jeder,jede=keiner,keine viele,vielen,viel=wenige,wenigen,wenig meist,meiste,meisten=wenigste,wenigsten
        mehr=weniger ganz=halb beide=keine mehrheit=minderheit maximum=minimum
        maximal,höchstens=minimal,mindestens größte,größten,größter=kleinste,kleinsten,kleinster
        groß,große,großen,großer,großes=klein,kleine,kleinen,kleiner,kleines größer,größere=kleiner,kleinere
        hoch,hohe,hohen,hoher=niedrig,niedrige,niedrigen,tief höher,höhere,höheren=niedriger,niedrigere,tiefer
        höchste,höchsten=niedrigste,niedrigsten,tiefste lang,lange=kurz,kurze länger=kürzer
        längste,längsten=kürzeste,kürzesten breit=schmal,eng dick=dünn schwer=leicht schnell,rasch=langsam
        früh,frühe,frühen=spät,späte,späten früher=später früheste=späteste
        alt,alte,alten,antik,antiken,antike=neu,neue,neuen,jung,junge,jungen,modern,moderne,modernen
        älter,ältere,älteren=jünger,jüngere,jüngeren älteste,ältesten=jüngste,jüngsten,neueste
        heiß,warm=kalt,kühl nass,feucht=trocken voll=leer reich=arm hart=weich
        einfach,einfache,leicht=schwierig,komplex,komplexe,kompliziert
        gut,gute,guten=schlecht,schlechte,schlechten,böse besser=schlechter
        beste,besten=schlechteste,schlechtesten positiv,positive,positiven=negativ,negative,negativen
        wahr=falsch richtig=falsch gleich,gleiche=verschieden,unterschiedlich,andere ähnlich=verschieden
        öffentlich,öffentliche,öffentlichen=privat,private,privaten
        national,nationale,nationalen=international,internationale,internationalen
        innere,inneren,intern,interne=äußere,äußeren,extern,externe inländisch=ausländisch
        männlich,männliche=weiblich,weibliche Mann,Männer=Frau,Frauen Junge=Mädchen Vater=Mutter Sohn=Tochter
        Bruder=Schwester König=Königin Vorfahre,Vorfahren=Nachfahre,Nachfahren,Nachkommen Vorgänger=Nachfolger
        tot=lebendig Geburt=Tod geboren=gestorben Krieg=Frieden ländlich=städtisch zivil=militärisch
        natürlich=künstlich flüssig=fest primär=sekundär obere,oberen=untere,unteren
        aktiv,aktive=passiv,passive,inaktiv direkt,direkte=indirekt,indirekte dauerhaft,ständig=vorübergehend
        plötzlich=allmählich sicher=gefährlich laut=leise hell=dunkel Tag=Nacht Sommer=Winter schwarz=weiß
        billig=teuer Vorteil,Vorteile=Nachteil,Nachteile Stärke=Schwäche
        stark,starke,starken=schwach,schwache,schwachen vorne=hinten oben=unten oberhalb=unterhalb
        innerhalb=außerhalb über=unter auf=unter hinauf=hinab vorwärts=rückwärts vor=nach,seit bevor=nachdem
        vorher,zuvor=nachher,danach vorherige=nächste,folgende bis=seit,ab
        erste,ersten,erster=letzte,letzten,letzter nahe=fern,weit anwesend=abwesend mit=ohne für=gegen
        zusammen=getrennt gemeinsam=getrennt links,linke,linken=rechts,rechte,rechten
        freiwillig=verpflichtend,zwingend erforderlich=überflüssig,unnötig notwendig,nötig=unnötig,überflüssig
        erfolgreich=erfolglos gesund=krank legal=illegal schuldig=unschuldig Freund,Freunde=Feind,Feinde
        Überschuss=Defizit ehemalig,ehemaligen=heutig,heutigen häufig,verbreitet=selten überlegen=unterlegen
        allgemein=speziell teilweise=vollständig,völlig erscheinen=verschwinden""",
}  # fmt: skip

_SERIES = (
    "first second third fourth fifth sixth seventh eighth ninth tenth",
    "once twice",
    "one two",
    "erste,ersten,erster,erstes zweite,zweiten,zweiter,zweites dritte,dritten,dritter,drittes vierte,vierten,vierter "
    "fünfte,fünften sechste,sechsten siebte,siebten achte,achten neunte,neunten zehnte,zehnten",
    "north,northern,nord,norden,nördlich,nördliche,nördlichen south,southern,süd,süden,südlich,südliche,südlichen "
    "east,eastern,ost,osten,östlich,östliche,östlichen west,western,westen,westlich,westliche,westlichen",
    "northwest northeast southwest southeast",
    "monday,montag tuesday,dienstag wednesday,mittwoch thursday,donnerstag friday,freitag saturday,samstag "
    "sunday,sonntag",
    "spring,frühling,frühjahr summer,sommer autumn,herbst winter",
    "half,hälfte third,drittel quarter,viertel",
    "single,einfach double,doppelt triple,dreifach",
    "daily,täglich weekly,wöchentlich monthly,monatlich yearly,annually,annual,jährlich quarterly,vierteljährlich",
    "decade,decades,jahrzehnt,jahrzehnte,jahrzehnten century,centuries,jahrhundert,jahrhunderte,jahrhunderts "
    "millennium,jahrtausend,jahrtausends year,years,jahr,jahre,jahren,jahres",
)
"""Of each series, members side by side; spellings of one member with commas between them."""


def opposed(one: str, other: str, language: Language) -> bool:
    """Whether two different words exclude one another in the same place of a sentence."""
    one, other = one.casefold(), other.casefold()
    ranks = _ranks()
    shared = ranks.get(one, {}).keys() & ranks.get(other, {}).keys()
    if any(ranks[one][series] != ranks[other][series] for series in shared):
        return True
    known = _opposites(language)
    stems = stem(one, language), stem(other, language)
    direct = other in known.get(one, ()) or stems[1] in known.get(stems[0], ())
    return direct or _derived(one, other, language)


def _derived(one: str, other: str, language: Language) -> bool:
    """Whether one word is the other with a prefix or an ending that denies it."""
    shorter, longer = sorted((one, other), key=len)
    roots = {stem(shorter, language), shorter}
    for prefix, least in _PREFIXES.get(language, {}).items():
        rest = longer.removeprefix(prefix)
        if rest != longer and len(rest) >= least and (rest in roots or stem(rest, language) in roots):
            return True
    for gives, lacks in _ENDINGS.get(language, ()):
        for mine, theirs in ((one, other), (other, one)):
            place = mine.find(gives)
            if place >= _ROOT and theirs.startswith(mine[:place] + lacks):
                return True
    return False


@cache
def _opposites(language: Language) -> dict[str, frozenset[str]]:
    """Words and stems -> those that they exclude."""
    found: dict[str, set[str]] = {}
    for pair in _PAIRS.get(language, "").casefold().split():
        sides = [side.split(",") for side in pair.split("=")]
        for mine, theirs in (sides, sides[::-1]):
            for word in mine:
                found.setdefault(word, set()).update(theirs)
                found.setdefault(stem(word, language), set()).update(stem(other, language) for other in theirs)
    return {word: frozenset(others) for word, others in found.items()}


@cache
def _ranks() -> dict[str, dict[str, object]]:
    """Word -> series -> which member it is."""
    found: dict[str, dict[str, object]] = {}
    for series, word, member in _members():
        found.setdefault(word.casefold(), {})[series] = member
    return found


def _members() -> Iterator[tuple[str, str, object]]:
    for number, line in enumerate(_SERIES):
        for place, member in enumerate(line.split()):
            yield from ((str(number), word, place) for word in member.split(","))
    for kind, table in (("unit", UNITS), ("month", MONTHS), ("factor", MULTIPLIERS)):
        yield from ((kind, word, member) for word, member in table.items() if len(word) > 1)
    yield from (("number", word, value) for word, value in (*NUMBER_WORDS.items(), ("two", 2), ("zwei", 2)))
