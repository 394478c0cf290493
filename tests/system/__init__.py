"""A whole Leaseline for the call tests: its own home and ports, a real Asterisk, the app, phones, and a carrier.

Three witnesses tell what happened: the phones (events and recorded audio), Asterisk (ARI), and the database.
"""

from tests.system.carriers import SILENT, CarrierPeer, response
from tests.system.home import SETTINGS, Shared, System, running_system, setting_of
from tests.system.office import ELM, LAKESIDE
from tests.system.ports import port_block
from tests.system.prompts import spoken_prompts

__all__ = [
    "ELM",
    "LAKESIDE",
    "SETTINGS",
    "SILENT",
    "CarrierPeer",
    "Shared",
    "System",
    "port_block",
    "response",
    "running_system",
    "setting_of",
    "spoken_prompts",
]
