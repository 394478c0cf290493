"""A backup while people call: the calls go on as ever, and each backup is whole."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from crm import config as settings
from crm.services.system import backups
from crm.store.models import Call, CallEvent, Recording, Voicemail
from crm.store.session import Store
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]


async def test_when_backups_are_made_during_calls_then_nobody_notices_and_each_is_whole(
    system: System, tmp_path: Path
) -> None:
    made: list[Path] = []
    moved, over = asyncio.Event(), asyncio.Event()

    async def back_up() -> None:
        """One after the other, whenever a call has moved on."""
        while await moved.wait() and not over.is_set():
            moved.clear()
            file = tmp_path / f"{len(made)}.backup"
            status, said = await system.leaseline("backup", str(file))
            assert status == 0, said
            made.append(file)

    def has_made(count: int) -> bool:
        return len(made) >= count

    message = system.spoken("Please tell me about the home with a balcony.")
    backing_up = asyncio.create_task(back_up())
    try:
        async with system.phone("alice-desk") as alice, system.caller() as talker, system.caller() as teller:
            moved.set()
            await asyncio.gather(system.dial(talker, ELM), system.dial(teller, ELM))
            await asyncio.gather(system.step(talker.user, "menu"), system.step(teller.user, "menu"))
            await talker.press("2")
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await system.step(talker.user, "talk")
            moved.set()
            await teller.press("2")  # Everybody is on a call by now.
            await system.step(teller.user, "queue")
            moved.set()
            await system.hears(teller, system.prompt("queue_busy"))
            await teller.press("2")
            await system.step(teller.user, "voicemail")
            await system.recording(teller.user)
            moved.set()
            await system.speak(teller, message)
            await teller.press("#")
            told = await system.ended_call(teller.user)
            # One may be under way that began before.
            for enough in (len(made) + 1, len(made) + 2):
                moved.set()
                await system.until(partial(has_made, enough), "a backup was made since then", seconds=120)
            assert (await system.call_from(talker.user)).outcome is None, "they still talk"
            await talker.hang_up()
            talked = await system.ended_call(talker.user)
    finally:
        over.set()
        moved.set()
        await backing_up
    assert (talked.outcome, told.outcome) == ("talked", "left_voicemail")
    assert [leg.device for leg in talked.legs] == ["alice-desk"]

    for file in made:
        home = tmp_path / f"home-{file.stem}"
        await asyncio.to_thread(backups.restore, file, home, told=lambda done, total: None)
        _is_whole(settings.load(home).database_url, home)
    store = Store(f"sqlite:///{home / 'leaseline.db'}")
    try:
        with store.reading() as session:
            assert session.get_one(Call, told.id).outcome == "left_voicemail"
            assert set(session.scalars(select(CallEvent.id).where(CallEvent.call_id == told.id))) == {
                event.id for event in told.events
            }
    finally:
        store.close()


def _is_whole(url: str, home: Path) -> None:
    """Every file that a row names is there; a row that refers to another, and every checksum, was compared before."""
    store = Store(url)
    try:
        with store.reading() as session:
            kept = [*session.scalars(select(Voicemail.file)), *session.scalars(select(Recording.file))]
    finally:
        store.close()
    assert all((home / "recordings" / name).is_file() for name in kept)
