"""Hostile text in every field that somebody outside fills in: it is kept as text, and shown without doing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.gauntlet.party import Party, party
from tests.gauntlet.scene import Scene
from tests.system import ELM, System

WORDS = (
    "\x1b]0;owned\x07\x1b[2J",
    "'; DROP TABLE lead; --",
    "${SHELL(touch /tmp/owned)}",
    "$(touch /tmp/owned)",
    "{{7*7}}",
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "\u202egnp.exe",
    "a\x00b",
    "%s%n%x",
    "\udcff\udcfe",
    "\r\nINVITE sip:19005550123@x SIP/2.0\r\n",
    "é" * 900,
    "ll-leg-x",
    "`reboot`",
    "\u2028\u2029",
    "NaN",
    "null",
    "-1",
)
COMMANDS = (
    ("lead", "list"),
    ("call", "list"),
    ("message", "list"),
    ("task", "list"),
    ("call", "missed"),
    ("status",),
    ("report", "lost"),
)


async def attack(system: System, scene: Scene, progress: Callable[[str], None]) -> tuple[int, int]:
    """Returns how many fields were filled in, and how many of our commands failed over them or gave them out raw."""
    count = 0
    async with party(scene.server, "trunk-evil", scene.secrets["trunk-evil"]) as one:
        for start in range(0, len(WORDS), 5):
            some = list(enumerate(WORDS))[start : start + 5]
            acts = (act(one, scene, number, words) for number, words in some for act in (_text, _call))
            await asyncio.gather(*acts)
            count += 5 * len(some)
            progress(f"{count} fields")
    outputs = [await _output(system, command) for command in COMMANDS]
    return count, sum(not is_clean for is_clean in outputs)


async def _text(one: Party, scene: Scene, number: int, words: str) -> None:
    host, port = scene.server
    await one.request(
        "MESSAGE",
        f"sip:{ELM}@{host}:{port}",
        sender=f"<sip:+1512563{number:04d}@carrier.example>;tag=w{number}",
        body=words,
        kind="text/plain",
    )


async def _call(one: Party, scene: Scene, number: int, words: str) -> None:
    host, port = scene.server
    line = words.replace("\r", " ").replace("\n", " ").replace('"', "'")
    _, talk = await one.call(
        f"sip:{ELM}@{host}:{port}",
        sender=f'"{line}" <sip:+1512564{number:04d}@carrier.example>',
        headers=[f'P-Asserted-Identity: "{line}" <sip:{line}@x>', f"User-Agent: {line}", f"Subject: {line}"],
    )
    if talk:
        await one.hang_up(talk)


async def _output(system: System, command: tuple[str, ...]) -> bool:
    """Whether the command works, and writes no control characters to the terminal."""
    status, text = await system.leaseline(*command)
    has_controls = any(ord(letter) < 32 and letter not in "\n\t" for letter in text) or "\u202e" in text
    return status in (0, 1) and not has_controls and "Traceback" not in text
