"""Tables 3.2 and 3.3 of the specification as data: who holds which right before anybody grants one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from storage.types import Relation, Right, SpaceKind, Tool


class Holder(Enum):
    """A kind of person that a default right belongs to."""

    OWNER = "owner"
    CO_MEMBERS = "all co-members"
    MEMBERS = "all members"
    ADMIN = "admin and co-admins"
    SOLE_ADMIN = "the admin only"
    CREATOR = "its creator"
    RECIPIENT = "its recipient"
    NOBODY = "nobody"


class Scope(Enum):
    """What one grant of a right is attached to."""

    FIXED = "–"
    COLLECTION = "collection"
    ITEM = "item"
    BOTH = "collection or item"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of table 3.2 or 3.3."""

    right: Right
    holders: frozenset[Holder]
    granted_per: Scope

    @property
    def changeable(self) -> bool:
        """Whether anybody can grant or withdraw it (ACL-11)."""
        return self.granted_per is not Scope.FIXED


def _rule(right: Right, granted_per: Scope, *holders: Holder) -> Rule:
    return Rule(right, frozenset(holders), granted_per)


_O, _C, _M, _A = Holder.OWNER, Holder.CO_MEMBERS, Holder.MEMBERS, Holder.ADMIN
_CR, _R, _N, _S = Holder.CREATOR, Holder.RECIPIENT, Holder.NOBODY, Holder.SOLE_ADMIN
_FIXED, _COLL, _ITEM, _BOTH = Scope.FIXED, Scope.COLLECTION, Scope.ITEM, Scope.BOTH

_PRIVATE_FOLDERS: Final = (
    _rule(Right.SEE_FOLDER, _COLL, _O),
    _rule(Right.SEE, _ITEM, _O),
    _rule(Right.EDIT, _ITEM, _O, _CR),
    _rule(Right.ADD, _COLL, _O),
    _rule(Right.DELETE, _COLL, _O),
)
_GROUP_FOLDERS: Final = (
    _rule(Right.SEE_FOLDER, _FIXED, _M),
    _rule(Right.SEE, _ITEM, _M),
    _rule(Right.EDIT, _ITEM, _CR),
    _rule(Right.ADD, _COLL, _A),
    _rule(Right.DELETE, _COLL, _A),
)
_GROUP_TASKS: Final = (
    _rule(Right.SEE, _FIXED, _M),
    _rule(Right.EDIT, _FIXED, _M),
    _rule(Right.ADD, _FIXED, _M),
    _rule(Right.DELETE, _FIXED, _CR, _R, _A),
)

