"""The inbox, and one person in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from crm.context import Crm
from crm.domain.access import Role
from crm.edge.carrier import IncomingText
from crm.services.audit import By
from crm.services.people import inbox, leads, opt_outs
from crm.services.people.inbox import DraftWay
from crm.services.texts import messages
from crm.store.models import InboxThread, LeadPhone, Line
from tests.browser.console.kind import Kind

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
LONG = "Is the two-bedroom with the balcony still free in April? We are three, with a small dog. "

KINDS = (
    Kind("inbox", "/inbox?show=open"),
    Kind("inbox of an agent", "/inbox", Role.AGENT),
    Kind("inbox, nothing snoozed", "/inbox?show=snoozed"),
    Kind("inbox, read only", "/inbox?show=all", Role.READ_ONLY),
    Kind("thread", "/inbox/{thread}"),
    Kind("thread of an agent", "/inbox/{thread}", Role.AGENT),
    Kind("thread, read only", "/inbox/{thread}", Role.READ_ONLY),
    Kind("thread of somebody who opted out", "/inbox/{opted_out}"),
    Kind("thread with a template", "/inbox/{thread}?template=missed_known"),
)


def fill(crm: Crm) -> Mapping[str, object]:
    with crm.store.writing() as session:
        line = session.scalars(select(Line.number).where(Line.property_id.is_not(None)).limit(1)).one()
        ids = {}
        for name, number in (("thread", "+15125550171"), ("opted_out", "+15125550172")):
            for count in range(12):
                at = NOW - timedelta(hours=40 - count)
                incoming = IncomingText("twilio", f"{number}/{count}", number, line, LONG * (1 + count % 3), at)
                messages.receive(session, crm.config, incoming, at)
                if count % 4 == 1:
                    by = By("alice", at + timedelta(minutes=20))
                    messages.send(
                        session, crm.config, by, number, "Yes, it is. Would you like to see it?", agent="alice"
                    )
            found = select(InboxThread).join(LeadPhone, LeadPhone.lead_id == InboxThread.lead_id)
            ids[name] = session.scalars(found.where(LeadPhone.number == number)).one().id
        by = By("alice", NOW)
        leads.write_note(session, crm.config, by, "+15125550171", "Prefers texts in the evening.")
        inbox.save_draft(session, by, ids["thread"], DraftWay.TEXT, "Tomorrow at ten would")
        opt_outs.enter(session, "+15125550172", source="keyword", evidence='"STOP" in "STOP"', now=NOW)
        return ids
