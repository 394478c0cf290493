"""What `text template` and `mail template` have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from crm.commands import output
from crm.domain.text_templates import FIRST_LANGUAGE, LANGUAGES

T = TypeVar("T")
LANGUAGE = click.Choice(LANGUAGES)
in_a_language = click.option("--language", type=LANGUAGE, default=FIRST_LANGUAGE, show_default=True)
in_all_languages = click.option("--language", type=LANGUAGE, help="Only in this language.  [default: all]")
only_own = click.option("--own", is_flag=True, help="Only those that the office wrote.")


def print_list(
    found: Sequence[T], columns: Sequence[str], row: Callable[[T], Sequence[str]], what: str, *, as_json: bool
) -> None:
    """`what` they are: texts."""
    if as_json:
        output.print_json(found)
        return
    output.print_table(columns, (row(one) for one in found), empty=f"All {what} are the standard ones.")


def print_one(found: T, show: Callable[[T], None], *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
    else:
        show(found)


def say_put(name: str, language: str, found: T, show: Callable[[T], None], *, is_new: bool, as_json: bool) -> None:
    """What a template is now that it was set."""
    if not as_json:
        output.say_changed(f"{name} ({language})", is_new)
    print_one(found, show, as_json=as_json)


def say_reset(name: str, count: int, what: str) -> None:
    output.say(f"{name} is the standard {what} again." if count else f"{name} was the standard {what} already.")
