"""Notices to the office's own people, in the ways each chose: a text to their mobiles, an email, their own list."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import NotFound
from crm.domain.excerpts import excerpt
from crm.domain.notices import CHOSEN, EVERY_WAY, GATHERED, NoticeChoices, NoticeKind, NoticeWay, gathered_at
from crm.domain.text_templates import FIRST_LANGUAGE
from crm.domain.texts import TextPurpose
from crm.services.access import push
from crm.services.audit import By
from crm.services.office.agents import named
from crm.services.outbox.outgoing import NOTICE, NewMail, NewText, queue
from crm.store import changes
from crm.store.models import Account, Agent, Device, Line, Notice, NoticeSetting, Task
from crm.store.queries import lines
from crm.words import notices as words
from crm.words.console import sentences

LONGEST_TEXT = 600
"""Characters of a notice sent as a text; the email has all of it."""

_KEYS_AT_ONCE = 1000
"""Keys that one statement looks for: a large subteam may be told of many things at once."""
KEPT = timedelta(days=90)
"""So long a notice stays in the list, read or not."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NewNotice:
    agents: Sequence[Agent]
    """Who is told."""
    key: str
    """Each of them gets the same key only once."""
    subject: str
    text: str
    kind: NoticeKind = NoticeKind.ALARM
    lead_id: int | None = None
    """Whom it is about."""
    in_full: str = ""
    """What an email says in place of `text`. The list of notices keeps none of it."""
    voicemail_id: str | None = None
    """The voicemail whose recording goes with it."""


def tell(
    session: Session,
    config: Config,
    agents: Sequence[Agent],
    key: str,
    subject: str,
    text: str,
    now: datetime,
    *,
    kind: NoticeKind = NoticeKind.ALARM,
    lead_id: int | None = None,
    in_full: str = "",
    voicemail_id: str | None = None,
) -> None:
    """Like `tell_all`, of one thing."""
    new = NewNotice(agents, key, subject, text, kind, lead_id, in_full, voicemail_id)
    tell_all(session, config, [new], now)


def tell_all(session: Session, config: Config, news: Sequence[NewNotice], now: datetime) -> None:
    """Tells agents in the ways that each chose for each kind: puts the text into their lists of notices, and queues it
    for their mobiles and as an email with the subject, in the caller's transaction.

    In an agent's quiet time, and when very many notices come at once, it is kept, and goes out later with the others
    (`send_held`). An alarm never waits. A number that opted out gets no text: the gate blocks it.
    """
    told = _untold(session, news)
    ids = {id for _, agents in told for id in agents}
    if not ids:
        return
    choices = choices_of(session, ids)
    waits = _wait(session, config, choices, told, now)
    by_push = {
        id
        for (one, agents), waiting in zip(told, waits, strict=True)
        for id in agents
        if id not in waiting and NoticeWay.PUSH in choices[id].ways_of(one.kind)
    }
    shown_on = {browser.agent_id for browser in push.browsers(session, now, by_push)} if by_push else set()
    rows: list[dict[str, Any]] = []
    for (one, agents), waiting in zip(told, waits, strict=True):
        by_mail: dict[str, list[Agent]] = {}
        by_text: dict[str, list[Agent]] = {}
        for id, agent in agents.items():
            ways, language = choices[id].ways_of(one.kind), choices[id].language
            is_pushed = id in shown_on and id not in waiting and NoticeWay.PUSH in ways
            rows.append(
                {
                    "key": _key(one.key, f"agent:{id}"),
                    "agent_id": id,
                    "lead_id": one.lead_id,
                    "kind": one.kind.value,
                    "is_listed": NoticeWay.FEED in ways,
                    "send_at": waiting.get(id),
                    "push_at": now if is_pushed else None,
                    "subject": _subject(one, language),
                    "text": _said(one.text, language),
                    "in_full": _said(one.in_full, language) if id in waiting and NoticeWay.MAIL in ways else "",
                    "made_at": now,
                }
            )
            if id not in waiting:
                if NoticeWay.MAIL in ways:
                    by_mail.setdefault(language, []).append(agent)
                if NoticeWay.TEXT in ways:
                    by_text.setdefault(language, []).append(agent)
        for language, those in by_text.items():
            _text(session, config, those, one.key, _said(one.text, language), now)
        for language, those in by_mail.items():
            subject, text = _subject(one, language), _said(one.in_full or one.text, language)
            _mail(session, config, those, one.key, subject, text, now, one.voicemail_id)
    session.execute(insert(Notice), rows)
    if any(row["send_at"] for row in rows):
        wake_teller(session)


def wake_teller(session: Session) -> None:
    """Makes whoever sends what waits look when the next of it is due."""
    changes.stir(session, Task.__tablename__)


