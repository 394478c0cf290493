"""Which text a person gets next without anybody having to remember it: sequences by the stage of their interest. Pure.

A sequence is data (`crm/follow_ups/default.toml`, or a portfolio's own): texts, each with its wait after the one
before. Whoever answers is left to people: nothing leaves while a person waits for a person.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from crm.domain import fields
from crm.domain.errors import Invalid
from crm.domain.leads import LeasingStage
from crm.domain.text_templates import FIRST_LANGUAGE, FOLLOW_UP, check_placeholders, code

PLANNED, PAUSED, SENT, CANCELLED, EXPIRED = "planned", "paused", "sent", "cancelled", "expired"
"""What has become of a text of a sequence."""
MOST_STEPS = 10
LONGEST_TEXT = 600
_KEY = re.compile(r"wait|text(?:_[a-z]{2})?")
LATEST = timedelta(hours=24)
"""A step leaves at most so long after its time. The minute's look, a restart and an afternoon's outage fit in; what is
later comes from imported data or a machine that was off, and its text would no longer be true."""


@dataclass(frozen=True)
class SequenceStep:
    wait: timedelta
    """After the step before; the first one: after the stage began."""
    texts: Mapping[str, str]
    """By language; English always."""

    def text_in(self, language: str) -> str:
        """English for a language that nobody wrote one in."""
        return self.texts.get(code(language)) or self.texts[FIRST_LANGUAGE]


@dataclass(frozen=True)
class StageSequence:
    """What happens in one stage."""

    steps: tuple[SequenceStep, ...]
    then: LeasingStage | None = None
    """The stage that follows its last step by itself; None: it stays."""


@dataclass(frozen=True)
class FollowUpRules:
    """All sequences of a portfolio."""

    sequences: Mapping[LeasingStage, StageSequence]
    """Their texts may hold the property's name and the link to its listings (`text_templates.FOLLOW_UP`)."""
    silent_steps: int = 3
    """After so many steps without an answer, and `silence`, a person is unresponsive."""
    silence: timedelta = timedelta(hours=72)
    reply_within: timedelta = timedelta(hours=36)
    """An answer within this time after a step belongs to it; see `next_step`."""


@dataclass(frozen=True)
class History:
    """What has happened with one interest so far."""

    stage: LeasingStage
    stage_since: datetime
    sent: tuple[datetime, ...] = ()
    """When each step of this stage left, in order."""
    heard_at: datetime | None = None
    """When the person called or wrote last."""
    answered_at: datetime | None = None
    """When one of us talked or wrote to them last, by hand."""
    expired_at: datetime | None = None
    """When a step of this stage was found too late to be sent; see `is_too_late`."""
    language: str = FIRST_LANGUAGE
    """In which they are texted."""
    has_begun: bool = False
    """Whether they are filling in the application that this is about."""


class FollowUpAct(StrEnum):
    SEND = "send"
    PAUSE = "pause"
    MOVE = "move"
    REST = "rest"


@dataclass(frozen=True)
class Next:
    """What comes next, and why."""

    act: FollowUpAct
    why: str
    at: datetime | None = None
    """When; None for PAUSE and REST, which wait for something to happen."""
    step: int = 0
    """Which step is sent, from 0."""
    text: str = ""
    stage: LeasingStage | None = None
    """Where the interest moves."""


def next_step(rules: FollowUpRules, history: History) -> Next:
    """The one next thing in an interest's sequence. Total: every history has one.

    Someone who has called or written since the stage began or since the latest step, and whom nobody has answered yet,
    waits for a person: the sequence pauses, as it does after a step that expired. Once somebody has answered, the waits
    count from then on.
    """
    sequence = rules.sequences.get(history.stage)
    if sequence is None:
        return Next(FollowUpAct.REST, f"Nothing is planned for stage {history.stage}.")
    if history.stage is LeasingStage.APPLICATION_SENT and history.has_begun:
        return Next(FollowUpAct.REST, "They have begun the application, so a person takes over.")
    heard, answered = history.heard_at, history.answered_at
    latest = max((history.stage_since, *history.sent))
    if heard is not None and heard > latest and (answered is None or answered < heard):
        within = bool(history.sent) and heard - history.sent[-1] <= rules.reply_within
        answered_us, wrote = "They answered, so a person takes over.", "They were in touch, so a person takes over."
        return Next(FollowUpAct.PAUSE, answered_us if within else wrote)
    if history.expired_at is not None and (answered is None or answered < history.expired_at):
        return Next(FollowUpAct.PAUSE, "A step came too late to be sent, so a person takes over.")
    done = len(history.sent)
    silent_since = _silent_since(rules, history)
    if done < len(sequence.steps):
        step = sequence.steps[done]
        begin = max(latest, answered) if answered is not None else latest
        due = begin + step.wait
        if silent_since is None or due <= silent_since + rules.silence:
            return Next(
                FollowUpAct.SEND,
                f"Step {done + 1} of {len(sequence.steps)} in {history.stage}.",
                due,
                done,
                step.text_in(history.language),
            )
    if silent_since is not None:
        why = f"{rules.silent_steps} steps and {_hours(rules.silence)} without an answer."
        return Next(FollowUpAct.MOVE, why, silent_since + rules.silence, stage=LeasingStage.UNRESPONSIVE)
    if sequence.then is not None:
        return Next(FollowUpAct.MOVE, "The sequence is over.", latest, stage=sequence.then)
    return Next(FollowUpAct.REST, "The sequence is over.")


