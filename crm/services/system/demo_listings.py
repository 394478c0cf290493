"""Listings of the demo office: a feed like any other (crm/demo/listings.json), with pictures that are drawn here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crm.config import Config
from crm.edge import pictures
from crm.edge.pictures import StoredPicture
from crm.secrets import Secrets
from crm.services.audit import By
from crm.services.listings import feed
from crm.services.system import imports
from crm.store.models import PropertyProfile

DEMO_LISTINGS = Path(__file__).parents[2] / "demo" / "listings.json"
SIZE = (960, 640)

Draw = ImageDraw.ImageDraw
Color = tuple[int, int, int]
SKY, LAWN, WALL, FLOOR, WOOD, GLASS, WHITE, INK = (
    (190, 220, 240),
    (140, 175, 110),
    (238, 230, 214),
    (196, 160, 118),
    (140, 100, 66),
    (205, 230, 240),
    (250, 250, 248),
    (60, 60, 66),
)


def draw(config: Config) -> dict[str, StoredPicture]:
    """The pictures that the feed names, taken in like any others. Blocks for a second or two."""
    return {name: pictures.keep(_png(how), config.pictures_folder) for name, how in _DRAWN.items()}


def is_wanted(session: Session) -> bool:
    """Whether no property has any published details or listings yet."""
    return not session.scalar(select(exists().where(PropertyProfile.property_id.is_not(None))))


def load(session: Session, config: Config, secrets: Secrets, by: By, drawn: dict[str, StoredPicture]) -> None:
    """Adds the demo office's listings, unless there are some already. Raises Wrong."""
    if not is_wanted(session):
        return
    told = json.loads(DEMO_LISTINGS.read_text(encoding="utf-8"))
    for property in told["properties"]:
        _complete(property["details"], drawn, by.now.date())
        for listing in property["listings"]:
            _complete(listing["home"], drawn, by.now.date())
    lists = feed.read_json(json.dumps(told).encode())
    imports.take_over(session, config, secrets, by, lists, list(drawn.values()))


def _complete(said: dict[str, Any], drawn: dict[str, StoredPicture], today: date) -> None:
    """Fills in what the file cannot contain: hashes of the pictures it names, and the dates homes become available,
    which it gives in days from now."""
    for picture in said.get("pictures", ()):
        picture["hash"] = drawn[picture.pop("drawn")].hash
    if "available_in_days" in said:
        said["available_on"] = (today + timedelta(days=said.pop("available_in_days"))).isoformat()


# --- what is drawn ---


def _png(how: Callable[[Draw], None]) -> bytes:
    picture = Image.new("RGB", SIZE, WHITE)
    how(ImageDraw.Draw(picture))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _house(draw: Draw, wall: Color, roof: Color, floors: int) -> None:
    draw.rectangle((0, 0, 960, 640), SKY)
    draw.ellipse((780, 50, 870, 140), (250, 225, 150))
    draw.rectangle((0, 520, 960, 640), LAWN)
    top = 520 - 120 * floors
    draw.rectangle((180, top, 780, 520), wall)
    draw.polygon([(150, top), (810, top), (700, top - 90), (260, top - 90)], roof)
    for floor in range(floors):
        for column in range(5):
            if floor == 0 and column == 2:
                continue
            left, high = 215 + 112 * column, 520 - 120 * floor - 95
            draw.rectangle((left, high, left + 70, high + 60), GLASS, WHITE, 5)
            draw.line((left + 35, high, left + 35, high + 60), WHITE, 4)
    draw.rectangle((445, 425, 515, 520), WOOD)
    draw.ellipse((500, 470, 508, 478), (230, 200, 90))
    draw.polygon([(440, 520), (520, 520), (600, 640), (360, 640)], (205, 200, 190))
    draw.rectangle((72, 420, 88, 520), WOOD)
    draw.ellipse((20, 300, 140, 440), (105, 150, 90))


def _room(draw: Draw) -> None:
    draw.rectangle((0, 0, 960, 440), WALL)
    draw.polygon([(0, 440), (960, 440), (960, 640), (0, 640)], FLOOR)
    for x in range(-960, 1920, 120):
        draw.line((480 + (x - 480) * 0.55, 440, x, 640), (176, 140, 100), 2)


def _living(draw: Draw) -> None:
    _room(draw)
    draw.rectangle((80, 80, 360, 330), SKY, WHITE, 12)
    draw.line((220, 80, 220, 330), WHITE, 8)
    draw.rounded_rectangle((470, 300, 880, 470), 30, (96, 125, 139))
    draw.rounded_rectangle((440, 360, 910, 520), 30, (120, 150, 165))
    draw.ellipse((300, 520, 620, 600), (222, 206, 180))
    draw.rectangle((600, 90, 760, 210), (215, 180, 160), WOOD, 8)


def _kitchen(draw: Draw) -> None:
    _room(draw)
    draw.rectangle((60, 60, 420, 190), WHITE, (205, 205, 205), 4)
    draw.rectangle((600, 60, 900, 190), WHITE, (205, 205, 205), 4)
    draw.rectangle((440, 60, 580, 190), SKY, WHITE, 8)
    draw.rectangle((60, 330, 900, 350), INK)
    draw.rectangle((60, 350, 900, 520), WHITE, (205, 205, 205), 4)
    for x in range(200, 900, 140):
        draw.line((x, 350, x, 520), (205, 205, 205), 4)
    draw.rectangle((620, 360, 760, 510), (185, 188, 192), INK, 3)
    for x in (645, 690, 735):
        draw.ellipse((x - 8, 370, x + 8, 386), INK)


def _bedroom(draw: Draw) -> None:
    _room(draw)
    draw.rectangle((620, 80, 860, 300), SKY, WHITE, 12)
    draw.rectangle((130, 250, 500, 400), WOOD)
    draw.rounded_rectangle((120, 360, 510, 560), 20, WHITE, (215, 215, 215), 4)
    draw.rounded_rectangle((120, 440, 510, 570), 20, (150, 175, 200))
    for left in (150, 330):
        draw.rounded_rectangle((left, 340, left + 150, 420), 20, WHITE, (205, 205, 205), 3)
    draw.rectangle((540, 430, 620, 540), WOOD)


_DRAWN: dict[str, Callable[[Draw], None]] = {
    "elm-front": lambda draw: _house(draw, (196, 132, 104), (120, 84, 70), 3),
    "lakeside-front": lambda draw: _house(draw, (222, 214, 190), (90, 104, 120), 1),
    "living-room": _living,
    "kitchen": _kitchen,
    "bedroom": _bedroom,
}
