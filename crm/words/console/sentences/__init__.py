"""Sentences that decisions, the doctor, tasks, timelines and notices have in English, told in Spanish; a file for each
noun.

They are on record as sentences, for years back, so they are recognized by their words: a sentence with places, such as
"The caller chose {what} by key.", stands for all that differ from it there only. What fills a place is taken over, or,
where PLACES knows it, is a word of ours as well. What is not recognized stays English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from babel.dates import get_day_names, get_month_names

from crm.words.codes import WORDS as ENGLISH
from crm.words.console.codes import DESKS, TONGUES
from crm.words.console.codes import SPANISH as CODES
from crm.words.console.sentences.findings import FINDINGS
from crm.words.console.sentences.fixes import CHECKS, FIXES
from crm.words.console.sentences.gate import GATE
from crm.words.console.sentences.notices import COUNTS, NOTICES, WHOM
from crm.words.console.sentences.reasons import CONCERNS, PARTS, PROTECTED, REASONS
from crm.words.console.sentences.records import COUNTED, DECIDED, RECORDS, WEEKDAYS, WENT
from crm.words.console.sentences.routing import LOST, ROUTING
from crm.words.console.sentences.sending import ADVICE, MEANINGS, PEER_SAYS, SENDING
from crm.words.console.sentences.talks import ANIMALS, TALKS, TOPICS
from crm.words.console.sentences.templates import SENT

__all__ = [
    "CHECKS",
    "FINDINGS",
    "FIXES",
    "GATE",
    "LOST",
    "NOTICES",
    "REASONS",
    "RECORDS",
    "ROUTING",
    "SENT",
    "check",
    "in_short",
    "notice",
    "record",
    "told",
]

QUESTIONS = {
    "menu": "el menú",
    "link": "si quiere algo más, tras enviarle el enlace",
    "who": "quién es",
    "urgent": "si es urgente",
    "same": "si es sobre la misma propiedad",
    "area": "la zona",
    "letters": "las primeras letras de la propiedad",
    "property": "la propiedad",
    "voice_agent": "qué desea, por el agente de voz",
    "tour": "la hora de una visita",
}
TEXTS = {
    "listings_link": "el enlace a las viviendas",
    "missed_call": "la llamada perdida",
    "callback": "que se le llamará",
    "follow_up": "seguimiento",
    "tour": "visita",
    "tour_reminder": "recordatorio de la visita",
    "application": "solicitud",
    "agent": "escrito por nosotros",
    "stop_confirmed": "baja confirmada",
    "start_confirmed": "alta confirmada",
    "help": "ayuda",
    "staff": "a nuestra gente",
    "inbound": "recibido",
}

_KINDS = {**CODES["CallerKind"], **{f"a {kind}": said for kind, said in CODES["CallerKind"].items()}}
_KINDS |= {f"an {kind}": said for kind, said in CODES["CallerKind"].items()}
_CASED = {kind[:1].upper() + kind[1:]: said for kind, said in _KINDS.items()}


Patterns = list[tuple[re.Pattern[str], str]]


def _one_of(known: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: known.get(value, value)


def _each_of(known: Mapping[str, str], between: str = ", ", said: str = ", ") -> Callable[[str], str]:
    return lambda value: said.join(known.get(one, one) for one in value.split(between))


def _owner(value: str) -> str:
    if value == "the admin":
        return "quien administra"
    return f"equipo {value.removeprefix('team ')}" if value.startswith("team ") else value


def _agents(value: str) -> str:
    return re.sub(r" and (\d+) more$", r" y \1 más", value)


_WEEKDAY = re.compile("|".join(WEEKDAYS))
DAYS, MONTHS = (
    dict(zip(*(names("wide", "format", language).values() for language in ("en", "es")), strict=True))
    for names in (get_day_names, get_month_names)
)
"""English and Spanish."""
_DATED = re.compile(rf"({'|'.join(DAYS)}), ({'|'.join(MONTHS)}) 0?(\d+)(?:, (\d{{4}}))?")
_DUE = re.compile(rf"({'|'.join(month[:3] for month in MONTHS)}) 0?(\d+) ([\d:]+)")
_SHORT_MONTHS = {month[:3]: said[:3] for month, said in MONTHS.items()}


def _dated(value: str) -> str:
    """Raises KeyError for what is no day, such as the beginning of another sentence."""
    if (found := _DATED.fullmatch(value)) is None:
        raise KeyError(value)
    return f"{DAYS[found[1]]}, {found[3]} de {MONTHS[found[2]]}" + (f" de {found[4]}" if found[4] else "")


def _due(value: str) -> str:
    at, *more = value.split(", ")
    told_more = ["atrasada" if one == "overdue" else one.replace(" may take it", " puede tomarla") for one in more]
    return ", ".join([_DUE.sub(lambda found: f"{found[2]} {_SHORT_MONTHS[found[1]]} {found[3]}", at), *told_more])


def _home(value: str) -> str:
    """Raises KeyError for no home that somebody looks for."""
    if (found := _WISHES.fullmatch(value)) is None:
        raise KeyError(value)
    said = []
    if rooms := found["rooms"]:
        said.append("un estudio" if rooms == "a studio" else rooms.replace("bedroom", "dormitorio"))
    for name, between in (("place", "en"), ("day", "desde"), ("budget", "hasta"), ("number", "llamarle al")):
        said += [f"{between} {found[name]}"] if found[name] else []
    if pets := found["pets"]:
        animals = re.sub(r"[a-z]+", lambda animal: ANIMALS.get(animal[0], animal[0]), pets)
        said.append("sin mascotas" if pets == "no pets" else f"con {animals}")
    if not said:
        raise KeyError(value)
    return (", " if ", " in value else " ").join([*([found["who"]] if found["who"] else []), *said])


_WISHES = re.compile(
    r"(?:(?P<who>[^,;]+), (?=a studio|\d|at |from |up to |no pets|call back))?"
    r"(?P<rooms>a studio|\d+ bedrooms?)?(?:,? ?at (?P<place>[^,;]+?))?(?:,? ?from (?P<day>\d{4}-\d\d-\d\d))?"
    r"(?:,? ?up to (?P<budget>\$\d+))?"
    r"(?:,? ?(?:with )?(?P<pets>no pets|(?:\d+ )?(?:dogs?|cats?|puppy|kitten)[a-z0-9 ,]*?))?"
    r"(?:, call back at (?P<number>[+\d]+))?"
)


def _topics(value: str) -> str:
    topics = re.split(r"(, | and )", value)
    return "".join({", ": ", ", " and ": " y "}.get(one) or _topic(one) for one in topics)


def _topic(value: str) -> str:
    topic, at, place = value.partition(" at ")
    return f"{TOPICS.get(topic, topic)} en {place}" if at else TOPICS.get(topic, topic)


def _count(value: str) -> str:
    """Raises KeyError for no number."""
    if not value.replace(",", "").isdecimal():
        raise KeyError(value)
    return value


def _counts(value: str) -> str:
    return re.sub(r"(?<=\d )[a-z ]+", lambda found: COUNTS.get(found[0], found[0]), value)


PLACES: Mapping[str, Callable[[str], str]] = {
    "language": _one_of(TONGUES["es"]),
    "chosen": _one_of(TONGUES["es"]),
    "kind": _one_of(_KINDS | _CASED),
    "kinds": _one_of({f"{kind}s": DESKS.get(kind, kind) for kind in CODES["CallerKind"]}),
    "standing": _one_of({code.replace("_", " "): said for code, said in CODES["LeasingStage"].items()}),
    "hours": _one_of(
        {
            "at all hours": "a todas horas",
            "while the office is closed": "mientras la oficina está cerrada",
            "while all of the property's people are on calls": ("mientras todos los de la propiedad están en llamadas"),
        }
    ),
    "desk": _one_of(DESKS),
    "desks": _each_of(DESKS),
    "where": _one_of({"all properties": "todas las propiedades", "one number for all": "un número para todo"}),
    "strategy": _one_of(CODES["Strategy"]),
    "stage": _one_of(CODES["StageName"]),
    "question": _one_of(QUESTIONS),
    "paths": _each_of(CODES["Path"], ", then ", ", luego "),
    "task": _one_of(CODES["TaskKind"]),
    "texts": _each_of(TEXTS),
    **dict.fromkeys(("owner", "got"), _owner),
    "outcome": _one_of(
        {ENGLISH["Outcome"].get(code, code.replace("_", " ")): said for code, said in CODES["Outcome"].items()}
    ),
    "agents": _agents,
    "names": lambda value: value.replace(" and ", " y "),
    "what": lambda value: told(value, "es"),
    "some": _agents,
    "way": _one_of({"straight": "directamente", "who answers there presses 1": "quien contesta ahí pulsa 1"}),
    "how": _one_of(
        {
            "straight, so voicemail there can get callers": "directamente, así que un buzón de allí puede tomarlas",
            "after pressing 1": "tras pulsar 1",
        }
    ),
    "counted": _one_of(
        {
            "answers to one person's words": "respuestas a palabras de una persona",
            "answers to keywords": "respuestas a palabras clave",
            "texts to one person": "textos a una persona",
            "texts of the office": "textos de la oficina",
            "automatic texts": "textos automáticos",
        }
    ),
    "text": _one_of(
        {
            "an answer to a keyword": "la respuesta a una palabra clave",
            "an answer to the person's own call or text": "la respuesta a una llamada o un texto de la persona",
            "a notice to somebody in the office": "un aviso a alguien de la oficina",
        }
    ),
    "evidence": lambda value: "; ".join(told(one, "es") for one in value.split("; ")),
    "why": lambda value: told(value, "es"),
    "age": lambda value: told(value, "es"),
    "went": lambda value: _clause(value),
    "who": lambda value: _name(value),
    "rest": lambda value: record(value, "es"),
    "cut": lambda value: _clause(value),
    "kind_of_tour": _one_of({kind.replace("_", " "): said for kind, said in CODES["TourKind"].items()}),
    "old": _one_of(CODES["LeasingStage"]),
    "stage_set": _one_of(CODES["LeasingStage"]),
    "decided": _one_of(DECIDED),
    "part": lambda value: re.sub("[a-z]+", lambda found: PARTS.get(found[0], found[0]), value),
    "tongue": _one_of(TONGUES["es"]),
    "protected": _one_of({kind.value: said for kind, said in PROTECTED.items()}),
    "concern": _one_of(CONCERNS),
    "leads": lambda value: value.replace("lead", "prospecto"),
    "gist": lambda value: in_short(value, "es"),
    "wishes": lambda value: _home(value),
    "topics": lambda value: _topics(value),
    "told": lambda value: notice(value, "es"),
    "property": _one_of({"the office": "la oficina"}),
    "whom": _one_of(WHOM),
    "advice": _one_of(ADVICE),
    "meaning": _one_of(MEANINGS),
    "peer_says": _one_of(PEER_SAYS),
    "said": lambda value: value.replace(" answered ", " contestó "),
    "answered": lambda value: value.replace("it answered ", "contestó "),
    "count": _count,
    "dated": _dated,
    "due": _due,
    "counts": _counts,
    **dict.fromkeys(("moment", "later"), lambda value: _WEEKDAY.sub(lambda found: WEEKDAYS[found[0]], value)),
}
"""What fills a place, where it is ours to tell."""


def told(sentence: str, language: str) -> str:
    """The sentence for whoever reads it in this language, with words in place of codes."""
    return _known(sentence) if language == "es" else _with_words(sentence)


def _with_words(sentence: str) -> str:
    """A sentence of the routing decision with the words for the codes in it."""
    for coded, kind in _CODED:
        if found := coded.search(sentence):
            words = ENGLISH[kind]
            said = [words.get(code, code.replace("_", " ")) for code in re.split(", (?:then )?", found[0])]
            between = ", then " if ", then " in found[0] else ", "
            sentence = f"{sentence[: found.start()]}{between.join(said)}{sentence[found.end() :]}"
    return sentence


_CODED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=^If that fails: )[a-z_]+(?:, then [a-z_]+)*(?=\.$)"), "Path"),
    (re.compile(r"(?<=[Tt]he next action \()[a-z_]+(?=\))"), "TaskKind"),
    (re.compile(r"(?<= \()[a-z_]+(?=\)\.$)"), "Strategy"),
    (re.compile(r"(?<=^Texted unless somebody talks with the caller: )[a-z_]+(?:, [a-z_]+)*(?=\.$)"), "TextPurpose"),
)


def record(text: str, language: str) -> str:
    """What stands on a task or in a timeline: one of our sentences, or several after each other, among which there may
    be others, such as the voice agent's summary."""
    return _record(text, _records) if language == "es" else text


