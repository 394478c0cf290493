"""How many sentences of callers the voice agent understands, and at what cost.

voice_intents_heldout.txt was frozen before what it measures was written, and nothing was changed for it until 280 of
its 317 were right (88.3 %): that is what to expect of new callers. Since then its misses were read, as those of all
lists, so now all show what gets worse, and new callers need a new list. For what voice_intents.txt and
voice_intents_development.txt have, the rules were mended. Right is
what would be done first: what guards notice goes before what a person takes over, and that before all else; after
a question of the agent, what becomes of the answer. `script/bench voice_intents`, with --wrong to see the misses,
--neighbors for the sentence model, --patterns for patterns alone, and --heard for what Whisper makes of the sentences,
spoken by telephone, with --noise 10 for noise 10 dB below the speech (both need `script/setup voice-demo`).
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.voice.speaking import VOICES, Heard, Listener
from crm.domain import policy, understanding
from crm.domain.conversation import BookTour, End, Promise, SendLink, Turn, UpdateLead, Utterance
from crm.domain.dialogue import folded
from crm.domain.places import PlaceName, Places
from crm.domain.talk import Asked, CallerNow, Facts, PropertyFact, TalkState
from crm.domain.tours import Slot, TourKind
from crm.domain.understanding import Mind, Understanding
from crm.services.talks import minds
from crm.words import dialogue

FOLDER = Path(__file__).parent
LISTS = (
    "voice_intents",
    "voice_intents_development",
    "voice_intents_callers",
    "voice_intents_heldout",
    "voice_intents_fresh",
    "voice_intents_kept_back",
)
NAMES = "Elm Court, Maple Court, Birchwood, Oak Homes, Alice, Bob"
"""Which the recognizer expects."""
NEIGHBORS = Path.home() / ".cache" / "leaseline" / "voice-demo" / "minilm"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ELM, MAPLE = PlaceName("elm", "Elm Court", "12 Elm Street", "Riverside"), PlaceName("maple", "Maple Court")
PLACES = Places([ELM, MAPLE])
_TIMES = tuple(datetime(2026, 3, 4, hour, tzinfo=UTC) for hour in (10, 14))


def _slot(at: datetime) -> Slot:
    return Slot(at, at + timedelta(minutes=30), TourKind.ACCOMPANIED, None, 1, 0)


STATES = {
    "see": TalkState(asked=Asked.SEE, property="elm"),
    "more": TalkState(asked=Asked.MORE, property="elm"),
    "link": TalkState(asked=Asked.LINK, value="listings", property="elm"),
    "promise": TalkState(asked=Asked.PROMISE, about="parking", property="elm"),
    "which": TalkState(
        asked=Asked.WHICH_PROPERTY, intent="parking", words="is there parking", offered=("elm", "maple")
    ),
    "beds": TalkState(asked=Asked.BEDROOMS, property="elm"),
    "tour_time": TalkState(asked=Asked.TOUR_TIME, property="elm", offered=tuple(at.isoformat() for at in _TIMES)),
    "tour_right": TalkState(asked=Asked.TOUR_RIGHT, property="elm", value=_TIMES[0].isoformat()),
    "name": TalkState(asked=Asked.NAME, property="elm"),
    "name_right": TalkState(asked=Asked.NAME_RIGHT, property="elm", value="Robert Klein"),
    "wishes_right": TalkState(asked=Asked.WISHES_RIGHT, property="elm", wishes={"bedrooms": "2"}),
    "mobile": TalkState(asked=Asked.MOBILE, property="elm", intent="send:listings"),
}
"""By what was asked last, as the lists call it."""


def wanted(path: Path) -> list[tuple[str, str, str, str]]:
    """Language, what was asked last (empty: nothing), what is right, and the sentence, of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    parted = [line.split(" ", 2) for line in lines if line and not line.startswith("#")]
    found = []
    for where, right, sentence in parted:
        language, _, asked = where.partition("@")
        if right == "name:" or right.startswith("name:"):
            # Names of two words lie in the sentence itself, after the label.
            right, sentence = _named(right, sentence)
        found.append((language, asked, right, sentence))
    return found


def _named(right: str, sentence: str) -> tuple[str, str]:
    """The whole name, where it has a second word: "name:Ann Lee it's Ann Lee"."""
    second, _, rest = sentence.partition(" ")
    if len(second) > 1 and second in rest.split():
        return f"{right} {second}", rest
    return right, sentence


def is_right(heard: Understanding, intent: str) -> bool:
    """Of what was said while nothing was asked."""
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
    if all(one in heard.intents for one in intent.split("+")):
        return True
    # A name, a number or an address is noticed by itself.
    slots = heard.slots
    polite = all(one in policy.POLITE for one in heard.intents)
    return polite and bool({"name": slots.name, "email": slots.email, "number": slots.number}.get(intent))


