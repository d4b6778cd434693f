"""Granting and withdrawing rights: who may, to whom, what follows (ACL-04, ACL-07…11, ACL-20, SYS-10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from storage import acl, changes, closed_roots, filing, numbering, rights, viewing
from storage import collections as tree
from storage.errors import Denied, Fixed, NotFound, Refused
from storage.rights import Scope
from storage.schema import collections, grants, items, memberships, principals
from storage.store import Transaction
from storage.types import (
    FOLDER_TOOLS,
    Actor,
    Collection,
    CollectionId,
    Principal,
    PrincipalId,
    Relation,
    Right,
    SpaceKind,
    Tool,
    View,
)

SHOWS: Final = Right.SEE | Right.EDIT | Right.SEE_FOLDER
"""Rights whose change alters what the grantee's next synchronisation must tell him."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """One person, or all members of a group, and what was granted to exactly that entry."""

    grantee: Principal
    group: str
    """The common group under which the row is shown (ACL-28)."""
    all_members: bool
    granted: Right
    held: Right
    """What these people hold in effect, defaults and other entries included."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The access screen of one collection or item (ACL-28)."""

    rights: tuple[Right, ...]
    """The columns: what can be granted here."""
    rows: tuple[GridRow, ...]


def grant(
    tx: Transaction, collection: Collection, grantee: Principal, right: Right, item_name: str | None = None
) -> None:
    """Give `right` (one or several) to a person, or to all members of a group, future ones included.

    Raises:
        Fixed: tables 3.2 and 3.3 do not let this right change here (ACL-11).
        Denied: the actor does not set rights here (ACL-07).
        Refused: the grantee cannot hold it (ACL-04), or lacks what it presupposes (ACL-20).
    """
    item = _item(tx, collection, item_name)
    _may_set(tx, collection, item)
    if not right:
        return
    for one in right:
        _demand_changeable(collection, one, item is not None)
    _demand_possible(tx, collection, grantee)
    if collection.tool is Tool.CONTACTS and item is None and right & (Right.ADD | Right.DELETE):
        held = right | _effective(tx, collection, grantee)
        if not held & Right.SEE:
            raise Refused("adding and deleting contacts needs the right to see the list: grant SEE first")
    if item is not None and item.restricted and grantee.kind is SpaceKind.GROUP and right & Right.SEE:
        tx.db.execute(sa.update(items).where(items.c.id == item.id).values(restricted=False))
    _add(tx, collection.id, item, grantee.id, right)
    _tell(tx, collection, item, grantee, right)


def withdraw(
    tx: Transaction, collection: Collection, grantee: Principal, right: Right, item_name: str | None = None
) -> None:
    """Take `right` back; taking it from "all members" leaves one entry a present member (ACL-09).

    *See* goes with what shows the same: nobody may edit what was hidden from him.

    Raises:
        Fixed, Denied: as in `grant`.
        Refused: a member holds it only through the "all members" entry: withdraw that first.
    """
    item = _item(tx, collection, item_name)
    _may_set(tx, collection, item)
    for one in right:
        _demand_changeable(collection, one, item is not None)
    shown = right & Right.SEE if item is not None else right & Right.SEE_FOLDER
    if shown and _is_shown_to_all(tx, collection, item):
        raise Refused("what is public is seen by everybody: take it from the public first (DOC-41)")
    if right & Right.SEE:
        right |= _seen_by(collection, item)
    if grantee.kind is SpaceKind.GROUP:
        taken = _withdraw_from_all(tx, collection, item, grantee, right)
    else:
        if item is not None and right & Right.SEE and _seen_by_default(collection) and not item.restricted:
            raise Refused("all members see this item: withdraw SEE from the whole group first (ACL-09)")
        taken = _remove(tx, collection.id, item, grantee.id, right)
        if not taken and (through := _held_through(tx, collection, item, grantee, right)):
            raise Refused(f"held by all members of {through}: withdraw it from the whole group first (ACL-09)")
    if not taken:
        return  # the entry gave nothing of it: for nobody anything changes
    _tell(tx, collection, item, grantee, taken, lost=taken)


