"""Notices to the office's own people, in the ways each chose: a text to their mobiles, an email, their own list."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.errors import NotFound
from crm.domain.notices import CHOSEN, EVERY_WAY, GATHERED, NoticeChoices, NoticeKind, NoticeWay, gathered_at
from crm.domain.texts import TextPurpose
from crm.services.access import push
from crm.services.audit import By
from crm.services.office.agents import named
from crm.services.outbox.outgoing import NOTICE, NewMail, NewText, queue
from crm.store.models import Agent, Device, Line, Notice, NoticeSetting
from crm.store.queries import lines
from crm.words import notices as words

LONGEST_TEXT = 600
"""Characters of a notice sent as a text; the email has all of it."""

KEPT = timedelta(days=90)
"""So long a notice stays in the list, read or not."""

_log = logging.getLogger(__name__)


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
    """Tells the agents in the ways that each chose for this kind: puts `text` into their lists of notices, and queues
    it for their mobiles and as an email with `subject`, in the caller's transaction. Each of them gets the same `key`
    only once. `lead_id`: whom it is about; `in_full`: what an email says that goes out at once, in place of `text`;
    `voicemail_id`: the voicemail whose recording goes with it.

    In an agent's quiet time, and when very many notices come at once, it is kept, and goes out later with the others
    (`send_held`). An alarm never waits. A number that opted out gets no text: the gate blocks it.
    """
    subject, text = _clean(subject).replace("\n", " ")[:300], _clean(text)
    told = _untold(session, {agent.id: agent for agent in agents}, key)
    if not told:
        return
    choices = choices_of(session, told)
    waits = {} if kind is NoticeKind.ALARM else _wait(session, config, choices, kind, now)
    by_push = [id for id in told if id not in waits and NoticeWay.PUSH in choices[id].ways_of(kind)]
    shown_on = {browser.agent_id for browser in push.browsers(session, now, by_push)} if by_push else set()
    by_mail, by_text = [], []
    for id, agent in told.items():
        ways = choices[id].ways_of(kind)
        session.add(
            Notice(
                key=_key(key, f"agent:{id}"),
                agent_id=id,
                lead_id=lead_id,
                kind=kind.value,
                is_listed=NoticeWay.FEED in ways,
                send_at=waits.get(id),
                push_at=now if id in shown_on else None,
                subject=subject,
                text=text,
                made_at=now,
            )
        )
        if id not in waits:
            by_mail += [agent] if NoticeWay.MAIL in ways else []
            by_text += [agent] if NoticeWay.TEXT in ways else []
    _text(session, config, by_text, key, text, now)
    _mail(session, config, by_mail, key, subject, _clean(in_full) or text, now, voicemail_id)


def _untold(session: Session, agents: Mapping[int, Agent], key: str) -> dict[int, Agent]:
    """Those who have not been told of it yet."""
    wanted = {_key(key, f"agent:{id}"): id for id in agents}
    there = set(session.scalars(select(Notice.key).where(Notice.key.in_(wanted)))) if wanted else set()
    return {id: agents[id] for own, id in wanted.items() if own not in there}


def choices_of(session: Session, ids: Collection[int]) -> dict[int, NoticeChoices]:
    """What these agents chose, by id."""
    found = session.scalars(select(NoticeSetting).where(NoticeSetting.agent_id.in_(ids)))
    return {**dict.fromkeys(ids, NoticeChoices()), **{one.agent_id: chosen(one) for one in found}}


def chosen(setting: NoticeSetting) -> NoticeChoices:
    kinds = {NoticeKind(kind): ways for kind, ways in setting.ways.items() if kind in CHOSEN}
    ways = {kind: frozenset(NoticeWay(way) for way in ways if way in EVERY_WAY) for kind, ways in kinds.items()}
    if not setting.quiet_from:
        return NoticeChoices(ways)
    return NoticeChoices(ways, (time.fromisoformat(setting.quiet_from), time.fromisoformat(setting.quiet_until)))


def _wait(
    session: Session, config: Config, choices: Mapping[int, NoticeChoices], kind: NoticeKind, now: datetime
) -> dict[int, datetime]:
    """Until when agents are not to be told, by id: those who have quiet time, or have just been told of very much."""
    lately = (
        select(Notice.agent_id, func.count().label("sent"), func.max(Notice.send_at).label("until"))
        .where(Notice.agent_id.in_(choices), Notice.made_at > now - GATHERED, Notice.kind != NoticeKind.ALARM)
        .group_by(Notice.agent_id)
    )
    rows = {row.agent_id: row for row in session.execute(lately)}
    found: dict[int, datetime] = {}
    for id, choice in choices.items():
        row = rows.get(id)
        gathered = gathered_at(row.sent, row.until, now) if row else None
        if at := choice.quiet_until(kind, now, config.tz) or gathered:
            found[id] = at
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


def next_held(session: Session) -> datetime | None:
    """When the next notice that waits is to go out."""
    waiting = select(Notice.send_at).where(Notice.send_at.is_not(None)).order_by(Notice.send_at).limit(1)
    return session.scalar(waiting)


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
        return len(found)
    key = f"held:{agent_id}:{held[-1].id}"
    for way in (NoticeWay.MAIL, NoticeWay.TEXT):
        told = [one for one in held if way in choice.ways_of(NoticeKind(one.kind))]
        if not told:
            continue
        subject = told[0].subject if len(told) == 1 else words.held(len(told))
        if way is NoticeWay.MAIL:
            _mail(session, config, [agent], key, subject, _together(agent, told), now)
        else:
            text = told[0].text if len(told) == 1 else f"{subject}: {'; '.join(one.subject for one in told)}"
            _text(session, config, [agent], key, text, now)
    return len(found)


def _together(agent: Agent, told: Sequence[Notice]) -> str:
    if len(told) == 1:
        return told[0].text
    lines = [f"{one.subject}\n{one.text}" for one in told[:MOST_LINES]]
    if more := len(told) - len(lines):
        lines.append(f"And {more:,} more. {words.more('notices', agent=agent.slug)}")
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
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


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
