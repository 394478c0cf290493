"""What the voice agent makes of one happening, before any row is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from crm.domain import guards, intents, slots
from crm.domain.conversation import Began, Did, Happening, Pressed, Utterance
from crm.domain.dialogue import Dialogue, folded
from crm.domain.guards import Sensitive, Sentry
from crm.domain.heard import DAYS, CardField
from crm.domain.intents import Scorer, Wish
from crm.domain.places import PlaceFound, Places
from crm.domain.slots import Slots
from crm.domain.talk import Asked, RowsWanted, TalkState
from crm.domain.tongues import TELLING

LONGEST = 1000
"""Characters of one utterance that are looked at; that is more than a minute."""
SURE_LANGUAGE = 0.4
"""Mean probability of the words, from which the transcriber's language is believed."""
_YES_OR_NO = (
    Asked.SEE,
    Asked.LINK,
    Asked.PROMISE,
    Asked.PERSON,
    Asked.MORE,
    Asked.TOUR_TIME,
    Asked.TOUR_RIGHT,
    Asked.NAME,
    Asked.NAME_RIGHT,
    Asked.EMAIL_RIGHT,
    Asked.NUMBER_RIGHT,
    Asked.MOBILE_RIGHT,
    Asked.WISHES_RIGHT,
)
"""What may be agreed to, or declined."""
_SPELLED = (Asked.NAME, Asked.NAME_SPELLED)
TOURS = ("tour",)
_TOUR_QUESTIONS = (Asked.TOUR_TIME, Asked.TOUR_RIGHT, Asked.SEE)


@dataclass(frozen=True)
class Mind:
    """What leads talks: the dialogue in each language, and what likens sentences where the patterns say nothing."""

    dialogues: Mapping[str, Dialogue]
    scorer: Scorer | None = None


@dataclass(frozen=True)
class Understanding:
    happening: Happening
    language: str
    """That the answer is given in."""
    is_foreign: bool = False
    """They speak a language that there is no dialogue in."""
    text: str = ""
    """What they said, with SOMEBODY for their name."""
    sentry: Sentry = Sentry()  # noqa: RUF009 - it is frozen
    wishes: tuple[Wish, ...] = ()
    slots: Slots = field(default_factory=Slots)

    @property
    def intents(self) -> tuple[str, ...]:
        return tuple(wish.intent for wish in self.wishes if wish.is_sure)


def hear(
    mind: Mind,
    state: TalkState,
    happening: Happening,
    known: Places,
    today: date,
    line_language: str = "en",
    colleagues: Collection[str] = (),
) -> Understanding:
    """`known` are the office's properties, `colleagues` the names of its agents; `line_language` counts until somebody
    speaks."""
    language = state.language or (line_language if line_language in mind.dialogues else next(iter(mind.dialogues)))
    if isinstance(happening, Pressed):
        return Understanding(happening, language, slots=Slots(digits="".join(filter(str.isdigit, happening.keys))))
    if not isinstance(happening, Utterance):
        return Understanding(happening, language)
    text = happening.text.strip()[:LONGEST]
    plain = folded(text)
    language, is_foreign = _language(mind, language, happening, plain)
    found = slots.read(text, known, today)
    if found.name and (unnamed := _with_another_name(text, found)) != text:
        text, found = unnamed, replace(slots.read(unnamed, known, today), name=found.name, letters=found.letters)
        plain = folded(text)
    answer = intents.answer(mind.dialogues[language], text, mind.scorer) if state.asked in _YES_OR_NO else None
    found = _in_context(state, found, plain, known, answer)
    wishes = intents.wishes(
        mind.dialogues[language],
        text,
        mind.scorer,
        answers=answer is not None
        or _answers(state, found)
        or (bool(found.name) and set(plain.split()) <= _INTRODUCES),
    )
    others = [name for name in colleagues if name and not (found.name and SOMEBODY in name)]
    if _asks_for_one_of(others, text) and not {wish.intent for wish in wishes} & _REACHES:
        wishes = (Wish(PERSON), *(wish for wish in wishes if wish.is_sure))
    if found.unit and not found.number:
        # "What about number 305": a door's, not a telephone's.
        wishes = tuple(wish for wish in wishes if wish.intent != "number")
    # Names of properties say nothing about anybody, as names of people do: a Church Street is no church.
    neutral = _without(plain, found.place.words if found.place else "")
    sentry = guards.watch(text, neutral)
    if state.asked in _SPELLED and _FULL_NAME.fullmatch(text):
        wishes = ()
    if state.asked in _SPELLED and not wishes and _may_be_a_name(plain):
        # Somebody may be called Christian Church, but nobody Section Eight.
        about = tuple(kind for kind in sentry.sensitive if kind not in (Sensitive.NEUTRAL, Sensitive.FAMILIES))
        sentry = replace(sentry, sensitive=about)
    if sentry.sensitive and not sentry.states_family:
        wishes = intents.beside(mind.dialogues[language], wishes, sentry.rest)
    return Understanding(happening, language, is_foreign and not wishes, text, sentry, wishes, found)


