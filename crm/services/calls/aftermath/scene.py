"""What is known of a call while what it leaves behind is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.route_inputs import CallerKind
from crm.domain.story import CallStory
from crm.services.people.contacts import who
from crm.services.people.identity import Identity
from crm.store.models import Agent, Call, Contact, Lead, Line, Property
from crm.store.queries import agents, office


@dataclass(frozen=True)
class Scene:
    """What the steps below need to know of a call."""

    session: Session
    config: Config
    now: datetime
    call: Call
    story: CallStory
    known: Identity
    """Who the person is, by their number."""
    line: Line | None
    place: Property | None
    """What the call is about."""
    is_first: bool = False
    """Nothing that the call leaves is on record yet: there is nothing to look for."""

    def language(self, lead: Lead | None) -> str:
        """That the caller is written to in: what they chose in this call or before, else the line's."""
        chosen = self.story.language or (lead.language if lead else "")
        return chosen or (self.line.language if self.line else "en")

    @property
    def is_leasing(self) -> bool:
        """Somebody who may rent called, or was called: a lead is theirs, or is made.

        A colleague on their own mobile is none, unless they have said so.
        """
        is_colleague = self.known.colleague is not None and self.known.lead is None and not self.story.kind
        return self.call.kind == CallerKind.PROSPECT and not is_colleague

    def contact(self) -> Contact | None:
        """Who the person is beside leasing, as far as their number tells."""
        return self.session.get(Contact, self.call.contact_id) if self.call.contact_id else None

    def person(self) -> str:
        """Whoever is no lead, as the beginning of a sentence."""
        colleague = agents.by_slug(self.session, self.known.colleague) if self.known.colleague else None
        if colleague and self.call.kind == CallerKind.PROSPECT:
            return colleague.name
        return who(self.contact(), self.call.kind, self.place)

    def agent_name(self, unknown: str) -> str:
        """Who placed a call of ours, or `unknown`."""
        agent = self.session.get(Agent, self.call.agent_id) if self.call.agent_id else None
        return agent.name if agent else unknown

    def name(self) -> str:
        """What the caller believes to have called."""
        if self.place:
            return self.place.name
        organization = office.organization(self.session)
        return (organization.name if organization else "") or (self.line.label if self.line else "") or "our office"

    def may_text(self) -> bool:
        """Texts go to a known number that is not withheld through a known line, and never to one of our own numbers."""
        return not (self.line is None or self.call.caller is None or self.call.withheld or self.known.is_line)


def fit(text: str, length: int) -> str:
    """PostgreSQL refuses text longer than its column, and NUL; a call must not get lost over that."""
    return text.replace("\x00", "")[:length]
