"""What can go wrong in the CRM.

    CrmError
    ├── NotFound      no such record; whoever named it can mend it
    ├── Conflict      it contradicts what is there already
    ├── Invalid       a value that cannot be right
    ├── Refused       a number that may not be dialled (crm.domain.dialing)
    └── Unavailable   the database does not answer; the same act may succeed later

The text of each is one sentence for a person and says what to do. It never holds a caller's number or name.
"""

from __future__ import annotations


class CrmError(Exception):
    """Base of everything the CRM raises on purpose."""


class NotFound(CrmError):
    """What was named does not exist."""


class Conflict(CrmError):
    """It contradicts something that is there already, such as a second line with the same number."""


class Invalid(CrmError):
    """A value that cannot be right."""


class Unavailable(CrmError):
    """The database cannot be reached, is busy for too long, full or not migrated. Nothing was written; try again."""
