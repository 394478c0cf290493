"""The numbers beside the sections of the console, against the rows that the sections list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import Fact, VoicemailLeft
from crm.secrets import Secrets
from crm.services import tasks as task_acts
from crm.services.audit import By
from crm.services.office import agents
from crm.services.people import merging
from crm.services.phones import devices
from crm.services.voicemail import mailboxes
from crm.store.models import Agent, InboxThread, Task
from crm.store.session import Store
from crm.views import counts, inbox, voicemail
from crm.views import tasks as task_views
from crm.views.inbox import InboxFilter
from tests.store.test_notifying import record
from tests.store.test_one_task import NOW, missed

pytestmark = [pytest.mark.store, pytest.mark.both_databases, pytest.mark.usefixtures("office")]

LATER = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
BY = By("dana", LATER)


def listed(session: Session, agent: Agent | None) -> dict[str, int]:
    """How many rows the pages list of what waits: an agent's, or all."""
    slug, id = (agent.slug, agent.id) if agent else (None, None)
    every = task_views.listed(session, LATER, owner=slug, limit=500)
    mine = InboxFilter.MINE if agent else InboxFilter.OPEN
    return {
        "inbox": sum(one.is_waiting for one in inbox.listed(session, LATER, mine, agent_id=id, limit=500)),
        "tasks": sum(one.overdue for one in every),
        "missed": len(task_views.missed(session, LATER, owner=slug, limit=500)),
        "voicemail": len(voicemail.listed(session, new_only=True, limit=500)),
    }


def counted(session: Session, agent: Agent | None) -> dict[str, int]:
    id = agent.id if agent else None
    return {
        "inbox": counts.waiting_threads(session, LATER, id),
        "tasks": counts.overdue_tasks(session, LATER, id),
        "missed": counts.people_to_call_back(session, id),
        "voicemail": counts.new_voicemails(session),
    }


def left(n: int) -> list[Fact]:
    return missed(n, (VoicemailLeft, {"file": f"c{n}.wav", "seconds": 9}), caller=f"+1512555{2000 + n}")


async def test_each_number_is_that_of_the_rows_which_its_page_lists(store: Store, config: Config) -> None:
    for n in range(4):
        await record(store, config, missed(n, caller=f"+1512555{1000 + n}"))
        await record(store, config, left(100 + n))
    # One is done, one is not due yet, one voicemail was heard, and one is deleted.
    with store.writing() as session:
        found = session.scalars(select(Task).order_by(Task.id)).all()
        assert len(found) == 8
        task_acts.finish(session, BY, found[0].id, "")
        found[1].due_at = LATER + HOUR
        mailboxes.heard(session, "c100", LATER)
        mailboxes.delete(session, BY, "c101")
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        for at, (is_waiting, snoozed_until) in enumerate(((True, None), (False, None), (True, LATER + HOUR))):
            number = f"+1512555300{at}"
            mine = {"agent_id": alice.id, "last_at": NOW, "is_waiting": is_waiting, "snoozed_until": snoozed_until}
            session.add(InboxThread(number=number, **mine))
    with store.reading() as session:
        assert counted(session, None) == listed(session, None)
        assert (counted(session, None)["tasks"], counted(session, None)["missed"]) == (6, 7)
        assert (counted(session, None)["inbox"], counted(session, None)["voicemail"]) == (1, 2)
        everybody = session.scalars(select(Agent)).all()
        of_each = [(counted(session, one), listed(session, one)) for one in everybody]
        assert [one for one, _ in of_each] == [one for _, one in of_each]
        assert sum(one["missed"] for one, _ in of_each) >= 7
    await store.run(devices.retire, Secrets(config.secrets_file), BY, "alice-desk")
    # What two leads had that are one now, and what somebody had who left, is counted once, as others'.
    with store.writing() as session:
        waiting = session.scalars(select(Task).where(Task.done_at.is_(None)).order_by(Task.id)).all()
        callers = [session.get_one(Task, one.id).lead_id for one in waiting[:2]]
        merging.merge(session, config, BY, str(callers[0]), str(callers[1]))
        agents.retire(session, BY, "alice", successor="bob")
    with store.reading() as session:
        assert counted(session, None) == listed(session, None)
        for one in session.scalars(select(Agent)):
            assert counted(session, one) == listed(session, one)
        assert counted(session, None)["missed"] == len(
            session.scalars(select(Task.id).where(Task.done_at.is_(None), Task.call_id.is_not(None))).all()
        )
