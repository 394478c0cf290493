"""AMI, for what ARI cannot do: have modules read their configuration again, set a channel's time limit while it plays
or records, send one that rings on in the dialplan, ask a phone at once whether it answers, and where its sound is to go
while it talks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from panoramisk import Manager

from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone

SECONDS = 5.0
"""An action is answered in milliseconds; longer means that Asterisk hangs."""


class AmiConnection:
    """A kept connection to one Asterisk: opened when it is first needed, and again after it was lost."""

    def __init__(
        self, port: int, secret: str, user: str = "leaseline", on_event: Callable[[object, Any], None] | None = None
    ) -> None:
        """`on_event` gets every event that the user may read."""
        self._port = port
        self._secret = secret
        self._user = user
        self._on_event = on_event
        self._manager: _Manager | None = None
        self._opening = asyncio.Lock()

    async def send(self, **fields: str) -> Any:
        """Sends an action and returns the answer. Raises AsteriskUnreachable when there is none."""
        try:
            async with asyncio.timeout(SECONDS):
                manager = await self._opened()
                return await manager.send_action(fields)
        except (TimeoutError, OSError) as error:
            self.close()
            raise AsteriskUnreachable("Asterisk's AMI does not answer, or refuses the login") from error

    async def limit(self, channel: str, seconds: int) -> None:
        """Has a channel leave what it does after `seconds` from now, for the dialplan's extension T.

        The same as setting TIMEOUT(absolute) by ARI, which waits until a playback or a recording is over (Asterisk
        22.10.1). Raises ChannelGone.
        """
        await self._act("AbsoluteTimeout", Channel=channel, Timeout=str(seconds))

    async def redirect(self, channel: str, context: str, extension: str) -> None:
        """Sends a channel on in the dialplan, also one that rings, which ARI refuses to (412). Raises ChannelGone."""
        await self._act("Redirect", Channel=channel, Context=context, Exten=extension, Priority="1")

    async def qualify(self, endpoint: str) -> None:
        """Has Asterisk ask an endpoint's contacts at once whether they answer, and not only when their turn comes."""
        await self._act("PJSIPQualify", Endpoint=endpoint)

    async def refresh(self, channel: str) -> None:
        """Sends a re-INVITE with our SDP on a SIP channel that is up, while it plays or records, too; does not wait for
        the answer. Raises AsteriskRefused, and ChannelGone."""
        await self._act("Setvar", Channel=channel, Variable="PJSIP_SEND_SESSION_REFRESH()", Value="invite")

    async def _act(self, action: str, **fields: str) -> None:
        answer = await self.send(Action=action, **fields)
        if getattr(answer, "response", "") != "Success":
            reason = str(getattr(answer, "message", "no reason given"))
            is_gone = any(words in reason for words in ("No such channel", "does not exist", "not up"))
            refused = ChannelGone if is_gone else AsteriskRefused
            raise refused(404 if is_gone else 0, reason, f"{action} over AMI")

    def close(self) -> None:
        if self._manager is not None:
            self._manager.close()
            self._manager = None

    async def _opened(self) -> _Manager:
        async with self._opening:
            if self._manager is None or self._manager.is_lost:
                await self._check_port()
                manager = _Manager(
                    host="127.0.0.1", port=self._port, username=self._user, secret=self._secret, log=_quiet()
                )
                if self._on_event:
                    manager.register_event("*", self._on_event)
                try:
                    await manager.connect()
                except BaseException:
                    manager.close()
                    raise
                self._manager = manager
            return self._manager

    async def _check_port(self) -> None:
        """panoramisk tries for ever to connect to a port where nobody listens."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        except OSError as error:
            raise AsteriskUnreachable(f"no Asterisk answers on AMI port {self._port}") from error


class _Manager(Manager):  # type: ignore[misc]
    """Does not connect again by itself, which panoramisk would try for ever, also after it was closed."""

    is_lost = False

    def connection_lost(self, exc: object) -> None:
        self.is_lost = True
        if self.pinger:
            self.pinger.cancel()
        while self.awaiting_actions:
            future = self.awaiting_actions.popleft().future
            if not future.done():
                future.set_exception(ConnectionResetError("Asterisk has closed the AMI connection"))


async def reload(port: int, secret: str, modules: list[str]) -> None:
    """Has a running Asterisk read these modules' configuration again, e.g. ['res_pjsip.so'].

    Raises AsteriskUnreachable when none answers on the port or the login is not taken, AsteriskRefused for a module.
    """
    connection = AmiConnection(port, secret)
    try:
        for module in modules:
            answer = await connection.send(Action="Reload", Module=module)
            if getattr(answer, "response", "") != "Success":
                raise AsteriskRefused(0, str(getattr(answer, "message", "no reason given")), f"reload of {module}")
    finally:
        connection.close()


def _quiet() -> logging.Logger:
    """panoramisk logs whole messages, secrets included."""
    logger = logging.getLogger("panoramisk.quiet")
    logger.setLevel(logging.CRITICAL)
    return logger
