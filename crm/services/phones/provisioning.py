"""What has to be entered into a phone: as a page to print, and as a QR code for softphones.

No QR code is read by every softphone. Ours contains the account as scanned by Grandstream Wave (Android, iOS), the only
widespread format that holds a whole account. Linphone scans the address of a configuration file on a web server, and
Zoiper and Acrobits use their own clouds; these are configured by hand.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import jinja2
import segno
from sqlalchemy.orm import Session

from crm.config import Config
from crm.domain.codes import FeatureCode
from crm.domain.errors import Conflict, CrmError, Invalid
from crm.domain.ringing import DeviceKind
from crm.edge import addresses
from crm.secrets import Secrets
from crm.services import audit
from crm.services.audit import By
from crm.services.phones import devices
from crm.store.models import Device

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=True,
)


@dataclass(frozen=True)
class SipAccount:
    """A device's SIP account, as entered into the phone."""

    user: str
    secret: str
    name: str
    extension: str
    """Empty if the agent has none."""
    server: str
    port: int
    transport: str
    """UDP, or TLS for a device that must encrypt."""
    encrypted: bool
    """Whether SRTP is required."""


def account(config: Config, secrets: Secrets, device: Device) -> SipAccount:
    """The account of a device. Raises Invalid for one into which no account is entered."""
    if device.kind == DeviceKind.MOBILE:
        raise Invalid(
            f"{device.slug} is a mobile: it is dialed and has no account.",
            code="mobile_not_provisioned",
            device=device.slug,
        )
    if device.kind == DeviceKind.BROWSER:
        raise Invalid(
            f"{device.slug} is a browser: its page logs in by itself, so there is nothing to enter on it.",
            code="browser_not_provisioned",
            device=device.slug,
        )
    return SipAccount(
        user=device.slug,
        secret=secrets.get(devices.secret_name(device.slug)),
        name=device.agent.name,
        extension=device.agent.extension or "",
        server=addresses.server(config),
        port=config.ports.sips if device.encrypted else config.ports.sip,
        transport="TLS" if device.encrypted else "UDP",
        encrypted=device.encrypted,
    )


def shown(session: Session, config: Config, secrets: Secrets, by: By, slug: str) -> SipAccount:
    """The account of a device, for somebody who enters it; that they saw the password is put on record. Raises
    NotFound, Invalid, SecretError."""
    found = account(config, secrets, devices.named(session, slug))
    audit.record(session, by, f"account of device {slug} shown")
    return found


def qr(of: SipAccount, voicemail: str) -> segno.QRCode:
    """The QR code that Grandstream Wave scans. `voicemail` is the code it dials to listen to voicemail."""
    return segno.make(qr_text(of, voicemail), error="m", micro=False)


def qr_text(of: SipAccount, voicemail: str) -> str:
    """The content of the QR code: XML. The server includes the port; there is no field for the transport."""
    fields = {
        "RegisterServer": f"{of.server}:{of.port}",
        "OutboundServer": "",
        "UserID": of.user,
        "AuthID": of.user,
        "AuthPass": of.secret,
        "AccountName": of.user,
        "DisplayName": of.name,
        "Voicemail": voicemail,
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f'{head}<AccountConfig version="1"><Account>{inner}</Account></AccountConfig>'


def qr_for_terminal(of: SipAccount, voicemail: str) -> str:
    drawn = io.StringIO()
    qr(of, voicemail).terminal(out=drawn, compact=True)
    return drawn.getvalue()


def page(of: SipAccount, codes: Sequence[FeatureCode], voicemail: str) -> str:
    """An HTML page with everything, to print on one sheet of paper."""
    drawn = qr(of, voicemail).svg_inline(border=4, omitsize=True)
    return _TEMPLATES.get_template("phone.html.j2").render(account=of, codes=codes, qr=drawn)


def write_page(path: Path, text: str) -> None:
    """Writes a new file that only its owner can read. Raises Conflict if the file exists, CrmError if it cannot be
    written."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Conflict(
            f"{path} already exists: choose another name, or remove it first.",
            code="file_exists",
            path=str(path),
        ) from None
    except OSError as error:
        raise CrmError(
            f"{path} cannot be written ({error.strerror}): choose another file.",
            code="file_not_written",
            path=str(path),
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
