"""Locks as they are shown: DAV:activelock, DAV:lockdiscovery, DAV:supportedlock (RFC 4918 §14, §15)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from servers.dav.context import Context, Reader
from servers.dav.resources import Address, Kind, Resource, collection
from storage import collections as tree
from storage import locks
from storage import principals as people
from storage.errors import NotFound
from storage.locks import Lock
from storage.store import Transaction
from storage.types import Collection, Principal

SUPPORTED: Final = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


def path_below(collection: Collection, name: str = "") -> str:
    """The lock library's path of a collection or item: below its space."""
    return f"{collection.name}/{name}" if name else collection.name


def root_href(context: Context, lock: Lock) -> str:
    """The URL path of a lock's root."""
    href = context.tables.urls.href(lock.path, context.actor.login)
    return href + "/" if lock.of_collection else href


def active(context: Context, lock: Lock) -> str:
    """One DAV:activelock; the token is shown to its creator only (RFC 4918 §6.8 allows to hide it)."""
    token = f"<D:locktoken><D:href>{lock.token}</D:href></D:locktoken>" if lock.owner == context.actor.login else ""
    scope = "exclusive" if lock.exclusive else "shared"
    depth = "infinity" if lock.infinite else "0"
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{depth}</D:depth>{lock.owner_xml}<D:timeout>Second-{lock.timeout_s}</D:timeout>{token}"
        f"<D:lockroot><D:href>{root_href(context, lock)}</D:href></D:lockroot></D:activelock>"
    )


def discovery(context: Context, found: Iterable[Lock]) -> str:
    """The content of DAV:lockdiscovery."""
    return "".join([active(context, lock) for lock in found])


def covering(reader: Reader, resource: Resource) -> list[Lock]:
    """The locks that hold for a home, collection or item."""
    if resource.principal is None:
        return []
    if resource.kind is Kind.HOME:
        return locks.covering(reader.tx, resource.principal, "")
    if resource.collection is None:
        return []
    name = resource.item.name if resource.item is not None else ""
    return locks.covering(reader.tx, resource.collection.space, path_below(resource.collection, name))


def of_members(reader: Reader, collection: Collection) -> tuple[Sequence[Lock], dict[str, list[Lock]]]:
    """Locks that cover every member of a collection, and those of single members by their names."""
    below = path_below(collection)
    everywhere = [lock for lock in locks.covering(reader.tx, collection.space, below) if lock.infinite]
    single: dict[str, list[Lock]] = {}
    for lock in locks.below(reader.tx, collection.space, below):
        folder, _, name = lock.path.rpartition("/")
        if folder == tree.path(collection):  # not of what lies deeper
            single.setdefault(name, []).append(lock)
    return everywhere, single


def in_space(tx: Transaction, space: Principal) -> list[Lock]:
    """All locks of a space, for an answer about many of its collections."""
    return locks.below(tx, space, "")


def holds_for(lock: Lock, collection: Collection) -> bool:
    """Whether a lock covers a collection: its own, or one of depth infinity above it."""
    path = tree.path(collection)
    return lock.path == path or (lock.infinite and path.startswith(lock.path + "/"))


def place(tx: Transaction, address: Address) -> tuple[Principal, str]:
    """The space and the lock library's path of what an address names, mapped or not; aliases resolved.

    Raises:
        NotFound: the actor may not know of the space.
    """
    if address.collection:
        try:
            found = collection(tx, address)
        except NotFound:
            pass  # it may be gone, and its lock with it
        else:
            return found.space, path_below(found, address.item)
    path = "/".join(part for part in (address.collection, address.item) if part)
    return people.find(tx, address.space_kind, address.space), path
