"""A turn in the making: what is said and done, and the state that follows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from crm.domain.conversation import (
    Act,
    Cite,
    End,
    Expects,
    LinkKind,
    Promise,
    SendLink,
    Speak,
    Transfer,
    TransferReason,
    Turn,
    UpdateLead,
)
from crm.domain.dialogue import Dialogue, split_sentences
from crm.domain.heard import CardField
from crm.domain.talk import Asked, Facts, HomeFact, PropertyFact, TalkState
from crm.domain.understanding import Understanding

_EXPECTS = {
    Asked.NAME: Expects.LETTERS,
    Asked.NAME_SPELLED: Expects.LETTERS,
    Asked.EMAIL: Expects.LETTERS,
    Asked.MOBILE: Expects.DIGITS,
    Asked.NOTHING: Expects.ANYTHING,
    Asked.UNCLEAR: Expects.ANYTHING,
    Asked.BEDROOMS: Expects.ANYTHING,
    Asked.WHICH_PROPERTY: Expects.ANYTHING,
    Asked.TOUR_TIME: Expects.ANYTHING,
    Asked.MORE: Expects.ANYTHING,
}


class Answering:
    """Collects the acts of one turn."""

    def __init__(self, dialogue: Dialogue, state: TalkState, heard: Understanding, facts: Facts) -> None:
        self.dialogue = dialogue
        self.state = replace(state, language=dialogue.language)
        self.heard = heard
        self.facts = facts
        self.acts: list[Act] = []

    # --- saying ---

    def say(self, template: str, cites: Iterable[Cite] = (), /, **values: object) -> None:
        self.speak(self.dialogue.say(template, **values), template, cites)

    def announce(self, template: str, /, **values: object) -> None:
        """What has to be heard to its end."""
        self.speak(self.dialogue.say(template, **values), template, interruptible=False)

    def speak(self, text: str, template: str, cites: Iterable[Cite] = (), *, interruptible: bool = True) -> None:
        self.acts.append(Speak(text, template, tuple(dict.fromkeys(cites)), interruptible, self.dialogue.language))

    def answer_text(self, text: str, cites: Iterable[Cite]) -> None:
        """The office's own words: the first two sentences of them."""
        self.speak(" ".join(split_sentences(" ".join(text.split()))[:2]), "answer", cites)

    def ask(self, asked: Asked, value: str = "", **changes: Any) -> None:
        self.change(asked=asked, value=value, **changes)

    def change(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    # --- doing ---

    def transfer(self, reason: TransferReason, template: str = "", keys: str = "", **values: object) -> None:
        """Says so, where a sentence is given, and passes the caller on; the talk is over."""
        if template:
            self.say(template, **values)
        self.acts.append(Transfer(reason, summary(self.state, self.facts, reason), self.state.property, keys))
        self.change(over=True, asked=Asked.NOTHING)

    def promise(self, about: str) -> None:
        if about not in self.state.promised:
            self.acts.append(Promise(about))
            self.change(promised=(*self.state.promised, about))

    def end(self) -> None:
        self.acts.append(End())
        self.change(over=True, asked=Asked.NOTHING)

    def send(self, kind: LinkKind) -> None:
        self.acts.append(
            SendLink(
                kind,
                self.state.property,
                self.state.listing if kind is LinkKind.HOME else None,
                self.state.mobile or None,
            )
        )

    def keep(self, values: dict[str, str]) -> None:
        """Has confirmed values written down, with what was asked about."""
        self.acts.append(UpdateLead(values, self.state.interests))
        self.change(
            kept={**self.state.kept, **values},
            wishes={key: value for key, value in self.state.wishes.items() if key not in values},
        )

    def interested(self, property: PropertyFact, home: HomeFact | None = None) -> None:
        """Notes what the talk is about; what was asked about is passed on once."""
        listing = home.id if home else None
        if property.slug != self.state.property:
            self.change(property=property.slug, listing=listing)
        elif home:
            self.change(listing=listing)
        pair = (property.slug, listing)
        if pair not in self.state.interests and (
            home or all(slug != property.slug for slug, _ in self.state.interests)
        ):
            self.change(interests=(*self.state.interests, pair))
            self.acts.append(UpdateLead({}, (pair,)))

    def asked_about(self, intent: str) -> None:
        if intent not in self.state.asks:
            self.change(asks=(*self.state.asks, intent)[-6:])

    # --- knowing ---

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.facts.tz)

    @property
    def can_text(self) -> bool:
        return bool(self.facts.caller.can_be_texted or self.state.mobile) and not self.state.stopped

    def turn(self) -> Turn[TalkState]:
        spoken = tuple(act.text for act in self.acts if isinstance(act, Speak))
        if spoken:
            self.change(spoken=spoken)
        expects = _EXPECTS.get(self.state.asked, Expects.YES_OR_NO)
        return Turn(self.state, tuple(self.acts), self.dialogue.language, expects)


# --- for the person who answers; in English, like all that the office reads ---

_REASONS = {
    TransferReason.ASKED: "wants a person",
    TransferReason.KEY: "pressed a key",
    TransferReason.NOT_UNDERSTOOD: "was not understood",
    TransferReason.DISTRESS: "is upset, or has a complaint",
    TransferReason.STAGE: "is already in touch with us about a tour, an application or a lease",
    TransferReason.FAIR_HOUSING: "asked something that only a person may answer",
    TransferReason.NOT_OURS_TO_DECIDE: "asked for a decision",
    TransferReason.LANGUAGE: "speaks another language",
    TransferReason.EMERGENCY: "reports an emergency",
    TransferReason.MAINTENANCE: "needs a repair",
    TransferReason.SILENCE: "was silent",
}


def summary(state: TalkState, facts: Facts, reason: TransferReason) -> str:
    """One sentence: who it is, why they are passed on, and what about."""
    who = facts.caller.name or state.kept.get(CardField.NAME, "") or "A caller"
    place = facts.place.name if facts.place and facts.place.slug == state.property else ""
    return f"{'; '.join([f'{who} {_REASONS[reason]}', *_wanted(state, place)])}."


def gist(state: TalkState, place: str = "") -> str:
    """What the caller wants, as one sentence after one that says who called; empty: they have not said. `place` is the
    name of the property that the talk is about."""
    wanted = "; ".join(_wanted(state, place))
    return f"{wanted[0].upper()}{wanted[1:]}." if wanted else ""


def brief(state: TalkState) -> str:
    """The home that the caller looks for, as a phone's display has room for it: 2 bedrooms with dog; empty: not
    known."""
    return " ".join(_home(state))


def _home(state: TalkState, named: str = "") -> list[str]:
    known = {**state.kept, **state.wishes}
    about = []
    if (count := known.get(CardField.BEDROOMS)) is not None:
        about.append("a studio" if count == "0" else f"{count} bedroom{'' if count == '1' else 's'}")
    if about and named:
        about.append(f"at {named}")
    if move_in := known.get(CardField.MOVE_IN):
        about.append(f"from {move_in}")
    if budget := known.get(CardField.BUDGET):
        about.append(f"up to ${budget}")
    if pets := known.get(CardField.PETS):
        about.append("no pets" if pets == "none" else f"with {pets}")
    return about


def _wanted(state: TalkState, place: str = "") -> list[str]:
    named = place or state.property
    about = _home(state, named)
    said = [f"looks for {' '.join(about)}"] if about else [f"is interested in {named}"] if named else []
    if state.asks:
        said.append(f"asked about {', '.join(one.replace('_', ' ') for one in state.asks[-3:])}")
    if state.language not in ("", "en"):
        said.append(f"speaks {state.language}")
    return said
