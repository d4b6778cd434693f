"""Feed and Entry: what a feed says, before it becomes RSS or Atom."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an entry: an episode of a podcast (DOC-50)."""

    url: str
    octets: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; times in seconds since the epoch."""

    id: str
    """An IRI that never changes and never names anything else (RFC 4287 §4.2.6)."""
    title: str
    updated: float
    published: float | None = None
    text: str = ""
    """Plain text; its lines are kept."""
    html: str = ""
    """Sanitised HTML in its place."""
    link: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    enclosure: Enclosure | None = None
    starts: str = ""
    """ISO 8601, of what happens (RSS event module)."""
    ends: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed, its entries in the order in which they are to be read."""

    id: str
    title: str
    subtitle: str
    url: str
    """Where this very feed is."""
    home: str
    """The page or collection that it is about."""
    author: str
    updated: float
    entries: tuple[Entry, ...]
    podcast: bool = False
    minutes: int = 30
    """How long a reader may wait before it asks again."""


def identity(secret: bytes, *parts: object) -> str:
    """The urn:uuid of one thing of this desk (RFC 4122 §4.3): it stays when host names and titles change.

    Under the desk's own secret it tells nothing of the thing's name (SYS-09).
    """
    return uuid.uuid5(uuid.UUID(bytes=secret[:16]), "/".join(map(str, parts))).urn
