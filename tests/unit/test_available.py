"""Which phones count as on a call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from ari_app.call.available import phones
from ari_app.call.call import AppContext
from ari_app.edge import events
from ari_app.edge.events import CallerID, Channel, DialplanCEP
from ari_app.edge.present import Present

pytestmark = pytest.mark.unit


async def on_call(present: Present) -> set[str]:
    async def seen() -> Present:
        return present

    context = cast(AppContext, SimpleNamespace(client=SimpleNamespace(seen=seen)))
    return {device for device in (await phones(context)).on_call if device}


async def test_a_phone_is_on_a_call_from_its_answer_until_it_hangs_up() -> None:
    present = Present()
    alice = Channel("1", "PJSIP/alice-desk-00000001", "Ringing", CallerID("", ""), DialplanCEP("", "", 1))
    present.hear(events.ChannelCreated(alice))
    assert await on_call(present) == set()
    up = Channel(alice.id, alice.name, "Up", alice.caller, alice.dialplan)
    present.hear(events.ChannelStateChange(up))
    assert await on_call(present) == {"alice-desk"}
    # Asterisk takes a while to take the channel down, and a caller may be on their way back to this very phone.
    present.hear(events.ChannelHangupRequest(up, cause=16))
    assert await on_call(present) == set()
