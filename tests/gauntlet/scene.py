"""What is attacked: a Leaseline as it is, and beside it a sample configuration as one finds it in many places."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import update

from ari_app import supervisor
from crm.services.phones import trunks
from crm.store.models import Trunk
from tests.gauntlet.party import Party, party
from tests.outside import only_by
from tests.system import ELM, SETTINGS, System, running_system, spoken_prompts

LIMITED = SETTINGS + "\n[limits]\ntrunk_calls = 15\n"
"""A test system has RTP ports for some thirty callers, where an office has them for a hundred and 60 of one trunk."""
FIRST, SINK = "first", "sink"
"""The trunks that calls go out by, in this order. The second takes whatever comes to it, which costs."""

SAMPLE_PJSIP = """
[global]
type = global
endpoint_identifier_order = auth_username,username,ip,anonymous
[transport-udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}
[anonymous]
type = endpoint
context = default
allow = all
"""
SAMPLE_ENDPOINT = """
[{name}]
type = endpoint
context = default
allow = all
direct_media = no
aors = {name}
{auth}
[{name}]
type = aor
max_contacts = 1
remove_existing = yes
{contact}
"""
SAMPLE_AUTH = """
[{name}]
type = auth
username = {name}
password = {password}
"""
SAMPLE_PLAN = """
[default]
exten => 101,1,Dial(PJSIP/alice-desk,8,tT)
exten => _{line},1,Answer()
 same => n,Wait(20)
exten => _X.,1,Dial(PJSIP/${{EXTEN}}@trunk-first,8,tT)
 same => n,Dial(PJSIP/${{EXTEN}}@trunk-sink,8,tT)
exten => _+X.,1,Goto(${{EXTEN:1}},1)
"""
"""Guests are let in, phones and carriers share a context, and whatever is dialed goes out."""


@dataclass
class Scene:
    """Who takes part. Only what goes to the two carriers costs anything."""

    server: tuple[str, int]
    secrets: dict[str, str]
    """Passwords by SIP user: alice-desk, bob-desk and the carrier that calls come from."""
    first: Party
    sink: Party
    allowed: set[str] = field(default_factory=set)
    """Numbers that somebody may call, once by each carrier."""
    _numbers: int = 0

    def may_be_called(self) -> str:
        self._numbers += 1
        number = f"+1512557{self._numbers:04d}"
        self.allowed.add(number)
        return number

    @property
    def billable(self) -> list[str]:
        """What was sent to the carriers though nobody may dial it, or more than once."""
        found = []
        for carrier in (self.first, self.sink):
            once = set(self.allowed)
            for user in carrier.invited:
                if user in once:
                    once.discard(user)
                else:
                    found.append(user)
        return found


@asynccontextmanager
async def leaseline(folder: Path, settings: str = LIMITED) -> AsyncIterator[tuple[System, Scene]]:
    """The demo office behind two carriers of ours."""
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(running_system(folder, spoken_prompts(), settings))
        _give_way(system.asterisk)
        server = ("127.0.0.1", system.config.ports.sip)
        first, sink = [await stack.enter_async_context(party(server)) for _ in range(2)]
        first.answer_invite = lambda: ("503 Service Unavailable", "")
        for number, (slug, peer) in enumerate(((FIRST, first), (SINK, sink)), 1):
            await system.store.run(
                trunks.add,
                system.secrets,
                system.by,
                slug,
                host="127.0.0.1",
                port=peer.port,
                auth="address",
                addresses=[f"127.7.0.{number}"],
            )
        # A carrier whose calls are the attackers', so that what it may do keeps nobody else's callers away.
        await system.store.run(
            trunks.add,
            system.secrets,
            system.by,
            "evil",
            host="127.7.0.3",
            port=9,
            auth="digest",
            username="trunk-evil",
            password="carrier-of-attackers",
        )
        with system.store.writing() as session:
            session.execute(update(Trunk).where(Trunk.slug == SINK).values(emergency=True))
        await only_by(system, **{FIRST: 1, SINK: 2})
        await system.until(lambda: system.is_online(f"trunk-{SINK}"), "the carriers are known", 20)
        passwords = {device: system.secrets.get(f"device/{device}") for device in ("alice-desk", "bob-desk")}
        passwords["trunk-evil"] = "carrier-of-attackers"
        yield system, Scene(server, passwords, first, sink)


@asynccontextmanager
async def sample(folder: Path) -> AsyncIterator[Scene]:
    """The same Asterisk with a sample configuration in place of ours, and no app."""
    passwords = dict.fromkeys(("alice-desk", "bob-desk", "trunk-evil"), "s4mple")
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(running_system(folder, spoken_prompts(), start=False))
        server = ("127.0.0.1", system.config.ports.sip)
        first, sink = [await stack.enter_async_context(party(server)) for _ in range(2)]
        first.answer_invite = lambda: ("503 Service Unavailable", "")
        text = SAMPLE_PJSIP.format(sip=system.config.ports.sip)
        for name, password in passwords.items():
            text += SAMPLE_ENDPOINT.format(name=name, auth=f"auth = {name}", contact="")
            text += SAMPLE_AUTH.format(name=name, password=password)
        for slug, peer in ((FIRST, first), (SINK, sink)):
            contact = f"contact = sip:127.0.0.1:{peer.port}"
            text += SAMPLE_ENDPOINT.format(name=f"trunk-{slug}", auth="", contact=contact)
        etc = system.config.asterisk_folder / "etc"
        (etc / "pjsip.conf").write_text(text)
        (etc / "extensions.conf").write_text(SAMPLE_PLAN.format(line=ELM))
        asterisk, *_ = supervisor.children(system.config)
        await asterisk.start()
        try:
            await system.until(lambda: _answers(system), "Asterisk answers", 30)
            _give_way(asterisk)
            yield Scene(server, passwords, first, sink)
        finally:
            await asterisk.stop()


def _give_way(asterisk: supervisor.Child) -> None:
    """Takes Asterisk's precedence over other processes away: the calls of tests on the same machine would be mute while
    it is flooded."""
    assert asterisk.process is not None
    for thread in Path(f"/proc/{asterisk.process.pid}/task").iterdir():
        with suppress(OSError):
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


async def _answers(system: System) -> bool:
    try:
        return isinstance(await system.ari("/channels"), list)
    except (OSError, aiohttp.ClientError):
        return False
