"""Talks that are tried out without a phone: everything is decided as in a call, and nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.conversation import Act, ActResult, BookTour, Did, Happening, SendLink, UpdateLead
from crm.domain.talk import TalkState
from crm.domain.understanding import Mind
from crm.services.office import properties
from crm.services.phones import lines as phone_lines
from crm.services.talks import facts
from crm.services.talks.facts import TalkOf
from crm.store import snapshot


def line_of(session: Session, config: Config, number: str | None, property_slug: str | None) -> str:
    """The line that was named, else one whose callers may be about this property: its own, else any; "" for none.

    Raises NotFound, Invalid.
    """
    if property_slug is not None:
        properties.named(session, property_slug)
    if number is not None:
        stored = phone_lines.read_number(number, config.region, config.area_code)
        return phone_lines.named(session, config.region, stored).number
    lines = snapshot.now(session).lines
    own = [number for number, line in lines.items() if line.property and line.property.slug == property_slug]
    shared = [number for number, line in lines.items() if line.property is None]
    return next(iter([*own, *shared, *lines]), "")


def answers(
    session: Session, config: Config, mind: Mind, state: TalkState, happening: Happening, call: TalkOf, now: datetime
) -> tuple[TalkState, str, list[Act]]:
    """The state after something happened, the language of the answer, and all acts, as if each had succeeded."""
    waiting, done = [happening], list[Act]()
    language = state.language
    while waiting:
        turn = facts.step(session, config, mind, state, waiting.pop(0), call, now)
        state, language = turn.state, turn.language
        done += turn.acts
        waiting += list(_results(turn.acts))
    return state, language, done


def _results(acts: tuple[Act, ...]) -> Iterator[Did]:
    for act in acts:
        if isinstance(act, (SendLink, UpdateLead, BookTour)):
            yield Did(act, ActResult.DONE)
