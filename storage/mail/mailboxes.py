"""The mailboxes of the actor: listed, found, made, renamed, deleted, subscribed (MSG-36…40, IMAP-05).

Messages are always personal (MSG-67): an actor sees his own mailboxes, and there are no others for him.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage import quota
from storage.errors import Denied, Exists, Fixed, LimitReached, NotFound
from storage.mail import listing_changes, metadata, names, numbers
from storage.mail.tables import auto_replies, mailboxes, subscriptions, thread_moves
from storage.mail.types import INBOX, SEPARATOR, SYSTEM, TRASH, Mailbox, Use
from storage.schema import accounts, collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId, PrincipalId, Right, Tool

MAILBOXES_MAX: Final = 10_000
SUBSCRIPTIONS_MAX: Final = 20_000

_COLUMNS: Final = (
    *(collections.c[name] for name in ("id", "path", "uid_validity", "uid_next", "item_count", "octets", "modseq")),
    *(mailboxes.c[name] for name in ("use", "system", "unseen", "deleted", "keywords")),
)
_mine: Final = (
    sa.select(*_COLUMNS)
    .join(mailboxes, mailboxes.c.collection_id == collections.c.id)
    .where(collections.c.space_id == sa.bindparam("actor"), collections.c.tool == Tool.MESSAGES.value)
)
_subscribed: Final = (
    sa.select(sa.literal(1))
    .where(
        subscriptions.c.account_id == sa.bindparam("actor"),
        subscriptions.c.name == sa.func.substr(collections.c.path, len(names.PREFIX) + 1),
    )
    .exists()
)
_child: Final = collections.alias("child")
_has_children: Final = sa.select(sa.literal(1)).where(_child.c.parent_id == collections.c.id).exists()
_one: Final = _mine.add_columns(_subscribed.label("subscribed"), _has_children.label("children"))
_EVERY: Final = Statement(_one)
_FIND: Final = Statement(_one.where(collections.c.path == sa.bindparam("path")))
_FIND_TO_WRITE: Final = Statement(
    _one.where(collections.c.path == sa.bindparam("path")).with_for_update(of=collections)
)
_LOCK_BESIDE: Final = Statement(
    sa.select(collections.c.id)
    .where(
        collections.c.space_id == sa.bindparam("actor"),
        sa.or_(collections.c.path == sa.bindparam("path"), collections.c.id == sa.bindparam("beside")),
    )
    .order_by(collections.c.id)
    .with_for_update()
)
_LOCK_LIST: Final = Statement(
    # Mails may come meanwhile: what refers to the account does not wait for this lock.
    sa.select(accounts.c.id).where(accounts.c.id == sa.bindparam("actor")).with_for_update(key_share=True)
)
# Nothing that is asked for lists only.
_to_fill: Final = (
    _mine.add_columns(sa.false().label("subscribed"), sa.false().label("children"), quota.LIMITS.label("limits"))
    .where(collections.c.path == sa.bindparam("path"))
    .with_for_update(of=collections)
)
_FIND_TO_FILL: Final = Statement(_to_fill)
_FIND_TO_DELIVER: Final = Statement(
    _to_fill.add_columns(
        sa.select(auto_replies.c.state)
        .where(auto_replies.c.account_id == sa.bindparam("actor"))
        .scalar_subquery()
        .label("answers"),
        sa.select(thread_moves.c.thread)
        .where(thread_moves.c.account_id == sa.bindparam("actor"))
        .limit(1)
        .scalar_subquery()
        .label("moves"),
    )
)
_BY_ID: Final = Statement(_one.where(collections.c.id == sa.bindparam("number")))
_NAMES: Final = Statement(sa.select(subscriptions.c.name).where(subscriptions.c.account_id == sa.bindparam("actor")))
_RANK: Final = {kept.name: rank for rank, kept in enumerate(SYSTEM)}


def create_defaults(tx: Transaction, account: PrincipalId) -> None:
    """Give a new account its system folders, all subscribed (MSG-36, IMAP-05)."""
    for kept in SYSTEM:
        _insert(tx, account, kept.name, kept.use, None, system=True)
        tx.db.execute(sa.insert(subscriptions).values(account_id=account, name=kept.name))


def every(tx: Transaction) -> list[Mailbox]:
    """All of the actor's, INBOX first, then the system folders, then the others by name (MSG-37)."""
    found = [value(row) for row in _EVERY.all(tx, {"actor": tx.actor.id})]
    return sorted(found, key=lambda one: _order(one.name))


