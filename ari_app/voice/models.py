"""Which recognizers and voices a system has, by its settings."""

from __future__ import annotations

from pathlib import Path

from ari_app.voice.stt import Stt, WhisperStt
from ari_app.voice.tts import Engine, Piper, Tts
from asterisk_conf.install import cache_folder
from crm.config import Config

PIPER = cache_folder() / "voice-demo" / "piper"
"""Where `script/setup voice-demo` puts Piper's packages."""


def stt_of(config: Config) -> Stt:
    model = config.ai.whisper_model or config.voice.whisper_model
    return WhisperStt(model, config.ai.quick_model, config.voice.threads)


def tts_of(config: Config) -> Tts:
    voices: dict[str, Engine] = {
        language: Piper(Path(voice), PIPER if PIPER.is_dir() else None)
        for language, voice in config.ai.piper_voices.items()
    }
    return Tts(voices, config.prompts_folder / "voice", config.prompts_folder / "recorded" / "voice")
