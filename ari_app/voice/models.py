"""Which recognizers and voices a system has, by its settings."""

from __future__ import annotations

from pathlib import Path

from ari_app.voice.remote import RemoteStt, RemoteVoice
from ari_app.voice.stt import Stt, WhisperStt
from ari_app.voice.tts import Engine, Piper, Tts
from asterisk_conf.package_sets import cache_folder
from crm.config import Config
from crm.secrets import Secrets

PIPER = cache_folder() / "voice-demo" / "piper"
"""Where `script/setup voice-demo` puts Piper's packages."""
STT_KEY, TTS_KEY = "stt", "tts"
"""Names among the secrets of the keys for ai.stt_url and ai.tts_url; without one, none is sent."""
LANGUAGES = ("en", "es")


def stt_of(config: Config, secrets: Secrets) -> Stt:
    ai = config.ai
    if ai.stt_url:
        return RemoteStt(ai.stt_url, ai.stt_model, _key(secrets, STT_KEY))
    return WhisperStt(ai.whisper_model or config.voice.whisper_model, ai.quick_model, config.voice.threads)


def tts_of(config: Config, secrets: Secrets) -> Tts:
    ai = config.ai
    voices: dict[str, Engine] = {}
    if ai.tts_url:
        voice = RemoteVoice(ai.tts_url, ai.tts_model, ai.tts_voice, _key(secrets, TTS_KEY))
        voices = dict.fromkeys(LANGUAGES, voice)
    for language, file in ai.piper_voices.items():
        voices.setdefault(language, Piper(Path(file), PIPER if PIPER.is_dir() else None))
    return Tts(voices, config.prompts_folder / "voice", config.prompts_folder / "recorded" / "voice")


def _key(secrets: Secrets, name: str) -> str:
    return secrets.get(name) if secrets.has(name) else ""
