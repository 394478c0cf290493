"""`leaseline config`."""

from __future__ import annotations

import click
import msgspec

from crm.commands import output
from crm.commands.command import Group, config_of, one
from crm.config import Config
from crm.views.system import Settings


@click.group(cls=Group, examples=("config show", "config show --json"))
def config() -> None:
    """Show the settings.

    They are in leaseline.toml in the home; after a change, restart Leaseline.
    """


@config.command(json=one(Settings), examples=("config show",))
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """Print every setting in force, in the format of leaseline.toml."""
    found = config_of(context)
    settings = {name: _plain(getattr(found, name)) for name in Config.__struct_fields__ if name != "home"}
    settings["database"] = {"url": _without_password(found.database.url)}
    if as_json:
        output.print_json(Settings(home=str(found.home), settings=settings))
        return
    output.say(f"# {found.home / 'leaseline.toml'}, with defaults")
    sections = {name: value for name, value in settings.items() if isinstance(value, dict)}
    for name, value in settings.items():
        if name not in sections:
            output.say(f"{name} = {_toml(value)}")
    for name, section in sections.items():
        _print_section(name, section)


def _print_section(name: str, section: dict[str, object]) -> None:
    output.print_heading(f"[{name}]")
    for key, value in section.items():
        if not isinstance(value, dict):
            output.say(f"{key} = {_toml(value)}")
    for key, value in section.items():
        if isinstance(value, dict):
            _print_section(f"{name}.{key}", value)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


def _toml(value: object) -> str:
    # For the types that settings have (text, numbers, true and false), TOML is written like JSON.
    return msgspec.json.encode(value).decode()


def _without_password(url: str) -> str:
    if not url:
        return ""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "***"
