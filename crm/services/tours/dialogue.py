"""Times for a tour offered by key: what a caller hears, and what each key means. For live calls and `route test`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel import UnknownLocaleError
from babel.dates import format_datetime, format_time

from crm.domain.choosing import Say
from crm.domain.tours import Slot
from crm.services.tours.times import Offer


class TourWish(StrEnum):
    """What a caller wants who takes none of the times; the values are the keys."""

    LATER = "4"
    LINK = "8"
    """The listings by text; the same times are offered again."""
    GO_ON = "9"
    """None of these. A caller who keeps pressing invalid keys moves on, too."""


@dataclass
class TourDialogue:
    """How it stands with a caller who is offered times, again and again until they take one or go on."""

    property_name: str
    """The property's name."""
    language: str
    can_link: bool
    """There are listings to text, and they have not been sent yet."""
    to_mailbox: bool
    """Where going on leads; else to the team."""
    tries: int
    """So many keys may mean nothing."""
    before: tuple[Say, ...] = ()
    """What is said before the next offer."""
    after: datetime | None = None
    """Only later times are wanted."""
    wrong: int = 0

    def says(self, offer: Offer) -> tuple[Say, ...]:
        times = [
            Say(f"tour_time_{slot.kind}", aloud(slot.starts_at, offer.tz, self.language), key)
            for key, slot in offer.by_key.items()
        ]
        later = [Say("tour_later")] if offer.has_later else []
        link = [Say("tour_link")] if self.can_link else []
        on = to_go_on(to_mailbox=self.to_mailbox)
        return (*self.before, Say("tour_times", self.property_name), *times, *later, *link, on)

    def keys(self, offer: Offer) -> tuple[str, ...]:
        """Those that mean something."""
        later = [TourWish.LATER] if offer.has_later else []
        link = [TourWish.LINK] if self.can_link else []
        return (*offer.by_key, *later, *link, TourWish.GO_ON)

    def hears(self, key: str, offer: Offer) -> Slot | TourWish | None:
        """The time that a key stands for, or what else they want; None is a wrong key. What is said next fits it."""
        self.before = ()
        if key not in self.keys(offer):
            self.wrong += 1
            self.before = (Say("not_a_choice"),)
            return TourWish.GO_ON if self.wrong == self.tries else None
        if slot := offer.by_key.get(key):
            return slot
        wish = TourWish(key)
        if wish is TourWish.LATER:
            self.after = offer.slots[-1].starts_at
        elif wish is TourWish.LINK:
            self.before, self.can_link = (Say("link_sent"),), False
        return wish

    def was_taken(self) -> None:
        """Somebody else was quicker: the next times are offered from the first on."""
        self.before, self.after = (Say("tour_taken"),), None


def to_go_on(*, to_mailbox: bool) -> Say:
    """How a caller gets on who wants none of these, or has booked one."""
    return Say("tour_message" if to_mailbox else "tour_team")


def aloud(at: datetime, tz: ZoneInfo, language: str) -> str:
    """A time as it is read aloud, such as "Tuesday, November 24, at 10 in the morning". Supports every language of
    CLDR."""
    local, base = at.astimezone(tz), language[:2]
    clock = "h B" if local.minute == 0 else "h:mm B"
    if base == "en":
        return format_datetime(local, f"EEEE, MMMM d, 'at' {clock}", tzinfo=tz, locale="en")
    if base == "es":
        if local.hour % 12 == 1:
            clock = "'a la una' B" if local.minute == 0 else "'a la una y' m B"
        else:
            clock = f"'a las' {clock}"
        return format_datetime(local, f"EEEE d 'de' MMMM, {clock}", tzinfo=tz, locale="es")
    try:
        day = format_datetime(local, "EEEE d MMMM", tzinfo=tz, locale=base)
        return f"{day}, {format_time(local, 'short', tzinfo=tz, locale=base)}"
    except (UnknownLocaleError, ValueError):
        return aloud(at, tz, "en")
