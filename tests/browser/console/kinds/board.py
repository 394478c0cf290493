"""The board, with calls in each of their states."""

from __future__ import annotations

from crm.domain.access import Role
from crm.edge.live_state import PartyNow, PhoneNow
from tests.browser.console.kind import Kind
from tests.web.console.live import call

CALLS = (
    call("leaseline-1.1", name="Carol Castillo-Featherstonehaugh", source="sign", is_recorded=True),
    call("leaseline-1.2", step="ring", number="", parties=(PartyNow("bob-desk", "rings"),), is_waiting=True),
    call("leaseline-1.3", step="queue", parties=(), is_waiting=True, property_name="Lakeside Townhomes and Gardens"),
    call("leaseline-1.4", step="parked", parties=(), is_waiting=True, slot="701"),
    call("leaseline-1.5", step="voice_agent", parties=()),
    call("leaseline-1.6", direction="internal", number="", property_id=None, property_name=""),
)
PHONES = (
    PhoneNow("alice-desk", is_online=True, is_talking=True),
    PhoneNow("bob-desk", is_online=True, is_ringing=True),
    PhoneNow("carol-soft", is_online=True, is_deaf=True),
)

KINDS = (
    Kind("board", "/"),
    Kind("board of an agent", "/", Role.AGENT),
    Kind("board, read only", "/", Role.READ_ONLY),
    Kind("call of the board", "/board/leaseline-1.1", Role.MANAGER),
)
