"""What a call flow asks before it speaks or rings: who is called, who calls, who could answer.

Each function is one short read. `Unavailable` is for the flow to handle: it goes on without.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.invite import Dialled
from crm.domain.mailboxes import OFFICE
from crm.domain.ringing import AgentAvailability
from crm.services.outbox import destinations
from crm.services.people.identity import who_is
from crm.services.routing.arrivals import line_among
from crm.services.voicemail import mailboxes
from crm.store import snapshot
from crm.store.queries import agents, nodes
from crm.store.snapshot import Snapshot


@dataclass(frozen=True)
class Reception:
    """What is known about a call at its beginning. The defaults are those of a call nothing is known about."""

    did: str
    caller: str | None
    line_known: bool = False
    line_label: str = ""
    greeting: str = ""
    """Spoken first; empty: the standard greeting."""
    language: str = "en"
    source: str = ""
    """Where callers of this line saw its number: sign, website, an ILS."""
    property_name: str = ""
    listings_url: str = ""
    """What key 1 would text: the property's link, else the office's; empty when there is none."""
    mailbox: str = OFFICE
    """Where a message for this line goes."""
    is_withheld: bool = False
    """The caller withholds their number; nothing is texted to it, even where it is known."""
    is_refused: bool = False
    """The rules of `[dialing]` let nothing go to the caller's number, so nothing is promised."""
    caller_is_line: bool = False
    """The call comes from one of our own numbers; it is never texted."""
    lead_known: bool = False
    lead_name: str = ""
    """Empty until somebody knows it."""
    contact_name: str = ""
    """Of a resident, owner or vendor; empty for others, and until somebody knows it."""
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
        """Somebody may be promised a call and a text about it."""
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
) -> Reception:
    """Looks up the line and the caller. Both are cleaned already: `crm.edge.numbers.clean_did` and `.parse`.

    `chosen` is the slug of the property that the call is about, where the line does not say it. `dialled` are the
    numbers of which one may be a line of ours, `did` being the likeliest.
    """
    office = snapshot.now(session)
    did = line_among(office, trunk, did, dialled)
    line = office.lines.get(did)
    if line is None:
        return Reception(did, caller)
    known = who_is(session, caller)
    place = line.property or office.places.get(chosen)
    subteam = place.subteam if place else None
    return Reception(
        did=did,
        caller=caller,
        is_withheld=is_withheld,
        is_refused=caller is not None and bool(destinations.refusal(config, caller)),
        line_known=True,
        line_label=line.label,
        greeting=line.greeting,
        language=line.language,
        source=line.source,
        property_name=place.name if place else "",
        listings_url=office.listings_url(place),
        mailbox=mailboxes.box_of_place(place),
        caller_is_line=known.is_line,
        lead_known=known.lead is not None,
        lead_name=known.lead.name if known.lead else "",
        contact_name=known.contact.name if known.contact else "",
        assigned_agent=known.lead.assigned_agent if known.lead else None,
        recording=place.recording if place else "off",
        subteam=subteam.slug if subteam else None,
    )


def availability(
    session: Session,
    config: Config,
    online: Collection[str] | None = None,
    on_call: Collection[str] = (),
    *,
    of: Collection[str] | None = None,
) -> list[AgentAvailability]:
    """Every agent with their devices, or those named by slug; in the order of their slugs.

    Duty and DND are in the store; `online` and `on_call` are the slugs of devices as our Asterisk sees them now; who
    talks at another node is on a call as far as that has put it on record. Without `online` every device counts as
    online: then ringing it tells, as it does for a mobile always.
    """
    office = snapshot.now(session)
    slugs = office.agents.keys() if of is None else sorted({*of} & office.agents.keys())
    wanted = [office.agents[slug] for slug in slugs]
    busy = everywhere_on_call(session, office, config, on_call)
    last = agents.last_talks(session, {one.id for one in wanted}) if wanted else {}
    return [
        AgentAvailability(
            one.slug,
            one.on_duty,
            last.get(one.id),
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
        for one in wanted
    ]


def everywhere_on_call(session: Session, office: Snapshot, config: Config, on_call: Collection[str]) -> Collection[str]:
    """The same devices, and those in a talk that another node has."""
    if office.nodes <= {config.node}:
        return on_call
    return {*on_call, *nodes.on_call_elsewhere(session, config.node)}
