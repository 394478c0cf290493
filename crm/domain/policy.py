"""Leads a talk without a language model: one happening in, what to say and do out. Pure.

The order never changes: emergencies, wishes to stop and fair housing; what the caller's stage or question hands to a
person; the wish for a person; the answer to what was asked last; what they want now. What was not understood is asked
once more, and then a person takes over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from crm.domain import captures, fair_answers, replies, slots, touring
from crm.domain.composing import Answering
from crm.domain.conversation import (
    ActResult,
    Began,
    BookTour,
    Did,
    LinkKind,
    Pressed,
    SendLink,
    Silent,
    StopTexts,
    Transfer,
    TransferReason,
    Turn,
    UpdateLead,
    Utterance,
)
from crm.domain.dialogue import folded
from crm.domain.guards import Danger
from crm.domain.intents import GREETS
from crm.domain.places import Places
from crm.domain.talk import Asked, CallerStage, Facts, TalkState
from crm.domain.understanding import Mind, Understanding, wished_now

ASKS_AFTER, GIVES_UP_AFTER = 8.0, 20.0
"""Seconds of silence."""
MOST_SMALL_TALK = 3
"""Words beside a greeting that need no answer of their own."""
MOST_UNCLEAR = 2
"""Misunderstandings in a row, the last of which brings a person."""


def turn(mind: Mind, state: TalkState, heard: Understanding, facts: Facts) -> Turn[TalkState]:
    """What follows from what was understood, as `facts` stand now."""
    reply = Answering(mind.dialogues[heard.language], state, heard, facts)
    if not state.over:
        match heard.happening:
            case Began():
                _begin(reply)
            case Silent(seconds=seconds):
                _silent(reply, seconds)
            case Pressed(keys=keys):
                _pressed(reply, keys)
            case Did():
                _did(reply, heard.happening)
            case Utterance():
                _spoke(reply)
    return reply.turn()


def _begin(reply: Answering) -> None:
    facts = reply.facts
    template = "greeting_recorded" if facts.recorded else "greeting"
    place = facts.place
    reply.announce(template, office=place.name if place and facts.line_property == place.slug else facts.office)
    reply.change(property=facts.line_property)
    if facts.caller.stage is not CallerStage.EARLY:
        reply.transfer(TransferReason.STAGE, "connecting_stage")
    else:
        reply.say("how_can_i_help")


def _silent(reply: Answering, seconds: float) -> None:
    if seconds >= GIVES_UP_AFTER:
        reply.transfer(TransferReason.SILENCE, "connecting_silence")
    elif seconds >= ASKS_AFTER and not reply.state.silent:
        reply.say("still_there")
        reply.change(silent=True)


def _pressed(reply: Answering, keys: str) -> None:
    digits = reply.heard.slots.digits
    if reply.state.asked in (Asked.MOBILE, Asked.MOBILE_RIGHT, Asked.NUMBER_RIGHT) and len(digits) >= 3:
        if reply.state.asked is not Asked.MOBILE:
            reply.ask(Asked.MOBILE)
        captures.mobile_asked(reply)
    elif keys.strip("#"):
        reply.transfer(TransferReason.KEY, "connecting", keys)


# --- what became of acts ---


def _did(reply: Answering, did: Did) -> None:
    result = did.result
    match did.act:
        case SendLink():
            _link_done(reply, did.act, result)
        case BookTour():
            _tour_done(reply, did.act, result)
        case UpdateLead() if result in (ActResult.FAILED, ActResult.REFUSED) and did.act.values:
            reply.promise("what they told the voice agent, which could not be written down")
            reply.say("save_failed")
        case Transfer() if result is ActResult.FAILED:
            reply.change(over=False)
            reply.promise("a call back")
            reply.say("callback_made")
            reply.ask(Asked.MORE)


def _link_done(reply: Answering, act: SendLink, result: ActResult) -> None:
    if result is ActResult.NEEDS_MOBILE:
        reply.change(mobile="")
        captures.ask_mobile(reply, f"send:{act.kind}")
        return
    if result in (ActResult.DONE, ActResult.ALREADY):
        captures.mark_sent(reply, act.kind, act.listing)
        reply.say("link_sent" if result is ActResult.DONE else "link_sent_before")
        reply.ask(Asked.MORE)
    else:
        reply.say("link_refused")
        reply.ask(Asked.PROMISE, about="the link they asked for")


def _tour_done(reply: Answering, act: BookTour, result: ActResult) -> None:
    if result in (ActResult.DONE, ActResult.ALREADY):
        touring.booked(reply, act)
    elif result is ActResult.NEEDS_MOBILE:
        reply.change(mobile="")
        captures.ask_mobile(reply, f"book:{act.at.isoformat()}")
    elif result is ActResult.TAKEN:
        touring.taken(reply)
    else:
        reply.say("tour_failed")
        reply.ask(Asked.PROMISE, about="a tour")


# --- what was said ---


def _spoke(reply: Answering) -> None:
    heard = reply.heard
    if not heard.text:
        return
    reply.change(silent=False, wishes=_wishes_now(reply))
    if heard.sentry.emergency:
        _emergency(reply, heard.sentry.emergency)
        return
    if heard.is_foreign:
        reply.transfer(TransferReason.LANGUAGE, "connecting_language")
        return
    if heard.sentry.opt_out:
        reply.acts.append(StopTexts(heard.sentry.opt_out))
        reply.change(stopped=True)
        reply.announce("opted_out")
        if not _a_persons(reply):
            reply.say("anything_else")
            reply.ask(Asked.MORE)
        return
    if heard.sentry.sensitive and not heard.sentry.states_family and _sensitive(reply):
        return
    if _a_persons(reply):
        return
    if _answered(reply):
        reply.change(unclear=0)
        return
    reply.ask(Asked.NOTHING, closing=False)  # They want something else, so the question is void.
    if _wanted(reply) or _values_only(reply):
        reply.change(unclear=0)
        return
    _unclear(reply)


def _a_persons(reply: Answering) -> bool:
    """Whether a person takes over what they want."""
    for intent in reply.heard.intents:
        if intent in FOR_A_PERSON:
            FOR_A_PERSON[intent](reply)
            return True
    return False


def _wishes_now(reply: Answering) -> dict[str, str]:
    """What they look for, without what is written down already in the same words."""
    found = wished_now(reply.state, reply.heard.slots)
    return {key: value for key, value in found.items() if reply.state.kept.get(key) != value}


def _emergency(reply: Answering, kind: Danger) -> None:
    template = {Danger.GAS: "emergency_gas", Danger.WATER: "emergency_water"}.get(kind, "emergency")
    reply.announce(template)
    reply.transfer(TransferReason.EMERGENCY)


def _sensitive(reply: Answering) -> bool:
    goes_on = any(intent in _ANSWERED for intent in reply.heard.intents)
    return fair_answers.answer(reply, reply.heard.sentry.sensitive, goes_on=goes_on)


def _to(reason: TransferReason, template: str, asked: str = "") -> Callable[[Answering], None]:
    def act(reply: Answering) -> None:
        if asked:
            reply.asked_about(asked)
        reply.transfer(reason, template)

    return act


FOR_A_PERSON: dict[str, Callable[[Answering], None]] = {
    "maintenance": _to(TransferReason.MAINTENANCE, "connecting_maintenance", "a repair"),
    "existing_applicant": _to(TransferReason.STAGE, "connecting_stage", "their application"),
    "existing_tour": _to(TransferReason.STAGE, "connecting_stage", "their tour"),
    "resident": _to(TransferReason.STAGE, "connecting_stage", "their lease"),
    "owner": _to(TransferReason.STAGE, "connecting_stage"),
    "complaint": _to(TransferReason.DISTRESS, "connecting_distress", "a complaint"),
    "criteria": fair_answers.criteria,
    "negotiate": _to(TransferReason.NOT_OURS_TO_DECIDE, "connecting_not_ours", "a lower price"),
    "person": _to(TransferReason.ASKED, "connecting"),
}
"""Intents that a person takes over, or that only the office's own answer may answer."""


