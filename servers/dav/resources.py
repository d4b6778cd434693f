"""From a URL to what it names: the map of SPEC 0.3 in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from servers.dav import escape
from servers.http import request as requests
from servers.http.errors import BadRequest
from storage import collections as tree
from storage import items
from storage import principals as people
from storage.errors import NotFound
from storage.store import Transaction
from storage.types import Collection, Item, Principal, SpaceKind

if TYPE_CHECKING:
    from servers.dav.context import Context


class Kind(Enum):
    """What sort of resource a URL names."""

    ROOT = "root"
    """`/`, `/dav/`, `/principals/`: where clients begin (SYS-14)."""
    PRINCIPALS = "principals"
    """`/dav/principals/` and its `accounts/` and `groups/`."""
    PRINCIPAL = "principal"
    PROXY = "proxy"
    """`calendar-proxy-read/` and `-write/` below a principal (CALSYNC-11)."""
    OWNER = "owner"
    """`/dav/<login>/` and `/dav/groups/`: only ways to homes."""
    HOME = "home"
    COLLECTION = "collection"
    ITEM = "item"
    MEMBER = "member"
    """Of an address only: in a tree of folders the store alone knows a COLLECTION from an ITEM."""

    @property
    def possible(self) -> frozenset[Kind]:
        """The kinds of resource that an address of this kind may turn out to name."""
        return _OF_MEMBERS if self is Kind.MEMBER else frozenset({self})


_OF_MEMBERS: Final = frozenset({Kind.COLLECTION, Kind.ITEM})
PROXIES: Final = {"calendar-proxy-read": False, "calendar-proxy-write": True}
ALIAS: Final = "group-"
OVERLAY: Final = "overlay-"
"""What the names of groups' collections in a member's own home begin with."""

PLACES: Final = frozenset({Kind.ROOT, Kind.PRINCIPALS, Kind.OWNER})
PRINCIPALS: Final = frozenset({Kind.PRINCIPAL, Kind.PROXY})
EVERY: Final = frozenset(Kind) - {Kind.MEMBER}
ALL_BUT_ITEMS: Final = EVERY - {Kind.ITEM}


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL; nothing is known yet of whether it names anything."""

    kind: Kind
    segments: tuple[str, ...]
    space_kind: SpaceKind = SpaceKind.PRIVATE
    space: str = ""
    collection: str = ""
    item: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """What an address turned out to name, as the actor may see it."""

    kind: Kind
    href: str
    """Percent-encoded path; ends with a slash for all but items."""
    name: str
    principal: Principal | None = None
    """The principal itself, or whose home, collection or item it is."""
    collection: Collection | None = None
    item: Item | None = None
    proxy: str = ""

    @property
    def owned_collection(self) -> Collection:
        """The collection of a COLLECTION or ITEM.

        Raises:
            NotFound: this is neither.
        """
        if self.collection is None:
            raise NotFound(self.name)
        return self.collection


def parse(segments: tuple[str, ...]) -> Address | None:
    """The address of decoded path segments; None where the map has nothing (404)."""
    if segments in ((), ("dav",), ("principals",)):
        return Address(Kind.ROOT, segments)
    if segments[0] != "dav" or len(segments) > 5:
        return None
    rest = segments[1:]
    if rest[0] == "principals":
        return _principal(segments, rest[1:])
    if rest[0] == "groups":
        kind, names = SpaceKind.GROUP, rest[1:]
        if not names:
            return Address(Kind.OWNER, segments, kind)
        space, below = names[0], names[1:]
    else:
        kind, space = SpaceKind.PRIVATE, rest[0].lower()
        if len(rest) == 1:
            return Address(Kind.OWNER, segments, kind, space)
        if rest[1] != "private":
            return None
        below = rest[2:]
    if len(below) > 2:
        return None
    found = (Kind.HOME, Kind.COLLECTION, Kind.ITEM)[len(below)]
    return Address(found, segments, kind, space, *below)


def _principal(segments: tuple[str, ...], rest: tuple[str, ...]) -> Address | None:
    if not rest:
        return Address(Kind.PRINCIPALS, segments)
    kinds = {"accounts": SpaceKind.PRIVATE, "groups": SpaceKind.GROUP}
    kind = kinds.get(rest[0])
    if kind is None or len(rest) > 3:
        return None
    if len(rest) == 1:
        return Address(Kind.PRINCIPALS, segments, kind)
    name = rest[1].lower() if kind is SpaceKind.PRIVATE else rest[1]
    if len(rest) == 2:
        return Address(Kind.PRINCIPAL, segments, kind, name)
    if rest[2] not in PROXIES:
        return None
    return Address(Kind.PROXY, segments, kind, name, proxy=rest[2])


