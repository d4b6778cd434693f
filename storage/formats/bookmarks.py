"""Bookmarks as values, and the addresses that one may hold (FAV-01, FAV-02); the files are in the modules beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from storage.errors import BadFormat

MOST_OCTETS: Final = 20 * 1024 * 1024
"""Of one bookmark file: browsers put pictures into it, 100,000 entries still fit."""
MOST_ENTRIES: Final = 50_000
MOST_LEVELS: Final = 100
"""Folders in folders; what lies deeper goes into the deepest one."""
TITLE_CHARACTERS: Final = 1_000
DESCRIPTION_CHARACTERS: Final = 10_000
ADDRESS_OCTETS: Final = 8_192

_HOSTED: Final = (
    "http",
    "https",
    "ftp",
    "ftps",
    "sftp",
    "ssh",
    "webcal",
    "webcals",
    "dav",
    "davs",
    "smb",
    "nfs",
    "rtsp",
)
_PLAIN: Final = ("mailto", "tel", "sms", "sip", "sips", "xmpp", "irc", "ircs", "news", "nntp", "gopher", "gemini")
_OTHERS: Final = ("caldav", "carddav", "feed", "geo", "magnet", "matrix", "imap", "imaps", "ldap", "ldaps")
SCHEMES: Final = frozenset((*_HOSTED, *_PLAIN, *_OTHERS))
"""Whatever runs or shows something of the desk's own origin is none of them (FAV-02)."""
_WITH_HOST: Final = frozenset(_HOSTED)

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_PORT: Final = re.compile(r"\d{1,5}(?:[/?#]|\Z)")
# Browsers drop these wherever they stand: `java\tscript:` runs.
_DROPPED: Final = str.maketrans(dict.fromkeys("\t\r\n\f\v\0"))
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
"""What has no place in a title; among it all that XML cannot hold (XML 1.0 §2.2)."""
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One bookmark."""

    title: str
    address: str
    description: str = ""
    added: float = 0.0
    """Seconds since the epoch; 0 = not known."""


@dataclass(slots=True)
class Folder:
    """Bookmarks and folders in their order."""

    title: str = ""
    description: str = ""
    added: float = 0.0
    children: list[Bookmark | Folder] = field(default_factory=list)

    def bookmarks(self) -> Iterator[tuple[tuple[str, ...], Bookmark]]:
        """All bookmarks, each with the titles of the folders that lead to it."""
        waiting: list[tuple[tuple[str, ...], Bookmark | Folder]] = [((), one) for one in reversed(self.children)]
        while waiting:
            path, one = waiting.pop()
            if isinstance(one, Bookmark):
                yield path, one
            else:
                waiting += [((*path, one.title), child) for child in reversed(one.children)]

    def folders(self) -> Iterator[tuple[tuple[str, ...], Folder]]:
        """All folders below, empty ones too, each after those that lead to it."""
        waiting: list[tuple[tuple[str, ...], Folder]] = [
            ((one.title,), one) for one in reversed(self.children) if isinstance(one, Folder)
        ]
        while waiting:
            path, one = waiting.pop()
            yield path, one
            waiting += [((*path, sub.title), sub) for sub in reversed(one.children) if isinstance(sub, Folder)]


def complete(text: str, scheme: str = "https") -> str:
    """The address as it is stored: `www.site.com` gets `scheme` (FAV-02).

    Raises:
        BadFormat: it is empty, too long, has no host, or a scheme that is not among `SCHEMES`.
    """
    address = _SPACES.sub("%20", text.translate(_DROPPED).strip("".join(map(chr, range(0x21)))))
    if not address or _CONTROLS.search(address):
        raise BadFormat("this is no address")
    found = _SCHEME.match(address)
    if found and (found[1].lower() in SCHEMES or not _is_host_and_port(found)):
        named = found[1].lower()
        if named not in SCHEMES:
            raise BadFormat(f"addresses with {named[:40]}: are not stored")
        address = f"{named}:{found[2]}"
    else:
        address = f"{scheme}://{address.lstrip('/')}"
    if len(address.encode()) > ADDRESS_OCTETS:
        raise BadFormat(f"an address has at most {ADDRESS_OCTETS} octets")
    _demand_host(address)
    return address


def plain(text: str, most: int) -> str:
    """One line of printable text, at most `most` characters."""
    return _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()[:most].rstrip()


def prose(text: str, most: int = DESCRIPTION_CHARACTERS) -> str:
    """The same with its lines kept."""
    lines = (plain(line, most) for line in text.strip().splitlines())
    return "\n".join(lines).strip()[:most].rstrip()


def _is_host_and_port(found: re.Match[str]) -> bool:
    """`www.site.com:8080/x` or `localhost:80`, not a scheme."""
    return ("." in found[1] or found[1].lower() == "localhost") and _PORT.match(found[2]) is not None


def _demand_host(address: str) -> None:
    named, _, rest = address.partition(":")
    try:
        parts = urlsplit(address)
        present = bool(parts.hostname) if named in _WITH_HOST else bool(rest.strip("/"))
        parts.port  # noqa: B018  # raises for what is no port
    except ValueError:
        present = False
    if not present:
        raise BadFormat("this is no address")
