"""Items: read as the actor may see them, written whole or not at all (SYS-06, SYS-08, ACL-05)."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import kinds, locks, quota, viewing
from storage.errors import (
    Conflict,
    Denied,
    Exists,
    NotFound,
    Stale,
    TooLarge,
    UidConflict,
    UnsupportedComponent,
    UnsupportedMedia,
)
from storage.kinds import Kind, Prepared
from storage.schema import (
    collections,
    dead_properties,
    grants,
    items,
    tombstones,
    versions,
    viewer_items,
)
from storage.store import INLINE_OCTETS, Transaction
from storage.types import (
    ANY,
    UNCONDITIONAL,
    Collection,
    Item,
    ModSeq,
    Precondition,
    Right,
    Row,
    SpaceKind,
    View,
    Written,
)

_CHUNK: Final = 500
_STORED: Final = sa.select(items).where(
    items.c.collection_id == sa.bindparam("collection"), items.c.name == sa.bindparam("name")
)


def get(tx: Transaction, collection: Collection, name: str, *, body: bool = True) -> Item:
    """One item as the actor sees it.

    Raises:
        NotFound: it does not exist, or is hidden from him.
    """
    found = viewing.load(tx, collection, items.c.name == name, body=body)
    if not found:
        raise NotFound(name)
    return found[0]


def rows(tx: Transaction, collection: Collection) -> Sequence[Row]:
    """All items that the actor sees, one cheap row each."""
    return viewing.listing(tx, collection)


def listing(tx: Transaction, collection: Collection) -> list[Item]:
    """All items that the actor sees, without their bodies."""
    return viewing.load(tx, collection, body=False)


def many(
    tx: Transaction, collection: Collection, names: Sequence[str], *, body: bool = True
) -> dict[str, Item]:
    """The named items that the actor sees, by name; absent ones are left out."""
    found: dict[str, Item] = {}
    for start in range(0, len(names), _CHUNK):
        some = items.c.name.in_(names[start : start + _CHUNK])
        found.update((item.name, item) for item in viewing.load(tx, collection, some, body=body))
    return found


def put(
    tx: Transaction,
    collection: Collection,
    name: str,
    prepared: Prepared,
    precondition: Precondition = UNCONDITIONAL,
) -> Written:
    """Store a body under a name: a new item, a new body, or only what belongs to the viewer.

    Raises:
        Stale: the precondition does not hold.
        Denied: the actor may not add, or may not edit.
        UidConflict, UnsupportedComponent, TooLarge, OverQuota, LimitReached, Locked, Conflict: as named.
    """
    name = clean_name(name)
    if collection.components and prepared.component not in collection.components:
        raise UnsupportedComponent(prepared.component)
    if bool(collection.components) is not bool(prepared.component):
        raise UnsupportedMedia(prepared.media_type)
    if len(prepared.body) > tx.store.limits.resource_octets:
        raise TooLarge(tx.store.limits.resource_octets)
    stored = tx.db.execute(_STORED, {"collection": collection.id, "name": name}).first()
    seen = _seen(tx, collection, name, stored)
    if stored is not None and seen is None:
        raise Denied(Right.ADD, _path(collection, name))  # taken by what he may not know of
    check(seen, precondition)
    _check_uid(tx, collection, name, prepared)
    write = _Write(tx, collection, name, prepared, kinds.of(collection.tool))
    if stored is None or seen is None:
        locks.check(tx, collection.space, _below(collection, name), member=True)
        if not collection.rights & Right.ADD:
            raise Denied(Right.ADD, tree.path(collection))
        return write.create()
    locks.check(tx, collection.space, _below(collection, name))
    return write.replace(stored, seen)


def delete(
    tx: Transaction, collection: Collection, name: str, precondition: Precondition = UNCONDITIONAL
) -> None:
    """Remove an item; its last body stays recoverable (SYS-06).

    Raises:
        NotFound, Stale, Denied, Locked: as named; the creator alone may not delete (ACL-05).
    """
    seen = get(tx, collection, name, body=False)
    check(seen, precondition)
    if not seen.rights & Right.DELETE and not collection.rights & Right.DELETE:
        raise Denied(Right.DELETE, tree.path(collection))
    locks.check(tx, collection.space, _below(collection, name), member=True, tree=True)
    stored = tx.db.execute(_STORED, {"collection": collection.id, "name": name}).one()
    keep_version(tx, stored, removed=True)
    number = _next_number(tx, collection, count=-1, octets=-stored.size)
    _bury(tx, stored, number)
    tx.db.execute(sa.delete(items).where(items.c.id == stored.id))
    locks.forget(tx, collection.space, _below(collection, name))


def copy(
    tx: Transaction,
    source: Collection,
    name: str,
    target: Collection,
    target_name: str,
    *,
    overwrite: bool,
) -> Written:
    """Store what the actor reads of one item under another name; he becomes its creator (ACL-19).

    Raises:
        Denied: he sees no details of it, or may not add there.
        Exists: the target is taken and `overwrite` is not set.
    """
    item = get(tx, source, name)
    if item.view is not View.FULL or item.body is None:
        raise Denied(Right.SEE, _path(source, name))
    prepared = kinds.of(source.tool).prepare(item.body, item.media_type)
    return put(tx, target, target_name, prepared, UNCONDITIONAL if overwrite else Precondition(none_match=ANY))


def move(
    tx: Transaction,
    source: Collection,
    name: str,
    target: Collection,
    target_name: str,
    *,
    overwrite: bool,
) -> Written:
    """Give an item another name or collection.

    Inside one environment it needs *edit* and *add*, and stays the same item; between
    environments it is a copy followed by a deletion (ACL-19).

    Raises:
        NotFound, Denied, Exists, UidConflict, Locked, UnsupportedComponent: as named.
    """
    target_name = clean_name(target_name)
    if source.id == target.id and name == target_name:
        raise Conflict("source and destination are the same")
    if source.space.id != target.space.id:
        written = copy(tx, source, name, target, target_name, overwrite=overwrite)
        delete(tx, source, name)
        return written
    seen = get(tx, source, name, body=False)
    if not seen.rights & Right.EDIT:
        raise Denied(Right.EDIT, _path(source, name))
    if target.id != source.id and not target.rights & Right.ADD:
        raise Denied(Right.ADD, tree.path(target))
    if target.components and seen.component not in target.components:
        raise UnsupportedComponent(seen.component)
    if bool(target.components) is not bool(seen.component):
        raise UnsupportedMedia(seen.media_type)
    locks.check(tx, source.space, _below(source, name), member=True, tree=True)
    locks.check(tx, target.space, _below(target, target_name), member=True)
    replaced = _clear_target(tx, target, target_name, overwrite)
    return _relocate(tx, source, name, target, target_name, not replaced)


def check(seen: Item | None, precondition: Precondition) -> None:
    """Evaluate If-Match, If-None-Match and If-Schedule-Tag-Match on what the actor sees (RFC 9110 §13).

    Raises:
        Stale: one of them does not hold.
    """
    if precondition.match is not None and (
        seen is None or (precondition.match != ANY and seen.etag not in precondition.match)
    ):
        raise Stale("the item is not what you read")
    if (
        precondition.none_match is not None
        and seen is not None
        and (precondition.none_match == ANY or seen.etag in precondition.none_match)
    ):
        raise Stale("the item is already there")
    if precondition.schedule_tag is not None and (
        seen is None or seen.schedule_tag != precondition.schedule_tag
    ):
        raise Stale("the meeting changed meanwhile")


def clean_name(name: str) -> str:
    """The name as it is stored: NFC, at most 255 octets (SYS-13).

    Raises:
        Conflict: it holds control characters or a slash, or is too long.
    """
    clean = unicodedata.normalize("NFC", name)
    if not clean or clean in {".", ".."} or len(clean.encode()) > 255:
        raise Conflict("this cannot be a name")
    if "/" in clean or not clean.isprintable():
        raise Conflict("a name holds no control characters and no slash")
    return clean


def keep_version(tx: Transaction, stored: Any, *, removed: bool = False) -> None:
    """Keep the body that is about to be replaced or removed (SYS-06)."""
    tx.db.execute(
        sa.insert(versions).values(
            collection_id=stored.collection_id,
            name=stored.name,
            hash=stored.hash,
            size=stored.size,
            media_type=stored.media_type,
            body=stored.body,
            blob=stored.blob,
            modseq=stored.modseq,
            replaced_by=tx.actor.id,
            replaced=tx.now,
            removed=removed,
        )
    )


@dataclass(slots=True)
class _Write:
    """One PUT on its way: where, what, and how its parts are divided among viewers."""

    tx: Transaction
    collection: Collection
    name: str
    prepared: Prepared
    kind: Kind

    def create(self) -> Written:
        tx, collection, prepared = self.tx, self.collection, self.prepared
        own = viewing.is_own(collection)
        body = prepared.body if own else prepared.common
        quota.check_add(tx, collection, len(body), 1)
        number = _next_number(tx, collection, count=1, octets=len(body), new=True)
        buried = tx.db.execute(
            sa.select(tombstones.c.created_modseq, tombstones.c.hidden_modseq).where(
                tombstones.c.collection_id == collection.id, tombstones.c.name == self.name
            )
        ).first()
        # A client that knew the former item of this name must learn of its end (storage/changes.py).
        since = buried.created_modseq if buried and not buried.hidden_modseq else number
        hidden = number if self._hidden() else 0
        values = self._content(body) | {
            "collection_id": collection.id,
            "name": self.name,
            "uid": sa.select(collections.c.uid_next - 1).where(collections.c.id == collection.id)
            .scalar_subquery(),
            "modseq": number,
            "created_modseq": since,
            "hidden_modseq": hidden,
            "shared_hash": digest(prepared.common) if own and prepared.shared is not None else "",
            "component": prepared.component,
            "creator_id": tx.actor.id,
            "created": tx.now,
            "modified": tx.now,
            "schedule_tag": number if prepared.scheduled else 0,
        }
        item_id = tx.db.execute(sa.insert(items).values(values).returning(items.c.id)).scalar_one()
        self._index(item_id, prepared.shared if own else None, fresh=True)
        if buried and not hidden:
            _unbury(tx, collection, self.name)
        parts = "" if own else prepared.parts
        if parts:
            self._keep_parts(item_id, number, parts, body)
        return self._written(True, values["hash"], number, values["schedule_tag"], parts, body)

    def replace(self, stored: Any, seen: Item) -> Written:
        tx, collection, prepared = self.tx, self.collection, self.prepared
        own = viewing.is_own(collection)
        if seen.view is not View.FULL:
            raise Denied(Right.EDIT, _path(collection, self.name))
        shared = self._stored_shared(stored)
        touches_parts = bool(prepared.parts) or shared is not None or self._has_parts(stored.id)
        common = stored_body(tx, stored) if shared is None else shared
        if touches_parts and self.kind.comparable(prepared.common) == self.kind.comparable(common):
            return self._replace_parts(stored, common, own)
        if not seen.rights & Right.EDIT:
            raise Denied(Right.EDIT, _path(collection, self.name))
        keep_version(tx, stored)
        body, kept = prepared.body, prepared.shared
        if not own:
            body, kept = prepared.common, None
            if shared is not None:  # the owner's alarms and colour stay his
                kept, body = body, self.kind.merge(body, self._owner_parts(stored))
        quota.check_add(tx, collection, len(body) - stored.size, 0)
        number = _next_number(tx, collection, octets=len(body) - stored.size)
        hidden = (stored.hidden_modseq or number) if self._hidden() else 0
        values = self._content(body) | {
            "shared_hash": "" if kept is None else digest(kept),
            "modseq": number,
            "hidden_modseq": hidden,
            "component": prepared.component,
            "modified": tx.now,
            "schedule_tag": number if prepared.scheduled else 0,
        }
        tx.db.execute(sa.update(items).where(items.c.id == stored.id).values(values))
        self._index(stored.id, kept, fresh=False)
        parts = "" if own else prepared.parts
        if not own:
            self._keep_parts(stored.id, number, parts, prepared.common)
        etag_source = values["hash"] if own else (values["shared_hash"] or values["hash"])
        return self._written(False, etag_source, number, values["schedule_tag"], parts, prepared.common)

    def _replace_parts(self, stored: Any, common: bytes, own: bool) -> Written:
        """Change what belongs to this viewer: nobody else's number or validator moves (SYS-08)."""
        tx, prepared = self.tx, self.prepared
        number = tree.next_number(tx, self.collection.id, shared=False)
        _note_viewer_change(tx, self.collection, number)
        if own:
            values = self._content(prepared.body) | {
                "shared_hash": stored.shared_hash or digest(common),
            }
            tx.db.execute(sa.update(items).where(items.c.id == stored.id).values(values))
            grown = len(prepared.body) - stored.size
            tx.db.execute(
                sa.update(collections)
                .where(collections.c.id == self.collection.id)
                .values(octets=collections.c.octets + grown)
            )
            tx.db.execute(
                sa.update(self.kind.table)
                .where(self.kind.table.c.item_id == stored.id)
                .values(shared=common)
            )
            self._keep_parts(stored.id, number, "", common, touch=True)
            return self._written(False, values["hash"], number, stored.schedule_tag, "", common)
        self._keep_parts(stored.id, number, prepared.parts, common, touch=True)
        base = stored.shared_hash or stored.hash
        return self._written(False, base, number, stored.schedule_tag, prepared.parts, common)

    def _hidden(self) -> bool:
        return self.prepared.private and self.collection.space.kind is SpaceKind.PRIVATE

    def _content(self, body: bytes) -> dict[str, Any]:
        large = len(body) > INLINE_OCTETS
        return {
            "hash": digest(body),
            "size": len(body),
            "media_type": self.prepared.media_type,
            "body": None if large else body,
            "blob": self.tx.store.blobs.put(body) if large else None,
        }

    def _index(self, item_id: int, shared: bytes | None, *, fresh: bool) -> None:
        table = self.kind.table
        values = {**self.prepared.index, "uid": self.prepared.uid, "shared": shared}
        if fresh:
            values |= {"item_id": item_id, "collection_id": self.collection.id}
            self.tx.db.execute(sa.insert(table).values(values))
        else:
            self.tx.db.execute(sa.update(table).where(table.c.item_id == item_id).values(values))

    def _stored_shared(self, stored: Any) -> bytes | None:
        table = self.kind.table
        query = sa.select(table.c.shared).where(table.c.item_id == stored.id)
        found: bytes | None = self.tx.db.execute(query).scalar()
        return found

    def _has_parts(self, item_id: int) -> bool:
        if viewing.is_own(self.collection):
            return False
        query = sa.select(viewer_items.c.parts).where(
            viewer_items.c.viewer_id == self.tx.actor.id, viewer_items.c.item_id == item_id
        )
        return bool(self.tx.db.execute(query).scalar())

    def _owner_parts(self, stored: Any) -> str:
        return self.kind.prepare(stored_body(self.tx, stored), stored.media_type).parts

    def _keep_parts(
        self, item_id: int, number: int, parts: str, common: bytes, *, touch: bool = False
    ) -> None:
        tx = self.tx
        extra = len(self.kind.merge(common, parts)) - len(common) if parts else 0
        values = {"modseq": number, "parts": parts, "extra_octets": extra}
        mine = sa.and_(viewer_items.c.viewer_id == tx.actor.id, viewer_items.c.item_id == item_id)
        if not tx.db.execute(sa.update(viewer_items).where(mine).values(values)).rowcount and (
            parts or touch
        ):
            keys = {
                "viewer_id": tx.actor.id,
                "item_id": item_id,
                "collection_id": self.collection.id,
            }
            tx.db.execute(sa.insert(viewer_items).values(**keys, **values))

    def _written(
        self, created: bool, base: str, number: int, schedule_tag: int, parts: str, common: bytes
    ) -> Written:
        same = self.prepared.same_octets
        if parts:
            same = same and self.kind.merge(common, parts) == self.prepared.body
        elif not viewing.is_own(self.collection):
            same = same and common == self.prepared.body
        etag = f"{base}-{number}" if parts else base
        return Written(created, etag, same, str(schedule_tag) if schedule_tag else "", ModSeq(number))