# --- the answer to what was asked last ---


def _answered(reply: Answering) -> bool:
    """Whether it was an answer to the open question."""
    state, heard = reply.state, reply.heard
    answer = heard.slots.answer
    wants_else = _other(reply)
    match state.asked:
        case Asked.NAME | Asked.NAME_SPELLED:
            return not _other(reply, "name") and captures.name_asked(reply)
        case Asked.NAME_RIGHT:
            return captures.name_right(reply)
        case Asked.EMAIL:
            return not _other(reply, "email") and captures.email_asked(reply)
        case Asked.EMAIL_RIGHT:
            return captures.email_right(reply)
        case Asked.MOBILE:
            return captures.mobile_asked(reply)
        case Asked.MOBILE_RIGHT | Asked.NUMBER_RIGHT:
            return captures.number_right(reply)
        case Asked.TOUR_TIME:
            return touring.time_asked(reply)
        case Asked.TOUR_RIGHT:
            return touring.right(reply)
        case Asked.WISHES_RIGHT:
            return captures.wishes_right(reply)
        case Asked.WHICH_PROPERTY:
            return _which(reply)
        case Asked.SEE if (answer or (answer is None and heard.slots.when.says_something)) and not _other(
            reply, "tour"
        ):
            touring.tour(reply)
            return True
        case Asked.LINK if answer and not any(intent in replies.ANSWERS for intent in heard.intents):
            captures.link(reply, LinkKind(state.value))
            return True
        case Asked.PROMISE if answer and not wants_else:
            reply.promise(state.about)
            reply.say("promise_made")
            reply.ask(Asked.MORE)
            return True
        case Asked.PERSON if answer:
            reply.transfer(TransferReason.ASKED, "connecting")
            return True
        case Asked.MORE if answer and not wants_else:
            reply.say("what_else")
            reply.ask(Asked.NOTHING)
            return True
        case Asked.MORE if answer is False and not wants_else:
            captures.closing(reply)
            return True
        case Asked.SEE | Asked.LINK | Asked.PROMISE | Asked.PERSON if answer is False and not wants_else:
            reply.say("promise_declined")
            reply.ask(Asked.MORE)
            return True
    return False


