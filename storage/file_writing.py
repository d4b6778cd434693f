"""What a change to one file does to the rows: its body, its place, its former version, its twins (SYS-06, DOC-17)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from storage import locks, numbering, quota, tombstones, trees, viewing, writing
from storage.baggage import Baggage
from storage.bodies import Body
from storage.errors import OverQuota
from storage.filing import Folder
from storage.schema import HAS_TWIN, collections, dead_properties, file_index, grants, items, principals, viewer_items
from storage.statements import Statement, insert, to
from storage.store import INLINE_OCTETS, Transaction
from storage.types import CollectionId, ItemId, ModSeq, Principal, PrincipalId, SpaceKind

_CONTENT: Final = ("hash", "size", "media_type", "body", "blob")
_INSERT: Final = insert(
    items,
    *_CONTENT,
    *("collection_id", "name", "uid", "modseq", "created_modseq", "creator_id", "created", "modified"),
    returning=items.c.id,
)
_this: Final = sa.update(items).where(items.c.id == sa.bindparam("item"))
_REPLACE: Final = Statement(_this.values({name: to(name) for name in (*_CONTENT, "modseq", "modified")}))
_RELOCATE: Final = Statement(
    _this.values({name: to(name) for name in ("collection_id", "name", "uid", "modseq", "created_modseq")})
)
_RETYPE: Final = Statement(_this.values(media_type=to("media_type")))
# A viewer's numbers say what he knew of the old name: of the new one he knows nothing yet.
_FORGET_VIEWS: Final = Statement(
    sa.update(viewer_items)
    .where(viewer_items.c.item_id == sa.bindparam("item"))
    .values(modseq=0, collection_id=to("collection_id"))
)
_MOVE_PROPERTIES: Final = Statement(
    sa.update(dead_properties)
    .where(dead_properties.c.item_id == sa.bindparam("item"))
    .values(collection_id=to("collection_id"))
)
_MOVE_GRANTS: Final = Statement(
    sa.update(grants)
    .where(grants.c.item_id == sa.bindparam("item"))
    .values(collection_id=to("collection_id"), since_modseq=to("since_modseq"))
)
_DUPLICATE: Final = Statement(
    sa.insert(items)
    .from_select(
        ["collection_id", "name", "uid", "modseq", "created_modseq", "creator_id", "created", *_CONTENT, "modified"],
        sa.select(
            sa.bindparam("folder", type_=sa.BigInteger),
            sa.bindparam("name", type_=sa.Text),
            *(sa.bindparam(key, type_=sa.BigInteger) for key in ("uid", "number", "created_number", "creator")),
            sa.bindparam("now", type_=sa.Float(53)),
            *(items.c[name] for name in (*_CONTENT, "modified")),
        ).where(items.c.id == sa.bindparam("source")),
        include_defaults=False,
    )
    .returning(items.c.id)
)
_TWIN: Final = Statement(sa.select(file_index.c.twin).where(file_index.c.item_id == sa.bindparam("item")))


def create(
    tx: Transaction,
    folder: CollectionId,
    name: str,
    body: Body,
    media_type: str,
    *,
    creator: int | None = None,
    modified: float | None = None,
) -> tuple[ItemId, ModSeq]:
    """Insert a file; the actor becomes its creator unless another is named."""
    number, uid = numbering.take_with_uid(tx, folder, octets=body.size)
    values = content(tx, body, media_type) | {
        "collection_id": folder,
        "name": name,
        "uid": uid,
        "modseq": number,
        "created_modseq": number,
        "creator_id": tx.actor.id if creator is None else creator,
        "created": tx.now,
        "modified": tx.now if modified is None else trees.clean_time(tx, modified),
    }
    return ItemId(_INSERT.scalar(tx, values)), number


def duplicate(tx: Transaction, row: Baggage, folder: CollectionId, name: str, *, creator: int | None = None) -> ItemId:
    """Insert a file with the body of `row`, which is read nowhere but in the database."""
    number, uid = numbering.take_with_uid(tx, folder, octets=row.size)
    values = {
        "source": row.id,
        "folder": folder,
        "name": name,
        "uid": uid,
        "number": number,
        "created_number": number,
        "creator": tx.actor.id if creator is None else creator,
        "now": tx.now,
    }
    return ItemId(_DUPLICATE.scalar(tx, values))


def replace(
    tx: Transaction, row: Any, body: Body, media_type: str, *, version: bool = True, modified: float | None = None
) -> ModSeq:
    """Give the file of `row` another body; its twins get it too. All else that is known of it stays.

    Raises:
        OverQuota: a twin's environment has no room for it.
        Locked: somebody else works on a twin: it is the same document by another URL (RFC 4918 §6.1, §7).
    """
    number = _replace(tx, row, body, media_type, version, modified)
    twin = _TWIN.scalar(tx, {"item": row.id})
    if twin:
        others = (
            sa.select(
                items, collections.c.path, collections.c.space_id, principals.c.kind, principals.c.name.label("space")
            )
            .join(file_index, file_index.c.item_id == items.c.id)
            .join(collections, collections.c.id == items.c.collection_id)
            .join(principals, principals.c.id == collections.c.space_id)
            .where(file_index.c.twin == twin, HAS_TWIN, items.c.id != row.id)
            .order_by(items.c.collection_id)
        )
        for other in numbering.held(tx, lambda: tx.db.execute(others).all()):
            space = Principal(PrincipalId(other.space_id), SpaceKind(other.kind), other.space, "", "")
            locks.check(tx, space, f"{other.path}/{other.name}")
            _demand_room(tx, other, body.size - other.size)
            _replace(tx, other, body, media_type, version, modified)
    return number


def remove(tx: Transaction, folder: Folder, row: Any) -> None:
    """Delete the file of `row` for good."""
    number = numbering.take(tx, folder.id, count=-1, octets=-row.size)
    tombstones.bury(tx, folder, row, number)
    writing.remove(tx, row)
    locks.forget(tx, folder.space, f"{folder.name}/{row.name}")


def relocate(tx: Transaction, source: Folder, row: Baggage, target: CollectionId, name: str) -> ModSeq:
    """Give a file another name, or another folder of the same environment; what hangs on it comes along."""
    moved = source.id != target
    private = source.space.kind is SpaceKind.PRIVATE and row.creator_id == source.space.id
    known = {"unseen": private and not (row.noted or row.shared), "first": not row.buried}
    if moved:
        tombstones.bury(tx, source, row, numbering.take(tx, source.id, count=-1, octets=-row.size), **known)
        number, fresh = numbering.take_with_uid(tx, target, octets=row.size)
    else:
        number, fresh = numbering.take_with_uid(tx, target, count=0)
        tombstones.bury(tx, source, row, number, **known)
    placed = {"to_collection_id": target, "to_name": name, "to_uid": fresh, "item": row.id}
    _RELOCATE.run(tx, placed | {"to_modseq": number, "to_created_modseq": number})
    if row.noted:
        _FORGET_VIEWS.run(tx, {"item": row.id, "to_collection_id": target})
    if moved:
        if row.described:
            _MOVE_PROPERTIES.run(tx, {"item": row.id, "to_collection_id": target})
        if row.shared:
            _MOVE_GRANTS.run(tx, {"item": row.id, "to_collection_id": target, "to_since_modseq": number})
        viewing.forget_access(tx, source.id)
        viewing.forget_access(tx, target)
    locks.forget(tx, source.space, f"{source.name}/{row.name}")
    return number


def retype(tx: Transaction, item: ItemId, media_type: str) -> None:
    """Give a file that was just renamed or copied another media type."""
    _RETYPE.run(tx, {"item": item, "to_media_type": media_type})


def content(tx: Transaction, body: Body, media_type: str) -> dict[str, Any]:
    """The columns of a body; one that is in memory but too long for a row goes to the blob store here."""
    data, blob = body.data, body.blob
    if data is not None and len(data) > INLINE_OCTETS:
        blob, data = tx.store.blobs.put(data), None
    return {"hash": body.hash, "size": body.size, "media_type": media_type, "body": data, "blob": blob}


def body_of(row: Any) -> Body:
    """The body of a stored row, as it lies there."""
    return Body(row.hash, row.size, row.body, row.blob)


def _replace(tx: Transaction, row: Any, body: Body, media_type: str, version: bool, modified: float | None) -> ModSeq:
    if version and row.hash != body.hash:
        writing.keep_version(tx, row)
    number = numbering.take(tx, CollectionId(row.collection_id), octets=body.size - row.size)
    values = {f"to_{name}": value for name, value in content(tx, body, media_type).items()}
    when = tx.now if modified is None else trees.clean_time(tx, modified)
    _REPLACE.run(tx, values | {"item": row.id, "to_modseq": number, "to_modified": when})
    return number


def _demand_room(tx: Transaction, row: Any, octets: int) -> None:
    space = sa.select(collections.c.space_id).where(collections.c.id == row.collection_id)
    number = PrincipalId(tx.db.execute(space).scalar_one())
    room = quota.room_in(tx, Principal(number, SpaceKind.GROUP, "", "", ""))
    if octets > 0 and room is not None and octets > room:
        raise OverQuota("another environment that holds this document is full")
