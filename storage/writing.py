"""What a write does to the rows: the body, its index, its former version, its viewers' parts (SYS-06, SYS-08)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from storage import changes, document_uris, kinds, numbering, quota, tombstones, viewing
from storage import collections as tree
from storage.errors import Denied, UidConflict
from storage.kinds import Kind, Prepared
from storage.schema import card_index, event_index, items, versions, viewer_items
from storage.statements import Statement, insert, to
from storage.store import INLINE_OCTETS, Transaction
from storage.types import Collection, Item, ModSeq, PrincipalId, Right, SpaceKind, Tool, View, Written

_of_collection: Final = items.c.collection_id == sa.bindparam("collection")
_STORED: Final = Statement(sa.select(items).where(_of_collection, items.c.name == sa.bindparam("name")))
_CONTENT: Final = ("hash", "shared_hash", "size", "media_type", "component", "body", "blob")
_INSERT: Final = insert(
    items,
    *_CONTENT,
    *("collection_id", "name", "uid", "modseq", "created_modseq", "hidden_modseq", "freed_modseq"),
    *("creator_id", "created", "modified", "schedule_tag"),
    returning=items.c.id,
)
_this: Final = sa.update(items).where(items.c.id == sa.bindparam("item"))
_UPDATE: Final = Statement(
    _this.values(
        {name: to(name) for name in (*_CONTENT, "modseq", "hidden_modseq", "freed_modseq", "modified", "schedule_tag")}
    )
)
_UPDATE_BODY: Final = Statement(_this.values({name: to(name) for name in _CONTENT}))
_REMOVE: Final = Statement(sa.delete(items).where(items.c.id == sa.bindparam("item")))
_KEEP: Final = insert(
    versions,
    *("collection_id", "name", "hash", "size", "media_type", "body", "blob"),
    *("modseq", "replaced_by", "replaced", "removed"),
)
_mine: Final = sa.and_(
    viewer_items.c.viewer_id == sa.bindparam("viewer"), viewer_items.c.item_id == sa.bindparam("item")
)
_PARTS: Final = Statement(sa.select(viewer_items.c.parts).where(_mine))
_ALL_PARTS: Final = Statement(
    sa.select(viewer_items.c.viewer_id, viewer_items.c.parts, viewer_items.c.extra_octets).where(
        viewer_items.c.item_id == sa.bindparam("item"), viewer_items.c.parts != sa.literal_column("''")
    )
)
_SET_EXTRA: Final = Statement(sa.update(viewer_items).where(_mine).values(extra_octets=to("extra_octets")))
_KEEP_PARTS: Final = Statement(
    sa.update(viewer_items).where(_mine).values(modseq=to("modseq"), parts=to("parts"), extra_octets=to("extra_octets"))
)
_NEW_PARTS: Final = insert(viewer_items, "viewer_id", "item_id", "collection_id", "modseq", "parts", "extra_octets")


@dataclass(frozen=True, slots=True)
class _Index:
    """The constant statements of one tool's index table."""

    insert: Statement
    update: Statement
    shared: Statement
    set_shared: Statement
    same_uid: Statement
    own_uid: Statement


def _index(table: sa.Table) -> _Index:
    columns = [column.name for column in table.columns]
    own = [name for name in columns if name not in {"item_id", "collection_id"}]
    this = table.c.item_id == sa.bindparam("item")
    return _Index(
        insert(table, *columns),
        Statement(sa.update(table).where(this).values({name: to(name) for name in own})),
        Statement(sa.select(table.c.shared).where(this)),
        Statement(sa.update(table).where(this).values(shared=to("shared"))),
        Statement(
            sa.select(items.c.id, items.c.name)
            .join(table, table.c.item_id == items.c.id)
            .where(
                table.c.collection_id == sa.bindparam("collection"),
                table.c.uid == sa.bindparam("uid"),
                items.c.name != sa.bindparam("name"),
            )
        ),
        Statement(sa.select(table.c.uid).where(this)),
    )


_INDEXES: Final = {table.name: _index(table) for table in (event_index, card_index)}


def stored(tx: Transaction, collection: Collection, name: str) -> Any:
    """The whole row of an item, whoever may see it, or None."""
    return _STORED.first(tx, {"collection": collection.id, "name": name})


def uid_of(tx: Transaction, collection: Collection, item_id: int) -> str:
    """The UID of a stored item, as its index row has it."""
    return cast(str, _INDEXES[kinds.of(collection.tool).table.name].own_uid.scalar(tx, {"item": item_id}))


