"""A colleague's extension was dialed: which phones may ring for it now?

Sets LL_ANSWERED=1 and LL_PHONES, a dial string of devices, or empty. If LL_ANSWERED is not set, the dialplan rings the
phones in its own configuration.
"""

from __future__ import annotations

from agi.server import Script
from agi.session import Session
from crm.context import Crm
from crm.services.phones import extensions


def script(crm: Crm) -> Script:
    async def extension(session: Session) -> None:
        dialled = session.arguments[0] if session.arguments else ""
        phones = await crm.store.read(extensions.phones_of, dialled, crm.now())
        await session.set_variable("LL_PHONES", "&".join(f"PJSIP/{slug}" for slug in phones))
        await session.set_variable("LL_ANSWERED", "1")

    return extension