def resolve(tx: Transaction, address: Address, *, body: bool = False) -> Resource:
    """What the address names; `body` loads an item's body too.

    Raises:
        NotFound: nothing is there, or the actor may not know of it (SYS-09).
    """
    kind = address.kind
    if kind is Kind.ITEM:
        holder = collection(tx, address)
        item = items.get(tx, holder, address.item, body=body)
        href = escape.path(*address.segments)
        return Resource(kind, href, item.name, holder.space, holder, item)
    if kind is Kind.COLLECTION:
        found = collection(tx, address)
        return Resource(kind, _directory(address), address.collection, found.space, found)
    if kind is Kind.HOME:
        principal = people.find(tx, address.space_kind, address.space)
        return Resource(kind, home_path(principal), address.space, principal)
    if kind in PRINCIPALS:
        principal = people.find(tx, address.space_kind, address.space)
        href = principal_path(principal)
        if kind is Kind.PROXY:
            return Resource(kind, f"{href}{address.proxy}/", address.proxy, principal, proxy=address.proxy)
        return Resource(kind, href, principal.name, principal)
    if kind is Kind.OWNER and address.space:
        principal = people.find(tx, address.space_kind, address.space)
        return Resource(kind, _directory(address), address.space, principal)
    name = address.segments[-1] if address.segments else ""
    return Resource(kind, _directory(address), name)


def collection(tx: Transaction, address: Address) -> Collection:
    """The collection of a COLLECTION or ITEM address, also under its alias in one's own home.

    Raises:
        NotFound: as in `resolve`.
    """
    try:
        return tree.find(tx, address.space_kind, address.space, address.collection)
    except NotFound:
        aliased = _aliased(tx, address)
        if aliased is None:
            raise
        return aliased


def alias_name(found: Collection) -> str:
    """What a group's or another's collection is called in one's own home (CALSYNC-05, CAL-25)."""
    return f"{ALIAS if found.space.kind is SpaceKind.GROUP else OVERLAY}{found.space.name}-{found.name}"


def _aliased(tx: Transaction, address: Address) -> Collection | None:
    """The group's or the other's collection behind an alias; owner and name are separated by one of the hyphens."""
    own = address.space_kind is SpaceKind.PRIVATE and address.space == tx.actor.login
    kind, prefix = SpaceKind.GROUP, ALIAS
    if address.collection.startswith(OVERLAY):
        kind, prefix = SpaceKind.PRIVATE, OVERLAY
    if not own or not address.collection.startswith(prefix):
        return None
    parts = address.collection.removeprefix(prefix).split("-")
    for cut in range(1, len(parts)):
        space, name = "-".join(parts[:cut]), "-".join(parts[cut:])
        try:
            return tree.find(tx, kind, space, name)
        except NotFound:
            continue
    return None


def _directory(address: Address) -> str:
    return escape.path(*address.segments, directory=True)


def principal_path(principal: Principal) -> str:
    """`/dav/principals/accounts/<login>/` or `/dav/principals/groups/<GROUP>/`."""
    family = "groups" if principal.kind is SpaceKind.GROUP else "accounts"
    return f"/dav/principals/{family}/{escape.segment(principal.name)}/"


def home_path(principal: Principal) -> str:
    """`/dav/<login>/private/` or `/dav/groups/<GROUP>/`."""
    name = escape.segment(principal.name)
    return f"/dav/groups/{name}/" if principal.kind is SpaceKind.GROUP else f"/dav/{name}/private/"


def collection_path(found: Collection) -> str:
    """The collection's own path, ending with a slash."""
    return f"{home_path(found.space)}{escape.segment(found.name)}/"


def in_home(found: Collection, home: str, name: str) -> Resource:
    """A collection as a member of the home at this path, where it may be called by an alias."""
    return Resource(Kind.COLLECTION, f"{home}{escape.segment(name)}/", name, found.space, found)


def of_href(context: Context, href: str) -> Address | None:
    """The address of an href or Destination of a client: a path, or a URL of our own origin.

    None if the map has nothing there, or it names another server.

    Raises:
        BadRequest: it cannot be read.
    """
    own = context.request.origin + "/"
    if href.startswith(own) and href.isprintable() and "?" not in href and "#" not in href:
        path = href[len(own) - 1 :]  # nearly every Destination: what a parser would say of it as well
    else:
        try:
            parts = urlsplit(href)
        except ValueError:
            raise BadRequest("the URL cannot be read") from None
        if (parts.scheme or parts.netloc) and not context.is_own_origin(parts.scheme, parts.netloc):
            return None
        path = parts.path
    if not path.startswith("/"):
        raise BadRequest("a URL must be absolute, or an absolute path")
    segments, _ = requests.segments_of(path)
    return context.tables.urls.parse(segments)
