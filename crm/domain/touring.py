"""Booking a tour in words: which free times are offered, which one is meant, and what is booked. Pure."""

from __future__ import annotations

from datetime import datetime

from crm.domain import captures, replies, spoken_forms, tours
from crm.domain.composing import Answering
from crm.domain.conversation import BookTour, Cite, LinkKind
from crm.domain.heard import CardField
from crm.domain.talk import Asked
from crm.domain.tours import Slot
from crm.domain.understanding import chosen

OFFERED = 2
"""Times in one sentence; nobody remembers more by phone."""


def tour(reply: Answering) -> None:
    """They want to see a home."""
    reply.asked_about("tour")
    place = replies.property_meant(reply)
    if place is None:
        replies.ask_which(reply, "tour")
        return
    if reply.heard.slots.unit and not reply.facts.homes:
        # Whoever wants to see one home is not shown another one unasked.
        replies.none_found(reply)
        return
    reply.interested(place)
    if not reply.facts.tours:
        _none(reply, place.name)
        return
    when = reply.heard.slots.when
    if not when.says_something:
        offer(reply, "tour_times", tours.offer(reply.facts.tours, None)[:OFFERED])
        return
    fitting = fits(reply, reply.facts.tours)
    if not fitting:
        offer(reply, "tour_others", _nearest(reply))
    elif len(fitting) == 1:
        confirm(reply, fitting[0])
    else:
        offer(reply, "tour_times", fitting[:OFFERED])


def fits(reply: Answering, slots: tuple[Slot, ...] | list[Slot]) -> list[Slot]:
    """Those at the time that was named, one for each instant."""
    when = reply.heard.slots.when
    by_time: dict[datetime, Slot] = {}
    for slot in slots:
        if when.fits(reply.local(slot.starts_at)):
            by_time.setdefault(slot.starts_at, slot)
    return list(by_time.values())


def _nearest(reply: Answering) -> list[Slot]:
    """The free times nearest to what was named: the same day, else after it, else the first ones."""
    when = reply.heard.slots.when
    by_time = {slot.starts_at: slot for slot in reversed(reply.facts.tours)}
    slots = [by_time[at] for at in sorted(by_time)]
    if when.day is not None:
        same = [slot for slot in slots if reply.local(slot.starts_at).date() == when.day]
        if same and when.at_minute is not None:
            wanted = when.at_minute
            same.sort(key=lambda slot: abs(_minute(reply.local(slot.starts_at)) - wanted))
            return sorted(same[:OFFERED])
        later = [slot for slot in slots if reply.local(slot.starts_at).date() > when.day]
        return (same or later or slots)[:OFFERED]
    return tours.offer(slots, None)[:OFFERED]


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def offer(reply: Answering, template: str, slots: list[Slot]) -> None:
    if not slots:
        _none(reply, _name(reply))
        return
    times = [reply.local(slot.starts_at) for slot in slots]
    said = spoken_forms.moments(reply.dialogue, times, reply.facts.today)
    if len(slots) == 1 and template == "tour_times":
        reply.say("tour_time_one", _cites(reply), property=_name(reply), time=said)
        reply.ask(Asked.TOUR_RIGHT, slots[0].starts_at.isoformat())
        return
    reply.say(template, _cites(reply), property=_name(reply), times=said)
    reply.ask(Asked.TOUR_TIME, offered=tuple(slot.starts_at.isoformat() for slot in slots))


def confirm(reply: Answering, slot: Slot) -> None:
    time = spoken_forms.moment(reply.dialogue, reply.local(slot.starts_at), reply.facts.today)
    reply.say("tour_right", _cites(reply), time=time, property=_name(reply))
    reply.ask(Asked.TOUR_RIGHT, slot.starts_at.isoformat())


