"""Calendars, address books, tasks and notes made, renamed and removed by a phone (EAS-10, EAS-11)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import FolderHierarchy as Folder
from servers.activesync.wbxml.pages import Ping
from storage import collections as tree
from storage import grants, groups
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind, Tool
from tests.activesync.phone import Phone
from tests.storage import desk

TOOLS = {13: Tool.CALENDAR, 14: Tool.CONTACTS, 15: Tool.TASKS, 17: Tool.NOTES}


def ask(phone: Phone, command: str, *elements: Element) -> Element:
    """One command with the hierarchy's key, which is taken over from the answer."""
    root = {
        "FolderCreate": Folder.FolderCreate,
        "FolderUpdate": Folder.FolderUpdate,
        "FolderDelete": Folder.FolderDelete,
    }
    found = phone.post(command, root[command](Folder.SyncKey(phone.hierarchy_key), *elements)).document
    if found.text_of(Folder.Status) == "1":
        phone.hierarchy_key = found.text_of(Folder.SyncKey) or ""
    return found


def make(phone: Phone, name: str, kind: int, parent: str = "0") -> Element:
    return ask(phone, "FolderCreate", Folder.ParentId(parent), Folder.DisplayName(name), Folder.Type(kind))


@pytest.mark.parametrize("kind", TOOLS)
def test_a_collection_by_a_phone(phone: Phone, store: Store, alice: Actor, kind: int) -> None:
    phone.folder_sync()
    made = make(phone, "Garden Club", kind)
    assert made.text_of(Folder.Status) == "1"
    number = made.text_of(Folder.ServerId) or ""
    with store.read(alice) as tx:
        found = next(one for one in tree.home(tx, SpaceKind.PRIVATE, "alice") if one.display_name == "Garden Club")
    assert (found.tool, found.name) == (TOOLS[kind], "garden-club")
    assert made.text_of(Folder.ServerId) == f"{number[:1]}{found.id}"
    assert make(phone, "Garden Club", kind).text_of(Folder.Status) == "2"
    phone.folder_sync()
    assert number not in phone.folders  # the key contained it
    phone.sync(number)
    renamed = ask(phone, "FolderUpdate", Folder.ServerId(number), Folder.ParentId("0"), Folder.DisplayName("Orchard"))
    assert renamed.text_of(Folder.Status) == "1"
    with store.read(alice) as tx:
        assert tree.by_id(tx, found.id).display_name == "Orchard"
    assert ask(phone, "FolderDelete", Folder.ServerId(number)).text_of(Folder.Status) == "1"
    with store.read(alice) as tx:
        assert found.id not in {one.id for one in tree.home(tx, SpaceKind.PRIVATE, "alice")}
    assert ask(phone, "FolderDelete", Folder.ServerId(number)).text_of(Folder.Status) == "4"


def test_what_stays(phone: Phone, store: Store) -> None:
    """The default ones, what is another's, and what lies elsewhere than at the top."""
    with store.write(SITE) as tx:
        group = groups.create(tx, "BOTH", admin=desk.principal(store, "bob"))
        groups.add_member(tx, group, desk.principal(store, "alice"))
        theirs = tree.find(tx, SpaceKind.PRIVATE, "bob", "events")
        grants.grant(tx, theirs, desk.principal(store, "alice"), Right.SEE)
    phone.folder_sync()
    calendar = next(number for number, (_, kind) in phone.folders.items() if kind == 8)
    for number, status in ((calendar, "3"), (f"c{theirs.id}", "3"), ("c999999", "4"), ("c", "4"), ("x1", "4")):
        assert ask(phone, "FolderDelete", Folder.ServerId(number)).text_of(Folder.Status) == status, number
    inbox = next(number for number, (_, kind) in phone.folders.items() if kind == 2)
    for number in (calendar, inbox):  # MS-ASCMD_R4101: special folders are not updated, R5786: and there is no key
        refused = ask(
            phone, "FolderUpdate", Folder.ServerId(number), Folder.ParentId("0"), Folder.DisplayName("Other")
        )
        assert [one.text for one in refused.children] == ["2"]
    assert make(phone, "Below", 13, calendar).text_of(Folder.Status) == "5"
    assert make(phone, "", 13).text_of(Folder.Status) == "10"
    assert make(phone, "x" * 300, 13).text_of(Folder.Status) == "10"
    # MS-ASCMD_R4035, R81: the account's own folders are not made, nor is the cache of recipients
    for kind, status in ((2, "10"), (8, "10"), (16, "6"), (19, "3"), (99, "6")):
        assert make(phone, "Odd", kind).text_of(Folder.Status) == status, kind
    for key in ("", "0", "nonsense"):
        phone.hierarchy_key = key
        assert make(phone, "Odd", 12).text_of(Folder.Status) == "9", key  # MS-ASCMD_R4573


