"""MoveItems of what was here before ([MS-ASCMD] §2.2.1.12, §2.2.3.177.10)."""

from __future__ import annotations

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Calendar, Move
from storage import collections as tree
from storage import items, moving
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_folders import make


def moved(phone: Phone, number: str, source: str, target: str) -> tuple[str | None, str]:
    one = Move.Move(Move.SrcMsgId(number), Move.SrcFldId(source), Move.DstFldId(target))
    found = phone.post("MoveItems", Move.MoveItems(one)).document.find(Move.Response)
    assert found is not None
    return found.text_of(Move.Status), found.text_of(Move.DstMsgId) or ""


def test_an_event_there_and_back_and_there_again(phone: Phone, store: Store, alice: Actor) -> None:
    """MS-ASCMD_R285: the command moves an item, also one whose ServerId it moved an hour ago.

    An event has the same number in both calendars, so that the third move looks like the first one said again.
    """
    phone.folder_sync()
    home = next(number for number, (_, kind) in phone.folders.items() if kind == 8)
    make(phone, "Club", 13)
    phone.folder_sync()
    phone.hierarchy_key = "0"
    phone.folder_sync()
    club = phone.folder("Club")
    for folder in (home, club):
        phone.sync(folder)
    phone.sync_once(home, _add())
    (number,) = phone.items[home]
    places = []
    for source, target in ((home, club), (club, home), (home, club)):
        status, number = moved(phone, number, source, target)
        assert status == "3"
        places.append(_place(store, alice))
    assert places == ["Club", "events", "Club"]
    asked = number.replace(club, home)
    assert moved(phone, asked, home, club) == ("3", number)  # the answer was lost
    assert _place(store, alice) == "Club"


def test_an_event_that_another_program_moved_here(phone: Phone, store: Store, alice: Actor) -> None:
    """MS-ASCMD_R285: the phone moves it back before it is told that it is gone from there."""
    phone.folder_sync()
    home = next(number for number, (_, kind) in phone.folders.items() if kind == 8)
    make(phone, "Club", 13)
    phone.hierarchy_key = "0"
    phone.folder_sync()
    club = phone.folder("Club")
    for folder in (home, club):
        phone.sync(folder)
    phone.sync_once(club, _add())
    with store.write(alice) as tx:
        mine = {one.id: one for one in tree.home(tx, SpaceKind.PRIVATE, "alice")}
        source, target = (next(one for key, one in mine.items() if folder == f"c{key}") for folder in (club, home))
        (row,) = items.rows(tx, source)
        moving.move(tx, source, row.name, target, row.name, overwrite=False)
    phone.sync(home)
    (number,) = phone.items[home]
    status, there = moved(phone, number, home, club)
    assert (status, there) == ("3", number.replace(home, club))
    assert _place(store, alice) == "Club"
    assert phone.sync_once(club) is None or phone.items[club].keys() == {there}


def _add() -> Element:
    data = AirSync.ApplicationData(
        Calendar.Subject("fete"), Calendar.StartTime("20260705T100000Z"), Calendar.EndTime("20260705T110000Z")
    )
    return AirSync.Add(AirSync.ClientId("1"), data)


def _place(store: Store, alice: Actor) -> str:
    with store.read(alice) as tx:
        mine = tree.home(tx, SpaceKind.PRIVATE, "alice")
        (found,) = (one for one in mine if one.tool.name == "CALENDAR" and list(items.rows(tx, one)))
        return "Club" if found.display_name == "Club" else found.name
