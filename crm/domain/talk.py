"""What the voice agent knows in a talk: its state, what it asks the rows for, and what they answer. Pure.

The state is all that a talk needs to go on after the app was away; it is frozen and made of plain values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from crm.domain.conversation import Cite
from crm.domain.listings import Home, PropertyContent
from crm.domain.tours import Slot


class Asked(StrEnum):
    """What the agent has asked last, as far as the answer needs it."""

    NOTHING = ""
    UNCLEAR = "unclear"
    """To say it again."""
    WHICH_PROPERTY = "which_property"
    LINK = "link"
    """Whether to text a link."""
    PROMISE = "promise"
    """Whether somebody shall text them."""
    MOBILE = "mobile"
    MOBILE_RIGHT = "mobile_right"
    NAME = "name"
    NAME_SPELLED = "name_spelled"
    NAME_RIGHT = "name_right"
    EMAIL = "email"
    EMAIL_RIGHT = "email_right"
    NUMBER_RIGHT = "number_right"
    TOUR_TIME = "tour_time"
    TOUR_RIGHT = "tour_right"
    WISHES_RIGHT = "wishes_right"
    """Whether what they look for may be written down."""
    MORE = "more"
    """Whether there is anything else."""
    PERSON = "person"
    """Whether they want a person."""
    SEE = "see"
    """Whether they want to see the home."""
    BEDROOMS = "bedrooms"


@dataclass(frozen=True, slots=True)
class TalkState:
    language: str = ""
    """Empty until the talk begins."""
    asked: Asked = Asked.NOTHING
    value: str = ""
    """What is to be confirmed: a name, an email address, a number, an instant of a tour."""
    intent: str = ""
    """What they wanted when something had to be asked first."""
    words: str = ""
    """How they said it then."""
    about: str = ""
    """What a promise would be about."""
    offered: tuple[str, ...] = ()
    """Among which they choose: slugs of properties, instants of tours."""
    property: str = ""
    """Slug of the property that the talk is about; empty: not known."""
    listing: int | None = None
    """The home that the talk is about."""
    recent: tuple[str, ...] = ()
    """Slugs of the properties whose homes were offered last, where there were several."""
    several: bool = False
    """More than one home was offered last."""
    least_rent: str = ""
    """Of the homes that were offered last; empty: none were."""
    closing: bool = False
    """They want nothing more, and only what is written down is left to ask."""
    wishes: dict[str, str] = field(default_factory=dict)
    """What they look for, by CardField; nobody has confirmed it yet."""
    kept: dict[str, str] = field(default_factory=dict)
    """What they confirmed, and was written down."""
    refused: tuple[str, ...] = ()
    """Fields that they did not want written down, or could not get right; they are not asked again."""
    interests: tuple[tuple[str, int | None], ...] = ()
    """Asked about, and passed on."""
    sent: tuple[str, ...] = ()
    """Links that were texted."""
    mobile: str = ""
    """E.164, which the caller named and confirmed."""
    promised: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()
    """The last answer, to repeat."""
    unclear: int = 0
    """Misunderstandings in a row."""
    silent: bool = False
    """They were asked whether they are still there."""
    tries: int = 0
    """How often the same value was read back and was wrong."""
    stopped: bool = False
    """They want no texts."""
    asks: tuple[str, ...] = ()
    """What they asked about, for the summary."""
    over: bool = False
    """The talk has ended, or a person takes over."""


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """What has to be read before the agent can answer."""

    property: str = ""
    """Slug; empty: none in particular."""
    among: tuple[str, ...] = ()
    """Slugs of properties, where a street or an area fits several; empty: all."""
    homes: bool = False
    bedrooms: int | None = None
    rent_to: Decimal | None = None
    available_by: date | None = None
    pets: str = ""
    """cats or dogs."""
    unit: str = ""
    """As on the door; narrows to that home."""
    listing: int | None = None
    """This home besides."""
    tours: bool = False


@dataclass(frozen=True, slots=True)
class HomeFact:
    """A home that the public sees, with the terms of its property where it has none of its own."""

    id: int
    version: int
    unit: str
    home: Home
    place: PropertyFact

    @property
    def cites(self) -> tuple[Cite, ...]:
        return (Cite("listing", self.id, self.version), *self.place.cites)


@dataclass(frozen=True, slots=True)
class PropertyFact:
    id: int
    slug: str
    name: str
    area: str = ""
    version: int | None = None
    """None: the public sees nothing of it."""
    content: PropertyContent = PropertyContent()  # noqa: RUF009 - it is frozen

    @property
    def cites(self) -> tuple[Cite, ...]:
        return (Cite("property", self.id, self.version),) if self.version is not None else ()


@dataclass(frozen=True, slots=True)
class AnswerFact:
    """What the office answers about a topic."""

    id: int
    topic: str
    text: str
    version: int

    @property
    def cites(self) -> tuple[Cite, ...]:
        return (Cite("answer", self.id, self.version),)


@dataclass(frozen=True, slots=True)
class HoursFact:
    """When the property's office is open, else the office's."""

    id: int
    """Of the property; 0: the office's own."""
    week: tuple[tuple[int, str, str], ...]
    """Weekday (0 is Monday), from, until, as HH:MM; empty: nothing was set."""
    today: tuple[tuple[str, str], ...] = ()
    """From and until, today; empty: closed."""

    @property
    def cites(self) -> tuple[Cite, ...]:
        return (Cite("hours", self.id, 0),)


class CallerStage(StrEnum):
    """How far the caller is, as far as the agent has to know."""

    EARLY = "early"
    """A prospect, or nobody knows."""
    BEYOND = "beyond"
    """They have booked a tour, applied, or live here."""
    RESIDENT = "resident"
    OWNER = "owner"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class CallerNow:
    number: str | None = None
    """E.164; None: withheld, or none."""
    name: str = ""
    stage: CallerStage = CallerStage.EARLY
    language: str = ""
    """Chosen in an earlier call."""
    can_be_texted: bool = True
    """False: withheld, a landline, or a line of ours."""


@dataclass(frozen=True)
class Facts:
    """All that may be said in this turn."""

    now: datetime
    tz: ZoneInfo
    """Of the property, else of the office."""
    office: str
    caller: CallerNow = CallerNow()
    language: str = "en"
    """The line's."""
    recorded: bool = False
    """The talk is recorded, and says so."""
    line_property: str = ""
    """Slug of the property whose number was dialed."""
    place: PropertyFact | None = None
    """The property that is asked about."""
    properties: tuple[PropertyFact, ...] = ()
    """Those that a name may mean, by slug and name only."""
    homes: tuple[HomeFact, ...] = ()
    """That fit what is wanted, the lowest rent first; only some, where there are many."""
    homes_total: int = 0
    has_homes: bool = False
    """There are public homes at the property (or at all), whatever is wanted."""
    focus: HomeFact | None = None
    """The home that the talk is about, as it is now; None: none, or it is gone."""
    answers: tuple[AnswerFact, ...] = ()
    hours: HoursFact | None = None
    tours: tuple[Slot, ...] = ()
    """Free times at the property, the earliest first."""
    links: frozenset[str] = frozenset()
    """Kinds of links that there are (LinkKind)."""

    @property
    def today(self) -> date:
        return self.now.astimezone(self.tz).date()
