"""Links with which whoever got news by email gets no more: signed, and good for ever."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from crm.config import Config
from crm.domain.errors import Invalid
from crm.secrets import Secrets
from crm.words.site import prefix

SECRET = "links"
"""Name of the key in the secrets file, which signs links to tours too; with another one, old links are void."""
PATH = "/unsubscribe/"


def url(config: Config, secrets: Secrets, key: str, language: str) -> str:
    """The link for the email with this key; "" when nobody outside reaches the public site (site.public_url)."""
    if not config.site.public_url:
        return ""
    return f"{config.site.public_url.rstrip('/')}{prefix(language)}{PATH}{_signer(secrets).dumps(key)}"


def read(secrets: Secrets, token: str) -> str:
    """The key of the email that a link was in. Raises Invalid for a link that is not ours."""
    try:
        return str(_signer(secrets).loads(token))
    except BadSignature:
        raise Invalid("The link to unsubscribe is not complete.", code="unsubscribe_link_broken") from None


def _signer(secrets: Secrets) -> URLSafeSerializer:
    return URLSafeSerializer(secrets.ensure(SECRET), salt="unsubscribe")
