"""What phones hear and say: finds sound files in their recordings."""

from __future__ import annotations

import asyncio
import wave
import zlib
from pathlib import Path

from ari_app.demo import listening
from ari_app.demo.listening import Heard
from ari_app.demo.softphone import Softphone
from asterisk_conf.prompts import speech, tones
from crm.services.phones.spoken import spoken
from tests.hurried import plainly
from tests.system.parts import Parts


class Hearing(Parts):
    def heard(self, phone: Softphone) -> list[Heard]:
        """Returns the prompts the phone heard, in order: names of the language `en`, `beep`, or `greeting`."""
        sounds = {name: self.config.prompt(name, "en") for name in speech.sentences("en")}
        sounds |= {f"greeting {path.stem}": path for path in (self.config.prompts_folder / "greetings").glob("*.wav")}
        known = {name: listening.read(path) for name, path in sounds.items()}
        return listening.find(listening.read(phone.heard), known)

    def heard_names(self, phone: Softphone) -> list[str]:
        return [heard.name for heard in self.heard(phone)]

    async def hears(self, phone: Softphone, sound: Path, count: int = 1, seconds: float = 45) -> None:
        """Waits until a phone has heard a sound file to its end, `count` times in its latest call."""
        ear = Ear(phone.heard, sound)
        try:
            await self.until(lambda: ear.has_heard(count), f"{phone.user} hears {sound.stem}", seconds, pause=0.2)
        except AssertionError as error:
            heard = await asyncio.to_thread(self._parts_heard, phone, sound)
            raise AssertionError(f"{error}; heard: {heard}") from None

    def _parts_heard(self, phone: Softphone, sound: Path) -> list[Heard]:
        """Returns what was heard instead: all prompts, and any part of the sound."""
        if not phone.heard.exists():
            return []
        recorded = listening.read(phone.heard)
        return self.heard(phone) + listening.find(recorded, {f"looked for: {sound.stem}": listening.read(sound)})

    async def has_heard(self, phone: Softphone, sound: Path) -> bool:
        """Whether a phone has heard a sound file to its end in its latest call."""
        return await self.times_heard(phone, sound) > 0

    async def times_heard(self, phone: Softphone, sound: Path) -> int:
        return await asyncio.to_thread(Ear(phone.heard, sound).times)

    async def hears_music(self, phone: Softphone) -> None:
        """Waits until a phone hears music on hold."""
        await self.until(lambda: bool(self.music_heard(phone)), f"{phone.user} hears music", seconds=30, pause=0.4)

    def music_heard(self, phone: Softphone) -> list[Heard]:
        """Returns where the music was heard; it may start at any position."""
        whole = listening.read(self.config.prompts_folder / tones.MUSIC / tones.MUSIC_FILE)
        parts = {f"music {start}": whole[start : start + 2 * listening.RATE] for start in range(0, len(whole), 16000)}
        return listening.find(listening.read(phone.heard), parts)

    async def speak(self, phone: Softphone, sound: Path) -> None:
        """Says a sentence and returns once it has been said, which only the clock can tell."""
        await phone.say(sound)
        await asyncio.sleep(len(listening.read(sound)) / listening.RATE + 0.3)

    def prompt(self, name: str, language: str = "en") -> Path:
        return self.config.prompt(name, language)

    async def phrase(self, prompt: str, language: str = "en", **places: str) -> Path:
        """Returns a sentence with a name or a key in it, as callers hear it."""
        return await spoken(self.config, speech.phrases(language)[prompt].format(**places), language)

    def spoken(self, text: str) -> Path:
        """Returns a sentence for a phone to say, at a person's pace: what a busy machine loses of it is not all."""
        path = self.folder / "sentences" / f"{text[:80]} {zlib.crc32(text.encode())}.wav"
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            plainly(text, "en", path)
        return path


class Ear:
    """Listens for one sound file in a recording that is still growing.

    Comparing the whole recording takes a while, so it is only done once the file's end was found in the new part; since
    that part may be distorted, it is also done now and then regardless.
    """

    WHOLE_EVERY_SECONDS = 4.0

    def __init__(self, recording: Path, sound: Path) -> None:
        self._recording, self._sound = recording, sound
        self._known = listening.read(sound)
        self._compared = 0
        self._compared_whole = 0

    async def has_heard(self, count: int) -> bool:
        """Whether the sound was heard to its end, `count` times."""
        try:
            recorded = listening.read(self._recording)
        except (OSError, EOFError, wave.Error):
            return False  # It has only just begun.
        if len(recorded) < self._compared:
            self._compared = self._compared_whole = 0  # Another call has begun.
        if len(recorded) == self._compared_whole:
            return False
        # On hangup a phone drops the contents of its jitter buffer, so the end may never be heard as it is.
        has_stopped = len(recorded) == self._compared
        new = recorded[max(0, self._compared - int(listening.SNIPPET_SECONDS * listening.RATE)) :]
        self._compared = len(recorded)
        is_long_ago = len(recorded) - self._compared_whole > self.WHOLE_EVERY_SECONDS * listening.RATE
        if not is_long_ago and not has_stopped and not listening.has_end(new, self._known):
            return False
        self._compared_whole = len(recorded)
        return await asyncio.to_thread(self.times) >= count

    def times(self) -> int:
        """Returns how often the sound was heard to its end."""
        try:
            recorded = listening.read(self._recording)
        except (OSError, EOFError, wave.Error):
            return 0
        found = listening.find(recorded, {self._sound.stem: self._known})
        return sum(one.whole for one in found)
