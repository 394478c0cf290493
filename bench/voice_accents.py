"""Whether callers who differ in accent alone are treated the same: the same questions by several voices, by telephone.

Whisper base hears them, the rules answer over the rows of the tests' office. Compared are the questions that were heard
right in both accents, word for word or as the same wish; those that were not are counted, for they are where accents
are at a disadvantage. `script/bench voice_accents`, with --different for what was answered in another way.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.voice.speaking import Heard, Listener
from bench.voice_scenarios import NAMES, an_office
from crm.domain.conversation import Speak
from crm.domain.dialogue import folded
from crm.domain.understanding import Mind
from crm.services.talks import minds
from crm.words import dialogue
from tests.store.talk_office import ELM_LINE, TalkOffice
from tests.store.talking import Talk

PLAIN = "piper"
"""The voice whose talks the others are compared with: an American."""
ACCENTS = (
    *("piper-high", "piper-quick", "espeak-en-us", "espeak-en-gb", "espeak-en-gb-scotland", "espeak-en-gb-x-rp"),
    *("espeak-en-029", "espeak-en-us-nyc", "espeak-en-gb-x-gbclan"),
)
QUESTIONS = (
    "Do you have a two bedroom available?",
    "How much is the rent for the one bedroom?",
    "How much is the security deposit?",
    "Do you allow dogs?",
    "What is the application fee?",
    "Is there parking?",
    "Is there a laundry in the building?",
    "Are utilities included?",
    "When could I move in?",
    "How long is the lease?",
    "What are your office hours?",
    "Where are you located?",
    "Can I come and see it on Saturday morning?",
    "Can you text me the listings?",
    "Do you take section eight?",
    "Is it a safe neighborhood?",
    "I have a service dog.",
    "I would like to talk to a person, please.",
    "I smell gas in my apartment.",
    "Please stop texting me.",
)


@dataclass
class Compared:
    """How questions in one accent went."""

    heard: int = 0
    """Word for word."""
    same: int = 0
    """With the same acts, of those that were heard in both."""
    both: int = 0
    passed_on: int = 0
    """Not heard word for word, and answered the same all the same."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--different", action="store_true")
    options.add_argument("--only", nargs="+", choices=ACCENTS, default=ACCENTS)
    asked = options.parse_args()
    listener = Listener(names=NAMES)
    dialogues = dialogue.load()
    mind = Mind(dialogues, minds.likeness(dialogues))
    with tempfile.TemporaryDirectory() as folder:
        office = an_office(Path(folder))
        plain = {one: listener.hears(one, PLAIN, "en") for one in QUESTIONS}
        for accent in asked.only:
            found = compared(office, mind, listener, plain, accent, show=asked.different)
            others = len(QUESTIONS) - found.both
            print(
                f"{accent:22} heard word for word {found.heard} of {len(QUESTIONS)}; answered the same {found.same} of"
                f" the {found.both} that both were heard with, and {found.passed_on} of the other {others}"
            )
    listener.close()


def compared(
    office: TalkOffice, mind: Mind, listener: Listener, plain: dict[str, Heard], accent: str, *, show: bool = False
) -> Compared:
    found = Compared()
    for question, one in plain.items():
        other = listener.hears(question, accent, "en")
        is_heard = [folded(said.text) == folded(question) for said in (one, other)]
        found.heard += is_heard[1]
        mine, theirs = (answered(office, mind, said) for said in (one, other))
        if all(is_heard):
            found.both += 1
            found.same += mine == theirs
        else:
            found.passed_on += mine == theirs
        if show and mine != theirs:
            print(f"    {question!r} heard as {other.text!r}: {theirs} where {PLAIN} has {mine}")
    return found


def answered(office: TalkOffice, mind: Mind, said: Heard) -> list[str]:
    """All acts that follow from one sentence, with the rows that they name."""
    begun = office.call(ELM_LINE)
    talk = Talk(begun.store, begun.config, begun.call, begun.now, mind).begin()
    talk.say(said.text, language=said.language, confidence=said.confidence)
    return [f"{act.text} {act.cites}" if isinstance(act, Speak) else repr(act) for act in talk.last]


if __name__ == "__main__":
    main()
