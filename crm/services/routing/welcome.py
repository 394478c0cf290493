"""What a call asks while it is up, each in one read: at its arrival everything about line and caller, and later whom to
ring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.blocking import EMERGENCY, BlockDecision
from crm.domain.choosing import Answers
from crm.domain.route_inputs import EmergencyFacts
from crm.domain.routing import RoutePlan, RoutingInputs
from crm.services.people import blocking
from crm.services.phones import lines
from crm.services.routing import arrivals, emergency_callbacks, reception, routes
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
    emergency: EmergencyFacts | None = None
    """As in RoutingInputs."""


def welcome(
    session: Session, config: Config, arrival: Arrival, trunk: str, moment: PhonesNow, back_to: str = ""
) -> Welcome:
    """`trunk` is a slug, and so is `back_to`: the phone that has just called the emergency service, showing the number
    that is called now; "" for none. Raises Unavailable."""
    found = reception.receive(
        session,
        config,
        arrival.did,
        arrival.caller,
        is_withheld=arrival.is_withheld,
        trunk=trunk,
        dialled=arrival.dialled,
        caller_digits=arrival.caller_digits,
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
    emergency = None
    if back_to:
        emergency = emergency_callbacks.facts(
            session,
            config,
            back_to,
            found.person,
            arrival.dialled,
            line_known=found.line_known,
            now=moment.now,
        )
        if verdict.is_blocked and emergency.rings_through:
            verdict = replace(verdict, spared=EMERGENCY)
    return Welcome(found, verdict, decide(session, config, found, (), moment, emergency), emergency)


def rehearse(session: Session, config: Config, now: datetime) -> None:
    """Decides about a caller who is not there, so that the first one waits neither for the office to be read nor for
    statements to be compiled. Raises Unavailable."""
    number = next((line.number for line in lines.find_all(session)), "")
    nobody = arrivals.read(config, request=number, said="", withheld="1", shown="")
    welcome(session, config, nobody, "", PhonesNow(now))


def decide(
    session: Session,
    config: Config,
    known: Reception,
    answers: Answers,
    moment: PhonesNow,
    emergency: EmergencyFacts | None = None,
) -> Decision:
    """Raises Unavailable."""
    inputs, plan = routes.plan(
        session, config, known.did, known.caller, answers, moment, person=known.person, emergency=emergency
    )
    to_ring = reception.on_record(session, config, plan.stages[0].agents) if plan.stages else None
    return Decision(inputs, plan, to_ring)
