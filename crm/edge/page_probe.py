"""Whether the process of the web pages still answers: a process that hangs is there, and its connections are taken by
the system."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from crm.config import Config

ANSWER_SECONDS = 3.0
"""Without pages to make, an answer takes milliseconds."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Where one connects to what listens everywhere."""
# It is there, or not, without a look at the database.
_ASKED = b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class PageState(StrEnum):
    ANSWERS = "answers"
    HANGS = "hangs"
    """It listens, and says nothing."""
    UNKNOWN = "unknown"
    """It does not listen: it is starting, or its ports are taken."""


async def probe(config: Config, seconds: float = ANSWER_SECONDS) -> PageState:
    """Asks the listeners without TLS at the same time. Whatever one of them says is a sign of life, be it a refusal."""
    asked = ((config.web.bind, config.ports.site), (config.api.bind, config.ports.api))
    found = set(await asyncio.gather(*(_ask(ANYWHERE.get(bind, bind), port, seconds) for bind, port in asked)))
    return next(state for state in PageState if state in found)


async def _ask(address: str, port: int, seconds: float) -> PageState:
    writer = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(_ASKED)
            await reader.read(1)
            return PageState.ANSWERS
    except TimeoutError:
        return PageState.HANGS
    except OSError:
        # Somebody has to be there to cut a connection off.
        return PageState.ANSWERS if writer else PageState.UNKNOWN
    finally:
        if writer:
            writer.transport.abort()
