"""What the voice agent answers from rows: homes, and the terms of homes and properties. Pure.

Each answer names the rows it comes from. What no row says is said to be missing, and promised.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from crm.domain import spoken_forms
from crm.domain.composing import Answering
from crm.domain.conversation import Cite
from crm.domain.dialogue import URL, folded
from crm.domain.heard import CardField
from crm.domain.listings import PetPolicy, Pets, Terms, in_language
from crm.domain.slots import kind_of_pet
from crm.domain.talk import AnswerFact, Asked, HomeFact, PropertyFact

MOST_CHOICES = 3
"""Properties between which a caller is asked to choose, where homes could be offered instead."""


# --- which homes ---


def dated(homes: Iterable[HomeFact]) -> list[HomeFact]:
    """Homes with a date from which they can be had; the others are not offered."""
    return [one for one in homes if one.home.available_on is not None]


def subject(reply: Answering) -> list[HomeFact]:
    """The homes that a question is about: those that were just named, else the one that the talk is about."""
    said = reply.heard.slots
    focus = reply.facts.focus
    names_home = said.bedrooms is not None or bool(said.place) or bool(said.unit)
    if focus and not names_home:
        return [focus]
    return list(reply.facts.homes)


def search_words(reply: Answering) -> str:
    """What was looked for, such as "a 2 bedroom at Elm Court under $1,500"."""
    say, facts = reply.dialogue.say, reply.facts
    wished = reply.state.wishes | reply.state.kept
    count = wished.get(CardField.BEDROOMS)
    if reply.heard.slots.unit:
        # Without its number, which no row may have.
        parts = [say("search_unit")]
    elif count is None:
        parts = [say("search_home")]
    else:
        parts = [say("search_homes", beds=spoken_forms.beds(reply.dialogue, int(count)))]
    if facts.place:
        parts.append(say("search_at", property=facts.place.name))
    if pets := reply.heard.slots.pet_kind or kind_of_pet(wished.get(CardField.PETS, "")):
        parts.append(say("search_pets", pets=reply.dialogue.word(pets)))
    if reply.heard.slots.cheaper and reply.state.least_rent:
        parts.append(say("search_under", rent=spoken_forms.money(Decimal(reply.state.least_rent))))
    elif budget := wished.get(CardField.BUDGET):
        parts.append(say("search_under", rent=spoken_forms.money(Decimal(budget))))
    if move_in := wished.get(CardField.MOVE_IN):
        parts.append(say("search_by", date=spoken_forms.day(reply.dialogue, date.fromisoformat(move_in), facts.today)))
    return " ".join(parts)


def availability(reply: Answering) -> None:
    facts = reply.facts
    if facts.focus and reply.heard.slots == type(reply.heard.slots)() and dated([facts.focus]):
        homes = [facts.focus]
    else:
        homes = dated(facts.homes)
    if not homes:
        if facts.homes and reply.heard.slots.unit:
            reply.promise(f"when home {facts.homes[0].unit} at {facts.homes[0].place.name} is available")
            reply.say("home_not_dated", facts.homes[0].cites)
            return
        none_found(reply)
        return
    shown = homes[:2]
    phrases = [home_phrase(reply, one, short=n > 0 and _same_kind(shown[0], one)) for n, one in enumerate(shown)]
    more = facts.homes_total - len(shown)
    cites = [cite for one in shown for cite in one.cites]
    said = f", {reply.dialogue.word('and')} ".join(phrases)
    if more > 1:
        reply.say("have_homes_more", cites, homes=said, more=more)
    else:
        reply.say("have_homes_one_more" if more else "have_homes", cites, homes=said)
    slugs = tuple(dict.fromkeys(one.place.slug for one in shown))
    if len(slugs) > 1:
        reply.change(property="", listing=None, recent=slugs)
    else:
        reply.interested(shown[0].place, shown[0] if len(shown) == 1 else None)
        reply.change(recent=())
    reply.change(least_rent=str(shown[0].home.rent), several=len(shown) > 1)
    # Others are answered in the same breath; the question comes last, once.
    reply.ask(Asked.SEE)


def none_found(reply: Answering) -> None:
    if reply.facts.place and reply.heard.slots.place:
        reply.interested(reply.facts.place)
    said = search_words(reply)
    if reply.can_text and "listings" in reply.facts.links and "listings" not in reply.state.sent:
        reply.say("have_none_else", search=said)
        reply.ask(Asked.LINK, "listings")
    else:
        reply.say("have_none_promise", search=said)
        reply.ask(Asked.PROMISE, about=f"homes: {said}")


def home_phrase(reply: Answering, one: HomeFact, *, short: bool = False) -> str:
    home = one.home
    assert home.available_on is not None
    values = {
        "beds": spoken_forms.beds(reply.dialogue, home.bedrooms),
        "property": one.place.name,
        "rent": spoken_forms.money(home.rent),
        "date": spoken_forms.available(reply.dialogue, home.available_on, reply.facts.today),
    }
    return reply.dialogue.say("home_phrase_short" if short else "home_phrase", **values)


def _same_kind(one: HomeFact, other: HomeFact) -> bool:
    return one.place.slug == other.place.slug and one.home.bedrooms == other.home.bedrooms


# --- what a home says ---


def _of_home(
    reply: Answering, intent: str, missing: str, known: Callable[[HomeFact], bool], say: Callable[[HomeFact], None]
) -> None:
    homes = subject(reply)
    if not homes and reply.facts.place is None and reply.heard.slots.bedrooms is None:
        ask_which(reply, intent)
        return
    if not homes:
        none_found(reply)
        return
    first = next((one for one in homes if known(one)), None)
    if first is None:
        not_known(reply, f"{missing} at {homes[0].place.name}")
        return
    say(first)
    if len(homes) == 1 or reply.facts.place or reply.facts.focus:
        reply.interested(first.place, first)


def rent(reply: Answering) -> None:
    homes = subject(reply)
    kinds = {(one.place.slug, one.home.bedrooms) for one in homes}
    if len(homes) > 1 and len(kinds) == 1:
        homes = homes[:1]  # The lowest rent comes first.
        starts = True
    else:
        starts = len(homes) > 1
    if starts and (reply.facts.place is not None or len(kinds) == 1):
        one = homes[0]
        reply.say(
            "rent_from",
            one.cites,
            property=one.place.name,
            beds=spoken_forms.beds(reply.dialogue, one.home.bedrooms),
            rent=spoken_forms.money(one.home.rent),
        )
        reply.interested(one.place)
        return
    if starts:
        # Several properties: as they are offered.
        availability(reply)
        return
    _of_home(
        reply,
        "rent",
        "the rent",
        lambda one: True,
        lambda one: _home_sentence(reply, "rent_is", one, rent=spoken_forms.money(one.home.rent)),
    )


def deposit(reply: Answering) -> None:
    def say(one: HomeFact) -> None:
        _home_sentence(reply, "deposit_is", one, deposit=spoken_forms.money(one.home.deposit))

    # An amount of 0 is what a home without one on record has.
    _of_home(reply, "deposit", "the security deposit", lambda one: one.home.deposit > 0, say)


def move_in(reply: Answering) -> None:
    def say(one: HomeFact) -> None:
        assert one.home.available_on is not None
        when = spoken_forms.available(reply.dialogue, one.home.available_on, reply.facts.today)
        _home_sentence(reply, "available_is", one, date=when)

    if reply.heard.slots.move_in and reply.state.listing is None:
        availability(reply)
        return
    _of_home(reply, "move_in", "the move-in date", lambda one: one.home.available_on is not None, say)


def size(reply: Answering) -> None:
    def say(one: HomeFact) -> None:
        if one.home.square_feet and "bath" not in folded(reply.heard.text):
            _home_sentence(reply, "size_is", one, feet=f"{one.home.square_feet:,}")
        else:
            _home_sentence(reply, "size_baths", one, baths=spoken_forms.baths(reply.dialogue, one.home.bathrooms))

    asks_baths = "bath" in folded(reply.heard.text) or "bano" in folded(reply.heard.text)
    _of_home(reply, "size", "the square footage", lambda one: asks_baths or one.home.square_feet is not None, say)


def specials(reply: Answering) -> None:
    def text(one: HomeFact) -> str:
        return in_language(one.home.words, reply.dialogue.language).concession

    def say(one: HomeFact) -> None:
        _home_sentence(reply, "concession_is", one, concession=text(one).rstrip("."))

    _of_home(reply, "specials", "current specials", lambda one: bool(text(one)) and not URL.search(text(one)), say)


def _home_sentence(reply: Answering, template: str, one: HomeFact, **values: object) -> None:
    beds = spoken_forms.beds(reply.dialogue, one.home.bedrooms)
    reply.say(template, one.cites, beds=beds, property=one.place.name, **values)


# --- what a property says, or a home of it ---


def _of_terms(
    reply: Answering, intent: str, missing: str, field: str, say: Callable[[Terms, str, tuple[Cite, ...]], bool]
) -> None:
    """Says what the home's or the property's terms hold; `say` returns False where they hold nothing that answers."""
    place = property_meant(reply)
    if place is None:
        ask_which(reply, intent)
        return
    reply.interested(place)
    for terms, cites in _terms(reply, place):
        if getattr(terms, field) is not None and say(terms, place.name, cites):
            return
    not_known(reply, f"{missing} at {place.name}")


def property_meant(reply: Answering) -> PropertyFact | None:
    """The property that a question is about; None: it has to be asked."""
    if reply.facts.focus and not reply.heard.slots.place:
        return reply.facts.focus.place
    if reply.facts.place:
        return reply.facts.place
    properties = {one.place.slug: one.place for one in reply.facts.homes}
    narrowed = reply.heard.slots.bedrooms is not None or reply.heard.slots.place is not None
    return next(iter(properties.values())) if narrowed and len(properties) == 1 else None


def _terms(reply: Answering, place: PropertyFact) -> Iterable[tuple[Terms, tuple[Cite, ...]]]:
    focus = reply.facts.focus
    if focus and focus.place.slug == place.slug and not reply.heard.slots.place:
        yield focus.home, focus.cites
        return
    if place.version is not None:
        yield place.content, place.cites
    for one in reply.facts.homes:
        if one.place.slug == place.slug:
            yield one.home, one.cites


def app_fee(reply: Answering) -> None:
    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        for one in terms.fees or ():
            if one.name.lower().removesuffix(" fee") == "application":
                reply.say("app_fee_is", cites, property=name, fee=spoken_forms.fee(reply.dialogue, one))
                return True
        return False

    _of_terms(reply, "app_fee", "the application fee", "fees", say)


def fees(reply: Answering) -> None:
    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        known = [
            reply.dialogue.say("fee_named", name=one.name, fee=spoken_forms.fee(reply.dialogue, one))
            for one in terms.fees or ()
        ]
        if known:
            reply.say("fees_are", cites, property=name, fees=reply.dialogue.joined(known[:3]))
        return bool(known)

    _of_terms(reply, "fees", "fees", "fees", say)


_BREED = re.compile(
    r"(?<!\w)(?:breeds?|razas?|pit ?bulls?|rottweilers?|dobermans?|german shepherds?|pastor(?:es)? aleman(?:es)?"
    r"|husky|huskies|akitas?|chows?|mastiffs?|bulldogs?|wolf(?: |-)?dogs?)(?!\w)"
)


def pets(reply: Answering) -> None:
    kind = reply.heard.slots.pet_kind

    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        policy = terms.pets or PetPolicy()
        if not policy.allowed:
            if policy.note:
                return False
            reply.say("pets_none", cites, property=name)
            return True
        if _BREED.search(folded(reply.heard.text)):
            # A kind that is allowed says nothing of its breeds.
            reply.promise(f"breeds at {name}")
            reply.say("pets_breeds", cites, property=name, pets=spoken_forms.pets(reply.dialogue, policy.allowed))
            return True
        allowed = [one for one in policy.allowed if not kind or one.kind == kind]
        if not allowed:
            reply.promise(f"{kind} at {name}")
            listed = spoken_forms.pets(reply.dialogue, policy.allowed)
            reply.say("pets_not_kind", cites, property=name, pets=listed, kind=reply.dialogue.word(kind))
            return True
        reply.say("pets_allowed", cites, property=name, pets=spoken_forms.pets(reply.dialogue, allowed))
        return True

    _of_terms(reply, "pets", f"{kind or 'pets'}", "pets", say)


def pet_fee(reply: Answering) -> None:
    kind = reply.heard.slots.pet_kind or next(
        (one for one in ("dogs", "cats") if one[:-1] in reply.state.wishes.get(CardField.PETS, "")), ""
    )
    plain = folded(reply.heard.text)
    only_deposit = "deposit" in plain and "rent" not in plain and "fee" not in plain

    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        policy = terms.pets or PetPolicy()
        priced = [one for one in policy.allowed if (not kind or one.kind == kind) and _has_price(one, only_deposit)]
        if not priced:
            return False
        for one in priced[:2]:
            _price(reply, one, name, cites, only_deposit)
        return True

    _of_terms(reply, "pet_fee", "the pet deposit" if only_deposit else "pet fees", "pets", say)


def _has_price(one: Pets, only_deposit: bool) -> bool:
    return one.deposit is not None or (one.monthly is not None and not only_deposit)


def _price(reply: Answering, one: Pets, name: str, cites: tuple[Cite, ...], only_deposit: bool) -> None:
    kind = reply.dialogue.word(one.kind)
    if one.deposit is not None and one.monthly is not None and not only_deposit:
        reply.say(
            "pet_both_are",
            cites,
            property=name,
            kind=kind,
            deposit=spoken_forms.money(one.deposit),
            monthly=spoken_forms.money(one.monthly),
        )
    elif one.deposit is not None:
        reply.say("pet_deposit_is", cites, property=name, kind=kind, amount=spoken_forms.money(one.deposit))
    elif one.monthly is not None:
        reply.say("pet_monthly_is", cites, property=name, kind=kind, amount=spoken_forms.money(one.monthly))


def parking(reply: Answering) -> None:
    _list(reply, "parking", "parking", "parking", "parking_is", "no_parking")


def laundry(reply: Answering) -> None:
    _list(reply, "laundry", "laundry", "laundry", "laundry_is", "no_laundry")


def utilities(reply: Answering) -> None:
    _list(reply, "utilities", "utilities", "utilities", "utilities_are", "no_utilities")


def _list(reply: Answering, intent: str, missing: str, field: str, some: str, none: str) -> None:
    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        values = [str(one) for one in getattr(terms, field) if str(one) != "none"]
        if values:
            words = reply.dialogue.joined([reply.dialogue.word(one) for one in values])
            reply.say(some, cites, property=name, **{field: words})
        else:
            reply.say(none, cites, property=name)
        return True

    _of_terms(reply, intent, missing, field, say)


def lease_term(reply: Answering) -> None:
    def say(terms: Terms, name: str, cites: tuple[Cite, ...]) -> bool:
        if terms.lease_months:
            months = reply.dialogue.joined([str(one) for one in terms.lease_months], "or")
            reply.say("lease_is", cites, property=name, months=months)
        return bool(terms.lease_months)

    _of_terms(reply, "lease_term", "lease terms", "lease_months", say)


def address(reply: Answering) -> None:
    place = property_meant(reply)
    if place is None:
        ask_which(reply, "address")
        return
    reply.interested(place)
    if place.content.street and place.content.city:
        reply.say("address_is", place.cites, property=place.name, street=place.content.street, city=place.content.city)
    else:
        not_known(reply, f"the address of {place.name}")


def hours(reply: Answering) -> None:
    known = reply.facts.hours
    if known is None or not known.week:
        not_known(reply, "opening hours")
    elif "today" in folded(reply.heard.text).split() or "hoy" in folded(reply.heard.text).split():
        if known.today:
            reply.say("hours_today", known.cites, hours=spoken_forms.windows(reply.dialogue, known.today))
        else:
            reply.say("hours_closed_today", known.cites)
    else:
        reply.say("hours_are", known.cites, hours=spoken_forms.week(reply.dialogue, known.week))


def amenities(reply: Answering) -> None:
    """What is asked about has no type of its own: only the office's answers can say it."""
    place = reply.facts.focus.place if reply.facts.focus else reply.facts.place
    not_known(reply, f"“{reply.heard.text[:60]}”{f' at {place.name}' if place else ''}")


