"""The properties of RFC 3744 §5 and RFC 5397: who may do what, and who is asking."""

from __future__ import annotations

from typing import Final

from servers.dav import acl
from servers.dav.context import Reader
from servers.dav.names import DAV
from servers.dav.properties.table import ItemPart, ItemProperty, Listing, Part, Property
from servers.dav.resources import ALL_BUT_ITEMS, Kind, Resource, principal_path
from storage.types import Item

_COLLECTION: Final = frozenset({Kind.COLLECTION})
_OWNED: Final = frozenset({Kind.HOME, Kind.COLLECTION, Kind.OWNER})
_PRINCIPAL_COLLECTIONS: Final = "<D:href>/dav/principals/</D:href>"


def _me(reader: Reader, found: Resource) -> str:
    return f"<D:href>{reader.context.me}</D:href>"


def _owner(reader: Reader, found: Resource) -> str | None:
    return f"<D:href>{principal_path(found.principal)}</D:href>" if found.principal else None


def _acl(reader: Reader, found: Resource) -> str | None:
    return acl.acl(reader, found)


PROPERTIES: Final = (
    Property(f"{DAV}current-user-principal", ALL_BUT_ITEMS, _me),
    Property(f"{DAV}owner", _OWNED, _owner),
    Property(f"{DAV}group", _OWNED, lambda reader, found: "" if found.principal else None),
    Property(f"{DAV}current-user-privilege-set", ALL_BUT_ITEMS, acl.privilege_set),
    Property(f"{DAV}supported-privilege-set", ALL_BUT_ITEMS, acl.supported),
    Property(f"{DAV}acl", _COLLECTION, _acl),
    Property(f"{DAV}acl-restrictions", _COLLECTION, lambda *_: acl.RESTRICTIONS),
    Property(f"{DAV}inherited-acl-set", _COLLECTION, lambda *_: ""),
    Property(f"{DAV}principal-collection-set", ALL_BUT_ITEMS, lambda *_: _PRINCIPAL_COLLECTIONS),
)


def _privileges(listing: Listing) -> Part:
    collection = listing.collection
    if collection.owned:
        return acl.item_privilege_set(collection, collection.rights)
    return ItemPart(lambda item: acl.item_privilege_set(collection, item.rights))


def _item_acl(listing: Listing) -> Part:
    reader = listing.reader

    def get(item: Item) -> str | None:
        found = Resource(Kind.ITEM, "", item.name, listing.collection.space, listing.collection, item)
        return acl.acl(reader, found)

    return ItemPart(get)


ITEM_PROPERTIES: Final = (
    ItemProperty(
        f"{DAV}current-user-principal",
        lambda listing: f"<D:href>{listing.reader.context.me}</D:href>",
    ),
    ItemProperty(
        f"{DAV}owner",
        lambda listing: f"<D:href>{principal_path(listing.collection.space)}</D:href>",
    ),
    ItemProperty(f"{DAV}group", lambda _: ""),
    ItemProperty(f"{DAV}current-user-privilege-set", _privileges),
    ItemProperty(f"{DAV}supported-privilege-set", lambda _: acl.SUPPORTED),
    ItemProperty(f"{DAV}acl", _item_acl),
    ItemProperty(f"{DAV}acl-restrictions", lambda _: acl.RESTRICTIONS),
    ItemProperty(f"{DAV}inherited-acl-set", lambda _: ""),
    ItemProperty(f"{DAV}principal-collection-set", lambda _: _PRINCIPAL_COLLECTIONS),
)