def _other(reply: Answering, own: str = "") -> bool:
    """They want something else instead of answering. "That would be great" is no thanks but a yes."""
    known = [one for one in reply.heard.intents if one in _ANSWERED or one in _SIMPLE]
    return any(one != own and one not in POLITE for one in known)


def _which(reply: Answering) -> bool:
    """They were asked which property."""
    if reply.facts.place is None or not (reply.heard.slots.place or reply.heard.slots.ordinal):
        return False
    intent = reply.state.intent
    reply.heard = _with_words(reply.heard, reply.state.words, reply.facts.today)
    reply.ask(Asked.NOTHING, intent="", words="", offered=())
    others = [one for one in reply.heard.intents if one in _ANSWERED and one not in (intent, "availability")]
    for one in [intent or "availability", *others]:
        _ANSWERED[one](reply)
    return True


def _with_words(heard: Understanding, words: str, today: date) -> Understanding:
    """What was said now, with the values of what was said before the question."""
    before = slots.read(words, Places(()), today)
    when = heard.slots.when if heard.slots.when.says_something else before.when
    bedrooms = before.bedrooms if heard.slots.bedrooms is None else heard.slots.bedrooms
    said = replace(heard.slots, when=when, bedrooms=bedrooms, pets=heard.slots.pets or before.pets)
    return replace(heard, slots=said, text=f"{words} {heard.text}")


# --- what they want now ---


def _answer(intent: str) -> Callable[[Answering], None]:
    return lambda reply: replies.answer(reply, intent)


def _application(reply: Answering) -> None:
    reply.asked_about("the application")
    captures.link(reply, LinkKind.APPLICATION, asked_for=_asks_for_text(reply))


def _send(kind: LinkKind) -> Callable[[Answering], None]:
    def act(reply: Answering) -> None:
        captures.link(reply, kind)

    return act


_TEXT = re.compile(r"(?<!\w)(?:texts?|send|message|shoot|link|mand\w+|envi\w+|enlace|mensaje)(?!\w)")


def _asks_for_text(reply: Answering) -> bool:
    return bool(_TEXT.search(folded(reply.heard.text)))


def _send_again(reply: Answering) -> None:
    last = reply.state.sent[-1].partition(":")[0] if reply.state.sent else LinkKind.LISTINGS.value
    captures.link(reply, LinkKind(last))


def _callback(reply: Answering) -> None:
    reply.promise("a call back")
    reply.say("callback_made")
    reply.ask(Asked.MORE)


_ANSWERED: dict[str, Callable[[Answering], None]] = {
    **{intent: _answer(intent) for intent in replies.ANSWERS},
    "tour": touring.tour,
    "send_application": _application,
    "send_tours": _send(LinkKind.TOURS),
    "send_home": _send(LinkKind.HOME),
    "send_listings": _send(LinkKind.LISTINGS),
    "send_again": _send_again,
    "callback": _callback,
    "name": captures.name,
    "email": captures.email,
    "number": captures.number,
}


def _repeat(reply: Answering) -> None:
    said = reply.state.spoken
    if said:
        for text in said:
            reply.speak(text, "repeat")
    else:
        reply.say("nothing_to_repeat")


def _goodbye(reply: Answering) -> None:
    captures.closing(reply)


