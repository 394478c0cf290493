"""Links to continue an application: signed, personal, and valid for a limited time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from crm.config import Config
from crm.domain.errors import Invalid
from crm.secrets import Secrets
from crm.words.site import prefix

SECRET = "links"
"""Name of the key in the secrets file, which also signs links to tours; changing it invalidates old links."""
PATH = "/apply/"


@dataclass(frozen=True)
class ApplicationLink:
    application_id: int
    is_sent: bool
    """Whether it was sent to the applicant; False: it belongs to the browser in which the application was begun."""
    expires_at: int
    """Epoch second."""


def token(config: Config, secrets: Secrets, application_id: int, now: datetime, *, is_sent: bool) -> str:
    """The last part of a link."""
    expires_at = int((now + timedelta(days=config.applications.link_days)).timestamp())
    return str(_signer(secrets).dumps([application_id, int(is_sent), expires_at]))


def url(config: Config, secrets: Secrets, application_id: int, language: str, now: datetime) -> str:
    """The link to send; "" if the public site cannot be reached from outside (site.public_url)."""
    if not config.site.public_url:
        return ""
    return f"{config.site.public_url.rstrip('/')}{path(config, secrets, application_id, language, now)}"


def path(config: Config, secrets: Secrets, application_id: int, language: str, now: datetime) -> str:
    """The path of the link to send."""
    return f"{prefix(language)}{PATH}{token(config, secrets, application_id, now, is_sent=True)}"


def read(secrets: Secrets, token: str, now: datetime) -> ApplicationLink:
    """Raises Invalid for a link that is not ours or has expired."""
    try:
        application_id, is_sent, expires_at = _signer(secrets).loads(token)
        link = ApplicationLink(int(application_id), bool(is_sent), int(expires_at))
    except (BadSignature, TypeError, ValueError):
        raise Invalid("The link to an application is incomplete.", code="application_link_broken") from None
    if now.timestamp() >= link.expires_at:
        raise Invalid("The link to an application has expired.", code="application_link_late")
    return link


def _signer(secrets: Secrets) -> URLSafeSerializer:
    return URLSafeSerializer(secrets.ensure(SECRET), salt="application")
