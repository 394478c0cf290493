"""Links to change or cancel a tour: signed, and valid until the tour begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

from crm.config import Config
from crm.domain.errors import Invalid
from crm.secrets import Secrets
from crm.words.site import prefix

SECRET = "links"
"""Name of the key in the secrets file; if it is removed or replaced, old links are void."""
PATH = "/tours/"
LANGUAGE = "language"
"""The query parameter that says in which language our web server's page is."""


@dataclass(frozen=True)
class Link:
    """The content of a link. One for an older version of the tour is void."""

    tour_id: int
    version: int
    expires_at: int
    """Seconds since the epoch."""


def path(secrets: Secrets, tour_id: int, version: int, starts_at: datetime) -> str:
    """The link's path, at our web server and at the public site alike."""
    return f"{PATH}{_signer(secrets).dumps([tour_id, version, int(starts_at.timestamp())])}"


def url(config: Config, secrets: Secrets, tour_id: int, version: int, starts_at: datetime, language: str = "") -> str:
    """The link as it stands in a text: to the public site, in the person's language, where there is one, else to our
    web server; "" when nobody outside reaches either."""
    where = path(secrets, tour_id, version, starts_at)
    if config.site.public_url:
        return f"{config.site.public_url.rstrip('/')}{prefix(language)}{where}"
    if not config.web.public_url:
        return ""
    # Not in the path: proxies pass on that of our web server as it is (docs/guide/safety.md).
    spoken = prefix(language).removeprefix("/")
    return f"{config.web.public_url.rstrip('/')}{where}{f'?{LANGUAGE}={spoken}' if spoken else ''}"


def read(secrets: Secrets, token: str, now: datetime) -> Link:
    """Raises Invalid for a link that is not ours, or no longer valid."""
    try:
        tour_id, version, expires_at = _signer(secrets).loads(token)
        link = Link(int(tour_id), int(version), int(expires_at))
    except (BadSignature, TypeError, ValueError):
        raise Invalid("The link to a tour is not complete.", code="tour_link_broken") from None
    if now.timestamp() >= link.expires_at:
        raise Invalid("The tour has begun or is over.", code="tour_link_late")
    return link


def _signer(secrets: Secrets) -> URLSafeSerializer:
    return URLSafeSerializer(secrets.ensure(SECRET), salt="tour")
