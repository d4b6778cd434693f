"""Items as one viewer sees them: which rows, which body, which validator (CAL-07, SYS-08, SYS-09).

The owner's body is the stored one. Another viewer reads the shared body with his own parts merged
in, or the busy stub, or learns nothing. All of it was computed when the item was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import sqlalchemy as sa

from storage import acl, kinds, rights
from storage.schema import event_index, grants, items, viewer_items
from storage.statements import Statement
from storage.store import Transaction
from storage.types import (
    CALENDAR_TOOLS,
    FOLDER_TOOLS,
    Brief,
    Collection,
    CollectionId,
    Item,
    ItemId,
    ModSeq,
    PrincipalId,
    Relation,
    Right,
    Row,
    SpaceKind,
    Tool,
    View,
)

_NEVER_STORED: Final = Right.SEE_BUSY | Right.SEE_FOLDER | Right.ADD | Right.DELETE | Right.ADMINISTER

_READABLE: Final = Right.SEE | Right.EDIT

OWN_ROWS: Final = sa.select(
    items.c.name,
    items.c.hash.label("etag"),
    items.c.size,
    items.c.media_type,
    items.c.component,
    items.c.modified,
    items.c.created,
    items.c.schedule_tag,
    items.c.modseq,
).where(items.c.collection_id == sa.bindparam("collection"))
"""The owner's listing, columns in the order of `Row`."""
_ALL_OWN_ROWS: Final = Statement(OWN_ROWS, Row)
_OWN_BRIEF: Final = Statement(
    sa.select(items.c.name, items.c.hash)
    .where(items.c.collection_id == sa.bindparam("collection"))
    .order_by(items.c.modseq)
)


@dataclass(frozen=True, slots=True)
class Access:
    """What the actor holds on single items of a collection that is not his."""

    granted: dict[int, Right]
    edit_all: frozenset[int]
    """Creators whose every item he may edit (ACL-21)."""


def is_own(collection: Collection) -> bool:
    """Whether the actor sees the stored bodies themselves."""
    return collection.relation in (Relation.OWNER, Relation.SITE)


def viewer_of(tx: Transaction, collection: Collection) -> PrincipalId:
    """In whose rows the actor's own parts and numbers are: the site administrator writes as the owner does."""
    return collection.space.id if is_own(collection) else tx.actor.id


def one(tx: Transaction, collection: Collection, name: str, *, body: bool) -> Item | None:
    """The named item as the actor sees it, or None."""
    if is_own(collection):
        row = (_OWN_NAMED_FULL if body else _OWN_NAMED).first(tx, {"collection": collection.id, "name": name})
        return None if row is None else _own_item(tx, collection, row, body)
    found = load(tx, collection, items.c.name == name, body=body)
    return found[0] if found else None


def named(tx: Transaction, collection: Collection, names: Sequence[str], *, body: bool) -> list[Item]:
    """The named items that the actor sees, in no order; absent names are left out."""
    return _chosen(tx, collection, items.c.name, _OWN_IN_NAMES, names, body)


def numbered(tx: Transaction, collection: Collection, ids: Sequence[int], *, body: bool) -> list[Item]:
    """The items of these ids that the actor sees, in no order."""
    return _chosen(tx, collection, items.c.id, _OWN_IN_IDS, ids, body)


def _chosen(
    tx: Transaction,
    collection: Collection,
    column: sa.Column[Any],
    statements: Mapping[tuple[bool, int], Statement],
    values: Sequence[Any],
    body: bool,
) -> list[Item]:
    found: list[Item] = []
    for start in range(0, len(values), _SIZES[-1]):
        some = values[start : start + _SIZES[-1]]
        if not is_own(collection):
            found += load(tx, collection, column.in_(some), body=body)
            continue
        size = next(size for size in _SIZES if size >= len(some))
        # The list is filled up with its last value, so that a few constant statements serve every length.
        padded = {f"n{number}": some[min(number, len(some) - 1)] for number in range(size)}
        rows = statements[body, size].all(tx, padded | {"collection": collection.id})
        found += [_own_item(tx, collection, row, body) for row in rows]
    return found


