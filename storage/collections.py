"""Collections: found by path in one read, with the actor's rights judged; made, changed, removed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import acl, locks, numbering
from storage.errors import Conflict, Denied, Exists, Fixed, LimitReached, NotFound
from storage.overlay.tables import subscriptions
from storage.schema import accounts, collections, memberships, principals, viewer_collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import (
    CALENDAR_TOOLS,
    FOLDER_TOOLS,
    SCHEDULE_TOOLS,
    SITE,
    Collection,
    CollectionId,
    ModSeq,
    Principal,
    PrincipalId,
    Relation,
    Right,
    SpaceKind,
    Tool,
    View,
)

COLLECTIONS_PER_SPACE: Final = 500
TEXT_OCTETS: Final = 64 * 1024
_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?\Z")


@dataclass(frozen=True, slots=True)
class Default:
    """A collection that every space of its kind has and nobody can remove."""

    name: str
    tool: Tool
    components: str
    display_name: str


_CALENDAR: Final = "Calendar"
DEFAULTS: Final = (
    Default("events", Tool.CALENDAR, "VEVENT", _CALENDAR),
    Default("tasks", Tool.TASKS, "VTODO", "Tasks"),
    Default("notes", Tool.NOTES, "VJOURNAL", "Notes"),
    Default("contacts", Tool.CONTACTS, "", "Contacts"),
)
INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
SCHEDULING: Final = (
    Default(INBOX, Tool.SCHEDULE_INBOX, "VEVENT VTODO", "Inbox"),
    Default(OUTBOX, Tool.SCHEDULE_OUTBOX, "VFREEBUSY", "Outbox"),
)
"""What every account has beside them; found through its principal, and not listed in its home (RFC 6638 §2)."""
_DEFAULT_NAMES: Final = frozenset(default.name for default in (*DEFAULTS, *SCHEDULING))

_COLUMNS: Final = (
    principals.c.kind,
    principals.c.name.label("space_name"),
    principals.c.display_name.label("space_display_name"),
    principals.c.email.label("space_email"),
    collections,
    viewer_collections.c.modseq.label("viewer_modseq"),
    viewer_collections.c.color.label("viewer_color"),
    viewer_collections.c.position.label("viewer_position"),
)
_JOIN: Final = principals.join(collections, collections.c.space_id == principals.c.id).outerjoin(
    viewer_collections,
    sa.and_(
        viewer_collections.c.collection_id == collections.c.id,
        viewer_collections.c.viewer_id == sa.bindparam("actor"),
    ),
)
_IN_SPACE: Final = (
    sa.select(*_COLUMNS)
    .select_from(_JOIN)
    .where(principals.c.kind == sa.bindparam("kind"), principals.c.name == sa.bindparam("space"))
)
# The folders of the disk are found by storage/folders.py alone, which knows the rights of their chain, and
# mailboxes by storage/mail.
_ELSEWHERE: Final = tuple(sorted(tool.value for tool in FOLDER_TOOLS | {Tool.MESSAGES}))
_IN_HOME: Final = _IN_SPACE.where(sa.and_(*(collections.c.tool != tool for tool in _ELSEWHERE)))
_find: Final = _IN_HOME.where(collections.c.path == sa.bindparam("path"))
_FIND: Final = Statement(_find)
_FIND_TO_WRITE: Final = Statement(_find.with_for_update(of=collections))
_BY_ID: Final = Statement(sa.select(*_COLUMNS).select_from(_JOIN).where(collections.c.id == sa.bindparam("number")))
_SCHEDULING: Final = tuple(sorted(tool.value for tool in SCHEDULE_TOOLS))
_LISTED: Final = _IN_HOME.where(sa.and_(*(collections.c.tool != tool for tool in _SCHEDULING)))
_HOME: Final = Statement(_LISTED.order_by(collections.c.position, collections.c.id))
_SPACE: Final = sa.select(principals).where(
    principals.c.kind == sa.bindparam("kind"), principals.c.name == sa.bindparam("space")
)


class DefaultNeeded(Fixed):
    """Where invitations come to cannot be removed (RFC 6638 §4.3.1.1)."""


def find(tx: Transaction, kind: SpaceKind, space: str, name: str) -> Collection:
    """The collection at a path; in a writing transaction its row is locked from here on.

    Raises:
        NotFound: it does not exist, or the actor may not know of it (SYS-09).
    """
    keys = {"actor": tx.actor.id, "kind": kind.value, "space": space, "path": name}
    row = (_FIND_TO_WRITE if tx.writing else _FIND).first(tx, keys)
    if row is None:
        raise NotFound(name)
    return _judged(tx, row, name)


def by_id(tx: Transaction, number: CollectionId) -> Collection:
    """The collection of this number.

    Raises:
        NotFound: as in `find`.
    """
    row = _BY_ID.first(tx, {"actor": tx.actor.id, "number": number})
    if row is None:
        raise NotFound(str(number))
    return _judged(tx, row, str(number))


def home(tx: Transaction, kind: SpaceKind, space: str) -> list[Collection]:
    """All collections of a space that the actor may know of, in their order.

    Raises:
        NotFound: the space itself is hidden from him.
    """
    keys = {"actor": tx.actor.id, "kind": kind.value, "space": space}
    rows = _HOME.all(tx, keys)
    if not rows:
        raise NotFound(space)
    who, grantees = acl.relation(tx, PrincipalId(rows[0].space_id), kind)
    if who is Relation.STRANGER:
        raise NotFound(space)
    wanted = [(CollectionId(row.id), kind, Tool(row.tool)) for row in rows]
    held = acl.judge_many(tx, wanted, who, grantees)
    found = [_value(row, kind, held[CollectionId(row.id)], who) for row in rows]
    hidden = _hidden(tx, found[0].space) if any(one.tool is Tool.SUBSCRIPTION for one in found) else set()
    return [collection for collection in found if collection.rights and collection.id not in hidden]


_TOGETHER: Final = 500
_OF_MANY: Final = (
    sa.select(*_COLUMNS)
    .select_from(_JOIN)
    .where(
        principals.c.kind == SpaceKind.PRIVATE.value,
        collections.c.space_id.in_(sa.bindparam("spaces", expanding=True)),
        sa.or_(collections.c.tool == Tool.CALENDAR.value, collections.c.tool == Tool.SCHEDULE_INBOX.value),
    )
    .order_by(collections.c.position, collections.c.id)
)


def calendars_of(
    tx: Transaction, people: Sequence[PrincipalId]
) -> dict[PrincipalId, tuple[list[Collection], CollectionId | None]]:
    """The calendars of many people that the actor may know of, and their inboxes; strangers are left out (SYS-09)."""
    found: dict[PrincipalId, tuple[list[Collection], CollectionId | None]] = {}
    for start in range(0, len(people), _TOGETHER):
        known = acl.relations(tx, people[start : start + _TOGETHER])
        rows = tx.db.execute(_OF_MANY, {"actor": tx.actor.id, "spaces": list(known)}).all()
        wanted = [(CollectionId(row.id), PrincipalId(row.space_id), Tool(row.tool)) for row in rows]
        held = acl.judge_spaces(tx, wanted, known)
        inboxes = {row.space_id: CollectionId(row.id) for row in rows if row.tool == Tool.SCHEDULE_INBOX.value}
        for space in known:
            found[space] = [], inboxes.get(space)
        for row in rows:
            if row.tool == Tool.CALENDAR.value and held[row.id]:
                who = known[row.space_id][0]
                found[row.space_id][0].append(_value(row, SpaceKind.PRIVATE, held[row.id], who))
    return found


_SUBSCRIBED: Final = Statement(
    sa.select(subscriptions.c.collection_id, subscriptions.c.shown, accounts.c.preferences)
    .join(collections, collections.c.id == subscriptions.c.collection_id)
    .join(accounts, accounts.c.id == collections.c.space_id)
    .where(collections.c.space_id == sa.bindparam("space"))
)


def _hidden(tx: Transaction, space: Principal) -> set[CollectionId]:
    """The subscribed calendars that their owner does not want to see now (CAL-22, CAL-23)."""
    rows = _SUBSCRIBED.all(tx, {"space": space.id})
    off = bool(rows) and json.loads(rows[0].preferences).get("overlay") == "no"
    return {CollectionId(row.collection_id) for row in rows if off or not row.shown}


def aliases(tx: Transaction) -> list[Collection]:
    """The collections of the actor's groups, for clients that read only one home (CALSYNC-05)."""
    names = (
        sa.select(principals.c.name)
        .join(memberships, memberships.c.group_id == principals.c.id)
        .where(memberships.c.account_id == tx.actor.id)
        .order_by(principals.c.name_fold)
    )
    groups = tx.db.execute(names).scalars().all()
    return [collection for name in groups for collection in home(tx, SpaceKind.GROUP, name)]