def as_told(session: Session, agent: Agent, *texts: str) -> list[str]:
    """In the language in which an agent is told of things."""
    language = choices_of(session, [agent.id])[agent.id].language
    return [_said(one, language) for one in texts]


def _subject(new: NewNotice, language: str) -> str:
    return _said(new.subject, language).replace("\n", " ")[:300]


def _said(text: str, language: str) -> str:
    return sentences.notice(_clean(text), language)


def _untold(session: Session, news: Sequence[NewNotice]) -> list[tuple[NewNotice, dict[int, Agent]]]:
    """Of each, those who have not been told of it yet, by id."""
    keys = sorted({_key(one.key, f"agent:{agent.id}") for one in news for agent in one.agents})
    there: set[str] = set()
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        there |= set(session.scalars(select(Notice.key).where(Notice.key.in_(keys[first : first + _KEYS_AT_ONCE]))))
    found = []
    for one in news:
        wanted = {_key(one.key, f"agent:{agent.id}"): agent for agent in one.agents}
        found.append((one, {agent.id: agent for key, agent in wanted.items() if key not in there}))
        there |= wanted.keys()
    return found


def choices_of(session: Session, ids: Collection[int]) -> dict[int, NoticeChoices]:
    """What these agents chose, by id."""
    found = (
        select(Agent.id, NoticeSetting, Account.language)
        .outerjoin(NoticeSetting, NoticeSetting.agent_id == Agent.id)
        .outerjoin(Account, Account.agent_id == Agent.id)
        .where(Agent.id.in_(ids))
    )
    return {
        id: replace(chosen(setting) if setting else NoticeChoices(), language=language or FIRST_LANGUAGE)
        for id, setting, language in session.execute(found)
    }


def chosen(setting: NoticeSetting) -> NoticeChoices:
    kinds = {NoticeKind(kind): ways for kind, ways in setting.ways.items() if kind in CHOSEN}
    ways = {kind: frozenset(NoticeWay(way) for way in ways if way in EVERY_WAY) for kind, ways in kinds.items()}
    if not setting.quiet_from:
        return NoticeChoices(ways)
    return NoticeChoices(ways, (time.fromisoformat(setting.quiet_from), time.fromisoformat(setting.quiet_until)))


def _wait(
    session: Session,
    config: Config,
    choices: Mapping[int, NoticeChoices],
    told: Sequence[tuple[NewNotice, Mapping[int, Agent]]],
    now: datetime,
) -> list[dict[int, datetime]]:
    """For each notice, until when agents are not to be told, by id: those who have quiet time, or have just been told
    of very much."""
    asked = {id for one, agents in told if one.kind is not NoticeKind.ALARM for id in agents}
    lately: dict[int, tuple[int, datetime | None]] = {}
    if asked:
        sent = (
            select(Notice.agent_id, func.count().label("sent"), func.max(Notice.send_at).label("until"))
            .where(Notice.agent_id.in_(asked), Notice.made_at > now - GATHERED, Notice.kind != NoticeKind.ALARM)
            .group_by(Notice.agent_id)
        )
        lately = {row.agent_id: (row.sent, row.until) for row in session.execute(sent)}
    found: list[dict[int, datetime]] = []
    for one, agents in told:
        waits: dict[int, datetime] = {}
        for id in agents if one.kind is not NoticeKind.ALARM else ():
            count, until = lately.get(id, (0, None))
            gathered = gathered_at(count, until, now)
            if at := choices[id].quiet_until(one.kind, now, config.tz) or gathered:
                waits[id] = at
            # What comes after it in the same transaction counts it.
            lately[id] = count + 1, max(filter(None, (until, at)), default=None)
        found.append(waits)
    return found


def _text(session: Session, config: Config, agents: Sequence[Agent], key: str, text: str, now: datetime) -> None:
    if not agents:
        return
    ids = [agent.id for agent in agents]
    found = select(Device).where(Device.agent_id.in_(ids), Device.number.is_not(None)).order_by(Device.slug)
    mobiles = session.scalars(found).all()
    if mobiles and (sender := _line(session)):
        for number in dict.fromkeys(mobile.number for mobile in mobiles):
            assert number is not None
            # Our own lines would take the notice for a prospect's text.
            if lines.by_number(session, number) is None:
                new = NewText(_key(key, number), TextPurpose.STAFF, number, sender, _short(text))
                queue(session, config, new, now)
    elif mobiles:
        _log.warning("a notice is not texted: there is no line to text from", extra={"key": key})


def _mail(
    session: Session,
    config: Config,
    agents: Sequence[Agent],
    key: str,
    subject: str,
    text: str,
    now: datetime,
    voicemail_id: str | None = None,
) -> None:
    for address in dict.fromkeys(agent.email for agent in agents if agent.email):
        queue(session, config, NewMail(_key(key, address), address, subject, text, voicemail_id=voicemail_id), now)


