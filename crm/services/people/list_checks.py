"""Whether a line of a list can be taken, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain import fields, lead_rows
from crm.domain.errors import Invalid, NotFound
from crm.domain.leads import LeadKind, LeadStatus, LeadType, LeasingStage
from crm.services.audit import By
from crm.services.people import wishes
from crm.services.people.leads import LONGEST_NOTE, allow, read_kind, read_language
from crm.services.people.list_lookups import MOST_DETAILS, ListLine, LookedUp, ToLookUp, nobody


@dataclass(frozen=True, slots=True)
class CheckedLine:
    """A line that was checked."""

    line: ListLine
    phones: list[str]
    emails: list[str]
    opted_out: list[str]
    """Numbers, and addresses in lower case."""
    interests: list[tuple[int, int | None, LeasingStage]]
    """Ids of property and unit."""
    wishes: Mapping[str, Any]
    agent_id: int | None
    created: datetime
    contact: datetime | None
    answer: datetime | None

    @property
    def identities(self) -> list[str]:
        """Numbers and addresses, by which their lead is found."""
        return [*self.phones, *(one.lower() for one in self.emails)]

    @property
    def as_nobody(self) -> str:
        """By which the lead of somebody without any is found, in a list of our own."""
        return nobody(self.line.values.get("id", ""), self.created)


class Check:
    """Of the lines of one slice."""

    def __init__(self, session: Session, config: Config, by: By, asked: ToLookUp, known: LookedUp) -> None:
        self._session, self._config, self._by, self._asked, self._known = session, config, by, asked, known
        self._allowed: set[LeadKind] = set()

    def line(self, line: ListLine) -> CheckedLine:
        """Raises CrmError with the reason it is rejected."""
        values = line.values
        if sum(len(line.details(column)) for column in ("phones", "emails", "opted_out")) > MOST_DETAILS:
            raise Invalid(
                f"It has more than {MOST_DETAILS} numbers, addresses and opt-outs: give some of them in another line.",
                code="list_line_too_full",
            )
        phones = [self._number(raw) for raw in line.details("phones")]
        emails = [fields.email(raw) for raw in line.details("emails")]
        addresses = [email.lower() for email in emails]
        if ours := self._known.ours.intersection(addresses):
            raise Invalid(f"{min(ours)} is an email address of the office.", code="address_is_ours")
        opted_out = [self._asked.numbers[raw] or raw.lower() for raw in line.details("opted_out")]
        for raw, refused in zip(line.details("opted_out"), opted_out, strict=True):
            if refused not in phones and refused not in addresses:
                raise Invalid(
                    f"{raw[:40]!a} is marked as opted out, but is not a number or address in this row.",
                    code="opt_out_not_theirs",
                )
        fields.text(values.get("name", ""), "name", 200)
        # Our own exports contain people who withheld their number and left no other details.
        if not (phones or emails or values.get("name") or line.is_of_ours):
            raise Invalid(
                "It names nobody: a name, a phone number or an email address is needed.", code="lead_nameless"
            )
        if kind := values.get("kind", ""):
            read_kind(kind.lower())
        _choice(LeadType, values, "type")
        _choice(LeadStatus, values, "status")
        read_language(self._config, values.get("language", ""))
        fields.text(values.get("source", ""), "source", 60)
        fields.text(values.get("closed_because", ""), "reason", 300)
        if len(values.get("note", "")) > LONGEST_NOTE:
            raise Invalid(f"The note has more than {LONGEST_NOTE} characters.", code="text_too_long")
        agent_id = self._known.agents.get(values.get("agent", ""))
        if "agent" in values and agent_id is None:
            slug = values["agent"][:40]
            raise NotFound(f"There is no agent {slug!a}.", code="agent_unknown", agent=slug)
        return CheckedLine(
            line,
            list(dict.fromkeys(phones)),
            list(dict.fromkeys(emails)),
            list(dict.fromkeys(opted_out)),
            [self._interest(*one) for one in lead_rows.interests(values)],
            wishes.read(**{name: values[name] for name in ("bedrooms", "move_in", "budget", "pets") if name in values}),
            agent_id,
            self._time(values, "created") or self._by.now,
            self._time(values, "last_contact"),
            self._time(values, "first_answer"),
        )

    def new(self, person: CheckedLine) -> None:
        """Checks somebody who is no lead yet. Raises Conflict."""
        kind = read_kind(person.line.values.get("kind", LeadKind.TENANT).lower())
        if kind not in self._allowed:
            allow(self._session, kind)
            self._allowed.add(kind)

    def _number(self, raw: str) -> str:
        number = self._asked.numbers[raw]
        if not number:
            raise Invalid(f"{raw[:40]!a} is not a phone number.", code="number_invalid")
        if number in self._known.ours:
            raise Invalid(f"{number} is a number of the office.", code="number_is_ours")
        return number

    def _interest(self, property: str, unit: str, stage: str) -> tuple[int, int | None, LeasingStage]:
        property_id = self._known.property_id(property)
        if property_id is None:
            raise NotFound(f"There is no property {property[:40]!a}.", code="property_unknown")
        unit_id = self._known.units.get((property_id, unit.lower())) if unit else None
        if unit and unit_id is None:
            named = self._known.property_names[property_id]
            raise NotFound(f"{named} has no unit {unit[:40]!a}.", code="unit_unknown")
        try:
            return property_id, unit_id, LeasingStage(stage or LeasingStage.CONTACTED)
        except ValueError:
            raise Invalid(f"{stage[:40]!a} is not a stage.", code="stage_unknown") from None

    def _time(self, values: Mapping[str, str], column: str) -> datetime | None:
        if column not in values:
            return None
        at = fields.moment(values[column].upper().replace("Z", "+00:00"), self._config.tz, self._by.now)
        if at > self._by.now:
            raise Invalid(f"{column.replace('_', ' ')} is in the future.", code="time_in_future")
        return at


def _choice(of: type[LeadType] | type[LeadStatus], values: Mapping[str, str], column: str) -> None:
    if column in values and values[column] not in [one.value for one in of]:
        known = ", ".join(one.value for one in of)
        raise Invalid(f"{values[column][:40]!a} is not a {column}: use {known}.", code="choice_unknown")
