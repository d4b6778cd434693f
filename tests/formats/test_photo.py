"""Pictures become small JPEGs, hostile ones are refused (CON-06)."""

from __future__ import annotations

import base64
import contextlib
import io
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage.errors import BadFormat
from storage.formats import photo


def picture(kind: str, size: tuple[int, int], mode: str = "RGB", noise: bool = False) -> bytes:
    image = Image.new("RGB", size, (200, 30, 30))
    if noise:
        image = Image.frombytes("RGB", size, random.Random(1).randbytes(size[0] * size[1] * 3))
    out = io.BytesIO()
    image.convert(mode).save(out, kind)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("JPEG", "L"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "I;16"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("TIFF", "RGB"),
        ("TIFF", "LA"),
        ("WEBP", "RGB"),
    ],
)
def test_every_format_becomes_a_jpeg_within_512(kind: str, mode: str) -> None:
    source = picture(kind, (900, 600), "L" if mode == "I;16" else mode)
    if mode == "I;16":
        out = io.BytesIO()
        Image.new("I;16", (900, 600), 40000).save(out, "PNG")
        source = out.getvalue()
    image = opened(photo.to_jpeg(source))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (512, 341))


def test_a_fitting_jpeg_keeps_its_octets() -> None:
    data = picture("JPEG", (512, 512))
    assert photo.to_jpeg(data) is data
    small = photo.to_jpeg(picture("PNG", (40, 30)))
    assert opened(small).size == (40, 30)  # never made larger


def test_a_picture_on_its_side_is_turned() -> None:
    image = Image.new("RGB", (100, 50))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    turned = opened(photo.to_jpeg(out.getvalue()))
    assert turned.size == (50, 100)
    assert not turned.getexif()


def test_transparency_lies_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    pixel = opened(photo.to_jpeg(out.getvalue())).getpixel((4, 4))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


def test_a_large_palette_keeps_its_transparency() -> None:
    out = io.BytesIO()
    Image.new("P", (3000, 10)).save(out, "PNG", transparency=0)
    image = opened(photo.to_jpeg(out.getvalue()))
    assert image.size == (512, 2)
    pixel = image.getpixel((9, 1))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


def test_a_raw_file_gives_its_largest_preview() -> None:
    raw = (
        b"RAWFILE\0" * 9 + picture("JPEG", (160, 120)) + b"\0" * 50 + picture("JPEG", (700, 700)) + b"\xff\xd8\xff\xe0"
    )
    assert opened(photo.to_jpeg(raw)).size == (512, 512)
    tiff = picture("TIFF", (64, 48)) + picture("JPEG", (600, 300))  # as NEF and CR2: a thumbnail first
    assert opened(photo.to_jpeg(tiff)).size == (512, 256)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9999))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10_000, 5_001), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(photo.TooManyPixels):
        photo.to_jpeg(bomb(*size))


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", picture("JPEG", (900, 900))[:700], bomb(900, 900)]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(BadFormat):
        photo.to_jpeg(data)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"]), st.data())
def test_damaged_pictures_only_ever_give_bad_format(kind: str, data: st.DataObject) -> None:
    octets = bytearray(picture(kind, (30, 20)))
    for _ in range(data.draw(st.integers(1, 8))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadFormat):
        assert opened(photo.to_jpeg(bytes(octets))).format == "JPEG"


def test_the_eas_copy_has_at_most_48_kb_of_base64() -> None:
    jpeg = photo.to_jpeg(picture("PNG", (800, 800), noise=True))
    text = photo.eas_picture(jpeg)
    assert len(text) <= 48 * 1024
    assert opened(base64.b64decode(text)).format == "JPEG"
    small = picture("JPEG", (20, 20))
    assert base64.b64decode(photo.eas_picture(small)) == small