def create_defaults(tx: Transaction, space: PrincipalId, kind: SpaceKind) -> None:
    """Give a new account or group the collections and the folders that every one has."""
    wanted = (*DEFAULTS, *SCHEDULING) if kind is SpaceKind.PRIVATE else DEFAULTS
    for position, default in enumerate(wanted, start=1):
        _insert(
            tx,
            space,
            default.name,
            default.tool,
            components=default.components,
            display_name=default.display_name,
            position=position,
        )


def create(
    tx: Transaction,
    kind: SpaceKind,
    space: str,
    name: str,
    tool: Tool,
    *,
    components: tuple[str, ...] = (),
    display_name: str = "",
    description: str = "",
    color: str = "",
    order: int = 0,
    timezone: str = "",
) -> Collection:
    """Make a further collection in a space that the actor owns or administers.

    Raises:
        NotFound: no such space for this actor.
        Denied: the space is not his to arrange.
        Exists: the name is taken.
        Conflict: the name cannot be one.
        LimitReached: the space holds too many.
    """
    owner = _space(tx, kind, space)
    who, _ = acl.relation(tx, owner.id, kind)
    if who is Relation.STRANGER:
        raise NotFound(space)
    if who not in (Relation.OWNER, Relation.ADMIN, Relation.CO_ADMIN, Relation.SITE):
        raise Denied(Right.ADD, home_name(owner))
    path = _clean_name(name)
    locks.check(tx, owner, path, member=True)
    present = sa.select(collections.c.path).where(
        collections.c.space_id == owner.id,
        collections.c.parent_id.is_(None),
        collections.c.tool != Tool.MESSAGES.value,
    )
    taken = set(tx.db.execute(present).scalars())
    if path in taken:
        raise Exists(path)
    if len(taken) >= COLLECTIONS_PER_SPACE:
        raise LimitReached("collections_per_space", COLLECTIONS_PER_SPACE)
    if tool in CALENDAR_TOOLS and not components:
        components = ("VEVENT", "VTODO", "VJOURNAL")
    try:
        _insert(
            tx,
            owner.id,
            path,
            tool,
            components=" ".join(components),
            display_name=_clean_text(display_name),
            description=_clean_text(description),
            color=_clean_color(color),
            position=order,
            timezone=_clean_text(timezone),
        )
    except sa.exc.IntegrityError:
        raise Exists(path) from None  # somebody made it at the same moment
    return find(tx, kind, space, path)