def is_answered(mind: Mind, state: TalkState, heard: Understanding, right: str) -> bool:
    """Whether what was said after a question brings what it should."""
    place = understanding.wants(state, heard).property
    known = {one.slug: PropertyFact(n, one.slug, one.name) for n, one in enumerate((ELM, MAPLE), 1)}
    facts = Facts(
        now=NOW,
        tz=ZoneInfo("UTC"),
        office="Sample Homes",
        caller=CallerNow("+15125550100"),
        place=known.get(place),
        properties=tuple(known.values()),
        tours=tuple(_slot(at) for at in (*_TIMES, *(at.replace(day=7) for at in _TIMES))),
        links=frozenset(("tours", "listings", "application")),
    )
    turn = policy.turn(mind, state, heard, facts)
    kind, _, value = right.partition(":")
    if kind in ("yes", "no"):
        return _AGREES[state.asked](turn) if kind == "yes" else _declines(state, turn)
    checks: dict[str, Callable[[], bool]] = {
        "place": lambda: place == value,
        "beds": lambda: turn.state.wishes.get("bedrooms") == value,
        "time": lambda: turn.state.asked is Asked.TOUR_RIGHT and f"T{value}" in turn.state.value,
        "tour": lambda: "tour" in turn.state.asks and str(heard.slots.when.day) == value,
        "name": lambda: turn.state.asked is Asked.NAME_RIGHT and folded(turn.state.value) == folded(value),
        "digits": lambda: turn.state.asked is Asked.MOBILE_RIGHT and turn.state.value == value,
    }
    return checks[kind]() if kind in checks else is_right(heard, right)


def _has(act: type) -> Callable[[Turn[TalkState]], bool]:
    return lambda turn: any(isinstance(one, act) for one in turn.acts)


def _said(turn: Turn[TalkState]) -> list[str]:
    return [one.template for one in turn.acts if hasattr(one, "template")]


_AGREES: dict[Asked, Callable[[Turn[TalkState]], bool]] = {
    Asked.SEE: lambda turn: "tour" in turn.state.asks,
    Asked.MORE: lambda turn: _said(turn) == ["what_else"],
    Asked.LINK: _has(SendLink),
    Asked.PROMISE: _has(Promise),
    Asked.TOUR_RIGHT: _has(BookTour),
    Asked.NAME_RIGHT: _has(UpdateLead),
    Asked.WISHES_RIGHT: _has(UpdateLead),
}


def _declines(state: TalkState, turn: Turn[TalkState]) -> bool:
    if _AGREES.get(state.asked, lambda turn: False)(turn) or turn.state.unclear:
        return False
    if state.asked in (Asked.MORE, Asked.WISHES_RIGHT):
        return _has(End)(turn) or turn.state.closing
    return turn.state.asked in (Asked.MORE, Asked.NAME_SPELLED) or state.asked is not Asked.NAME_RIGHT


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--wrong", action="store_true", help="print what was not understood")
    options.add_argument(
        "--neighbors", action="store_true", help="with the sentence model of `script/setup voice-demo`"
    )
    options.add_argument("--patterns", action="store_true", help="with patterns alone")
    options.add_argument("--heard", action="store_true", help="as Whisper base hears them by telephone")
    options.add_argument("--noise", type=float, metavar="DB", help="with noise this far below the speech")
    options.add_argument("--list", action="append", choices=LISTS, help="only this list")
    asked = options.parse_args()
    dialogues = dialogue.load()
    scorer = None if asked.patterns else minds.likeness(dialogues, NEIGHBORS if asked.neighbors else None)
    if scorer:
        scorer.prepare()
    mind = Mind(dialogues, scorer)
    listener = Listener(asked.noise, NAMES) if asked.heard or asked.noise else None
    for name in asked.list or LISTS:
        measure(mind, FOLDER / f"{name}.txt", listener, show_wrong=asked.wrong)
    if listener:
        listener.close()


def measure(mind: Mind, path: Path, listener: Listener | None, *, show_wrong: bool) -> None:
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    spent = 0.0
    for number, (language, asked, intent, sentence) in enumerate(wanted(path)):
        said = Heard(sentence, 0.9, language)
        if listener:
            said = listener.hears(sentence, VOICES[language][number % len(VOICES[language])], language)
        utterance = Utterance(said.text, said.language, said.confidence, 0, 1)
        state = replace(STATES[asked], language=language) if asked else TalkState(language=language)
        begun = time.process_time()
        heard = understanding.hear(mind, state, utterance, PLACES, NOW.date())
        spent += time.process_time() - begun
        is_good = is_answered(mind, state, heard, intent) if asked else is_right(heard, intent)
        kind = f"{language} answers" if asked else language
        total[kind] += 1
        right[kind] += is_good
        if show_wrong and not is_good:
            sentry = heard.sentry
            found = (*heard.intents, *map(str, sentry.sensitive), sentry.emergency or "", sentry.opt_out)
            where = f"{language}@{asked}" if asked else language
            heard_as = f" as {said.text!r}" if listener else ""
            print(f"{where} {intent:20} {sentence!r}{heard_as} -> {', '.join(filter(None, found)) or 'nothing'}")
    shares = [f"{kind} {right[kind]} of {total[kind]} ({right[kind] / total[kind]:.0%})" for kind in total]
    whole = f"{sum(right.values())} of {sum(total.values())} ({sum(right.values()) / sum(total.values()):.1%})"
    print(f"{path.stem}: {whole}; {', '.join(shares)}; CPU {1000 * spent / sum(total.values()):.2f} ms a sentence")


if __name__ == "__main__":
    main()
