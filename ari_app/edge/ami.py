"""AMI, for what ARI cannot do: make modules reload their configuration, set a channel's time limit while it plays or
records, send a ringing channel on in the dialplan, qualify a phone at once, and send it a re-INVITE during a talk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from panoramisk import Manager

from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable, ChannelGone

SECONDS = 5.0
"""An action is answered within milliseconds; if it takes longer than this, Asterisk hangs."""


class AmiConnection:
    """A persistent connection to one Asterisk: opened when first needed, and again after it was lost."""

    def __init__(
        self, port: int, secret: str, user: str = "leaseline", on_event: Callable[[object, Any], None] | None = None
    ) -> None:
        """`on_event` is called with every event that the user may read."""
        self._port = port
        self._secret = secret
        self._user = user
        self._on_event = on_event
        self._manager: _Manager | None = None
        self._opening = asyncio.Lock()

    async def send(self, **fields: str) -> Any:
        """Sends an action, and returns the answer. Raises AsteriskUnreachable if there is none."""
        try:
            async with asyncio.timeout(SECONDS):
                manager = await self._opened()
                return await manager.send_action(fields)
        except (TimeoutError, OSError) as error:
            self.close()
            raise AsteriskUnreachable("Asterisk's AMI does not answer, or refuses the login") from error

    async def limit(self, channel: str, seconds: int) -> None:
        """Makes a channel leave what it is doing `seconds` from now, for the dialplan's extension T.

        This sets TIMEOUT(absolute), for which ARI would wait until a playback or a recording is over (Asterisk
        22.10.1). Raises ChannelGone.
        """
        await self._act("AbsoluteTimeout", Channel=channel, Timeout=str(seconds))

    async def redirect(self, channel: str, context: str, extension: str) -> None:
        """Sends a channel on in the dialplan, even one that is ringing, which ARI refuses (412). Raises ChannelGone."""
        await self._act("Redirect", Channel=channel, Context=context, Exten=extension, Priority="1")

    async def qualify(self, endpoint: str) -> None:
        """Makes Asterisk send OPTIONS to an endpoint's contacts now, instead of when they are due."""
        await self._act("PJSIPQualify", Endpoint=endpoint)

    async def refresh(self, channel: str) -> None:
        """Sends a re-INVITE with our SDP on a SIP channel that is up, even while it plays or records; does not wait for
        the answer. Raises AsteriskRefused, ChannelGone."""
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
        """Raises AsteriskUnreachable if nothing listens on the port, to which panoramisk would try to connect
        forever."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        except OSError as error:
            raise AsteriskUnreachable(f"no Asterisk answers on AMI port {self._port}") from error


class _Manager(Manager):  # type: ignore[misc]
    """Does not reconnect by itself, as panoramisk would forever, even after it was closed."""

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
    """Makes a running Asterisk reload these modules' configuration, e.g. ['res_pjsip.so'].

    Raises AsteriskUnreachable if nothing answers on the port or the login is refused, AsteriskRefused if a module does
    not reload.
    """
    connection = AmiConnection(port, secret)
    try:
        for module in modules:
            answer = await connection.send(Action="Reload", Module=module)
            if getattr(answer, "response", "") != "Success":
                raise AsteriskRefused(0, str(getattr(answer, "message", "no reason given")), f"reload of {module}")
    finally:
        connection.close()


async def channels(port: int, secret: str) -> int:
    """How many channels a running Asterisk has, those of our app and all others.

    Raises AsteriskUnreachable if nothing answers on the port or the login is refused.
    """
    connection = AmiConnection(port, secret)
    try:
        answer = await connection.send(Action="CoreStatus")
        return int(getattr(answer, "corecurrentcalls", 0) or 0)
    finally:
        connection.close()


def _quiet() -> logging.Logger:
    """A logger that logs nothing: panoramisk logs whole messages, including secrets."""
    logger = logging.getLogger("panoramisk.quiet")
    logger.setLevel(logging.CRITICAL)
    return logger
