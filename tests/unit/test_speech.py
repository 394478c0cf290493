"""Sentences become audio that Asterisk plays as it is; real programs speak them."""

from __future__ import annotations

import array
import json
import math
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from asterisk_conf.prompts import speech
from asterisk_conf.prompts.speech import Counts, Prompt, SpeechError
from crm.config import Config, Menu
from crm.services.phones import lines
from crm.services.routing import routes

pytestmark = pytest.mark.unit


def samples(path: Path) -> array.array[int]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return array.array("h", file.readframes(file.getnframes()))


def level_db(sound: array.array[int]) -> float:
    return 10 * math.log10(sum(sample * sample for sample in sound) / len(sound) / 32768**2 + 1e-12)


def write_tone(path: Path, rate: int = 44100, channels: int = 2, seconds: float = 1.0, volume: int = 3000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted = [round(volume * math.sin(2 * math.pi * 440 * at / rate)) for at in range(round(rate * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(array.array("h", [sample for sample in wanted for _ in range(channels)]).tobytes())


def hidden_leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.suffix != ".made"]


class TestSentences:
    def test_every_language_has_every_sentence_and_nothing_else(self) -> None:
        assert speech.languages() == ["en", "es"]
        for language in speech.languages():
            assert set(speech.sentences(language)) == set(Prompt), language
            assert set(speech.phrases(language)) == set(speech.phrases("en")), language
            assert speech.missing(language) == []

    @pytest.mark.parametrize("language", speech.languages())
    def test_sentences_can_be_spoken_and_are_short(self, language: str) -> None:
        for name, text in speech.sentences(language).items():
            words = speech.normalize(text, language)
            assert words, name
            assert words[-1] in ".!?", name
            assert len(words.split()) <= 60, name
            assert "  " not in text, name
            assert "\n" not in text, name


class TestNewLanguage:
    """One file is enough for it."""

    @pytest.fixture
    def prompts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for language in speech.languages():
            shutil.copy(speech.SENTENCES / f"{language}.toml", tmp_path)
        monkeypatch.setattr(speech, "SENTENCES", tmp_path)
        return tmp_path

    def write(self, prompts: Path, **changed: str) -> None:
        sentences = dict.fromkeys(Prompt, "Merci de votre appel.") | changed
        places = {name: re.findall(r"\{\w+\}", text) for name, text in speech.phrases("en").items()}
        phrases = {name: f"Pour {', appuyez sur '.join(found)}." for name, found in places.items()}
        written = [f"{name} = {json.dumps(text)}" for name, text in sentences.items() if text]
        written += ["[phrases]", *(f"{name} = {json.dumps(text)}" for name, text in phrases.items())]
        (prompts / "fr.toml").write_text("\n".join(written))

    def test_lines_and_callers_can_have_it_and_it_is_spoken(self, prompts: Path, tmp_path: Path) -> None:
        self.write(prompts)
        assert speech.languages() == ["en", "es", "fr"]
        assert speech.missing("fr") == []
        assert lines.check_language("fr") == "fr"
        assert routes.rules(Config(tmp_path, menu=Menu(languages=("es", "fr", "xx")))).languages == ("es", "fr")
        phrase = speech.phrases("fr")["property_choice"].format(name="Elm Street", key="1")
        for text in (speech.sentences("fr")["menu"], phrase):
            speech.synthesize(text, "fr", tmp_path / "said.wav")
            assert (tmp_path / "said.wav").stat().st_size > 8000

    def test_what_its_file_lacks_is_told(self, prompts: Path) -> None:
        self.write(prompts, goodbye="")
        file = prompts / "fr.toml"
        file.write_text(file.read_text().replace('area_choice = "Pour {name}, ', 'area_choice = "Pour cela, '))
        assert speech.missing("fr") == ["goodbye", "area_choice"]
        assert set(speech.missing("de")) > {"welcome", "area_choice"}


class TestSynthesize:
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_audio_is_telephone_wav_at_the_common_level_with_silence_at_both_ends(
        self, tmp_path: Path, language: str
    ) -> None:
        path = tmp_path / "new" / "menu.wav"
        speech.synthesize(speech.sentences(language)["queue_offer"], language, path)
        sound = samples(path)
        assert 4 < len(sound) / 8000 < 15
        head, tail = sound[:1000], sound[-1600:]
        assert level_db(head) < -55
        assert level_db(tail) < -55
        assert level_db(sound) == pytest.approx(speech.LEVEL_DB, abs=2)
        assert max(map(abs, sound)) < 32767
        assert not hidden_leftovers(tmp_path)

    def test_two_sentences_sound_different_and_more_words_take_longer(self, tmp_path: Path) -> None:
        speech.synthesize("Press 1.", "en", tmp_path / "a.wav")
        speech.synthesize("Press 1 to get a link to our available homes by text message.", "en", tmp_path / "b.wav")
        assert len(samples(tmp_path / "b.wav")) > 2 * len(samples(tmp_path / "a.wav"))

    @pytest.mark.parametrize(
        "text",
        [
            "Hello `touch {x}` $(touch {x}) ; touch {x} | touch {x} && touch {x}",
            "-x --help -o {x} word",
            "\"'\\\"' ${IFS} %s %n \0 \n -f {x} word",
            "<speak><audio src='{x}'/></speak> [[h@l'oU]] word",
            "{x}",
        ],
    )
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_a_hostile_text_is_only_spoken(self, tmp_path: Path, text: str, language: str) -> None:
        victim = tmp_path / "victim"
        speech.synthesize(text.replace("{x}", str(victim)), language, tmp_path / "audio" / "g.wav")
        assert samples(tmp_path / "audio" / "g.wav")
        assert not victim.exists()

    @pytest.mark.parametrize(
        ("text", "language", "says"),
        [
            ("", "en", "nothing to be spoken"),
            ("?!\n…", "en", "nothing to be spoken"),
            ("word " * 500, "en", "shorten it"),
            ("x" * 10_000_000, "en", "shorten it"),
            ("$999,999,999 " * 100, "en", "shorten it"),
            ("hello", "xx", "check the text, its language"),
            ("hello", "../en", "is not a language"),
            ("hello", "-x", "is not a language"),
            ("hello", "", "is not a language"),
        ],
    )
    def test_what_cannot_be_spoken_is_told_in_one_sentence(
        self, tmp_path: Path, text: str, language: str, says: str
    ) -> None:
        with pytest.raises(SpeechError, match=says) as failed:
            speech.synthesize(text, language, tmp_path / "a.wav")
        assert re.fullmatch(r"[^\n]{20,300}[.]", str(failed.value))
        assert list(tmp_path.iterdir()) == []

    def test_when_the_place_cannot_be_written_then_the_old_file_stays(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(SpeechError, match="cannot be written"):
            speech.synthesize("Hello.", "en", tmp_path / "file" / "a.wav")

    def test_when_a_program_fails_then_the_old_file_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.wav"
        speech.synthesize("Hello.", "en", path)
        before = path.read_bytes()
        monkeypatch.setattr(speech, "_start_of", lambda name: (["false"], {}))
        with pytest.raises(SpeechError, match="could not make the audio"):
            speech.synthesize("Goodbye.", "en", path)
        assert path.read_bytes() == before
        assert not hidden_leftovers(tmp_path)

    def test_when_a_program_hangs_then_it_is_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(speech, "_start_of", lambda name: (["sh", "-c", "sleep 60"], {"PATH": "/usr/bin:/bin"}))
        monkeypatch.setattr(speech, "PROGRAM_SECONDS", 0.1)
        with pytest.raises(SpeechError, match="did not finish"):
            speech.synthesize("Hello.", "en", tmp_path / "a.wav")

    def test_when_the_programs_are_missing_then_the_script_that_brings_them_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LEASELINE_CACHE", str(tmp_path / "cache"))
        speech._start_of.cache_clear()
        try:
            with pytest.raises(SpeechError, match="run script/setup first"):
                speech.synthesize("Hello.", "en", tmp_path / "a.wav")
        finally:
            speech._start_of.cache_clear()


@pytest.fixture
def two_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with English and Spanish of two sentences, used instead of the real ones."""
    folder = tmp_path / "sentences"
    folder.mkdir()
    (folder / "en.toml").write_text('menu = "Press 1."\ngoodbye = "Goodbye!"\n')
    (folder / "es.toml").write_text('menu = "Oprima 1."\ngoodbye = "¡Hasta luego!"\n', "utf-8")
    monkeypatch.setattr(speech, "SENTENCES", folder)
    return folder


class TestPrepare:
    def test_a_second_run_does_nothing(self, tmp_path: Path, two_sentences: Path) -> None:
        # All the real sentences are spoken by this before the first call of tests/calls; that takes half a minute.
        prompts, seen = tmp_path / "prompts", []
        counts = speech.prepare(prompts, prompts / "recorded", lambda done, total: seen.append((done, total)))
        assert counts == Counts(made=4, recorded=0, kept=0)
        assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
        for language in ("en", "es"):
            for name in ("menu", "goodbye"):
                assert samples(prompts / language / f"{name}.wav")
        assert not hidden_leftovers(prompts)

        assert speech.prepare(prompts, prompts / "recorded") == Counts(made=0, recorded=0, kept=4)

    def test_only_a_changed_sentence_is_made_again(self, tmp_path: Path, two_sentences: Path) -> None:
        prompts = tmp_path / "prompts"
        assert speech.prepare(prompts, prompts / "recorded").made == 4
        before = {path: path.stat().st_mtime_ns for path in prompts.rglob("*.wav")}
        (two_sentences / "en.toml").write_text('menu = "Press 2."\ngoodbye = "Goodbye!"\n')
        assert speech.prepare(prompts, prompts / "recorded") == Counts(made=1, recorded=0, kept=3)
        changed = [path for path, mtime in before.items() if path.stat().st_mtime_ns != mtime]
        assert changed == [prompts / "en" / "menu.wav"]

    def test_another_voice_or_recipe_makes_them_again(
        self, tmp_path: Path, two_sentences: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prompts = tmp_path / "prompts"
        speech.prepare(prompts, prompts / "recorded")
        monkeypatch.setitem(speech._VOICES, "en", speech._Voice("flite", "slt"))
        assert speech.prepare(prompts, prompts / "recorded").made == 2
        monkeypatch.setattr(speech, "RECIPE", "another")
        assert speech.prepare(prompts, prompts / "recorded").made == 4

    def test_a_file_that_is_gone_or_cut_short_is_made_again(self, tmp_path: Path, two_sentences: Path) -> None:
        prompts = tmp_path / "prompts"
        speech.prepare(prompts, prompts / "recorded")
        (prompts / "en" / "menu.wav").unlink()
        (prompts / "es" / "menu.wav").write_bytes((prompts / "es" / "menu.wav").read_bytes()[:1000])
        assert speech.prepare(prompts, prompts / "recorded") == Counts(made=2, recorded=0, kept=2)
        assert len(samples(prompts / "es" / "menu.wav")) > 1000

    def test_a_recording_wins_in_any_format_and_speech_returns_when_it_is_gone(
        self, tmp_path: Path, two_sentences: Path
    ) -> None:
        prompts = tmp_path / "prompts"
        recording = prompts / "recorded" / "en" / "menu.wav"
        speech.prepare(prompts, prompts / "recorded")
        write_tone(recording)
        assert speech.prepare(prompts, prompts / "recorded") == Counts(made=0, recorded=1, kept=3)
        sound = samples(prompts / "en" / "menu.wav")
        assert len(sound) == pytest.approx(8000, abs=10)
        assert level_db(sound) == pytest.approx(speech.LEVEL_DB, abs=1)
        assert speech.prepare(prompts, prompts / "recorded").kept == 4
        write_tone(recording, seconds=2.0)
        assert speech.prepare(prompts, prompts / "recorded").recorded == 1
        recording.unlink()
        assert speech.prepare(prompts, prompts / "recorded") == Counts(made=1, recorded=0, kept=3)

    @pytest.mark.parametrize("content", [b"", b"RIFF", b"not audio at all" * 100])
    def test_a_recording_that_is_no_audio_is_named_and_the_old_prompt_stays(
        self, tmp_path: Path, two_sentences: Path, content: bytes
    ) -> None:
        prompts = tmp_path / "prompts"
        speech.prepare(prompts, prompts / "recorded")
        before = (prompts / "en" / "menu.wav").read_bytes()
        recording = prompts / "recorded" / "en" / "menu.wav"
        recording.parent.mkdir(parents=True)
        recording.write_bytes(content)
        with pytest.raises(SpeechError, match=r"menu\.wav cannot be used"):
            speech.prepare(prompts, prompts / "recorded")
        assert (prompts / "en" / "menu.wav").read_bytes() == before

    def test_silence_is_no_recording(self, tmp_path: Path, two_sentences: Path) -> None:
        recorded = tmp_path / "recorded"
        write_tone(recorded / "en" / "menu.wav", volume=0)
        with pytest.raises(SpeechError, match="cannot be used"):
            speech.prepare(tmp_path / "prompts", recorded)

    def test_several_at_once_do_not_disturb_each_other(self, tmp_path: Path, two_sentences: Path) -> None:
        script = (
            "import sys, pathlib; from asterisk_conf.prompts import speech;"
            "speech.SENTENCES = pathlib.Path(sys.argv[1]); p = pathlib.Path(sys.argv[2]);"
            "speech.prepare(p, p / 'recorded')"
        )
        prompts = tmp_path / "prompts"
        root = Path(speech.__file__).parents[2]
        command = [sys.executable, "-c", script, str(two_sentences), str(prompts)]
        running = [subprocess.Popen(command, cwd=root) for _ in range(3)]
        assert [process.wait(60) for process in running] == [0, 0, 0]
        assert speech.prepare(prompts, prompts / "recorded").kept == 4
        assert not hidden_leftovers(prompts)


class TestGreeting:
    def test_a_greeting_is_made_once_changed_and_taken_away(self, tmp_path: Path) -> None:
        path = speech.greeting(tmp_path, "+15125550100", "Thank you for calling Elm Street, 1200 Elm St.", "en")
        assert path == tmp_path / "greetings" / "+15125550100.wav"
        first = path.stat().st_mtime_ns
        long = len(samples(path))
        speech.greeting(tmp_path, "+15125550100", "Thank you for calling Elm Street, 1200 Elm St.", "en")
        assert path.stat().st_mtime_ns == first
        speech.greeting(tmp_path, "+15125550100", "Hello.", "en")
        assert len(samples(path)) < long
        assert speech.greeting(tmp_path, "+15125550100", " ", "en") is None
        assert list((tmp_path / "greetings").iterdir()) == []

    def test_a_recorded_greeting_wins_even_without_text(self, tmp_path: Path) -> None:
        write_tone(tmp_path / "recorded" / "greetings" / "6001.wav")
        path = speech.greeting(tmp_path, "6001", "", "en")
        assert path is not None
        assert len(samples(path)) == pytest.approx(8000, abs=10)

    @pytest.mark.parametrize("number", ["../x", "", "+", "a", "1/2", "1\n", "١", "1" * 41, "-1"])
    def test_what_is_no_line_number_becomes_no_file_name(self, tmp_path: Path, number: str) -> None:
        with pytest.raises(SpeechError, match="is not a line's number"):
            speech.greeting(tmp_path, number, "Hello.", "en")
        assert list(tmp_path.iterdir()) == []
