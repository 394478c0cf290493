"""The recognizer's process: `python -m ari_app.voice.stt_process MODEL THREADS`. Started only by `ari_app.voice.stt`.

Whisper pads what it hears to 30 s, and spends as much on it. An utterance on the phone is at most ten seconds long:
padded to that, it takes a quarter of the time. Shorter windows send the model into loops.
"""

from __future__ import annotations

import math
import re
import sys
from typing import Any

from ari_app.voice.pipes import Parent

WINDOW_FRAMES = 1000
"""Ten seconds."""
TOKENS_PER_SECOND = 7
"""Fast speakers need five. A model that goes on is inventing."""
MOST_PROMPT_TOKENS = 150
LANGUAGES = ("en", "es")
OTHER_LANGUAGE = 0.8
"""Probability from which somebody speaks another language than they were expected to."""


def main() -> None:
    parent = Parent()
    try:
        recognizer = Recognizer(sys.argv[1], int(sys.argv[2]))
        recognizer.hear(bytes(32000), "en", "")
    except Exception as error:  # noqa: BLE001 - the parent decides; a library's errors are of every kind
        parent.answer({"error": f"the model in {sys.argv[1]} could not be loaded ({type(error).__name__})"})
        return
    parent.answer({"ready": True})
    for question in parent.questions():
        try:
            answer = recognizer.hear(question["audio"], question["language"], question["names"])
        except Exception as error:  # noqa: BLE001 - one bad clip must not end the process
            answer = {"error": type(error).__name__}
        parent.answer(answer)


class Recognizer:
    def __init__(self, model: str, threads: int) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.transcribe import get_suppressed_tokens

        self._model = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
        self._suppressed = get_suppressed_tokens
        self._is_multilingual = bool(self._model.model.is_multilingual)

    def hear(self, audio: bytes, language: str, names: str) -> dict[str, Any]:
        """What is said in PCM16, 16 kHz, mono, of at most ten seconds."""
        import ctranslate2
        import numpy as np
        from faster_whisper.audio import pad_or_trim
        from faster_whisper.tokenizer import Tokenizer

        sound = np.frombuffer(audio, "<i2").astype(np.float32) / 32768
        features = pad_or_trim(self._model.feature_extractor(sound), WINDOW_FRAMES)
        encoded = self._model.model.encode(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(features[np.newaxis])), to_cpu=False
        )
        if self._is_multilingual:
            language = self._language(encoded, language)
        tokenizer = Tokenizer(self._model.hf_tokenizer, self._is_multilingual, task="transcribe", language=language)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if names:
            prompt = [tokenizer.sot_prev, *tokenizer.encode(" " + names.strip())[:MOST_PROMPT_TOKENS], *prompt]
        most = 8 + math.ceil(len(sound) / 16000 * TOKENS_PER_SECOND)
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + most,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed(tokenizer, [-1]),
        )[0]
        tokens = result.sequences_ids[0]
        # The score is the mean over all tokens and the end of the text.
        return {
            "text": without_repeats(tokenizer.decode(tokens).strip()),
            "language": language if self._is_multilingual else "en",
            "confidence": round(math.exp(min(0.0, result.scores[0])), 3),
            "no_speech": round(float(result.no_speech_prob), 3),
        }

    def _language(self, encoded: Any, expected: str) -> str:
        found = self._model.model.detect_language(encoded)[0]
        best, probability = found[0][0][2:-2], found[0][1]
        return best if best != expected and probability >= OTHER_LANGUAGE else expected


_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")


def without_repeats(text: str) -> str:
    """What a looping model has said several times in a row is said once: sentences, and runs of up to six words.

    People do say a word twice; so words stay until the third time.
    """
    kept: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if not kept or sentence.strip().lower() != kept[-1].strip().lower():
            kept.append(sentence)
    words = "".join(kept).split()
    for size in range(1, 7):
        at = 0
        while at + 3 * size <= len(words):
            run = [word.lower().strip(".,!?") for word in words[at : at + size]]
            times = 1
            while [word.lower().strip(".,!?") for word in words[at + times * size : at + (times + 1) * size]] == run:
                times += 1
            # Digits are dictated: five five five is a number.
            if times >= 3 and not all(_is_digit(word) for word in run):
                del words[at + size : at + times * size]
            at += 1
    return " ".join(words)


def _is_digit(word: str) -> bool:
    return word.isdigit() or word in (
        "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
        "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
    )  # fmt: skip


if __name__ == "__main__":
    main()
