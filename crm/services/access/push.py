"""Browsers that show messages while they are closed: people ask for it in a page, and their session answers for it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallStep
from crm.domain.errors import Invalid
from crm.domain.excerpts import excerpt
from crm.domain.ringing import DeviceKind, has_dnd
from crm.edge.push_target import LONGEST, PushTarget
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.store.models import Account, AccountSession, Agent, Call, Device, PushSubscription

if TYPE_CHECKING:
    from crm.edge.web_push import OfficeKey

SECRET = "push"
"""Name of the entry in the secrets file that our key is made of."""
MOST = 3
"""Of one session: a browser has one, and for a moment another when it renews it."""
NOBODY = "mailto:office@leaseline.invalid"
RINGS = (
    CallStep.ARRIVED,
    CallStep.RING,
    CallStep.QUEUE,
    CallStep.TRANSFER,
    CallStep.CONSULT,
    CallStep.REJOIN,
    CallStep.DIALLING,
)


@dataclass(frozen=True)
class Browser:
    """A browser of an agent that messages can be sent to."""

    id: int
    agent_id: int
    language: str
    target: PushTarget


def message(title: str, text: str, *, path: str, tag: str, call: str = "") -> bytes:
    """What a browser shows: opening it leads to a page of the console (`path`), and a later one with the same `tag`
    takes its place. With `call` it rings."""
    said = {"title": excerpt(title, 120), "text": text, "path": path, "tag": tag, "call": call}
    while len(raw := json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")) > LONGEST:
        said["text"] = excerpt(said["text"], len(said["text"]) * 3 // 4)
    return raw


def key(secrets: Secrets) -> OfficeKey:
    from crm.edge.web_push import OfficeKey  # It takes a tenth of a second to load, and most commands push nothing.

    return OfficeKey(secrets.ensure(SECRET))


def contact(config: Config) -> str:
    """Where the people of a push service find us, as they ask for."""
    url = config.console.public_url
    return url if url.startswith("https://") else NOBODY


def subscribe(
    session: Session, config: Config, by: By, session_id: int, target: PushTarget, *, instead_of: str = ""
) -> None:
    """Has a browser shown messages. It may be known already; whoever signed in to it last gets theirs. `instead_of` is
    the address that the browser had before. Raises Invalid."""
    from crm.edge.web_push import problem

    if found := problem(target, config.console.push_hosts):
        raise Invalid(f"This browser can't be sent messages: {found}.", code="push_refused")
    if len(target.endpoint) > 1000:
        raise Invalid("This browser can't be sent messages: its address is too long.", code="push_refused")
    if instead_of and instead_of != target.endpoint:
        unsubscribe(session, by, session_id, instead_of)
    known = session.scalars(select(PushSubscription).where(PushSubscription.endpoint == target.endpoint)).first()
    if known is None:
        known = PushSubscription(endpoint=target.endpoint, made_at=by.now, error="")
        session.add(known)
        audit.record(session, by, f"session {session_id} shows messages while it is closed")
    known.session_id, known.public_key, known.auth = session_id, target.public_key, target.auth
    known.failing_since, known.error = None, ""
    session.flush()
    newest = select(PushSubscription.id).where(PushSubscription.session_id == session_id)
    kept = session.scalars(newest.order_by(PushSubscription.id.desc()).limit(MOST)).all()
    beyond = PushSubscription.session_id == session_id, PushSubscription.id.not_in(kept)
    session.execute(delete(PushSubscription).where(*beyond))


def unsubscribe(session: Session, by: By, session_id: int, endpoint: str) -> None:
    """One that is not there has ended already."""
    one = PushSubscription.session_id == session_id, PushSubscription.endpoint == endpoint
    if session.execute(delete(PushSubscription).where(*one)).rowcount:  # type: ignore[attr-defined]
        audit.record(session, by, f"session {session_id} shows no messages while it is closed")


def browsers(session: Session, now: datetime, agent_ids: Collection[int]) -> list[Browser]:
    """Those of these agents whose sessions are not over."""
    return [browser for browser, _ in _browsers(session, now, Agent.id.in_(agent_ids))]


def _browsers(session: Session, now: datetime, whose: ColumnElement[bool]) -> list[tuple[Browser, str]]:
    """With the slug of the agent whose each is."""
    found = (
        select(PushSubscription, Agent.id, Agent.slug, Account.language)
        .join(AccountSession, AccountSession.id == PushSubscription.session_id)
        .join(Account, Account.id == AccountSession.account_id)
        .join(Agent, Agent.id == Account.agent_id)
        .where(
            whose,
            Account.disabled_at.is_(None),
            AccountSession.expires_at > now,
            AccountSession.idle_until > now,
        )
        .order_by(PushSubscription.id)
    )
    return [
        (Browser(row.id, id, language, PushTarget(row.endpoint, row.public_key, row.auth)), slug)
        for row, id, slug, language in session.execute(found)
    ]


@dataclass(frozen=True)
class Sleeper:
    """An agent who asked to be woken for calls."""

    agent: str
    """Slug."""
    devices: tuple[str, ...]
    """Slugs of the phones in their browsers; one on DND is none."""
    browsers: tuple[Browser, ...]


def are_any(session: Session) -> bool:
    """Whether there are browsers that messages can be sent to."""
    return session.scalar(select(PushSubscription.id).limit(1)) is not None


def to_wake(session: Session, now: datetime, agents: Collection[str]) -> list[Sleeper]:
    """Those of these agents (slugs) with a browser that a call may wake."""
    theirs: dict[int, list[Browser]] = {}
    slugs: dict[int, str] = {}
    for browser, slug in _browsers(session, now, Agent.slug.in_(agents)):
        theirs.setdefault(browser.agent_id, []).append(browser)
        slugs[browser.agent_id] = slug
    if not theirs:
        return []
    found = select(Device).where(Device.agent_id.in_(theirs), Device.kind == DeviceKind.BROWSER).order_by(Device.id)
    devices: dict[int, list[Device]] = {id: [] for id in theirs}
    for device in session.scalars(found):
        if device.agent_id is not None:
            devices[device.agent_id].append(device)
    return [
        Sleeper(slugs[id], tuple(device.slug for device in free), tuple(theirs[id]))
        for id, own in devices.items()
        # Who has no phone in a browser yet gets one when the page opens.
        if (free := [device for device in own if not has_dnd(device.dnd, device.dnd_until, now)]) or not own
    ]


def taken(session: Session, now: datetime, ids: Collection[int]) -> None:
    """The services of these browsers took a message."""
    if ids:
        session.execute(
            update(PushSubscription)
            .where(PushSubscription.id.in_(ids))
            .values(sent_at=now, failing_since=None, error="")
        )


def refused(session: Session, now: datetime, id: int, error: str, *, is_gone: bool) -> None:
    """The service of a browser did not take a message; one that is gone is forgotten."""
    if is_gone:
        session.execute(delete(PushSubscription).where(PushSubscription.id == id))
        return
    first = PushSubscription.id == id, PushSubscription.failing_since.is_(None)
    session.execute(update(PushSubscription).where(*first).values(failing_since=now))
    session.execute(update(PushSubscription).where(PushSubscription.id == id).values(error=error[:200]))


@dataclass(frozen=True)
class Bell:
    """Somebody whose browsers are sent messages while they are closed."""

    account: str
    """Name with which they sign in."""
    failing_since: datetime | None
    """Since when none of their browsers is reached; None: as far as is known, they can be."""
    error: str
    """Why; empty: they can be."""


def bells(session: Session, now: datetime) -> dict[str, Bell]:
    """By account. Whoever is not among them has no browser that can be woken."""
    found = (
        select(Account.name, PushSubscription.failing_since, PushSubscription.error)
        .join(AccountSession, AccountSession.account_id == Account.id)
        .join(PushSubscription, PushSubscription.session_id == AccountSession.id)
        .where(Account.disabled_at.is_(None), AccountSession.expires_at > now, AccountSession.idle_until > now)
        .order_by(Account.name, PushSubscription.id)
    )
    entries: dict[str, Bell] = {}
    for name, failing_since, error in session.execute(found):
        # One that works is enough.
        if name not in entries or failing_since is None:
            entries[name] = Bell(name, failing_since, error if failing_since else "")
    return entries


def rings(session: Session, call_id: str) -> bool:
    """Whether a call still rings somewhere. One that is not on record yet does."""
    found = session.execute(select(Call.ended_at, Call.step).where(Call.id == call_id)).first()
    return found is None or (found.ended_at is None and found.step in RINGS)
