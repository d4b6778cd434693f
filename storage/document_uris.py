"""Which documents a contact's card names by their addresses on the disk (CON-22)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from storage.types import SpaceKind

MARK: Final = b"/docs/"
"""A card without it names no document."""

_FOLD: Final = re.compile(rb"\r?\n[ \t]")
# vCard 4 says RELATED;VALUE=uri (RFC 6350 §6.6.6), of which uri is the default; vCard 3 has our own property.
_LINE: Final = re.compile(
    rb"^(?:[A-Z0-9-]+\.)?(?:RELATED|X-ESCRITOIRE-DOCUMENT)(?:;(?:\"[^\"]*\"|[^\":\r\n])*)?:(\S+)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_MOST: Final = 100


def of_card(body: bytes) -> list[tuple[SpaceKind, str, str]]:
    """Space and path below its documents of each document that a card names, in their order."""
    if MARK not in _FOLD.sub(b"", body):
        return []
    found: list[tuple[SpaceKind, str, str]] = []
    for match in _LINE.finditer(_FOLD.sub(b"", body)):
        place = _place(match[1].decode("utf-8", "replace"))
        if place is not None and place not in found and len(found) < _MOST:
            found.append(place)
    return found


def _place(uri: str) -> tuple[SpaceKind, str, str] | None:
    """`…/docs/alice/private/cv.pdf`, `…/docs/alice/IAB/cv.pdf`; whose host it is does not matter."""
    try:
        path = urlsplit(uri).path
    except ValueError:
        return None
    _, found, rest = path.partition("/docs/")
    login, _, below = rest.partition("/")
    space, _, name = below.partition("/")
    if not found or not login or not name:
        return None
    if space == SpaceKind.PRIVATE.value:
        return SpaceKind.PRIVATE, unquote(login).lower(), unquote(name)
    return SpaceKind.GROUP, unquote(space), unquote(name)
