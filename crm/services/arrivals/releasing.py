"""Passes on what was flagged, as if it came in now."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Conflict, NotFound
from crm.secrets import Secrets
from crm.services import audit
from crm.services.arrivals import forms, mails
from crm.services.arrivals.flagging import RELEASED
from crm.services.audit import By
from crm.store.models import ArrivalRecord


def release(session: Session, config: Config, secrets: Secrets, by: By, id: int) -> int | None:
    """Returns the id of the lead that a form made or found; an email is read again by the reader, and gives None.

    Raises NotFound, and Conflict for an arrival that is not flagged.
    """
    record = session.get(ArrivalRecord, id, with_for_update=True)
    if record is None:
        raise NotFound(f"There is no arrival {id}.", code="arrival_unknown", arrival=str(id))
    if record.outcome != ArrivalOutcome.FLAGGED:
        raise Conflict(f"Arrival {id} is not flagged.", code="arrival_not_flagged", arrival=str(id))
    audit.record(session, by, f"arrival {id} released")
    record.problem = ""
    if record.channel.startswith(mails.CHANNEL):
        record.raw = {**record.raw, RELEASED: True}
        record.read_at, record.tries, record.outcome = None, 0, ""
        return None
    record.outcome = ArrivalOutcome.LEAD
    return forms.release(session, config, secrets, by, record)