def seen_among(tx: Transaction, collection: Collection, names: Iterable[str]) -> set[str]:
    """Which of these names the actor sees."""
    known = list(names)
    found: set[str] = set()
    if not known:
        return found
    if is_own(collection):
        query = sa.select(items.c.name).where(items.c.collection_id == sa.bindparam("collection"))
    else:
        query = visible(tx, collection, access(tx, collection)).with_only_columns(items.c.name)
    keys = {"collection": collection.id, "viewer": tx.actor.id}
    for start in range(0, len(known), _SIZES[-1]):
        some = items.c.name.in_(known[start : start + _SIZES[-1]])
        found |= set(tx.db.execute(query.where(some), keys).scalars())
    return found


def etag_with(base: str, parts: str) -> str:
    """The validator of a shared body with a viewer's parts in it; it changes when either does, and only then."""
    return f"{base}-{hashlib.blake2b(parts.encode(), digest_size=6).hexdigest()}" if parts else base


def access(tx: Transaction, collection: Collection) -> Access:
    """The actor's item grants in `collection`, read once a transaction."""
    known = tx.access.get(collection.id)
    if isinstance(known, Access):
        return known
    _, grantees = acl.relation(tx, collection.space.id, collection.space.kind)
    query = sa.select(grants.c.item_id, grants.c.rights).where(
        grants.c.collection_id == collection.id,
        grants.c.item_id.is_not(None),
        grants.c.grantee_id.in_(grantees),
    )
    granted: dict[int, Right] = {}
    for item_id, held in tx.db.execute(query):
        granted[item_id] = granted.get(item_id, Right.NONE) | Right(held)
    shared_book = collection.tool is Tool.CONTACTS and collection.space.kind is SpaceKind.GROUP
    found = Access(granted, acl.edit_all_creators(tx) if shared_book else frozenset())
    tx.access[collection.id] = found
    return found


def forget_access(tx: Transaction, collection: CollectionId) -> None:
    """Read item grants again: they changed in this transaction."""
    tx.access.pop(collection, None)


def listing(tx: Transaction, collection: Collection, *conditions: sa.ColumnElement[bool]) -> Sequence[Row]:
    """Rows of the items that the actor sees and that meet the conditions, in no order."""
    if is_own(collection):
        if not conditions:
            return _ALL_OWN_ROWS.all(tx, {"collection": collection.id})
        return [Row(*row) for row in tx.db.execute(OWN_ROWS.where(*conditions), {"collection": collection.id})]
    return [
        Row(
            found.name,
            found.etag,
            found.size,
            found.media_type,
            found.component,
            found.modified,
            found.created,
            int(found.schedule_tag or 0),
            found.modseq,
        )
        for found in load(tx, collection, *conditions, body=False)
    ]


def brief(tx: Transaction, collection: Collection) -> Sequence[Brief]:
    """Names and validators of all items that the actor sees, in the order of their numbers for the owner."""
    if is_own(collection):
        return cast(Sequence[Brief], _OWN_BRIEF.raw(tx, {"collection": collection.id}))
    return [Brief(found.name, found.etag) for found in load(tx, collection, body=False)]


def load(tx: Transaction, collection: Collection, *conditions: sa.ColumnElement[bool], body: bool) -> list[Item]:
    """The items that the actor sees and that meet the conditions, with their bodies if asked."""
    if is_own(collection):
        query = _own(body).where(*conditions)
        rows = tx.db.execute(query, {"collection": collection.id})
        return [_own_item(tx, collection, row, body) for row in rows]
    known = access(tx, collection)
    query = visible(tx, collection, known, body=body).where(*conditions)
    return [
        _shared_item(tx, collection, known, row, body)
        for row in tx.db.execute(query, {"collection": collection.id, "viewer": tx.actor.id})
    ]


