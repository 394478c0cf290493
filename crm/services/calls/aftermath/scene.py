"""What the steps of the aftermath know about a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.route_inputs import CallerKind
from crm.domain.story import CallStory
from crm.services.people.contacts import who
from crm.services.people.identity import Identity
from crm.store.models import Agent, Call, Contact, Lead
from crm.store.snapshot import KnownLine, KnownProperty, Snapshot


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

    @property
    def is_leasing(self) -> bool:
        """Whether the person may want to rent, so that they have a lead or get one.

        A colleague on their own mobile does not count unless they said in the call what it is about.
        """
        is_colleague = self.known.colleague is not None and self.known.lead is None and not self.story.kind
        return self.call.kind == CallerKind.PROSPECT and not is_colleague

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
