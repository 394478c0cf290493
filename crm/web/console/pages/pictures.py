"""Pictures of homes and of properties: taken in, described, put in order and removed, in the page of what they show."""

from __future__ import annotations

import asyncio
import hmac
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from crm.domain import listings
from crm.domain.access import Act
from crm.domain.errors import Conflict, Invalid, NotFound
from crm.edge import pictures as files
from crm.edge.pictures import StoredPicture
from crm.services.audit import By
from crm.services.listings import pictures
from crm.services.listings.pictures import Change
from crm.views.listing_parts import PictureSheet
from crm.web.console.door import ConsolePage
from crm.web.console.visit import ConsoleVisit
from crm.web.site import uploads
from crm.words.console.listings import WORDS

NAME = re.compile(r"([0-9a-f]{64})-(\d{1,4})\.webp")
FILE = "picture"
"""Name of the field with a picture."""

_decoding = ThreadPoolExecutor(1, thread_name_prefix="pictures")
"""One picture at a time: decoding a large one takes a second, and 200 MB."""


class Pictured(Protocol):
    pictures: list[PictureSheet]


Sheet = TypeVar("Sheet", bound=Pictured)


@dataclass(frozen=True)
class Album(Generic[Sheet]):
    """The pictures of what a page is about."""

    path: Callable[[ConsoleVisit], str]
    """Of the page."""
    find: Callable[[ConsoleVisit, Session], Sheet]
    """What the page is about. Raises NotFound, also for what is out of reach."""
    put: Callable[[Session, By, Sheet, Change, StoredPicture | None], object]
    """Writes the next version. Raises Invalid."""
    refused: Callable[[ConsoleVisit, str], Awaitable[Response]]
    """The page again, with the reason."""


def pages_of(album: Album[Any], path: str) -> tuple[ConsolePage, ...]:
    def page(end: str, act: Callable[[Album[Any], ConsoleVisit], Awaitable[Response]]) -> ConsolePage:
        return ConsolePage(f"{path}/pictures{end}", partial(act, album), needs=Act.LISTINGS, methods=("POST",))

    return page("", _add), page("/{number:int}", _change), page("/{number:int}/removal", _remove)


async def _add(album: Album[Any], visit: ConsoleVisit) -> Response:
    """Takes in a picture. It is on the disk as it comes, and decoded in a thread, one at a time."""
    # That there is something to show, before anybody's megabytes are read.
    await visit.read(partial(album.find, visit))
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="leaseline-picture-"))
    try:
        sent = await uploads.receive(visit.request, folder, FILE, files.LARGEST_FILE)
        if not hmac.compare_digest(sent.fields.get("csrf", ""), visit.csrf):
            raise HTTPException(403, "form_old")
        alt = {language: sent.fields.get(f"alt_{language}", "").replace("\0", "") for language in listings.LANGUAGES}
        key = "picture_too_large" if sent.is_too_large else "" if sent.file else "picture_missing"
        if key:
            return await album.refused(visit, visit.looks.say(WORDS, key, most=files.LARGEST_FILE // 1_000_000))
        take_in = partial(pictures.take_in, visit.crm.config, folder / sent.file)
        try:
            taken = await asyncio.get_running_loop().run_in_executor(_decoding, take_in)
        except Invalid as error:
            return await album.refused(visit, visit.refusal(error))
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return await _written(album, visit, lambda sheet: pictures.added(taken, alt), "picture_added", taken)


async def _change(album: Album[Any], visit: ConsoleVisit) -> Response:
    form = await visit.form()
    number, hash = visit.request.path_params["number"], str(form.get("hash", ""))
    alt = {language: str(form.get(f"alt_{language}", "")) for language in listings.LANGUAGES}
    to = str(form.get("to", "")).strip()

    def change(sheet: Pictured) -> Change:
        _check_is_there(sheet, number, hash)
        return pictures.edited(number, alt, listings.whole(to, 1, listings.MOST_PICTURES) if to else None)

    return await _written(album, visit, change, "saved")


async def _remove(album: Album[Any], visit: ConsoleVisit) -> Response:
    form = await visit.form()
    number, hash = visit.request.path_params["number"], str(form.get("hash", ""))

    def change(sheet: Pictured) -> Change:
        _check_is_there(sheet, number, hash)
        return pictures.removed(number)

    return await _written(album, visit, change, "picture_removed")


def _check_is_there(sheet: Pictured, number: int, hash: str) -> None:
    """Raises Conflict if somebody has moved the picture meanwhile: the number would be another one's."""
    if not any(one.number == number and one.hash == hash for one in sheet.pictures):
        raise Conflict("Somebody else has changed the pictures just now: look at them again.", code="changed_meanwhile")


async def _written(
    album: Album[Any],
    visit: ConsoleVisit,
    change: Callable[[Pictured], Change],
    said: str,
    taken: StoredPicture | None = None,
) -> Response:
    def act(session: Session, by: By) -> None:
        sheet = album.find(visit, session)
        album.put(session, by, sheet, change(sheet), taken)

    try:
        await visit.run(act, visit.by)
    except (Invalid, Conflict) as error:
        return await album.refused(visit, visit.refusal(error))
    return visit.see_other(f"{album.path(visit)}#pictures", visit.looks.say(WORDS, said))


async def _file(visit: ConsoleVisit) -> Response:
    named = NAME.fullmatch(visit.request.path_params["name"])
    path = files.file_of(visit.crm.config.pictures_folder, named[1], int(named[2])) if named else None
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound("There is no such picture.", code="picture_unknown")
    headers: dict[str, Any] = {"Cache-Control": "private, max-age=31536000, immutable"}
    return FileResponse(path, media_type="image/webp", headers=headers)


PAGES = (ConsolePage("/pictures/{name}", _file),)
