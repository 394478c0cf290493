"""Whether all parts of the system are well, what is not, and how to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response

from crm.config import Config
from crm.domain.access import Act
from crm.services.system import doctor, health
from crm.services.system.checks.finding import Finding, Level
from crm.services.system.health import DeviceHealth, Health
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.words import terminal
from crm.words.console import sentences
from crm.words.console.health import WORDS
from crm.words.console.mends import MENDS

KEPT = timedelta(seconds=20)
"""For so long a check-up serves everybody who opens the page."""
MOST = 100
"""People without a phone that rings, on one page."""
LISTENERS = {"web": "app", "webhooks": "app", "site": "pages", "api": "pages", "console": "pages"}
"""By the name of its port: the process that listens there."""
COLORS = {Level.ERROR: "bad", Level.WARN: "warn", Level.UNSEEN: "info", Level.OK: "good"}


@dataclass(frozen=True)
class Mended:
    """What a check found, with the way to mend it."""

    check: str
    level: Level
    text: str
    fix: str
    path: str
    """The page of the console where it is mended; empty: there is none."""


@dataclass(frozen=True)
class ListenerEntry:
    name: str
    address: str
    url: str
    """By which it is reached from elsewhere; empty: not at all."""
    state: str
    """A key of WORDS."""
    trouble: str
    """What keeps it from listening; empty: nothing that is known."""


@dataclass(frozen=True)
class Unreachable:
    """An agent whom no call would reach now."""

    agent: str
    devices: tuple[tuple[DeviceHealth, str], ...]
    """Each with what it does instead of ringing: a key of WORDS."""


class CheckUp:
    """The latest check-up of a home. It runs in a thread, since it looks at files and asks programs, and one at a time,
    however many wait for it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._one = asyncio.Lock()
        self.at: datetime | None = None
        self._found: tuple[Health, list[Finding]] | None = None

    async def look(self, now: datetime) -> tuple[Health, list[Finding]]:
        async with self._one:
            if self._found is None or self.at is None or not now - KEPT < self.at <= now:
                self._found = await asyncio.to_thread(asyncio.run, _examine(self._config, now))
                self.at = now
            return self._found


_check_ups: dict[Path, CheckUp] = {}


async def _examine(config: Config, now: datetime) -> tuple[Health, list[Finding]]:
    found = await health.look(config, now)
    return found, await doctor.examine(config, found)


async def _page(visit: ConsoleVisit) -> Response:
    config = visit.crm.config
    check_up = _check_ups.setdefault(config.home, CheckUp(config))
    found, findings = await check_up.look(visit.crm.now())
    language = visit.looks.language
    mended = [
        Mended(
            sentences.check(one.check, language),
            one.level,
            sentences.told(one.text, language),
            *_fix(one, language),
        )
        for one in findings
    ]
    counts = {level: sum(one.level is level for one in mended) for level in Level}
    away = unreachable(found.devices)
    return visit.page(
        "health",
        WORDS,
        at=check_up.at,
        found=found,
        state="errors" if counts[Level.ERROR] else "warnings" if counts[Level.WARN] else "well",
        errors=counts[Level.ERROR],
        warnings=counts[Level.WARN],
        to_mend=sorted((one for one in mended if one.level is not Level.OK), key=lambda one: _ORDER[one.level]),
        well=[one for one in mended if one.level is Level.OK],
        colors=COLORS,
        listeners=listeners(config, found),
        away=away[:MOST],
        more=len(away) - MOST,
        has_devices=bool(found.devices),
    )


_ORDER: Mapping[Level, int] = {Level.ERROR: 0, Level.WARN: 1, Level.UNSEEN: 2, Level.OK: 3}


def _fix(finding: Finding, language: str) -> tuple[str, str]:
    """How to mend it, and on which page."""
    if mend := MENDS.get(finding.code):
        facts = {name: quote(str(value), safe="") for name, value in finding.facts.items()}
        return mend.text[language], mend.path.format_map(facts)
    fixes = sentences.FIXES if language == "es" else terminal.FIXES
    return fixes[finding.code].format_map(finding.facts) if finding.code else "", ""


def listeners(config: Config, found: Health) -> list[ListenerEntry]:
    """Who listens for browsers and other programs, and why not."""
    troubles = {one.worker: one.trouble for one in found.workers}
    runs = {"app": found.app.up, "pages": found.pages}
    binds = {"api": config.api.bind, "console": config.console.bind}
    urls = {
        "web": config.web.public_url,
        "webhooks": config.web.public_url,
        "site": config.site.public_url,
        "api": config.api.public_url,
        "console": config.console.public_url,
    }
    entries = []
    for name, process in LISTENERS.items():
        trouble = troubles.get(f"listener {name}", "")
        state = "listener_troubled" if trouble else "listens" if runs[process] else f"no_{process}"
        address = f"{binds.get(name, config.web.bind)}:{getattr(config.ports, name)}"
        entries.append(ListenerEntry(name, address, urls[name], state, trouble))
    return entries


def unreachable(devices: Sequence[DeviceHealth]) -> list[Unreachable]:
    """Agents with devices, none of which would ring now."""
    found = []
    for agent, own in groupby(sorted(devices, key=lambda one: one.agent), key=lambda one: one.agent):
        all_of_them = tuple((one, _instead(one)) for one in own)
        if all(instead for _, instead in all_of_them):
            found.append(Unreachable(agent, all_of_them))
    return found


def _instead(device: DeviceHealth) -> str:
    """What it does instead of ringing, as a key of WORDS; empty: it rings."""
    if device.is_mobile:
        return "" if device.up else "not_forwarded"
    if not device.up:
        return "offline"
    if device.dnd:
        return "dnd"
    return "deaf" if device.deaf_since else ""


PAGES = (ConsolePage("/health", _page, needs=Act.HEALTH, section="health"),)
