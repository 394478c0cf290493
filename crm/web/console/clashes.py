"""Forms that carry what they were based on, so that of two people who change the same nobody's words are lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from crm.domain.errors import Invalid


@dataclass(frozen=True)
class FormEdit:
    """A form as it was sent, beside what it was based on and what is there now."""

    base: Mapping[str, str]
    sent: Mapping[str, str]
    there: Mapping[str, str]

    @property
    def changes(self) -> dict[str, str]:
        """What has to be written: what the person changed, unless it is there already."""
        return {
            name: text for name, text in self.sent.items() if text != self.base.get(name) and text != self.there[name]
        }

    @property
    def clashes(self) -> dict[str, tuple[str, str]]:
        """By field: what somebody else has made of it meanwhile, and what the person made of it."""
        return {
            name: (self.there[name], text)
            for name, text in self.changes.items()
            if self.there[name] != self.base.get(name)
        }

    @property
    def merged(self) -> dict[str, str]:
        """The form that is shown again: the person's own changes, and the others' to all else."""
        return {name: text if text != self.base.get(name) else self.there[name] for name, text in self.sent.items()}


def carried_out(
    base: Mapping[str, str],
    sent: Mapping[str, str],
    there: Mapping[str, str],
    write: Callable[[Mapping[str, str]], object],
) -> FormEdit:
    """Has `write` do what the person changed, unless somebody else has changed the same meanwhile. In the transaction
    that has read what is there."""
    edit = FormEdit(base, sent, there)
    if edit.changes and not edit.clashes:
        write(edit.changes)
    return edit


def written(texts: Mapping[str, str]) -> str:
    """For the form's hidden field."""
    return msgspec.json.encode(texts).decode()


def read(raw: str) -> dict[str, str]:
    """Raises Invalid for what is none of ours."""
    try:
        return msgspec.json.decode(raw, type=dict[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Invalid("The form is not one of ours: open the page again.", code="form_broken") from None
