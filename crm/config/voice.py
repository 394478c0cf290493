"""Settings of speech: transcripts, and the voice agent."""

from __future__ import annotations

import msgspec

from crm.config.ranges import NotNegativeInt, Positive, PositiveInt


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Transcripts of voicemail, made by faster-whisper on this machine; `script/setup voice` installs it."""

    whisper_model: str = ""
    """Folder of a CTranslate2 Whisper model such as base.en; empty: no transcripts."""
    talks: bool = False
    """Recorded talks are transcribed as well, after all voicemail; a minute of talk takes the CPU some 15 s."""
    threads: PositiveInt = 2
    longest_seconds: Positive = 300.0
    """A voicemail whose transcription takes longer than this gets no transcript; for a talk it is ten times as long."""
    idle_seconds: Positive = 120.0
    """The transcriber's process, some 500 MB, ends after this long without work."""


AI_ANSWERS = ("off", "after_hours", "overflow", "always")


class Ai(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The voice agent, which answers callers who look for a home by voice instead of the keypad menu."""

    answers: str = "off"
    """When it answers: off, after_hours (while the office is closed), overflow (while all of the property's people are
    on calls), or always. Lines and properties may say otherwise (`line set`, `property set`)."""
    keep_days: NotNegativeInt = 365
    """What was said in its talks is deleted after this many days; what came of them stays. 0 keeps it."""
    whisper_model: str = ""
    """Folder of a CTranslate2 Whisper model such as base.en or base; empty: that of voice.whisper_model."""
    quick_model: str = ""
    """Folder of a smaller one such as tiny.en, for when the machine is busy; empty: there is none."""
    piper_voices: dict[str, str] = {}
    """Files of Piper voices (.onnx) by language, such as en; other languages are spoken by flite and espeak-ng."""
    sentence_model: str = ""
    """Folder of a sentence-embedding model (model.onnx and tokenizer.json) such as all-MiniLM-L6-v2, which tells what
    callers mean where the patterns do not, in English; empty: there is none."""
    stt_url: str = ""
    """OpenAI-compatible endpoint of a recognizer, such as http://10.0.0.5:8000/v1, in place of the models here: what
    callers say is sent there. Its key is a secret: `leaseline ai secret --of stt`. Empty: none."""
    stt_model: str = "whisper-1"
    """Name of the model at that endpoint."""
    tts_url: str = ""
    """OpenAI-compatible endpoint of a voice, in place of Piper: what is said to callers is sent there. Its key is a
    secret: `leaseline ai secret --of tts`. Empty: none."""
    tts_model: str = "tts-1"
    """Name of the model at that endpoint."""
    tts_voice: str = "alloy"
    """Name of the voice at that endpoint."""
    llm_url: str = ""
    """OpenAI-compatible endpoint of a language model, such as http://127.0.0.1:8080/v1. It is asked what callers mean
    where the rules do not understand. Its key is a secret: `leaseline ai secret`. Empty: none."""
    llm_model: str = ""
    """Name of the model at that endpoint."""
