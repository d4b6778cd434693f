"""Groups: made, described, joined and left; what a membership brings and what ends with it (GRP-03…25)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from storage import changes, grants, locks, numbering, plans, preferences, trees
from storage import collections as tree
from storage import principals as people
from storage.errors import Denied, Exists, LimitReached, NotFound, Refused
from storage.schema import HAS_TWIN, card_twins, collections, file_index, groups, items, memberships, principals
from storage.schema import grants as grant_table
from storage.store import Transaction
from storage.types import SITE, CollectionId, Principal, PrincipalId, Right, SpaceKind, Tool

RESERVED_NAMES: Final = frozenset({"private", "remote", "principals", "accounts"})
"""SYS-12, compared without case."""

ACTIVITIES: Final = ("non-professional", "professional")
SEARCH_LETTERS_MIN: Final = 3
SEARCH_CRITERIA_MIN: Final = 2

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,12}\Z")
_SEEN_BY_ITEM: Final = (Tool.DOCUMENTS, Tool.WIKI, Tool.FAVOURITES, Tool.NOTES, Tool.CONTACT_LISTS)


class Role(Enum):
    """What somebody is in a group; the value is what the database and the command line say."""

    ADMIN = "admin"
    CO_ADMIN = "co-admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A group's parameters (GRP-05)."""

    group: Principal
    admin: Principal
    description: str
    activity: str
    sector: str
    language: str
    directory_public: bool
    members_public: bool
    open: bool
    created: float

    @property
    def access(self) -> str:
        """One of three kinds; a private directory flag overrides open access (GRP-06)."""
        if not self.directory_public:
            return "private"
        return "open" if self.open else "closed"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a group."""

    principal: Principal
    role: Role
    joined: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What the directory tells everybody about a group (GRP-11)."""

    sheet: Sheet
    members: tuple[str, ...] | None
    """Names, or None where the member list is private."""


def create(
    tx: Transaction,
    name: str,
    *,
    admin: Principal | None = None,
    full_name: str = "",
    description: str = "",
    activity: str = ACTIVITIES[0],
    sector: str = "",
    language: str = "en",
    directory_public: bool = True,
    members_public: bool = False,
    open: bool = False,
) -> Principal:
    """Make a group; the actor becomes its admin, or whom the site administrator names (GRP-03).

    Raises:
        Refused: the short name is reserved or cannot be one (GRP-04), or a parameter is wrong.
        Exists: the name is taken, whatever its case.
        LimitReached: the admin's plan allows no further group (GRP-17).
        Denied: only the site administrator makes groups for others.
    """
    owner = admin or people.me(tx)
    if tx.actor.id not in (owner.id, SITE.id):
        raise Denied(Right.ADMINISTER, "groups")
    if owner.kind is not SpaceKind.PRIVATE:
        raise Refused("the admin of a group is a person")
    short = clean_name(name)
    most = plans.limit(tx, owner.id, "groups_max")
    count = sa.select(sa.func.count()).where(groups.c.admin_id == owner.id)
    if most is not None and tx.db.execute(count).scalar_one() >= most:
        raise LimitReached("groups_max", most)
    fold = short.casefold()
    taken = sa.select(principals.c.id).where(principals.c.kind == SpaceKind.GROUP.value, principals.c.name_fold == fold)
    if tx.db.execute(taken).first():
        raise Exists("this group name is taken")
    shown, email = clean_text(full_name), f"{short}@group"
    row = {
        "kind": SpaceKind.GROUP.value,
        "name": short,
        "name_fold": fold,
        "display_name": shown,
        "email": email,
        "language": preferences.clean_language(language),
        "created": tx.now,
    }
    try:
        number = PrincipalId(tx.db.execute(sa.insert(principals).values(**row).returning(principals.c.id)).scalar_one())
    except sa.exc.IntegrityError:  # at this very moment
        raise Exists("this group name is taken") from None
    tx.db.execute(
        sa.insert(groups).values(
            id=number,
            admin_id=owner.id,
            description=clean_text(description, 4_000),
            activity=_activity(activity),
            sector=clean_text(sector),
            directory_public=directory_public,
            members_public=members_public,
            open=open,
        )
    )
    _insert_member(tx, number, owner.id, Role.ADMIN)
    tree.create_defaults(tx, number, SpaceKind.GROUP)
    trees.create_defaults(tx, number, SpaceKind.GROUP)
    return Principal(number, SpaceKind.GROUP, short, shown, email)


