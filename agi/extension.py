"""A colleague's extension is dialled: which phones may ring for it right now?

Sets LL_ANSWERED=1 and LL_PHONES, a dial string of devices or empty. Without that the dialplan rings what it was
rendered with.
"""

from __future__ import annotations

from datetime import UTC, datetime

from agi.server import Script
from agi.session import Session
from crm.services.phones import extensions
from crm.store.session import Store


def script(store: Store) -> Script:
    async def extension(session: Session) -> None:
        dialled = session.arguments[0] if session.arguments else ""
        phones = await store.read(extensions.phones_of, dialled, datetime.now(UTC))
        await session.set_variable("LL_PHONES", "&".join(f"PJSIP/{slug}" for slug in phones))
        await session.set_variable("LL_ANSWERED", "1")

    return extension