def _wrong_number(reply: Answering) -> None:
    """Nothing is asked, or written down, of who wanted somebody else."""
    reply.say("goodbye", office=reply.facts.office)
    reply.end()


def _thanks(reply: Answering) -> None:
    reply.say("thanks_reply")
    reply.ask(Asked.MORE)


_SIMPLE: dict[str, Callable[[Answering], None]] = {
    "who_are_you": lambda reply: reply.say("automated", office=reply.facts.office),
    "spanish": lambda reply: reply.say("language_now"),
    "english": lambda reply: reply.say("language_now"),
    "repeat": _repeat,
    "wait": lambda reply: reply.say("take_your_time"),
    "goodbye": _goodbye,
    "wrong_number": _wrong_number,
    "thanks": _thanks,
    "how_are_you": lambda reply: reply.say("how_are_you"),
    "greeting": lambda reply: reply.say("hello"),
}
"""Of these, only what was asked first is answered, and nothing where something else was asked, too."""
POLITE = ("greeting", "how_are_you", "thanks")
_AFTERWARDS = (
    "availability",
    "tour",
    "send_application",
    "send_tours",
    "send_home",
    "send_listings",
    "send_again",
    "name",
    "email",
    "number",
)
"""What ends with a question comes last."""


def _wanted(reply: Answering) -> bool:
    """Whether something that they want was answered."""
    intents = [intent for intent in reply.heard.intents if intent in _ANSWERED]
    if reply.heard.slots.email and "email" not in intents:
        intents = ["email"]
    elif reply.heard.slots.number and "number" not in intents:
        intents.append("number")
    if intents:
        last = [intent for intent in intents if intent in _AFTERWARDS and intent != "availability"]
        first = [intent for intent in intents if intent not in last]
        # "Do you have a two bedroom, and can I bring my dog?": the home first, its terms after it.
        first.sort(key=lambda intent: intent != "availability")
        for intent in [*first, *last[-1:]]:
            _ANSWERED[intent](reply)
        _follow_up(reply)
        return True
    for intent in reply.heard.intents:
        # "Hi, this is Ann" says more than hello.
        if intent == GREETS and _says_more(reply):
            return _values_only(reply)
        if intent in _SIMPLE and not (intent in POLITE and _values_only(reply)):
            _SIMPLE[intent](reply)
        if intent in _SIMPLE:
            return True
    return False


def _says_more(reply: Answering) -> bool:
    """Whether what stands beside a greeting is long enough to have meant something: "Hi, I lost my umbrella"."""
    greeting = reply.dialogue.by_name[GREETS].pattern
    rest = greeting.sub(" ", folded(reply.heard.text)) if greeting else ""
    return len(rest.split()) > MOST_SMALL_TALK


def _follow_up(reply: Answering) -> None:
    """An offer of homes ends with the offer to see them, once."""
    if reply.state.asked is Asked.SEE:
        reply.say("follow_up_several" if reply.state.several else "follow_up")


def _values_only(reply: Answering) -> bool:
    """Whether they only said what they look for, or who they are."""
    said, heard = reply.heard.slots, reply.heard
    cheaper = said.cheaper and reply.state.least_rent
    if said.bedrooms is not None or said.budget is not None or said.place or said.move_in or said.unit or cheaper:
        replies.answer(reply, "availability")
        _follow_up(reply)
        return True
    if said.pets and said.pets != "none":
        replies.answer(reply, "pets")
        return True
    if said.name or (said.letters and len(said.letters) > 2):
        captures.name(reply)
        return True
    if said.when.says_something and reply.state.property:
        touring.tour(reply)
        return True
    if heard.sentry.states_family or said.pets == "none":
        reply.say("ask_beds")
        reply.ask(Asked.BEDROOMS)
        return True
    if said.answer is not None and len(heard.text.split()) <= 3:
        # An answer to nothing that was asked.
        reply.say("what_else" if said.answer else "anything_else")
        reply.ask(Asked.NOTHING if said.answer else Asked.MORE)
        return True
    if own := replies.answer_by_words(reply):
        reply.answer_text(own.text, own.cites)
        reply.ask(Asked.NOTHING)
        return True
    return False


def _unclear(reply: Answering) -> None:
    reply.change(unclear=reply.state.unclear + 1)
    if reply.state.unclear >= MOST_UNCLEAR:
        reply.transfer(TransferReason.NOT_UNDERSTOOD, "connecting_unclear")
        return
    near = [wish.intent for wish in reply.heard.wishes if not wish.is_sure]
    if near:
        reply.asked_about(near[0])
    reply.say("unclear")
