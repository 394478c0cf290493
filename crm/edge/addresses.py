"""The address under which phones find this machine."""

from __future__ import annotations

import socket

from crm.config import Config


def server(config: Config) -> str:
    """What phones are given as their SIP server: the name in the settings, or else an address of this machine."""
    return config.sip.hostname or own_address(config)


def own_address(config: Config) -> str:
    """The address of this machine that phones in the office can reach."""
    if config.sip.bind != "0.0.0.0":
        return config.sip.bind
    # Connecting a UDP socket sends nothing; it only asks the system which of its addresses it would use.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