def notice(text: str, language: str) -> str:
    """What somebody is told of: lines, each with sentences of ours or with what people wrote or said."""
    return "\n".join(_notice(line) for line in text.split("\n")) if language == "es" else text


@lru_cache(2048)
def _notice(line: str) -> str:
    if len(line) > LONGEST_LINE:
        return line
    # It may say first whom it is about.
    whom, colon, rest = line.partition(": ")
    if colon and not _first(line, _notices)[0] and _first(rest, _notices)[0]:
        return f"{WHOM.get(whom, whom)}: {_record(rest, _notices)}"
    return _record(line, _notices)


@lru_cache(2048)
def _record(text: str, known: Callable[[], Patterns]) -> str:
    if often := _OFTEN.fullmatch(text):
        first, last = (_WEEKDAY.sub(lambda found: WEEKDAYS[found[0]], often[name]) for name in ("first", "last"))
        what = COUNTED[often["what"]]
        return f"{_record(often['why'], known)} {often['times']} {what}: la primera vez {first}, la última {last}."
    told_so_far: list[str] = []
    rest = text
    while rest and len(told_so_far) < MOST_IN_RECORD:
        found, end = _first(rest, known)
        told_so_far.append(found or rest[:end])
        rest = rest[end + 1 :]
    return " ".join([*told_so_far, *([rest] if rest else [])])


