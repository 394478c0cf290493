"""What a call needs to know when it arrives, in one read: who calls and which line, whether they are wanted, and what
they are to hear first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.blocking import BlockDecision
from crm.domain.routing import RoutePlan, RoutingInputs
from crm.services.people import blocking
from crm.services.routing import reception, routes
from crm.services.routing.arrivals import Arrival
from crm.services.routing.reception import Reception
from crm.services.routing.routes import PhonesNow


@dataclass(frozen=True)
class Welcome:
    reception: Reception
    verdict: BlockDecision
    first: tuple[RoutingInputs, RoutePlan]
    """The decision for a caller who has not keyed anything yet."""


def welcome(session: Session, config: Config, arrival: Arrival, trunk: str, moment: PhonesNow) -> Welcome:
    """`trunk` is a slug. Raises Unavailable."""
    found = reception.receive(
        session,
        config,
        arrival.did,
        arrival.caller,
        is_withheld=arrival.is_withheld,
        trunk=trunk,
        dialled=arrival.dialled,
    )
    verdict = blocking.decide(
        session,
        config,
        found.person,
        is_withheld=arrival.is_withheld,
        did=found.did,
        attestation=arrival.attestation,
        now=moment.now,
    )
    first = routes.plan(session, config, found.did, found.caller, (), moment, person=found.person)
    return Welcome(found, verdict, first)
