"""The certificate for SIP over TLS: the operator's own, or one that we create and sign ourselves.

Asterisk reads it when it starts, so a new one is used from the next start on.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crm.config import Config
from crm.edge import addresses

VALID = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=30)
"""Our certificate is renewed when less than this is left."""


@dataclass(frozen=True)
class Files:
    certificate: Path
    private_key: Path


def files(config: Config) -> Files:
    """Where Asterisk finds certificate and key."""
    if config.sip.certificate:
        return Files(config.home / config.sip.certificate, config.home / config.sip.private_key)
    return Files(config.tls_folder / "certificate.pem", config.tls_folder / "key.pem")


def ensure(config: Config, now: datetime) -> None:
    """Creates our certificate if there is none, it is about to expire, or it lacks a name. The operator's own is not
    touched.

    The key is kept, so that a phone that was told to trust it still does.
    """
    if config.sip.certificate:
        return
    names = _names(config)
    there = files(config)
    if _is_good(there, names, now):
        return
    config.tls_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _key(there.private_key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, addresses.server(config)[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # A phone's clock may be behind.
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(there.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def problem(config: Config, now: datetime) -> str:
    """Why phones cannot use TLS, as a sentence; "" if they can."""
    there = files(config)
    try:
        certificate = _load(there)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not a PEM certificate"
        return f"{there.certificate} and its key {there.private_key} cannot be used ({reason})."
    if certificate.not_valid_after_utc <= now:
        return f"{there.certificate} ended on {certificate.not_valid_after_utc:%Y-%m-%d}."
    return ""


def _load(there: Files) -> x509.Certificate:
    """Raises OSError (ssl.SSLError) or ValueError if it cannot be read, or does not match the key."""
    certificate = x509.load_pem_x509_certificate(there.certificate.read_bytes())
    # OpenSSL reads both as Asterisk will, and checks that they belong together.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(there.certificate, there.private_key, password="")
    return certificate


def _names(config: Config) -> list[x509.GeneralName]:
    """Every name and address by which a phone may know us; the first is the one that phones are told."""
    wanted = [addresses.server(config), addresses.own_address(config), config.sip.public_address, socket.gethostname()]
    names: list[x509.GeneralName] = []
    for wish in dict.fromkeys(filter(None, wanted)):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(wish)))
        except ValueError:
            if wish.isascii():
                names.append(x509.DNSName(wish))
    return names


def _is_good(there: Files, names: list[x509.GeneralName], now: datetime) -> bool:
    try:
        certificate = _load(there)
        covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return (
        set(names) <= set(covered)
        and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE
    )


def _key(path: Path) -> rsa.RSAPrivateKey:
    """The existing key, or a new one. RSA, because older desk phones support nothing else."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    except (OSError, ValueError, TypeError):
        pass
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write(
        path,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ),
    )
    return key


def _write(path: Path, content: bytes) -> None:
    """Replaces a file atomically; only its owner can read it."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    fresh.replace(path)
