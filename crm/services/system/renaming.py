"""Short names are changed, and everything that was written with the old one follows.

What refers to a row by its id needs nothing. What has the name in a text is changed here: mailboxes, desks, orders,
saved filters, passwords, files and settings. Records of what has happened (facts, decisions, the audit) keep the name
of their time; `FormerName` says whose it was, so that facts of calls in progress find their way, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields
from crm.domain.errors import Conflict, Invalid
from crm.domain.mailboxes import BoxKind, box
from crm.secrets import Secrets, of_trunk
from crm.services import audit
from crm.services.access import keys
from crm.services.arrivals import sources
from crm.services.audit import By
from crm.services.office import agents, locations, portfolios, properties, subteams
from crm.services.phones import devices, trunks
from crm.services.voicemail.mailboxes import greeting_path
from crm.store.models import ApiKey, Call, CallOrder, Desk, EmergencyCall, FormerName, Leg, SavedFilter, Voicemail
from crm.store.session import after_commit

NAMED: Mapping[str, Any] = {
    "API key": keys.named,
    "agent": agents.named,
    "device": devices.named,
    "location": locations.named,
    "portfolio": portfolios.named,
    "property": properties.named,
    "source": sources.named,
    "subteam": subteams.named,
    "trunk": trunks.named,
}
"""What has a short name, and how it is found by it."""
SETTINGS = {"agent": "tasks.manager", "trunk": "texts.trunk"}
"""Settings that hold a short name."""
_RECORDS: Mapping[str, tuple[tuple[Any, Any, Any], ...]] = {
    "agent": ((EmergencyCall, EmergencyCall.agent, EmergencyCall.started_at),),
    "device": ((Leg, Leg.device, Leg.started_at), (EmergencyCall, EmergencyCall.device, EmergencyCall.started_at)),
    "trunk": ((Call, Call.trunk, Call.started_at),),
}
"""Records that show the name as a text, and when each began."""
ROWS_AT_ONCE = 2000


def rename(session: Session, config: Config, secrets: Secrets, by: By, kind: str, old: str, new: str) -> str:
    """Gives something another short name, and returns the one it had, which goes on meaning it until something else
    gets it.

    `follow` is to be called afterwards. Raises Conflict if another has the new name; Invalid, NotFound.
    """
    row = NAMED[kind](session, fields.slug(old))
    model = type(row)
    column = model.name if model is ApiKey else model.slug
    old = getattr(row, column.key)
    fields.device_slug(new) if kind == "device" else fields.slug(new)
    if new == old:
        named = f"{kind[0].upper()}{kind[1:]} {old}"
        raise Invalid(f"{named} has that name already.", code="name_unchanged", kind=kind, name=old)
    if model is ApiKey:
        keys.check_free(session, new, row)
    elif session.scalar(select(model.id).where(column == new)) is not None:
        raise Conflict(
            f"There is another {kind} {new}: choose a different name.", code="name_taken", kind=kind, name=new
        )
    setattr(row, column.key, new)
    session.add(FormerName(kind=model.__tablename__, name=old, row_id=row.id, until=by.now))
    if kind in tuple(BoxKind):
        _move_mailbox(session, config, BoxKind(kind), old, new)
    _change_filters(session, kind, old, new)
    if kind == "agent":
        _change_orders(session, old, new)
    if kind == "device":
        _move_password(session, secrets, devices.secret_name(old), devices.secret_name(new))
    if kind == "trunk":
        _move_password(session, secrets, of_trunk(old), of_trunk(new))
        # By trunk and digits, callers are known whose number cannot be read.
        known = (Call.trunk == old, Call.caller_digits != "")
        session.execute(update(Call).where(*known).values(trunk=new).execution_options(synchronize_session=False))
    if kind == "portfolio":
        folder = config.home / "follow_ups"
        after_commit(session, lambda: _move_file(folder / f"{old}.toml", folder / f"{new}.toml"))
    audit.record(session, by, f"{kind} {old} renamed {new}")
    return old


def follow(session: Session, kind: str, old: str, new: str, before: datetime, after: str = "") -> str | None:
    """Writes the new name into the next records of what happened before the renaming. Returns the id to go on after,
    None at the end. A slice is a transaction, because there may be very many."""
    for model, name, began in _RECORDS.get(kind, ()):
        if after.partition("/")[0] > model.__tablename__:
            continue
        last = after.partition("/")[2] if after.partition("/")[0] == model.__tablename__ else ""
        mine = select(model.id).where(model.id > last, name == old, began <= before).order_by(model.id)
        ids = session.scalars(mine.limit(ROWS_AT_ONCE)).all()
        if ids:
            changed = update(model).where(model.id.in_(ids)).values({name.key: new})
            session.execute(changed.execution_options(synchronize_session=False))
            return f"{model.__tablename__}/{ids[-1]}"
    return None


def logs_in_as_trunk(session: Session, slug: str) -> bool:
    """Whether a trunk's peer logs in with the trunk's name."""
    trunk = trunks.named(session, slug)
    return trunk.auth == "digest" and not trunk.addresses


def _move_mailbox(session: Session, config: Config, kind: BoxKind, old: str, new: str) -> None:
    was, now = box(kind, old), box(kind, new)
    session.execute(update(Voicemail).where(Voicemail.mailbox == was).values(mailbox=now))
    session.execute(update(Desk).where(Desk.target == was).values(target=now))
    after_commit(session, lambda: _move_file(greeting_path(config, was), greeting_path(config, now)))


def _change_filters(session: Session, kind: str, old: str, new: str) -> None:
    for saved in session.scalars(select(SavedFilter)):
        if saved.filter.get(kind) == old:
            saved.filter = {**saved.filter, kind: new}


def _change_orders(session: Session, old: str, new: str) -> None:
    for order in session.scalars(select(CallOrder).where(CallOrder.state.in_(("waiting", "dialling")))):
        if old in order.agents:
            order.agents = [new if slug == old else slug for slug in order.agents]


def _move_password(session: Session, secrets: Secrets, old: str, new: str) -> None:
    if not secrets.has(old):
        return
    # Under the new name before the commit: a password without anything does no harm, the reverse would.
    secrets.put(new, secrets.get(old))
    after_commit(session, lambda: secrets.remove(old))


def _move_file(old: Any, new: Any) -> None:
    with suppress(FileNotFoundError):
        old.replace(new)
