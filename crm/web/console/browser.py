"""What makes the console an app: its icon, the service worker, and messages to browsers that are closed."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import msgspec
from PIL import Image, ImageDraw
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from crm.edge.push_target import PushTarget
from crm.services.access import push
from crm.web.console import scripts
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleFrame, ConsoleVisit
from crm.web.shield import body
from crm.words.console import frame as words

LEAF, PAPER = (23, 92, 58), (255, 255, 255)
SIZES = (180, 192, 512)
SMOOTHED = 4
"""How many times larger an icon is drawn before it is made smaller."""
LONGEST = 4096
DAY = {"Cache-Control": "public, max-age=86400"}
HANDSET = ((26, 30), (40, 26), (47, 42), (41, 48), (52, 60), (59, 53), (74, 60), (70, 74), (58, 77), (23, 42))
"""The corners of the sign, in hundredths of the icon."""


class Subscription(msgspec.Struct):
    """As a page sends it: `PushSubscription.toJSON()` of the browser, flat."""

    endpoint: str
    public_key: str = ""
    auth: str = ""
    instead_of: str = ""


def routes(frame: ConsoleFrame) -> list[BaseRoute]:
    return [
        Route("/worker.js", _worker),
        Route("/manifest.webmanifest", _manifest),
        Route("/icon.svg", _svg),
        Route("/icon-{size:int}.png", _png),
        *(page.route(frame) for page in PAGES),
    ]


async def _worker(request: Request) -> Response:
    file = scripts.worker()
    if file is None:
        return Response("not found\n", 404, media_type="text/plain")
    # Its name never changes: browsers look for a newer one themselves.
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/", "Content-Security-Policy": WORKER_POLICY}
    return FileResponse(file, media_type="text/javascript", headers=headers)


WORKER_POLICY = "default-src 'none'; connect-src 'self'"


async def _manifest(request: Request) -> Response:
    icons = [{"src": f"/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"} for size in SIZES]
    told = {
        "id": "/",
        "name": "Leaseline",
        "short_name": "Leaseline",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f3f6f4",
        "theme_color": "#175c3a",
        # The sign leaves room at the edges, so that systems may cut them off.
        "icons": [*icons, {**icons[-1], "purpose": "maskable"}],
    }
    return Response(msgspec.json.encode(told), media_type="application/manifest+json", headers=DAY)


async def _svg(request: Request) -> Response:
    corners = " ".join(f"{x},{y}" for x, y in HANDSET)
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" rx="18"'
        f' fill="#175c3a"/><polygon points="{corners}" fill="#fff" stroke="#fff" stroke-width="6"'
        ' stroke-linejoin="round"/></svg>'
    )
    return Response(text, media_type="image/svg+xml", headers=DAY)


async def _png(request: Request) -> Response:
    size = request.path_params["size"]
    if size not in SIZES:
        return Response("not found\n", 404, media_type="text/plain")
    return Response(_drawn(size), media_type="image/png", headers=DAY)


@lru_cache(len(SIZES))
def _drawn(size: int) -> bytes:
    large = size * SMOOTHED
    image = Image.new("RGB", (large, large), LEAF)
    draw, corners = ImageDraw.Draw(image), [(x * large / 100, y * large / 100) for x, y in HANDSET]
    draw.polygon(corners, fill=PAPER)
    draw.line([*corners, corners[0], corners[1]], fill=PAPER, width=large * 6 // 100, joint="curve")
    written = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(written, "PNG", optimize=True)
    return written.getvalue()


async def _offline(visit: ConsoleVisit) -> Response:
    """What the service worker shows while there is no network. It is the same for everybody who has this language."""
    return visit.page("offline", words.WORDS)


async def _subscribe(visit: ConsoleVisit) -> Response:
    sent = await _sent(visit)
    target = PushTarget(sent.endpoint, sent.public_key, sent.auth)
    await visit.run(
        push.subscribe, visit.crm.config, visit.by, visit.who.session_id, target, instead_of=sent.instead_of
    )
    return Response(status_code=204)


async def _unsubscribe(visit: ConsoleVisit) -> Response:
    sent = await _sent(visit)
    await visit.run(push.unsubscribe, visit.by, visit.who.session_id, sent.endpoint)
    return Response(status_code=204)


async def _rings(visit: ConsoleVisit) -> Response:
    """Whether a call still rings: whoever wakes up asks before it makes a sound."""
    found: dict[str, Any] = {"rings": await visit.read(push.rings, visit.request.path_params["call"][:80])}
    return Response(msgspec.json.encode(found), media_type="application/json", headers={"Cache-Control": "no-store"})


async def _sent(visit: ConsoleVisit) -> Subscription:
    """Raises HTTPException."""
    # A service worker has no form, so what is sent here brings no proof of one; that it comes from a page of ours, the
    # browser says, and nobody else's page may send JSON without asking.
    if visit.request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
        raise HTTPException(415)
    try:
        return msgspec.json.decode(await body(visit.request, LONGEST), type=Subscription)
    except msgspec.DecodeError:
        raise HTTPException(400) from None


PAGES = (
    ConsolePage("/offline", _offline, is_public=True),
    ConsolePage("/push", _subscribe, methods=("POST",)),
    ConsolePage("/push/end", _unsubscribe, methods=("POST",)),
    ConsolePage("/push/calls/{call}", _rings),
)