def is_too_late(due_at: datetime, now: datetime) -> bool:
    """A step that was due then is not sent any more: it expires, and a person takes over."""
    return now - due_at > LATEST


def _silent_since(rules: FollowUpRules, history: History) -> datetime | None:
    """When the last of the steps left that nobody answered; None when there were not enough, or an answer came."""
    if len(history.sent) < rules.silent_steps or rules.silent_steps <= 0:
        return None
    enough = history.sent[rules.silent_steps - 1]
    last_contact = max((at for at in (history.heard_at, history.answered_at) if at is not None), default=None)
    if last_contact is not None and last_contact > history.stage_since:
        return None
    return enough


def parse(text: str) -> FollowUpRules:
    """Sequences from TOML. Raises Invalid with what to write instead; nothing is half taken.

    A table for each stage with `steps`, a list of {wait = "6h", text = "...", text_es = "..."}, and perhaps `then`, a
    stage; beside them `silent_steps`, `silence` and `reply_within`.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The sequences are not valid TOML: {error}.", code="sequences_unreadable") from None
    default = FollowUpRules({})
    silent_steps = table.pop("silent_steps", default.silent_steps)
    if not isinstance(silent_steps, int) or isinstance(silent_steps, bool) or not 0 <= silent_steps <= MOST_STEPS:
        raise Invalid(
            f"silent_steps has to be a number from 0 to {MOST_STEPS}; 0: nobody becomes unresponsive.",
            code="sequences_silent_steps",
            most=MOST_STEPS,
        )
    silence = _length(table.pop("silence", "72h"), "silence")
    reply_within = _length(table.pop("reply_within", "36h"), "reply_within")
    sequences = {_stage(name): _sequence(name, entry) for name, entry in table.items()}
    return FollowUpRules(sequences, silent_steps, silence, reply_within)


def _sequence(name: str, entry: object) -> StageSequence:
    if not isinstance(entry, dict) or set(entry) - {"steps", "then"}:
        raise Invalid(f"[{name}] may only hold steps and then.", code="sequence_keys", sequence=name)
    steps = entry.get("steps", [])
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise Invalid(
            f"[{name}] needs a list of at most {MOST_STEPS} steps.",
            code="sequence_steps",
            sequence=name,
            most=MOST_STEPS,
        )
    return StageSequence(
        tuple(_step(name, number, step) for number, step in enumerate(steps, start=1)),
        _stage(entry["then"]) if "then" in entry else None,
    )


def _step(name: str, number: int, step: object) -> SequenceStep:
    where = f"Step {number} of [{name}]"
    if not isinstance(step, dict) or not {"wait", "text"} <= set(step) or not all(map(_KEY.fullmatch, step)):
        raise Invalid(
            f'{where} has to be {{wait = "6h", text = "..."}}, with text_es = "..." for Spanish.',
            code="sequence_step_shape",
            where=where,
        )
    written = {key.removeprefix("text").lstrip("_") or FIRST_LANGUAGE: body for key, body in step.items()}
    waits = written.pop("wait")
    return SequenceStep(_length(waits, where), {language: _text(where, body) for language, body in written.items()})


def _text(where: str, body: object) -> str:
    if not isinstance(body, str) or not body.strip() or len(body) > LONGEST_TEXT:
        raise Invalid(
            f"{where} needs a text of at most {LONGEST_TEXT} characters.",
            code="sequence_text_length",
            where=where,
            longest=LONGEST_TEXT,
        )
    check_placeholders(where, body, (), FOLLOW_UP)
    if any(character != "\n" and not character.isprintable() for character in body):
        raise Invalid(f"{where} has control characters in its text.", code="sequence_text_unprintable", where=where)
    return body.strip()


def step_name(stage: LeasingStage, number: int) -> str:
    """The name of a step's text among the templates; the first step of a stage is 1."""
    return f"followup.{stage}.{number}"


def reworded(rules: FollowUpRules, own: Mapping[tuple[str, str], str]) -> FollowUpRules:
    """The same sequences with what the office wrote in place of their texts: `own` by name and language."""
    if not own:
        return rules

    def with_own(stage: LeasingStage, number: int, step: SequenceStep) -> SequenceStep:
        name = step_name(stage, number)
        return replace(step, texts={**step.texts, **{to: body for (of, to), body in own.items() if of == name}})

    return replace(
        rules,
        sequences={
            stage: replace(
                one, steps=tuple(with_own(stage, number, step) for number, step in enumerate(one.steps, start=1))
            )
            for stage, one in rules.sequences.items()
        },
    )


def _length(raw: object, where: str) -> timedelta:
    try:
        return fields.duration(str(raw))
    except Invalid as error:
        raise Invalid(f"{where}: {error}", code="sequence_wait", where=where) from None


def _stage(raw: object) -> LeasingStage:
    try:
        return LeasingStage(str(raw))
    except ValueError:
        known = ", ".join(stage.value for stage in LeasingStage)
        raise Invalid(f"{str(raw)[:40]!a} is not a stage: use {known}.", code="stage_unknown") from None


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"
