"""What the voice agent answers to what fair-housing law touches: the office's lawful answer, or a fixed sentence. Pure.

Never a refusal, an opinion, or a word about who lives somewhere; where a person has to answer, a person takes over.
"""

from __future__ import annotations

from crm.domain import replies
from crm.domain.composing import Answering
from crm.domain.conversation import TransferReason
from crm.domain.guards import Sensitive
from crm.domain.talk import Asked

# Fair housing: the office's own answer to one of these topics, else the fixed sentence.
_TOPICS: dict[Sensitive, tuple[str, ...]] = {
    Sensitive.INCOME: ("vouchers", "section-8", "housing-vouchers", "income"),
    Sensitive.ANIMALS: ("assistance-animals", "service-animals"),
    Sensitive.ACCESS: ("accessibility", "disability"),
    Sensitive.SAFETY: ("safety",),
    Sensitive.SCHOOLS: ("schools",),
    Sensitive.PEOPLE: ("residents", "fair-housing"),
    Sensitive.FAMILIES: ("families", "occupancy", "fair-housing"),
    Sensitive.NEUTRAL: ("fair-housing",),
}
_SENTENCES = {
    Sensitive.INCOME: "fair_income",
    Sensitive.ANIMALS: "fair_animals",
    Sensitive.ACCESS: "fair_access",
    Sensitive.SAFETY: "fair_safety",
    Sensitive.SCHOOLS: "fair_schools",
    Sensitive.NEUTRAL: "fair_neutral",
}
_GOES_ON = {Sensitive.PEOPLE: "fair_people", Sensitive.FAMILIES: "fair_families"}
"""After these the talk goes on with the facts: who lives there, or will, changes none of them."""
_ORDER = (
    Sensitive.ANIMALS,
    Sensitive.INCOME,
    Sensitive.ACCESS,
    Sensitive.SAFETY,
    Sensitive.SCHOOLS,
    Sensitive.NEUTRAL,
    Sensitive.PEOPLE,
    Sensitive.FAMILIES,
)


def answer(reply: Answering, found: tuple[Sensitive, ...], *, goes_on: bool) -> bool:
    """Whether nothing else is answered in this turn. `goes_on`: they have also asked for facts."""
    kind = next(one for one in _ORDER if one in found)
    if "person" in reply.heard.intents and kind in _GOES_ON:
        return False
    reply.asked_about(f"fair housing: {kind}")
    if own := replies.own_answer(reply, _TOPICS[kind]):
        reply.answer_text(own.text, own.cites)
        reply.say("answer_then_person")
        reply.ask(Asked.PERSON)
        return True
    if kind in _GOES_ON:
        reply.say(_GOES_ON[kind])
        reply.ask(Asked.NOTHING)
        return not goes_on
    if kind is Sensitive.ACCESS and _accessibility(reply):
        return True
    reply.transfer(TransferReason.FAIR_HOUSING, _SENTENCES[kind])
    return True


def _accessibility(reply: Answering) -> bool:
    """Says which features a home or property has; never that it has none."""
    place = replies.property_meant(reply)
    focus = reply.facts.focus
    if place is None:
        return False
    of_home = focus is not None and focus.place.slug == place.slug
    content, cites = (focus.home, focus.cites) if focus and of_home else (place.content, place.cites)
    if not content.accessibility:
        return False
    features = reply.dialogue.joined([reply.dialogue.word(one) for one in content.accessibility])
    reply.say("fair_access_facts", cites, property=place.name, features=features)
    reply.say("answer_then_person")
    reply.ask(Asked.PERSON)
    return True


def criteria(reply: Answering) -> None:
    rule = reply.dialogue.by_name["criteria"]
    reply.asked_about("criteria")
    if own := replies.own_answer(reply, rule.topics):
        reply.answer_text(own.text, own.cites)
        reply.say("answer_then_person")
        reply.ask(Asked.PERSON)
    else:
        reply.transfer(TransferReason.NOT_OURS_TO_DECIDE, "fair_criteria")
