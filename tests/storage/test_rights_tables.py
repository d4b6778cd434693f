"""Tables 3.2 and 3.3 of the specification, row by row, against storage/rights.py (ACL-02, ACL-11)."""

from __future__ import annotations

import pytest

from storage import rights
from storage.rights import Scope
from storage.types import Relation, Right, SpaceKind, Tool

OWNER, CO, ADMIN, CO_ADMIN, MEMBER = (
    Relation.OWNER,
    Relation.CO_MEMBER,
    Relation.ADMIN,
    Relation.CO_ADMIN,
    Relation.MEMBER,
)
PRIVATE_PEOPLE = {OWNER, CO}
GROUP_PEOPLE = {ADMIN, CO_ADMIN, MEMBER}
EVERY_MEMBER, ADMINS = {ADMIN, CO_ADMIN, MEMBER}, {ADMIN, CO_ADMIN}
FIXED, COLL, ITEM, BOTH = Scope.FIXED, Scope.COLLECTION, Scope.ITEM, Scope.BOTH
P, G = SpaceKind.PRIVATE, SpaceKind.GROUP
FOLDERS = (Tool.DOCUMENTS, Tool.FAVOURITES, Tool.NOTES, Tool.WIKI)

# tool(s), right, who holds it by default over the whole collection, whether its creator holds it on
# an item, what a grant is attached to
PRIVATE = [
    (Tool.CALENDAR, Right.SEE_BUSY, {OWNER, CO}, False, FIXED),
    (Tool.CALENDAR, Right.SEE, {OWNER}, True, BOTH),
    (Tool.CALENDAR, Right.ADD, {OWNER}, False, COLL),
    (Tool.CALENDAR, Right.EDIT, {OWNER}, True, BOTH),
    (Tool.CALENDAR, Right.DELETE, {OWNER}, False, COLL),
    (Tool.CONTACTS, Right.SEE, {OWNER}, True, COLL),
    (Tool.CONTACTS, Right.EDIT, {OWNER}, True, COLL),
    (Tool.CONTACTS, Right.ADD, {OWNER}, False, COLL),
    (Tool.CONTACTS, Right.DELETE, {OWNER}, False, COLL),
    *[(Tool.CONTACT_LISTS, r, {OWNER}, False, FIXED) for r in (Right.SEE, Right.EDIT, Right.ADD, Right.DELETE)],
    *[(Tool.MESSAGES, r, {OWNER}, False, FIXED) for r in (Right.SEE, Right.EDIT, Right.ADD, Right.DELETE)],
    *[(t, Right.SEE_FOLDER, {OWNER}, False, COLL) for t in FOLDERS],
    *[(t, Right.SEE, {OWNER}, True, ITEM) for t in FOLDERS],
    *[(t, Right.EDIT, {OWNER}, True, ITEM) for t in FOLDERS],
    *[(t, Right.ADD, {OWNER}, False, COLL) for t in FOLDERS],
    *[(t, Right.DELETE, {OWNER}, False, COLL) for t in FOLDERS],
    (Tool.DROP_BOX, Right.ADD, {OWNER, CO}, False, FIXED),
    (Tool.DROP_BOX, Right.SEE, {OWNER}, False, FIXED),
    (Tool.TASKS, Right.ADD, {OWNER, CO}, False, FIXED),
    (Tool.TASKS, Right.SEE, {OWNER}, True, COLL),
    (Tool.TASKS, Right.EDIT, {OWNER}, True, FIXED),
    (Tool.TASKS, Right.DELETE, {OWNER}, True, COLL),
    (Tool.TASKS_GIVEN, Right.SEE, {OWNER}, False, COLL),
    (Tool.TASKS_GIVEN, Right.EDIT, {OWNER}, False, FIXED),
    (Tool.TASKS_GIVEN, Right.ADD, {OWNER}, False, FIXED),
    (Tool.TASKS_GIVEN, Right.DELETE, {OWNER}, False, FIXED),
    (Tool.TASKS_GIVEN, Right.CANCEL, set(), False, COLL),
    (Tool.CALLS, Right.ADD, {OWNER, CO}, False, FIXED),
    (Tool.CALLS, Right.SEE, {OWNER}, False, FIXED),
    (Tool.CALLS, Right.EDIT, {OWNER}, False, FIXED),
    (Tool.CALLS, Right.DELETE, {OWNER}, False, FIXED),
    (Tool.CALLS_SENT, Right.EDIT, {OWNER}, False, FIXED),
    (Tool.CALLS_SENT, Right.DELETE, {OWNER}, False, FIXED),
]
GROUP = [
    (Tool.CALENDAR, Right.SEE, EVERY_MEMBER, True, FIXED),
    (Tool.CALENDAR, Right.EDIT, set(), True, BOTH),
    (Tool.CALENDAR, Right.ADD, ADMINS, False, COLL),
    (Tool.CALENDAR, Right.DELETE, ADMINS, False, COLL),
    (Tool.CONTACTS, Right.SEE, EVERY_MEMBER, True, FIXED),
    (Tool.CONTACTS, Right.EDIT, set(), True, ITEM),
    (Tool.CONTACTS, Right.ADD, ADMINS, False, COLL),
    (Tool.CONTACTS, Right.DELETE, ADMINS, False, COLL),
    (Tool.CONTACT_LISTS, Right.SEE, EVERY_MEMBER, False, FIXED),
    (Tool.CONTACT_LISTS, Right.ADD, ADMINS, False, FIXED),
    (Tool.CONTACT_LISTS, Right.DELETE, ADMINS, False, FIXED),
    (Tool.CONTACT_LISTS, Right.EDIT, ADMINS, False, ITEM),
    *[(t, Right.SEE_FOLDER, EVERY_MEMBER, False, FIXED) for t in FOLDERS],
    *[(t, Right.SEE, EVERY_MEMBER, True, ITEM) for t in FOLDERS],
    *[(t, Right.EDIT, set(), True, ITEM) for t in FOLDERS],
    *[(t, Right.ADD, ADMINS, False, COLL) for t in FOLDERS],
    *[(t, Right.DELETE, ADMINS, False, COLL) for t in FOLDERS],
    (Tool.INFOS, Right.SEE, EVERY_MEMBER, False, FIXED),
    *[(Tool.INFOS, r, {ADMIN}, False, FIXED) for r in (Right.ADD, Right.EDIT, Right.DELETE)],
    (Tool.FORUM, Right.SEE, EVERY_MEMBER, False, FIXED),
    (Tool.FORUM, Right.ADD, EVERY_MEMBER, False, FIXED),
    (Tool.FORUM, Right.EDIT, set(), False, FIXED),
    (Tool.FORUM, Right.DELETE, ADMINS, False, FIXED),
    (Tool.CHAT, Right.SEE, EVERY_MEMBER, False, FIXED),
    (Tool.CHAT, Right.ADD, EVERY_MEMBER, False, FIXED),
    *[(t, r, EVERY_MEMBER, False, FIXED) for t in (Tool.TASKS, Tool.TASKS_GIVEN) for r in (Right.EDIT, Right.ADD)],
    *[(t, Right.DELETE, ADMINS, True, FIXED) for t in (Tool.TASKS, Tool.TASKS_GIVEN)],
    *[(Tool.CALLS, r, EVERY_MEMBER, False, FIXED) for r in (Right.SEE, Right.ADD, Right.EDIT, Right.DELETE)],
]
ROWS = [(P, *row) for row in PRIVATE] + [(G, *row) for row in GROUP]