# --- what waits ---

MOST_LINES = 50
"""Notices that one email has in full."""
MOST_SENT = 5_000
"""Notices of one agent that go out together."""


def next_held() -> Select[datetime | None]:
    """When the next notice that waits is to go out."""
    return select(Notice.send_at).where(Notice.send_at.is_not(None)).order_by(Notice.send_at).limit(1)


def send_held(session: Session, config: Config, now: datetime) -> int:
    """Sends the agent who has waited longest all that is due for them, in one email and one text; returns how many
    notices there were."""
    due = Notice.send_at.is_not(None), Notice.send_at <= now
    agent_id = session.scalar(select(Notice.agent_id).where(*due).order_by(Notice.send_at).limit(1))
    if agent_id is None:
        return 0
    theirs = select(Notice).where(*due, Notice.agent_id == agent_id).order_by(Notice.id).limit(MOST_SENT)
    found = session.scalars(theirs.with_for_update(skip_locked=True)).all()
    agent = session.get(Agent, agent_id)
    choice = choices_of(session, [agent_id])[agent_id]
    has_browser = bool(push.browsers(session, now, [agent_id]))
    held: list[Notice] = []
    for one in found:
        # The quiet time may have been moved since.
        one.send_at = choice.quiet_until(NoticeKind(one.kind), now, config.tz)
        if one.send_at is None and has_browser and NoticeWay.PUSH in choice.ways_of(NoticeKind(one.kind)):
            one.push_at = now
        held += [one] if one.send_at is None else []
    if agent is None or agent.retired_at is not None or not held:
        _forget_in_full(held)
        return len(found)
    key = f"held:{agent_id}:{held[-1].id}"
    for way in (NoticeWay.MAIL, NoticeWay.TEXT):
        told = [one for one in held if way in choice.ways_of(NoticeKind(one.kind))]
        if not told:
            continue
        subject = told[0].subject if len(told) == 1 else _said(words.held(len(told)), choice.language)
        if way is NoticeWay.MAIL:
            _mail(session, config, [agent], key, subject, _together(agent, told, choice.language), now)
        else:
            text = told[0].text if len(told) == 1 else f"{subject}: {'; '.join(one.subject for one in told)}"
            _text(session, config, [agent], key, text, now)
    _forget_in_full(held)
    return len(found)


def _forget_in_full(held: Sequence[Notice]) -> None:
    """Transcripts and talks are deleted in their time; the list of notices would keep them."""
    for one in held:
        one.in_full = ""


def _together(agent: Agent, told: Sequence[Notice], language: str) -> str:
    if len(told) == 1:
        return told[0].in_full or told[0].text
    lines = [f"{one.subject}\n{one.in_full or one.text}" for one in told[:MOST_LINES]]
    if more := len(told) - len(lines):
        lines.append(_said(f"And {more:,} more. {words.more('notices', agent=agent.slug)}", language))
    return "\n\n".join(lines)


def read(session: Session, by: By, agent_slug: str, ids: Sequence[int] = ()) -> int:
    """Marks an agent's notices as read; without `ids` all of them. Gives how many were unread. Raises NotFound."""
    agent = named(session, agent_slug)
    theirs = update(Notice).where(Notice.agent_id == agent.id, Notice.read_at.is_(None))
    if ids:
        known = set(session.scalars(select(Notice.id).where(Notice.agent_id == agent.id, Notice.id.in_(ids))))
        for id in ids:
            if id not in known:
                raise NotFound(
                    f"{agent.name} has no notice {id}.", code="notice_unknown", notice=str(id), agent=agent.slug
                )
        theirs = theirs.where(Notice.id.in_(ids))
    return len(session.execute(theirs.values(read_at=by.now).returning(Notice.id)).all())


def forget(session: Session, now: datetime) -> int:
    """Deletes notices that nobody needs any more. Gives how many."""
    old = delete(Notice).where(Notice.made_at < now - KEPT)
    return len(session.execute(old.returning(Notice.id)).all())


def _short(text: str) -> str:
    return excerpt(text, LONGEST_TEXT)


def _line(session: Session) -> str | None:
    """The line that notices come from: the first one with an E.164 number, since carriers do not know extensions."""
    found = select(Line.number).where(Line.number.startswith("+")).order_by(Line.id).limit(1)
    return session.scalars(found).first()


def _key(key: str, whom: str) -> str:
    """A key for each recipient; hashed, because `key` may contain a channel's id."""
    what, who = (hashlib.sha256(part.encode()).hexdigest() for part in (key, whom))
    return f"{NOTICE}{what[:32]}:{who[:16]}"


def _clean(text: str) -> str:
    """Removes control characters other than line breaks, and what PostgreSQL refuses."""
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() or character == "\n" else " " for character in readable)
