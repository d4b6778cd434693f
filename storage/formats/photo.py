"""A contact's picture: whatever came becomes a JPEG of at most 512×512 pixels (CON-06).

Pictures are hostile input: the format is chosen among a few decoders without outside programs, the pixel
count is known before anything is decoded, and a link to a picture is never fetched.
"""

from __future__ import annotations

import base64
import io
import re
import threading
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from storage.errors import BadFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

SIDE: Final = 512
"""Longest side of a stored picture, pixels."""
MAXIMUM_PIXELS: Final = 50_000_000
MAXIMUM_OCTETS: Final = 64 * 1024 * 1024
EAS_CHARACTERS: Final = 48 * 1024
"""Longest base64 text of the copy for ActiveSync (MS-ASCNTC §2.2.2.56)."""

# No EPS, WMF or PDF among them: those decoders start other programs.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000")
_JPEG_START: Final = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")
_PREVIEWS: Final = 32
"""How many embedded pictures of a camera's raw file are looked at."""
_TRIES: Final = 3
"""How many of them are decoded, largest first."""
_ONE: Final = threading.Lock()
"""One picture at a time in a process: 50 megapixels are 200 MB while they are decoded."""


class TooManyPixels(BadFormat):
    """More than `MAXIMUM_PIXELS`: refused even where a broken picture would be kept as it is."""


def to_jpeg(data: bytes) -> bytes:
    """Give `data` as an upright JPEG within `SIDE`×`SIDE`; the same octets if it already is one.

    Reads JPEG, PNG, GIF (first frame), BMP, TIFF, WebP, and of a camera's raw file the largest preview in it.

    Raises:
        BadFormat: no picture we can read.
        TooManyPixels: more than 50 megapixels, or more than 64 MiB.
    """
    if len(data) > MAXIMUM_OCTETS:
        raise TooManyPixels(f"picture of more than {MAXIMUM_OCTETS} octets")
    with _decoding():
        image, exact = _open(data)
        if exact and image.format == "JPEG" and _fits(image) and image.mode in ("RGB", "L"):
            image.load()
            return data
        return _encode(_reduced(image, SIDE), 85)


def eas_picture(jpeg: bytes) -> str:
    """Base64 of `jpeg`, made smaller until it has at most 48 KB of characters (CON-06).

    Raises:
        BadFormat: `jpeg` is over that size and cannot be read.
    """
    side, quality = 384, 80
    while len(jpeg) * 4 // 3 + 4 > EAS_CHARACTERS:
        with _decoding():
            jpeg = _encode(_reduced(_open(jpeg)[0], side), quality)
        side, quality = side * 3 // 4, max(quality - 10, 50)
    return base64.b64encode(jpeg).decode("ascii")


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn whatever a decoder raises over hostile octets into a refusal."""
    import struct
    import zlib

    from PIL import Image

    try:
        with _ONE:
            yield
    except BadFormat:
        raise
    except Image.DecompressionBombError:
        raise TooManyPixels(f"picture of more than {MAXIMUM_PIXELS} pixels") from None
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        SyntaxError,
        EOFError,
        OverflowError,
        ZeroDivisionError,
        NotImplementedError,
        struct.error,
        zlib.error,
    ):
        raise BadFormat("a picture that cannot be read") from None


def _open(data: bytes) -> tuple[Image.Image, bool]:
    """The picture, headers read only; False if it is a preview inside another file."""
    # A plugin is known to Image.open once it is imported; the rarer ones are not by themselves.
    from PIL import Image, Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin

    _ = (Jpeg2KImagePlugin, TiffImagePlugin, WebPImagePlugin)
    Image.preinit()
    whole: Image.Image | None = None
    try:
        whole = _checked(Image.open(io.BytesIO(data), formats=_FORMATS))
    except (OSError, SyntaxError, ValueError):
        if data[:3] == b"\xff\xd8\xff":
            raise
    if whole is not None and whole.format != "TIFF":
        return whole, True
    # CR2, NEF, ARW and DNG are TIFF files whose first picture is a thumbnail; CR3 and RAF are not.
    previews: list[Image.Image] = []
    for found in islice(_JPEG_START.finditer(data, 1), _PREVIEWS):
        with suppress(OSError, SyntaxError, ValueError):
            preview = Image.open(io.BytesIO(data[found.start() :]), formats=("JPEG",))
            if _pixels(preview) <= MAXIMUM_PIXELS:
                previews.append(preview)
    for larger in sorted(previews, key=_pixels, reverse=True)[:_TRIES]:
        if whole is not None and _pixels(whole) >= _pixels(larger):
            break
        with suppress(OSError, SyntaxError, ValueError):
            larger.load()
            return larger, False
    if whole is None:
        raise BadFormat("a picture that cannot be read")
    return whole, True


def _checked(image: Image.Image) -> Image.Image:
    if _pixels(image) > MAXIMUM_PIXELS:
        raise TooManyPixels(f"picture of more than {MAXIMUM_PIXELS} pixels")
    return image


def _pixels(image: Image.Image) -> int:
    return image.width * image.height


def _fits(image: Image.Image) -> bool:
    """It needs no work: small enough and not lying on its side (EXIF orientation)."""
    return image.width <= SIDE and image.height <= SIDE and image.getexif().get(0x0112, 1) == 1


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Upright, flat on white, RGB, within `side`×`side`."""
    from PIL import Image, ImageOps

    image.draft("RGB", (side * 2, side * 2))  # a JPEG is decoded at a fraction of its size
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        longest = max(image.size)
        if longest > 4 * side:  # colours of a palette cannot be averaged; spare the memory of all of them
            smaller = (max(1, image.width * 4 * side // longest), max(1, image.height * 4 * side // longest))
            image = image.resize(smaller, Image.Resampling.NEAREST)
        image = image.convert("RGBA")
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA"):
        flat = Image.new("RGB", image.size, "white")
        flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
        return flat
    return image.convert("RGB")


def _encode(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