def _first(text: str, known: Callable[[], Patterns]) -> tuple[str, int]:
    """The sentence that a text begins with, empty if it is none of ours, and where it ends."""
    # The most that is one of ours first: a name may end like a sentence.
    ends = [found.start() + 1 for found in _END.finditer(text, 0, LONGEST_RECORD)]
    for end in (len(text), *ends[::-1]):
        if (found := _recognized(text[:end], known())) is not None:
            return found, end
    end = ends[0] if ends else len(text)
    return _in_short(text[:end]), end


_END = re.compile(r"[.!?] (?=\S)")
_OFTEN = re.compile(
    rf"(?P<why>.*) (?P<times>\d+) (?P<what>{'|'.join(COUNTED)}), the first on (?P<first>\w+ [\d:]+),"
    r" the last on (?P<last>\w+ [\d:]+)\.",
    re.DOTALL,
)
LONGEST_RECORD = 600
"""Characters in which the end of a sentence is looked for; a text or an email may be far longer."""
LONGEST_NAME = 5
"""Spaces; of people and teams."""
LONGEST_LINE = 2_000
"""Characters of a notice's line; a longer one is what somebody said."""
MOST_IN_RECORD = 8
"""Sentences."""


def _name(value: str) -> str:
    """Raises KeyError for the beginning of a sentence, or for a whole one, which is nobody's name."""
    if value.endswith(" and") or value.startswith("Called ") or value.count(" ") > LONGEST_NAME:
        raise KeyError(value)
    return value


