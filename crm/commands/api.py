"""`leaseline api`."""

from __future__ import annotations

import click

from crm.commands import output, renaming
from crm.commands.command import Group, System, many, with_system
from crm.domain import fields
from crm.domain.access import Scope
from crm.services.access import keys
from crm.views import access
from crm.views.access import ApiKeyEntry


@click.group(
    cls=Group,
    examples=(
        "api key add website --scope leads:write --property elm",
        "api key list",
        "api key revoke website",
    ),
)
def api() -> None:
    """Keys for programs that use the REST API; docs/guide/api.md describes it."""


@api.group(cls=Group, examples=("api key add reports --scope leads:read,calls:read", "api key list"))
def key() -> None:
    """Make, list, rename and revoke keys."""


@key.command(
    examples=(
        "api key add website --scope leads:write,tours:read,tours:write --property elm",
        "api key add reports --scope leads:read --scope calls:read --subteam north --expires 90d",
    )
)
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, metavar="SCOPE,...", help=f"Some of {', '.join(Scope)}."
)
@click.option(
    "--property", "properties", multiple=True, metavar="SLUG", help="Only what belongs to this property; repeatable."
)
@click.option(
    "--subteam", "subteams", multiple=True, metavar="SLUG", help="The same for the properties of this subteam."
)
@click.option("--expires", metavar="WHEN", help="When it stops working: 90d from now, or a date.  [default: never]")
@with_system
def add(
    system: System,
    name: str,
    scopes: tuple[str, ...],
    properties: tuple[str, ...],
    subteams: tuple[str, ...],
    expires: str | None,
) -> None:
    """Make a key called NAME and print it. It cannot be shown again."""
    at = None
    if expires is not None:
        is_span = fields.DURATION.fullmatch(expires.strip())
        at = system.now + fields.duration(expires) if is_span else fields.moment(expires, system.config.tz, system.now)
    made, whole = system.run(
        keys.add, system.by, name, scopes, property_slugs=properties, subteam_slugs=subteams, expires_at=at
    )
    until = f" until {output.local(at, system.config.tz)}" if at else ""
    output.hint(f"Key {made.name} is valid{until}. Keep it safe: it cannot be shown again.")
    output.say(whole)


@key.command("list", json=many(ApiKeyEntry), examples=("api key list", "api key list --all --json"))
@click.option("--all", "with_old", is_flag=True, help="Include those that are revoked or expired.")
@with_system
def list_(system: System, with_old: bool, as_json: bool) -> None:
    """List keys. The keys themselves are not stored."""
    entries = system.read(access.keys, system.now, with_old=with_old)
    if as_json:
        output.print_json(entries)
        return
    tz = system.config.tz
    output.print_table(
        ("key", "begins with", "state", "scopes", "sees", "last used", "expires", "made by"),
        (
            (
                one.name,
                one.begins,
                one.state,
                one.scopes,
                "the whole office" if one.whole_office else [*one.properties, *one.subteams] or "nothing",
                output.local(one.used_at, tz) or "never",
                output.local(one.expires_at, tz),
                one.made_by,
            )
            for one in entries
        ),
        empty="There are no keys: make one with `leaseline api key add`.",
    )


@key.command(examples=("api key revoke website",))
@click.argument("name")
@with_system
def revoke(system: System, name: str) -> None:
    """Revoke the key NAME; it stops working at once."""
    system.run(keys.revoke, system.by, name)
    output.say(f"Revoked key {name}.")


renaming.add_to(key, "API key", "website elm-website")
