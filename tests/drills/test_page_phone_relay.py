"""A browser in a network that lets nothing through but a connection to the office's TURN server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from crm.config import Config
from crm.services.phones.relays import SECRET
from crm.services.system.checks import relays
from tests.busy import only_on_duty
from tests.own_network import free_port
from tests.page_phone import PagePhone, both_are_heard, console, page_phone
from tests.system import System
from tests.turn_server import turn_server

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

# The same without a TURN server is in test_page_phone_survives: nobody hears anything.
NO_UDP = "--force-webrtc-ip-handling-policy=disable_non_proxied_udp"
WAY = """
async () => {
    const stats = await window.connections.at(-1).getStats()
    const pair = [...stats.values()].find((one) => one.type === "candidate-pair" && one.nominated)
    return [stats.get(pair.localCandidateId).candidateType, stats.get(pair.localCandidateId).relayProtocol]
}
"""
RELAYED = """
async () => {
    const stats = await window.connections.at(-1).getStats()
    const transport = [...stats.values()].find((one) => one.type === "transport")
    const pair = stats.get(transport?.selectedCandidatePairId)
    return stats.get(pair?.localCandidateId)?.port
}
"""
"""The relay's port that the sound goes through; nothing while a way is looked for."""


async def relayed(phone: PagePhone) -> int:
    found = await phone.page.wait_for_function(RELAYED)
    return int(await found.json_value())


async def test_the_sound_goes_through_the_turn_server_with_a_password_that_does_not_last(
    system: System, tmp_path: Path
) -> None:
    await only_on_duty(system, "alice")
    async with (
        turn_server(system, free_port(), tmp_path) as turn,
        console(system, free_port(), ice_servers=(turn.url,)) as url,
        page_phone(system, url, flags=(NO_UDP,)) as phone,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await phone.answers()
        await both_are_heard(system, phone, caller)
        assert await phone.page.evaluate(WAY) == ["relay", "tcp"]
        assert turn.has_logged(":alice-web>")
        await phone.press("hang_up")
        await caller.wait_for("CALL_CLOSED")
        assert phone.complaints == []


async def test_jssip_738_when_the_way_of_the_sound_is_another_one_then_the_talk_goes_on(
    system: System, tmp_path: Path
) -> None:
    """The sound comes from another address than before, as when a laptop changes its network. The connection
    for SIP is lost at the same moment."""
    await only_on_duty(system, "alice")
    port, pages = free_port(), free_port()
    url_of_turn = f"turn:127.0.0.1:{port}?transport=tcp"
    async with (
        console(system, pages, ice_servers=(url_of_turn,)) as url,
        turn_server(system, port, tmp_path) as turn,
        page_phone(system, url, flags=(NO_UDP,)) as phone,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await phone.answers()
        await both_are_heard(system, phone, caller)
        before = await relayed(phone)
        turn.process.kill()
        await phone.drops_connection()
        async with turn_server(system, port, tmp_path):
            await phone.is_ready()
            # Nobody presses anything: the talk goes on, or Leaseline has called the page back into it.
            await both_are_heard(system, phone, caller)
            await phone.talks()
            assert await relayed(phone) != before
            await caller.hang_up()
            await phone.is_free()
        call = await system.ended_call(caller.user)
    assert call.outcome == "talked"
    assert {leg.device for leg in call.legs} == {phone.device}


async def test_the_check_up_asks_the_servers_as_a_page_does(system: System, tmp_path: Path) -> None:
    def with_servers(*urls: str) -> Config:
        console = msgspec.structs.replace(system.config.console, ice_servers=urls)
        return msgspec.structs.replace(system.config, console=console)

    async def found(config: Config) -> list[tuple[str, str]]:
        return [(one.code, one.text) for one in await relays.examine(config, datetime.now(UTC))]

    async with turn_server(system, free_port(), tmp_path) as server:
        tcp, udp = server.url, f"turn:127.0.0.1:{server.port}"
        stun, nobody = f"stun:127.0.0.1:{server.port}", "stun:127.0.0.1:9"
        config = with_servers(stun, tcp, udp)
        assert await found(config) == [("", f"Phones in browsers may use {stun}, {tcp}, {udp}.")]
        silent, good = await found(with_servers(nobody, tcp))
        assert silent == ("relay_silent", f"{nobody} does not answer: nothing came within 3 s.")
        assert good == ("", f"Phones in browsers may use {tcp}.")
        # Relays are given back: the server counts them for each user.
        await system.until(lambda: server.log.read_text().count("closed") >= 3, "no relay is left")
        kept = system.crm.secrets.get(SECRET)
        system.crm.secrets.put(SECRET, "another than the server has")
        try:
            refused = await found(config)
        finally:
            system.crm.secrets.put(SECRET, kept)
        assert [code for code, _ in refused] == ["relay_refuses", "relay_refuses", ""]
    [(code, text), *_] = await found(with_servers(tcp))
    assert (code, text.partition(": ")[0]) == ("relay_silent", f"{tcp} does not answer")
