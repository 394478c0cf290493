"""Talks with the voice agent that are tried out at the terminal: what was said, and which rows it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crm.domain.conversation import (
    Act,
    BookTour,
    Cite,
    End,
    Happening,
    Pressed,
    Promise,
    SendLink,
    Silent,
    Speak,
    StopTexts,
    Transfer,
    UpdateLead,
    Utterance,
)
from crm.views.calls import CiteEntry


class SentenceEntry(msgspec.Struct, frozen=True):
    text: str
    template: str
    """Name of the sentence in the dialogue's file; empty: a language model's own, answer: the office's."""
    cites: list[CiteEntry]


class TalkTurn(msgspec.Struct, frozen=True):
    """One turn of a talk."""

    caller: str
    """What they said; in brackets what else happened, such as (answered)."""
    language: str
    """That the agent speaks."""
    said: list[SentenceEntry]
    acts: list[str]
    """What would be done, each as a sentence."""


class DialogueCheck(msgspec.Struct, frozen=True):
    """Whether the office's changes to the dialogue can be used."""

    folder: str
    files: list[str]
    """Those found there."""
    wrong: list[str]
    """What has to be put right, each as a sentence."""


def turn_of(happening: Happening, acts: Sequence[Act], language: str) -> TalkTurn:
    said = [
        SentenceEntry(act.text, act.template, [_cite(one) for one in act.cites])
        for act in acts
        if isinstance(act, Speak)
    ]
    return TalkTurn(_heard(happening), language, said, [told for act in acts if (told := _told(act))])


def _cite(one: Cite) -> CiteEntry:
    return CiteEntry(one.kind, one.id, one.version)


def _heard(happening: Happening) -> str:
    match happening:
        case Utterance(text=text):
            return text
        case Pressed(keys=keys):
            return f"(pressed {keys})"
        case Silent(seconds=seconds):
            return f"(silent for {seconds:g} s)"
    return "(answered)"


def _told(act: Act) -> str:
    match act:
        case SendLink(kind=kind, number=number):
            return f"texts the link: {kind}{f', to {number}' if number else ''}"
        case UpdateLead(values=values, interests=interests):
            said = [f"{key} {value}" for key, value in values.items()]
            said += [f"interest in {slug}{f', listing {listing}' if listing else ''}" for slug, listing in interests]
            return f"writes down: {'; '.join(said)}" if values else f"notes: {'; '.join(said)}"
        case BookTour(property=property, at=at, kind=kind):
            return f"books a tour: {property}, {at:%Y-%m-%d %H:%M} UTC, {kind}"
        case Transfer(reason=reason, summary=summary):
            return f"passes the call on ({reason}): {summary}"
        case StopTexts(words=words):
            return f"enters an opt-out: {words}"
        case Promise(about=about):
            return f"makes a task: {about}"
        case End():
            return "hangs up"
    return ""
