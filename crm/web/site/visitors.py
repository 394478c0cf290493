"""Identifies visitors, limits what each may request, and checks that a form is one of ours."""

from __future__ import annotations

import ipaddress
import re
import secrets as random
import time
from datetime import datetime
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from crm.config import Console, Site
from crm.secrets import Secrets
from crm.web.shield import wait_seconds

SECRET = "site"
"""Name of the key in the secrets file that signs forms."""
LONGEST_OPEN = 12 * 3600
"""Seconds that a page with a form stays valid."""
FORGETS_EVERY = 60
"""Seconds after which addresses that have asked for nothing of late are forgotten."""
TRAP = "website"
"""A field that people do not see, so that only programs fill it in."""


class TooOld(Exception):
    """The form was open for too long or is not one of ours: it has to be sent again."""


class TooQuick(Exception):
    """The form was sent sooner than people fill one in: it has to be sent again, and counts from when it was opened."""


class Robot(Exception):
    """A program sent the form: it gets the same response as a person, but nothing is done."""


def address(request: Request, site: Site | Console) -> str:
    """The visitor's network address; for IPv6, the network of a household (RFC 6177), in which addresses change every
    day. What a proxy says is believed only where the settings name one."""
    peer = request.client.host if request.client else ""
    if site.behind_proxy and peer in ("127.0.0.1", "::1"):
        peer = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or peer
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.IPv6Network((found, 64), strict=False).network_address)
    return str(found)


class _Counts(MemoryStorage):
    """Counts, and forgets those whose time is over once a minute. The library starts a thread for that, at almost every
    request, which goes through all addresses."""

    def __init__(self) -> None:
        super().__init__()
        self._forgets_at = 0.0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        if now >= self._forgets_at:
            self._forgets_at = now + FORGETS_EVERY
            for one in list(self.expirations):
                self.get(one)
        self.get(key)
        self.storage[key] += amount
        if self.storage[key] == amount:
            self.expirations[key] = now + expiry
        return self.storage[key]


class Limits:
    """How many pages and forms each address has recently requested. What is asked for says how many seconds the address
    has to wait for it; 0: it may have it now."""

    def __init__(self, site: Site) -> None:
        self._storage = _Counts()
        self._counts = FixedWindowRateLimiter(self._storage)
        self._pages = RateLimitItemPerMinute(site.requests_per_minute)
        self._forms = RateLimitItemPerHour(site.forms_per_hour)
        self._uploads = RateLimitItemPerHour(site.uploads_per_hour)

    def page(self, address: str) -> int:
        return self._hit(self._pages, "page", address)

    def upload(self, address: str) -> int:
        return self._hit(self._uploads, "upload", address)

    def form(self, address: str) -> int:
        return self._hit(self._forms, "form", address)

    def was_refused(self, address: str) -> None:
        """The form was not accepted: it does not count."""
        self._storage.decr(self._forms.key_for("form", address))

    def _hit(self, item: RateLimitItem, *whose: str) -> int:
        return wait_seconds(self._counts, item, *whose)


class FormKeys:
    """The key in each form: it proves that the form is ours, and makes a form that is sent twice count once."""

    def __init__(self, secrets: Secrets, site: Site) -> None:
        self._signer = URLSafeTimedSerializer(secrets.ensure(SECRET), salt="form")
        self._quickest = site.quickest_form_seconds

    def new(self) -> str:
        return str(self._signer.dumps(random.token_hex(12)))

    def read(self, signed: str) -> str:
        """Raises TooOld, TooQuick."""
        key, opened = self.opened(signed)
        if time.time() - opened.timestamp() < self._quickest:
            raise TooQuick
        return key

    def opened(self, signed: str) -> tuple[str, datetime]:
        """The key, and when its page was opened. Raises TooOld."""
        try:
            key, opened = self._signer.loads(signed, max_age=LONGEST_OPEN, return_timestamp=True)
        except (SignatureExpired, BadSignature):
            raise TooOld from None
        return str(key), opened


_ROBOTS = re.compile(
    r"bot|crawl|spider|preview|facebookexternalhit|whatsapp|slack|telegram|skype|scan|curl|wget|python|go-http|java/|okhttp",
    re.IGNORECASE,
)


def is_person(request: Request) -> bool:
    """Whether a person opened this page, as far as can be told, rather than a link preview, a scanner or a prefetch.

    Scanners of mail and texts call themselves a browser, but rarely ask as one does that is to show a page: every
    browser says that it wants HTML, and in which language, and newer ones that they navigate (Fetch Metadata).
    """
    headers = request.headers
    agent, ahead = headers.get("User-Agent", ""), headers.get("Sec-Purpose", headers.get("Purpose", ""))
    return (
        bool(agent)
        and not _ROBOTS.search(agent)
        and "prefetch" not in ahead
        and "preview" not in ahead
        and "text/html" in headers.get("Accept", "")
        and "Accept-Language" in headers
        and headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    )


def is_from_here(request: Request) -> bool:
    """Whether a form was sent from one of our own pages, according to the browser (Fetch Metadata, RFC 6454)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")