def sheet(tx: Transaction, group: Principal) -> Sheet:
    """The parameters of a group that the actor belongs to.

    Raises:
        NotFound: it is no group, or the actor may not know of it.
    """
    people.by_id(tx, group.id)
    return _sheet(tx, group.id)


def sheet_of_invited(tx: Transaction, number: PrincipalId) -> Sheet:
    """The parameters of a group for whoever holds a valid invitation into it, which the caller has seen (GRP-09).

    Raises:
        NotFound: it is no group.
    """
    return _sheet(tx, number)


def listing(tx: Transaction) -> list[Sheet]:
    """All groups for the site administrator, his own for anybody else; by name."""
    seen = people.visible(tx)
    return [_sheet(tx, group.id) for group in seen if group.kind is SpaceKind.GROUP]


def members(tx: Transaction, group: Principal) -> list[Member]:
    """The members with their roles, by login.

    Raises:
        NotFound: the actor may not know of the group.
    """
    people.by_id(tx, group.id)
    query = (
        sa.select(principals, memberships.c.role, memberships.c.joined)
        .join(memberships, memberships.c.account_id == principals.c.id)
        .where(memberships.c.group_id == group.id)
        .order_by(principals.c.name_fold)
    )
    return [Member(people.of_row(row), Role(row.role), row.joined) for row in tx.db.execute(query)]


def update(
    tx: Transaction,
    group: Principal,
    *,
    full_name: str | None = None,
    description: str | None = None,
    activity: str | None = None,
    sector: str | None = None,
    language: str | None = None,
    directory_public: bool | None = None,
    members_public: bool | None = None,
    open: bool | None = None,
) -> Sheet:
    """Change what is given; the short name stays for ever (GRP-04, GRP-05).

    Raises:
        Denied: only the admin changes parameters, no co-admin (GRP-21).
        NotFound: the actor may not know of the group.
        Refused: a value cannot be one.
    """
    demand_admin(tx, group)
    who: dict[str, Any] = {}
    if full_name is not None:
        who["display_name"] = clean_text(full_name)
    if language is not None:
        who["language"] = preferences.clean_language(language)
    what: dict[str, Any] = {}
    if description is not None:
        what["description"] = clean_text(description, 4_000)
    if activity is not None:
        what["activity"] = _activity(activity)
    if sector is not None:
        what["sector"] = clean_text(sector)
    flags = {"directory_public": directory_public, "members_public": members_public, "open": open}
    what |= {name: value for name, value in flags.items() if value is not None}
    if who:
        tx.db.execute(sa.update(principals).where(principals.c.id == group.id).values(**who))
    if what:
        tx.db.execute(sa.update(groups).where(groups.c.id == group.id).values(**what))
    return _sheet(tx, group.id)


def search(tx: Transaction, *, name: str = "", activity: str = "", sector: str = "", language: str = "") -> list[Entry]:
    """Groups of the directory that meet every criterion given; private groups never (GRP-11).

    Raises:
        Refused: fewer than two criteria, fewer than three letters of the name, or a sector
            without the activity being professional.
    """
    given = [criterion for criterion in (name, activity, sector, language) if criterion.strip()]
    if len(given) < SEARCH_CRITERIA_MIN:
        raise Refused("give at least two of: name, activity, sector, language")
    query = (
        sa.select(groups.c.id)
        .join(principals, principals.c.id == groups.c.id)
        .where(groups.c.directory_public)
        .order_by(principals.c.name_fold)
    )
    if name.strip():
        letters = name.strip().casefold()
        if len(letters) < SEARCH_LETTERS_MIN:
            raise Refused("give at least three consecutive letters of the name")
        query = query.where(principals.c.name_fold.contains(letters, autoescape=True))
    if activity.strip():
        query = query.where(groups.c.activity == _activity(activity))
    if sector.strip():
        if activity.strip() != "professional":
            raise Refused("a sector is asked for together with the activity professional")
        query = query.where(groups.c.sector == clean_text(sector))
    if language.strip():
        query = query.where(principals.c.language == preferences.clean_language(language))
    found = [_sheet(tx, PrincipalId(number)) for number in tx.db.execute(query).scalars().all()]
    return [Entry(one, _public_members(tx, one)) for one in found]


