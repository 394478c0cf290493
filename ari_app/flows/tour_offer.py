"""Tour times, offered by key: in the caller's language and the property's time zone, and booked at once."""

from __future__ import annotations

import asyncio
from datetime import datetime

from ari_app.call.call import LiveCall
from ari_app.edge.media import NoKey, prompt, tell
from ari_app.flows.plan import STEPS, answer, otherwise, sounds, to_carry_out
from crm.domain.calls import CallStep, EndedBy, KeyPressed, LinkRequested, TourBooked
from crm.domain.choosing import KeyedAnswer, Question, Say
from crm.domain.errors import Conflict, Invalid
from crm.domain.routing import Path
from crm.domain.tours import Slot, TourState
from crm.services.audit import By
from crm.services.tours import booking, times
from crm.services.tours.dialogue import TourDialogue, TourWish, aloud, to_go_on
from crm.services.tours.times import Offer
from crm.store.models import Tour

BY = "keypad"
MISSES = 3
"""How many times may turn out to be taken before the caller is sent on."""


async def tour_offer(call: LiveCall) -> CallStep | EndedBy:
    """Offers times until one is booked; a caller who takes none continues with the plan's alternative."""
    decided = await to_carry_out(call)
    following = otherwise(decided, Path.TOUR)
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        # It may have been booked before the app was away.
        tour = await call.context.store.read(booking.booked_as, _key(call))
    if tour is None:
        if Path.TOUR not in (decided.path, *decided.otherwise):
            return STEPS[decided.path]
        closed = (Say("closed_now"),) if call.is_closed else ()
        tour = await _agree(call, decided.property, decided.says or closed, following)
    if tour is None:
        answer(call, KeyedAnswer(Question.TOUR, ""))
        return following
    return await _confirm(call, tour, following)


async def _agree(call: LiveCall, property_slug: str, before: tuple[Say, ...], following: CallStep) -> Tour | None:
    """Offers the property's times, and later ones on request. Returns the tour that was booked; None: they want
    none."""
    menu, missed = call.context.config.menu, 0
    dialogue = TourDialogue(
        call.known.property_name,
        call.language,
        can_link=call.known.can_text_link,
        to_mailbox=following is CallStep.VOICEMAIL,
        tries=menu.tries,
        before=before,
    )
    while offer := await _times(call, property_slug, dialogue.after):
        key = await prompt(call.person, await sounds(call, dialogue.says(offer)), menu.first_key_seconds)
        if isinstance(key, NoKey):
            return None
        call.emit(KeyPressed(*call.stamp(), key=key, question=Question.TOUR.value))
        wish = dialogue.hears(key, offer)
        if wish is TourWish.GO_ON:
            return None
        if wish is TourWish.LINK:
            call.emit(LinkRequested(*call.stamp("link")))
        elif isinstance(wish, Slot):
            if tour := await _book(call, property_slug, wish):
                return tour
            missed += 1
            if missed == MISSES:
                await tell(call.person, call.sounds("tour_not_booked"))
                return None
            dialogue.was_taken()
    await tell(call.person, await sounds(call, (*dialogue.before, Say("tour_none"))))
    return None


async def _times(call: LiveCall, property_slug: str, after: datetime | None) -> Offer | None:
    """The times that are free now, later than `after` if there are any; None if none are free at all."""
    context = call.context
    async with asyncio.timeout(context.config.survival.store_seconds):
        offer = await context.store.read(times.offer, context.config, property_slug, context.now(), after)
        if not offer.slots and after:
            offer = await context.store.read(times.offer, context.config, property_slug, context.now())
    return offer if offer.slots else None


async def _book(call: LiveCall, property_slug: str, slot: Slot) -> Tour | None:
    """Books a slot. Returns None if somebody else was quicker, or the time is no longer offered."""
    context = call.context
    assert call.caller is not None
    try:
        async with asyncio.timeout(context.config.survival.store_seconds):
            booked = await context.store.run(
                booking.book,
                context.config,
                context.secrets,
                By(BY, context.now()),
                person=call.caller,
                property_slug=property_slug,
                at=slot.starts_at,
                kind=slot.kind,
                key=_key(call),
                booked_by=BY,
                call_id=call.id,
                language=call.language,
            )
    except (Conflict, Invalid):
        return None
    return booked.tour if booked.tour.state == TourState.BOOKED else None


async def _confirm(call: LiveCall, tour: Tour, following: CallStep) -> CallStep | EndedBy:
    """Tells the caller what is booked. They may hang up now, or go on with any key."""
    call.emit(TourBooked(*call.stamp("tour"), tour_id=tour.id))
    async with asyncio.timeout(call.context.config.survival.store_seconds):
        _, property = await call.context.store.read(booking.get, tour.id)
    when = aloud(tour.slot.starts_at, times.zone(call.context.config, property), call.language)
    on = to_go_on(to_mailbox=following is CallStep.VOICEMAIL)
    files = await sounds(call, (Say("tour_booked", when), Say("tour_done"), on))
    key = await prompt(call.person, files, call.context.config.menu.first_key_seconds)
    if isinstance(key, NoKey):
        await tell(call.person, call.sounds("goodbye"))
        return EndedBy.SYSTEM
    call.emit(KeyPressed(*call.stamp(), key=key, question=Question.TOUR.value))
    answer(call, KeyedAnswer(Question.TOUR, key))
    return following


def _key(call: LiveCall) -> str:
    """The key of the call's booking, the same again after the app was away."""
    return f"call:{call.id}"
