"""Pictures are what their content says, are written anew without metadata, and neither fill memory nor go astray."""

from __future__ import annotations

import io
import stat
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from crm.edge import pictures
from crm.edge.pictures import PictureError, StoredPicture

pytestmark = pytest.mark.unit


def drawn(
    size: tuple[int, int] = (2000, 1500), color: Any = "tan", mode: str = "RGB", format: str = "JPEG", **how: Any
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, format, **how)
    return out.getvalue()


def read(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


def opened(folder: Path, taken: StoredPicture, width: int | None = None) -> Image.Image:
    return read(pictures.file_of(folder, taken.hash, width or taken.width))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_in_sizes_that_only_we_may_read(tmp_path: Path, format: str) -> None:
    taken = pictures.keep(drawn(format=format), tmp_path / "pictures")
    assert (taken.width, taken.height, taken.widths) == (1600, 1200, (480, 960, 1600))
    files = sorted(path for path in (tmp_path / "pictures").rglob("*") if path.is_file())
    assert [path.name for path in files] == [
        f"{taken.hash}-{size}" for size in ("1600.webp", "480.webp", "960.webp", "card.jpg")
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert [opened(tmp_path / "pictures", taken, width).size for width in taken.widths] == [
        (480, 360),
        (960, 720),
        (1600, 1200),
    ]
    card = read(pictures.card_of(tmp_path / "pictures", taken.hash))
    assert (card.format, card.size) == ("JPEG", (1200, 900))


def test_where_it_was_taken_and_by_which_camera_is_not_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera Maker"
    exif.get_ifd(0x8825)[2] = (30.0, 16.0, 2.0)
    sent = drawn(
        exif=exif.tobytes(),
        comment=b"secret note",
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    )
    assert b"Camera Maker" in sent
    taken = pictures.keep(sent, tmp_path)
    for path in tmp_path.rglob("*.*"):
        content = path.read_bytes()
        assert not any(mark in content for mark in (b"Camera", b"Exif", b"EXIF", b"XMP", b"secret", b"ICC"))
        assert not read(path).getexif()
    assert taken.widths == (480, 960, 1600)


def test_a_picture_that_lies_on_its_side_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    taken = pictures.keep(drawn((1200, 900), exif=exif.tobytes()), tmp_path)
    assert (taken.width, taken.height) == (900, 1200)


@pytest.mark.parametrize(
    ("mode", "color", "seen"),
    [
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("L", 128, (128, 128, 128)),
        ("P", 0, (0, 0, 0)),
        ("I;16", 32896, (128, 128, 128)),
        ("1", 1, (255, 255, 255)),
    ],
)
def test_every_kind_of_pixel_becomes_color(tmp_path: Path, mode: str, color: Any, seen: tuple[int, int, int]) -> None:
    taken = pictures.keep(drawn((600, 400), color, mode, "PNG"), tmp_path)
    pixel: Any = opened(tmp_path, taken).convert("RGB").getpixel((300, 200))
    assert all(abs(one - other) < 6 for one, other in zip(pixel, seen, strict=True)), pixel


def test_ink_colors_are_read(tmp_path: Path) -> None:
    taken = pictures.keep(drawn((600, 400), (0, 0, 0, 0), "CMYK"), tmp_path)
    pixel: Any = opened(tmp_path, taken).getpixel((5, 5))
    assert min(pixel) > 245


def test_a_profile_that_is_none_does_not_matter(tmp_path: Path) -> None:
    assert pictures.keep(drawn((600, 400), icc_profile=b"no profile"), tmp_path).width == 600


def test_the_same_picture_is_kept_once_and_stays_the_same_elsewhere(tmp_path: Path) -> None:
    first = pictures.keep(drawn(), tmp_path / "one")
    assert pictures.keep(drawn(), tmp_path / "one") == first
    assert len([path for path in (tmp_path / "one").rglob("*") if path.is_file()]) == 4
    largest = pictures.file_of(tmp_path / "one", first.hash, first.width)
    assert pictures.take_in(largest, tmp_path / "two") == first
    for size in ((300, 200), (700, 500)):
        small = pictures.keep(drawn(size), tmp_path / "one")
        assert pictures.take_in(pictures.file_of(tmp_path / "one", small.hash, size[0]), tmp_path / "two") == small


def test_what_follows_a_picture_of_ours_is_not_taken_along(tmp_path: Path) -> None:
    first = pictures.keep(drawn((600, 400)), tmp_path / "one")
    content = pictures.file_of(tmp_path / "one", first.hash, 600).read_bytes()
    other = pictures.keep(content + b"<script>hidden</script>", tmp_path / "two")
    assert other.hash != first.hash
    assert not any(b"script" in path.read_bytes() for path in (tmp_path / "two").rglob("*.*"))


def png(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and has hardly any content."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", "not a picture"),
        (b"GIF89a" + bytes(100), "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(2000), "not a picture"),
        (drawn()[:5000], "damaged"),
        (png(60_000, 60_000), "pixels"),
        (png(9000, 8000), "at most 60 million"),
        (png(20, 20), "only 20 x 20 pixels"),
        (bytes(pictures.LARGEST_FILE + 1), "larger than 30 MB"),
    ],
    ids=["empty", "gif", "svg", "no-jpeg", "half", "bomb", "large", "tiny", "heavy"],
)
def test_what_cannot_be_a_picture_is_refused_in_one_sentence(tmp_path: Path, sent: bytes, told: str) -> None:
    with pytest.raises(PictureError, match=told):
        pictures.keep(sent, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_says_nothing_about_a_file(tmp_path: Path) -> None:
    (tmp_path / "evil.php").write_bytes(drawn((600, 400), format="PNG"))
    taken = pictures.take_in(tmp_path / "evil.php", tmp_path / "pictures")
    assert not [path for path in (tmp_path / "pictures").rglob("*") if "evil" in path.name]
    assert opened(tmp_path / "pictures", taken).format == "WEBP"
    with pytest.raises(PictureError, match="cannot be read"):
        pictures.take_in(tmp_path, tmp_path / "pictures")
    for hash in ("../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n"):
        with pytest.raises(ValueError, match="hash"):
            pictures.file_of(tmp_path, hash, 480)
