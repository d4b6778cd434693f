"""Options that a request leaves out are those said before; an estimate goes by those that it names itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Contacts, GetItemEstimate
from storage import collections as tree
from storage import items, kinds
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone


def put(store: Store, alice: Actor, title: str) -> None:
    body = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ann\r\nN:;Ann;;;\r\nTITLE:{title}\r\nEND:VCARD\r\n".encode()
    with store.write(alice) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, "u1.vcf", kinds.CARDS.prepare(body, "text/vcard"))


def test_conflict_is_an_option_like_others(phone: Phone, store: Store, alice: Actor) -> None:
    """[MS-ASCMD] §2.2.3.34, §2.2.3.125.5: what Options said stands until other Options come."""
    put(store, alice, "one")
    phone.folder_sync()
    book = next(number for number, (_, kind) in phone.folders.items() if kind == 9)

    def sync(*children: Element | None) -> Element:
        key = phone.keys.get(book, "0")
        one = AirSync.Collection(AirSync.SyncKey(key), AirSync.CollectionId(book), *children)
        found = phone.take(phone.post("Sync", AirSync.Sync(AirSync.Collections(one))))
        assert found is not None
        return found

    sync(AirSync.Options(AirSync.Conflict(0)))
    sync()
    (number,) = phone.items[book]
    data = AirSync.ApplicationData(Contacts.FirstName("Ann"), Contacts.JobTitle("mine"))
    change = AirSync.Commands(AirSync.Change(AirSync.ServerId(number), data))
    put(store, alice, "two")
    assert AirSync.Responses not in sync(change)  # the device wins
    put(store, alice, "three")
    found = sync(AirSync.Options(AirSync.Conflict(1)), change)
    assert found.text_of(AirSync.Responses, AirSync.Change, AirSync.Status) == "7"


def test_an_estimate_with_another_window(connect: Callable[..., Phone], deliver: Callable[..., int]) -> None:
    """[MS-ASCMD] §2.2.3.68.1: up to 12.1 FilterType stands in the Collection, later in its Options.

    What a Sync with that window would tell is counted, not what one with the last window would.
    """
    for days in (0, 2, 10, 100):
        deliver(f"{days} days", internal=time.time() - days * 86_400)
    for version in ("12.1", "14.1"):
        phone = connect(version=version, device=f"P{version[:2]}")
        phone.folder_sync()
        inbox = phone.folder("INBOX")

        def estimate(days: int, phone: Phone = phone, inbox: str = inbox) -> str | None:
            wanted = AirSync.FilterType(days)
            one = GetItemEstimate.Collection(
                GetItemEstimate.Class("Email") if phone.version == "12.1" else None,
                GetItemEstimate.CollectionId(inbox),
                wanted if phone.version == "12.1" else None,
                AirSync.SyncKey(phone.keys[inbox]),
                None if phone.version == "12.1" else AirSync.Options(wanted),
            )
            asked = GetItemEstimate.GetItemEstimate(GetItemEstimate.Collections(one))
            found = phone.post("GetItemEstimate", asked).document.find(GetItemEstimate.Response)
            assert found is not None
            return found.text_of(GetItemEstimate.Collection, GetItemEstimate.Estimate)

        phone.sync_once(inbox)
        assert [estimate(days) for days in (0, 1, 3, 5)] == ["4", "1", "2", "3"]
        phone.filter = 3
        phone.sync(inbox)
        assert len(phone.items[inbox]) == 2
        assert [estimate(days) for days in (3, 0, 5, 1)] == ["0", "2", "1", "1"]
        assert len(phone.items[inbox]) == 2


def test_a_filter_that_no_class_has(connect: Callable[..., Phone], deliver: Callable[..., int]) -> None:
    """MS-ASCMD_R2984: 9 and above is 103 in an estimate; a Sync says 4 (§2.2.3.68.2), and all goes on as before."""
    deliver("hello")
    phone = connect()
    phone.folder_sync()
    for kind in (2, 7, 8, 9):
        folder = next(number for number, (_, found) in phone.folders.items() if found == kind)
        phone.sync(folder)
        for wanted, statuses in ((8, ("1",)), (9, ("103", "4")), (255, ("103", "4"))):
            options = AirSync.Options(AirSync.FilterType(wanted))
            key, place = AirSync.SyncKey(phone.keys[folder]), GetItemEstimate.CollectionId(folder)
            asked = GetItemEstimate.GetItemEstimate(
                GetItemEstimate.Collections(GetItemEstimate.Collection(key, place, options))
            )
            found = phone.post("GetItemEstimate", asked).document
            assert found.text_of(GetItemEstimate.Response, GetItemEstimate.Status) == statuses[0]
            if wanted > 8:
                one = AirSync.Collection(key, AirSync.CollectionId(folder), options)
                answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(one))).document
                assert [(one.tag, one.text) for one in answer.children] == [(AirSync.Status, statuses[1])]
        phone.sync(folder)