def check_uid(
    tx: Transaction,
    collection: Collection,
    name: str,
    uid: str,
    stored_id: int | None = None,
    moved_id: int | None = None,
) -> None:
    """Pass unless another item of the collection holds this UID, or the one to be replaced (`stored_id`)
    holds another UID (RFC 4791 §4.1, §5.3.2.1, RFC 6352 §6.3.2.1). `moved_id` comes here from elsewhere.

    Raises:
        UidConflict: with the item's name, if the actor may know it.
    """
    index = _INDEXES[kinds.of(collection.tool).table.name]
    if stored_id is not None and index.own_uid.scalar(tx, {"item": stored_id}) != uid:
        raise UidConflict(name)
    other = index.same_uid.first(tx, {"collection": collection.id, "uid": uid, "name": name})
    if other is not None and other.id != moved_id:
        seen = viewing.one(tx, collection, other.name, body=False)
        # Who sees but the block of an event may not learn its UID (CAL-07).
        raise UidConflict(other.name if seen is not None and seen.view is View.FULL else "")


def keep_version(tx: Transaction, row: Any, *, removed: bool = False) -> None:
    """Keep the body that is about to be replaced or removed (SYS-06)."""
    _KEEP.run(
        tx,
        {
            "collection_id": row.collection_id,
            "name": row.name,
            "hash": row.hash,
            "size": row.size,
            "media_type": row.media_type,
            "body": row.body,
            "blob": row.blob,
            "modseq": row.modseq,
            "replaced_by": tx.actor.id,
            "replaced": tx.now,
            "removed": removed,
        },
    )


def remove(tx: Transaction, row: Any) -> None:
    """Delete the item's row, and with it all that hangs on it."""
    _REMOVE.run(tx, {"item": row.id})


