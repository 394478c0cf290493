"""Renders Asterisk's configuration into the home, from templates and the office's current state.

Knows Asterisk's files, and nothing of the database; `crm.services.phones.publish` collects the office's data and calls
this.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import math
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asterisk_conf import certificate
from asterisk_conf.programs import AsteriskDirs
from asterisk_conf.prompts import tones
from crm.config import Config

if TYPE_CHECKING:
    import jinja2

STASIS_APP = "leaseline"
"""Name of the ARI application and of the ARI and AMI users."""

REALM = "sip"
"""The realm of our challenges to phones and trunks; it does not reveal the product."""

CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
"""For TLS 1.2; those of 1.3 are all acceptable."""

REFUSALS_A_MINUTE = 10
"""How many callers who were refused are put on record in a minute."""
RINGS_ON_SECONDS = 5
"""How much longer than their stage phones ring by themselves, if the app that would stop them is away."""

RELOADS = {
    "pjsip.conf": "res_pjsip.so",
    "extensions.conf": "pbx_config.so",
    "musiconhold.conf": "res_musiconhold.so",
    "http.conf": "http",
}
"""Files that change while Asterisk runs, and the module that reloads each."""

DISABLED_EVENTS = (
    *("Newchannel", "Newstate", "Newexten", "NewCallerid", "NewConnectedLine", "NewAccountCode"),
    *("HangupRequest", "SoftHangupRequest", "Hangup", "HangupHandlerPush", "HangupHandlerRun", "HangupHandlerPop"),
    *("DialBegin", "DialState", "DialEnd", "LocalBridge", "DTMFBegin", "DTMFEnd", "Hold", "Unhold"),
    *("MusicOnHoldStart", "MusicOnHoldStop", "BridgeCreate", "BridgeEnter", "BridgeLeave", "BridgeMerge"),
    *("BridgeDestroy", "AttendedTransfer", "BlindTransfer", "Pickup", "DeviceStateChange", "ExtensionStatus"),
    *("PresenceStateChange", "PeerStatus", "ContactStatus", "Registry", "ChallengeSent"),
)
"""Of AMI, what calls and phones raise and the app does not read."""

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
    """Seconds since the epoch at which DND ends, 'forever', or None without DND."""
    callback_number: str = ""
    """E.164, of its location: the caller ID of emergency calls; "" without a location."""
    address: str = ""
    """Address of its location."""
    encrypted: bool = False
    """Whether it must use TLS and SRTP."""
    browser: bool = False
    """Whether it uses WebRTC."""
    agent: str = ""
    """Slug of its agent, whose voicemail its message lamp shows."""


@dataclass(frozen=True)
class Peer:
    """A trunk: where it is, and how its calls are recognized."""

    name: str
    host: str
    port: int
    transport: str
    """udp, tcp or tls."""
    addresses: tuple[str, ...]
    digest: bool
    """Whether its calls to us must have digest credentials."""
    username: str
    """Digest user of our calls and registrations."""
    secret: str
    """Empty if there are no credentials in either direction."""
    register: bool
    caller_format: str = ""
    """How it gives its callers' numbers, as crm.domain.invite.caller_format writes it."""

    @property
    def address(self) -> str:
        """Where calls are sent: what follows the @ in a SIP URI."""
        return f"{self.host}:{self.port}" + (f";transport={self.transport}" if self.transport != "udp" else "")

    @property
    def inbound_user(self) -> str:
        """Digest user of its calls to us: Asterisk finds a peer without known addresses by its endpoint's name."""
        return self.username if self.addresses else f"trunk-{self.name}"

    @property
    def identify_by(self) -> str:
        """Never by user name: the From header contains the caller's number, which the caller chooses."""
        kinds = [*(["auth_username"] if self.digest else []), *(["ip"] if self.addresses or not self.digest else [])]
        return ",".join(kinds)


