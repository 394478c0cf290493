"""Ends registrations of phones that must encrypt but register without TLS, and reports them.

Asterisk's registrar accepts a phone on any transport, and keeps it for up to an hour. But it sends the phone neither
calls nor OPTIONS, even while the app is away: the endpoint's transport is TLS, and no request is sent to a contact on
another one (22.10.1).
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from ari_app.edge.client import AriClient
from ari_app.edge.errors import ChannelGone
from crm.domain.errors import CrmError
from crm.edge import registrations

LONGEST_REGISTRATION = timedelta(hours=1)
"""maximum_expiration in pjsip.conf: within this time, a phone that still registers that way has done so again."""

log = logging.getLogger(__name__)


class PlainPhones:
    def __init__(
        self, client: AriClient, must_encrypt: Callable[[str], Awaitable[bool]], clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._must_encrypt = must_encrypt
        self._clock = clock
        self._came: dict[str, datetime] = {}
        """When each of them last registered."""
        self._logged: dict[str, datetime] = {}

    @property
    def troubles(self) -> list[str]:
        """The phones that registered lately, and what to do about them."""
        since = self._clock() - LONGEST_REGISTRATION
        names = ", ".join(sorted(device for device, at in self._came.items() if at > since))
        fix = "set the phone's transport to TLS, or allow the device to do without encryption, and restart the phone."
        return [f"Registers without TLS although it has to encrypt, and is refused ({names}): {fix}"] if names else []

    async def remove(self, device: str, uri: str) -> bool:
        """Ends a registration that is not allowed. Returns False if it is allowed, and while the database is away.

        The phone was told that it is registered, so it comes back only when that would expire. Raises PhoneError.
        """
        if registrations.is_over_tls(uri) or not await self._has_to_encrypt(device):
            self._came.pop(device, None)
            return False
        with contextlib.suppress(ChannelGone):  # It is gone already, for example because two events reported it.
            name = quote(contact_name(device, uri), safe="")
            await self._client.delete(f"/asterisk/config/dynamic/res_pjsip/contact/{name}")
        self._came[device] = now = self._clock()
        if now - self._logged.get(device, now - LONGEST_REGISTRATION) >= LONGEST_REGISTRATION:
            self._logged[device] = now
            log.warning("a phone that has to encrypt registers without TLS", extra={"device": device})
        return True

    async def _has_to_encrypt(self, device: str) -> bool:
        try:
            return await self._must_encrypt(device)
        except (CrmError, TimeoutError):
            return False


def contact_name(device: str, uri: str) -> str:
    """Asterisk's name for a registered contact (`ast_sip_location_create_contact`); the AOR has the device's name."""
    return f"{device};@{hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()}"
