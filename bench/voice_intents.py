"""How many sentences of callers the voice agent's rules understand, and at what cost.

The sentences stand in no file of the dialogue, but patterns were changed where they missed those of voice_intents.txt,
and then those of voice_intents_unseen.txt, which were written later; docs/voice_agent.md has the figures of before.
Right is what would be answered first: what guards notice goes before what a person takes over, and that before
everything else. `script/bench voice_intents`, with --wrong to see the misses.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

from crm.domain import policy, understanding
from crm.domain.conversation import Utterance
from crm.domain.places import PlaceName, Places
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind, Understanding
from crm.words import dialogue

SENTENCES = Path(__file__).with_suffix(".txt")
UNSEEN = SENTENCES.with_stem("voice_intents_unseen")
PLACES = Places(
    [PlaceName("elm", "Elm Court", "12 Elm Street", "Riverside"), PlaceName("maple", "Maple Court", "30 Maple Avenue")]
)


def wanted(path: Path) -> list[tuple[str, str, str]]:
    """Language, intent and sentence of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parted = [line.split(" ", 2) for line in lines if line and not line.startswith("#")]
    return [(language, intent, sentence) for language, intent, sentence in parted]


def is_right(heard: Understanding, intent: str) -> bool:
    sentry = heard.sentry
    if sentry.emergency or intent == "danger":
        return bool(sentry.emergency) and intent == "danger"
    if sentry.opt_out or intent == "opt_out":
        return bool(sentry.opt_out) and intent == "opt_out"
    if sentry.sensitive and not sentry.states_family:
        return intent in {str(kind) for kind in sentry.sensitive}
    persons = [one for one in heard.intents if one in policy.FOR_A_PERSON]
    if persons:
        return persons[0] == intent
    if intent in heard.intents:
        return True
    # A name, a number or an address is noticed by itself.
    slots = heard.slots
    return not heard.intents and bool({"name": slots.name, "email": slots.email, "number": slots.number}.get(intent))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--wrong", action="store_true", help="print what was not understood")
    asked = options.parse_args()
    for path in (SENTENCES, UNSEEN):
        measure(path, show_wrong=asked.wrong)


def measure(path: Path, *, show_wrong: bool) -> None:
    mind = Mind(dialogue.load())
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    spent = 0.0
    for language, intent, sentence in wanted(path):
        state = TalkState(language=language)
        begun = time.process_time()
        heard = understanding.hear(mind, state, Utterance(sentence, language, 0.9, 0, 1), PLACES, date(2026, 3, 2))
        spent += time.process_time() - begun
        total[language] += 1
        right[language] += is_right(heard, intent)
        if show_wrong and not is_right(heard, intent):
            sentry = heard.sentry
            found = (*heard.intents, *map(str, sentry.sensitive), sentry.emergency or "", sentry.opt_out)
            print(f"{language} {intent:20} {sentence!r} -> {', '.join(filter(None, found)) or 'nothing'}")
    shares = [
        f"{language} {right[language]} of {total[language]} ({right[language] / total[language]:.0%})"
        for language in total
    ]
    print(f"{path.name}: {', '.join(shares)}; CPU {1000 * spent / sum(total.values()):.2f} ms a sentence")


if __name__ == "__main__":
    main()