# --- the office's own answers, and what nobody has said ---


def own_answer(reply: Answering, topics: Iterable[str]) -> AnswerFact | None:
    """The office's answer about one of the topics, if it can be spoken."""
    for topic in topics:
        for one in reply.facts.answers:
            if one.topic == topic and not URL.search(one.text):
                return one
    return None


def answer_by_words(reply: Answering) -> AnswerFact | None:
    """An answer whose topic was named: smoking, guest-parking."""
    heard = set(folded(reply.heard.text).split())
    stems = {word[:5] for word in heard if len(word) > 3}
    for one in reply.facts.answers:
        words = [word for word in folded(one.topic).split() if len(word) > 3]
        if words and all(word[:5] in stems for word in words) and not URL.search(one.text):
            return one
    return None


def not_known(reply: Answering, about: str) -> None:
    reply.promise(about)
    reply.say("not_known" if reply.can_text else "not_known_call")
    reply.ask(Asked.MORE)


def ask_which(reply: Answering, intent: str) -> None:
    """Asks which property it is about: one of two by name, else any."""
    known = reply.facts.properties
    if len(known) == 2:
        reply.say("which_property", properties=reply.dialogue.joined([one.name for one in known], "or"))
    else:
        reply.say("which_property_any")
    reply.ask(
        Asked.WHICH_PROPERTY, intent=intent, words=reply.heard.text[:300], offered=tuple(one.slug for one in known)
    )


