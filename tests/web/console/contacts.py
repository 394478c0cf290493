"""Calls, voicemail and recordings of the demo office, as the tests of its pages put them there."""

from __future__ import annotations

import math
import re
import struct
import wave
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from crm.domain.calls import CallDirection, Outcome
from crm.store.models import (
    Activity,
    ArrivalRecord,
    Call,
    Interest,
    Lead,
    LeadPhone,
    Line,
    Mail,
    Message,
    Property,
    Recording,
    Task,
    Voicemail,
)
from tests.web.console.people import NOW, ConsoleOffice
from tests.web.visitors import Wellformed

PAT, SAM = "+15125550188", "+15125550189"
EVIL = '"><script>alert(1)</script>'
MINUTE = timedelta(minutes=1)


def check(page: str) -> None:
    """Tags are closed in order, ids are there once, every field has a label, and nothing a caller said is markup."""
    found = Wellformed()
    found.feed(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert found.fields - {"None"} <= found.labelled
    for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", page.partition("<main")[2].partition("</main>")[0]):
        assert re.search('id=|aria-label=|type="(hidden|radio|checkbox)"', tag), tag
    assert EVIL not in page


def emptied(office: ConsoleOffice) -> None:
    with office.crm.store.writing() as session:
        for model in (Task, Activity, Mail, Message, ArrivalRecord, Voicemail, Recording, Call):
            session.query(model).delete()


def called(
    office: ConsoleOffice, id: str, caller: str | None, at: datetime = NOW, *, on: str = "elm", **more: object
) -> str:
    """A call on record, to the line of a property."""
    with office.crm.store.writing() as session:
        property = session.scalars(select(Property).where(Property.slug == on)).one()
        line = session.scalars(select(Line).where(Line.property_id == property.id).limit(1)).first()
        values = {
            "direction": CallDirection.IN.value,
            "did": line.number if line else "+15125550100",
            "line_id": line.id if line else None,
            "property_id": property.id,
            "outcome": Outcome.GAVE_UP.value,
            "ended_at": at + MINUTE,
            **more,
        }
        session.add(Call(id=id, caller=caller, started_at=at, **values))
    return id


def lead(office: ConsoleOffice, number: str, *, on: str = "elm", name: str | None = None) -> int:
    with office.crm.store.writing() as session:
        property = session.scalars(select(Property).where(Property.slug == on)).one()
        found = Lead(name=name, created_at=NOW, phones=[LeadPhone(number=number)], emails=[])
        found.interests = [Interest(property_id=property.id, updated_at=NOW)]
        session.add(found)
        session.flush()
        return found.id


def other_property(office: ConsoleOffice) -> str:
    """Another than elm."""
    with office.crm.store.reading() as session:
        return session.scalars(select(Property.slug).where(Property.slug != "elm").limit(1)).one()


def sound(folder: Path, name: str, seconds: int = 2) -> str:
    """A tone that begins after half of the time."""
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / name), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        half = seconds * 4000
        loud = (int(16000 * math.sin(number / 3)) for number in range(half))
        file.writeframes(b"\0\0" * half + b"".join(struct.pack("<h", one) for one in loud))
    return name
