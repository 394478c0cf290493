"""What can go wrong in the CRM.

    CrmError
    ├── NotFound      no such record; whoever named it can correct it
    ├── Conflict      it contradicts what is there already
    ├── Invalid       a value that cannot be right
    ├── DialRefused   a number that may not be dialed (crm.domain.dialing)
    └── Unavailable   the database does not answer; the same act may succeed later

The text of each is one sentence that is true for whoever reads it, at whatever door. What to do about it depends on the
door, so each door has words of its own by the error's code: `crm/words`.
"""

from __future__ import annotations


class CrmError(Exception):
    """Base of everything the CRM raises on purpose.

    `code` names the situation for programs and for the doors' words, and stays as it is; `facts` are what those words
    need to know, such as agent="alice".
    """

    def __init__(self, text: str, *, code: str, **facts: object) -> None:
        super().__init__(text)
        self.code = code
        self.facts = facts


class NotFound(CrmError):
    """What was named does not exist."""


class Conflict(CrmError):
    """It contradicts something that is there already, such as a second line with the same number."""


class Invalid(CrmError):
    """A value that cannot be right."""


class Unavailable(CrmError):
    """The database cannot be reached, is busy for too long, full or not migrated. Nothing was written; try again."""