def free_name(tx: Transaction, space: PrincipalId, title: str) -> str:
    """A name for a new collection of that title, such as `garden-club`, which nothing in the space has."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50] or "collection"
    query = sa.select(collections.c.path).where(collections.c.space_id == space, collections.c.parent_id.is_(None))
    taken = set(tx.db.execute(query).scalars()) | _DEFAULT_NAMES
    numbered = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbered) if name not in taken)


def update(
    tx: Transaction,
    collection: Collection,
    *,
    display_name: str | None = None,
    description: str | None = None,
    color: str | None = None,
    order: int | None = None,
    timezone: str | None = None,
    transparent: bool | None = None,
) -> Collection:
    """Change what is given; colour and order of another's collection are kept for this viewer alone.

    Raises:
        Denied: name, description, zone and transparency belong to whoever administers it.
    """
    values: dict[str, Any] = {}
    administers = bool(collection.rights & Right.ADMINISTER)
    if display_name is not None:
        values["display_name"] = _clean_text(display_name)
    if description is not None:
        values["description"] = _clean_text(description)
    if timezone is not None:
        values["timezone"] = _clean_text(timezone)
    if transparent is not None:
        values["transparent"] = transparent
    if values and not administers:
        raise Denied(Right.ADMINISTER, path(collection))
    locks.check(tx, collection.space, collection.name)
    if collection.owned or tx.actor.id == SITE.id:
        if color is not None:
            values["color"] = _clean_color(color)
        if order is not None:
            values["position"] = order
    elif color is not None or order is not None:
        _set_own_look(tx, collection, color, order)
    if values:
        numbering.take(tx, collection.id)
        tx.db.execute(sa.update(collections).where(collections.c.id == collection.id).values(values))
    return by_id(tx, collection.id)


def rename(tx: Transaction, collection: Collection, name: str) -> Collection:
    """Give a collection another name in its space (MOVE of a whole collection).

    Raises:
        Fixed: every space keeps its default collections under their names.
        Denied, Exists, Conflict: as in `create`.
    """
    acl.demand(collection.rights, Right.ADMINISTER, path(collection))
    if collection.name in _DEFAULT_NAMES:
        raise Fixed("this collection keeps its name")
    fresh = _clean_name(name)
    locks.check(tx, collection.space, collection.name, member=True, tree=True)
    locks.check(tx, collection.space, fresh, member=True)
    taken = sa.select(collections.c.id).where(
        collections.c.space_id == collection.space.id, collections.c.path == fresh
    )
    if tx.db.execute(taken).first():
        raise Exists(fresh)
    here = collections.c.id == collection.id
    try:
        tx.db.execute(sa.update(collections).where(here).values(name=fresh, path=fresh, modified=tx.now))
    except sa.exc.IntegrityError:
        raise Exists(fresh) from None  # somebody made it at the same moment
    tx.touched.add(collection.id)
    locks.forget(tx, collection.space, collection.name)
    return by_id(tx, collection.id)


def delete(tx: Transaction, collection: Collection, *, reply: bool = True) -> None:
    """Remove a collection with all it holds; without `reply`, meetings of others in it are refused silently.

    Raises:
        Fixed: the default ones stay; `DefaultNeeded` for the calendar that invitations come to.
        Denied: it is not the actor's to remove.
    """
    acl.demand(collection.rights, Right.ADMINISTER, path(collection))
    if collection.name in _DEFAULT_NAMES:
        invited = collection.tool is Tool.CALENDAR and collection.space.kind is SpaceKind.PRIVATE
        raise (DefaultNeeded if invited else Fixed)("this collection cannot be removed")
    locks.check(tx, collection.space, collection.name, member=True, tree=True)
    if collection.tool in (Tool.CALENDAR, Tool.TASKS):
        from storage.scheduling import emptying  # meetings stand above this module

        emptying.removed(tx, collection, reply=reply)
    tx.db.execute(sa.delete(collections).where(collections.c.id == collection.id))
    locks.forget(tx, collection.space, collection.name)
    tx.touched.add(collection.id)


def home_name(space: Principal) -> str:
    """`login/private`, `groups/IAB`: how refusals name a home."""
    return f"groups/{space.name}" if space.kind is SpaceKind.GROUP else f"{space.name}/private"


def path(collection: Collection, item: str = "") -> str:
    """`login/private/events`, `groups/IAB/events/a.ics`: how refusals name a collection or an item."""
    space = home_name(collection.space)
    return f"{space}/{collection.name}/{item}" if item else f"{space}/{collection.name}"


def below(collection: Collection, item: str) -> str:
    """`events/a.ics`: an item's path in its space, as locks know it."""
    return f"{collection.name}/{item}"


