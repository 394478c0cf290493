"""Toll fraud: whatever strangers, callers, phones and carriers may try to have a number dialed that costs.

Each attempt stands for a kind seen on the Internet: scanners that dial at every address, stolen phone passwords, call
forwarding and transfers to premium numbers, and dial strings in fields that end in a dialplan.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from tests.gauntlet.party import Party, party
from tests.gauntlet.scene import Scene
from tests.system import ELM

COSTLY = (
    "19005550123",
    "9005550123",
    "+19005550123",
    "919005550123",
    "15129760123",
    "9760123",
    "15005550123",
    "17005550123",
    "011442079460000",
    "00442079460000",
    "9011442079460000",
    "+442079460000",
    "+18765550123",
    "18095550123",
    "+870776123456",
    "+881612345678",
    "+882161234567",
    "+9791234567",
    "+25261234567",
    "+5350123456",
)
"""Premium rate, satellites, and countries where calls end in somebody's pocket, as people and scanners dial them."""
STRINGS = (
    "PJSIP%2F19005550123%40trunk-sink",
    "PJSIP/19005550123",
    "Local%2F19005550123%40from-staff",
    "Local/911@emergency",
    "trunk-sink/sip:19005550123",
    "19005550123%26PJSIP%2Ftrunk-sink",
    "19005550123;tgrp=sink",
    "${SHELL(id)}",
    "19005550123,30,tT",
    "%2419005550123",
    "s%00%0d%0a19005550123",
    "*7219005550123",
    "**19005550123",
    "#19005550123",
    "900.555.0123",
    "1-900-555-0123",
    "tel%3A+19005550123",
    "19005550123 ",
    "%20%20919005550123",
    "0",
    "00",
    "h",
    "T",
    "i",
)
"""Dial strings, codes and separators where a number should stand."""
CONTACTS = (
    "<sip:19005550123@{here}>",
    "<sip:+19005550123@{sink}>",
    "<sip:911@{here}>",
    "<sip:9911@{here}>",
    "<sip:PJSIP%2F19005550123%40trunk-sink@{here}>",
    "<sip:PJSIP%2Ftrunk-sink%2Fsip%3A19005550123%40{sink}@{here}>",
    "<sip:Local%2F19005550123%40default@{here}>",
    "<sip:Local%2F911%40from-staff%2Fn@{here}>",
    "<sip:Local%2F911%40emergency-call@{here}>",
    "<sip:19005550123@trunk-sink>",
    "<tel:+19005550123>",
    "<sip:101@{here}>, <sip:19005550123@{here}>;q=0.9",
    "<sip:9011442079460000@{here};user=phone>",
    "<sip:${{EXTEN}}@{here}>",
)
STATUSES = ("302 Moved Temporarily", "301 Moved Permanently", "300 Multiple Choices", "305 Use Proxy", "380 Other")
REFERRALS = (
    "<sip:19005550123@{server}>",
    "<sip:919005550123@{server}>",
    "<sip:+442079460000@{server}>",
    "<sip:19005550123@{sink}>",
    "<sip:PJSIP%2F19005550123%40trunk-sink@{server}>",
    "<sip:19005550123@{server}?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>",
    "<tel:+19005550123>",
    "<sip:Local%2F911%40emergency@{server}>",
)


SIDE_BY_SIDE = 16
"""Attempts at the same time. A carrier may bring ten callers within a second, of which an attacker gets no more."""


@dataclass(frozen=True)
class Attempt:
    kind: str
    what: str
    run: Callable[[], Awaitable[object]]


@dataclass
class Attackers:
    scene: Scene
    stranger: Party
    """Nobody we know, from an address of its own."""
    bob: Party
    """Knows the password of a phone."""
    alice: Party
    """A phone that is registered, and answers what it likes."""
    caller: Party
    """Calls through a carrier."""


@asynccontextmanager
async def attackers(scene: Scene) -> AsyncIterator[Attackers]:
    async with AsyncExitStack() as stack:

        async def one(user: str = "", address: str = "127.0.0.1") -> Party:
            made = party(scene.server, user, scene.secrets.get(user, ""), address=address)
            return await stack.enter_async_context(made)

        stranger = await one(address="127.0.0.66")
        who = Attackers(scene, stranger, await one("bob-desk"), await one("alice-desk"), await one("trunk-evil"))
        assert await who.alice.register() == 200
        try:
            yield who
        finally:
            await who.alice.register(expires=0)


def attempts(who: Attackers) -> list[Attempt]:
    """All of them, one after the other."""
    return [*_dialled(who), *_in_headers(who), *_redirected(who), *_referred(who), *_registered(who), *_otherwise(who)]


async def attack(who: Attackers, progress: Callable[[str], None], one_of: int = 1) -> int:
    """Tries everything, or of every `one_of` attempts the first, several at once where one needs nothing of the other;
    returns how many there were."""
    todo = attempts(who)[::one_of]
    alone = [one for one in todo if one.kind in ("redirection", "registration")]
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one_of_many(attempt: Attempt) -> None:
        async with gate:
            await _try(attempt, progress)

    await asyncio.gather(*(one_of_many(one) for one in todo if one not in alone))
    for one in alone:
        await _try(one, progress)
    return len(todo)


