"""Links with which a person changes or cancels their tour: signed, and good until the tour begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

from crm.config import Config
from crm.domain.errors import Invalid
from crm.secrets import Secrets

SECRET = "links"
"""Name of the key in the secrets file; without it, or with another one, old links are void."""
PATH = "/tours/"


@dataclass(frozen=True)
class Link:
    """What a link says. One for an older version of the tour is void."""

    tour_id: int
    version: int
    expires_at: int
    """Epoch second."""


def url(config: Config, secrets: Secrets, tour_id: int, version: int, starts_at: datetime) -> str:
    """The link as it stands in a text; "" when nobody outside reaches our web pages (web.public_url)."""
    if not config.web.public_url:
        return ""
    token = str(_signer(secrets).dumps([tour_id, version, int(starts_at.timestamp())]))
    return f"{config.web.public_url.rstrip('/')}{PATH}{token}"


def read(secrets: Secrets, token: str, now: datetime) -> Link:
    """Raises Invalid for a link that is not ours, or not good any more."""
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
