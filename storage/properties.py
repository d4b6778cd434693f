"""Dead properties: what clients attach to things and the suite does not understand (RFC 4918 §4).

They belong to the thing, not to a viewer: whoever sees its details reads them, whoever may edit the
item, or administers the collection, writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import acl, items, locks, viewing
from storage import collections as tree
from storage.errors import LimitReached
from storage.schema import dead_properties
from storage.schema import items as item_rows
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Collection, CollectionId, Right, View

PROPERTIES_PER_RESOURCE: Final = 100
PROPERTY_OCTETS: Final = 64 * 1024
_CHUNK: Final = 500

Key = tuple[str, str]
"""Namespace URI ("" for none) and local name."""

_OF_ONE: Final = Statement(
    sa.select(dead_properties.c.namespace, dead_properties.c.name, dead_properties.c.xml).where(
        dead_properties.c.collection_id == sa.bindparam("collection"), dead_properties.c.item_id.is_(None)
    )
)


def get_all(tx: Transaction, collection: Collection, item_name: str | None = None) -> dict[Key, str]:
    """The properties of the collection, or of one of its items: element name to its XML text."""
    if item_name is not None:
        return of_items(tx, collection, [item_name]).get(item_name, {})
    return of_collections(tx, [collection]).get(collection.id, {})


def of_items(tx: Transaction, collection: Collection, names: Sequence[str] | None = None) -> dict[str, dict[Key, str]]:
    """The properties of many items (all if `names` is None) by item name; items without any are left out.

    Nor is anything told of items whose details the actor does not see (CAL-07, SYS-09).
    """
    query = (
        sa.select(
            item_rows.c.name.label("item"),
            dead_properties.c.namespace,
            dead_properties.c.name,
            dead_properties.c.xml,
        )
        .join(item_rows, item_rows.c.id == dead_properties.c.item_id)
        .where(dead_properties.c.collection_id == collection.id)
    )
    found: dict[str, dict[Key, str]] = {}
    for page in _pages(names):
        chosen = query if page is None else query.where(item_rows.c.name.in_(page))
        for row in tx.db.execute(chosen):
            found.setdefault(row.item, {})[row.namespace, row.name] = row.xml
    if found and not viewing.is_own(collection):
        seen = items.many(tx, collection, list(found), body=False)
        return {name: of for name, of in found.items() if name in seen and seen[name].view is View.FULL}
    return found


def of_collections(tx: Transaction, chosen: Sequence[Collection]) -> dict[int, dict[Key, str]]:
    """The properties of many collections, by their ids, in one query; none of those seen as busy time only."""
    seen = [one.id for one in chosen if one.view is View.FULL or one.rights & Right.SEE_FOLDER]
    if len(seen) == 1:
        own = _OF_ONE.all(tx, {"collection": seen[0]})
        return {seen[0]: {(row.namespace, row.name): row.xml for row in own}} if own else {}
    query = sa.select(dead_properties).where(
        dead_properties.c.collection_id.in_(seen),
        dead_properties.c.item_id.is_(None),
    )
    found: dict[int, dict[Key, str]] = {}
    for row in tx.db.execute(query):
        found.setdefault(row.collection_id, {})[row.namespace, row.name] = row.xml
    return found


_UNDERLYING: Final = Statement(
    sa.select(dead_properties.c.namespace, dead_properties.c.name, dead_properties.c.xml).where(
        dead_properties.c.collection_id == sa.bindparam("collection"),
        dead_properties.c.item_id.is_(None),
        dead_properties.c.name == sa.bindparam("name"),
    )
)


def underlying(tx: Transaction, collection: Collection, keys: Sequence[Key]) -> str | None:
    """The first of these properties that the collection has, whoever asks: to compute with, not to be shown."""
    found: dict[Key, str] = {}
    for name in dict.fromkeys(name for _, name in keys):
        rows = _UNDERLYING.all(tx, {"collection": collection.id, "name": name})
        found |= {(row.namespace, row.name): row.xml for row in rows}
    return next((found[key] for key in keys if key in found), None)


_UNDERLYING_OF_MANY: Final = sa.select(
    dead_properties.c.collection_id, dead_properties.c.namespace, dead_properties.c.name, dead_properties.c.xml
).where(
    dead_properties.c.collection_id.in_(sa.bindparam("collections", expanding=True)),
    dead_properties.c.item_id.is_(None),
    dead_properties.c.name.in_(sa.bindparam("names", expanding=True)),
)


def underlying_of_many(
    tx: Transaction, collections: Sequence[CollectionId], keys: Sequence[Key]
) -> dict[CollectionId, str]:
    """`underlying` of many collections; those that have none are left out."""
    found: dict[CollectionId, dict[Key, str]] = {}
    names = sorted({name for _, name in keys})
    for start in range(0, len(collections), _CHUNK):
        chosen = {"collections": list(collections[start : start + _CHUNK]), "names": names}
        for row in tx.db.execute(_UNDERLYING_OF_MANY, chosen):
            found.setdefault(row.collection_id, {})[row.namespace, row.name] = row.xml
    firsts = {number: next((own[key] for key in keys if key in own), None) for number, own in found.items()}
    return {number: text for number, text in firsts.items() if text is not None}


def put(
    tx: Transaction,
    collection: Collection,
    item_name: str | None,
    values: Mapping[Key, str | None],
) -> None:
    """Set properties of the collection or item to their XML; None removes one, absent or not.

    Raises:
        NotFound: there is no such item for the actor.
        Denied: he may not edit the item, or does not administer the collection.
        Locked: a lock covers it and its token was not shown (RFC 4918 §7).
        LimitReached: a value is too long, or there would be too many.
    """
    item_id = _to_write(tx, collection, item_name)
    set_to = [xml for xml in values.values() if xml is not None]
    if any(len(xml.encode()) > PROPERTY_OCTETS for xml in set_to):
        raise LimitReached("property_octets", PROPERTY_OCTETS)
    if len(set_to) > PROPERTIES_PER_RESOURCE:  # before a statement for each of them keeps all others from writing
        raise LimitReached("properties", PROPERTIES_PER_RESOURCE)
    here = _here(collection, item_id)
    present = {tuple(row) for row in tx.db.execute(_keys(here)).all()}
    for namespace, name in present & values.keys():
        which = sa.and_(dead_properties.c.namespace == namespace, dead_properties.c.name == name)
        tx.db.execute(sa.delete(dead_properties).where(here, which))
    fresh = [
        {"collection_id": collection.id, "item_id": item_id, "namespace": key[0], "name": key[1], "xml": xml}
        for key, xml in values.items()
        if xml is not None
    ]
    if not fresh:
        return
    tx.db.execute(sa.insert(dead_properties), fresh)
    count = tx.db.execute(sa.select(sa.func.count()).select_from(dead_properties).where(here)).scalar_one()
    if count > PROPERTIES_PER_RESOURCE:
        raise LimitReached("properties", PROPERTIES_PER_RESOURCE)


def copy(tx: Transaction, source: Collection, name: str | None, target: Collection, target_name: str | None) -> None:
    """Give the target the source's properties in place of its own (RFC 4918 §9.8.2).

    Raises:
        NotFound, Denied, Locked: as in `put`.
    """
    found = get_all(tx, source, name)
    item_id = _to_write(tx, target, target_name)
    tx.db.execute(sa.delete(dead_properties).where(_here(target, item_id)))
    if found:
        put(tx, target, target_name, found)


def _to_write(tx: Transaction, collection: Collection, item_name: str | None) -> int | None:
    if item_name is None:
        acl.demand(collection.rights, Right.ADMINISTER, tree.path(collection))
        locks.check(tx, collection.space, collection.name)
        return None
    item = items.get(tx, collection, item_name, body=False)
    acl.demand(item.rights, Right.EDIT, f"{tree.path(collection)}/{item_name}")
    locks.check(tx, collection.space, f"{collection.name}/{item_name}")
    return item.id


def _here(collection: Collection, item_id: int | None) -> sa.ColumnElement[bool]:
    mine: Any = dead_properties.c.item_id.is_(None) if item_id is None else dead_properties.c.item_id == item_id
    return sa.and_(dead_properties.c.collection_id == collection.id, mine)


def _keys(here: sa.ColumnElement[bool]) -> sa.Select[tuple[str, str]]:
    return sa.select(dead_properties.c.namespace, dead_properties.c.name).where(here)


def _pages(names: Sequence[str] | None) -> list[Sequence[str] | None]:
    if names is None:
        return [None]
    return [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
