"""Settings of work with leads: their statuses, tasks and applications."""

from __future__ import annotations

import msgspec

from crm.config.ranges import NotNegativeInt, PositiveInt


class Applications(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rental applications that people fill in on the public site."""

    link_days: PositiveInt = 14
    """How long a link to an unfinished application works; the site sends a new one on request."""
    unfinished_hours: PositiveInt = 48
    """An application that is not submitted within this time becomes a task for the lead's agent."""
    review_hours: PositiveInt = 24
    """A submitted application should be reviewed within this time."""
    most_documents: PositiveInt = 10
    """Files that somebody may send with an application."""
    document_megabytes: PositiveInt = 10
    """The largest of them."""
    keep_unfinished_days: PositiveInt = 60
    """An unfinished application that nobody has worked on for this many days is deleted with its documents; the lead
    stays."""


class Tasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    due_minutes: int = 15
    """A missed caller should be called back within this time, counted in office hours."""
    question_minutes: PositiveInt = 5
    """The same for a caller who could not say which property they mean."""
    escalate_minutes: NotNegativeInt = 60
    """A task overdue for this long, in office hours, goes to a colleague, and then to the admin; 0: never."""
    digest_minutes: NotNegativeInt = 15
    """After a notice that somebody wrote, what else they send is told in one notice after this time; 0: each at
    once."""
    manager: str = ""
    """Slug of an agent who is told of each task that is passed on, besides those who had it and have it now; empty:
    nobody."""


class LeadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The office's own names for the statuses of a lead; the statuses themselves do not change."""

    label_new: str = "new"
    label_in_progress: str = "in progress"
    label_closed: str = "closed"

    def label(self, status: str) -> str:
        """Returns the office's name for a status."""
        return {"new": self.label_new, "in_progress": self.label_in_progress, "closed": self.label_closed}[status]
