"""A systemd unit for this home: `leaseline up` with access to its home and its programs, and to nothing else."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterable
from pathlib import Path

import jinja2

from asterisk_conf import install, package_sets
from crm.config import Config
from crm.domain.errors import CrmError, Invalid, NotFound

FOLDER = Path("/etc/systemd/system")
STOP_SECONDS = 60
"""In addition to stopping.longest_seconds: for the announcement, the record and the end of all processes."""

_HOMES = ("/home", "/root", "/run/user")
"""What ProtectHome= hides (systemd.exec(5))."""


def unit(config: Config, program: Path, user: str = "") -> str:
    """Returns the text of the unit, which runs `program` as `user`, or else as the home's owner.

    Raises Invalid if that is root, NotFound if there is no such user.
    """
    try:
        entry = pwd.getpwnam(user) if user else pwd.getpwuid(config.home.stat().st_uid)
    except KeyError:
        raise NotFound(f"There is no user {user!a} on this machine.", code="user_of_system_unknown") from None
    if entry.pw_uid == 0:
        raise Invalid(
            f"{config.home} belongs to root, and a phone system needs no root: give it a user of its own.",
            code="user_is_root",
            home=str(config.home),
        )
    cache = package_sets.cache_folder()
    words = [program] if program.name != "cli.py" else [Path(sys.executable), program]
    return _template().render(
        home=config.home,
        cache=cache,
        backups=_outside(config),
        program=words,
        user=entry.pw_name,
        stop_seconds=round(config.stopping.longest_seconds) + STOP_SECONDS,
        beneath_homes=_beneath_homes((*words, config.home, cache, *_outside(config))),
        database_is_here=_is_here(config.database.url),
    )


def write(text: str, path: Path) -> None:
    """Raises CrmError if the file cannot be written."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        raise CrmError(f"{path} cannot be written ({error.strerror}).", code="unit_not_written") from error


def _beneath_homes(paths: Iterable[Path]) -> list[Path]:
    """What has to be shown, for reading, of the folders that are hidden: the program's checkout and its Python; [] if
    nothing of ours is there."""
    if not any(str(path.resolve()).startswith(_HOMES) or str(path).startswith(_HOMES) for path in paths):
        return []
    code, python = Path(install.__file__).parents[1], Path(sys.base_prefix)
    found = {Path(sys.prefix), python, code, *(path.parent for path in paths if path.name in ("cli.py", "leaseline"))}
    return sorted(path for path in found if str(path).startswith(_HOMES))


def _outside(config: Config) -> list[Path]:
    """The folder of scheduled backups, if it is not in the home."""
    folder = config.backups_folder
    is_used = bool(config.backups.daily) and not folder.resolve().is_relative_to(config.home.resolve())
    return [folder] if is_used else []


def _is_here(url: str) -> bool:
    """Whether the database is PostgreSQL on this machine."""
    return url.startswith("postgresql") and any(host in url for host in ("@localhost", "@127.0.0.1", "@/", ":///"))


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["word"] = _word
    # Only in a command line, a dollar begins a variable.
    environment.filters["command_word"] = lambda value: _word(value).replace("$", "$$")
    environment.filters["text"] = lambda value: _plain(str(value)).replace("%", "%%")
    return environment.get_template("leaseline.service.j2")


def _word(value: object) -> str:
    """One word of a unit's line, quoted where necessary (systemd.syntax(7), systemd.service(5))."""
    text = _plain(str(value)).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"' if any(character in text for character in " '\"\\;") else text


def _plain(text: str) -> str:
    if not text.isprintable():
        raise Invalid("A path has characters that a unit cannot hold.", code="path_not_printable")
    return text
