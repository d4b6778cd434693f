"""A ClientId says which Add is answered, and nothing once the answer came ([MS-ASCMD] §2.2.3.28.2; EAS-04)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Contacts, Email
from tests.activesync.phone import Phone


def added(name: str, client: str = "1") -> Element:
    return AirSync.Add(AirSync.ClientId(client), AirSync.ApplicationData(Contacts.FirstName(name)))


@pytest.fixture
def book(phone: Phone) -> str:
    phone.folder_sync()
    number = next(number for number, (_, kind) in phone.folders.items() if kind == 9)
    phone.sync(number)
    return number


def names(phone: Phone, book: str) -> list[str]:
    return sorted(one.text_of(Contacts.FirstName) or "" for one in phone.items[book].values())


def test_a_phone_that_counts_from_one_in_each_request(phone: Phone, book: str) -> None:
    """MS-ASCMD_R955 and the words after it: unique "during the duration of the Sync request that adds the object"."""
    for name in ("ann", "ben", "zoe"):
        phone.sync_once(book, added(name))
    phone.keys[book] = "0"
    phone.sync(book)
    assert names(phone, book) == ["ann", "ben", "zoe"]


def test_the_same_of_drafts(connect: Callable[..., Phone]) -> None:
    """[MS-ASCMD] §2.2.3.28.2, §2.2.3.7.2: Add of an Email item, from 16.0 on."""
    phone = connect(version="16.1")
    phone.folder_sync()
    drafts = next(number for number, (_, kind) in phone.folders.items() if kind == 3)
    phone.sync(drafts)
    for subject in ("one", "two"):
        body = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data(subject))
        data = AirSync.ApplicationData(Email.To("bob@example.test"), Email.Subject(subject), body)
        phone.sync_once(drafts, AirSync.Add(AirSync.ClientId("1"), data))
    phone.keys[drafts] = "0"
    phone.sync(drafts)
    assert phone.subjects(drafts) == ["one", "two"]


def test_an_answer_that_was_lost_twice(phone: Phone, book: str) -> None:
    """Until the device uses the key of an answer its ClientId is known, also over key 0 (EAS-04)."""
    lost = AirSync.Sync(AirSync.Collections(phone.collection(book, added("ann"))))
    more = AirSync.Sync(AirSync.Collections(phone.collection(book, added("ann"), added("ben", "2"))))
    for request in (lost, more):
        assert phone.post("Sync", request).body
    phone.keys[book] = "0"
    phone.sync_once(book)
    phone.sync_once(book, added("ann"), added("ben", "2"))
    phone.sync_once(book, added("cay"), added("dan", "2"))
    phone.sync(book)
    assert names(phone, book) == ["ann", "ben", "cay", "dan"]


def test_a_day_later(phone: Phone, book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was never heard of again is forgotten after a day, as the table says; a ClientId may come again then."""
    assert phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(book, added("ann"))))).body
    later = time.time() + 90_000
    monkeypatch.setattr(time, "time", lambda: later)
    phone.sync_once(book, added("ben"))
    phone.keys[book] = "0"
    phone.sync(book)
    assert names(phone, book) == ["ann", "ben"]


def test_a_new_beginning_is_no_doubling(phone: Phone, book: str) -> None:
    """EAS-04: after key 0 an Add that says the same as before is the same one; with another content it is another."""
    phone.sync_once(book, added("ann"))
    phone.sync(book)
    phone.keys[book] = "0"
    phone.sync(book)
    phone.sync_once(book, added("ann"))
    phone.keys[book] = "0"
    phone.sync(book)
    assert names(phone, book) == ["ann"]
    phone.sync_once(book, added("ben"))
    phone.keys[book] = "0"
    phone.sync(book)
    assert names(phone, book) == ["ann", "ben"]