SOMEBODY = "Anna"
_INTRODUCES = {
    *(
        [
            "anna",
            "hi",
            "hello",
            "hey",
            "yes",
            "yeah",
            "sure",
            "well",
            "so",
            "um",
            "uh",
            "okay",
            "good",
            "morning",
            "afternoon",
            "evening",
            "this",
            "is",
            "its",
            "im",
            "i",
            "am",
            "my",
            "full",
        ]
    ),
    *(
        [
            "name",
            "names",
            "the",
            "speaking",
            "here",
            "calling",
            "hola",
            "buenos",
            "buenas",
            "dias",
            "tardes",
            "noches",
            "me",
            "llamo",
            "mi",
            "nombre",
            "es",
            "soy",
            "habla",
            "al",
        ]
    ),
}
"""Whoever says nothing else wants nothing yet; such a sentence is like others only by chance."""


_FULL_NAME = re.compile(r"\s*[^\W\d_a-z][\w'’-]+(?:\s+(?:de|la|del|van|von|[^\W\d_a-z][\w'’.-]*)){1,3}[.!]?\s*")
"""Two words or more that a transcriber takes for names: Rich Price."""


def _with_another_name(text: str, found: Slots) -> str:
    """The same as somebody else would say it, so that no name has another answer: Rich Price is no question about the
    rent, nor Young Park about parking. A name that is also a property's stays."""
    if found.place and set(found.place.words.split()) & set(folded(found.name).split()):
        return text
    words = r"\W+".join(map(re.escape, found.name.split()))
    return re.sub(rf"(?<!\w){words}(?!\w)", SOMEBODY, text, flags=re.IGNORECASE)


def _in_context(state: TalkState, said: Slots, plain: str, known: Places, answer: bool | None) -> Slots:
    """What was said, with what it means as an answer to what was asked last."""
    if said.answer is None and answer is not None:
        said = replace(said, answer=answer)
    if state.asked is Asked.BEDROOMS and said.bedrooms is None:
        said = replace(said, bedrooms=slots.lone_count(plain))
    if state.asked is Asked.WHICH_PROPERTY and state.offered and (one := _one_of(state.offered, said, plain, known)):
        said = replace(said, place=one)
    return said


PERSON = "person"
_REACHES = {PERSON, "callback"}
_REACHING = (
    r"\b(?:[Tt]alk|[Ss]peak|[Ss]poke|[Tt]alked|[Cc]onnect me|[Pp]ut me through) (?:to|with)|\b[Rr]each(?:ing)?|\b[Rr]eturn(?:ing)?"
    r"|\b(?:[Ll]ook|[Aa]sk)(?:ing)? for|\b[Gg]et me|\b[Ii]s|\b[Ii]t's for|\b[Hh]ablar con|\b[Ee]st[áa]|\b[Cc]om[uú]ni\w+ con"
)


def _asks_for_one_of(colleagues: Collection[str], text: str) -> bool:
    """Whether they want one of the office's own people, by name: "is Alice in today?"."""
    names = {name for whole in colleagues for name in (whole, whole.split()[0]) if folded(name) not in DAYS}
    if not names:
        return False
    said = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return bool(re.search(rf"(?:{_REACHING}) (?:{said})\b", text))


def _answers(state: TalkState, said: Slots) -> bool:
    """Whether what was said is likely the value that was asked for, and like an intent only by chance."""
    if state.asked is Asked.WHICH_PROPERTY:
        return said.place is not None
    if state.asked in _TOUR_QUESTIONS and said.when.says_something:
        return True
    if state.asked is Asked.TOUR_TIME and (said.ordinal is not None or said.hour is not None):
        return True
    return state.asked in _VALUES or (state.asked is Asked.BEDROOMS and said.bedrooms is not None)


_VALUES = (Asked.NAME, Asked.NAME_SPELLED, Asked.EMAIL, Asked.MOBILE)


def _one_of(offered: tuple[str, ...], said: Slots, plain: str, known: Places) -> PlaceFound | None:
    """The property that was meant, of those that were named to them."""
    near = said.place or known.among(offered).find(plain, loosely=True)
    if near and len(offered) == 2 and len(near.slugs) == 1 and near.slugs[0] in offered and _NOT.search(plain):
        other = next(slug for slug in offered if slug != near.slugs[0])
        return replace(near, slugs=(other,))
    return near


