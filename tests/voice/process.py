"""The voice process with scripted models: `python -m tests.voice.process HOME SOUNDS [--quick SOUNDS] [--hums VOICE]`.

All else is the real thing: the server, the voice detector, pipes to the processes of the models, flite. With `--hums`
it has a voice in a process, as Piper is.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from ari_app.voice import protocol
from ari_app.voice.models import tts_of
from ari_app.voice.server import VoiceServer
from ari_app.voice.stt import WhisperStt
from ari_app.voice.tts import Piper, Tts
from crm.config import load
from crm.secrets import Secrets
from tests.hurried import sentences_hurried


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("sounds")
    parser.add_argument("--quick", default="")
    parser.add_argument("--hums", type=Path)
    options = parser.parse_args()
    config = load(options.home)
    stt = WhisperStt(options.sounds, options.quick, 1, "tests.voice.scripted_stt")
    secrets = Secrets(config.secrets_file)
    tts = tts_of(config, secrets)
    if options.hums:
        hum = Piper(options.hums, module="tests.voice.scripted_tts")
        await hum.start()
        await hum.worker.ask({"text": "Ready."}, 10)  # It is up.
        tts = Tts({"en": hum}, config.prompts_folder / "voice", config.prompts_folder / "recorded" / "voice")
    secret = secrets.ensure(protocol.SECRET)
    server = VoiceServer(config.ports.voice, config.ports.http, secret, stt, tts)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with server.running():
        await stop.wait()


if __name__ == "__main__":
    with sentences_hurried():
        asyncio.run(main())
