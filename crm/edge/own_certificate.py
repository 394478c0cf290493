"""The console's own certificate, for offices without a proxy in front of it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from crm.config import Config

LOOK_SECONDS = 30.0
"""How often it is looked whether the files have changed."""
SOON = timedelta(days=14)


class CertificateUnusable(OSError):
    """The files are missing, unreadable, or do not belong together; the text says which and why."""


class OwnCertificate:
    """Gives each new connection the certificate that is in the files, while those that are open keep theirs."""

    def __init__(self, config: Config) -> None:
        self.certificate, self.key = files(config)
        self._stamp: object = None
        self._current: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """For a listener. Raises CertificateUnusable."""
        self.look()
        context = self._current = self._loaded()
        # OpenSSL calls it for every client, also for those that name no host.
        context.sni_callback = self._choose
        return context

    def look(self) -> bool:
        """Reads the files if they have changed since; returns whether they have. Raises CertificateUnusable, and the
        former certificate stays."""
        stamp = tuple(self._stamp_of(path) for path in (self.certificate, self.key))
        if stamp == self._stamp:
            return False
        self._current = self._loaded()
        self._stamp = stamp
        return True

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        if self._current is not None:
            connection.context = self._current

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # OpenSSL asks the terminal for the password of a key that has one, unless it is given one.
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError) as error:
            raise _unusable(self.certificate, self.key, error) from error
        return context

    @staticmethod
    def _stamp_of(path: Path) -> object:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def files(config: Config) -> tuple[Path, Path]:
    """Certificate and key; a path that is not whole is one within the home."""
    return config.home / config.console.tls_certificate, config.home / config.console.tls_key


def problem(config: Config, now: datetime) -> str:
    """What is wrong with it, or will be soon, as a sentence; empty: nothing, or the console has none of its own."""
    if not config.console.has_certificate:
        return ""
    certificate, key = files(config)
    try:
        OwnCertificate(config).context()
        ends = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except CertificateUnusable as error:
        return str(error)
    except (OSError, ValueError) as error:
        return str(_unusable(certificate, key, error))
    if ends <= now:
        return f"{certificate} ended on {ends:%Y-%m-%d}, and browsers refuse it."
    if ends - now < SOON:
        return f"{certificate} ends on {ends.astimezone(UTC):%Y-%m-%d}, and browsers refuse it from then on."
    return ""


def _unusable(certificate: Path, key: Path, error: Exception) -> CertificateUnusable:
    why = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not a PEM certificate"
    return CertificateUnusable(f"{certificate} and its key {key} cannot be used ({why}).")
