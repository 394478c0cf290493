"""`leaseline config`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from crm import config as settings
from crm import in_force
from crm.commands import output
from crm.commands.command import (
    FilePath,
    Group,
    config_of,
    home_of,
    one,
)
from crm.config import Config, ConfigError
from crm.edge import processes
from crm.services.system import settings_file
from crm.views.system import Settings


@click.group(cls=Group, examples=("config show", "config set ring.agent_seconds 20", "config check"))
def config() -> None:
    """Show, check and change the settings.

    They are in leaseline.toml in the home; `leaseline reload` takes a change over.
    """


@config.command(json=one(Settings), examples=("config show",))
@click.pass_context
def show(context: click.Context, as_json: bool) -> None:
    """Print every setting in force, in the format of leaseline.toml."""
    found = config_of(context)
    values = {name: _plain(getattr(found, name)) for name in Config.__struct_fields__ if name != "home"}
    values["database"] = {"url": _without_password(found.database.url)}
    if as_json:
        output.print_json(Settings(home=str(found.home), settings=values))
        return
    output.say(f"# {found.home / 'leaseline.toml'}, with defaults")
    sections = {name: value for name, value in values.items() if isinstance(value, dict)}
    for name, value in values.items():
        if name not in sections:
            output.say(f"{name} = {output.toml(value)}")
    for name, section in sections.items():
        _print_section(name, section)


@config.command(examples=("config get ring.agent_seconds",))
@click.argument("key")
@click.pass_context
def get(context: click.Context, key: str) -> None:
    """Print one setting in force."""
    value = settings_file.value_of(config_of(context), key)
    output.say(_without_password(str(value)) if key == "database.url" else output.toml(value))


@config.command(
    "set",
    examples=(
        "config set ring.agent_seconds 20",
        "config set texts.carrier twilio",
        "config set menu.languages es,fr",
        "config set queue.enabled no",
    ),
)
@click.argument("key")
@click.argument("value")
@click.pass_context
def set_(context: click.Context, key: str, value: str) -> None:
    """Change one setting in leaseline.toml.

    Comments stay. The file is only written if everything in it is right afterwards. Several values are separated by
    commas; settings that are on or off take yes or no.
    """
    _change(config_of(context), key, value)


@config.command(examples=("config unset ring.agent_seconds",))
@click.argument("key")
@click.pass_context
def unset(context: click.Context, key: str) -> None:
    """Remove one setting from leaseline.toml, so that its default applies."""
    _change(config_of(context), key, None)


def _change(found: Config, key: str, value: str | None) -> None:
    text = settings_file.changed(found, key, value)
    path = settings.settings_file(found.home)
    if key.startswith(("parking.", "dialing.")):
        _check_extensions(settings.parse(text, found.home, path))
    if text == path.read_text(encoding="utf-8"):
        output.say("That is what leaseline.toml says already.")
        return
    settings_file.write(found, text)
    change = next((one for one in in_force.changes(found.home) if one.key == key), None)
    output.say(f"Saved in {path}.")
    if processes.keeper(found) and change:
        output.hint(
            f"`leaseline {'restart' if change.waits else 'reload'}` takes it over"
            + (" when nobody is on the line." if change.waits else ".")
        )


@config.command(examples=("config check", "config check new.toml"))
@click.argument("file", required=False, type=FilePath(dir_okay=False))
@click.pass_context
def check(context: click.Context, file: Path | None) -> None:
    """Check leaseline.toml, or another file before it takes its place."""
    home = home_of(context)
    path = file or settings.settings_file(home)
    if file is None:
        found = settings.load(home)
    else:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise ConfigError(f"{file} cannot be read ({reason}): name another file.") from error
        found = settings.parse(text, home, path)
    _check_extensions(found)
    output.say(f"{path} is in order.")


def _check_extensions(changed: Config) -> None:
    """Raises Conflict if an agent could not be dialed any more. A database that cannot be read says nothing here: the
    doctor looks again."""
    from crm import context
    from crm.domain.errors import Conflict, CrmError
    from crm.services.office import numbering

    crm = context.opened(changed)
    try:
        hidden = crm.store.read_blocking(numbering.hidden, changed)
    except CrmError:
        hidden = []
    finally:
        crm.store.close()
    if hidden:
        raise Conflict(f"With that, {hidden[0]}.", code="extension_hidden")


def _print_section(name: str, section: dict[str, object]) -> None:
    output.print_heading(f"[{name}]")
    for key, value in section.items():
        if not isinstance(value, dict):
            output.say(f"{key} = {output.toml(value)}")
    for key, value in section.items():
        if isinstance(value, dict):
            _print_section(f"{name}.{key}", value)


def _plain(value: object) -> object:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


def _without_password(url: str) -> str:
    if not url:
        return ""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "***"
