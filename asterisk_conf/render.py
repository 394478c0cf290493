"""Renders Asterisk's configuration into the home: templates plus what the office looks like now.

Knows Asterisk's files and nothing of the database; `crm.services.phones.publish` gathers the office and calls this.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from asterisk_conf import certificate
from asterisk_conf.install import AsteriskDirs
from asterisk_conf.prompts import tones
from crm.config import Config

STASIS_APP = "leaseline"
"""Name of the ARI application and of the ARI and AMI users."""

REALM = "sip"
"""Of our challenges to phones and trunks; it names no product."""

CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""Of TLS 1.2; those of 1.3 are all good."""

RINGS_ON_SECONDS = 5
"""So much longer than their stage phones ring by themselves, when the app that would stop them is away."""

RELOADS = {
    "pjsip.conf": "res_pjsip.so",
    "extensions.conf": "pbx_config.so",
    "musiconhold.conf": "res_musiconhold.so",
}
"""Files that change while Asterisk runs, and the module that reads each again."""

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class PhoneAccount:
    """A device's SIP account, and whether it may ring without the app."""

    device: str
    """Slug: endpoint, AOR and digest user."""
    secret: str
    name: str
    extension: str | None
    on_duty: bool
    dnd_until: int | str | None
    """Epoch second at which DND ends, 'forever', or None without DND."""
    callback_number: str = ""
    """E.164, of its location: caller ID of an emergency call; empty without a location."""
    address: str = ""
    """Of its location."""
    encrypted: bool = False
    """It has to use TLS and SRTP."""
    browser: bool = False
    """It speaks WebRTC."""
    agent: str = ""
    """Slug of whose it is; its message lamp shows their messages."""


@dataclass(frozen=True)
class Peer:
    """A trunk: where it is, and how its calls are known to be its own."""

    name: str
    host: str
    port: int
    transport: str
    """udp, tcp or tls."""
    addresses: tuple[str, ...]
    digest: bool
    """Its calls to us have to carry digest credentials."""
    username: str
    """Digest user of our calls and registrations."""
    secret: str
    """Empty without credentials in either direction."""
    register: bool

    @property
    def address(self) -> str:
        """Where calls are sent, as what follows the @ of a SIP URI."""
        return f"{self.host}:{self.port}" + (f";transport={self.transport}" if self.transport != "udp" else "")

    @property
    def inbound_user(self) -> str:
        """Digest user of its calls to us: Asterisk finds a peer without known addresses by its endpoint's name."""
        return self.username if self.addresses else f"trunk-{self.name}"

    @property
    def identify_by(self) -> str:
        """By user name never: a caller's number stands in the From header and is the caller's to choose."""
        kinds = [*(["auth_username"] if self.digest else []), *(["ip"] if self.addresses or not self.digest else [])]
        return ",".join(kinds)


@dataclass(frozen=True)
class OfficeSetup:
    """What the configuration has to know of the office."""

    phones: tuple[PhoneAccount, ...] = ()
    peers: tuple[Peer, ...] = ()
    extensions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Extension, and the devices it rings."""
    open_windows: tuple[tuple[int, int], ...] | None = None
    """Opening hours to come as epoch seconds, in order; None is always open."""
    window_days: int = 14
    windows_end: int = 0
    """Epoch second up to which `open_windows` were computed."""
    emergency_trunks: tuple[str, ...] = ()
    """Slugs of peers, in the order in which they are tried for an emergency call."""
    bans: tuple[str, ...] = ()
    """Addresses and networks whose SIP is dropped."""
    callers: int = 1000
    """So many are let in at the same time."""
    emergency_callback: str = ""
    """E.164: caller ID of an emergency call from a phone without a location; empty when the office has no number."""

    @property
    def emergency_peers(self) -> list[Peer]:
        by_name = {peer.name: peer for peer in self.peers}
        return [by_name[slug] for slug in self.emergency_trunks]


@dataclass(frozen=True)
class Passwords:
    """Of the app with Asterisk's two interfaces, and of Asterisk with the app's FastAGI server."""

    ari: str
    ami: str
    agi: str
    watch: str
    """Of the AMI user that reads security events."""
    hep: str
    """By which the app knows whose copies of SIP messages it gets."""


def _quotable(text: str) -> str:
    """Text inside double quotes on a configuration line: no quotes, comments, line ends or variables."""
    return re.sub(r"[^\w .'()-]", "", text)[:80]


def _escaped(text: str) -> str:
    """A value in which no semicolon begins a comment and no line ends."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "", text).replace(";", "\\;")


def _in_base64(text: str) -> str:
    """Text as the dialplan can hand it on without reading it."""
    return base64.b64encode(text.encode()).decode()


@functools.cache
def _environment() -> jinja2.Environment:
    """One for all renderings of a process, because compiling the templates takes ten times as long as filling them."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quotable"] = _quotable
    environment.filters["escaped"] = _escaped
    environment.filters["in_base64"] = _in_base64
    return environment


def render(config: Config, dirs: AsteriskDirs, passwords: Passwords, office: OfficeSetup) -> set[str]:
    """Writes every file anew whose text has changed and returns their names.

    Each file is replaced as a whole, readable by its owner alone, so that a reload never reads half of one.
    """
    folder = config.asterisk_folder
    for name in ("etc", "var", "spool/recording", "run", "log/cel-custom"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = _environment()
    changed = set()
    for template in sorted(_TEMPLATES.glob("*.conf.j2")):
        name = template.name.removesuffix(".j2")
        text = environment.get_template(template.name).render(
            config=config,
            tls=certificate.files(config),
            folder=folder,
            dirs=dirs,
            secrets=passwords,
            office=office,
            app=STASIS_APP,
            entity_id=_entity_id(config.node),
            longest_overlap=_longest_overlap(config),
            longest_outside=math.ceil(config.dialing.ring_seconds) + RINGS_ON_SECONDS,
            music=music_folder(config),
            realm=REALM,
            ciphers=CIPHERS,
        )
        if _replace(folder / "etc" / name, text):
            changed.add(name)
    return changed


def music_folder(config: Config) -> Path:
    """The office's own music when there is any, else what was made at set-up."""
    own = config.music_folder
    return own if own.is_dir() and any(own.glob("*.wav")) else config.prompts_folder / tones.MUSIC


def _entity_id(node: str) -> str:
    """In the form of a MAC address, of the kind that nobody makes (IEEE 802: second digit 2)."""
    return "02:" + hashlib.sha256(node.encode()).digest()[:5].hex(":")


def _longest_overlap(config: Config) -> int:
    """Seconds that phones rung by the app may still ring when Asterisk takes the caller back.

    The app has then been gone for at least three quarters of the dead man's time, because it renews it at each quarter.
    """
    ring = config.ring
    longest = max(ring.agent_seconds, ring.subteam_seconds, ring.everyone_seconds)
    return max(0, math.ceil(longest + RINGS_ON_SECONDS - config.survival.deadman_seconds * 0.75))


def _replace(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(path)
    return True