def test_before_fourteen_there_are_no_notes(connect: Callable[..., Phone]) -> None:
    old = connect(version="12.1")
    old.folder_sync()
    assert make(old, "Notes of old", 17).text_of(Folder.Status) == "6"


def ping(phone: Phone, folder: str) -> Element:
    listed = Ping.Folders(Ping.Folder(Ping.Id(folder), Ping.Class("Email")))
    return phone.post("Ping", Ping.Ping(Ping.HeartbeatInterval(1), listed)).document


@pytest.mark.slow
def test_others_folders_are_heard_of(connect: Callable[..., Phone]) -> None:
    """MS-ASCMD_R4257, R4258: Ping says when the hierarchy is to be synchronised; a change of one's own hides no other."""
    phone, other = connect(), connect(device="OTHER")
    other.folder_sync()
    inbox = next(number for number, (_, kind) in other.folders.items() if kind == 2)
    assert ping(phone, inbox).text_of(Ping.Status) == "7"  # it never asked for the folders
    phone.folder_sync()
    phone.sync(inbox)
    assert ping(phone, inbox).text_of(Ping.Status) == "1"
    theirs = make(other, "Theirs", 12).text_of(Folder.ServerId) or ""
    below = make(other, "Below", 12, theirs).text_of(Folder.ServerId) or ""
    other.folders |= {theirs: ("Theirs", 12), below: ("Below", 12)}
    assert ping(phone, inbox).text_of(Ping.Status) == "7"
    mine = make(phone, "Mine", 12).text_of(Folder.ServerId) or ""
    phone.folder_sync()
    assert {theirs, below} <= phone.folders.keys()
    assert mine not in phone.folders  # the key of its own command contained it
    assert ping(phone, inbox).text_of(Ping.Status) == "1"
    assert ask(phone, "FolderDelete", Folder.ServerId(theirs)).text_of(Folder.Status) == "1"
    changes = phone.folder_sync().find(Folder.Changes)
    assert changes is not None
    assert not changes.all(Folder.Delete)
    assert other.folder_sync().text_of(Folder.Changes, Folder.Count) == "3"  # Mine, and the two that went


def test_a_folder_comes_after_the_one_that_it_is_in(phone: Phone) -> None:
    """A client that makes the folders in the order of the Adds knows each ParentId ([MS-ASCMD] §2.2.3.7.1)."""
    phone.folder_sync()
    parent = "0"
    for name in ("Work", "Zeta", "Alpha", "Aaron"):
        parent = make(phone, name, 12, parent).text_of(Folder.ServerId) or ""
    answer = phone.post("FolderSync", Folder.FolderSync(Folder.SyncKey("0"))).document
    changes = answer.find(Folder.Changes)
    assert changes is not None
    known = {"0"}
    for one in changes.all(Folder.Add):
        assert one.text_of(Folder.ParentId) in known
        known.add(one.text_of(Folder.ServerId) or "")