def _clause(value: str) -> str:
    """Raises KeyError for none of ours: then it is not this sentence."""
    if (found := _recognized(value, _clauses())) is None:
        raise KeyError(value)
    return found


def in_short(text: str, language: str) -> str:
    """What a talk was about."""
    return _in_short(text) or text if language == "es" else text


@lru_cache(2048)
def _in_short(text: str) -> str:
    """Empty: it is none of ours."""
    said, is_ours = [], False
    for clause in text.rstrip(".").split("; "):
        first = clause[:1].lower() + clause[1:]
        found = _recognized(first, _talks()) or _recognized(clause, _talks()) or _only_a_home(clause)
        is_ours = is_ours or found is not None
        said.append(found or clause)
    if not is_ours:
        return ""
    told_all = "; ".join(said) + ("." if text.endswith(".") else "")
    return told_all[:1].upper() + told_all[1:] if text[:1].isupper() else told_all


def _only_a_home(clause: str) -> str | None:
    try:
        return _home(clause) or None
    except KeyError:
        return None


def check(name: str, language: str) -> str:
    """What the doctor looked at, by its name."""
    return CHECKS.get(name, name) if language == "es" else name


@lru_cache(2048)
def _known(sentence: str) -> str:
    found = _recognized(sentence, _patterns())
    return sentence if found is None else found


