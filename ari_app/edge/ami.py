"""AMI, for the one thing ARI cannot do everywhere: have modules read their configuration again."""

from __future__ import annotations

import asyncio
import logging

from panoramisk import Manager

from ari_app.edge.errors import AsteriskRefused, AsteriskUnreachable

SECONDS = 5.0
"""A reload answers in milliseconds; longer means that Asterisk hangs."""


async def reload(port: int, secret: str, modules: list[str]) -> None:
    """Has a running Asterisk read these modules' configuration again, e.g. ['res_pjsip.so'].

    Raises AsteriskUnreachable when none listens on the port, AsteriskRefused when it does not take the login.
    """
    manager = Manager(
        host="127.0.0.1",
        port=port,
        username="leaseline",
        secret=secret,
        ping_delay=0,
        reconnect_timeout=0,
        log=_quiet(),
    )
    # panoramisk tries for ever to connect to a port where nobody listens; ask first.
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise AsteriskUnreachable(f"no Asterisk answers on AMI port {port}") from error
    try:
        async with asyncio.timeout(SECONDS):
            await manager.connect()
            for module in modules:
                answer = await manager.send_action({"Action": "Reload", "Module": module})
                if getattr(answer, "response", "") != "Success":
                    raise AsteriskRefused(0, str(getattr(answer, "message", "no reason given")), f"reload of {module}")
    except TimeoutError as error:
        raise AsteriskRefused(0, "no answer in time", "login or reload over AMI") from error
    finally:
        manager.close()


def _quiet() -> logging.Logger:
    """panoramisk logs whole messages, secrets included."""
    logger = logging.getLogger("panoramisk.quiet")
    logger.setLevel(logging.CRITICAL)
    return logger