TABLES: Final[dict[tuple[SpaceKind, Tool], tuple[Rule, ...]]] = {
    # 3.2, private environment
    (SpaceKind.PRIVATE, Tool.CALENDAR): (
        _rule(Right.SEE_BUSY, _FIXED, _O, _C),
        _rule(Right.SEE, _BOTH, _O),
        _rule(Right.ADD, _COLL, _O),
        _rule(Right.EDIT, _BOTH, _O, _CR),
        _rule(Right.DELETE, _COLL, _O),
    ),
    (SpaceKind.PRIVATE, Tool.CONTACTS): (
        _rule(Right.SEE, _COLL, _O),
        _rule(Right.EDIT, _COLL, _O, _CR),
        _rule(Right.ADD, _COLL, _O),
        _rule(Right.DELETE, _COLL, _O),
    ),
    (SpaceKind.PRIVATE, Tool.CONTACT_LISTS): (
        _rule(Right.SEE, _FIXED, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.ADD, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O),
    ),
    (SpaceKind.PRIVATE, Tool.MESSAGES): (
        _rule(Right.SEE, _FIXED, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.ADD, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O),
    ),
    (SpaceKind.PRIVATE, Tool.DOCUMENTS): _PRIVATE_FOLDERS,
    (SpaceKind.PRIVATE, Tool.WIKI): _PRIVATE_FOLDERS,
    (SpaceKind.PRIVATE, Tool.FAVOURITES): _PRIVATE_FOLDERS,
    (SpaceKind.PRIVATE, Tool.NOTES): _PRIVATE_FOLDERS,
    (SpaceKind.PRIVATE, Tool.DROP_BOX): (
        _rule(Right.ADD, _FIXED, _O, _C),
        _rule(Right.SEE, _FIXED, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O),
    ),
    (SpaceKind.PRIVATE, Tool.TASKS): (
        _rule(Right.ADD, _FIXED, _O, _C),
        _rule(Right.SEE, _COLL, _O),
        _rule(Right.EDIT, _FIXED, _CR, _R, _O),
        _rule(Right.DELETE, _COLL, _CR, _R, _O),
    ),
    (SpaceKind.PRIVATE, Tool.TASKS_GIVEN): (
        _rule(Right.SEE, _COLL, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.ADD, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O, _R),
        _rule(Right.CANCEL, _COLL, _N),
    ),
    (SpaceKind.PRIVATE, Tool.CALLS): (
        _rule(Right.ADD, _FIXED, _O, _C),
        _rule(Right.SEE, _FIXED, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O),
    ),
    (SpaceKind.PRIVATE, Tool.CALLS_SENT): (
        _rule(Right.SEE, _FIXED, _O),
        _rule(Right.ADD, _FIXED, _O),
        _rule(Right.EDIT, _FIXED, _O),
        _rule(Right.DELETE, _FIXED, _O),
    ),
    # 3.3, group environment
    (SpaceKind.GROUP, Tool.CALENDAR): (
        _rule(Right.SEE_BUSY, _FIXED, _M),
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.EDIT, _BOTH, _CR),
        _rule(Right.ADD, _COLL, _A),
        _rule(Right.DELETE, _COLL, _A),
    ),
    (SpaceKind.GROUP, Tool.CONTACTS): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.EDIT, _ITEM, _CR),
        _rule(Right.ADD, _COLL, _A),
        _rule(Right.DELETE, _COLL, _A),
    ),
    (SpaceKind.GROUP, Tool.CONTACT_LISTS): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.ADD, _FIXED, _A),
        _rule(Right.DELETE, _FIXED, _A),
        _rule(Right.EDIT, _ITEM, _A),
    ),
    (SpaceKind.GROUP, Tool.DOCUMENTS): _GROUP_FOLDERS,
    (SpaceKind.GROUP, Tool.WIKI): _GROUP_FOLDERS,
    (SpaceKind.GROUP, Tool.FAVOURITES): _GROUP_FOLDERS,
    (SpaceKind.GROUP, Tool.NOTES): _GROUP_FOLDERS,
    (SpaceKind.GROUP, Tool.INFOS): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.ADD, _FIXED, _S),
        _rule(Right.EDIT, _FIXED, _S),
        _rule(Right.DELETE, _FIXED, _S),
    ),
    (SpaceKind.GROUP, Tool.FORUM): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.ADD, _FIXED, _M),
        _rule(Right.EDIT, _FIXED, _N),
        _rule(Right.DELETE, _FIXED, _A),
    ),
    (SpaceKind.GROUP, Tool.CHAT): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.ADD, _FIXED, _M),
    ),
    (SpaceKind.GROUP, Tool.TASKS): _GROUP_TASKS,
    (SpaceKind.GROUP, Tool.TASKS_GIVEN): _GROUP_TASKS,
    (SpaceKind.GROUP, Tool.CALLS): (
        _rule(Right.SEE, _FIXED, _M),
        _rule(Right.EDIT, _FIXED, _M),
        _rule(Right.ADD, _FIXED, _M),
        _rule(Right.DELETE, _FIXED, _M),
    ),
}

_HOLDS: Final[dict[Relation, frozenset[Holder]]] = {
    Relation.OWNER: frozenset({_O, _CR, _R}),
    Relation.CO_MEMBER: frozenset({_C}),
    Relation.ADMIN: frozenset({_M, _A, _S}),
    Relation.CO_ADMIN: frozenset({_M, _A}),
    Relation.MEMBER: frozenset({_M}),
    Relation.STRANGER: frozenset(),
    Relation.SITE: frozenset(Holder),
}


def rule(kind: SpaceKind, tool: Tool, right: Right) -> Rule | None:
    """The row for one right, or None where the tables know no such right."""
    return next((row for row in TABLES.get((kind, tool), ()) if row.right is right), None)


def defaults(kind: SpaceKind, tool: Tool, relation: Relation) -> Right:
    """What someone of this relation holds over the whole collection without any grant (ACL-02)."""
    return _DEFAULTS.get((kind, tool, relation), Right.NONE)