def digest(body: bytes) -> str:
    """The validator of a body: 160 bits of its SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()[:40]


def stored_body(tx: Transaction, stored: Any) -> bytes:
    """The stored octets of an item or version row."""
    return stored.body if stored.body is not None else tx.store.blobs.read(stored.blob)


def _seen(tx: Transaction, collection: Collection, name: str, stored: Any) -> Item | None:
    if stored is None:
        return None
    found = viewing.load(tx, collection, items.c.id == stored.id, body=False)
    return found[0] if found else None


def _check_uid(tx: Transaction, collection: Collection, name: str, prepared: Prepared) -> None:
    table = kinds.of(collection.tool).table
    query = (
        sa.select(items.c.id, items.c.name)
        .join(table, table.c.item_id == items.c.id)
        .where(table.c.collection_id == collection.id, table.c.uid == prepared.uid, items.c.name != name)
    )
    other = tx.db.execute(query).first()
    if other is not None:
        seen = viewing.load(tx, collection, items.c.id == other.id, body=False)
        raise UidConflict(other.name if seen else "")


def _next_number(
    tx: Transaction, collection: Collection, *, count: int = 0, octets: int = 0, new: bool = False
) -> ModSeq:
    """Take the next shared number and keep the counters, in one statement."""
    number = collections.c.modseq + 1
    values: dict[str, Any] = {"modseq": number, "shared_modseq": number, "modified": tx.now}
    if count:
        values["item_count"] = collections.c.item_count + count
    if octets:
        values["octets"] = collections.c.octets + octets
    if new:
        values["uid_next"] = collections.c.uid_next + 1
    statement = sa.update(collections).where(collections.c.id == collection.id).values(values)
    tx.touched.add(collection.id)
    return ModSeq(tx.db.execute(statement.returning(collections.c.modseq)).scalar_one())


def _note_viewer_change(tx: Transaction, collection: Collection, number: int) -> None:
    from storage import changes

    changes.note_viewer(tx, collection.id, tx.actor.id, number)


def _bury(tx: Transaction, stored: Any, number: int) -> None:
    _unbury_name(tx, stored.collection_id, stored.name)
    tx.db.execute(
        sa.insert(tombstones).values(
            collection_id=stored.collection_id,
            name=stored.name,
            modseq=number,
            created_modseq=stored.created_modseq,
            hidden_modseq=stored.hidden_modseq,
            removed=tx.now,
        )
    )


def _unbury(tx: Transaction, collection: Collection, name: str) -> None:
    _unbury_name(tx, collection.id, name)


def _unbury_name(tx: Transaction, collection: int, name: str) -> None:
    tx.db.execute(
        sa.delete(tombstones).where(tombstones.c.collection_id == collection, tombstones.c.name == name)
    )


def _clear_target(tx: Transaction, target: Collection, name: str, overwrite: bool) -> bool:
    """Make room for a move; True if something was there (RFC 4918 §9.9.4)."""
    stored = tx.db.execute(_STORED, {"collection": target.id, "name": name}).first()
    if stored is None:
        return False
    if not overwrite:
        raise Exists(name)
    seen = _seen(tx, target, name, stored)
    if seen is None or not seen.rights & Right.EDIT:
        raise Denied(Right.EDIT, _path(target, name))
    keep_version(tx, stored, removed=True)
    number = _next_number(tx, target, count=-1, octets=-stored.size)
    _bury(tx, stored, number)
    tx.db.execute(sa.delete(items).where(items.c.id == stored.id))
    return True


def _relocate(
    tx: Transaction, source: Collection, name: str, target: Collection, target_name: str, created: bool
) -> Written:
    stored = tx.db.execute(_STORED, {"collection": source.id, "name": name}).one()
    table = kinds.of(target.tool).table
    if source.id != target.id:
        uid = tx.db.execute(sa.select(table.c.uid).where(table.c.item_id == stored.id)).scalar_one()
        other = tx.db.execute(
            sa.select(items.c.name)
            .join(table, table.c.item_id == items.c.id)
            .where(table.c.collection_id == target.id, table.c.uid == uid)
        ).scalar()
        if other is not None:
            raise UidConflict(other)
    quota.check_add(tx, target, 0, 0)
    moved = source.id != target.id
    number = _next_number(
        tx, source, count=-1 if moved else 0, octets=-stored.size if moved else 0, new=not moved
    )
    _bury(tx, stored, number)
    if moved:
        number = _next_number(tx, target, count=1, octets=stored.size, new=True)
    buried = tx.db.execute(
        sa.select(tombstones.c.created_modseq).where(
            tombstones.c.collection_id == target.id, tombstones.c.name == target_name
        )
    ).scalar()
    _unbury_name(tx, target.id, target_name)
    tx.db.execute(
        sa.update(items)
        .where(items.c.id == stored.id)
        .values(
            collection_id=target.id,
            name=target_name,
            uid=sa.select(collections.c.uid_next - 1).where(collections.c.id == target.id).scalar_subquery(),
            modseq=number,
            created_modseq=buried or number,
            hidden_modseq=number if stored.hidden_modseq else 0,
            modified=tx.now,
        )
    )
    if moved:
        for other_table in (table, viewer_items, dead_properties, grants):
            tx.db.execute(
                sa.update(other_table)
                .where(other_table.c.item_id == stored.id)
                .values(collection_id=target.id)
            )
    locks.forget(tx, source.space, _below(source, name))
    seen = viewing.load(tx, target, items.c.id == stored.id, body=False)[0]
    return Written(created, seen.etag, True, seen.schedule_tag, ModSeq(number))


def _path(collection: Collection, name: str) -> str:
    return f"{tree.path(collection)}/{name}"


def _below(collection: Collection, name: str) -> str:
    return f"{collection.name}/{name}"