def visible(tx: Transaction, collection: Collection, known: Access, *, body: bool = False) -> sa.Select[Any]:
    """Select what a viewer other than the owner may know of, judged in SQL."""
    query = _SHARED[kinds.of(collection.tool).table.name, body]
    if collection.tool in FOLDER_TOOLS:
        return query.where(_visible_files(tx, collection, known))
    mine = items.c.creator_id == tx.actor.id
    opened = _opened(tx, collection, known)
    if collection.space.kind is SpaceKind.PRIVATE and collection.tool in CALENDAR_TOOLS:
        query = query.where(items.c.hidden_modseq == 0)  # ACL-24
    if collection.space.kind is SpaceKind.GROUP and rights.seen_by_item(collection.space.kind, collection.tool):
        admin = collection.relation in (Relation.ADMIN, Relation.CO_ADMIN)
        return query if admin else query.where(sa.or_(~items.c.restricted, mine, opened))
    if collection.view is View.FULL:
        return query
    if collection.view is View.BUSY:
        return query.where(sa.or_(event_index.c.stub.is_not(None), mine, opened))
    return query.where(sa.or_(mine, opened))


def _visible_files(tx: Transaction, collection: Collection, known: Access) -> sa.ColumnElement[bool]:
    """ACL-12, ACL-13, DOC-41: a folder's files that someone other than the owner may know of."""
    if collection.view is View.FULL:
        return sa.true()
    if not collection.rights & Right.SEE_FOLDER:
        return sa.false()
    opened = sa.or_(items.c.creator_id == tx.actor.id, _opened(tx, collection, known), items.c.public)
    if collection.relation in (Relation.ADMIN, Relation.CO_ADMIN):
        return sa.true()
    return sa.or_(~items.c.restricted, opened) if collection.relation is Relation.MEMBER else opened


def rights_on(
    tx: Transaction, collection: Collection, creator: int, item_id: int, known: Access | None = None
) -> Right:
    """What the actor may do with one item: the collection's rights, the creator's, and grants (ACL-01)."""
    held = collection.rights
    if is_own(collection):
        return held
    if creator == tx.actor.id:
        held |= rights.of_creator(collection.space.kind, collection.tool)
    known = known or access(tx, collection)
    held |= known.granted.get(item_id, Right.NONE)
    if creator in known.edit_all:
        held |= Right.EDIT
    return held


def _opened(tx: Transaction, collection: Collection, known: Access) -> sa.ColumnElement[bool]:
    """Items that were opened to the actor one by one."""
    readable = [number for number, held in known.granted.items() if held & _READABLE]
    if len(readable) <= _SIZES[-1]:
        return items.c.id.in_(readable) if readable else sa.false()
    _, grantees = acl.relation(tx, collection.space.id, collection.space.kind)
    return items.c.id.in_(
        sa.select(grants.c.item_id).where(
            grants.c.collection_id == collection.id,
            grants.c.item_id.is_not(None),
            grants.c.grantee_id.in_(grantees),
            grants.c.rights.op("&")(_READABLE.value) != 0,
        )
    )


_OWN_COLUMNS: Final = (
    items.c.id,
    items.c.name,
    items.c.hash,
    items.c.size,
    items.c.media_type,
    items.c.component,
    items.c.modseq,
    items.c.creator_id,
    items.c.created,
    items.c.modified,
    items.c.schedule_tag,
)
_OWN_LIGHT: Final = sa.select(*_OWN_COLUMNS).where(items.c.collection_id == sa.bindparam("collection"))
_OWN_FULL: Final = sa.select(*_OWN_COLUMNS, items.c.body, items.c.blob).where(
    items.c.collection_id == sa.bindparam("collection")
)

_named: Final = items.c.name == sa.bindparam("name")
_OWN_NAMED: Final = Statement(_OWN_LIGHT.where(_named))
_OWN_NAMED_FULL: Final = Statement(_OWN_FULL.where(_named))
_SIZES: Final = (4, 16, 64, 128, 512)


def _own_in(column: sa.Column[Any]) -> Mapping[tuple[bool, int], Statement]:
    return {
        (body, size): Statement(
            (_OWN_FULL if body else _OWN_LIGHT).where(
                column.in_([sa.bindparam(f"n{number}") for number in range(size)])
            )
        )
        for body in (True, False)
        for size in _SIZES
    }


_OWN_IN_NAMES: Final = _own_in(items.c.name)
_OWN_IN_IDS: Final = _own_in(items.c.id)


def _own(body: bool) -> sa.Select[Any]:
    return _OWN_FULL if body else _OWN_LIGHT


