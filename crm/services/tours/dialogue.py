"""Tour times offered by keypad: what a caller hears, and what each key means. For live calls and `route test`."""

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
    """What a caller wants who takes none of the times; the values are the keys to press."""

    LATER = "4"
    LINK = "8"
    """The listings, by text; the same times are then offered again."""
    GO_ON = "9"
    """None of these. A caller who keeps pressing invalid keys moves on, too."""


@dataclass
class TourDialogue:
    """The state of a dialogue in which times are offered until the caller takes one or goes on."""

    property_name: str
    language: str
    can_link: bool
    """There are listings to text, and they have not been sent yet."""
    to_mailbox: bool
    """Going on leads to the mailbox; else to the team."""
    tries: int
    """After this many invalid keys, the caller goes on."""
    before: tuple[Say, ...] = ()
    """What is said before the next offer."""
    after: datetime | None = None
    """Only times after this one are offered."""
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
        """The valid ones."""
        later = [TourWish.LATER] if offer.has_later else []
        link = [TourWish.LINK] if self.can_link else []
        return (*offer.by_key, *later, *link, TourWish.GO_ON)

    def hears(self, key: str, offer: Offer) -> Slot | TourWish | None:
        """The slot that a key stands for, or what else the caller wants; None for an invalid key. Sets what is said
        next."""
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
        """Somebody else was quicker: times are offered again from the first one on."""
        self.before, self.after = (Say("tour_taken"),), None


def to_go_on(*, to_mailbox: bool) -> Say:
    """Tells a caller who wants none of the times, or has booked one, how to go on."""
    return Say("tour_message" if to_mailbox else "tour_team")


def aloud(at: datetime, tz: ZoneInfo, language: str) -> str:
    """A time to be read aloud: "Tuesday, November 24, at 10 in the morning". In any language that CLDR knows, else in
    English."""
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
