"""Recent contacts, a call, whom to call back, voicemail, and routing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from crm.context import Crm
from crm.domain.access import Role
from crm.store.models import (
    Agent,
    Call,
    CallEvent,
    Leg,
    Line,
    Property,
    Recording,
    RoutingDecision,
    TalkRecord,
    Task,
    Voicemail,
    VoiceTurn,
)
from tests.browser.console.kind import Kind
from tests.web.console.contacts import sound

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
LONG = "Asks whether the second bedroom has room for a desk, and whether bicycles may stand in the hall."

KINDS = (
    Kind("recent", "/recent"),
    Kind("recent, read only", "/recent?way=call", Role.READ_ONLY),
    Kind("recent, nothing fits", "/recent?way=form&direction=out"),
    Kind("caller without a name", "/calls/{call}/person", Role.AGENT),
    Kind("call", "/calls/{call}"),
    Kind("missed", "/missed?whose=everybody", Role.AGENT),
    Kind("voicemail", "/voicemail?show=all"),
    Kind("voicemail, none deleted", "/voicemail?show=deleted", Role.READ_ONLY),
    Kind("routing", "/routing"),
    Kind("routing, a call tried", "/routing?line={line}&press=2&at=sat 21:10"),
    Kind("routing, refused", "/routing?line={line}&at=whenever", status=422),
    Kind("routing, a call explained", "/routing/calls/{call}", Role.MANAGER),
)


def fill(crm: Crm) -> Mapping[str, object]:
    folder = crm.config.recordings_folder
    with crm.store.writing() as session:
        elm = session.scalars(select(Property).where(Property.slug == "elm")).one()
        line = session.scalars(select(Line).where(Line.property_id == elm.id).limit(1)).one()
        alice = session.scalars(select(Agent).where(Agent.slug == "alice")).one()
        for number in range(12):
            at = NOW - timedelta(hours=number)
            id = f"kind-{number}.1"
            session.add(
                Call(
                    id=id,
                    direction="in",
                    did=line.number,
                    line_id=line.id,
                    property_id=elm.id,
                    caller=f"+151255502{number:02}",
                    started_at=at,
                    talk_started_at=at if number % 2 else None,
                    ended_at=at + timedelta(minutes=3),
                    outcome="talked" if number % 2 else "left_voicemail",
                    remark=LONG if number % 3 == 0 else "",
                )
            )
            session.flush()
            session.add(
                Leg(
                    id=f"{id}-leg",
                    call_id=id,
                    device="alice-desk",
                    agent_id=alice.id,
                    stage="agent",
                    started_at=at,
                    answered_at=at if number % 2 else None,
                    status="ANSWER" if number % 2 else "NOANSWER",
                )
            )
            if number % 2:
                continue
            session.add(
                Voicemail(
                    call_id=id,
                    file=sound(folder, f"{id}.wav"),
                    seconds=2,
                    left_at=at,
                    mailbox="property:elm",
                    heard_at=NOW if number else None,
                    transcript=LONG,
                    transcript_state="done",
                )
            )
            session.add(
                Task(
                    key=f"call:{id}",
                    kind="call_back",
                    owner_id=alice.id,
                    property_id=elm.id,
                    call_id=id,
                    why=LONG,
                    due_at=at + timedelta(hours=1),
                    created_at=at,
                    result="",
                )
            )
        id = "kind-1.1"
        dialled = [["request", line.number], ["diversion", "+15125550999"]]
        session.add(
            CallEvent(
                call_id=id, number=0, id=f"{id}/a", at=NOW, kind="CallArrived", data={"dialled": dialled, "did": ""}
            )
        )
        session.add(
            RoutingDecision(
                id=f"{id}/d",
                call_id=id,
                at=NOW,
                rule="subteam",
                reasons=["The property is leased by the subteam."],
                stages=["agent", "subteam"],
                path="live",
                inputs={"answers": [{"question": "menu", "keys": "2"}]},
            )
        )
        started = NOW - timedelta(hours=1)
        session.add(
            Recording(
                id=f"{id}-talk-1",
                call_id=id,
                mode="announced",
                file=sound(folder, f"{id}-talk-1.wav", 8),
                started_at=started,
                ended_at=started + timedelta(seconds=8),
                seconds=8,
                transcript=LONG,
                transcript_state="done",
                summary="A second bedroom, and bicycles",
            )
        )
        session.add(TalkRecord(call_id=id, started_at=started, summary="Wants a second bedroom."))
        session.flush()
        for number, (who, said) in enumerate((("agent", "How can I help?"), ("caller", LONG), ("act", "wish noted"))):
            session.add(
                VoiceTurn(
                    id=f"{id}/v{number}",
                    call_id=id,
                    number=number,
                    at=started,
                    who=who,
                    started=2.0 * number,
                    ended=2.0 * number + 1,
                    text=said,
                    language="en",
                    confidence=0.9 if who == "caller" else None,
                    template="",
                    cites=[["listing", 1, 2]] if who == "agent" else [],
                    result="heard",
                )
            )
        return {"call": id, "line": line.number.replace("+", "%2B")}