def _make_shared(kind: kinds.Kind, body: bool) -> sa.Select[Any]:
    table = kind.table
    calendar = table is event_index
    whole = "shared" not in table.c  # a file has no parts of its viewers
    shared = sa.null() if whole else table.c.shared
    stub = table.c.stub if calendar else sa.null()
    bodies = (items.c.body, items.c.blob, shared.label("shared"))
    return (
        sa.select(
            *_OWN_COLUMNS,
            items.c.shared_hash,
            items.c.restricted,
            items.c.public,
            viewer_items.c.modseq.label("viewer_modseq"),
            viewer_items.c.parts,
            viewer_items.c.extra_octets,
            (sa.null() if whole else sa.func.length(shared)).label("shared_size"),
            stub.label("stub"),
            (table.c.klass if calendar else sa.literal("PUBLIC")).label("klass"),
            *(bodies if body else ()),
        )
        .select_from(
            (items if whole else items.join(table, table.c.item_id == items.c.id)).outerjoin(
                viewer_items,
                sa.and_(
                    viewer_items.c.item_id == items.c.id,
                    viewer_items.c.viewer_id == sa.bindparam("viewer"),
                ),
            )
        )
        .where(items.c.collection_id == sa.bindparam("collection"))
    )


_SHARED: Final = {
    (kind.table.name, body): _make_shared(kind, body)
    for kind in (kinds.EVENTS, kinds.CARDS, kinds.FILES)
    for body in (True, False)
}


def _own_item(tx: Transaction, collection: Collection, row: Any, body: bool) -> Item:
    content: bytes | None = None
    if body:
        content = row.body if row.body is not None else tx.store.blobs.read(row.blob)
    return Item(
        ItemId(row.id),
        collection.id,
        row.name,
        row.hash,
        row.size,
        row.media_type,
        row.component,
        ModSeq(row.modseq),
        PrincipalId(row.creator_id),
        row.created,
        row.modified,
        str(row.schedule_tag) if row.schedule_tag else "",
        View.FULL,
        collection.rights,
        content,
    )


def _row_view(tx: Transaction, collection: Collection, known: Access, row: Any) -> View:
    mine = row.creator_id == tx.actor.id
    granted = bool(known.granted.get(row.id, Right.NONE) & _READABLE)
    if collection.tool in FOLDER_TOOLS:
        shown = mine or granted or not row.restricted or row.public or collection.view is View.FULL
        return View.FULL if shown else View.EXISTENCE  # ACL-06: only administrators get this far
    if collection.space.kind is SpaceKind.GROUP:
        hidden = row.restricted and not mine and not granted
        return View.EXISTENCE if hidden else View.FULL  # ACL-06: only administrators get this far
    if row.klass == "CONFIDENTIAL" and not mine and row.stub is not None:
        return View.BUSY  # CAL-06: also for holders of "see details"
    if collection.view is View.FULL or mine or granted:
        return View.FULL
    return View.BUSY


def _shared_item(tx: Transaction, collection: Collection, known: Access, row: Any, body: bool) -> Item:
    shown = _row_view(tx, collection, known, row)
    content: bytes | None = None
    if shown is View.BUSY:
        # Of the block alone: the validator of the details would confirm guesses at them.
        etag, size = f"{hashlib.sha256(row.stub).hexdigest()[:40]}-busy", len(row.stub)
        content = row.stub if body else None
    elif shown is View.EXISTENCE:
        etag, size = f"{row.id}-{row.modseq}-known", row.size
    else:
        etag, size = row.shared_hash or row.hash, row.size if row.shared_size is None else row.shared_size
        if row.parts:
            etag, size = etag_with(etag, row.parts), size + row.extra_octets
        if body:
            content = row.shared
            if content is None:
                content = row.body if row.body is not None else tx.store.blobs.read(row.blob)
            if row.parts:
                content = kinds.of(collection.tool).merge(content, row.parts)
    held = rights_on(tx, collection, row.creator_id, row.id, known)
    if shown in (View.BUSY, View.EXISTENCE):
        held &= _NEVER_STORED
    return Item(
        ItemId(row.id),
        collection.id,
        row.name,
        etag,
        size,
        row.media_type,
        row.component,
        ModSeq(max(row.modseq, row.viewer_modseq or 0)),
        PrincipalId(row.creator_id),
        row.created,
        row.modified,
        str(row.schedule_tag) if row.schedule_tag else "",
        shown,
        held,
        content,
    )