@pytest.mark.parametrize(("kind", "tool", "right", "holders", "creator", "scope"), ROWS)
def test_row(
    kind: SpaceKind, tool: Tool, right: Right, holders: set[Relation], creator: bool, scope: Scope
) -> None:
    row = rights.rule(kind, tool, right)
    assert row is not None
    assert row.granted_per is scope
    assert row.changeable is (scope is not FIXED)
    people = PRIVATE_PEOPLE if kind is P else GROUP_PEOPLE
    assert {who for who in people if rights.defaults(kind, tool, who) & right} == holders
    if creator:
        assert rights.of_creator(kind, tool) & right


@pytest.mark.parametrize(("kind", "tool"), sorted(rights.TABLES, key=str))
def test_a_stranger_holds_nothing(kind: SpaceKind, tool: Tool) -> None:
    """ACL-02: what no table gives does not exist."""
    assert rights.defaults(kind, tool, Relation.STRANGER) is Right.NONE


@pytest.mark.parametrize(("kind", "tool"), sorted(rights.TABLES, key=str))
def test_the_owner_holds_everything(kind: SpaceKind, tool: Tool) -> None:
    """ACL-03."""
    if kind is P:
        held = rights.defaults(kind, tool, Relation.OWNER)
        everything = Right.SEE | Right.EDIT | Right.ADD | Right.DELETE
        assert held & everything == everything


def test_adding_gives_no_deletion() -> None:
    """ACL-05, CAL-14, CON-10: the creator edits, but does not delete."""
    for tool in (Tool.CALENDAR, Tool.CONTACTS, Tool.DOCUMENTS, Tool.FAVOURITES, Tool.NOTES):
        for kind in (P, G):
            assert rights.of_creator(kind, tool) & Right.EDIT
            assert not rights.of_creator(kind, tool) & Right.DELETE
