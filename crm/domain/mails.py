"""Emails: what they are for, and what is written around their words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from crm.domain.errors import Invalid


class MailPurpose(StrEnum):
    """Why an email is sent, or was."""

    NOTICE = "notice"
    """To the office's own people, or a confirmation to somebody who did something; a program wrote it (RFC 3834)."""
    PERSONAL = "personal"
    """Somebody from the office wrote it to a lead."""
    NEWS = "news"
    """An offer, or news, to somebody who did not ask for it: they can unsubscribe (15 USC 7704; RFC 2369, 8058)."""
    INBOUND = "inbound"
    """A lead wrote it."""


LONGEST_BODY = 20_000
"""Characters of an email that somebody writes."""
_PLACEHOLDER = re.compile(r"\{([a-z_]{1,40})\}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with the values of its placeholders, such as {name}. Raises Invalid for one that is not known."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise Invalid(
                f"A template has no placeholder {{{found[1]}}}: these are {', '.join(sorted(values))}.",
                code="template_placeholder_unknown",
            )
        return values[found[1]]

    return _PLACEHOLDER.sub(value, template)