def grid(tx: Transaction, collection: Collection, item_name: str | None = None) -> Grid:
    """Who could be granted what here, and who was: people under their common groups, "all" first.

    Raises:
        Denied: the actor does not set rights here.
    """
    item = _item(tx, collection, item_name)
    _may_set(tx, collection, item)
    table = rights.TABLES.get((collection.space.kind, collection.tool), ())
    wanted = (Scope.ITEM, Scope.BOTH) if item is not None else (Scope.COLLECTION, Scope.BOTH)
    columns = tuple(row.right for row in table if row.granted_per in wanted)
    given = _entries(tx, collection.id, item)
    rows: list[GridRow] = []
    everybody = Right.NONE
    if _is_shown_to_all(tx, collection, item):
        everybody = Right.SEE_FOLDER if item is None else Right.SEE
    for group, people in _circles(tx, collection):
        whole = given.get(group.id, Right.NONE)
        if item is not None and _seen_by_default(collection) and not item.restricted:
            whole |= Right.SEE
        rows.append(GridRow(group, group.name, True, whole, _with_sight(collection, whole | everybody)))
        for person in people:
            one = given.get(person.id, Right.NONE)
            default = rights.defaults(collection.space.kind, collection.tool, _standing(tx, collection, person))
            if item is not None and item.restricted and _seen_by_default(collection) and person.id != item.creator_id:
                default &= ~Right.SEE  # ACL-09: it was unticked for "all members"
            held = _with_sight(collection, default | one | whole | everybody)
            rows.append(GridRow(person, group.name, False, one, held))
    return Grid(columns, tuple(rows))


def speakers(tx: Transaction, owner: Principal) -> list[tuple[Principal, Right]]:
    """Who may send in an account's name, persons and whole groups, by what was granted on its calendars (MTG-16).

    Raises:
        Denied, NotFound: the actor does not set rights there.
    """
    acl.demand_owner(tx, owner)
    query = (
        sa.select(principals, grants.c.rights)
        .join(grants, grants.c.grantee_id == principals.c.id)
        .join(collections, collections.c.id == grants.c.collection_id)
        .where(
            collections.c.space_id == owner.id,
            collections.c.tool == Tool.CALENDAR.value,
            grants.c.item_id.is_(None),
        )
        .order_by(principals.c.id)
    )
    held: dict[Principal, Right] = {}
    for row in tx.db.execute(query):
        one = _principal(row)
        held[one] = held.get(one, Right.NONE) | Right(row.rights)
    found = ((one, rights.speaking(right)) for one, right in held.items())
    return [(one, right) for one, right in found if right]


def lapse(tx: Transaction, account: PrincipalId) -> None:
    """Delete the grants that ended because `account` left a group, and tell those concerned (ACL-10).

    To be called after the membership row is gone. Re-joining restores nothing.
    """
    theirs = memberships.alias("theirs")
    mine = sa.select(memberships.c.group_id).where(memberships.c.account_id == account)
    still = sa.select(theirs.c.account_id).where(theirs.c.group_id.in_(mine)).union(sa.select(sa.literal(account)))
    query = (
        sa.select(grants.c.id, grants.c.collection_id, grants.c.item_id, grants.c.grantee_id, grants.c.rights)
        .join(collections, collections.c.id == grants.c.collection_id)
        .join(principals, principals.c.id == collections.c.space_id)
        .order_by(grants.c.collection_id, grants.c.item_id)
        .where(
            sa.or_(
                sa.and_(  # to him, in a group that he left
                    grants.c.grantee_id == account,
                    principals.c.kind == SpaceKind.GROUP.value,
                    collections.c.space_id.not_in(mine),
                ),
                sa.and_(  # to him, from someone who is no co-member any more
                    grants.c.grantee_id == account,
                    principals.c.kind == SpaceKind.PRIVATE.value,
                    collections.c.space_id.not_in(still),
                ),
                sa.and_(  # from him: to someone who is no co-member, or to a group that he left
                    collections.c.space_id == account,
                    grants.c.grantee_id.not_in(still),
                    grants.c.grantee_id.not_in(mine),
                ),
            )
        )
    )
    lost: list[tuple[CollectionId, list[PrincipalId], Right]] = []
    for row in numbering.held(tx, lambda: tx.db.execute(query).all()):
        viewers = _people(tx, PrincipalId(row.grantee_id))
        tx.db.execute(sa.delete(grants).where(grants.c.id == row.id))
        if not Right(row.rights) & SHOWS:
            continue
        if row.item_id is None:
            changes.view_changed(tx, CollectionId(row.collection_id), viewers)
            lost.append((CollectionId(row.collection_id), viewers, Right(row.rights)))
        else:
            changes.item_view_changed(tx, CollectionId(row.collection_id), row.item_id, viewers)
    for one in lost:  # a root closes after what is in it
        sight_lost(tx, *one)


