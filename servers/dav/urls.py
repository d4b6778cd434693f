"""UrlMap: how one protocol's URLs are read and written; the kernel's own map is that of `/dav/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from typing import Protocol as Shape

from servers.dav import escape, locks, resources
from servers.dav.resources import Address, Resource
from storage.store import Transaction
from storage.types import Principal


class Resolver(Shape):
    """What an address names, as the actor may see it; `body` loads an item's body too. Raises NotFound."""

    def __call__(self, tx: Transaction, address: Address, *, body: bool = False) -> Resource: ...


@dataclass(frozen=True, slots=True)
class UrlMap:
    """The four questions that the kernel asks about URLs (docs/decisions/0110)."""

    parse: Callable[[tuple[str, ...]], Address | None]
    """The address of decoded segments, or None where the map has nothing."""
    resolve: Resolver
    place: Callable[[Transaction, Address], tuple[Principal, str]]
    """The space and the lock library's path of an address, mapped or not. Raises NotFound."""
    href: Callable[[str, str], str]
    """The URL path, percent-encoded, of a path as locks and refusals name it (`alice/private/docs/a.txt`);
    second: the login of who asks. No slash is added at its end."""


def _href(path: str, login: str) -> str:
    return escape.path("dav", *[name for name in path.split("/") if name])


KERNEL: Final = UrlMap(resources.parse, resources.resolve, locks.place, _href)
