"""A talk with the voice agent as data: what it hears, what it wants done, and how that went.

Whoever leads the talk is a function `turn(state, happening, facts) -> Turn`: it decides, and does nothing itself. The
call carries the acts out, in their order, checks each of them again, and tells the result as a happening. So rules, a
language model, a test or a replay can lead the same talk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from crm.domain.heard import CardField

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Cite:
    """A row that something spoken comes from."""

    kind: str
    """What it is a version of: listing, property, answer, hours or tour_times."""
    id: int
    """Of the listing or the answer; of the property for its versions, hours and tour times, 0 being the office."""
    version: int
    """0 for hours and tour times, which have none."""


# What happens ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Began:
    """The caller was answered."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something the caller said to its end."""

    text: str
    language: str
    """Two letters, as the transcriber believes."""
    confidence: float
    """0 to 1: the mean probability of its words."""
    started: float
    """Seconds from the beginning of the talk."""
    ended: float


@dataclass(frozen=True, slots=True)
class Pressed:
    """Keys of the caller's phone, in one go."""

    keys: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The caller has said nothing since the agent's last word."""

    seconds: float


class ActResult(StrEnum):
    """How an act went."""

    DONE = "done"
    ALREADY = "already"
    """It had been done in this talk before; nothing was done twice."""
    NEEDS_MOBILE = "needs_mobile"
    """The caller's number can't be texted."""
    REFUSED = "refused"
    """It may not be done: an opt-out, the quiet hours, a limit, a value that is not valid."""
    TAKEN = "taken"
    """The tour's time is no longer free."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Did:
    """An act was carried out, or could not be."""

    act: Act
    result: ActResult


Happening = Began | Utterance | Pressed | Silent | Did


# What is to be done ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speak:
    """Says a sentence or two. It never holds a web address."""

    text: str
    """As people write it, such as "$1,450 a month" or "March 1": whoever voices it spells it out
    (asterisk_conf.prompts.wording)."""
    template: str
    """Name of the sentence in the dialogue's file; "" for a language model's own."""
    cites: tuple[Cite, ...] = ()
    interruptible: bool = True
    """False for what has to be heard: that it is automated, that it is recorded, what to do in an emergency."""
    language: str = "en"
    """Two letters: whose voice says it."""


class LinkKind(StrEnum):
    TOURS = "tours"
    APPLICATION = "application"
    LISTINGS = "listings"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class SendLink:
    """Texts a link, while the caller is on the line."""

    kind: LinkKind
    property: str = ""
    """Short name of the property it is about; "" for the office's."""
    listing: int | None = None
    number: str | None = None
    """E.164 of the mobile that the caller named and confirmed; None: the number they call from."""


@dataclass(frozen=True, slots=True)
class UpdateLead:
    """Writes down what the caller said of themselves and confirmed."""

    values: Mapping[CardField | str, str]
    """By field: a CardField, or "email". Values as `crm.domain.heard` gives them."""
    interests: tuple[tuple[str, int | None], ...] = ()
    """Short names of properties, each with a listing's id or None, that the caller asked about."""


@dataclass(frozen=True, slots=True)
class BookTour:
    property: str
    at: datetime
    """One of the times that the facts hold as free."""
    kind: str
    number: str | None = None
    """E.164 of the mobile that the caller named and confirmed; None: the number they call from."""


class TransferReason(StrEnum):
    """Why the caller is passed to a person."""

    ASKED = "asked"
    KEY = "key"
    NOT_UNDERSTOOD = "not_understood"
    DISTRESS = "distress"
    STAGE = "stage"
    """They have a tour, an application, a lease, or are an owner or vendor."""
    FAIR_HOUSING = "fair_housing"
    NOT_OURS_TO_DECIDE = "not_ours_to_decide"
    LANGUAGE = "language"
    EMERGENCY = "emergency"
    MAINTENANCE = "maintenance"
    SILENCE = "silence"
    TAKEN = "taken"
    """Somebody who watches the calls has taken them."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Passes the caller to a person, on the ordinary way of a call: with ringback, and a queue, tour or voicemail after
    it."""

    reason: TransferReason
    summary: str
    """One sentence for the person who answers: who it is, and what about."""
    property: str = ""
    keys: str = ""
    """Keys of the menu that say the same, where the caller pressed some."""


@dataclass(frozen=True, slots=True)
class StopTexts:
    """The caller does not want texts (or emails) any more."""

    words: str


@dataclass(frozen=True, slots=True)
class Promise:
    """A person has to get back to the caller: a task."""

    about: str
    """What the caller wants to know, in a few words: such as "the pet deposit at Elm Court"."""


@dataclass(frozen=True, slots=True)
class End:
    """The talk is over, and all is said."""


Act = Speak | SendLink | UpdateLead | BookTour | Transfer | StopTexts | Promise | End


class Expects(StrEnum):
    """What the caller is likely to say next, so that nobody ends their turn in the middle of it."""

    ANYTHING = "anything"
    YES_OR_NO = "yes_or_no"
    LETTERS = "letters"
    """A name or an email address, letter by letter."""
    DIGITS = "digits"
    """A telephone number, also keyed."""


@dataclass(frozen=True, slots=True)
class Turn(Generic[State]):
    """What follows from one happening."""

    state: State
    acts: tuple[Act, ...] = field(default=())
    language: str = "en"
    """Two letters: what the caller most likely speaks from now on."""
    expects: Expects = Expects.ANYTHING