def is_default(collection: Collection) -> bool:
    """Whether it is one of those that every space has and nobody can remove."""
    return collection.name in _DEFAULT_NAMES


def _judged(tx: Transaction, row: Any, name: str) -> Collection:
    kind = SpaceKind(row.kind)
    who, grantees = acl.relation(tx, PrincipalId(row.space_id), kind)
    held = acl.judge(tx, CollectionId(row.id), kind, Tool(row.tool), who, grantees)
    if row.tool == Tool.SCHEDULE_OUTBOX.value:
        held |= acl.on_behalf(tx, PrincipalId(row.space_id), grantees)
    if not held:
        raise NotFound(name)
    return _value(row, kind, held, who)


def _value(row: Any, kind: SpaceKind, held: Right, who: Relation) -> Collection:
    tool = Tool(row.tool)
    own = who in (Relation.OWNER, Relation.SITE)
    view = View.FULL if own else acl.view(kind, tool, held)
    return Collection(
        id=CollectionId(row.id),
        space=Principal(PrincipalId(row.space_id), kind, row.space_name, row.space_display_name, row.space_email),
        tool=tool,
        name=row.path,
        rights=held,
        view=view,
        relation=who,
        display_name=_display_name(row, own),
        description=row.description if view is View.FULL else "",  # CAL-07: times and nothing else
        color=row.viewer_color or row.color,
        order=row.position if row.viewer_position is None else row.viewer_position,
        timezone=row.timezone,
        components=tuple(row.components.split()),
        transparent=row.transparent,
        modseq=ModSeq(max(row.shared_modseq, row.viewer_modseq or 0)),
        uid_validity=row.uid_validity,
        item_count=row.item_count,
        created=row.created,
        modified=row.modified,
    )


