"""Receives inquiries that listing portals post, at a secret path for each source.

200 means that the post is in the database or on disk. The response does not depend on the content, so that a portal
never gives up on one: posts that cannot be read are for us to look at.
"""

from __future__ import annotations

import logging
import traceback
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crm.context import Crm
from crm.services.arrivals import posts
from crm.services.arrivals.posts import PostBox
from crm.services.arrivals.sources import PATH
from crm.web.shield import body

_log = logging.getLogger(__name__)


def routes(crm: Crm) -> list[Route]:
    return [Route(f"{PATH}{{token}}", partial(_post, crm, PostBox(crm)), methods=["POST"])]


async def _post(crm: Crm, box: PostBox, request: Request) -> Response:
    # The path is a secret, so it is not logged.
    about = {"peer": request.client.host if request.client else "-"}
    try:
        sent = posts.post(
            request.path_params["token"],
            request.headers.get("content-type", ""),
            await body(request, posts.LONGEST),
            request.url.query,
            crm.now(),
        )
        if not await box.accept(sent):
            _log.warning("a post to an unknown path", extra=about)
            return PlainTextResponse("not found\n", 404)
    except HTTPException as error:
        _log.warning("a post was refused", extra={**about, "reason": error.detail})
        return PlainTextResponse(f"{error.detail}\n", error.status_code)
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception as error:  # noqa: BLE001 - a door: the portal is asked to try again
        return _try_again(about, error)
    return PlainTextResponse("ok\n")


def _try_again(about: dict[str, str], error: Exception) -> Response:
    # A driver's message would quote the post, so only the type of the error and its line are logged.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
    _log.error("a post could not be stored", extra={**about, "error": type(error).__name__, "where": where})
    return PlainTextResponse("try again\n", 503, headers={"Retry-After": "30"})
