"""leaseline.toml: read, checked, changed, and written for a new home."""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path

import msgspec

from crm.config import wording
from crm.config.checks import check
from crm.config.errors import ConfigError
from crm.config.home import Config
from crm.config.machine import Ports

NODE = "node"
"""File in the home with the system's name among those that share a database."""


def home_from(option: str | None) -> Path:
    """Returns the home folder: the option, else LEASELINE_HOME, else ~/.leaseline."""
    return Path(option or os.environ.get("LEASELINE_HOME") or "~/.leaseline").expanduser().absolute()


def load(home: Path) -> Config:
    """Reads and checks `home`/leaseline.toml. Raises ConfigError."""
    path = settings_file(home)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"There is no Leaseline home at {home}: create one with `leaseline init --home {home}`."
        ) from None
    except PermissionError:
        raise ConfigError(f"{path} may not be read by this user: run as the user who owns {home}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error
    return parse(text, home, path)


def settings_file(home: Path) -> Path:
    return home / "leaseline.toml"


def parse(text: str, home: Path, path: Path) -> Config:
    """Checks the text of a leaseline.toml for a home; `path` is named in errors. Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error
    return _read({**table, "home": str(home), "node": table.get("node") or _kept_node(home)}, path)


def _kept_node(home: Path) -> str:
    """Returns the name stored in the home, after generating one if there is none."""
    path = home / NODE
    try:
        if path.exists():
            return path.read_text("ascii", "replace").strip()
        fresh = home / f"{NODE}.{os.getpid()}"
        fresh.write_text(f"ll{secrets.token_hex(3)}\n")
        try:
            os.link(fresh, path)  # If two processes do this at once, the first wins.
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): check the disk and the owner.") from None


def changed(config: Config, table: dict[str, object], path: Path) -> Config:
    """Returns these settings with changes from a table like leaseline.toml; `path` is named in errors.

    Raises ConfigError.
    """
    plain = {name: msgspec.to_builtins(getattr(config, name)) for name in Config.__struct_fields__ if name != "home"}
    for name, value in table.items():
        before = plain.get(name)
        plain[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return _read({**plain, "home": str(config.home)}, path)


def read_toml(path: Path) -> dict[str, object]:
    """Returns the tables of a TOML file. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name another file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error


def _read(table: dict[str, object], path: Path) -> Config:
    try:
        config = msgspec.convert(table, Config, strict=True, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {wording.told(error)}") from error
    check(config, path)
    return config


def _to_path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def template(ports_from: int | None, region: str, timezone: str, database: str = "") -> str:
    """Returns the text of a new leaseline.toml; `ports_from` puts all ports into one block that starts there.

    `database` is a URL; empty for the SQLite file in the home.
    """
    ports = port_block(ports_from)
    lines = [
        "# Leaseline. `leaseline config show` prints every setting in force, with the defaults of those left out here.",
        f'timezone = "{timezone}"',
        f'region = "{region}"',
        "",
        "[ports]",
        *(f"{name} = {getattr(ports, name)}" for name in ports.__struct_fields__),
        *(["", "[database]", f"url = {msgspec.json.encode(database).decode()}"] if database else []),
        "",
    ]
    return "\n".join(lines)


def port_block(ports_from: int | None) -> Ports:
    """Returns all ports, in one block of 300 that starts there; None: the usual ones."""
    if ports_from is None:
        return Ports()
    return Ports(
        sip=ports_from,
        http=ports_from + 1,
        ami=ports_from + 2,
        agi=ports_from + 3,
        web=ports_from + 4,
        sips=ports_from + 5,
        webhooks=ports_from + 6,
        hep=ports_from + 7,
        site=ports_from + 8,
        api=ports_from + 9,
        demo=ports_from + 10,
        voice=ports_from + 20,
        console=ports_from + 21,
        live=ports_from + 22,
        rtp_first=ports_from + 100,
        rtp_last=ports_from + 299,
    )
