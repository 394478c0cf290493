"""What the steps of the aftermath know about a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.calls import CallDirection, DialStatus, EndedBy
from crm.domain.route_inputs import CallerKind
from crm.domain.story import CallStory
from crm.domain.text_templates import Words, in_force
from crm.edge import numbers
from crm.services.people.contacts import who
from crm.services.people.identity import Identity
from crm.services.people.timeline import NewEntry
from crm.store.models import Agent, Call, Contact, Lead
from crm.store.snapshot import KnownLine, KnownProperty, Snapshot

MISDIALLED = timedelta(seconds=8)
"""Whoever hangs up sooner on a stranger's number, before anybody answers, meant another one."""


@dataclass(frozen=True)
class Scene:
    """A call, and what is known about it."""

    session: Session
    config: Config
    now: datetime
    call: Call
    story: CallStory
    known: Identity
    """The person's identity, by their number."""
    office: Snapshot
    found: dict[str, Lead]
    """Leads found or made in this transaction, by their number, or by trunk and digits: `known` is from before it."""
    entries: list[NewEntry]
    """New ones in timelines, which whoever closes several calls writes together."""
    is_routed: bool
    """Whether it was decided whom the call should ring."""
    is_first: bool = False
    """Whether nothing the call leaves behind is on record yet, so that there is nothing to look up."""

    @property
    def line(self) -> KnownLine | None:
        return self.office.lines_by_id.get(self.call.line_id) if self.call.line_id else None

    @property
    def about_property(self) -> KnownProperty | None:
        """What the call is about."""
        return self.office.properties_by_id.get(self.call.property_id) if self.call.property_id else None

    def language(self, lead: Lead | None) -> str:
        """The language for texts to the caller: the one they chose in this call or before, else the line's."""
        chosen = self.story.language or (lead.language if lead else "")
        return chosen or (self.line.language if self.line else "en")

    def words(self, lead: Lead | None) -> Words:
        """What texts to the caller are made of."""
        return in_force(self.office.wordings, self.language(lead))

    @property
    def is_leasing(self) -> bool:
        """Whether the person may want to rent, so that they have a lead or get one.

        A colleague on their own mobile does not count unless they said in the call what it is about.
        """
        if self.call.kind != CallerKind.PROSPECT:
            return False
        if self.known.lead is not None:
            return True
        return not (self.calls_service or self.is_misdialled or (self.known.colleague and not self.story.kind))

    @property
    def has_talked(self) -> bool:
        """Whether anything can have been said to the person."""
        return self.story.has_talked(self.config.talk.shortest_seconds)

    @property
    def calls_service(self) -> bool:
        """Whether one of ours called a toll-free number or the like, where no prospect is, and nobody waits."""
        is_ours = self.story.direction is CallDirection.OUT and not self.known.lead and not self.known.contact
        return is_ours and self.call.caller is not None and numbers.is_service(self.call.caller)

    @property
    def is_misdialled(self) -> bool:
        """Whether an agent hung up at once on a number that nobody is known by: it was none they meant."""
        story, known = self.story, self.known
        is_stranger = not (known.lead or known.contact or known.colleague or known.is_line)
        if not (is_stranger and story.placed and story.placed.direction is CallDirection.OUT and story.ended_at):
            return False
        by_hand = story.placed.order_id is None and story.ended_by is EndedBy.AGENT and not story.talked
        was_tried = any(leg.status not in (None, DialStatus.CANCEL) for leg in story.legs)
        return by_hand and not was_tried and story.ended_at - story.started_at < MISDIALLED

    def contact(self) -> Contact | None:
        """The person as a contact outside of leasing, such as a resident; None when the number is not a contact's."""
        return self.session.get(Contact, self.call.contact_id) if self.call.contact_id else None

    def person(self) -> str:
        """A person who is not a lead, worded as the start of a sentence."""
        colleague = self.office.agents.get(self.known.colleague) if self.known.colleague else None
        if colleague and self.call.kind == CallerKind.PROSPECT:
            return self._name_of(colleague.id, "A colleague")
        return who(self.contact(), self.call.kind, self.about_property)

    def agent_name(self, unknown: str) -> str:
        """The name of the agent who placed the call, or `unknown`."""
        return self._name_of(self.call.agent_id, unknown)

    def _name_of(self, agent_id: int | None, unknown: str) -> str:
        agent = self.session.get(Agent, agent_id) if agent_id else None
        return agent.name if agent else unknown

    def name(self) -> str:
        """The name of what the caller thinks they called."""
        if self.about_property:
            return self.about_property.name
        organization = self.office.organization
        return (organization.name if organization else "") or (self.line.label if self.line else "") or "our office"

    def unread_number(self) -> str:
        """What a person has to know about a caller who left no number to call, as a sentence after another one; ""
        when there is one."""
        if self.call.caller:
            return ""
        if self.call.caller_digits:
            return f" They showed {self.call.caller_digits}, which is not a phone number."
        return " The number was withheld." if self.call.withheld else " They showed no number."

    def may_text(self) -> bool:
        """Whether the caller can be texted: through a known line, to a number that is not withheld and not our own."""
        return not (self.line is None or self.call.caller is None or self.call.withheld or self.known.is_line)


def fit(text: str, length: int) -> str:
    """Cuts text to `length` and removes NULs: PostgreSQL would refuse either, and no call may get lost over that."""
    return text.replace("\x00", "")[:length]