_NOT = re.compile(r"^(?:no )?(?:not|no el|no la) |(?<!\w)(?:the other|el otro|la otra)(?!\w)")


def _may_be_a_name(plain: str) -> bool:
    """Whether it can be the name that was asked for, and is no question."""
    words = plain.split()
    return len(words) <= 4 and not any(word in telling for telling in TELLING.values() for word in words)


def _without(plain: str, *words: str) -> str:
    for said in words:
        if said:
            plain = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", " ", plain)
    return " ".join(plain.split())


def _language(mind: Mind, now: str, said: Utterance, plain: str) -> tuple[str, bool]:
    """The language of the talk from now on, and whether they speak one that nobody here does."""
    words = plain.split()
    votes = {one: sum(word in TELLING.get(one, ()) for word in words) for one in mind.dialogues}
    best = max(votes, key=lambda one: (votes[one], one == now))
    heard = said.language[:2].lower()
    if heard in mind.dialogues:
        # One word may be either; and "no" is.
        believed = said.confidence >= SURE_LANGUAGE and votes[heard] >= votes[now] and votes[heard] > 0
        return (heard if believed or (best == heard and votes[heard] > votes[now]) else now), False
    if not heard:
        return (best if votes[best] > votes[now] else now), False
    is_foreign = said.confidence >= SURE_LANGUAGE and len(words) > 2 and votes[best] * 4 < len(words)
    return now, is_foreign


def wants(state: TalkState, heard: Understanding, line_property: str = "", only_property: str = "") -> RowsWanted:
    """What has to be read to answer. `only_property` is the slug of the office's property where it has just one."""
    if not isinstance(heard.happening, Utterance):
        needs_tours = isinstance(heard.happening, Did) and state.asked in _TOUR_QUESTIONS
        is_new = isinstance(heard.happening, Began)
        return RowsWanted(
            property=state.property or (line_property if is_new else ""), listing=state.listing, tours=needs_tours
        )
    said = heard.slots
    slugs = said.place.slugs if said.place else ()
    searches = "availability" in heard.intents or not heard.intents
    widens = searches and (said.cheaper or said.others)
    about = (state.property if not widens else "") or line_property or only_property
    property = slugs[0] if len(slugs) == 1 else "" if slugs else about
    # After homes at two properties were offered, "the deposit" is theirs.
    recent = state.recent if not (slugs or property or searches) else ()
    among = slugs if len(slugs) > 1 else recent
    if state.asked is Asked.WHICH_PROPERTY and state.offered and said.ordinal and not slugs:
        property = chosen(state.offered, said.ordinal) or property
    wished = wished_now(state, said)
    names_home = said.bedrooms is not None or bool(said.place) or bool(said.unit)
    bedrooms = wished.get(CardField.BEDROOMS)
    budget = wished.get(CardField.BUDGET)
    move_in = wished.get(CardField.MOVE_IN)
    keeps_home = state.listing is not None and not names_home and not searches
    return RowsWanted(
        property=property,
        among=among,
        homes=True,
        bedrooms=int(bedrooms) if bedrooms is not None and not keeps_home else None,
        rent_to=_most(state, said, budget) if searches else None,
        available_by=date.fromisoformat(move_in) if move_in and searches else None,
        pets=said.pet_kind or slots.kind_of_pet(wished.get(CardField.PETS, "")) if searches else "",
        unit=said.unit,
        listing=state.listing if not (slugs and state.property not in slugs) else None,
        tours=bool(set(heard.intents) & {*TOURS}) or state.asked in _TOUR_QUESTIONS or state.intent == "tour",
    )


def _most(state: TalkState, said: Slots, budget: str | None) -> Decimal | None:
    """The highest rent that is wanted."""
    if said.cheaper and state.least_rent:
        return Decimal(state.least_rent) - 1
    return Decimal(budget) if budget else None


def wished_now(state: TalkState, said: Slots) -> dict[str, str]:
    """What they look for, with what they have just said."""
    new = {
        CardField.BEDROOMS: None if said.bedrooms is None else str(said.bedrooms),
        CardField.BUDGET: None if said.budget is None else str(said.budget),
        CardField.MOVE_IN: said.move_in.isoformat() if said.move_in else None,
        CardField.PETS: said.pets or None,
        CardField.NAME: said.name or None,
    }
    return {**state.kept, **state.wishes, **{str(key): value for key, value in new.items() if value is not None}}


def chosen(offered: tuple[str, ...], ordinal: int) -> str:
    if ordinal == -1:
        return offered[-1]
    return offered[ordinal - 1] if 0 < ordinal <= len(offered) else ""