def time_asked(reply: Answering) -> bool:
    """They were offered times."""
    slots = reply.heard.slots
    known = [slot for slot in reply.facts.tours if slot.starts_at.isoformat() in reply.state.offered]
    offered = list({slot.starts_at: slot for slot in known}.values())
    # "Another time" is none of those offered, and neither are they out of the question for ever.
    if slots.when.later and slots.when.day is None and slots.when.at_minute is None:
        last = max((slot.starts_at for slot in offered), default=reply.facts.now)
        offer(reply, "tour_times", tours.offer(reply.facts.tours, last)[:OFFERED])
        return True
    if slots.when.says_something:
        fitting = fits(reply, offered) or fits(reply, reply.facts.tours)
        if len(fitting) == 1:
            confirm(reply, fitting[0])
        elif fitting:
            offer(reply, "tour_times", fitting[:OFFERED])
        else:
            offer(reply, "tour_others", _nearest(reply))
        return True
    if slots.hour is not None:
        same = [slot for slot in offered if reply.local(slot.starts_at).hour % 12 == slots.hour % 12]
        if same:
            confirm(reply, same[0])
            return True
    if slots.ordinal is not None and (at := chosen(reply.state.offered, slots.ordinal)):
        slot = next((one for one in offered if one.starts_at.isoformat() == at), None)
        if slot:
            confirm(reply, slot)
        else:
            offer(reply, "tour_taken", tours.offer(reply.facts.tours, None)[:OFFERED])
        return True
    if slots.answer:
        if len(offered) == 1:
            confirm(reply, offered[0])
        else:
            offer(reply, "tour_times", offered or tours.offer(reply.facts.tours, None)[:OFFERED])
        return True
    if slots.answer is False:
        _dropped(reply)
        return True
    return False


def right(reply: Answering) -> bool:
    """They were asked whether a time shall be booked."""
    slots = reply.heard.slots
    if slots.answer and not (slots.when.says_something and not _is_same(reply)):
        book(reply)
        return True
    if slots.when.says_something or slots.ordinal is not None or slots.hour is not None:
        return time_asked(reply)
    if slots.answer is False:
        _dropped(reply)
        return True
    return False


def _is_same(reply: Answering) -> bool:
    """ "Yes, ten is fine" names the time again."""
    return reply.heard.slots.when.fits(reply.local(datetime.fromisoformat(reply.state.value)))


def book(reply: Answering) -> None:
    slot = next((one for one in reply.facts.tours if one.starts_at.isoformat() == reply.state.value), None)
    if slot is None:
        offer(reply, "tour_taken", tours.offer(reply.facts.tours, None)[:OFFERED])
    elif not reply.can_text and not reply.state.mobile:
        captures.ask_mobile(reply, f"book:{reply.state.value}")
    else:
        reply.acts.append(BookTour(reply.state.property, slot.starts_at, slot.kind, reply.state.mobile or None))


def booked(reply: Answering, act: BookTour) -> None:
    time = spoken_forms.moment(reply.dialogue, reply.local(act.at), reply.facts.today)
    reply.say("tour_booked", _cites(reply), time=time, property=_name(reply))
    known = reply.facts.caller.name or reply.state.kept.get(CardField.NAME)
    if known or CardField.NAME in reply.state.refused:
        reply.say("anything_else")
        reply.ask(Asked.MORE)
    elif said := reply.state.wishes.get(CardField.NAME):
        captures.read_name(reply, said)
    else:
        reply.say("ask_name")
        reply.ask(Asked.NAME)


def taken(reply: Answering) -> None:
    offer(reply, "tour_taken", tours.offer(reply.facts.tours, None)[:OFFERED])


def _none(reply: Answering, name: str) -> None:
    if LinkKind.TOURS.value in reply.facts.links and not reply.state.stopped:
        reply.say("tour_none", property=name)
        reply.ask(Asked.LINK, LinkKind.TOURS)
    else:
        reply.say("tour_none_promise", property=name)
        reply.ask(Asked.PROMISE, about=f"a tour of {name}")


def _dropped(reply: Answering) -> None:
    reply.say("tour_dropped")
    reply.ask(Asked.MORE)


def _name(reply: Answering) -> str:
    place = reply.facts.place or (reply.facts.focus.place if reply.facts.focus else None)
    return place.name if place else reply.state.property


def _cites(reply: Answering) -> tuple[Cite, ...]:
    place = reply.facts.place or (reply.facts.focus.place if reply.facts.focus else None)
    return (Cite("tour_times", place.id, 0),) if place else ()
