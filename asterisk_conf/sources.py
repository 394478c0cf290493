"""Where packages come from: the machine's own release, and Debian's release that has our Asterisk."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path

from asterisk_conf.apt import Apt, index_targets
from asterisk_conf.package_sets import DEBIAN_KEYS, SUITE, os_release
from asterisk_conf.progress import Progress, SetupError
from asterisk_conf.unpacking import fetch


class Sources:
    """The two sources of packages; the lists of each are fetched when it is first needed."""

    def __init__(self, cache: Path, lock: int, progress: Progress) -> None:
        self._cache = cache
        self._lock = lock
        self._progress = progress

    @functools.cached_property
    def own(self) -> Apt:
        """The machine's own release, with its own sources and keys."""
        apt = Apt(self._cache / "apt/own", self._lock, self._progress)
        apt.update()
        return apt

    @functools.cached_property
    def forky(self) -> Apt:
        """Only Debian's SUITE, with only Debian's keys."""
        apt = Apt(self._cache / f"apt/{SUITE}", self._lock, self._progress, self._mirror(), self._keyring())
        apt.update()
        return apt

    def _mirror(self) -> str:
        if named := os.environ.get("LEASELINE_DEBIAN_MIRROR"):
            return named.rstrip("/")
        # A Debian machine's own mirror may be the only one it can reach. A machine whose package lists were deleted (as
        # in container images) cannot tell which of its sources is Debian's until it has fetched them again.
        if os_release().get("ID") == "debian" and (
            found := mirror_among(index_targets()) or mirror_among(self.own.targets())
        ):
            return found
        template = self._debian_keys() / "usr/share/python-apt/templates/Debian.info"
        if found := mirror_in_template(template.read_text(encoding="utf-8")):
            return found
        raise SetupError(
            "Debian's packages can't be found from here: put the address of a Debian mirror in LEASELINE_DEBIAN_MIRROR."
        )

    def _keyring(self) -> Path:
        keyring = debian_keyring(Path("/")) or debian_keyring(self._debian_keys())
        if keyring is None:
            raise SetupError(
                "Debian's signing keys can't be found: install the package debian-archive-keyring, and run it again."
            )
        return keyring

    def _debian_keys(self) -> Path:
        if not DEBIAN_KEYS.is_complete(self._cache):
            fetch(DEBIAN_KEYS, self.own, self._cache, self._progress)
        return DEBIAN_KEYS.root(self._cache)


def debian_keyring(root: Path) -> Path | None:
    """The keys that Debian's archive is signed with; the file's name differs between releases."""
    names = ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")
    return next(
        (root / "usr/share/keyrings" / name for name in names if (root / "usr/share/keyrings" / name).exists()), None
    )


def mirror_among(targets: Sequence[str]) -> str | None:
    """Debian's main archive among apt's sources (the security archive has another label, and no other releases)."""
    for target in targets:
        origin, label, component, uri = target.split("|", 3)
        if (origin, label, component) == ("Debian", "Debian", "main") and not uri.startswith("cdrom:"):
            return uri.rstrip("/")
    return None


def mirror_in_template(template: str) -> str | None:
    """The address of Debian's archive in python-apt's description of Debian's releases, which begins with the
    newest."""
    match = re.search(r"^BaseURI:\s*(\S+)", template, re.MULTILINE)
    return match[1].rstrip("/") if match else None