def add_member(tx: Transaction, group: Principal, account: Principal) -> None:
    """Make `account` a member by the site administrator's word; everybody else invites (GRP-07…09).

    Raises:
        Denied: the actor is not the site administrator.
        Exists: he is a member already.
        LimitReached: the admin's plan allows no further member (GRP-18).
    """
    if tx.actor.id != SITE.id:
        people.by_id(tx, group.id)
        raise Denied(Right.ADMINISTER, group.name, "members enter by invitation, or by joining an open group")
    enter(tx, group.id, account)


def join(tx: Transaction, name: str) -> Principal:
    """Enter an open group that the directory lists, at once (GRP-12).

    Raises:
        NotFound: there is no such group in the directory (GRP-06).
        Refused: it is closed: apply to its admin (GRP-13).
        Exists, LimitReached: as in `add_member`.
    """
    account = people.me(tx)
    query = (
        sa.select(principals, groups.c.open)
        .join(groups, groups.c.id == principals.c.id)
        .where(groups.c.directory_public, principals.c.name == name)
    )
    row = tx.db.execute(query).first()
    if row is None:
        raise NotFound(f"the directory lists no group {name} (capitals count)")
    if not row.open:
        raise Refused("this group is entered by its admin's invitation only: apply to him")
    enter(tx, PrincipalId(row.id), account)
    return people.of_row(row)


def listed(tx: Transaction, name: str) -> Sheet:
    """The parameters of a group that the directory lists, for anybody who knows its short name (GRP-13).

    Raises:
        NotFound: there is no such group in the directory (GRP-06).
    """
    query = sa.select(groups.c.id).join(principals, principals.c.id == groups.c.id)
    number = tx.db.execute(query.where(groups.c.directory_public, principals.c.name == name)).scalar()
    if number is None:
        raise NotFound(f"the directory lists no group {name} (capitals count)")
    return _sheet(tx, PrincipalId(number))


def leave(tx: Transaction, group: Principal) -> None:
    """End the actor's own membership (GRP-14).

    Raises:
        Refused: he is the admin and must name another one first.
        NotFound: he is no member.
    """
    _end(tx, group, people.me(tx))


def expel(tx: Transaction, group: Principal, account: Principal) -> None:
    """End somebody's membership (GRP-15).

    Raises:
        Denied: only the admin removes members.
        Refused: the admin himself cannot be removed.
        NotFound: no such group for the actor, or no such member.
    """
    demand_admin(tx, group)
    _end(tx, group, account)


def set_admin(tx: Transaction, group: Principal, member: Principal) -> None:
    """Hand the group over to a member; its capacities follow his plan at once (GRP-19, GRP-20, ACC-21).

    Raises:
        Denied: only the present admin does that.
        NotFound: no such group for the actor, or no such member.
    """
    demand_admin(tx, group)
    if role(tx, group.id, member.id) is None:
        raise NotFound(f"{member.name} is no member of {group.name}")
    before = _sheet(tx, group.id).admin
    if before.id == member.id:
        return
    _set_role(tx, group.id, before.id, Role.MEMBER)
    _set_role(tx, group.id, member.id, Role.ADMIN)
    tx.db.execute(sa.update(groups).where(groups.c.id == group.id).values(admin_id=member.id))


def set_co_admin(tx: Transaction, group: Principal, member: Principal, appointed: bool) -> None:
    """Appoint or dismiss a co-admin (GRP-21).

    Raises:
        Denied: only the admin does that.
        NotFound: no such group for the actor, or no such member.
        Refused: the admin cannot be his own co-admin.
    """
    demand_admin(tx, group)
    now = role(tx, group.id, member.id)
    if now is None:
        raise NotFound(f"{member.name} is no member of {group.name}")
    if now is Role.ADMIN:
        raise Refused("the admin holds these rights already")
    _set_role(tx, group.id, member.id, Role.CO_ADMIN if appointed else Role.MEMBER)


def remove(tx: Transaction, group: Principal) -> None:
    """Delete a group with its environment (GRP-25).

    Raises:
        Denied: only the admin and the site administrator do that.
        Refused: it has other members; only the site administrator deletes it then.
        NotFound: the actor may not know of the group.
    """
    demand_admin(tx, group)
    present = people.members(tx, group)
    if tx.actor.id != SITE.id and len(present) > 1:
        raise Refused("the group still has other members")
    numbers = [member.id for member in present]
    tx.db.execute(sa.delete(memberships).where(memberships.c.group_id == group.id))
    _tell_of_group_grants(tx, group.id, numbers, ended=True)
    for number in numbers:
        grants.lapse(tx, number)
    numbering.gone_with(tx, group.id)
    tx.db.execute(sa.delete(principals).where(principals.c.id == group.id))
    tx.access.clear()


