"""Phones in browsers."""

from __future__ import annotations

from crm.services.phones import devices
from tests.asterisk import Phone, Seam


async def has_a_browser(system: Seam, agent: str = "alice") -> str:
    device = f"{agent}-web"
    await system.store.run(devices.add, system.secrets, system.by, device, agent=agent, kind="browser")
    await system.publish()
    return device


async def vanishes(system: Seam, browser: Phone, other: Phone) -> None:
    system.pbx.vanish(browser)
    begun = system.now()
    await system.hears_music(other)
    assert (system.now() - begun).total_seconds() < 3
