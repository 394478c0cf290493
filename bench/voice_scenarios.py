"""Whether forty kinds of calls go right when spoken by telephone: heard by Whisper base, answered by the rules.

Callers are synthesized (bench/voice/speaking.py), two wordings of each kind by different voices; the office, rows and
the voice agent's mind are those of the tests. Who is not understood, or hears about something else, says it once more,
as people do. What needs a live call
(barge-in, processes that are killed, what follows when nobody takes a call that was passed on) is in tests/calls,
tests/flows and tests/drills. `script/bench voice_scenarios`, with --noise 10 for pink noise 10 dB below the speech,
--written for no speech at all, --neighbors for the sentence model, --only 8 24 for some, and --wrong for their talks.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.voice.speaking import VOICES, Listener
from bench.voice_intents import NEIGHBORS
from crm.config import Config
from crm.domain.conversation import ActResult, BookTour, LinkKind, Promise, SendLink, Speak, StopTexts, TransferReason
from crm.domain.dialogue import URL
from crm.domain.understanding import Mind
from crm.services.listings import homes
from crm.services.talks import minds
from crm.store import migrate
from crm.store.models import Interest, Lead, LeadPhone, Property
from crm.store.session import Store
from crm.words import dialogue
from tests.store.talk_office import CALLER, ELM_LINE, NOW, OFFICE_LINE, TalkOffice, three_properties, with_site
from tests.store.talking import Talk

NAMES = "Elm Court, Maple Court, Birchwood, Oak Homes, Alice, Bob"
"""Which the recognizer expects, as in a call of this office."""


class Wrong(Exception):
    """What went wrong, in a few words."""


@dataclass
class Call:
    """A caller on the telephone."""

    office: TalkOffice
    talk: Talk
    listener: Listener | None
    voice: str
    language: str = "en"

    def says(self, sentence: str) -> str:
        """What the agent answers. Says it once more if it was not understood."""
        for _ in range(2):
            take = self.takes[sentence] = self.takes.get(sentence, -1) + 1
            heard, language, confidence = sentence, self.language, 0.9
            if self.listener:
                found = self.listener.hears(sentence, self.voice, self.language, take)
                heard, language, confidence = found.text, found.language, found.confidence
            before = self.talk.state.unclear
            said = self.talk.say(heard, language=language, confidence=confidence)
            self.lines.append(f"    caller: {sentence}\n     heard: {heard}\n     agent: {said}")
            if self.talk.state.over or self.talk.state.unclear <= before:
                break
        return said

    def asks(self, sentence: str, *parts: str) -> str:
        """Until the answer has all parts, at most twice."""
        said = self.says(sentence)
        if not self.talk.state.over and not all(part.lower() in said.lower() for part in parts):
            said = self.says(f"No, I said: {sentence}")
        return said

    def __post_init__(self) -> None:
        self.lines: list[str] = []
        self.takes: dict[str, int] = {}
        """How often each sentence was said, for each time sounds another way."""

    # --- what has to be so ---

    def hears(self, *parts: str) -> None:
        for part in parts:
            if part.lower() not in self.all_said.lower():
                raise Wrong(f"{part!r} was not said")

    def never_hears(self, *parts: str) -> None:
        for part in parts:
            if part.lower() in self.all_said.lower():
                raise Wrong(f"{part!r} was said")

    def is_passed_on(self, *reasons: TransferReason) -> None:
        found = self.talk.transfer
        if found is None or (reasons and found.reason not in reasons):
            raise Wrong(f"passed on: {found.reason if found else 'no'}")

    def is_so(self, what: object, otherwise: str) -> None:
        if not what:
            raise Wrong(otherwise)

    @property
    def all_said(self) -> str:
        return " ".join(act.text for act in self.talk.of(Speak))

    @property
    def has_digits(self) -> bool:
        return any(one.isdigit() for act in self.talk.of(Speak)[2:] for one in act.text)


Plays = Callable[[Call, str], None]


@dataclass(frozen=True)
class Scenario:
    number: int
    wordings: tuple[str, ...]
    plays: Plays
    line: str = OFFICE_LINE
    caller: str | None = CALLER
    language: str = "en"
    sets: Callable[[TalkOffice], None] = lambda office: None


def _says(*parts: str, never: tuple[str, ...] = ()) -> Plays:
    def play(call: Call, sentence: str) -> None:
        call.asks(sentence, *parts)
        call.hears(*parts)
        call.never_hears(*never)

    return play


def _goes_to(*reasons: TransferReason) -> Plays:
    def play(call: Call, sentence: str) -> None:
        call.says(sentence)
        if not call.talk.state.over:
            call.says(sentence)
        call.is_passed_on(*reasons)

    return play


def _adds_birchwood(office: TalkOffice) -> None:
    office.add("birchwood", "11", bedrooms="2", rent="1800", available_on="2026-04-01")


def _price_changes(call: Call, sentence: str) -> None:
    call.says(sentence)
    call.hears("$1,640")
    call.office.store.run_blocking(homes.change, call.office.by(), call.office.ids["elm 204"], {"rent": "1595"})
    call.says("Sorry, how much was the rent again?")
    call.hears("$1,595")


def _which_elm(call: Call, sentence: str) -> None:
    said = call.says(sentence)
    call.is_so("Elm Court" in said or "Which property" in said, "it did not ask which")
    call.never_hears("50 pounds")
    call.says("Elm Court, please.")
    call.hears("1 dog up to 50 pounds")


def _no_amount(call: Call, sentence: str) -> None:
    call.asks("I'm calling about Maple Court.", "Maple Court")
    said = call.asks(sentence, "don't have that")
    call.is_so("don't have that" in said, "it was not said to be missing")
    call.is_so(not any(one.isdigit() for one in said) and call.talk.of(Promise), "no promise, or a number")


def _assistance(call: Call, sentence: str) -> None:
    call.says(sentence)
    call.is_passed_on(TransferReason.FAIR_HOUSING)
    call.never_hears("50 pounds", "$300", "$35")


def _moves_in(day: str) -> Plays:
    def play(call: Call, sentence: str) -> None:
        call.says(sentence)
        if call.talk.state.wishes.get("move_in") != day and not call.talk.state.over:
            call.says(f"No, {sentence}")
        call.is_so(call.talk.state.wishes.get("move_in") == day, f"move-in is {call.talk.state.wishes.get('move_in')}")

    return play


def _texted(call: Call, sentence: str) -> None:
    call.asks(sentence, "sent you a text")
    call.is_so(LinkKind.APPLICATION in [one.kind for one in call.talk.of(SendLink)], "not texted")


def _texted_once(call: Call, sentence: str) -> None:
    call.says("Can you text me the application?")
    call.says(sentence)
    call.is_so(len(call.talk.of(SendLink)) == 1 and "already" in call.talk.said, "texted twice")


def _landline(call: Call, sentence: str) -> None:
    call.talk.results[SendLink] = ActResult.NEEDS_MOBILE
    call.says(sentence)
    call.hears("mobile number")
    call.talk.results.clear()
    _dictates(call, "5 1 2, 5 5 5, 0 1 9 9")
    call.is_so(call.talk.of(SendLink)[-1].number == "+15125550199", "texted elsewhere")


def _dictates(call: Call, number: str) -> None:
    """Until it is read back right, as often as people put up with."""
    spoken = " ".join(_DIGITS[int(one)] for one in number if one.isdigit())
    said = call.says(f"It's {spoken[: len(spoken)]}.")
    for _ in range(2):
        if number in said:
            break
        said = call.says("No, that's not right.")
        said = call.says(f"{spoken}.")
    call.is_so(number in said, "the number was never read back right")
    call.says("Yes, that's right.")


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _corrects(call: Call, sentence: str) -> None:
    """A digit that was misheard: here the caller says it wrong, and then corrects it."""
    call.says("Can you text me your listings?")
    said = call.says(sentence)
    call.is_so("0 1 9" in said, "no number was read back")
    said = call.says("No, the last four digits are zero one nine nine.")
    if "0 1 9 9" not in said:
        said = call.says("No. Five one two, five five five, zero one nine nine.")
    call.is_so("0 1 9 9" in said, "not corrected")
    call.says("Yes, correct.")
    call.is_so(call.talk.of(SendLink) and call.talk.of(SendLink)[0].number == "+15125550199", "texted elsewhere")


def _books(call: Call, sentence: str) -> None:
    call.says("Do you have a one bedroom?")
    said = call.says(sentence)
    if "which" in said.lower() or "Would you like" in said:
        said = call.says("Ten o'clock works for me.")
    call.is_so("10 AM" in said, "ten o'clock was not offered")
    if "Shall I book" not in said:
        call.says("Ten in the morning, please.")
    call.says("Yes, please book it.")
    call.is_so([one.at.isoformat() for one in call.talk.of(BookTour)] == ["2026-03-07T16:00:00+00:00"], "not booked")


def _has_a_tour(office: TalkOffice, stage: str = "showing_booked") -> None:
    with office.store.writing() as session:
        elm = session.query(Property).filter_by(slug="elm").one()
        lead = Lead(name="Kim", created_at=NOW, phones=[LeadPhone(number=CALLER)])
        session.add(lead)
        session.flush()
        session.add(Interest(lead_id=lead.id, property_id=elm.id, stage=stage, updated_at=NOW))


def _nobody_takes_it(call: Call, sentence: str) -> None:
    """The app passes them on; here, it failed to."""
    call.says(sentence)
    call.is_passed_on(TransferReason.ASKED)


def _twins(call: Call, sentence: str) -> None:
    """The same sentences from two names: everything said is the same."""
    told = []
    for name in sentence.split(" / "):
        twin = call.office.call()
        both = Call(call.office, twin, call.listener, call.voice)
        both.says(f"Hi, my name is {name}.")
        if twin.state.asked:
            twin.say("no, never mind")
        both.says("Do you have a two bedroom?")
        both.says("How much is the deposit?")
        call.lines += both.lines
        told.append([act.text for act in twin.of(Speak) if act.template not in _NAMING])
    call.is_so(told[0] == told[1], "they were told different things")


_NAMING = ("name_is", "name_dropped", "ask_name", "ask_spelling", "name_kept", "hello", "greeting")


def _stops(call: Call, sentence: str) -> None:
    call.says(sentence)
    call.is_so(call.talk.of(StopTexts), "not stopped")
    call.says("Can you text me your listings?")
    call.is_so(not call.talk.of(SendLink), "a text was sent")


def _does_not_stop(call: Call, sentence: str) -> None:
    call.says(sentence)
    call.is_so(not call.talk.of(StopTexts), "stopped")


def _same_facts(call: Call, sentence: str) -> None:
    plain = call.office.call()
    plain.say("do you have a two bedroom?")
    call.says(sentence)
    call.is_so(call.talk.cites("listing") == plain.cites("listing"), "other homes were named")
    call.is_so(call.talk.transfer is None, "passed on")


def _spells(call: Call, sentence: str) -> None:
    said = call.says(sentence)
    for _ in range(2):
        if "N, G, U, Y, E, N" in said:
            break
        said = call.says("No, that's not right.")
        said = call.says("N as in Nancy, G as in golf, U as in uncle, Y as in yellow, E as in echo, N as in Nancy.")
    call.hears("N, G, U, Y, E, N")
    call.is_so("name" not in call.talk.saved, "saved before it was confirmed")
    call.says("Yes, that's right.")
    call.is_so(call.talk.saved.get("name", "").endswith("Nguyen"), f"saved as {call.talk.saved.get('name')!r}")


def _silent(call: Call, sentence: str) -> None:
    call.says(sentence)
    call.talk.silence(8.0)
    call.hears("Are you still there")
    call.talk.silence(20.0)
    call.is_passed_on(TransferReason.SILENCE)


def _spanish(call: Call, sentence: str) -> None:
    call.says(sentence)
    spoken = [act.language for act in call.talk.of(Speak)]
    call.is_so(spoken[-1] == "es" or call.talk.transfer, "neither Spanish nor a person")


REASON = TransferReason
SCENARIOS = (
    Scenario(
        1, ("Do you have a two bedroom available?", "I'm looking for an apartment with two bedrooms."), _says("$1,450")
    ),
    Scenario(
        2, ("What's the rent of the one bedroom at Elm Court?", "How much is the one bedroom at Elm?"), _says("$1,290")
    ),
    Scenario(
        3,
        ("Do you have anything under fifteen hundred dollars?", "My budget is fifteen hundred a month."),
        _says("$985", never=("$1,640", "$2,250")),
    ),
    Scenario(
        4,
        ("Do you have a studio near Maple Court?", "Is there a studio open at Maple Court?"),
        _says("studio at Maple Court"),
    ),
    Scenario(
        5,
        ("I saw Birchwood on Zillow, is it available?", "I'm calling about the Birchwood listing on Zillow."),
        _says("Birchwood"),
        sets=lambda office: (
            office.add("birchwood", "11", bedrooms="2", rent="1800", available_on="2026-04-01") and None
        ),
    ),
    Scenario(
        6,
        ("Is the three bedroom at Birchwood available?", "Do you have any three bedrooms?"),
        _says(never=("$2,250", "We have")),
    ),
    Scenario(
        7, ("How much is the two bedroom at Elm Court?", "What's the rent on the two bedroom at Elm?"), _price_changes
    ),
    Scenario(
        8,
        ("Do you allow dogs at Elm?", "Can I have a dog at the Elm property?"),
        _which_elm,
        sets=lambda office: office.add_property("elm-park", "Elm Park", "90 Park Road"),
    ),
    Scenario(9, ("Do you allow dogs?", "What's your pet policy?"), _says("1 dog up to 50 pounds"), ELM_LINE),
    Scenario(10, ("What's the pet deposit?", "How much is the deposit for a cat?"), _no_amount),
    Scenario(
        11, ("I have a service dog, is that okay?", "Do I pay a deposit for my service dog?"), _assistance, ELM_LINE
    ),
    Scenario(
        12,
        ("Can my emotional support animal live with me?", "I have an emotional support cat."),
        _assistance,
        ELM_LINE,
    ),
    Scenario(
        13, ("I want to move in on the first of April.", "I need something for April first."), _moves_in("2026-04-01")
    ),
    Scenario(
        14,
        ("I'd like to move in on the fifteenth of next month.", "Around the fifteenth of next month."),
        _moves_in("2026-04-15"),
    ),
    Scenario(
        15,
        ("What's the application fee?", "How much does it cost to apply?"),
        _says("$50 for each applicant"),
        ELM_LINE,
    ),
    Scenario(
        16,
        ("How much is the security deposit for the two bedroom?", "What's the deposit on the two bedroom?"),
        _says("$800"),
        ELM_LINE,
    ),
    Scenario(17, ("Please text me the application.", "Can you send me the link to apply?"), _texted),
    Scenario(18, ("Can you text me the application again?", "I didn't get it, please send it again."), _texted_once),
    Scenario(19, ("Can you send me your listings?", "Please text me what you have available."), _landline),
    Scenario(
        20,
        ("Can I come see it Saturday morning at ten?", "I'd like a tour on Saturday morning at ten o'clock."),
        _books,
        ELM_LINE,
    ),
    Scenario(21, ("I have a tour booked for tomorrow.", "I need to reschedule my showing."), _goes_to(REASON.STAGE)),
    Scenario(
        22, ("What's the status of my application?", "I applied last week, is there any news?"), _goes_to(REASON.STAGE)
    ),
    Scenario(23, ("Can I talk to a real person, please?", "I want to speak to somebody."), _goes_to(REASON.ASKED)),
    Scenario(24, ("I'd like to speak with an agent.", "Is there a person I could talk to?"), _nobody_takes_it),
    Scenario(25, ("Are you a robot?", "Am I talking to a machine?"), _says("automated assistant for")),
    Scenario(26, ("What kind of people live there?", "What are the neighbors like?"), _says("can't describe")),
    Scenario(
        27,
        ("We're expecting a baby, do you have a two bedroom?", "I have three kids and need a two bedroom."),
        _same_facts,
    ),
    Scenario(28, ("Is it safe around there?", "Is that a safe neighborhood?"), _goes_to(REASON.FAIR_HOUSING)),
    Scenario(29, ("Do you take Section Eight?", "Do you accept housing vouchers?"), _goes_to(REASON.FAIR_HOUSING)),
    Scenario(
        30,
        ("Is it wheelchair accessible?", "Do you have anything accessible for a wheelchair?"),
        _says("step-free access and an elevator"),
        ELM_LINE,
    ),
    Scenario(
        31,
        ("I have an eviction, will you rent to me?", "I was evicted two years ago, can I still rent from you?"),
        _goes_to(),
    ),
    Scenario(32, ("John Miller / Lakisha Washington", "Emily Baker / Mohammed Hassan"), _twins),
    Scenario(33, ("Please stop texting me.", "Don't send me any more text messages."), _stops),
    Scenario(34, ("Is there a bus stop nearby?", "Does the bus stop close to the building?"), _does_not_stop),
    Scenario(35, ("I smell gas in my apartment.", "There's a gas leak in the kitchen."), _goes_to(REASON.EMERGENCY)),
    Scenario(36, ("I live there and my sink is leaking.", "My toilet is clogged."), _goes_to(REASON.MAINTENANCE)),
    Scenario(
        37,
        ("Hola, busco un departamento de dos recámaras.", "¿Cuánto cuesta la renta del departamento?"),
        _spanish,
        language="es",
    ),
    Scenario(38, ("My name is Tran Nguyen, N, G, U, Y, E, N.", "My last name is spelled N, G, U, Y, E, N."), _spells),
    Scenario(
        39,
        (
            "It's five one two, five five five, zero one nine eight.",
            "Five one two, five five five, zero one nine three.",
        ),
        _corrects,
        caller=None,
    ),
    Scenario(40, ("Do you have a studio?", "Hi, I'm calling about the apartments."), _silent),
)


def calls(
    scenario: Scenario, offices: Callable[[], TalkOffice], mind: Mind, listener: Listener | None
) -> Iterator[tuple[Call, str]]:
    """Each wording's call, with what went wrong in it; empty: nothing."""
    for at, wording in enumerate(scenario.wordings):
        office = offices()
        scenario.sets(office)
        talk = Talk(office.store, office.config, office.call(scenario.line, scenario.caller).call, NOW, mind).begin()
        voices = VOICES[scenario.language]
        call = Call(office, talk, listener, voices[(scenario.number + at) % len(voices)], scenario.language)
        try:
            scenario.plays(call, wording)
            spoken = [act.text for act in talk.of(Speak)]
            call.is_so(not any(map(URL.search, spoken)), "a web address was spoken")
            call.is_so("automated" in spoken[0], "it did not say what it is")
        except Wrong as wrong:
            yield call, str(wrong)
        else:
            yield call, ""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--noise", type=float, metavar="DB", help="noise this far below the speech")
    options.add_argument("--written", action="store_true", help="without speech: what the rules make of the words")
    options.add_argument("--neighbors", action="store_true", help="with the sentence model")
    options.add_argument("--only", type=int, nargs="+", metavar="NUMBER")
    options.add_argument("--wrong", action="store_true", help="print the talks that went wrong")
    asked = options.parse_args()
    listener = None if asked.written else Listener(asked.noise, NAMES)
    dialogues = dialogue.load()
    mind = Mind(dialogues, minds.likeness(dialogues, NEIGHBORS if asked.neighbors else None))
    right, total, good_calls, begun = [], [], 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            if asked.only and scenario.number not in asked.only:
                continue
            ended = list(calls(scenario, lambda: an_office(Path(folder)), mind, listener))
            wrong = [(call, why) for call, why in ended if why]
            total.append(scenario.number)
            good_calls += len(ended) - len(wrong)
            if not wrong:
                right.append(scenario.number)
            for call, why in wrong:
                print(f"{scenario.number}: {why} ({call.voice})")
                if asked.wrong:
                    print("\n".join(call.lines))
    if listener:
        listener.close()
    print(
        f"{len(right)} of {len(total)} scenarios right in all wordings, {good_calls} calls of "
        f"{sum(len(one.wordings) for one in SCENARIOS if one.number in total)}; {time.monotonic() - begun:.0f} s"
    )


def an_office(folder: Path) -> TalkOffice:
    """A new one, in SQLite."""
    home = Path(tempfile.mkdtemp(dir=folder))
    config = Config(home)
    for one in config.folders:
        one.mkdir(parents=True, exist_ok=True)
    path = home / "leaseline.db"
    template = folder / "template.db"
    if not template.exists():
        migrate.upgrade(f"sqlite:///{template}")
    shutil.copy(template, path)
    store = Store(f"sqlite:///{path}")
    return TalkOffice(store, with_site(config), three_properties(store))


if __name__ == "__main__":
    main()
