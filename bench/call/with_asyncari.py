"""A control: the call with the library asyncari, without any recording. Has its own environment (controls.py)."""

import contextlib
import logging
import sys

import anyio
import asyncari

LEG = "leg"
log = logging.getLogger(__name__)
answered: dict[str, anyio.Event] = {}


async def handle(ari: asyncari.Client, caller, agent: str, prompts: str) -> None:
    aiter(caller)  # From here on its events are queued.
    leg = bridge = None
    try:
        await caller.answer()
        playback = await caller.play(media=f"sound:{prompts}/welcome,sound:{prompts}/menu")
        async for event in caller:
            if event.type == "ChannelDtmfReceived" and event.digit == "2":
                break
            if event.type in ("StasisEnd", "ChannelDestroyed", "ChannelHangupRequest"):
                return
        await playback.stop()
        await caller.ring()
        leg = await ari.channels.originate(endpoint=f"PJSIP/{agent}", app="leaseline", appArgs=LEG, timeout=20)
        is_up = answered[leg.id] = anyio.Event()
        with anyio.fail_after(20):
            await is_up.wait()
        bridge = await ari.bridges.create(type="mixing")
        await bridge.addChannel(channel=caller.id)
        await bridge.addChannel(channel=leg.id)
        async for event in caller:
            if event.type in ("StasisEnd", "ChannelDestroyed", "ChannelHangupRequest"):
                return
    except Exception:
        log.exception("the call is given up")
    finally:
        await caller.aclose()
        for part, end in ((leg, "hangup"), (bridge, "destroy")):
            if part is not None:
                answered.pop(part.id, None)
                # It may be gone already.
                with contextlib.suppress(Exception):
                    await getattr(part, end)()


async def main(url: str, password: str, prompts: str) -> None:
    async with (
        asyncari.connect(url, "leaseline", "leaseline", password) as ari,
        ari.on_channel_event("StasisStart") as arrivals,
    ):
        async for channel, event in arrivals:
            # If one channel replaces another, the event has both.
            channel = channel["channel"] if isinstance(channel, dict) else channel
            if event["args"][0] != LEG:
                ari.taskgroup.start_soon(handle, ari, channel, f"agent-{event['args'][0][-4:]}", prompts)
            elif is_up := answered.get(channel.id):
                is_up.set()


logging.basicConfig(level=logging.ERROR)
anyio.run(main, *sys.argv[1:])
