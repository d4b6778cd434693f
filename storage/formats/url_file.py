"""The `.url` file of one bookmark: `[InternetShortcut]` and its address, as file managers write it (FAV-01)."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from storage.errors import BadFormat
from storage.formats.bookmarks import TITLE_CHARACTERS, complete, plain

EXTENSION: Final = ".url"
MEDIA_TYPE: Final = "application/internet-shortcut"
MOST_OCTETS: Final = 64 * 1024

_SECTION: Final = re.compile(r"\s*\[([^\]]*)\]\s*\Z")
_KEY: Final = re.compile(r"\s*([A-Za-z]+)\s*=(.*)", re.DOTALL)
_UNWANTED: Final = re.compile(r'[\\/:*?"<>|]')
_NAME_OCTETS: Final = 200
"""Leaves room for ` (2)` and the extension."""


@dataclass(frozen=True, slots=True)
class UrlFile:
    """What such a file says; `title` is what a file name could not hold, or ""."""

    address: str
    title: str = ""


def read(data: bytes) -> UrlFile:
    """The address as it stands in the file.

    Raises:
        BadFormat: it is too large, or names no address.
    """
    address, title, section = "", "", ""
    for line in _lines(data):
        if found := _SECTION.match(line):
            section = found[1].strip().lower()
        elif found := _KEY.match(line):
            if section == "internetshortcut" and found[1].lower() == "url":
                address = address or found[2].strip()
            elif section == "bookmark" and found[1].lower() == "title":
                title = plain(found[2], TITLE_CHARACTERS)
    if not address:
        raise BadFormat("a .url file has the section [InternetShortcut] with URL=")
    return UrlFile(address, title)


def write(address: str, title: str = "") -> bytes:
    """The file of an address that `complete` has passed."""
    text = f"[InternetShortcut]\r\nURL={address}\r\n"
    return (text + (f"[Bookmark]\r\nTitle={title}\r\n" if title else "")).encode()


def clean(data: bytes, scheme: str = "https") -> bytes:
    """The file with its address completed (FAV-02); the very octets where that changes nothing.

    Raises:
        BadFormat: as in `read`, or the address is refused.
    """
    address = complete(read(data).address, scheme)
    before, after, section, done = _lines(data), list[str](), "", False
    for line in before:
        if found := _SECTION.match(line):
            section = found[1].strip().lower()
        elif section == "internetshortcut" and (found := _KEY.match(line)) and found[1].lower() == "url":
            if done or not found[2].strip():
                continue  # a second address, which nobody looked at
            done = True
            line = line if found[2].strip() == address else f"URL={address}"
        after.append(line)
    return data if after == before else "\r\n".join(after).rstrip().encode() + b"\r\n"


def file_name(title: str) -> str:
    """A file name for a title, without what Windows forbids; "" gives "Bookmark"."""
    name = unicodedata.normalize("NFC", _UNWANTED.sub("-", plain(title, TITLE_CHARACTERS))).strip(". ")
    while len(name.encode()) > _NAME_OCTETS:
        name = name[:-1]
    return (name.strip(". ") or "Bookmark") + EXTENSION


def folder_name(title: str) -> str:
    """The same for a folder."""
    return file_name(title).removesuffix(EXTENSION) if title else "Folder"


def title_of(name: str, title: str) -> str:
    """What a bookmark is called: its own title, unless the file was renamed since."""
    stem = name[: -len(EXTENSION)] if name.lower().endswith(EXTENSION) else name
    made = file_name(title).removesuffix(EXTENSION)
    return title if title and re.fullmatch(re.escape(made) + r"(?: \(\d+\))?", stem) else stem


def _lines(data: bytes) -> list[str]:
    if len(data) > MOST_OCTETS:
        raise BadFormat(f"a .url file has at most {MOST_OCTETS} octets")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").splitlines()
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace").splitlines()
