"""What a call asks while it is up, each in one read: at its arrival everything about line and caller, and later whom to
ring."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.blocking import BlockDecision
from crm.domain.choosing import Answers
from crm.domain.routing import RoutePlan, RoutingInputs
from crm.services.people import blocking
from crm.services.routing import reception, routes
from crm.services.routing.arrivals import Arrival
from crm.services.routing.reception import OnRecord, Reception
from crm.services.routing.routes import PhonesNow


@dataclass(frozen=True)
class Decision:
    inputs: RoutingInputs
    plan: RoutePlan
    to_ring: OnRecord | None
    """The agents of the plan's first stage."""


@dataclass(frozen=True)
class Welcome:
    reception: Reception
    verdict: BlockDecision
    first: Decision
    """For a caller who has not keyed anything yet."""


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
    return Welcome(found, verdict, decide(session, config, found, (), moment))


def decide(session: Session, config: Config, known: Reception, answers: Answers, moment: PhonesNow) -> Decision:
    """Raises Unavailable."""
    inputs, plan = routes.plan(session, config, known.did, known.caller, answers, moment, person=known.person)
    to_ring = reception.on_record(session, config, plan.stages[0].agents) if plan.stages else None
    return Decision(inputs, plan, to_ring)
