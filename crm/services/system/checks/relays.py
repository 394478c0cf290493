"""Checks whether phones in browsers find a way for their sound: the STUN and TURN servers are asked as a page asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from crm.config import Config
from crm.edge import relay_probe, turn
from crm.edge.relay_probe import RelayFailing, RelayRefused, RelaySilent
from crm.edge.turn import IceServer
from crm.secrets import Secrets
from crm.services.phones import relays
from crm.services.system.checks.finding import Finding, ok, some, warn

SECONDS = 3.0
"""That a server has to answer, all at the same time: nobody waits longer for a check-up because of one."""


async def examine(config: Config, now: datetime) -> list[Finding]:
    console = config.console
    found: list[Finding] = []
    if console.works_outside and not turn.relays(console.ice_servers):
        text = "People work from outside, but without a TURN server, some of them will hear nothing in their browsers."
        found.append(warn("relays", text, "relays_missing"))
    if not console.ice_servers:
        return found
    secrets = Secrets(config.secrets_file)
    has_turn = bool(turn.relays(console.ice_servers))
    if has_turn and not await asyncio.to_thread(secrets.has, relays.SECRET):
        # Nothing is written by a check-up, which may run as somebody else.
        return [warn("relays", "There is no secret yet that we share with the TURN server.", "relay_refuses")]
    servers = await asyncio.to_thread(relays.of_page, config, secrets, "doctor", now)
    asked = [(server, url) for server in servers for url in server.urls]
    answers = await asyncio.gather(*(_asked(config, *one) for one in asked))
    return [*found, *_together(asked, answers)]


def _together(asked: Sequence[tuple[IceServer, str]], answers: Sequence[Finding | None]) -> list[Finding]:
    problems = [one for one in answers if one is not None]
    good = [url for (_, url), answer in zip(asked, answers, strict=True) if answer is None]
    return [*problems, ok("relays", f"Phones in browsers may use {some(good)}.")] if good else problems


async def _asked(config: Config, server: IceServer, url: str) -> Finding | None:
    settings = str(config.home / "leaseline.toml")
    try:
        await relay_probe.ask(server, url, SECONDS)
    except RelaySilent as error:
        return warn("relays", f"{url} does not answer: {error}.", "relay_silent", settings=settings)
    except RelayRefused:
        return warn("relays", f"{url} refuses the passwords that pages get.", "relay_refuses")
    except RelayFailing as error:
        return warn("relays", f"{url} passes no sound on: {error}.", "relay_failing")
    return None
