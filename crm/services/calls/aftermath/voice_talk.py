"""What a talk with the voice agent leaves: its words in the lead's timeline, and a notice to whoever has the task."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.domain.calls import Speaker
from crm.domain.conversation import TransferReason
from crm.domain.leads import Happened
from crm.domain.story import VoiceTalkStory
from crm.services.calls.aftermath.scene import Scene
from crm.services.office import owners
from crm.services.outbox import notices
from crm.services.people import timeline
from crm.store.models import Lead, VoiceTurn
from crm.store.queries import tasks
from crm.words import notices as words

_NAMES = {Speaker.CALLER: "Caller", Speaker.AGENT: "Agent", Speaker.KEYS: "Keys", Speaker.ACT: "Done"}


def tell(scene: Scene, lead: Lead | None, talk: VoiceTalkStory) -> None:
    """Enters what was said, and tells the owner of the next action what the caller wants."""
    session, call = scene.session, scene.call
    said = dialogue(session, call.id)
    if not talk.turns:
        return
    if lead:
        timeline.enter(
            session,
            lead.id,
            Happened.TRANSCRIPT,
            f"Said to the voice agent:\n{said}",
            call.started_at,
            key=timeline.voice_key(call.id),
            call_id=call.id,
            about=call.property_id,
        )
    task = tasks.of_call(session, call.id)
    if task is None or task.done_at is not None or not is_urgent(talk):
        return
    # At once; of what can wait, its owner is told soon (`crm.services.notifying`).
    task.tell_at = None
    who = (lead.name if lead else "") or call.caller or "Somebody"
    told = [f"{who} called {scene.name()} and talked with the voice agent.{gist_of(talk)}", "", said, ""]
    told.append(f"Task {task.id}: {task.why} {words.more('voice_talk', call=call.id)}")
    subject, lead_id = f"{who} talked with the voice agent", lead.id if lead else None
    people = owners.people(task.held_by)
    notices.tell(
        session, scene.config, people, f"voice:{call.id}", subject, "\n".join(told), scene.now, lead_id=lead_id
    )


def dialogue(session: Session, call_id: str) -> str:
    """What was said, a line a turn; "" when the voice agent did not answer."""
    return dialogues(session, [call_id]).get(call_id, "")


def dialogues(session: Session, call_ids: Collection[str]) -> dict[str, str]:
    """What was said in calls that the voice agent answered, by the call's id."""
    if not call_ids:
        return {}
    turns = select(VoiceTurn.call_id, VoiceTurn.who, VoiceTurn.text).where(VoiceTurn.call_id.in_(call_ids))
    said: dict[str, list[str]] = {}
    for id, who, text in session.execute(turns.order_by(VoiceTurn.call_id, VoiceTurn.number)):
        said.setdefault(id, []).append(f"{_NAMES[Speaker(who)]}: {text}")
    return {id: "\n".join(lines) for id, lines in said.items()}


def gist_of(talk: VoiceTalkStory | None) -> str:
    """What the caller wants and was promised, as sentences after others; empty: nothing is known."""
    if talk is None:
        return ""
    promised = f" They were promised an answer about {', '.join(talk.promises)}." if talk.promises else ""
    return f" {talk.summary}{promised}" if talk.summary else promised


def is_urgent(talk: VoiceTalkStory | None) -> bool:
    """Whether the caller spoke of an emergency."""
    return talk is not None and talk.why_ended == TransferReason.EMERGENCY
