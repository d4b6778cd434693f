"""Visit: one request to this process with whose eyes it reads; and the answers that every handler gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from urllib.parse import quote

from servers.feeds import atom, rss, words
from servers.feeds.feed import Feed, identity
from servers.feeds.settings import FeedsSettings
from servers.http import conditions
from servers.http.request import Request
from servers.http.response import Response
from storage.store import Store
from storage.types import Actor, Collection, Principal, SpaceKind, Tool


class _Whatever(Set[str]):
    """All validators there can be: `*` asks for nothing that is there at all (RFC 9110 §13.1.2)."""

    def __contains__(self, value: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that a handler is given."""

    request: Request
    store: Store
    settings: FeedsSettings
    actor: Actor
    secret: bytes
    """The desk's own, for identities that tell nothing."""
    public: bool = False
    """Nobody logged in, and nobody needs to."""
    language: str = "en"
    """The reader's, without its region (ACC-03)."""

    @property
    def url(self) -> str:
        """The address of what was asked for, as the reader knows it, a token included."""
        return self.origin + path(*self.request.segments)

    @property
    def origin(self) -> str:
        if self.public and self.settings.public_origin:
            return self.settings.public_origin
        return self.settings.origin or self.request.origin

    def identity(self, *parts: object) -> str:
        """What a thing is called in feeds, for ever."""
        return identity(self.secret, *parts)

    def say(self, text: str, *values: object) -> str:
        """Words of the desk, given in English, in the reader's language."""
        return words.say(self.language, text, *values)

    def dav_url(self, collection: Collection, *names: str) -> str:
        """Where a collection or one of its items is for DAV clients."""
        space = collection.space
        home = ("groups", space.name) if space.kind is SpaceKind.GROUP else (space.name, "private")
        end = "" if names else "/"
        within = collection.name.split("/")
        # Without a front each process has a port of its own (SPEC 0.3).
        others = {Tool.CONTACTS: self.settings.contacts_origin, Tool.FAVOURITES: self.settings.docs_origin}
        origin = others.get(collection.tool) or self.settings.dav_origin or self.origin
        return origin + path("dav", *home, *within, *names) + end

    def docs_url(self, space: Principal, below: str) -> str:
        """Where a document or folder is on the reader's own virtual disk, or on that of whose it is (DOC-01)."""
        top = (self.actor.login, space.name) if space.kind is SpaceKind.GROUP else (space.name, "private")
        return (self.settings.docs_origin or self.origin) + path("docs", *top, *_segments(below))

    def public_url(self, space: Principal, below: str) -> str:
        """Where everybody reads a public document or folder (DOC-38)."""
        top = ("groups", space.name) if space.kind is SpaceKind.GROUP else (space.name,)
        return (self.settings.public_origin or self.origin) + path("public", *top, *_segments(below))

    def feed(self, form: str, seen: object, build: Callable[[], Feed]) -> Response:
        """The feed as RSS or Atom, or 304 when the reader has it.

        `seen` tells all that the feed depends on; `build` is called only when it is needed.
        """
        etag = validator("feed", 1, form, self.url, self.language, seen)
        known = self.unchanged(etag)
        if known is not None:
            return known
        module = atom if form == "atom" else rss
        made = build()
        headers = [("Content-Type", module.MEDIA_TYPE), *self.fields(etag)]
        headers.append(("Last-Modified", conditions.format_date(made.updated)))
        return Response(200, headers, module.render(made))

    def unchanged(self, etag: str) -> Response | None:
        """The 304 for a reader that shows this weak validator.

        Last-Modified is told but never believed: what a reader may see changes with his rights and with
        the day, and no date says that.
        """
        if etag not in self.known:
            return None
        return Response(304, self.fields(etag))

    @property
    def known(self) -> Set[str]:
        """The validators that the reader shows (RFC 9110 §13.1.2: weak comparison)."""
        value = self.request.header("If-None-Match")
        if value is not None and value.strip() == "*":
            return _Whatever()
        return frozenset() if value is None else conditions.entity_tags(value, weak=True)

    def fields(self, etag: str) -> list[tuple[str, str]]:
        """What an answer and its 304 have in common (RFC 9110 §15.4.5)."""
        shared = "public" if self.public else "private"
        return [
            ("ETag", f'W/"{etag}"'),
            ("Cache-Control", f"{shared}, no-cache"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),  # a token in our address is nobody else's business
        ]


def _segments(below: str) -> list[str]:
    return [one for one in below.split("/") if one]


def validator(*parts: object) -> str:
    """An opaque tag of what an answer depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def path(*segments: str) -> str:
    """An absolute, encoded path."""
    return "/" + "/".join(quote(segment, safe="!$&'()*+,;=:@-._~") for segment in segments)
