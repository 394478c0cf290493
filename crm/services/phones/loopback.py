"""The trunk of a demo call to an office that is no demo: made for the call, retired after it. Calls come in by it from
this machine alone, and nothing goes out by it, emergency calls least of all."""

from __future__ import annotations

import secrets as random

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.dialing import LOOPBACK_TRUNK
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.phones import trunks
from crm.store.models import Trunk
from crm.store.models.living import ALL


def put(session: Session, secrets: Secrets, by: By, port: int) -> None:
    """Makes it, or takes over that of an earlier call; its peer is at this port of the machine."""
    host, user, password = "127.0.0.1", trunks.endpoint(LOOPBACK_TRUNK), random.token_urlsafe(24)
    if not _is_there(session):
        if session.scalar(select(Trunk.id).where(Trunk.slug == LOOPBACK_TRUNK).execution_options(**ALL).limit(1)):
            trunks.restore(session, by, LOOPBACK_TRUNK)
        else:
            name = LOOPBACK_TRUNK
            trunks.add(session, secrets, by, name, host=host, auth="digest", username=user, password=password)
    trunks.change(
        session,
        secrets,
        by,
        LOOPBACK_TRUNK,
        port=port,
        password=password,
        enabled=True,
        outbound=False,
        emergency=False,
        position=99,
    )


def clear(session: Session, secrets: Secrets, by: By) -> bool:
    """Retires it; whether there was one, as after a demo call that was killed."""
    if not _is_there(session):
        return False
    trunks.retire(session, secrets, by, LOOPBACK_TRUNK)
    session.flush()
    return True


def _is_there(session: Session) -> bool:
    return session.scalar(select(Trunk.id).where(Trunk.slug == LOOPBACK_TRUNK)) is not None
