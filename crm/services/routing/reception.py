"""What a call flow looks up before it speaks or rings: the line, the caller, and who could answer.

Each function is one short read. `Unavailable` is left to the flow, which goes on without.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.invite import Dialled
from crm.domain.mailboxes import OFFICE
from crm.domain.ringing import AgentAvailability
from crm.services.outbox import destinations
from crm.services.people.identity import NOBODY, Identity, who_calls
from crm.services.routing.arrivals import line_among
from crm.services.voicemail import mailboxes
from crm.store import snapshot
from crm.store.queries import agents, nodes
from crm.store.snapshot import KnownAgent, Snapshot


@dataclass(frozen=True)
class Reception:
    """What is known about a call when it begins. The defaults are for a call about which nothing is known."""

    did: str
    caller: str | None
    person: Identity = NOBODY
    line_known: bool = False
    line_label: str = ""
    greeting: str = ""
    """Spoken first; empty for the standard greeting."""
    language: str = "en"
    source: str = ""
    """Where callers of this line saw its number: sign, website, an ILS."""
    property_slug: str = ""
    """Empty when it is not known which, or there is none."""
    property_id: int | None = None
    property_name: str = ""
    listings_url: str = ""
    """The link that key 1 would text: the property's, else the office's; empty when there is none."""
    mailbox: str = OFFICE
    """Where voicemail for this line goes."""
    is_withheld: bool = False
    """The caller withholds their number; it is never texted, even if known."""
    is_refused: bool = False
    """The rules in `[dialing]` forbid calls and texts to the caller's number, so nothing is promised."""
    caller_is_line: bool = False
    """The call comes from one of our own numbers; it is never texted."""
    lead_known: bool = False
    lead_name: str = ""
    """Empty while unknown."""
    contact_name: str = ""
    """Name of a resident, owner or vendor; empty for others and while unknown."""
    assigned_agent: str | None = None
    """Slug."""
    recording: str = "off"
    """Whether talks are recorded: off, announced or demand."""
    subteam: str | None = None
    """Slug."""

    @property
    def can_text_link(self) -> bool:
        return bool(self.can_call_back and self.listings_url)

    @property
    def can_call_back(self) -> bool:
        """Whether the caller may be promised a callback, and a text about it."""
        is_ours_to_reach = not (self.caller_is_line or self.is_withheld or self.is_refused)
        return bool(self.line_known and self.caller and is_ours_to_reach)


def receive(
    session: Session,
    config: Config,
    did: str,
    caller: str | None,
    chosen: str = "",
    *,
    is_withheld: bool = False,
    trunk: str = "",
    dialled: Dialled = (),
    caller_digits: str = "",
    person: Identity | None = None,
) -> Reception:
    """Looks up the line and the caller. Both numbers are normalized: `crm.edge.numbers.clean_did` and `.parse`.

    `chosen` is the slug of the property that the call is about, if the line does not say. `dialled` are the numbers
    that may be a line of ours, `did` being the most likely. `caller_digits` are shown by a caller whose number cannot
    be read. `person` is the caller where that is known already.
    """
    office = snapshot.now(session)
    did = line_among(office, trunk, did, dialled)
    line = office.lines.get(did)
    known = who_calls(session, caller, trunk, caller_digits) if person is None else person
    if line is None:
        return Reception(did, caller, known)
    property = line.property or office.properties.get(chosen)
    subteam = property.subteam if property else None
    return Reception(
        did=did,
        caller=caller,
        person=known,
        is_withheld=is_withheld,
        is_refused=caller is not None and bool(destinations.refusal(config, caller)),
        line_known=True,
        line_label=line.label,
        greeting=line.greeting,
        language=line.language,
        source=line.source,
        property_slug=property.slug if property else "",
        property_id=property.id if property else None,
        property_name=property.name if property else "",
        listings_url=office.listings_url(property) or config.site.public_url,
        mailbox=mailboxes.box_of_property(property),
        caller_is_line=known.is_line,
        lead_known=known.lead is not None,
        lead_name=known.lead.name if known.lead else "",
        contact_name=known.contact.name if known.contact else "",
        assigned_agent=known.lead.assigned_agent if known.lead else None,
        recording=property.recording if property else "off",
        subteam=subteam.slug if subteam else None,
    )


@dataclass(frozen=True)
class OnRecord:
    """What the store knows of some agents; only the state of their phones is missing."""

    agents: tuple[KnownAgent, ...]
    """By slug."""
    last_talks: Mapping[int, datetime | None]
    """When each one's last talk ended, by the agent's id."""
    elsewhere: Collection[str]
    """Slugs of the devices that are in a talk on another node."""

    def of(self, slugs: Collection[str]) -> OnRecord | None:
        """The same of some of them; None when one is missing."""
        found = tuple(one for one in self.agents if one.slug in slugs)
        return replace(self, agents=found) if len(found) == len({*slugs}) else None

    def with_phones(
        self, config: Config, online: Collection[str] | None, on_call: Collection[str]
    ) -> list[AgentAvailability]:
        """`online` and `on_call` are the slugs of devices as our Asterisk sees them now. Without `online`, every device
        counts as online: ringing will show, as it always does with mobiles."""
        busy = {*on_call, *self.elsewhere}
        return [
            AgentAvailability(
                one.slug,
                one.on_duty,
                self.last_talks.get(one.id),
                tuple(
                    replace(
                        device,
                        online=online is None or device.is_mobile or device.slug in online,
                        on_call=device.slug in busy,
                    )
                    for device in one.devices
                ),
                one.forwarding,
                hours=one.hours(config.tz),
            )
            for one in self.agents
        ]


def on_record(session: Session, config: Config, of: Collection[str] | None = None) -> OnRecord:
    """All agents, or those in `of` (slugs). Talks on other nodes count once those have put them on record."""
    office = snapshot.now(session)
    slugs = office.agents.keys() if of is None else sorted({*of} & office.agents.keys())
    wanted = tuple(office.agents[slug] for slug in slugs)
    last = agents.last_talks(session, {one.id for one in wanted}) if wanted else {}
    return OnRecord(wanted, last, everywhere_on_call(session, office, config, ()))


def availability(
    session: Session,
    config: Config,
    online: Collection[str] | None = None,
    on_call: Collection[str] = (),
    *,
    of: Collection[str] | None = None,
) -> list[AgentAvailability]:
    """All agents, or those in `of` (slugs), with their devices, sorted by slug."""
    return on_record(session, config, of).with_phones(config, online, on_call)


def everywhere_on_call(session: Session, office: Snapshot, config: Config, on_call: Collection[str]) -> Collection[str]:
    """Adds the devices that are in a talk on another node."""
    if office.nodes <= {config.node}:
        return on_call
    return {*on_call, *nodes.on_call_elsewhere(session, config.node)}
