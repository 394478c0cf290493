"""Settings of calls: what callers hear and who rings, voicemail, outgoing calls, and what agents key."""

from __future__ import annotations

import msgspec

from crm.config.ranges import NotNegative, NotNegativeInt, Positive, PositiveInt


class Menu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first_key_seconds: Positive = 5.0
    """Silence after the menu before it counts as no key."""
    next_key_seconds: Positive = 2.0
    """Silence after a key before the keys count as complete, where several are expected."""
    tries: PositiveInt = 2
    """How often the menu is played before the call goes to the team."""
    languages: tuple[str, ...] = ()
    """Languages that key 9 offers besides the line's own and English, such as ["es"]; each needs a prompt file."""


class Ring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each stage of ringing lasts, in seconds; 0 skips the stage."""

    agent_seconds: NotNegative = 15.0
    """The lead's assigned agent."""
    subteam_seconds: NotNegative = 20.0
    """The property's subteam."""
    everyone_seconds: NotNegative = 20.0
    """Every available agent."""
    each_seconds: Positive = 10.0
    """One agent's turn within a round-robin stage."""
    mobile_seconds: Positive = 15.0
    """A mobile that calls are forwarded to rings at least this long; its stage lasts longer if necessary."""
    office_seconds: Positive = 25.0
    """The number that all calls are forwarded to."""
    desk_seconds: Positive = 25.0
    """The desks for residents, owners and vendors."""
    answering_seconds: NotNegative = 25.0
    """The answering service; 0 skips it."""
    confirm_seconds: Positive = 25.0
    """How long somebody who answers has to hear who is calling and press 1, before it counts as no answer."""
    colleague_seconds: Positive = 30.0
    """A colleague whose extension was dialed, or to whom a call was transferred."""
    deaf_seconds: NotNegative = 1.5
    """A browser that has not said by then that it rings, as when its tab is frozen, is not waited for; it may still
    answer until somebody else does. 0: it is waited for."""


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Callers who wait because everyone is on a call."""

    enabled: bool = True
    """Callers hear their position, and may wait or be called back; otherwise they leave a voicemail."""
    waiting: NotNegativeInt = 3
    """If this many already wait, further callers go to sister subteams and the answering service; 0: no limit."""
    longest_seconds: Positive = 300.0
    """After this long, a voicemail is taken."""
    position_seconds: Positive = 30.0
    """How often the caller hears their position."""


class VoicemailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    longest_seconds: PositiveInt = 180
    """A voicemail ends at this length."""
    silence_seconds: int = 6
    """A voicemail ends after this much silence; 0: never."""
    shortest_seconds: float = 0.5
    """A voicemail with less speech than this is discarded, and the call counts as abandoned."""
    greeting_seconds: PositiveInt = 60
    """Longest greeting that can be recorded by phone."""
    staff_language: str = "en"
    """Language of the voicemail prompts that agents hear: en or es."""
    keep_days: NotNegativeInt = 365
    """Voicemail and its transcript are deleted after this many days; 0 keeps them."""


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls to staff about a voicemail that nobody has taken: the lead's agent, then the subteam, then everyone on
    duty."""

    first_minutes: NotNegative = 5.0
    """How long after the voicemail the first group is called; 0: no calls."""
    next_minutes: Positive = 5.0
    """How long after one group the next is called."""
    when_closed: bool = False
    """Also call outside opening hours; otherwise the calls wait until the office opens."""
    ring_seconds: Positive = 25.0
    """How long a group's phones ring."""
    key_seconds: Positive = 25.0
    """How long whoever answers has to press 1 or 2."""


class Recordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keep_days: NotNegativeInt = 90
    """Recordings of calls are deleted after this many days; 0 keeps them."""


class Dialing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on outgoing calls, whether dialed by phones, forwarded or placed by command; 0: no limit."""

    countries: tuple[str, ...] = ("US", "CA")
    """Countries (ISO 3166) whose numbers may be dialed. +1 alone is not enough: Jamaica uses it as well."""
    allowed_prefixes: tuple[str, ...] = ()
    """Prefixes of numbers, e.g. +1787, that are allowed whatever their country; also useful for new area codes."""
    blocked_prefixes: tuple[str, ...] = ()
    """Prefixes of numbers, e.g. +1907, that are blocked, besides all premium-rate numbers."""
    outside_prefix: str = "9"
    """Digits that may be dialed before an outside number, as in many offices; empty for none."""
    live: NotNegativeInt = 10
    """Outgoing calls at the same time."""
    per_day: NotNegativeInt = 500
    """Outgoing calls per day, in the office's time zone."""
    per_agent_per_day: NotNegativeInt = 150
    ring_seconds: Positive = 45.0
    """How long an outside number rings."""
    silent_trunk_seconds: Positive = 1.8
    """If a trunk has not responded at all after this long, the next one is tried."""
    agent_ring_seconds: Positive = 25.0
    """How long an agent's phones ring for a call started by command."""
    callback_tries: PositiveInt = 3
    """How often an agent's phones ring for a promised callback before it becomes a task."""
    callback_pause_seconds: Positive = 120.0
    """Pause between two attempts."""


class Unwanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refuse_failed: bool = False
    """Reject callers whose number the carrier found to be spoofed (STIR/SHAKEN); otherwise that is only recorded."""


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keep_withheld: bool = False
    """Store the number of callers who withhold it, if a trunk reveals it anyway; only where the law allows it."""


class Emergency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    callback_minutes: NotNegativeInt = 30
    """How long after an emergency call unknown callers to its callback number ring its phone at once; 0: never."""


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Feature codes that phones dial: a star and one to four digits; empty turns a code off."""

    dnd_on: str = "*78"
    """Turns on do not disturb for the phone it is dialed from, for dnd.by_phone_hours."""
    dnd_on_all: str = "*780"
    """The same for all phones of the agent."""
    dnd_half_hour: str = "*30"
    """Turns on do not disturb for 30 minutes."""
    dnd_half_hour_all: str = "*300"
    """The same for all phones of the agent."""
    dnd_off: str = "*79"
    """Turns off do not disturb for the phone."""
    dnd_off_all: str = "*790"
    """The same for all phones of the agent."""
    forwarding_on: str = "*72"
    """Makes the agent's mobile ring as well."""
    forwarding_off: str = "*73"
    """Stops the mobile from ringing."""
    on_duty: str = "*55"
    """Puts the agent on duty."""
    off_duty: str = "*56"
    """Takes the agent off duty."""
    voicemail: str = "*97"
    """Opens the agent's voicemail; followed by an extension, a colleague's."""
    pickup: str = "*8"
    """Picks up a call that rings elsewhere; followed by an extension, one at that colleague's phone."""
    last_caller: str = "*69"
    """Calls back the agent's last outside caller."""
    block_last_caller: str = "*60"
    """Blocks the agent's last outside caller."""
    echo: str = "*43"
    """Plays back what is said, to try a microphone and a loudspeaker."""


TALK_CODES = ("blind_transfer", "attended_transfer", "back", "record", "park")


class Talk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes an agent keys during a call: a star and digits, empty for none; a transfer code is followed by its target,
    ended by # or a pause."""

    blind_transfer: str = "*1"
    """Transfers the person at once."""
    attended_transfer: str = "*2"
    """Connects the agent with the target first; hanging up connects the target with the person."""
    back: str = "*0"
    """Returns from the target to the person."""
    record: str = "*3"
    """Turns recording on and off, where the property records on demand."""
    park: str = "*4"
    """Parks the person; the agent hears the slot, which a colleague can dial."""
    target_seconds: Positive = 3.0
    """Pause after a digit of the target before it counts as complete."""
    keys_from_elsewhere: bool = False
    """Also obey codes if a phone's audio comes from another host than its SIP, as behind a border controller with a
    separate media server. A stranger who sends audio in place of a silent phone could then key a transfer."""
    lost_seconds: NotNegative = 15.0
    """A leg counts as lost if neither audio nor reports (RTCP) have come from it for this long and it is not on hold;
    0: never, for a trunk that sends nothing at all while its caller is silent."""
    gone_seconds: Positive = 2.0
    """The same for a browser whose connection has closed, as when it crashes; never if lost_seconds is 0."""
    shortest_seconds: NotNegative = 2.0
    """If a call ends sooner than this after its answer, nobody has talked: it counts as missed, and has to be called
    back; 0: every answer is a talk."""
    return_seconds: NotNegative = 20.0
    """How long the person then hears music while the browser may come back, and is rung, before other phones ring."""


class Parking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    extension: str = "700"
    """Transferring a call to this extension parks the person."""
    slots: int = 9
    """How many people can be parked, at the extensions that follow: 701 to 709."""
    seconds: Positive = 90.0
    """How long somebody is parked before the phones of the agent who parked them ring, and then the team's."""

    def has(self, dialled: str) -> bool:
        """Whether this is the parking extension or one of its slots."""
        return dialled == self.extension or dialled in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """Extensions of the slots."""
        first = int(self.extension) + 1
        return tuple(str(number) for number in range(first, first + self.slots))


TAKES_EXTENSION = ("voicemail", "pickup")
"""Codes that an extension may follow directly."""


class Dnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Do not disturb."""

    by_phone_hours: int = 8
    """DND turned on by phone ends by itself after this long; 0: only when somebody turns it off."""
