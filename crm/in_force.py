"""The settings in force: those in leaseline.toml, except where Asterisk only reads one when it starts.

Of these, a running Asterisk has the values it started with, and whoever talks to it needs the same ones. They are kept
in the home's run folder, so that a change of leaseline.toml waits for `leaseline restart`, and a restart after a crash
does not take over half of it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from crm import config as settings
from crm.config import Config

AT_START = (
    "node",
    *(f"ports.{name}" for name in ("sip", "sips", "http", "ami", "agi", "hep", "rtp_first", "rtp_last")),
    *(f"sip.{name}" for name in ("bind", "public_address", "certificate", "private_key", "trusted_certificates")),
)
"""Settings in configuration files that Asterisk does not read again while it runs (asterisk_conf.render.RELOADS), and
the port of our FastAGI server, which the app and the dialplan have to change together."""

_ASTERISK = "asterisk.json"
_APP = "settings.json"
_SECRET = ("database.url",)


@dataclass(frozen=True)
class Change:
    """A setting whose value in leaseline.toml differs from the one in force."""

    key: str
    """Section and name, such as ring.agent_seconds."""
    before: object
    after: object
    waits: bool
    """Whether it takes effect only when Asterisk starts."""


def load(home: Path) -> Config:
    """Reads and checks leaseline.toml, and returns the settings in force. Raises ConfigError."""
    config = settings.load(home)
    return _with(config, _read(config.run_folder / _ASTERISK))


def started_asterisk(config: Config) -> None:
    """Keeps what an Asterisk reads that is about to start with these settings. Raises OSError."""
    values = flat(config)
    _write(config.run_folder / _ASTERISK, {key: values[key] for key in AT_START})


def stopped_asterisk(config: Config) -> None:
    """From now on, nothing in leaseline.toml has to wait."""
    (config.run_folder / _ASTERISK).unlink(missing_ok=True)


def started_app(config: Config) -> None:
    """Keeps the settings of the app that has started. Raises OSError."""
    _write(config.run_folder / _APP, flat(config))


def changes(home: Path) -> list[Change]:
    """How leaseline.toml differs from what the app and Asterisk started with, in the order of the sections.

    Empty if there is no difference, or if no app has started yet. Raises ConfigError.
    """
    config = settings.load(home)
    app, asterisk = _read(config.run_folder / _APP), _read(config.run_folder / _ASTERISK)
    found = []
    for key, value in flat(config).items():
        # As the records are read.
        after = msgspec.json.decode(msgspec.json.encode(value))
        waits = key in asterisk
        before = asterisk[key] if waits else app.get(key, after)
        if before != after:
            hidden = key in _SECRET
            found.append(Change(key, "***" if hidden else before, "***" if hidden else after, waits))
    return found


def flat(config: Config) -> dict[str, object]:
    """All settings by section and name, such as ring.agent_seconds, without the home."""
    found: dict[str, object] = {}

    def add(struct: msgspec.Struct, section: str) -> None:
        for field in msgspec.structs.fields(struct):
            value = getattr(struct, field.name)
            if isinstance(value, msgspec.Struct):
                add(value, f"{section}{field.encode_name}.")
            else:
                found[f"{section}{field.encode_name}"] = value

    add(config, "")
    del found["home"]
    return found


def _with(config: Config, values: dict[str, object]) -> Config:
    """The settings with some values replaced; a record that cannot be right changes nothing."""
    sections: dict[str, dict[str, object]] = {}
    own: dict[str, object] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        if key in AT_START:
            (sections.setdefault(section, {}) if section else own)[name] = value
    try:
        return msgspec.structs.replace(
            config,
            **own,
            **{
                section: msgspec.convert({**msgspec.to_builtins(getattr(config, section)), **replaced}, type(before))
                for section, replaced in sections.items()
                if (before := getattr(config, section))
            },
        )
    except (msgspec.ValidationError, TypeError):
        return config


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, values: dict[str, object]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(values))
    fresh.replace(path)
