"""How agents want to be told of what: the ways of each kind, a quiet time, a daily digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.notices import in_order, read_quiet, read_ways
from crm.services import audit
from crm.services.audit import By
from crm.services.office.agents import named
from crm.services.outbox.notices import wake_teller
from crm.store.models import Notice, NoticeSetting


def change(
    session: Session,
    config: Config,
    by: By,
    agent_slug: str,
    *,
    ways: Sequence[str] = (),
    quiet: str | None = None,
    digest: str | None = None,
) -> None:
    """Changes what is given: `ways` such as `missed-call=mail,text`, `quiet` such as `20:00-08:00` or `none`, `digest`
    such as `08:00` or `off`. Raises Invalid, NotFound."""
    agent = named(session, agent_slug)
    if not (ways or quiet is not None or digest is not None):
        raise Invalid("There is nothing to change.", code="nothing_to_change")
    setting = session.get(NoticeSetting, agent.id, with_for_update=True)
    if setting is None:
        setting = NoticeSetting(agent_id=agent.id, ways={}, quiet_from="", quiet_until="", digest_at="")
        session.add(setting)
    changed = []
    if ways:
        setting.ways = {**setting.ways, **{kind.value: in_order(chosen) for kind, chosen in read_ways(ways).items()}}
        changed.append(f"ways {' '.join(ways)}")
    if quiet is not None:
        span = read_quiet(quiet)
        setting.quiet_from, setting.quiet_until = (f"{at:%H:%M}" for at in span) if span else ("", "")
        changed.append(f"quiet {setting.quiet_from}-{setting.quiet_until}" if span else "no quiet time")
        # What waits is looked at again: it may go out now.
        waiting = update(Notice).where(Notice.agent_id == agent.id, Notice.send_at.is_not(None))
        session.execute(waiting.values(send_at=by.now))
        wake_teller(session)
    if digest is not None:
        off = digest.strip().lower() in ("off", "none", "")
        setting.digest_at = "" if off else f"{fields.clock(digest):%H:%M}"
        setting.next_digest_at = next_digest(config, setting, by.now)
        wake_teller(session)
        changed.append(f"digest {setting.digest_at or 'off'}")
    audit.record(session, by, f"notices of agent {agent.slug}: {', '.join(changed)}"[:300])


def next_digest(config: Config, setting: NoticeSetting, now: datetime) -> datetime | None:
    """When the agent's next digest is due; None: there is none."""
    return fields.following(time.fromisoformat(setting.digest_at), now, config.tz) if setting.digest_at else None


def first_due_digest(session: Session) -> NoticeSetting | None:
    """The setting whose digest is due first, locked."""
    due = select(NoticeSetting).where(NoticeSetting.next_digest_at.is_not(None))
    first = due.order_by(NoticeSetting.next_digest_at).limit(1)
    return session.scalars(first.with_for_update(skip_locked=True)).first()
