"""The overlay as one read-only calendar: copies of what its calendars show, made right when it is looked at (CAL-25).

Nobody else reads these copies, and its owner only after what he may see was judged anew: a right that ended takes its
events away at the next look. Of each calendar only what changed since the last look is read and written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from storage import changes, items, kinds, viewing
from storage import collections as tree
from storage import principals as people
from storage.attachments.foreign import Foreign
from storage.errors import Exists, LogTruncated, NotFound, StorageError
from storage.overlay import choosing, merged
from storage.overlay.tables import overlaid, sources, subscriptions
from storage.schema import collections
from storage.schema import items as item_table
from storage.statements import Statement
from storage.store import Store, Transaction
from storage.types import Actor, Collection, CollectionId, ModSeq, Right, SpaceKind, Tool

NAME: Final = "overlay"
AT_ONCE: Final = 200
"""Events written in one transaction."""
_STEPS: Final = 50
"""Transactions of one look; the next one goes on."""
_PERSONAL: Final = re.compile(rb"(?<=\n)(?:ATTENDEE|ORGANIZER)[;:][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_ALARMS: Final = re.compile(rb"(?<=\n)BEGIN:VALARM\r\n.*?(?<=\n)END:VALARM\r\n", re.DOTALL)

_own: Final = collections.c.space_id == sa.bindparam("actor")
_HAS: Final = Statement(
    sa.select(
        sa.select(collections.c.id)
        .where(_own, collections.c.tool == Tool.OVERLAY.value)
        .scalar_subquery()
        .label("merged"),
        sa.or_(
            sa.exists().where(overlaid.c.account_id == sa.bindparam("actor")),
            sa.exists().where(subscriptions.c.collection_id == collections.c.id, _own),
        ).label("chosen"),
    )
)
_KNOWN: Final = Statement(sa.select(sources).where(sources.c.collection_id == sa.bindparam("merged")))


def freshen(store: Store, actor: Actor) -> None:
    """Make the actor's merged calendar what he may see now; who has no overlay has none, and pays one query.

    Raises:
        Busy: the database is away or taken.
    """
    with store.read(actor) as tx:
        number, chosen = _state(tx)
        if (number is None and not chosen) or (number is not None and not _stale(tx, number)):
            return
    for _ in range(_STEPS):
        with store.write(actor) as tx:
            if not _step(tx):
                return


def _state(tx: Transaction) -> tuple[CollectionId | None, bool]:
    row: Any = _HAS.first(tx, {"actor": tx.actor.id})
    return row.merged, bool(row.chosen)


def _stale(tx: Transaction, number: CollectionId) -> bool:
    known = _known(tx, number)
    wanted = merged.calendars(tx)
    return known.keys() != {one.id for one in wanted} or any(not _is_current(one, known[one.id]) for one in wanted)


def _step(tx: Transaction) -> bool:
    """One transaction's work; whether there is more."""
    number, chosen = _state(tx)
    if number is None:
        if not chosen or not choosing.is_on(tx):
            return False
        try:
            made = tree.create(
                *(tx, SpaceKind.PRIVATE, people.me(tx).name, NAME, Tool.OVERLAY),
                components=("VEVENT",),
                display_name="Overlay",
            )
        except Exists:
            return False  # somebody's own calendar is called so: it stays what it is
        number = made.id
    target = _open(tx, number)
    known = _known(tx, number)
    wanted = {one.id: one for one in merged.calendars(tx)}
    for source in known.keys() - wanted.keys():
        if not _forget(tx, target, source):
            return True
    for source, one in wanted.items():
        row = known.get(source)
        if row is not None and row.key != _key(one):
            if _forget(tx, target, source):
                known.pop(source)
            return True
        if row is None or not _is_current(one, row):
            _follow(tx, target, one, row)
            return True
    return False


def _follow(tx: Transaction, target: Collection, source: Collection, row: Any) -> None:
    """Take over what changed in a calendar since the last look, or its next part."""
    after, bound = (ModSeq(0), ModSeq(0)) if row is None else (row.modseq, row.bound)
    try:
        found = changes.since(tx, source, after, bound=bound, limit=AT_ONCE, brief=True)
    except LogTruncated:
        _forget(tx, target, source.id)
        return
    mark = merged.initials(merged.owner_of(source))
    names = [one[0] for one in found.items]  # plain tuples
    prepare = kinds.of(Tool.OVERLAY).prepare
    gone = set(found.removed)
    for name, item in items.many(tx, source, names).items():
        copy = _name(source.id, name)
        try:
            if item.component != "VEVENT" or item.body is None:
                raise NotFound(name)
            body = _ALARMS.sub(b"", _PERSONAL.sub(b"", merged.marked(item.body, mark, source.id)))
            with tx.db.begin_nested():
                items.put(tx, target, copy, prepare(body, "text/calendar"), schedule=False, foreign=Foreign.UNMANAGED)
        except StorageError:
            gone.add(name)
    _remove(tx, target, [_name(source.id, name) for name in gone])
    here = sa.and_(sources.c.collection_id == target.id, sources.c.source_id == source.id)
    values = {"key": _key(source), "modseq": found.modseq, "bound": found.bound}
    if row is None:
        tx.db.execute(sa.insert(sources).values(collection_id=target.id, source_id=source.id, **values))
    else:
        tx.db.execute(sa.update(sources).where(here).values(**values))


def _forget(tx: Transaction, target: Collection, source: CollectionId) -> bool:
    """Remove copies of one calendar's events; whether all are gone, and it is to be read anew."""
    first, last = f"{source}-", f"{source}."
    query = sa.select(item_table.c.name).where(
        item_table.c.collection_id == target.id, item_table.c.name > first, item_table.c.name < last
    )
    names = tx.db.execute(query.limit(AT_ONCE)).scalars().all()
    _remove(tx, target, names)
    if len(names) == AT_ONCE:
        return False
    here = sa.and_(sources.c.collection_id == target.id, sources.c.source_id == source)
    tx.db.execute(sa.delete(sources).where(here))
    return True


def _remove(tx: Transaction, target: Collection, names: Sequence[str]) -> None:
    for name in viewing.seen_among(tx, target, names):
        items.delete(tx, target, name, schedule=False)


def _known(tx: Transaction, number: CollectionId) -> dict[CollectionId, Any]:
    return {CollectionId(row.source_id): row for row in _KNOWN.all(tx, {"merged": number})}


def _is_current(one: Collection, row: Any) -> bool:
    return bool(row.key == _key(one) and row.modseq == one.modseq and not row.bound)


def _key(one: Collection) -> str:
    """What makes all copies of a calendar wrong when it changes: how much is seen of it, and what it is called."""
    seen = (1, one.uid_validity, one.view.value, one.relation.value, merged.initials(merged.owner_of(one)))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def _name(source: CollectionId, name: str) -> str:
    return f"{source}-{hashlib.sha256(name.encode()).hexdigest()[:32]}.ics"


def _open(tx: Transaction, number: CollectionId) -> Collection:
    """The collection for the suite's own hand: nobody else writes there. Its row is locked."""
    found = tree.by_id(tx, number)
    found = tree.find(tx, SpaceKind.PRIVATE, found.space.name, found.name)
    return replace(found, rights=found.rights | Right.ADD | Right.EDIT | Right.DELETE)