def digest(body: bytes) -> str:
    """The validator of a body: 160 bits of its SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()[:40]


def body_of(tx: Transaction, row: Any) -> bytes:
    """The stored octets of an item or version row."""
    return cast(bytes, row.body) if row.body is not None else tx.store.blobs.read(row.blob)


def content(tx: Transaction, prepared: Prepared, body: bytes, shared: bytes | None) -> dict[str, Any]:
    """The columns that hold a body, and `shared`, what of it others see; a large one goes to the blob store."""
    large = len(body) > INLINE_OCTETS
    return {
        "hash": digest(body),
        "shared_hash": "" if shared is None else digest(shared),
        "size": len(body),
        "media_type": prepared.media_type,
        "component": prepared.component,
        "body": None if large else body,
        "blob": tx.store.blobs.put(body) if large else None,
    }


def index_row(tx: Transaction, kind: Kind, prepared: Prepared, shared: bytes | None) -> dict[str, Any]:
    """The columns of the tool's index; what others see instead is sealed with the store's secret."""
    row = {**prepared.index, "uid": prepared.uid, "shared": shared}
    if row.get("stub") is not None:
        row["stub"] = kind.seal(row["stub"], tx.store.secret)
    return row


@dataclass(slots=True)
class Write:
    """One PUT on its way: where, what, and how its parts are divided among viewers."""

    tx: Transaction
    collection: Collection
    name: str
    prepared: Prepared
    kind: Kind
    keep_tag: bool = False
    """The schedule tag stays: the server wrote, and only answers changed (RFC 6638 §3.2.10)."""
    keep_version: bool = True
    """The former body stays recoverable (SYS-06)."""

    def create(self) -> Written:
        """Insert a new item; the actor becomes its creator."""
        tx, collection, prepared = self.tx, self.collection, self.prepared
        own = viewing.is_own(collection)
        check_uid(tx, collection, self.name, prepared.uid)
        body, shared = prepared.body, prepared.shared
        if not own:
            body, shared = prepared.common, None
            if theirs := self._handed_over("", ""):
                body, shared = self.kind.merge(body, theirs), body
        quota.check_add(tx, collection, len(body), 1)
        number, uid = numbering.take_with_uid(tx, collection.id, octets=len(body))
        values = self._content(body, shared) | {
            "collection_id": collection.id,
            "name": self.name,
            "uid": uid,
            "modseq": number,
            "created_modseq": number,
            "hidden_modseq": number if self._hidden() else 0,
            "freed_modseq": self._freed(number),
            "creator_id": tx.actor.id,
            "created": tx.now,
            "modified": tx.now,
            "schedule_tag": number if prepared.scheduled else 0,
        }
        item_id: int = _INSERT.scalar(tx, values)
        row = self._index_row(shared)
        row |= {"item_id": item_id, "collection_id": collection.id}
        self._statements.insert.run(tx, row)
        self._link(anew=True)
        self._remind(item_id, body, anew=True)
        parts = "" if own else prepared.parts
        if parts:
            self._keep_parts(item_id, number, parts, prepared.common)
        base = values["hash"] if own else (values["shared_hash"] or values["hash"])
        return self._written(True, base, number, values["schedule_tag"], parts, prepared.common)

    def replace(self, row: Any, seen: Item) -> Written:
        """Give an item another body, or only change what belongs to this viewer.

        Raises:
            Denied: the actor may not edit it.
            UidConflict: it holds another UID.
        """
        tx, collection, prepared = self.tx, self.collection, self.prepared
        own = viewing.is_own(collection)
        if seen.view is not View.FULL:
            raise Denied(Right.EDIT, tree.path(collection, self.name))
        shared: bytes | None = self._statements.shared.scalar(tx, {"item": row.id})
        touches_parts = bool(prepared.parts) or shared is not None or self._has_parts(row.id)
        if touches_parts:
            common = body_of(tx, row) if shared is None else shared
            unmoved = not seen.rights & Right.EDIT or not self._hands_over(row.id)
            if unmoved and self.kind.comparable(prepared.common) == self.kind.comparable(common):
                return self._replace_parts(row, common, own)
        if not seen.rights & Right.EDIT:
            raise Denied(Right.EDIT, tree.path(collection, self.name))
        check_uid(tx, collection, self.name, prepared.uid, row.id)
        if self.keep_version:
            keep_version(tx, row)
        body, kept = prepared.body, prepared.shared
        if not own:
            body, kept = prepared.common, None
            kept_parts = self._owner_parts(row) if shared is not None else ""  # alarms and colour stay the owner's
            if kept_parts := self._handed_over(kept_parts, self._stored_parts(row.id)):
                kept, body = body, self.kind.merge(body, kept_parts)
        quota.check_add(tx, collection, len(body) - row.size, 0)
        number = numbering.take(tx, collection.id, octets=len(body) - row.size)
        values = {f"to_{name}": value for name, value in self._content(body, kept).items()} | {
            "item": row.id,
            "to_modseq": number,
            "to_hidden_modseq": (row.hidden_modseq or number) if self._hidden() else 0,
            "to_freed_modseq": self._freed(row.freed_modseq or number),
            "to_modified": tx.now,
            "to_schedule_tag": (row.schedule_tag if self.keep_tag else number) if prepared.scheduled else 0,
        }
        if self._hidden() and not row.hidden_modseq and row.freed_modseq:
            # No block tells everybody that it goes: those must be told who could see the item itself.
            for viewer in tombstones.audience_of(tx, collection, row):
                changes.note_item(tx, collection.id, row.id, viewer, number)
        _UPDATE.run(tx, values)
        columns = self._index_row(kept)
        self._statements.update.run(tx, {"item": row.id} | {f"to_{name}": value for name, value in columns.items()})
        self._link()
        self._remind(row.id, body)
        parts = "" if own else prepared.parts
        if not own:
            self._keep_parts(row.id, number, parts, prepared.common)
        self._measure_parts(row.id, prepared.common)
        base = values["to_hash"] if own else (values["to_shared_hash"] or values["to_hash"])
        return self._written(False, base, number, values["to_schedule_tag"], parts, prepared.common)

    def _link(self, *, anew: bool = False) -> None:
        """Attach the documents that a card's text names (CON-22)."""
        if self.collection.tool is Tool.CONTACTS and (not anew or document_uris.MARK in self.prepared.body):
            from storage import links

            links.attach_by_uris(self.tx, self.collection, self.name, document_uris.of_card(self.prepared.body))

    def _remind(self, item_id: int, body: bytes, *, anew: bool = False) -> None:
        """Note when the owner is to be reminded of an event (REM-01)."""
        if self.kind.table is event_index:
            from storage import reminders

            reminders.plan(self.tx, self.collection, item_id, body, anew=anew)

    @property
    def _statements(self) -> _Index:
        return _INDEXES[self.kind.table.name]

    def _replace_parts(self, row: Any, common: bytes, own: bool) -> Written:
        """Change what belongs to this viewer: nobody else's number or validator moves (SYS-08)."""
        tx, prepared = self.tx, self.prepared
        grown = len(prepared.body) - row.size if own else 0
        number = numbering.take_for_viewer(tx, self.collection.id, octets=grown)
        changes.note_viewer(tx, self.collection.id, self._viewer, number)
        if not own:
            self._keep_parts(row.id, number, prepared.parts, common, touch=True)
            base = row.shared_hash or row.hash
            return self._written(False, base, number, row.schedule_tag, prepared.parts, common)
        if self.keep_version:
            keep_version(tx, row)
        values = {f"to_{name}": value for name, value in self._content(prepared.body, common).items()}
        _UPDATE_BODY.run(tx, values | {"item": row.id})
        self._statements.set_shared.run(tx, {"item": row.id, "to_shared": common})
        self._keep_parts(row.id, number, "", common, touch=True)
        self._remind(row.id, prepared.body)
        return self._written(False, values["to_hash"], number, row.schedule_tag, "", common)

    def _index_row(self, shared: bytes | None) -> dict[str, Any]:
        return index_row(self.tx, self.kind, self.prepared, shared)

    @property
    def _viewer(self) -> PrincipalId:
        return viewing.viewer_of(self.tx, self.collection)

    def _freed(self, number: int) -> int:
        """`number` if others see no busy block of it (CAL-07), else 0."""
        return number if self.prepared.index.get("stub", b"") is None else 0

    def _hidden(self) -> bool:
        return self.prepared.private and self.collection.space.kind is SpaceKind.PRIVATE

    def _content(self, body: bytes, shared: bytes | None) -> dict[str, Any]:
        return content(self.tx, self.prepared, body, shared)

    def _has_parts(self, item_id: int) -> bool:
        return bool(self._stored_parts(item_id))

    def _stored_parts(self, item_id: int) -> str:
        """What of it is the actor's alone, so far; nothing if all of it is his."""
        if viewing.is_own(self.collection):
            return ""
        return _PARTS.scalar(self.tx, {"viewer": self.tx.actor.id, "item": item_id}) or ""

    def _handed_over(self, owner: str, before: str) -> str:
        """The owner's parts, with the reminders that a colleague writes for him (CAL-12); a group has none (CAL-15)."""
        if self.collection.tool is not Tool.CALENDAR or self.collection.space.kind is not SpaceKind.PRIVATE:
            return owner
        from storage.formats import reminders

        return reminders.handed_over(owner, before, self.prepared.parts)

    def _hands_over(self, item_id: int) -> bool:
        own = viewing.is_own(self.collection)
        if own or self.collection.tool is not Tool.CALENDAR or self.collection.space.kind is not SpaceKind.PRIVATE:
            return False
        from storage.formats import reminders

        return reminders.changed(self._stored_parts(item_id), self.prepared.parts)

    def _owner_parts(self, row: Any) -> str:
        return self.kind.prepare(body_of(self.tx, row), row.media_type).parts

    def _keep_parts(self, item_id: int, number: int, parts: str, common: bytes, *, touch: bool = False) -> None:
        tx = self.tx
        extra = len(self.kind.merge(common, parts)) - len(common) if parts else 0
        keys = {"viewer": self._viewer, "item": item_id}
        values = {"modseq": number, "parts": parts, "extra_octets": extra}
        kept = _KEEP_PARTS.run(tx, keys | {f"to_{name}": value for name, value in values.items()})
        if not kept and (parts or touch):
            row = {"viewer_id": self._viewer, "item_id": item_id, "collection_id": self.collection.id}
            _NEW_PARTS.run(tx, row | values)

    def _measure_parts(self, item_id: int, common: bytes) -> None:
        """A new shared body may take more or fewer octets of a viewer's parts: an alarm for each instance."""
        for row in _ALL_PARTS.all(self.tx, {"item": item_id}):
            extra = len(self.kind.merge(common, row.parts)) - len(common)
            if extra != row.extra_octets:
                keys = {"viewer": row.viewer_id, "item": item_id}
                _SET_EXTRA.run(self.tx, keys | {"to_extra_octets": extra})

    def _written(self, created: bool, base: str, number: int, schedule_tag: int, parts: str, common: bytes) -> Written:
        same = self.prepared.same_octets
        etag = viewing.etag_with(base, parts)
        if parts:
            same = same and self.kind.merge(common, parts) == self.prepared.body
        elif not viewing.is_own(self.collection):
            same = same and common == self.prepared.body
        if not viewing.is_own(self.collection):
            # He may have hidden it from himself (ACL-24), or all but its block (CAL-06).
            seen = viewing.one(self.tx, self.collection, self.name, body=False)
            same = same and seen is not None and seen.view is View.FULL
            etag = etag if seen is None else seen.etag
        return Written(created, etag, same, str(schedule_tag) if schedule_tag else "", ModSeq(number))