@dataclass(frozen=True)
class OfficeSetup:
    """What the configuration needs to know about the office."""

    phones: tuple[PhoneAccount, ...] = ()
    peers: tuple[Peer, ...] = ()
    extensions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Extension, and the devices it rings."""
    open_windows: tuple[tuple[int, int], ...] | None = None
    """Upcoming opening hours as seconds since the epoch, in order; None: always open."""
    window_days: int = 14
    windows_end: int = 0
    """Time up to which `open_windows` were computed, in seconds since the epoch."""
    emergency_trunks: tuple[str, ...] = ()
    """Slugs of peers, in the order in which they are tried for an emergency call."""
    bans: tuple[str, ...] = ()
    """Addresses and networks whose SIP packets are dropped."""
    callers: int = 1000
    """How many callers are admitted at the same time."""
    emergency_callback: str = ""
    """E.164: the caller ID of emergency calls from a phone without a location; "" if the office has no number."""

    acknowledged: tuple[tuple[str, int], ...] = ()
    """The last ten digits of a number, and when the latest emergency call that showed it was made, in seconds since the
    epoch: nobody waits any longer for the emergency service to call it back."""

    @property
    def emergency_peers(self) -> list[Peer]:
        by_name = {peer.name: peer for peer in self.peers}
        return [by_name[slug] for slug in self.emergency_trunks]


@dataclass(frozen=True)
class Passwords:
    """The app's passwords for Asterisk's two interfaces, and Asterisk's for the app's FastAGI server."""

    ari: str
    ami: str
    agi: str
    watch: str
    """For the AMI user that reads security events."""
    hep: str
    """By which the app recognizes Asterisk's copies of SIP messages."""


def _quotable(text: str) -> str:
    """Text for use within double quotes on a configuration line: without quotes, comments, line ends or variables."""
    return re.sub(r"[^\w .'()-]", "", text)[:80]


def _escaped(text: str) -> str:
    """A value without line ends, and in which no semicolon begins a comment."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "", text).replace(";", "\\;")


def _in_base64(text: str) -> str:
    """Text in a form that the dialplan can pass on without interpreting it."""
    return base64.b64encode(text.encode()).decode()


@functools.cache
def _environment() -> jinja2.Environment:
    """One for all renderings of a process, because compiling the templates takes ten times as long as filling them
    in; what is compiled is kept for the next process, as Python keeps its modules."""
    import jinja2  # Who only asks whether the files are right need not wait for it.

    kept = None
    if not sys.dont_write_bytecode:
        # A folder that only others may write into keeps nothing.
        with contextlib.suppress(OSError):
            (_TEMPLATES / "__pycache__").mkdir(exist_ok=True)
            if os.access(_TEMPLATES / "__pycache__", os.W_OK):
                kept = jinja2.FileSystemBytecodeCache(str(_TEMPLATES / "__pycache__"), "%s.jinja")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        bytecode_cache=kept,
        # Otherwise what is kept would have the results of filters in it, which may change without the template.
        optimized=False,
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
    """Writes all files whose text has changed, and returns their names.

    Each file is replaced atomically, so that a reload never reads half of one; only its owner can read it.
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
            disabled_events=DISABLED_EVENTS,
            entity_id=_entity_id(config.node),
            longest_overlap=_longest_overlap(config),
            refusals_a_minute=REFUSALS_A_MINUTE,
            longest_outside=math.ceil(config.dialing.ring_seconds) + RINGS_ON_SECONDS,
            music=music_folder(config),
            realm=REALM,
            ciphers=CIPHERS,
        )
        if _replace(folder / "etc" / name, text):
            changed.add(name)
    return changed


def music_folder(config: Config) -> Path:
    """The office's own music if there is any, else the music that was generated at setup."""
    own = config.music_folder
    return own if own.is_dir() and any(own.glob("*.wav")) else config.prompts_folder / tones.MUSIC


def _entity_id(node: str) -> str:
    """Has the form of a MAC address, of a kind that no manufacturer assigns (IEEE 802: second digit 2)."""
    return "02:" + hashlib.sha256(node.encode()).digest()[:5].hex(":")


def _longest_overlap(config: Config) -> int:
    """For how many seconds phones rung by the app may go on ringing after Asterisk has taken the caller back.

    The app has then been gone for at least three quarters of the dead man's time, because it renews the switch every
    quarter.
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