ANSWERS: dict[str, Callable[[Answering], None]] = {
    "availability": availability,
    "rent": rent,
    "deposit": deposit,
    "move_in": move_in,
    "size": size,
    "specials": specials,
    "app_fee": app_fee,
    "fees": fees,
    "pets": pets,
    "pet_fee": pet_fee,
    "parking": parking,
    "laundry": laundry,
    "utilities": utilities,
    "lease_term": lease_term,
    "address": address,
    "hours": hours,
    "amenities": amenities,
}
"""By intent."""


def answer(reply: Answering, intent: str) -> None:
    """Answers one wish: by the office's own words where it has some, else by the rows."""
    reply.asked_about(intent)
    rule = reply.dialogue.by_name.get(intent)
    found = own_answer(reply, rule.topics if rule else ()) or (
        answer_by_words(reply) if intent == "amenities" else None
    )
    if found:
        reply.answer_text(found.text, found.cites)
        return
    place = reply.heard.slots.place
    is_ambiguous = place is not None and len(place.slugs) > 1 and not place.is_area
    # A street may be long, and then its homes are what is asked about.
    if place and is_ambiguous and (intent != "availability" or len(place.slugs) <= MOST_CHOICES):
        ask_which(reply, intent)
        return
    ANSWERS[intent](reply)
