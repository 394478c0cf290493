"""The Asterisk of these tests is strict: what the real one would not say, do or answer, it does not either."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskRefused, ChannelGone
from asterisk_conf.render import STASIS_APP
from tests.asterisk import Seam, documents
from tests.asterisk.dialplan import KEPT

pytestmark = pytest.mark.flows


def test_what_the_documents_do_not_tell_is_refused() -> None:
    playback = {"id": "p", "media_uri": "sound:a", "target_uri": "channel:c", "language": "en", "state": "done"}
    documents.check("Playback", playback)
    for wrong in ({**playback, "volume": 3}, {name: playback[name] for name in ("id", "state")}):
        with pytest.raises(AssertionError):
            documents.check("Playback", wrong)
    with pytest.raises(AssertionError):
        documents.check("PlaybackFinished", {"type": "PlaybackFinished", "playback": {**playback, "state": 1}})


async def test_its_dialplan_has_doors_that_ours_has_and_keeps_what_ours_keeps(system: Seam) -> None:
    ours = (system.config.asterisk_folder / "etc" / "extensions.conf").read_text()
    contexts = dict(re.findall(r"^\[([a-z-]+)\]\n((?:(?!\[).*\n)*)", ours, re.MULTILINE))
    assert set(system.pbx.dialplan) - {"taken-back"} <= set(contexts)
    assert re.findall(r'LL_(\w+)="?\$\{LL_\1\}', contexts["agent-leg"].partition("\n same")[0]) == list(KEPT)
    for context, arguments in (("agent-leg", "agent"), ("outside-leg", "outside"), ("order-leg", "ordered")):
        assert f"Stasis({STASIS_APP},{arguments},${{LL_CALL}})" in contexts[context]


async def test_time_passes_when_nobody_has_anything_to_do_and_not_while_a_thread_works(system: Seam) -> None:
    loop, began = asyncio.get_running_loop(), time.monotonic()
    before, clock = system.now(), loop.time()
    await asyncio.sleep(20)
    assert (system.now() - before).total_seconds() >= 20
    assert loop.time() - clock >= 20
    assert time.monotonic() - began < 20
    async with asyncio.timeout(0.5):
        await asyncio.to_thread(time.sleep, 0.02)


async def test_a_phone_that_is_off_cannot_be_dialed_and_who_is_not_in_the_app_is_not_played_to(system: Seam) -> None:
    async def nothing_to_do() -> None:
        pass

    url, password = f"http://127.0.0.1:{system.config.ports.http}", system.secrets.get("ari")
    async with AriClient(
        url, "leaseline", password, "probe", on_connect=nothing_to_do, on_event=lambda _: None
    ) as client:
        with pytest.raises(AsteriskRefused) as refused:
            await client.post(
                "/channels/create",
                {"variables": {}},
                endpoint="PJSIP/alice-desk",
                app="leaseline",
                appArgs="ringing",
                channelId="leg",
            )
        assert refused.value.status == 500
        with pytest.raises(ChannelGone):
            await client.post("/channels/leg/play/p", media="sound:beep")
        async with system.phone("alice-desk") as alice:
            await client.post(
                "/channels/create",
                {"variables": {}},
                endpoint="PJSIP/alice-desk",
                app="leaseline",
                appArgs="ringing",
                channelId="leg",
            )
            await client.post("/channels/leg/dial")
            await alice.wait_for("CALL_INCOMING")
            with pytest.raises(ChannelGone) as gone:
                await client.post("/channels/leg/dial")
            assert gone.value.status == 409
            with pytest.raises(AsteriskRefused) as outside:
                await client.post("/bridges/nowhere/addChannel", channel="leg")
            assert outside.value.status == 404
            await client.delete("/channels/leg")
            await alice.wait_for("CALL_CLOSED")
