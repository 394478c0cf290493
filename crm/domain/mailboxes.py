"""Which mailbox a voicemail is in. A mailbox is written agent:SLUG, subteam:SLUG, property:SLUG, or office. Pure."""

from __future__ import annotations

from enum import StrEnum

from crm.domain import fields
from crm.domain.errors import Invalid

OFFICE = "office"


class BoxKind(StrEnum):
    AGENT = "agent"
    SUBTEAM = "subteam"
    PROPERTY = "property"


class VoicemailTo(StrEnum):
    """Where a property's voicemail goes."""

    PROPERTY = "property"
    SUBTEAM = "subteam"
    """To the box of the subteam that leases it, together with its other properties'."""


class TranscriptState(StrEnum):
    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
    NONE = "none"
    """There is no model to make one."""


def box(kind: BoxKind, slug: str) -> str:
    return f"{kind}:{slug}"


def parse(raw: str) -> str:
    """A mailbox as a person writes it; raises Invalid. Whether there is such an agent is another question."""
    if raw == OFFICE:
        return raw
    kind, _, slug = raw.partition(":")
    if kind not in tuple(BoxKind):
        raise Invalid(
            "That is not a mailbox: write agent:alice, subteam:north, property:elm or office.", code="mailbox_invalid"
        )
    return box(BoxKind(kind), fields.slug(slug))


def split(name: str) -> tuple[BoxKind | None, str]:
    """The owner; None for the office, and for a name that does not exist."""
    kind, _, slug = name.partition(":")
    return (BoxKind(kind), slug) if kind in tuple(BoxKind) else (None, "")


def of_property(slug: str, voicemail_to: str, subteam: str | None) -> str:
    if voicemail_to == VoicemailTo.SUBTEAM and subteam:
        return box(BoxKind.SUBTEAM, subteam)
    return box(BoxKind.PROPERTY, slug)


def file_stem(name: str) -> str:
    """What files of a mailbox are called. A slug holds a-z, 0-9 and - only."""
    return parse(name).replace(":", "-")
