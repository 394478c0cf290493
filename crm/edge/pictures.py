"""Pictures on disk: JPEG, PNG and WebP files are decoded and written anew, small enough for phones and without
metadata.

A picture is identified by the SHA-256 of its largest file, which also names its files: `<hash>-<width>.webp` in up to
three widths, and `<hash>-card.jpg` for programs without WebP, such as link previews and mail programs. The original
file name is never used.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from crm.edge import folders

WIDTHS = (480, 960, 1600)
"""Pixels; a picture is stored in every width below its own, and in its own up to the largest."""
CARD_WIDTH = 1200
LARGEST_FILE = 30_000_000
"""Bytes."""
MOST_PIXELS = 60_000_000
LEAST_SIDE = 100
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 80


class PictureError(Exception):
    """The file cannot be used as a picture; the message says why and what to do."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture whose files exist."""

    hash: str
    width: int
    """Of the largest file, in pixels, as is `height`."""
    height: int
    widths: tuple[int, ...]
    """Pixels, smallest first."""


def file_of(folder: Path, hash: str, width: int) -> Path:
    return _shelf(folder, hash) / f"{hash}-{width}.webp"


def card_of(folder: Path, hash: str) -> Path:
    """The JPEG for link previews and mail programs."""
    return _shelf(folder, hash) / f"{hash}-card.jpg"


def take_in(path: Path, folder: Path) -> StoredPicture:
    """Writes a picture's files unless they exist. Blocks for up to a second or two. Raises PictureError."""
    try:
        with path.open("rb") as file:
            sent = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}): name another file.") from None
    return keep(sent, folder)


def keep(sent: bytes, folder: Path) -> StoredPicture:
    """Does the same from a picture's bytes."""
    if len(sent) > LARGEST_FILE:
        raise PictureError(f"The picture is larger than {LARGEST_FILE // 1_000_000} MB: save it smaller.")
    picture = _decoded(sent)
    width = min(picture.width, WIDTHS[-1])
    is_ours = _is_ours(sent) and picture.width == width
    largest = sent if is_ours else _encoded(_scaled(picture, width), "WEBP")
    name = hashlib.sha256(largest).hexdigest()
    shown = _decoded(largest)
    widths = (*(one for one in WIDTHS if one < width), width)
    try:
        _keep_file(file_of(folder, name, width), largest)
        for one in widths[:-1]:
            if not file_of(folder, name, one).exists():
                _keep_file(file_of(folder, name, one), _encoded(_scaled(shown, one), "WEBP"))
        if not card_of(folder, name).exists():
            _keep_file(card_of(folder, name), _encoded(_scaled(shown, min(width, CARD_WIDTH)), "JPEG"))
    except OSError as error:
        raise PictureError(f"The picture could not be stored ({error.strerror}): check the disk of {folder}.") from None
    return StoredPicture(name, shown.width, shown.height, widths)


def _decoded(sent: bytes) -> Image.Image:
    """Returns the pixels: upright, in sRGB, with transparent parts on white. The format is told by the content
    alone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Opening reads the header only, so the size is known before anything is decoded.
            with Image.open(io.BytesIO(sent), formats=FORMATS) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise PictureError(
                        f"The picture has {opened.width} x {opened.height} pixels, but at most "
                        f"{MOST_PIXELS // 1_000_000} million are accepted: save it smaller."
                    )
                if min(opened.size) < LEAST_SIDE:
                    raise PictureError(
                        f"The picture has only {opened.width} x {opened.height} pixels: use a larger one."
                    )
                # A JPEG is decoded at a fraction of its size if that is enough.
                opened.draft("RGB", (WIDTHS[-1] * 2, WIDTHS[-1] * 2))
                opened.load()
                return _plain(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError("The picture has far too many pixels: save it smaller.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise PictureError(
            "The file is not a picture that can be used, or is damaged: save it as JPEG, PNG or WebP."
        ) from error


def _plain(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        white.alpha_composite(picture)
        picture = white.convert("RGB")
    elif picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256).convert("L").convert("RGB")
    elif profile and picture.mode in ("RGB", "L", "CMYK"):
        # A phone's wide-gamut colors look dull if they are taken for sRGB. An invalid profile is ignored.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB" if picture.mode != "L" else "L"
            )
            picture = converted or picture
    picture = picture.convert("RGB")
    picture.info = {}
    return picture


def _scaled(picture: Image.Image, width: int) -> Image.Image:
    if picture.width == width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, format: str) -> bytes:
    out = io.BytesIO()
    # Only pixels are written: no EXIF, GPS, XMP, comments, profile or preview.
    plain = Image.new("RGB", picture.size)
    plain.paste(picture)
    if format == "WEBP":
        plain.save(out, "WEBP", quality=QUALITY, method=4)
    else:
        plain.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _is_ours(sent: bytes) -> bool:
    """Whether this is a WebP with one lossy picture and nothing else, as we write it: such a file has no metadata and
    keeps its hash if it comes from another home."""
    if not re.match(rb"RIFF....WEBPVP8 ", sent[:16], re.DOTALL):
        return False
    length = int.from_bytes(sent[16:20], "little")
    return int.from_bytes(sent[4:8], "little") + 8 == len(sent) and 20 + length + length % 2 == len(sent)


def _shelf(folder: Path, hash: str) -> Path:
    """Files are spread over 256 folders by the first two digits of their names."""
    if not re.fullmatch(r"[0-9a-f]{64}", hash):
        raise ValueError("this is not the hash of a picture")
    return folder / hash[:2]


def _keep_file(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folders.write(path, content)