def sight_lost(tx: Transaction, number: CollectionId, viewers: Iterable[PrincipalId], lost: Right) -> None:
    """Let what these people saw only by `lost`, which ended, vanish at their next synchronisation (SYS-10).

    To be called when the grant or the membership is gone. Whoever saw all of a private collection and sees
    less now loses the items that have no busy block; for what has one, he is told the block.
    """
    row = tx.db.execute(
        sa.select(collections.c.tool, collections.c.space_id, principals.c.kind)
        .join(principals, principals.c.id == collections.c.space_id)
        .where(collections.c.id == number)
    ).one()
    kind, tool = SpaceKind(row.kind), Tool(row.tool)
    if kind is not SpaceKind.PRIVATE or tool is Tool.CONTACTS:
        return
    if tool in FOLDER_TOOLS:
        if lost & Right.SEE_FOLDER:
            closed_roots.close(tx, number, viewers)
        return
    for viewer in sorted(set(viewers)):
        his = replace(tx, actor=Actor(viewer, ""), access={})
        who, grantees = acl.relation(his, PrincipalId(row.space_id), kind)
        held = acl.judge(his, number, kind, tool, who, grantees)
        if acl.view(kind, tool, held) is View.FULL or acl.view(kind, tool, held | lost) is not View.FULL:
            continue
        query = sa.select(items.c.id).where(items.c.collection_id == number, items.c.hidden_modseq == 0)
        if tool is Tool.CALENDAR:
            query = query.where(items.c.freed_modseq > 0)
        changes.items_view_changed(tx, number, tx.db.execute(query).scalars().all(), [viewer])


def _item(tx: Transaction, collection: Collection, name: str | None) -> Any:
    if name is None:
        return None
    query = sa.select(items.c.id, items.c.name, items.c.creator_id, items.c.restricted).where(
        items.c.collection_id == collection.id, items.c.name == name
    )
    row = tx.db.execute(query).first()
    if row is None or not viewing.load(tx, collection, items.c.id == row.id, body=False):
        raise NotFound(name)
    return row


def _is_shown_to_all(tx: Transaction, collection: Collection, item: Any) -> bool:
    """DOC-41: who sees what is public, for itself or in the published `web`, is not a matter of grants."""
    if collection.tool not in FOLDER_TOOLS:
        return False
    return _is_public(tx, collection.id, item) or acl.is_published(tx, collection)


def _is_public(tx: Transaction, collection: CollectionId, item: Any) -> bool:
    query = sa.select(collections.c.public).where(collections.c.id == collection)
    if item is not None:
        query = sa.select(items.c.public).where(items.c.id == item.id)
    return bool(tx.db.execute(query).scalar())


def _may_set(tx: Transaction, collection: Collection, item: Any) -> None:
    """ACL-07: the owner; in groups the administrators for the whole, the creator for his item."""
    where = tree.path(collection) + (f"/{item.name}" if item is not None else "")
    if collection.relation in (Relation.OWNER, Relation.SITE):
        return
    if item is None:
        acl.demand(collection.rights, Right.ADMINISTER, where)
    elif collection.space.kind is not SpaceKind.GROUP or (
        item.creator_id != tx.actor.id
        and not (collection.tool is Tool.CONTACT_LISTS and collection.rights & Right.ADMINISTER)
    ):
        raise Denied(Right.ADMINISTER, where)


def _demand_changeable(collection: Collection, right: Right, on_item: bool) -> None:
    row = rights.rule(collection.space.kind, collection.tool, right)
    name = (right.name or "").lower().replace("_", " ")
    if row is None or not row.changeable:
        raise Fixed(f"the right to {name} cannot be changed for {collection.tool.value} (ACL-11)")
    level = Scope.ITEM if on_item else Scope.COLLECTION
    if row.granted_per not in (level, Scope.BOTH):
        raise Fixed(f"the right to {name} is granted per {row.granted_per.value} (ACL-11)")


def _demand_possible(tx: Transaction, collection: Collection, grantee: Principal) -> None:
    space = collection.space
    if grantee.id == space.id:
        if space.kind is SpaceKind.GROUP:
            return
        raise Refused("the owner holds every right already (ACL-03)")
    if grantee.kind is SpaceKind.GROUP:
        home = space.id if space.kind is SpaceKind.PRIVATE else PrincipalId(-1)
        joined = sa.select(memberships.c.group_id).where(
            memberships.c.group_id == grantee.id, memberships.c.account_id == home
        )
        if tx.db.execute(joined.with_for_update(read=True)).first():
            return
        raise Refused(f"{space.name} is not a member of {grantee.name}, so its members cannot be granted rights")
    if _standing(tx, collection, grantee, hold=True) is Relation.STRANGER:
        needed = "a member of" if space.kind is SpaceKind.GROUP else "in a common group with"
        raise Refused(f"{grantee.name} is not {needed} {space.name} and must join first (ACL-04)")


