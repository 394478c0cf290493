"""How soon a text that a caller asks the voice agent for has left: from their last word to the carrier.

A whole system with a caller's phone, the real voice process with the models that `script/setup voice-demo` fetches, the
rules, the outbox, and a carrier that takes texts by SIP. Each caller is a new one and asks once; the call goes on
meanwhile. The moment at which the phone was told to play the sentence is taken for its beginning, so what the phone
takes for that is counted, too. `script/bench voice_texts --calls 10`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
import wave
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import update

from ari_app.voice.resampling import resampled
from bench.voice.speaking import LINE, MODELS, SPEECH, Listener, over_telephone
from crm.store.models import Line
from tests.system import SETTINGS, System
from tests.system.home import running_system
from tests.system.prompts import spoken_prompts
from tests.voice.calls import says
from tests.voice.phone import voice

RESULTS = Path(__file__).parent / "results"
SENTENCE = "Can you text me the listings?"
MOST_SECONDS = 3.0
"""What is promised."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=10)
    asked = options.parse_args()
    load = os.getloadavg()
    found = asyncio.run(_all(asked.calls))
    late = sum(one > MOST_SECONDS for one in found)
    print(
        f"{len(found)} texts: p50 {statistics.median(found):.2f} s, most {max(found):.2f} s after the last word;"
        f" {late} later than {MOST_SECONDS:g} s; load {load[0]:.1f}"
    )
    now = datetime.now(UTC)
    kept = {"date": now.isoformat(timespec="seconds"), "load": load, "load after": os.getloadavg(), "seconds": found}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"voice_texts-{now:%Y%m%d-%H%M%S}.json").write_text(json.dumps(kept, indent=1) + "\n")


async def _all(calls: int) -> list[float]:
    ai = f'\n[ai]\nwhisper_model = "{MODELS / "whisper-base"}"\n'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sentence, seconds = _recorded(folder)
        async with running_system(folder, spoken_prompts(), SETTINGS + ai) as system:
            with system.store.writing() as session:
                session.execute(update(Line).values(ai_answers="always"))
            async with voice(system):
                return [await _one(system, sentence, seconds) for _ in range(calls)]


async def _one(system: System, sentence: Path, seconds: float) -> float:
    async with system.caller() as caller:
        await system.dial(caller)
        await says(system, caller.user, "how_can_i_help")
        began = time.monotonic()
        await caller.say(sentence)
        await system.carrier.text_to(caller.user)
        took = time.monotonic() - began - seconds
        await caller.hang_up()
        await system.ended_call(caller.user)
    return round(took, 3)


def _recorded(folder: Path) -> tuple[Path, float]:
    """The sentence as the telephone carries it, and after how many seconds its last word ends."""
    listener = Listener()
    sound = resampled(over_telephone(listener.spoken(SENTENCE, "piper", "en"), None, 0), SPEECH, LINE)
    listener.close()
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    path = folder / "asks.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, LINE, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path, float(loud[-1]) / LINE


if __name__ == "__main__":
    main()