def enter(tx: Transaction, group: PrincipalId, account: Principal) -> None:
    """Add a member whose right to enter was judged; the member limit is judged here (GRP-18).

    Raises:
        Exists: he is a member already.
        LimitReached: the admin's plan allows no further member.
    """
    # The group's row is locked, so that two who enter at once cannot both be the last one allowed.
    tx.db.execute(sa.select(groups.c.id).where(groups.c.id == group).with_for_update())
    if role(tx, group, account.id) is not None:
        raise Exists(f"{account.name} is a member already")
    most = plans.limit(tx, group, "group_members_max")
    if most is not None:
        count = sa.select(sa.func.count()).where(memberships.c.group_id == group)
        if tx.db.execute(count).scalar_one() >= most:
            raise LimitReached("group_members_max", most)
    _insert_member(tx, group, account.id, Role.MEMBER)
    _tell_of_group_grants(tx, group, [account.id])
    tx.access.clear()


def role(tx: Transaction, group: PrincipalId, account: PrincipalId) -> Role | None:
    """What somebody is in a group; None if he is no member."""
    query = sa.select(memberships.c.role).where(memberships.c.group_id == group, memberships.c.account_id == account)
    found = tx.db.execute(query).scalar()
    return Role(found) if found else None


def demand_admin(tx: Transaction, group: Principal) -> None:
    """Pass for the admin and the site administrator; a co-admin is neither (GRP-21).

    Raises:
        NotFound: the actor may not know of the group.
        Denied: he is another member.
    """
    if tx.actor.id == SITE.id:
        return
    held = role(tx, group.id, tx.actor.id)
    if held is None:
        raise NotFound(group.name)
    if held is not Role.ADMIN:
        raise Denied(Right.ADMINISTER, group.name, "only the admin of the group may do that")


def clean_name(name: str) -> str:
    """The short name, checked (GRP-04).

    Raises:
        Refused: it is reserved (SYS-12) or cannot be one.
    """
    if not _NAME.match(name) or name in {".", ".."}:
        raise Refused("a group's short name has 1 to 12 characters of A-Z, a-z, 0-9, dot, dash, underscore")
    if name.casefold() in RESERVED_NAMES:
        raise Refused(f"the group name {name} is reserved")
    return name


def clean_text(text: str, most: int = 200) -> str:
    """A parameter's text in NFC, without surrounding space.

    Raises:
        Refused: longer than `most` characters, or with control characters other than line ends.
    """
    clean = unicodedata.normalize("NFC", text).strip().replace("\r\n", "\n")
    if len(clean) > most or not clean.replace("\n", "").isprintable():
        raise Refused(f"a text has at most {most} characters, none of them a control character")
    return clean


def _end(tx: Transaction, group: Principal, account: Principal) -> None:
    held = role(tx, group.id, account.id)
    if held is None:
        raise NotFound(account.name)
    if held is Role.ADMIN:
        raise Refused("the admin must name another admin first (GRP-14)")
    gone = sa.delete(memberships).where(memberships.c.group_id == group.id, memberships.c.account_id == account.id)
    tx.db.execute(gone)
    inside = sa.select(collections.c.id).where(collections.c.space_id == group.id)
    _untie(tx, sa.select(items.c.id).where(items.c.collection_id.in_(inside), items.c.creator_id == account.id))
    # GRP-15: the content stays, his rights as its creator do not, also if he returns.
    tx.db.execute(
        sa.update(items).where(items.c.collection_id.in_(inside), items.c.creator_id == account.id).values(creator_id=0)
    )
    trees.remove_creator(tx, group.id, account.id)
    _tell_of_group_grants(tx, group.id, [account.id], ended=True)
    _tell_of_environment(tx, group.id, account.id)
    grants.lapse(tx, account.id)
    locks.lapse(tx, account.id)
    tx.access.clear()


def _untie(tx: Transaction, his: sa.Select[tuple[int]]) -> None:
    """What he shared with the group is two things now: neither follows the other any more (CON-12, DOC-17, GRP-15)."""
    tx.db.execute(sa.delete(card_twins).where(card_twins.c.item_id.in_(his)))
    tx.db.execute(sa.update(file_index).where(file_index.c.item_id.in_(his), HAS_TWIN).values(twin=0))


