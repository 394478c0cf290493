"""Changing leaseline.toml while keeping its comments and order."""

from __future__ import annotations

import os

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable

from crm import config as settings
from crm.config import Config, ConfigError
from crm.config.wording import near
from crm.domain.errors import Invalid
from crm.in_force import flat


def value_of(config: Config, key: str) -> object:
    """The value of a setting, such as ring.agent_seconds. Raises Invalid for a key that does not exist."""
    values = flat(config)
    if key in values:
        return values[key]
    section, _, name = key.rpartition(".")
    # Settings by name, such as ai.piper_voices.en.
    if isinstance(named := values.get(section), dict):
        return named.get(name, "")
    raise Invalid(_unknown(key, values), code="setting_unknown")


def changed(config: Config, key: str, words: str | None) -> str:
    """Returns the text of leaseline.toml with one setting changed, or without it if `words` is None.

    `words` is what a person typed: text without quotes, a number, yes or no, or several values separated by commas.
    Raises Invalid if the key does not exist, the value cannot be right, or the file is not in order afterwards.
    """
    path = settings.settings_file(config.home)
    try:
        before = path.read_text(encoding="utf-8")
        document = tomlkit.parse(before)
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{path} cannot be read ({error}). Correct it and try again.") from error
    value = None if words is None else _meant(key, words, value_of(config, key))
    if words is None:
        value_of(config, key)
    *sections, name = key.split(".")
    table: AbstractTable | tomlkit.TOMLDocument = document
    for section in sections:
        if section not in table:
            if value is None:
                return before
            table[section] = tomlkit.table()
        inner = table[section]
        if not isinstance(inner, AbstractTable):
            raise Invalid(
                f"{path}: {section} is written in a form that cannot be changed here; edit the file.",
                code="setting_invalid",
            )
        table = inner
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value
    text = tomlkit.dumps(document)
    try:
        settings.parse(text, config.home, path)
    except ConfigError as error:
        raise Invalid(str(error), code="setting_invalid") from error
    return text


def with_ports(config: Config, ports_from: int) -> str:
    """The text of leaseline.toml with all ports in one block that starts there. Raises ConfigError, Invalid."""
    document = tomlkit.parse(settings.settings_file(config.home).read_text(encoding="utf-8"))
    document["ports"] = msgspec.to_builtins(settings.port_block(ports_from))
    text = tomlkit.dumps(document)
    settings.parse(text, config.home, settings.settings_file(config.home))
    return text


def write(config: Config, text: str) -> None:
    """Replaces leaseline.toml, with the permissions it has. Raises ConfigError."""
    # Where it is a link, what it leads to is replaced.
    path = settings.settings_file(config.home).resolve()
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        mode = path.stat().st_mode & 0o777
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written ({error.strerror}): check the disk and the owner.") from error


def _meant(key: str, words: str, before: object) -> object:
    """The value that somebody typed, of the kind that the setting has."""
    if isinstance(before, bool):
        if words.lower() in ("yes", "true", "on"):
            return True
        if words.lower() in ("no", "false", "off"):
            return False
        raise Invalid(f"{key} is on or off: write yes or no.", code="setting_invalid")
    if isinstance(before, int | float):
        for kind in (int, float):
            try:
                return kind(words)
            except ValueError:
                continue
        raise Invalid(f"{key} is a number: write one such as {before:g}.", code="setting_invalid")
    if isinstance(before, tuple | list):
        if words.lstrip().startswith("["):
            try:
                return tomlkit.parse(f"value = {words}")["value"]
            except TOMLKitError:
                raise Invalid(f'{key} has several values: write them like "one,two".', code="setting_invalid") from None
        return [word.strip() for word in words.split(",") if word.strip()]
    if isinstance(before, dict | msgspec.Struct):
        raise Invalid(f"{key} has settings by name: write one of them, such as {key}.NAME.", code="setting_invalid")
    return words


def _unknown(key: str, values: dict[str, object]) -> str:
    shown = key if key.isprintable() and len(key) < 60 else "This"
    inside = [name for name in values if name.startswith(f"{key}.")]
    if inside:
        return f"{shown} is a section: name a setting in it, such as {inside[0]}."
    meant = near(key, values)
    return f"{shown} is not a setting{f': did you mean {meant}?' if meant else '.'}"
