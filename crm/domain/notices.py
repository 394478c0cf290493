"""What people of the office are told of, in which ways, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.text_templates import FIRST_LANGUAGE


class NoticeKind(StrEnum):
    """What somebody is told of."""

    MISSED_CALL = "missed-call"
    MESSAGE = "message"
    """A voicemail."""
    TEXT = "text"
    INQUIRY = "inquiry"
    """From the site, by email or from a portal; tours that are booked there, too."""
    APPLICATION = "application"
    LEAD = "lead"
    """One became theirs, or is no longer."""
    TASK = "task"
    """One became theirs, or is overdue."""
    ALARM = "alarm"
    """About the phone system, or an emergency: told in every way and at any hour, whatever somebody chose."""


class NoticeWay(StrEnum):
    MAIL = "mail"
    TEXT = "text"
    FEED = "feed"
    """The list of their notices."""
    PUSH = "push"
    """Shown by browsers in which they asked for it, also by closed ones."""


CHOSEN = tuple(kind for kind in NoticeKind if kind is not NoticeKind.ALARM)
"""Kinds for which somebody chooses the ways."""
EVERY_WAY = frozenset(NoticeWay)
DEFAULTS: Mapping[NoticeKind, frozenset[NoticeWay]] = {
    **dict.fromkeys(NoticeKind, EVERY_WAY),
    NoticeKind.MISSED_CALL: EVERY_WAY - {NoticeWay.TEXT},
    NoticeKind.MESSAGE: EVERY_WAY - {NoticeWay.TEXT},
}
"""Calls come in at any time, and each leaves a task: a text for every one of them would be too much for most."""

AT_ONCE = 5
"""So many notices an agent gets one by one within `GATHERED`; what comes beyond that is told in one."""
GATHERED = timedelta(minutes=10)


@dataclass(frozen=True)
class NoticeChoices:
    """What one agent chose; what is not mentioned is as by default."""

    ways: Mapping[NoticeKind, frozenset[NoticeWay]] = field(default_factory=dict)
    quiet: tuple[time, time] | None = None
    """From when until when nothing is sent, on the office's clock; may pass midnight."""
    language: str = FIRST_LANGUAGE
    """That of their account's pages."""

    def ways_of(self, kind: NoticeKind) -> frozenset[NoticeWay]:
        if kind is NoticeKind.ALARM:
            return EVERY_WAY
        return self.ways.get(kind, DEFAULTS[kind])

    def quiet_until(self, kind: NoticeKind, now: datetime, tz: tzinfo) -> datetime | None:
        """When the quiet time ends that it is now; None: it is none, or `kind` does not wait for its end."""
        if self.quiet is None or kind is NoticeKind.ALARM:
            return None
        begins, ends = self.quiet
        local = now.astimezone(tz)
        clock = local.time().replace(tzinfo=None)
        is_quiet = begins <= clock < ends if begins < ends else clock >= begins or clock < ends
        return fields.following(ends, now, tz) if is_quiet else None


def gathered_at(sent: int, waits_until: datetime | None, now: datetime) -> datetime | None:
    """When a notice is to be sent with others, to somebody who got `sent` within `GATHERED`, and for whom others wait
    already until `waits_until`; None: at once, on its own."""
    if waits_until is not None and waits_until > now:
        return waits_until
    return now + GATHERED if sent >= AT_ONCE else None


def read_ways(raw: Sequence[str]) -> dict[NoticeKind, frozenset[NoticeWay]]:
    """Reads choices such as `missed-call=mail,text`; `all` stands for every kind, `none` for no way. Raises
    Invalid."""
    found: dict[NoticeKind, frozenset[NoticeWay]] = {}
    for one in raw:
        what, equals, ways = (part.strip().lower() for part in one.partition("="))
        kinds = CHOSEN if what == "all" else [kind for kind in CHOSEN if kind.value == what]
        if not kinds or not equals:
            raise Invalid(
                f"{one[:40]!a} is no choice: write a kind ({', '.join(CHOSEN)}, or all), = and ways, such as "
                "missed-call=mail,text.",
                code="notice_choice_unknown",
            )
        named = [] if ways in ("none", "") else [way.strip() for way in ways.split(",")]
        if unknown := [way for way in named if way not in EVERY_WAY]:
            raise Invalid(
                f"{unknown[0][:40]!a} is no way to tell somebody: use {', '.join(NoticeWay)}, or none.",
                code="notice_way_unknown",
            )
        found |= dict.fromkeys(kinds, frozenset(NoticeWay(way) for way in named))
    return found


def read_quiet(raw: str) -> tuple[time, time] | None:
    """Reads a quiet time such as `20:00-08:00`; `none`: there is none. Raises Invalid."""
    if raw.strip().lower() in ("none", "off", ""):
        return None
    begins, _, ends = raw.partition("-")
    found = fields.clock(begins), fields.clock(ends)
    if found[0] == found[1]:
        raise Invalid("A quiet time ends at another time than it begins.", code="quiet_time_empty")
    return found


def in_order(ways: Iterable[NoticeWay]) -> list[str]:
    return [way.value for way in NoticeWay if way in ways]