def _recognized(sentence: str, patterns: Patterns) -> str | None:
    for pattern, spanish in patterns:
        if found := pattern.fullmatch(sentence):
            if any(_holds_another(name, value, patterns) for name, value in found.groupdict().items()):
                continue
            try:
                filled = {name: PLACES.get(name, str)(value) for name, value in found.groupdict().items()}
            except KeyError:
                continue
            return spanish.format_map(filled)
    return None


OPEN = ("words", "rest", "told", "what", "why")
"""Places that hold whole sentences."""


def _holds_another(place: str, value: str, patterns: Patterns) -> bool:
    """Whether what fills a place begins or goes on with another sentence of ours: then it is not the one that it seems
    to be."""
    return place not in OPEN and any(
        _recognized(part, patterns) is not None
        for end in _END.finditer(value, 0, LONGEST_RECORD)
        for part in (value[: end.start() + 1], f"{value[end.end() :]}.")
    )


@lru_cache(1)
def _patterns() -> Patterns:
    return _of({**ROUTING, **LOST, **GATE, **FINDINGS, **SENT})


@lru_cache(1)
def _records() -> Patterns:
    return _of({**RECORDS, **SENDING, **REASONS})


@lru_cache(1)
def _notices() -> Patterns:
    often = "{{count}} {}, the first on {{moment}}, the last on {{later}}."
    counted = "{{count}} {}: la primera vez {{moment}}, la última {{later}}."
    return _of(
        {
            **RECORDS,
            **SENDING,
            **REASONS,
            **LOST,
            **NOTICES,
            **{often.format(one): counted.format(COUNTED[one]) for one in COUNTED},
        }
    )


@lru_cache(1)
def _talks() -> Patterns:
    return _of(TALKS)


@lru_cache(1)
def _clauses() -> Patterns:
    return _of(WENT)


def _of(sentences: Mapping[str, str]) -> Patterns:
    """The most words first, so that no sentence with few takes what is another's."""
    found = sorted(sentences.items(), key=lambda item: -len(re.sub(r"{\w+}", "", item[0])))
    return [(_pattern(english), spanish) for english, spanish in found]


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"{(\w+)}", english)
    return re.compile(
        "".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>.*?)" for at, part in enumerate(parts)), re.DOTALL
    )
