"""A browser whose machine gets another address in a talk, as when it goes from one Wi-Fi to another."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.busy import only_on_duty
from tests.own_network import OUR_END, OwnNetwork, free_port, needs_root, own_network
from tests.page_phone import PagePhone, both_are_heard, console, page_phone
from tests.system import System

pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session"), needs_root]


ADDRESS = """
async () => {
    const stats = await window.connections.at(-1).getStats()
    const transport = [...stats.values()].find((one) => one.type === "transport")
    const pair = stats.get(transport?.selectedCandidatePairId)
    return stats.get(pair?.localCandidateId)?.address ?? ""
}
"""
"""The address that the sound comes from."""


async def test_when_the_machine_has_another_address_in_a_talk_then_it_goes_on(system: System, tmp_path: Path) -> None:
    """The former connections get no answer any more, nor do they end. At first the browser is offline for a moment, and
    its page told so; then it never is, as with a cable that is plugged in."""
    await only_on_duty(system, "alice")
    port = free_port()
    # By this name, a page may have a microphone without a certificate.
    url, flags = f"http://localhost:{port}", (f"--host-resolver-rules=MAP localhost {OUR_END}",)
    async with (
        own_network(tmp_path, port) as network,
        console(system, port),
        page_phone(system, url, flags=flags, program=network.browser) as phone,
        system.caller() as caller,
    ):
        await system.to_team(caller)
        await phone.answers()
        await both_are_heard(system, phone, caller)
        for is_offline in (True, False):
            assert await phone.page.evaluate(ADDRESS) == network.address
            network.moves(is_without_any=is_offline)
            await system.until(partial(_speaks_from, phone, network), "the sound has found its way", seconds=60)
            await both_are_heard(system, phone, caller)
            await phone.talks()
        await caller.hang_up()
        await phone.is_free()
    call = await system.ended_call(caller.user)
    # On a busy machine the page may also have been called back into the talk.
    assert (call.outcome, {leg.device for leg in call.legs}) == ("talked", {phone.device})


async def _speaks_from(phone: PagePhone, network: OwnNetwork) -> bool:
    return bool(await phone.page.evaluate(ADDRESS) == network.address)
