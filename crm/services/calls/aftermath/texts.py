"""Texts that a call triggers."""

from __future__ import annotations

from datetime import timedelta

from crm.domain import attestation, texts
from crm.domain.texts import TextPurpose
from crm.services.calls.aftermath.leads import lead_of
from crm.services.calls.aftermath.scene import Scene
from crm.services.outbox import outgoing
from crm.services.people import short_links
from crm.store.models import Lead
from crm.store.queries import messages


def text_link(scene: Scene) -> None:
    """Queues the listings for a caller who asked for them."""
    if not scene.may_text():
        return
    lead = lead_of(scene) if scene.is_leasing else None
    url = _listings(scene, lead, f"link:{scene.call.id}")
    if not url:
        return
    assert scene.line is not None
    queue(
        scene,
        f"link:{scene.call.id}",
        TextPurpose.LISTINGS_LINK,
        texts.listings_link(scene.words(lead), scene.name(), url),
        lead,
    )


def text_missed(scene: Scene, lead: Lead, is_active: bool) -> None:
    """Queues the text after a missed call, at most one per caller within the configured time.

    None is sent to a number that failed the carrier's attestation, or after a ring that ended immediately: both could
    be used to make us text strangers.
    """
    session, line, caller, story = scene.session, scene.line, scene.call.caller, scene.story
    is_ring = not story.came_in and story.seconds < scene.config.texts.missed_shortest_seconds
    if is_ring or attestation.is_failed(story.attestation):
        return
    if not line or not caller or not scene.may_text():
        return
    since = scene.now - timedelta(seconds=scene.config.texts.missed_per_caller_seconds)
    if messages.has_any_since(session, caller, TextPurpose.MISSED_CALL, since):
        return
    url = _listings(scene, lead, f"missed:{scene.call.id}")
    body = texts.missed_call(scene.words(lead), scene.name(), url, is_active=is_active)
    queue(scene, f"missed:{scene.call.id}", TextPurpose.MISSED_CALL, body, lead, is_new=scene.is_first)


def _listings(scene: Scene, lead: Lead | None, key: str) -> str:
    lead_id, about = lead.id if lead else None, scene.about_property
    known_url = scene.office.listings_url(about)
    return short_links.to_listings(scene.session, scene.config, about, lead_id, key, scene.now, known_url=known_url)


def queue(scene: Scene, key: str, purpose: TextPurpose, body: str, lead: Lead | None, *, is_new: bool = False) -> None:
    """Puts a text to the caller into the outbox, once per key; `is_new` as in `NewText`."""
    assert scene.line is not None
    assert scene.call.caller is not None
    new = outgoing.NewText(
        key,
        purpose,
        to_number=scene.call.caller,
        from_number=scene.line.number,
        body=body,
        language=scene.language(lead),
        lead_id=lead.id if lead else None,
        call_id=scene.call.id,
        about=scene.call.property_id,
        is_new=is_new,
    )
    outgoing.queue(scene.session, scene.config, new, scene.now)
