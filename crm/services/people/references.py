"""All columns that refer to a lead, and what happens to their rows when two leads are merged.

A test compares this with the tables, and fails until a new column that refers to a lead has a line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Table

from crm.store.models import table_of


class OnMerge(StrEnum):
    """What happens to the rows of the lead that goes."""

    MOVES = "moves"
    """They become the survivor's; when the merge is undone, they return to their former lead."""
    ONE_STAYS = "one stays"
    """A row may conflict with one of the survivor's (by a unique constraint with this column): then the survivor's
    stays, and the other is put away until the merge is undone. References to it move to the one that stays. Rows
    without a conflict move."""
    DERIVED = "derived"
    """Triggers derive them from other rows; they are deleted with the lead."""


@dataclass(frozen=True)
class LeadReference:
    """A column that refers to a lead."""

    column: str
    """As table.column."""
    on_merge: OnMerge
    numbers: tuple[str, ...] = ()
    """Columns of the row that hold the person's phone number (E.164). Rows that came in after a merge by a number of
    the merged lead return to it when the merge is undone."""
    addresses: tuple[str, ...] = ()
    """The same for email addresses, in any case."""

    @property
    def table(self) -> Table:
        return table_of(self.column.partition(".")[0])

    @property
    def lead(self) -> Column[int]:
        return self.table.c[self.column.partition(".")[2]]


REFERENCES = (
    LeadReference("activity.lead_id", OnMerge.MOVES),
    LeadReference("application.lead_id", OnMerge.MOVES, addresses=("email",)),
    LeadReference("arrival.lead_id", OnMerge.MOVES),
    LeadReference("call.lead_id", OnMerge.MOVES, numbers=("caller",)),
    LeadReference("call_order.lead_id", OnMerge.MOVES, numbers=("to_number",)),
    LeadReference("consent.lead_id", OnMerge.MOVES, numbers=("number",)),
    LeadReference("follow_up.lead_id", OnMerge.MOVES),
    LeadReference("follow_up_look.lead_id", OnMerge.DERIVED),
    LeadReference("happening.lead_id", OnMerge.DERIVED),
    LeadReference("inbox_thread.lead_id", OnMerge.ONE_STAYS),
    LeadReference("interest.lead_id", OnMerge.ONE_STAYS),
    LeadReference("lead_email.lead_id", OnMerge.MOVES, addresses=("address",)),
    LeadReference("lead_merge.lead_id", OnMerge.MOVES),
    LeadReference("lead_phone.lead_id", OnMerge.MOVES, numbers=("number",)),
    LeadReference("lead_proposal.lead_id", OnMerge.MOVES),
    LeadReference("lead_proposal.other_id", OnMerge.MOVES),
    LeadReference("mail.lead_id", OnMerge.MOVES, addresses=("from_address", "to_address")),
    LeadReference("mail_thread.lead_id", OnMerge.MOVES),
    LeadReference("message.lead_id", OnMerge.MOVES, numbers=("from_number", "to_number")),
    LeadReference("notice.lead_id", OnMerge.MOVES),
    LeadReference("short_link.lead_id", OnMerge.MOVES),
    LeadReference("suggestion.lead_id", OnMerge.MOVES),
    LeadReference("task.lead_id", OnMerge.MOVES),
    LeadReference("tour.lead_id", OnMerge.MOVES),
)

KEYED = {
    "application": "application",
    "arrival": "arrival",
    "call": "call",
    "followup": "follow_up",
    "in": "arrival",
    "link": "call",
    "mail": "mail",
    "missed": "call",
    "opened": "short_link",
    "reply": "message",
    "text": "message",
    "tour": "tour",
}
"""Prefixes of row keys, and the table whose id follows: text:12 is about row 12 of table message. When a merge is
undone, a row goes with the row that its key names."""