async def _try(attempt: Attempt, progress: Callable[[str], None]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            await attempt.run()
    progress(f"{attempt.kind}: {attempt.what}")


def _dialled(who: Attackers) -> Iterator[Attempt]:
    host, port = who.scene.server
    for number, dialled in enumerate((*COSTLY, *STRINGS)):
        uri = f"sip:{dialled}@{host}:{port}"
        shown = f"<sip:+1512559{number:04d}@carrier.example>"
        yield Attempt("a stranger dials", dialled, partial(_briefly, who.stranger, uri))
        yield Attempt("a phone dials", dialled, partial(_briefly, who.bob, uri))
        yield Attempt("a carrier dials", dialled, partial(_briefly, who.caller, uri, shown))


def _in_headers(who: Attackers) -> Iterator[Attempt]:
    host, port = who.scene.server
    evil = "PJSIP/19005550123@trunk-sink"
    for header in (
        f"P-Asserted-Identity: <sip:{evil}>",
        "P-Called-Party-ID: <sip:19005550123@x>",
        f"X-Dial: {evil}",
        f'Remote-Party-ID: "{evil}" <sip:19005550123@x>',
        "Refer-To: <sip:19005550123@x>",
        "Diversion: <sip:19005550123@x>",
        "Replaces: x;to-tag=a;from-tag=b",
        "History-Info: <sip:19005550123@x>;index=1",
        f"Route: <sip:{host}:{port};lr>",
        f"Route: <sip:19005550123@127.0.0.1:{who.scene.sink.port};lr>",
    ):
        for who_sends, one in (("a carrier", who.caller), ("a phone", who.bob)):
            uri = f"sip:{ELM if one is who.caller else '109'}@{host}:{port}"
            run = partial(_briefly, one, uri, "", header)
            yield Attempt(f"{who_sends}'s header", header, run)
    for name in ('"PJSIP/19005550123@trunk-sink" <sip:19005550123@x>', "<sip:$%7BSHELL(id)%7D@x>", "<sip:911@x>"):
        uri = f"sip:{ELM}@{host}:{port}"
        yield Attempt("a caller's name", name, partial(_briefly, who.caller, uri, name))


def _redirected(who: Attackers) -> Iterator[Attempt]:
    """A phone's "forward" key, and a carrier that routes by redirection."""
    host, port = who.scene.server
    sink = f"127.0.0.1:{who.scene.sink.port}"
    for number, contact in enumerate(CONTACTS):
        status = STATUSES[number % len(STATUSES)]
        for peer in (who.alice, who.scene.first):
            here = f"{peer.address}:{peer.port}"
            answer = status, f"Contact: {contact.format(here=here, sink=sink)}"

            async def run(peer: Party = peer, answer: tuple[str, str] = answer) -> None:
                former, peer.answer_invite = peer.answer_invite, lambda: answer
                dialled = "101" if peer is who.alice else who.scene.may_be_called()
                try:
                    await _briefly(who.bob, f"sip:{dialled}@{host}:{port}")
                finally:
                    peer.answer_invite = former

            yield Attempt("redirection", f"{status} {contact}", run)


def _referred(who: Attackers) -> Iterator[Attempt]:
    host, port = who.scene.server
    places = {"server": f"{host}:{port}", "sink": f"127.0.0.1:{who.scene.sink.port}"}
    for number, target in enumerate(REFERRALS):
        refer = [f"Refer-To: {target.format(**places)}", "Referred-By: <sip:bob-desk@x>"]

        async def within(one: Party, uri: str, shown: str = "", refer: list[str] = refer) -> None:
            _, talk = await one.call(uri, sender=shown)
            if talk:
                await one.ask(talk, "REFER", refer)
                await asyncio.sleep(0.5)
                await one.hang_up(talk)

        line, wrong = f"sip:{ELM}@{host}:{port}", f"sip:19005550123@{host}:{port}"
        shown = f"<sip:+1512560{number:04d}@carrier.example>"
        yield Attempt("a caller transfers", target, partial(within, who.caller, line, shown))
        yield Attempt("a phone transfers", target, partial(within, who.bob, wrong))
        for one in (who.stranger, who.bob):
            yield Attempt("REFER out of nothing", target, partial(one.request, "REFER", line, headers=refer))


def _registered(who: Attackers) -> Iterator[Attempt]:
    """A phone that says it is to be found at the carrier's."""
    host, port = who.scene.server
    for place in (f"127.0.0.1:{who.scene.sink.port}", f"127.0.0.1:{who.scene.first.port};lr"):

        async def run(place: str = place) -> None:
            await who.alice.register(f"<sip:19005550123@{place}>")
            await _briefly(who.bob, f"sip:101@{host}:{port}")
            await who.alice.register()

        yield Attempt("registration", place, run)


def _otherwise(who: Attackers) -> Iterator[Attempt]:
    host, port = who.scene.server
    for method in ("MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY", "OPTIONS", "UPDATE", "INFO", "PRACK"):
        for one in (who.stranger, who.bob):
            headers = ["Event: dialog", "Expires: 60"] if method in ("SUBSCRIBE", "PUBLISH", "NOTIFY") else []
            uri = f"sip:19005550123@{host}:{port}"
            run = partial(one.request, method, uri, headers=headers, body="x", kind="text/plain")
            yield Attempt(method, uri, run)


async def _briefly(one: Party, uri: str, shown: str = "", header: str = "") -> None:
    """Calls, and hangs up a moment after an answer."""
    _, talk = await one.call(uri, sender=shown, headers=[header] if header else [])
    if talk:
        await asyncio.sleep(0.2)
        await one.hang_up(talk)