def find(tx: Transaction, name: str, beside: CollectionId | None = None) -> Mailbox:
    """The mailbox of that name, INBOX in any case; in a writing transaction its row is locked from here on.

    `beside` is a mailbox that is written to as well: both are locked, in the order of `numbers.lock`.

    Raises:
        NotFound: the actor has none.
    """
    if beside is not None and tx.writing and not tx.store.engines.sqlite:
        _LOCK_BESIDE.all(tx, {"actor": tx.actor.id, "path": _path(name), "beside": beside})
    row = (_FIND_TO_WRITE if tx.writing else _FIND).first(tx, {"actor": tx.actor.id, "path": _path(name)})
    if row is None:
        raise NotFound(f"there is no mailbox {name}")
    return value(row)


def to_fill(tx: Transaction, name: str) -> tuple[Mailbox, bool]:
    """The mailbox as `find` gives and locks it, and whether the actor's plan says how much mail he may keep.

    Whether it is subscribed and has subfolders is not looked up, here as in `to_deliver`.

    Raises:
        NotFound: as in `find`.
    """
    row = _FIND_TO_FILL.first(tx, {"actor": tx.actor.id, "space": tx.actor.id, "path": _path(name)})
    if row is None:
        raise NotFound(f"there is no mailbox {name}")
    return value(row), quota.is_limited(row.limits, Tool.MESSAGES)


def _path(name: str) -> str:
    try:
        return names.path(names.clean(name))
    except names.BadName:
        raise NotFound(f"there is no mailbox {name}") from None


class Place(NamedTuple):
    """Where a mail is delivered to, and what else is asked at every delivery."""

    mailbox: Mailbox
    limited: bool
    """The actor's plan says how much mail he may keep."""
    answers: bool
    """He may be away, and have mails answered (storage/mail/absence.py)."""
    moves: bool
    """Some threads go elsewhere (storage/mail/thread_moves.py)."""


def to_deliver(tx: Transaction, name: str) -> Place:
    """The mailbox of that very name, a system folder's, locked as `find` does.

    Raises:
        NotFound: the actor has none.
    """
    values = {"actor": tx.actor.id, "space": tx.actor.id, "path": names.path(name)}
    row = _FIND_TO_DELIVER.first(tx, values)
    if row is None:
        raise NotFound(f"there is no mailbox {name}")
    limited = quota.is_limited(row.limits, Tool.MESSAGES)
    return Place(value(row), limited, bool(row.answers), row.moves is not None)


def by_id(tx: Transaction, number: CollectionId) -> Mailbox:
    """The mailbox of that number.

    Raises:
        NotFound: it is gone, or somebody else's.
    """
    row = _BY_ID.first(tx, {"actor": tx.actor.id, "number": number})
    if row is None:
        raise NotFound(str(number))
    return value(row)


def to_write(condition: sa.ColumnElement[bool]) -> Statement:
    """Find what `condition` says among the actor's (bind `actor`), locked from there on; rows are for `value`."""
    return Statement(_one.where(condition).with_for_update(of=collections))


def _list(tx: Transaction) -> dict[str, Mailbox]:
    """All of the actor's by name, of which none comes, goes or is renamed by others until the commit (PostgreSQL).

    Taken before the lock of any single mailbox; their counters may be older.
    """
    if not tx.store.engines.sqlite:
        _LOCK_LIST.first(tx, {"actor": tx.actor.id})
    return {one.name: one for one in every(tx)}