def _standing(tx: Transaction, collection: Collection, person: Principal, *, hold: bool = False) -> Relation:
    """What somebody is where something is granted; with `hold` he stays it until the commit (PostgreSQL, ACL-10)."""
    theirs = memberships.alias("theirs")
    if person.id == collection.space.id:
        return Relation.OWNER
    if collection.space.kind is SpaceKind.GROUP:
        query = sa.select(memberships.c.role).where(
            memberships.c.group_id == collection.space.id, memberships.c.account_id == person.id
        )
        role = tx.db.execute(query.with_for_update(read=True) if hold else query).scalar()
        known = {"admin": Relation.ADMIN, "co-admin": Relation.CO_ADMIN, "member": Relation.MEMBER}
        return known.get(role or "", Relation.STRANGER)
    common = (
        sa.select(memberships.c.group_id)
        .join(theirs, theirs.c.group_id == memberships.c.group_id)
        .where(memberships.c.account_id == person.id, theirs.c.account_id == collection.space.id)
    )
    common = common.with_for_update(read=True) if hold else common.limit(1)
    return Relation.CO_MEMBER if tx.db.execute(common).first() else Relation.STRANGER


def _effective(tx: Transaction, collection: Collection, grantee: Principal) -> Right:
    given = _entries(tx, collection.id, None)
    held = given.get(grantee.id, Right.NONE)
    if grantee.kind is SpaceKind.PRIVATE:
        held |= rights.defaults(collection.space.kind, collection.tool, _standing(tx, collection, grantee))
        joined = sa.select(memberships.c.group_id).where(memberships.c.account_id == grantee.id)
        for group in tx.db.execute(joined).scalars():
            held |= given.get(group, Right.NONE)
    elif collection.space.kind is SpaceKind.GROUP:
        held |= rights.defaults(collection.space.kind, collection.tool, Relation.MEMBER)
    return held


def _seen_by(collection: Collection, item: Any) -> Right:
    """What goes together with *see*: in an address book adding and deleting (ACL-20), elsewhere *edit*."""
    if collection.tool is not Tool.CONTACTS:
        return Right.EDIT
    return Right.ADD | Right.DELETE if item is None else Right.NONE


def _with_sight(collection: Collection, held: Right) -> Right:
    """Rights as they work: whoever may edit what has a *see* of its own sees it."""
    return held | Right.SEE if held & Right.EDIT and collection.tool is not Tool.CONTACTS else held


def _seen_by_default(collection: Collection) -> bool:
    row = rights.rule(collection.space.kind, collection.tool, Right.SEE)
    return row is not None and row.changeable and rights.Holder.MEMBERS in row.holders


def _entries(tx: Transaction, collection: CollectionId, item: Any) -> dict[int, Right]:
    query = sa.select(grants.c.grantee_id, grants.c.rights).where(
        grants.c.collection_id == collection, grants.c.item_id == (item.id if item is not None else None)
    )
    return {row.grantee_id: Right(row.rights) for row in tx.db.execute(query)}


def _where(collection: CollectionId, item: Any, grantee: PrincipalId) -> sa.ColumnElement[bool]:
    return sa.and_(
        grants.c.collection_id == collection,
        grants.c.item_id == (item.id if item is not None else None),
        grants.c.grantee_id == grantee,
    )


def _held_through(tx: Transaction, collection: Collection, item: Any, person: Principal, right: Right) -> str:
    """The group by whose entry a person holds `right`, or ""."""
    query = (
        sa.select(principals.c.name)
        .join(grants, grants.c.grantee_id == principals.c.id)
        .join(memberships, memberships.c.group_id == principals.c.id)
        .where(
            grants.c.collection_id == collection.id,
            grants.c.item_id == (item.id if item is not None else None),
            grants.c.rights.op("&")(right.value) != 0,
            memberships.c.account_id == person.id,
        )
        .order_by(principals.c.name)
    )
    return tx.db.execute(query).scalar() or ""


def _add(tx: Transaction, collection: CollectionId, item: Any, grantee: PrincipalId, right: Right) -> None:
    here = _where(collection, item, grantee)
    present = tx.db.execute(sa.select(grants.c.rights).where(here)).scalar()
    if present is not None:
        united = {"rights": present | right.value, "granted_by": tx.actor.id}
        tx.db.execute(sa.update(grants).where(here).values(united))
        return
    number = numbering.take_for_viewer(tx, collection)
    tx.db.execute(
        sa.insert(grants).values(
            collection_id=collection,
            item_id=item.id if item is not None else None,
            grantee_id=grantee,
            rights=right.value,
            granted_by=tx.actor.id,
            since_modseq=number,
            created=tx.now,
        )
    )


