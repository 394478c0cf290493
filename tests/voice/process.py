"""The voice process with scripted ears: `python -m tests.voice.process HOME SOUNDS [QUICK]`.

All else is the real thing: the server, the voice detector, pipes to a process that recognizes sounds, and speech.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from ari_app.voice import protocol
from ari_app.voice.models import tts_of
from ari_app.voice.server import VoiceServer
from ari_app.voice.stt import WhisperStt
from crm.config import load
from crm.secrets import Secrets

MODULE = "tests.voice.scripted_stt"


async def main() -> None:
    config = load(Path(sys.argv[1]))
    stt = WhisperStt(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "", 1, MODULE)
    secret = Secrets(config.secrets_file).ensure(protocol.SECRET)
    server = VoiceServer(config.ports.voice, config.ports.http, secret, stt, tts_of(config))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with server.running():
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