def _listed(present: Mapping[str, Mailbox], name: str) -> Mailbox:
    found = present.get(_path(name)[len(names.PREFIX) :])
    if found is None:
        raise NotFound(f"there is no mailbox {name}")
    return found


def _tree(present: Mapping[str, Mailbox], top: Mailbox) -> list[Mailbox]:
    """A mailbox and all below it."""
    return [one for one in present.values() if one.name == top.name or one.name.startswith(top.name + SEPARATOR)]


def _nearest(present: Mapping[str, Mailbox], name: str) -> Mailbox | None:
    """The lowest mailbox above that name that there is: what comes below it refers to it, and waits for its lock."""
    while name := names.parent(name):
        if name in present:
            return present[name]
    return None


def create(tx: Transaction, name: str, use: str = "") -> Mailbox:
    """Make a mailbox, and those above it that are missing (RFC 9051 §6.3.4).

    `use` is a SPECIAL-USE attribute for it (RFC 6154 §3).

    Raises:
        BadName: no mailbox can have this name.
        Exists: there is one.
        Fixed: it would lie in a system folder without subfolders (MSG-38), or somebody else has that use.
        LimitReached: the actor has too many.
    """
    whole = names.clean(name)
    names.check_place(whole)
    present = _list(tx)
    if whole in present:
        raise Exists(whole)
    if use and use not in {known.value for known in Use}:
        raise names.BadName(f"{use} is no use that a mailbox can have")
    if use and any(one.use == use for one in present.values()):
        raise Fixed(f"another mailbox is used for {use} already")
    parts = whole.split(SEPARATOR)
    missing = [above for end in range(1, len(parts) + 1) if (above := SEPARATOR.join(parts[:end])) not in present]
    if len(present) + len(missing) > MAILBOXES_MAX:
        raise LimitReached("mailboxes", MAILBOXES_MAX)
    known = {one.name: one.id for one in present.values()}
    for above in missing:
        above_id = known.get(names.parent(above))
        known[above] = _insert(tx, tx.actor.id, above, use if above == whole else "", above_id)
    listing_changes.note(tx)
    return by_id(tx, known[whole])


def rename(tx: Transaction, name: str, new: str) -> None:
    """Give a mailbox and all below it another name; their subscriptions go along (RFC 9051 §6.3.6).

    Renaming INBOX moves its mails to a new mailbox instead.

    Raises:
        NotFound, BadName, Exists: as in `find` and `create`.
        Fixed: a system folder keeps its name (MSG-36); the new place takes no subfolders, or is below the old one.
    """
    whole = names.clean(new)
    names.check_place(whole)
    present = _list(tx)
    source = _listed(present, name)
    if source.name == INBOX:
        from storage.mail import moving

        moving.move_all(tx, source, create(tx, whole))
        return
    if source.system:
        raise Fixed(f"{source.name} keeps its name")
    if whole.startswith(source.name + SEPARATOR):
        raise Fixed("a mailbox cannot lie in itself")
    if whole in present:
        raise Exists(whole)
    moved = _tree(present, source)
    place = _nearest(present, whole)
    numbers.lock(tx, *(one.id for one in moved), *(() if place is None else (place.id,)))
    for one in moved:
        names.clean(whole + one.name[len(source.name) :])
    above = names.parent(whole)
    parent: CollectionId | None = None
    if above:
        parent = present[above].id if above in present else create(tx, above).id
    for one in moved:
        fresh = whole + one.name[len(source.name) :]
        values: dict[str, Any] = {"name": names.leaf(fresh), "path": names.path(fresh)}
        if one.id == source.id:
            values["parent_id"] = parent
        numbers.take(tx, one.id)
        tx.db.execute(sa.update(collections).where(collections.c.id == one.id).values(values))
        if one.subscribed:
            _subscribe(tx, one.name, on=False)
            _subscribe(tx, fresh, on=True)
    listing_changes.note(tx)


