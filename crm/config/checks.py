"""What settings have to be, beyond their types."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from crm.config.calls import TAKES_EXTENSION, TALK_CODES, Dialing
from crm.config.errors import ConfigError
from crm.config.home import Config
from crm.config.machine import LISTEN_IN, STOPPING_NEW_CALLS, Ports
from crm.config.messages import MAIL_SECURITIES, TEXT_CARRIERS, Texts
from crm.config.voice import AI_ANSWERS

# RFC 7064 and 7065, as browsers take them.
_ICE_SERVER = re.compile(
    r"(?:stuns?:[A-Za-z0-9.\-\[\]:]{1,200}|turns?:[A-Za-z0-9.\-\[\]:]{1,200}(?:\?transport=(?:udp|tcp))?)", re.ASCII
)
_ADDRESS = re.compile(r"[^@\s<>,;:\"\\]+@[^@\s<>,;:\"\\]+\.[^@\s<>,;:\"\\.]+")


def check(config: Config, path: Path) -> None:
    """Raises ConfigError for settings that cannot be; `path` is named in it."""
    # The ids of calls begin with it, and those of the phones that ring for them may have 80 characters.
    if not re.fullmatch(r"([a-z][a-z0-9]{0,9})?", config.node):
        raise ConfigError(
            f"{path}: node = {config.node[:20]!r} cannot be a name; write up to ten letters and digits, such as east."
        )
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"{path}: timezone {config.timezone!r} is unknown; write one like America/Chicago.") from None
    backups = config.backups
    if backups.daily and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", backups.daily, re.ASCII):
        raise ConfigError(f"{path}: backups.daily = {backups.daily[:20]!r} is not a time of day; write one like 03:00.")
    if backups.folder and not Path(backups.folder).is_absolute():
        raise ConfigError(f"{path}: backups.folder = {backups.folder!r} has to be a whole path, such as /mnt/backups.")
    if backups.public_key and not re.fullmatch(r"age1[02-9ac-hj-np-z]{58}", backups.public_key, re.ASCII):
        raise ConfigError(f"{path}: backups.public_key is no public key; `leaseline backup key FILE` makes one.")
    ports = config.ports
    single = {name: getattr(ports, name) for name in Ports.__struct_fields__}
    for name, port in single.items():
        if not 1024 <= port <= 65525:
            raise ConfigError(f"{path}: ports.{name} = {port} is outside 1024 to 65525.")
    if len(set(single.values())) < len(single):
        raise ConfigError(f"{path}: two entries in [ports] are the same; give each its own port.")
    if ports.rtp_last - ports.rtp_first < 20:
        raise ConfigError(f"{path}: ports.rtp_first to rtp_last is too small; four ports are needed for each call.")
    if config.texts.carrier not in TEXT_CARRIERS:
        raise ConfigError(f"{path}: texts.carrier = {config.texts.carrier!r} is not one of {', '.join(TEXT_CARRIERS)}.")
    if config.texts.carrier == "twilio" and not config.texts.twilio_account:
        raise ConfigError(f"{path}: texts.carrier is twilio: write the Account SID (AC...) into texts.twilio_account.")
    for name, url in (
        ("web.public_url", config.web.public_url),
        ("api.public_url", config.api.public_url),
        ("console.public_url", config.console.public_url),
        ("texts.twilio_url", config.texts.twilio_url),
        ("texts.telnyx_url", config.texts.telnyx_url),
    ):
        if url and not url.startswith(("https://", "http://")):
            raise ConfigError(
                f"{path}: {name} = {url!r} is not a web address; write one like https://phone.example.com."
            )
    if bool(config.console.tls_certificate) != bool(config.console.tls_key):
        raise ConfigError(f"{path}: console.tls_certificate and console.tls_key go together: write both, or neither.")
    if config.mail.security not in MAIL_SECURITIES:
        raise ConfigError(
            f"{path}: mail.security = {config.mail.security!r} is not one of {', '.join(MAIL_SECURITIES)}."
        )
    inbox = config.mail.incoming
    if inbox.security not in MAIL_SECURITIES:
        raise ConfigError(f"{path}: mail.in.security = {inbox.security!r} is not one of {', '.join(MAIL_SECURITIES)}.")
    if inbox.address and not _ADDRESS.fullmatch(inbox.address):
        raise ConfigError(f"{path}: mail.in.address is not an address: write one like leads@example.com.")
    if inbox.server and not inbox.user:
        raise ConfigError(f"{path}: mail.in.user is empty: write the user that mail.in.server knows.")
    if config.mail.server and not _ADDRESS.fullmatch(config.mail.from_address):
        raise ConfigError(f"{path}: mail.from_address is not an address: write one like phone@example.com.")
    for network in config.api.webhook_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(
                f"{path}: api.webhook_networks has {network!r}; write networks such as 10.1.0.0/16."
            ) from None
    _check_texts(config.texts, path)
    _check_countries(config, path)
    _check_dialing(config.dialing, path)
    _check_talk(config, path)
    if config.ai.answers not in AI_ANSWERS:
        raise ConfigError(f"{path}: ai.answers = {config.ai.answers!r} is not one of {', '.join(AI_ANSWERS)}.")
    if config.console.listen_in not in LISTEN_IN:
        raise ConfigError(
            f"{path}: console.listen_in = {config.console.listen_in!r} is not one of {', '.join(LISTEN_IN)}."
        )
    for url in config.console.ice_servers:
        if not _ICE_SERVER.fullmatch(url):
            raise ConfigError(
                f"{path}: console.ice_servers has {url!r}; write stun:HOST:PORT, turn:HOST:PORT?transport=tcp or"
                " turns:HOST:PORT."
            )
    if config.stopping.new_calls not in STOPPING_NEW_CALLS:
        choice = " nor ".join(STOPPING_NEW_CALLS)
        raise ConfigError(f"{path}: stopping.new_calls = {config.stopping.new_calls!r} is neither {choice}.")
    _check_codes(config, path)
    if bool(config.sip.certificate) != bool(config.sip.private_key):
        raise ConfigError(f"{path}: sip.certificate and sip.private_key go together; set both or neither.")
    for name in ("hostname", "certificate", "private_key", "trusted_certificates"):
        # They go into Asterisk's configuration, where a semicolon starts a comment.
        allowed = r"[A-Za-z0-9.-]{0,200}" if name == "hostname" else r"[^;\x00-\x1f\x7f]{0,400}"
        if not re.fullmatch(allowed, getattr(config.sip, name)):
            raise ConfigError(f"{path}: sip.{name} has characters that are not allowed in it; correct it.")


def _check_texts(texts: Texts, path: Path) -> None:
    if not 1 <= texts.automatic_percent <= 100:
        raise ConfigError(f"{path}: texts.automatic_percent = {texts.automatic_percent} is outside 1 to 100.")


def _check_codes(config: Config, path: Path) -> None:
    codes = {name: code for name, code in msgspec.structs.asdict(config.codes).items() if code}
    for name, code in codes.items():
        if not re.fullmatch(r"\*\d{1,4}", code, re.ASCII):
            raise ConfigError(
                f"{path}: codes.{name} = {code!r} is not a code; write a star and 1 to 4 digits, like *78."
            )
        if code.startswith(("*911", "*9911", "*933")):
            raise ConfigError(f"{path}: codes.{name} = {code!r} looks like an emergency call; choose another.")
    for name, code in codes.items():
        for other, longer in codes.items():
            # An extension has at least two digits, so a single further digit makes a code of its own.
            swallowed = name in TAKES_EXTENSION and longer.startswith(code) and len(longer) >= len(code) + 2
            if other != name and (longer == code or swallowed):
                why = "are the same" if longer == code else f"cannot be told apart: an extension may follow {code}"
                raise ConfigError(f"{path}: codes.{name} and codes.{other} {why}; change one of them.")
    if not 0 <= config.dnd.by_phone_hours <= 24 * 7:
        raise ConfigError(f"{path}: dnd.by_phone_hours has to be from 0 to 168.")


def _check_countries(config: Config, path: Path) -> None:
    if config.area_code and not re.fullmatch(r"[2-9][0-9]{2}", config.area_code, re.ASCII):
        raise ConfigError(
            f"{path}: area_code = {config.area_code[:20]!a} is none; write its three digits, such as 512."
        )
    named = {"region": (config.region,), "dialing.countries": config.dialing.countries}
    if {*named["region"], *named["dialing.countries"]} <= set(Dialing().countries):
        return
    # Loaded only where it is needed: every command reads the settings.
    from phonenumbers import SUPPORTED_REGIONS

    for key, countries in named.items():
        for country in countries:
            if country not in SUPPORTED_REGIONS:
                raise ConfigError(f"{path}: {key} has {country[:20]!a}; write a country's two letters, such as US.")


def _check_dialing(dialing: Dialing, path: Path) -> None:
    for name in ("allowed_prefixes", "blocked_prefixes"):
        for prefix in getattr(dialing, name):
            if not re.fullmatch(r"\+[0-9]{1,14}", prefix):
                raise ConfigError(f"{path}: dialing.{name} has {prefix!r}; write + and digits, such as +1787.")
    if not re.fullmatch(r"[0-9]{0,3}", dialing.outside_prefix):
        raise ConfigError(f"{path}: dialing.outside_prefix is {dialing.outside_prefix!r}; write up to three digits.")


def _check_talk(config: Config, path: Path) -> None:
    codes = [getattr(config.talk, name) for name in TALK_CODES if getattr(config.talk, name)]
    for code in codes:
        if not re.fullmatch(r"[*#][0-9]{1,3}", code):
            raise ConfigError(
                f"{path}: {code!r} in [talk] is not a code; write a star and one to three digits, like *1."
            )
    if any(one.startswith(two) for at, one in enumerate(codes) for two in codes[:at] + codes[at + 1 :]):
        raise ConfigError(
            f"{path}: one code in [talk] is the beginning of another, which could never be keyed; change one of them."
        )
    if not re.fullmatch(r"[1-9][0-9]{1,4}", config.parking.extension):
        raise ConfigError(f"{path}: parking.extension = {config.parking.extension!r}; write two to five digits.")
    if not 1 <= config.parking.slots <= 90:
        raise ConfigError(f"{path}: parking.slots = {config.parking.slots} is outside 1 to 90.")
