"""Names, email addresses and numbers that the voice agent reads back before they count, and the links it texts. Pure.

Nothing is written down that the caller did not confirm; what they refuse, or what cannot be got right, is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from crm.domain import spelling, spoken_forms
from crm.domain.composing import Answering
from crm.domain.conversation import BookTour, LinkKind, TransferReason
from crm.domain.dialogue import folded
from crm.domain.heard import CardField
from crm.domain.talk import Asked

MOST_TRIES = 2
"""How often the same value is read back in vain before it is dropped."""
EMAIL = "email"
_WISHES = (CardField.BEDROOMS, CardField.PROPERTY, CardField.MOVE_IN, CardField.BUDGET, CardField.PETS)


# --- names ---


def name(reply: Answering) -> None:
    """They said who they are."""
    said, spelled = reply.heard.slots.name, reply.heard.slots.letters
    if not said and not spelled:
        reply.say("ask_name")
        reply.ask(Asked.NAME)
        return
    read_name(reply, _with_spelling(said, spelled))


def bare_name(text: str) -> str:
    """A name said alone, or after "it's"; "" if it can hardly be one."""
    plain = re.sub(
        r"^\W*(?:(?:it's|it is|that's|this is|i'm|i am|my (?:full |first |last )?name(?:'s| is)|sure|yes|yeah|okay|um|uh|es|soy|me llamo|mi nombre es|sí|si|claro)[\s,.]+)+",
        "",
        text.strip(),
        flags=re.IGNORECASE,
    ).strip(" .,!?")
    words = [word for word in re.split(r"[\s,]+", plain) if word]
    if not 0 < len(words) <= 4 or not all(re.fullmatch(r"[^\W\d_][\w'’.-]*", word) for word in words):
        return ""
    return " ".join(word if any(map(str.isupper, word[1:])) else word.capitalize() for word in words)


def _with_spelling(said: str, spelled: str) -> str:
    """The name with its last word as it was spelled, or the first one, if that is nearer."""
    words = [word for word in said.split() if len(word) > 1 and "-" not in word]
    if not spelled:
        return " ".join(words)
    if len(words) > 1 and spelled[0] == words[0][0].lower() and spelled[0] != words[-1][0].lower():
        return " ".join([spelled.capitalize(), *words[1:]])
    return " ".join([*(words[:-1] if len(words) > 1 or _alike(words, spelled) else words), spelled.capitalize()])


def _alike(words: list[str], spelled: str) -> bool:
    return bool(words) and words[-1][0].lower() == spelled[0]


def read_name(reply: Answering, value: str) -> None:
    if not value:
        reply.say("ask_spelling")
        reply.ask(Asked.NAME_SPELLED, reply.state.value)
        return
    reply.say("name_is", name=value, letters=spelling.read_letters(value.split()[-1]))
    reply.ask(Asked.NAME_RIGHT, value)


def name_asked(reply: Answering) -> bool:
    """They were asked for their name, or to spell it."""
    slots = reply.heard.slots
    if slots.answer is False and not slots.name and not slots.letters:
        drop(reply, CardField.NAME, "name_dropped")
        return True
    spelled = slots.letters
    if reply.state.asked is Asked.NAME_SPELLED:
        spelled = max(spelled, spelling.by_examples(reply.heard.text), key=len)
    if reply.state.asked is Asked.NAME_SPELLED and spelled:
        read_name(reply, _with_spelling(reply.state.value, spelled))
        return True
    said = slots.name or ("" if spelled and len(spelled) > 2 else bare_name(reply.heard.text))
    if said or spelled:
        read_name(reply, _with_spelling(said, spelled))
        return True
    return False


def name_right(reply: Answering) -> bool:
    slots = reply.heard.slots
    if slots.answer:
        value = reply.state.value
        reply.keep({CardField.NAME: value})
        if reply.state.closing:
            reply.change(tries=0)
            closing(reply)
            return True
        reply.say("name_kept", name=value)
        reply.ask(Asked.MORE, tries=0)
        return True
    if slots.letters:
        return _again(
            reply,
            CardField.NAME,
            "name_dropped",
            lambda: read_name(reply, _with_spelling(reply.state.value, slots.letters)),
        )
    if slots.name:
        return _again(reply, CardField.NAME, "name_dropped", lambda: read_name(reply, slots.name))
    if slots.answer is False:
        if _wants_nothing_kept(reply.heard.text):
            drop(reply, CardField.NAME, "name_dropped")
            return True

        def spell() -> None:
            reply.say("ask_spelling")
            reply.ask(Asked.NAME_SPELLED, reply.state.value)

        return _again(reply, CardField.NAME, "name_dropped", spell)
    return False


def _again(reply: Answering, field: str, dropped: str, then: Callable[[], None]) -> bool:
    """Once more, unless it was tried often enough."""
    reply.change(tries=reply.state.tries + 1)
    if reply.state.tries > MOST_TRIES:
        drop(reply, field, dropped)
    else:
        then()
    return True


def _wants_nothing_kept(text: str) -> bool:
    return bool(
        re.search(
            r"(?<!\w)(?:dont (?:save|keep|write|store|note|want)|do not (?:save|keep|write|store|note|want)|rather not|never ?mind|forget it"
            r"|no (?:guarde|anote|apunte|quiero)\w*|prefiero no|olvidelo)(?!\w)",
            folded(text),
        )
    )


def drop(reply: Answering, field: str, template: str) -> None:
    reply.change(
        refused=(*reply.state.refused, str(field)),
        wishes={key: value for key, value in reply.state.wishes.items() if key != field},
        tries=0,
    )
    if reply.state.closing:
        closing(reply)
        return
    reply.say(template)
    reply.ask(Asked.MORE)


# --- email ---


def email(reply: Answering) -> None:
    found = reply.heard.slots.email
    if not found:
        reply.say("ask_email")
        reply.ask(Asked.EMAIL)
        return
    read_email(reply, found)


def read_email(reply: Answering, address: str) -> None:
    local, domain = spelling.read_email(address, reply.dialogue.language)
    reply.say("email_is", name=local, domain=domain)
    reply.ask(Asked.EMAIL_RIGHT, address)


def email_asked(reply: Answering) -> bool:
    if reply.heard.slots.email:
        read_email(reply, reply.heard.slots.email)
        return True
    if reply.heard.slots.answer is False:
        drop(reply, EMAIL, "email_dropped")
        return True
    return _again(reply, EMAIL, "email_dropped", lambda: _email_again(reply))


def _email_again(reply: Answering) -> None:
    reply.say("email_again")
    reply.ask(Asked.EMAIL)


def email_right(reply: Answering) -> bool:
    slots = reply.heard.slots
    if slots.email and slots.email != reply.state.value:
        return _again(reply, EMAIL, "email_dropped", lambda: read_email(reply, slots.email))
    if slots.answer:
        reply.keep({EMAIL: reply.state.value})
        reply.say("email_kept")
        reply.ask(Asked.MORE, tries=0)
        return True
    if slots.answer is False:
        if _wants_nothing_kept(reply.heard.text):
            drop(reply, EMAIL, "email_dropped")
            return True
        return _again(reply, EMAIL, "email_dropped", lambda: _email_again(reply))
    return False


# --- numbers ---


def number(reply: Answering) -> None:
    """They named a number to be reached at."""
    found = reply.heard.slots.number
    if not found:
        reply.ask(Asked.MOBILE, reply.heard.slots.digits, intent="number")
        reply.say("ask_number")
        return
    read_number(reply, found, Asked.NUMBER_RIGHT)


def read_number(reply: Answering, digits: str, asked: Asked) -> None:
    template = "mobile_is" if asked is Asked.MOBILE_RIGHT else "number_is"
    reply.say(template, number=spelling.read_number(digits))
    reply.ask(asked, digits)


def mobile_asked(reply: Answering) -> bool:
    """They were asked for a mobile, or a number: it may come in pieces, and by key."""
    slots = reply.heard.slots
    asked = Asked.NUMBER_RIGHT if reply.state.intent == "number" else Asked.MOBILE_RIGHT
    found = slots.number or _completed(reply.state.value, slots.digits)
    if len(found) == 10:
        read_number(reply, found, asked)
        return True
    if found and slots.digits:
        reply.ask(Asked.MOBILE, found)  # More digits follow.
        reply.say("go_on")
        return True
    if slots.answer is False:
        reply.change(intent="")
        reply.say("promise_declined")
        reply.ask(Asked.MORE)
        return True
    return False


def _completed(known: str, more: str) -> str:
    whole = known + more
    if len(whole) == 11 and whole[0] == "1":
        whole = whole[1:]
    return whole if len(whole) <= 10 else more if len(more) == 10 else ""


def number_right(reply: Answering) -> bool:
    state, slots = reply.state, reply.heard.slots
    fixed = spelling.corrected(state.value, reply.heard.text) if slots.digits else ""
    if fixed and fixed != state.value and len(fixed) == 10:
        if state.tries >= MOST_TRIES:
            return _number_given_up(reply)
        reply.change(tries=state.tries + 1)
        read_number(reply, fixed, state.asked)
        return True
    if slots.answer:
        _number_confirmed(reply)
        return True
    if slots.answer is False:
        if state.tries >= MOST_TRIES or _wants_nothing_kept(reply.heard.text):
            return _number_given_up(reply)
        reply.change(tries=state.tries + 1)
        reply.say("mobile_again")
        reply.ask(Asked.MOBILE, intent=state.intent or ("number" if state.asked is Asked.NUMBER_RIGHT else ""))
        return True
    return False


def _number_given_up(reply: Answering) -> bool:
    is_mobile = reply.state.asked is Asked.MOBILE_RIGHT
    reply.change(refused=(*reply.state.refused, CardField.NUMBER.value), tries=0, value="")
    if is_mobile and not _wants_nothing_kept(reply.heard.text):
        reply.transfer(TransferReason.NOT_UNDERSTOOD, "mobile_given_up")
    else:
        drop(reply, CardField.NUMBER, "number_dropped")
    return True


def _number_confirmed(reply: Answering) -> None:
    state = reply.state
    if state.asked is Asked.NUMBER_RIGHT:
        reply.keep({CardField.NUMBER: state.value})
        reply.say("number_kept")
        reply.ask(Asked.MORE, tries=0, intent="")
        return
    intent = state.intent
    reply.ask(Asked.NOTHING, mobile=f"+1{state.value}", tries=0, intent="")
    wanted, _, value = intent.partition(":")
    if wanted == "send":
        reply.send(LinkKind(value))
    elif wanted == "book" and reply.facts.tours:
        slot = next((one for one in reply.facts.tours if one.starts_at.isoformat() == value), None)
        if slot:
            reply.acts.append(BookTour(state.property, slot.starts_at, slot.kind, f"+1{state.value}"))
            reply.change(asked=Asked.TOUR_RIGHT, value=value)
        else:
            reply.say("tour_failed")
            reply.ask(Asked.PROMISE, about="a tour")
    else:
        reply.say("number_kept")
        reply.ask(Asked.MORE)


# --- links ---


def link(reply: Answering, kind: LinkKind, *, asked_for: bool = True) -> None:
    """Texts a link, or offers to where they only asked about it."""
    state, facts = reply.state, reply.facts
    if kind is LinkKind.HOME and state.listing is None:
        kind = LinkKind.LISTINGS
    if state.stopped:
        reply.say("link_stopped")
        reply.ask(Asked.PROMISE, about=f"the link to {_PLAIN[kind]}")
    elif kind.value not in facts.links:
        reply.promise(f"the link to {_PLAIN[kind]}")
        reply.say("not_known" if reply.can_text else "not_known_call")
        reply.ask(Asked.MORE)
    elif _sent_key(reply, kind) in state.sent:
        reply.say("link_sent_before")
        reply.ask(Asked.MORE)
    elif not asked_for:
        reply.say(f"link_offer_{kind}")
        reply.ask(Asked.LINK, kind)
    elif not reply.can_text:
        ask_mobile(reply, f"send:{kind}")
    else:
        reply.ask(Asked.NOTHING)
        reply.send(kind)


_PLAIN = {
    LinkKind.TOURS: "book a tour",
    LinkKind.APPLICATION: "the application",
    LinkKind.LISTINGS: "our listings",
    LinkKind.HOME: "the home",
}


def _sent_key(reply: Answering, kind: LinkKind) -> str:
    return f"{kind}:{reply.state.listing}" if kind is LinkKind.HOME else kind.value


def mark_sent(reply: Answering, kind: LinkKind, listing: int | None) -> None:
    key = f"{kind}:{listing}" if kind is LinkKind.HOME else kind.value
    if key not in reply.state.sent:
        reply.change(sent=(*reply.state.sent, key))


def ask_mobile(reply: Answering, then: str) -> None:
    reply.say("ask_mobile")
    reply.ask(Asked.MOBILE, intent=then, tries=0)


# --- what they look for ---


def closing(reply: Answering) -> None:
    """They want nothing more: what they look for may be written down, if they agree."""
    reply.change(closing=True)
    state = reply.state
    if (said := state.wishes.get(CardField.NAME)) and CardField.NAME not in state.refused:
        read_name(reply, said)
        return
    words = wishes_in_words(reply)
    if not words or CardField.BEDROOMS in state.refused:
        reply.say("goodbye", office=reply.facts.office)
        reply.end()
        return
    reply.say("wishes_are", wishes=words)
    reply.ask(Asked.WISHES_RIGHT)


def wishes_in_words(reply: Answering) -> str:
    """What they look for and nobody has written down; "" for nothing."""
    say, wished, facts = reply.dialogue.say, reply.state.wishes, reply.facts
    parts = []
    if (count := wished.get(CardField.BEDROOMS)) is not None:
        parts.append(say("wish_beds", beds=spoken_forms.beds(reply.dialogue, int(count))))
    elif set(wished) & {CardField.MOVE_IN, CardField.BUDGET, CardField.PETS}:
        parts.append(say("wish_home"))
    if parts and facts.place and facts.place.slug == reply.state.property:
        parts.append(say("wish_at", property=facts.place.name))
    if move_in := wished.get(CardField.MOVE_IN):
        parts.append(
            say("wish_move_in", date=spoken_forms.day(reply.dialogue, date.fromisoformat(move_in), facts.today))
        )
    if budget := wished.get(CardField.BUDGET):
        parts.append(say("wish_budget", amount=spoken_forms.money(Decimal(budget))))
    if pets := wished.get(CardField.PETS):
        named = ", ".join(_pet(reply, one) for one in pets.split(", "))
        parts.append(say("wish_no_pets") if pets == "none" else say("wish_pets", pets=named))
    return " ".join(parts)


def _pet(reply: Answering, said: str) -> str:
    count, _, kind = said.rpartition(" ")
    return f"{count} {reply.dialogue.word(kind)}" if count else reply.dialogue.word(said)


def wishes_right(reply: Answering) -> bool:
    if reply.heard.slots.answer is None:
        return False
    if reply.heard.slots.answer:
        values = {key: value for key, value in reply.state.wishes.items() if key in list(_WISHES)}
        if reply.state.property:
            values[CardField.PROPERTY] = reply.state.property
        reply.keep(values)
        reply.say("wishes_kept")
    else:
        reply.say("wishes_dropped")
        reply.change(wishes={})
    reply.end()
    return True