def _remove(tx: Transaction, collection: CollectionId, item: Any, grantee: PrincipalId, right: Right) -> Right:
    """Take `right` out of one entry, and return what of it the entry gave."""
    here = _where(collection, item, grantee)
    present = tx.db.execute(sa.select(grants.c.rights).where(here)).scalar()
    if present is None:
        return Right.NONE
    left = Right(present) & ~right
    if left:
        tx.db.execute(sa.update(grants).where(here).values(rights=left.value))
    else:
        tx.db.execute(sa.delete(grants).where(here))
    return Right(present) & right


def _withdraw_from_all(tx: Transaction, collection: Collection, item: Any, group: Principal, right: Right) -> Right:
    """ACL-09: the entry becomes one entry a present member; only then can single ones be taken away."""
    held = _entries(tx, collection.id, item).get(group.id, Right.NONE) & right
    everybody = group.id == collection.space.id and _seen_by_default(collection)
    if item is not None and right & Right.SEE and everybody and not item.restricted:
        tx.db.execute(sa.update(items).where(items.c.id == item.id).values(restricted=True))
        held |= Right.SEE
    if not held:
        return Right.NONE
    _remove(tx, collection.id, item, group.id, held)
    keeps_all = item.creator_id if item is not None else collection.space.id
    for person in _people(tx, group.id):
        if person not in (keeps_all, collection.space.id):
            _add(tx, collection.id, item, person, held)
    return held


def _tell(
    tx: Transaction, collection: Collection, item: Any, grantee: Principal, right: Right, lost: Right = Right.NONE
) -> None:
    viewing.forget_access(tx, collection.id)
    tx.touched.add(collection.id)
    viewers = [person for person in _people(tx, grantee.id) if person != collection.space.id]
    if right & Right.DELETE and item is None:
        _tell_of_trash(tx, collection, viewers)
    if not right & SHOWS:
        return
    if item is None:
        changes.view_changed(tx, collection.id, viewers)
        if lost:
            sight_lost(tx, collection.id, viewers, lost)
    else:
        changes.item_view_changed(tx, collection.id, item.id, viewers)


def _tell_of_trash(tx: Transaction, collection: Collection, viewers: list[PrincipalId]) -> None:
    """DOC-26, SYS-10: a group's Trash comes and goes with the right to delete in the root of its documents."""
    if collection.space.kind is not SpaceKind.GROUP or collection.name != filing.DOCS:
        return
    path = filing.join(filing.DOCS, filing.TRASH)
    here = sa.and_(collections.c.space_id == collection.space.id, collections.c.path == path)
    changes.view_changed(tx, tx.db.execute(sa.select(collections.c.id).where(here)).scalar_one(), viewers)


def _people(tx: Transaction, grantee: PrincipalId) -> list[PrincipalId]:
    """The accounts behind a grantee: himself, or a group's present members."""
    query = sa.select(memberships.c.account_id).where(memberships.c.group_id == grantee)
    members = [PrincipalId(number) for number in tx.db.execute(query).scalars()]
    if members:
        return members
    kind = tx.db.execute(sa.select(principals.c.kind).where(principals.c.id == grantee)).scalar()
    return [grantee] if kind == SpaceKind.PRIVATE.value else []


def _circles(tx: Transaction, collection: Collection) -> list[tuple[Principal, list[Principal]]]:
    """The owner's groups with their other members, or the one group with its members."""
    space = collection.space
    query = (
        sa.select(memberships.c.group_id, principals)
        .join(principals, principals.c.id == memberships.c.account_id)
        .order_by(principals.c.name_fold)
    )
    if space.kind is SpaceKind.GROUP:
        query = query.where(memberships.c.group_id == space.id)
    else:
        own = sa.select(memberships.c.group_id).where(memberships.c.account_id == space.id)
        query = query.where(memberships.c.group_id.in_(own), memberships.c.account_id != space.id)
    people: dict[int, list[Principal]] = {}
    for row in tx.db.execute(query):
        people.setdefault(row.group_id, []).append(_principal(row))
    groups = tx.db.execute(
        sa.select(principals).where(principals.c.id.in_(list(people))).order_by(principals.c.name_fold)
    )
    return [(_principal(row), people[row.id]) for row in groups]


def _principal(row: Any) -> Principal:
    return Principal(PrincipalId(row.id), SpaceKind(row.kind), row.name, row.display_name, row.email)
