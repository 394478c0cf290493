"""A short name is changed: what was written with the old one follows, and facts on the way find whose it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain.calls import CallArrived, CallEnded, EndedBy, LegRang, PropertyChosen, TalkStarted, VoicemailLeft
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.domain.leads import LeadFilter
from crm.secrets import Secrets, of_trunk
from crm.services.access import keys
from crm.services.arrivals import sources
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.office import agents, locations, portfolios, properties
from crm.services.phones import devices, lines, trunks
from crm.services.routing import desks
from crm.services.system import renaming
from crm.services.voicemail.mailboxes import greeting_path
from crm.store.models import (
    Agent,
    Call,
    CallOrder,
    Desk,
    FormerName,
    Lead,
    Leg,
    Property,
    SavedFilter,
    Task,
    Voicemail,
)
from crm.store.queries import agents as agent_queries
from crm.store.queries import properties as property_queries
from crm.store.session import Store
from crm.views import leads as lead_views
from tests.store.test_retiring import BY, MAPLE, NOW, PROSPECT, talk

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]


async def rename(store: Store, config: Config, kind: str, old: str, new: str, by: By = BY) -> None:
    was = await store.run(renaming.rename, config, Secrets(config.secrets_file), by, kind, old, new)
    after: str | None = ""
    while after is not None:
        after = await store.run(renaming.follow, kind, was, new, by.now, after)


async def test_a_call_in_progress_belongs_to_those_who_had_the_names_when_it_began(
    store: Store, config: Config
) -> None:
    began = NOW - timedelta(minutes=9)
    known = ledger.Ledger(config)
    first = [
        CallArrived("c/0", "c", began, did="+15125550101", caller=PROSPECT),
        LegRang("c/1", "c", began, leg_id="bob", device="bob-desk", agent="bob", stage="subteam"),
    ]
    await store.run(known.record, first, NOW)
    for kind, old, new in (
        ("agent", "alice", "alicia"),
        ("device", "alice-desk", "alicia-desk"),
        ("property", "maple", "maple-court"),
    ):
        await rename(store, config, kind, old, new)
    # Others get the names at once.
    await store.run(agents.add, config, BY, "alice", name="Another Alice")
    await store.run(properties.add, BY, "maple", name="Another Maple")
    rest = [
        PropertyChosen("c/2", "c", began, property="maple"),
        LegRang("c/3", "c", began, leg_id="alice", device="alice-desk", agent="alice", stage="subteam"),
        # Rung by the dialplan, which knows phones only.
        LegRang("c/4", "c", began, leg_id="desk", device="alice-desk", agent="", stage="last_resort"),
        VoicemailLeft("c/5", "c", NOW, file="c.wav", seconds=3, mailbox="agent:alice"),
        CallEnded("c/6", "c", NOW, by=EndedBy.CALLER),
    ]
    await store.run(known.record, rest, NOW)
    with store.reading() as session:
        whose = dict(session.execute(select(Leg.id, Agent.slug).join(Agent, Agent.id == Leg.agent_id)).all())
        assert whose == {"bob": "bob", "alice": "alicia", "desk": "alicia"}
        assert session.scalars(select(Property.slug).join(Call, Call.property_id == Property.id)).one() == "maple-court"
        assert session.scalars(select(Voicemail.mailbox)).one() == "agent:alicia"
        assert session.scalars(select(Agent.slug).join(Task, Task.owner_id == Agent.id)).one() == "alicia"
    # What happens from now on is of those who have the names now.
    later = NOW + timedelta(minutes=5)
    facts = [
        CallArrived("d/0", "d", later, did="+15125550101", caller=PROSPECT),
        LegRang("d/1", "d", later, leg_id="new", device="x", agent="alice", stage="subteam"),
    ]
    await store.run(known.record, facts, later)
    with store.reading() as session:
        name = select(Agent.name).join(Leg, Leg.agent_id == Agent.id).where(Leg.id == "new")
        assert session.scalars(name).one() == "Another Alice"


async def test_a_call_is_of_who_was_retired_while_it_was_up(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    began = NOW - timedelta(minutes=9)
    await store.run(lines.retire, BY, "US", MAPLE)
    await store.run(devices.retire, secrets, BY, "alice-desk")
    await store.run(agents.retire, BY, "alice")
    await store.run(lines.add, BY, config, MAPLE, label="Another")
    facts = [
        CallArrived("c/0", "c", began, did=MAPLE, caller=PROSPECT),
        LegRang("c/1", "c", began, leg_id="l", device="alice-desk", agent="alice", stage="subteam"),
        TalkStarted("c/2", "c", began, leg_id="l"),
        CallEnded("c/3", "c", NOW, by=EndedBy.CALLER),
    ]
    await store.run(ledger.record_all, config, facts, NOW)
    with store.reading() as session:
        call = session.get_one(Call, "c")
        assert call.line
        assert (call.line.label, call.legs[0].agent and call.legs[0].agent.name) == ("Maple sign", "Alice")
        assert session.scalars(select(Lead)).one().assigned_agent is None


async def test_a_call_to_a_retired_line_is_nobodys(store: Store, config: Config) -> None:
    await store.run(lines.retire, By("test", NOW - timedelta(hours=1)), "US", MAPLE)
    await talk(store, config)
    with store.reading() as session:
        assert session.get_one(Call, "c").line is None


async def test_what_holds_the_name_as_a_text_follows(store: Store, config: Config, tmp_path: Path) -> None:
    secrets = Secrets(config.secrets_file)
    await talk(store, config)
    secret = secrets.ensure("device/alice-desk")
    await store.run(desks.put, config, BY, "vendor", "agent:alice")
    await store.run(desks.put, config, BY, "resident", "subteam:east")
    greeting = greeting_path(config, "agent:alice")
    greeting.parent.mkdir(parents=True)
    greeting.write_bytes(b"hello")
    with store.writing() as session:
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        session.add(Voicemail(call_id="c", file="c.wav", seconds=3, left_at=NOW, mailbox="agent:alice"))
        session.add(
            SavedFilter(name="hers", filter={"agent": "alice", "property": "maple"}, made_by="x", created_at=NOW)
        )
        session.add(
            CallOrder(
                agent=alice,
                to_number=PROSPECT,
                not_before=NOW,
                expires_at=NOW,
                created_at=NOW,
                agents=["alice", "bob"],
            )
        )
    for kind, old, new in (
        ("agent", "alice", "alicia"),
        ("device", "alice-desk", "alicia-desk"),
        ("subteam", "east", "eastern"),
        ("property", "maple", "maple-court"),
    ):
        await rename(store, config, kind, old, new)
    with store.reading() as session:
        assert session.scalars(select(Voicemail.mailbox)).one() == "agent:alicia"
        assert set(session.scalars(select(Desk.target))) == {"agent:alicia", "subteam:eastern"}
        assert session.scalars(select(CallOrder.agents)).one() == ["alicia", "bob"]
        assert session.scalars(select(Leg.device)).all() == ["alicia-desk"]
        assert session.scalars(select(SavedFilter.filter)).one() == {"agent": "alicia", "property": "maple-court"}
    assert secrets.get("device/alicia-desk") == secret
    assert not secrets.has("device/alice-desk")
    assert greeting_path(config, "agent:alicia").read_bytes() == b"hello"
    assert not greeting.exists()


async def test_records_follow_slice_by_slice_and_spare_the_next_who_has_the_name(
    store: Store, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renaming, "ROWS_AT_ONCE", 1)
    await talk(store, config)
    with store.writing() as session:
        for number, at in enumerate((NOW - timedelta(days=2), NOW - timedelta(days=1), NOW + timedelta(minutes=1))):
            session.add(Leg(id=f"m{number}", call_id="c", device="alice-desk", stage="subteam", started_at=at))
    await rename(store, config, "device", "alice-desk", "alicia-desk")
    with store.reading() as session:
        found = dict(session.execute(select(Leg.id, Leg.device)).all())
    assert found == {"l": "alicia-desk", "m0": "alicia-desk", "m1": "alicia-desk", "m2": "alice-desk"}


async def test_the_old_name_means_the_same_until_another_has_it(store: Store, config: Config) -> None:
    await talk(store, config)
    await rename(store, config, "property", "maple", "maple-court")
    await rename(store, config, "property", "maple-court", "court")
    await rename(store, config, "agent", "alice", "alicia")
    for name in ("maple", "maple-court", "court"):
        assert (await store.read(properties.named, name)).slug == "court"
        assert len(await store.read(lead_views.listed, NOW, LeadFilter(property=name))) == 1
        spoken_of = await store.read(property_queries.by_slug, name)
        assert spoken_of
        assert spoken_of.slug == "court"
    manager = await store.read(agent_queries.by_slug, "alice")
    assert manager
    assert manager.slug == "alicia"
    await store.run(properties.add, BY, "maple", name="Another")
    assert (await store.read(properties.named, "maple")).name == "Another"
    assert await store.read(lead_views.listed, NOW, LeadFilter(property="maple")) == []
    with pytest.raises(Conflict, match="another property maple"):
        await rename(store, config, "property", "court", "maple")
    with pytest.raises(Invalid, match="already"):
        await rename(store, config, "property", "court", "court")
    # What was renamed can get its name back.
    await rename(store, config, "agent", "alicia", "alice")
    assert (await store.read(agents.named, "alicia")).slug == "alice"


async def test_whoever_shows_no_number_is_known_through_a_renamed_trunk(store: Store, config: Config) -> None:
    secrets = Secrets(config.secrets_file)
    await store.run(trunks.add, secrets, BY, "pbx", host="198.51.100.9", auth="digest", username="m", password="s3")
    with store.writing() as session:
        session.add(Call(id="d", did=MAPLE, trunk="pbx", caller_digits="204", started_at=NOW, direction="in"))
        session.add(Call(id="e", did=MAPLE, trunk="pbx", caller=PROSPECT, started_at=NOW, direction="in"))
    await store.run(renaming.rename, config, secrets, BY, "trunk", "pbx", "old-pbx")
    with store.reading() as session:
        assert dict(session.execute(select(Call.id, Call.trunk)).all()) == {"d": "old-pbx", "e": "pbx"}
    assert await store.run(renaming.follow, "trunk", "pbx", "old-pbx", NOW) == "call/e"
    with store.reading() as session:
        assert set(session.scalars(select(Call.trunk))) == {"old-pbx"}
    assert secrets.get(of_trunk("old-pbx")) == "s3"
    assert not secrets.has(of_trunk("pbx"))
    with pytest.raises(Conflict, match="on record"):
        await store.run(trunks.remove, secrets, BY, "old-pbx")


async def test_everything_with_a_short_name_is_renamed(store: Store, config: Config) -> None:
    await store.run(portfolios.add, BY, "west")
    await store.run(locations.add, config, BY, "main", address="12 Oak Street", callback_number="+15125550100")
    await store.run(trunks.add, Secrets(config.secrets_file), BY, "acme", host="198.51.100.9", auth="address")
    sequences = config.home / "follow_ups" / "west.toml"
    sequences.parent.mkdir(parents=True)
    sequences.write_text("")
    await store.run(sources.add, BY, "zillow", name="Zillow")
    await store.run(keys.add, BY, "website", ("leads:read",))
    there = {
        "API key": "website",
        "agent": "alice",
        "device": "bob-desk",
        "location": "main",
        "portfolio": "west",
        "property": "maple",
        "source": "zillow",
        "subteam": "east",
        "trunk": "acme",
    }
    assert there.keys() == renaming.NAMED.keys()
    for kind, old in there.items():
        await rename(store, config, kind, old, f"{old}-2")
        found = await store.read(renaming.NAMED[kind], old)
        assert (found.name if kind == "API key" else found.slug) == f"{old}-2"
        with pytest.raises(NotFound):
            await rename(store, config, kind, "nothing", "something")
    assert sequences.with_name("west-2.toml").exists()
    with store.reading() as session:
        assert set(session.scalars(select(FormerName.kind))) == {
            {"API key": "api_key", "source": "lead_source"}.get(kind, kind) for kind in there
        }