def _display_name(row: Any, own: bool) -> str:
    """The owner's name is always shown on another's collection (CAL-11)."""
    if own:
        return str(row.display_name)
    owner = str(row.space_display_name or row.space_name)
    if row.path == "events" and row.kind == SpaceKind.GROUP.value and row.display_name not in ("", _CALENDAR):
        return str(row.display_name)  # its administrator named it
    return owner if row.path == "events" else f"{owner}: {row.display_name or row.path}"


def _space(tx: Transaction, kind: SpaceKind, name: str) -> Principal:
    row = tx.db.execute(_SPACE, {"kind": kind.value, "space": name}).first()
    if row is None:
        raise NotFound(name)
    return Principal(PrincipalId(row.id), kind, row.name, row.display_name, row.email)


def _insert(
    tx: Transaction,
    space: PrincipalId,
    name: str,
    tool: Tool,
    *,
    components: str,
    display_name: str,
    description: str = "",
    color: str = "",
    position: int = 0,
    timezone: str = "",
) -> None:
    # A collection made anew under an old name must never honour the old one's tokens.
    validity = int(tx.now)
    tx.db.execute(
        sa.insert(collections).values(
            space_id=space,
            tool=tool.value,
            name=name,
            path=name,
            display_name=display_name,
            description=description,
            color=color,
            position=position,
            timezone=timezone,
            components=components,
            uid_validity=validity,
            created=tx.now,
            modified=tx.now,
        )
    )


def _set_own_look(tx: Transaction, collection: Collection, color: str | None, order: int | None) -> None:
    number = numbering.take_for_viewer(tx, collection.id)
    here = sa.and_(viewer_collections.c.viewer_id == tx.actor.id, viewer_collections.c.collection_id == collection.id)
    values: dict[str, Any] = {"modseq": number}
    if color is not None:
        values["color"] = _clean_color(color)
    if order is not None:
        values["position"] = order
    if not tx.db.execute(sa.update(viewer_collections).where(here).values(values)).rowcount:
        keys = {"viewer_id": tx.actor.id, "collection_id": collection.id}
        tx.db.execute(sa.insert(viewer_collections).values(**keys, **values))


def _clean_name(name: str) -> str:
    clean = unicodedata.normalize("NFC", name)
    if not clean or clean in {".", ".."} or len(clean.encode()) > 255:
        raise Conflict("this cannot be a collection's name")
    if any(unicodedata.category(character) == "Cc" or character == "/" for character in clean):
        raise Conflict("a collection's name holds no control characters and no slash")
    return clean


def _clean_text(text: str) -> str:
    if len(text.encode()) > TEXT_OCTETS:
        raise LimitReached("property_octets", TEXT_OCTETS)
    return text.replace("\0", "")


def _clean_color(color: str) -> str:
    """Colours are `#RRGGBB` or `#RRGGBBAA`; a CSS name is kept as it is (RFC 7986 §5.9)."""
    clean = color.strip()
    if not clean or _COLOR.match(clean):
        return clean
    return clean.lower() if clean.isalpha() and len(clean) <= 32 else ""