def delete(tx: Transaction, name: str) -> list[Mailbox]:
    """Remove a mailbox with its subfolders; what is in them goes to Trash (MSG-39). Gives what went, itself first.

    What was in Trash or below goes for good.

    Raises:
        NotFound: there is none.
        Fixed: it is a system folder (MSG-36).
    """
    from storage.mail import moving

    present = _list(tx)
    source = _listed(present, name)
    if source.system:
        raise Fixed(f"{source.name} cannot be deleted")
    trash = present[TRASH]
    doomed = _tree(present, source)
    numbers.lock(tx, trash.id, *(one.id for one in doomed))
    for one in sorted(doomed, key=lambda box: box.name.count(SEPARATOR), reverse=True):
        if one.name.startswith(TRASH + SEPARATOR):
            moving.remove_all(tx, one)
        else:
            moving.move_all(tx, one, trash)
        tx.db.execute(sa.delete(collections).where(collections.c.id == one.id))
        metadata.forget(tx, one.id)
        tx.touched.add(one.id)
    listing_changes.note(tx)
    return [source, *(one for one in doomed if one is not source)]


def subscribe(tx: Transaction, name: str, on: bool) -> None:
    """Put a name on the list of those that clients show, or take it off (RFC 9051 §6.3.7).

    Raises:
        BadName: no mailbox can have it.
        LimitReached: too many names.
    """
    whole = names.clean(name)
    if not tx.store.engines.sqlite:
        _LOCK_LIST.first(tx, {"actor": tx.actor.id})
    if on and len(_NAMES.scalars(tx, {"actor": tx.actor.id})) >= SUBSCRIPTIONS_MAX:
        raise LimitReached("subscriptions", SUBSCRIPTIONS_MAX)
    _subscribe(tx, whole, on=on)
    listing_changes.note(tx)


def subscribed_names(tx: Transaction) -> list[str]:
    """The names on the list, in the order of `every`; mailboxes of that name need not exist."""
    return sorted(_NAMES.scalars(tx, {"actor": tx.actor.id}), key=_order)


def _subscribe(tx: Transaction, name: str, *, on: bool) -> None:
    here = sa.and_(subscriptions.c.account_id == tx.actor.id, subscriptions.c.name == name)
    if not on:
        tx.db.execute(sa.delete(subscriptions).where(here))
    elif tx.db.execute(sa.select(subscriptions.c.name).where(here)).first() is None:
        tx.db.execute(sa.insert(subscriptions).values(account_id=tx.actor.id, name=name))


def _order(name: str) -> tuple[int, str, str]:
    top = name.partition(SEPARATOR)[0]
    return _RANK.get(top, len(_RANK)), name.casefold(), name


def value(row: Any) -> Mailbox:
    """Read a row as a mailbox."""
    return Mailbox(
        id=CollectionId(row.id),
        name=row.path[len(names.PREFIX) :],
        use=row.use,
        system=bool(row.system),
        uid_validity=row.uid_validity,
        uid_next=row.uid_next,
        exists=row.item_count,
        unseen=row.unseen,
        deleted=row.deleted,
        octets=row.octets,
        modseq=row.modseq,
        subscribed=bool(row.subscribed),
        has_children=bool(row.children),
        keywords=row.keywords,
    )


def _insert(
    tx: Transaction, space: PrincipalId, name: str, use: str, parent: CollectionId | None, *, system: bool = False
) -> CollectionId:
    if space <= 0:
        raise Denied(Right.ADD, name)
    made = tx.db.execute(
        sa.insert(collections)
        .values(
            space_id=space,
            tool=Tool.MESSAGES.value,
            parent_id=parent,
            name=names.leaf(name),
            path=names.path(name),
            created=tx.now,
            modified=tx.now,
        )
        .returning(collections.c.id)
    ).scalar_one()
    # Ids only grow: one made anew under an old name honours nothing of the old one (RFC 9051 §2.3.1.1).
    tx.db.execute(sa.update(collections).where(collections.c.id == made).values(uid_validity=made))
    tx.db.execute(sa.insert(mailboxes).values(collection_id=made, use=use, system=system))
    return CollectionId(made)
