"""Leads, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from crm.context import Crm
from crm.domain.access import Role
from crm.domain.merging import ProposalReason
from crm.services import assignment, tasks
from crm.services.audit import By
from crm.services.people import filters, leads, opt_outs, proposals
from tests.browser.console.kind import Kind

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
LONG = "Asks whether the second bedroom has room for a desk, and whether bicycles may stand in the hall. "

KINDS = (
    Kind("leads", "/leads"),
    Kind("leads of an agent", "/leads?status=open", Role.AGENT),
    Kind("leads, read only", "/leads", Role.READ_ONLY),
    Kind("leads filtered", "/leads?saved=hot-ones"),
    Kind("leads, none found", "/leads?q=nobody-is-called-so"),
    Kind("leads, a wrong filter", "/leads?since=yesteryear", status=422),
    Kind("new lead", "/leads/new", Role.AGENT),
    Kind("lead", "/leads/{lead}"),
    Kind("lead of an agent", "/leads/{lead}", Role.AGENT),
    Kind("lead, read only", "/leads/{lead}", Role.READ_ONLY),
    Kind("lead's tour", "/tours/new?lead={lead}&property=elm", Role.AGENT),
    Kind("lead's timeline", "/leads/{lead}/timeline"),
    Kind("leads that may be one", "/leads/proposals"),
    Kind("leads compared", "/leads/{lead}/merge?other={other_lead}"),
    Kind("lead to erase", "/leads/{lead}/erase"),
)


def fill(crm: Crm) -> Mapping[str, object]:
    config = crm.config
    with crm.store.writing() as session:
        by = By("alice", NOW - timedelta(days=3))
        found, _ = leads.add(
            session,
            config,
            by,
            name="Carol Castillo-Featherstonehaugh",
            phones=["(512) 555-0188", "(512) 555-0189"],
            email="carol.castillo-featherstonehaugh@example.com",
            source="walk-in",
            property_slug="elm",
        )
        other, _ = leads.add(session, config, by, name="Caroline Castillo", phones=["(512) 555-0190"])
        leads.change(session, config, by, other.id, status="closed", reason="rented elsewhere")
        leads.change(
            session,
            config,
            by,
            found.id,
            bedrooms="2",
            move_in="2026-05-01",
            budget="1500",
            pets="2 cats",
            language="es",
        )
        opt_outs.add(session, config, by, "(512) 555-0189", why="Said so on the phone, and asked for a letter instead.")
        opt_outs.add(session, config, by, "(512) 555-0188", why="Said so at the door.", scope="all")
        opt_outs.remove(session, config, by, "(512) 555-0188", why="Asked for a call next week.")
        for count in range(45):
            at = By("alice", by.now + timedelta(hours=count))
            leads.write_note(session, config, at, found.id, LONG * (1 + count % 3))
        assignment.by_hand(session, config, by, found.id, "alice")
        tasks.add(session, config, by, found.id, "Send the floor plan.", NOW - timedelta(hours=1), "alice")
        proposals.propose(session, found, other, ProposalReason.SAME_EMAIL, "Both gave one address.", by.now)
        filters.save(session, config, by, "hot-ones", {"type": "hot", "status": "open"})
        return {"lead": found.id, "other_lead": other.id}