def _tell_of_group_grants(
    tx: Transaction, group: PrincipalId, viewers: list[PrincipalId], *, ended: bool = False
) -> None:
    """SYS-10: what "all members" of the group were granted elsewhere appears or vanishes for these."""
    query = (
        sa.select(grant_table.c.collection_id, grant_table.c.item_id, grant_table.c.rights, collections.c.space_id)
        .join(collections, collections.c.id == grant_table.c.collection_id)
        .where(grant_table.c.grantee_id == group, collections.c.space_id != group)
        .order_by(grant_table.c.collection_id, grant_table.c.item_id)
    )
    lost: list[tuple[CollectionId, list[PrincipalId], Right]] = []
    for row in numbering.held(tx, lambda: tx.db.execute(query).all()):
        concerned = [viewer for viewer in viewers if viewer != row.space_id]
        if not Right(row.rights) & grants.SHOWS:
            continue
        if row.item_id is None:
            changes.view_changed(tx, CollectionId(row.collection_id), concerned)
            lost.append((CollectionId(row.collection_id), concerned, Right(row.rights)))
        else:
            changes.item_view_changed(tx, CollectionId(row.collection_id), row.item_id, concerned)
    for one in lost if ended else ():  # a root closes after what is in it
        grants.sight_lost(tx, *one)


def _tell_of_environment(
    tx: Transaction, group: PrincipalId, viewer: PrincipalId, tools: tuple[Tool, ...] = ()
) -> None:
    """SYS-10: tokens for the group's own collections are void for him, should he come back."""
    query = sa.select(collections.c.id).where(collections.c.space_id == group).order_by(collections.c.id)
    if tools:
        query = query.where(collections.c.tool.in_([tool.value for tool in tools]))
    for number in tx.db.execute(query).scalars().all():
        changes.view_changed(tx, CollectionId(number), [viewer])


def _set_role(tx: Transaction, group: PrincipalId, account: PrincipalId, wanted: Role) -> None:
    here = sa.and_(memberships.c.group_id == group, memberships.c.account_id == account)
    tx.db.execute(sa.update(memberships).where(here).values(role=wanted.value))
    # ACL-06: administrators see the existence of items that other members do not see at all.
    _tell_of_environment(tx, group, account, _SEEN_BY_ITEM)
    tx.access.clear()


def _insert_member(tx: Transaction, group: PrincipalId, account: PrincipalId, held: Role) -> None:
    row = {"group_id": group, "account_id": account, "role": held.value, "joined": tx.now}
    tx.db.execute(sa.insert(memberships).values(**row))


_admins: Final = principals.alias("admins")
_SHEET: Final = (
    sa.select(
        principals,
        groups,
        _admins.c.id.label("admins_id"),
        _admins.c.kind.label("admins_kind"),
        _admins.c.name.label("admins_name"),
        _admins.c.display_name.label("admins_display_name"),
        _admins.c.email.label("admins_email"),
    )
    .join(groups, groups.c.id == principals.c.id)
    .join(_admins, _admins.c.id == groups.c.admin_id)
    .where(principals.c.id == sa.bindparam("number"))
)


def _sheet(tx: Transaction, number: PrincipalId) -> Sheet:
    row = tx.db.execute(_SHEET, {"number": number}).mappings().first()
    if row is None:
        raise NotFound(str(number))
    admin = Principal(
        PrincipalId(row["admins_id"]),
        SpaceKind(row["admins_kind"]),
        row["admins_name"],
        row["admins_display_name"],
        row["admins_email"],
    )
    group = Principal(
        number, SpaceKind.GROUP, row[principals.c.name], row[principals.c.display_name], row[principals.c.email]
    )
    return Sheet(
        group,
        admin,
        row["description"],
        row["activity"],
        row["sector"],
        row["language"],
        row["directory_public"],
        row["members_public"],
        row["open"],
        row["created"],
    )


def _public_members(tx: Transaction, one: Sheet) -> tuple[str, ...] | None:
    if not one.members_public:
        return None
    return tuple(member.display_name or member.name for member in people.members(tx, one.group))


def _activity(text: str) -> str:
    clean = text.strip().lower()
    if clean not in ACTIVITIES:
        raise Refused(f"the activity is one of: {', '.join(ACTIVITIES)}")
    return clean
