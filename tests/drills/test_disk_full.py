"""The disk takes nothing any more, or the database is not ours: calls go on, and everything is on record later."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator

import pytest

from crm.services.system import health
from tests.drills.witness import legs, one_gives_up_and_one_talks, one_record
from tests.system import System
from tests.talks import hear_each_other

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]


@contextlib.contextmanager
def full_disk(system: System) -> Iterator[None]:
    """No file of the app's grows: journal, database, log, signs of life."""
    assert system.app.process is not None
    pid, (_, most) = system.app.process.pid, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


async def test_when_the_disk_is_full_then_calls_go_on_and_are_on_record_when_there_is_room(system: System) -> None:
    starts = system.app.starts
    async with system.phone("alice-desk") as alice, system.caller() as caller, system.caller() as missed:
        with full_disk(system):
            await one_gives_up_and_one_talks(system, missed, caller, alice)
        await one_record(system, missed.user, "gave_up")
        talk = await one_record(system, caller.user, "talked", finished=True)
    assert legs(talk) == [("alice-desk", "ANSWER", True)]
    assert not talk.without_app
    assert system.app.starts == starts
    assert system.app.process is not None
    assert system.app.process.returncode is None


async def test_when_the_database_is_not_ours_at_a_start_then_calls_are_served_and_the_reason_is_told(
    system: System,
) -> None:
    home = system.config.home
    ours = [path for path in home.glob("leaseline.db*") if path.is_file()]
    await system.app.stop()
    for path in ours:
        path.rename(home / f"away-{path.name}")
    (home / "leaseline.db").write_bytes(b"This is no database. " * 400)
    try:
        await system.start_app()
        async with system.phone("alice-desk") as alice, system.caller() as caller:
            await system.dial(caller)
            await alice.wait_for("CALL_INCOMING")
            await alice.answer()
            await hear_each_other(system, caller, alice)
            await caller.hang_up()
        found = health.database_health(system.config)
        assert found.detail == "The database file is not a database: replace it with the right one, or a backup."
    finally:
        for path in home.glob("leaseline.db*"):
            path.unlink()
        for path in ours:
            (home / f"away-{path.name}").rename(path)
    talk = await one_record(system, caller.user, "talked", finished=True)
    assert legs(talk) == [("alice-desk", "ANSWER", True)]
    assert talk.without_app