def of_creator(kind: SpaceKind, tool: Tool) -> Right:
    """What the creator of an item holds on that item, over and above his other rights (ACL-05)."""
    return _OF_CREATOR.get((kind, tool), Right.NONE)


def speaking(held: Right) -> Right:
    """What these rights over a private calendar let one send in its owner's name (RFC 6638 §6.2, MTG-16).

    Whoever may write there may invite; an answer is an edit, and a deletion a refusal.
    """
    found = Right.NONE
    if held & (Right.ADD | Right.EDIT | Right.DELETE):
        found |= Right.SEND_INVITE
    if held & (Right.EDIT | Right.DELETE):
        found |= Right.SEND_REPLY
    return found


def seen_by_item(kind: SpaceKind, tool: Tool) -> bool:
    """Whether each item has its own *see* (documents, favourites, notes: ACL-12, ACL-13)."""
    row = rule(kind, tool, Right.SEE)
    return row is not None and row.granted_per is Scope.ITEM


def presupposed(kind: SpaceKind, tool: Tool) -> tuple[Right, Right]:
    """What nobody holds without what: (the first, the others), or nothing and nothing (ACL-12, ACL-16, ACL-20)."""
    return _PRESUPPOSED.get((kind, tool), (Right.NONE, Right.NONE))


def _holds(kind: SpaceKind, tool: Tool, relation: Relation) -> Right:
    if relation is Relation.STRANGER:
        return Right.NONE
    held = Right.NONE
    for row in TABLES[kind, tool]:
        if row.holders & _HOLDS[relation]:
            held |= row.right
    if relation in (Relation.OWNER, Relation.ADMIN, Relation.CO_ADMIN, Relation.SITE):
        held |= Right.ADMINISTER  # ACL-07
    if relation in (Relation.OWNER, Relation.SITE):
        # Nothing can take them away, also where a table names creator and recipient (ACL-03).
        held |= Right.SEE | Right.EDIT | Right.ADD | Right.DELETE
    return held


_PRESUPPOSED: Final = {
    (kind, tool): (Right.SEE_FOLDER, ~Right.NONE)
    if any(row.right is Right.SEE_FOLDER for row in rows)
    else (Right.SEE, Right.ADD | Right.DELETE | Right.EDIT)
    for (kind, tool), rows in TABLES.items()
    if tool is Tool.CONTACTS or any(row.right is Right.SEE_FOLDER for row in rows)
}

_OF_BOXES: Final = {
    Tool.SCHEDULE_INBOX: Right.DELIVER | Right.SEE_BUSY,
    Tool.SCHEDULE_OUTBOX: Right.SEND_INVITE | Right.SEND_REPLY,
}

_DEFAULTS: Final = {
    (kind, tool, relation): _holds(kind, tool, relation) for kind, tool in TABLES for relation in Relation
} | {
    # The owner reads and empties his boxes; the server alone puts messages in.
    (SpaceKind.PRIVATE, tool, relation): Right.SEE | Right.DELETE | Right.ADMINISTER | more
    for tool, more in _OF_BOXES.items()
    for relation in (Relation.OWNER, Relation.SITE)
} | {
    # A calendar of the Internet: read and arranged by its owner, written by nobody, shared with nobody (CAL-21).
    (SpaceKind.PRIVATE, Tool.SUBSCRIPTION, relation): Right.SEE | Right.ADMINISTER
    for relation in (Relation.OWNER, Relation.SITE)
} | {
    # What the suite puts together for its owner alone (CAL-25).
    (SpaceKind.PRIVATE, Tool.OVERLAY, relation): Right.SEE
    for relation in (Relation.OWNER, Relation.SITE)
} | {
    # RFC 6638 §6.1: anybody may invite; of busy times co-members know (table 3.2).
    (SpaceKind.PRIVATE, Tool.SCHEDULE_INBOX, Relation.CO_MEMBER): _OF_BOXES[Tool.SCHEDULE_INBOX]
}


def _creates(kind: SpaceKind, tool: Tool) -> Right:
    held = Right.NONE
    for row in TABLES[kind, tool]:
        if _CR in row.holders:
            held |= row.right
    # Whoever may edit what he added sees it; a deposit is gone from the depositor's sight (DOC-32).
    return held | Right.SEE if held & Right.EDIT else held


_OF_CREATOR: Final = {(kind, tool): _creates(kind, tool) for kind, tool in TABLES}
