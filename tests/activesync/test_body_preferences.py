"""BodyPreference as its schema has it ([MS-ASAIRS] §2.2.2.12, §3.2.5.1)."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Contacts, ItemOperations, Notes, Search, Tasks
from tests.activesync.phone import Phone

KIND, SIZE = AirSyncBase.Type(1), AirSyncBase.TruncationSize(100)
ALL = AirSyncBase.AllOrNone(1)
ODD = {
    "order": (SIZE, ALL, KIND),
    "twice": (KIND, SIZE, ALL, ALL),
    "no boolean": (KIND, SIZE, AirSyncBase.AllOrNone("a")),
    "no number": (AirSyncBase.Type("a"), SIZE, ALL),
    "negative": (KIND, AirSyncBase.TruncationSize("-1")),
}
GOOD = {
    "all": (KIND, SIZE, ALL, AirSyncBase.Preview(50)),
    "some": (KIND, AirSyncBase.Preview(50)),
    "the largest": (AirSyncBase.Type(2), AirSyncBase.TruncationSize(2**32 - 1), AirSyncBase.AllOrNone("true")),
    "alone": (AirSyncBase.Type(4),),
}


@pytest.fixture
def inbox(phone: Phone, deliver: Callable[..., int]) -> str:
    deliver("budget")
    phone.folder_sync()
    folder = phone.folder("INBOX")
    phone.sync(folder)
    return folder


def asked(phone: Phone, inbox: str, preference: Element) -> tuple[str | None, str | None, str | None]:
    """The statuses of Sync, ItemOperations and Search."""
    collection = AirSync.Collection(
        AirSync.SyncKey(phone.keys[inbox]), AirSync.CollectionId(inbox), AirSync.Options(preference)
    )
    answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(collection)))
    sync = answer.document.text_of(AirSync.Status) if answer.body else "1"
    (number,) = phone.items[inbox]
    fetch = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"), AirSync.CollectionId(inbox), AirSync.ServerId(number),
        ItemOperations.Options(preference),
    )  # fmt: skip
    items = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    query = Search.Query(Search.And(AirSync.CollectionId(inbox), Search.FreeText("budget")))
    store = Search.Store(Search.Name("Mailbox"), query, Search.Options(preference))
    found = phone.post("Search", Search.Search(store)).document
    status = found.text_of(Search.Response, Search.Store, Search.Status)
    return sync, items.text_of(ItemOperations.Status), status


@pytest.mark.parametrize("odd", ODD)
def test_what_the_schema_does_not_have(phone: Phone, inbox: str, odd: str) -> None:
    """MS-ASAIRS_R348, R350, R351 (4 for a Sync), R346, R10030 (2 for ItemOperations), R10033 (2 for a Search)."""
    assert asked(phone, inbox, AirSyncBase.BodyPreference(*ODD[odd])) == ("4", "2", "2")


@pytest.mark.parametrize("good", GOOD)
def test_what_it_has(phone: Phone, inbox: str, good: str) -> None:
    assert asked(phone, inbox, AirSyncBase.BodyPreference(*GOOD[good])) == ("1", "1", "1")


@pytest.mark.parametrize(("kind", "name"), [(9, Contacts.FirstName), (7, Tasks.Subject), (10, Notes.Subject)])
def test_a_text_of_no_form(phone: Phone, kind: int, name: Callable[..., Element]) -> None:
    """MS-ASAIRS_R10014: status 6 for an item whose Body has a Type that is no number; others of the request are made."""
    phone.folder_sync()
    folder = next(number for number, (_, found) in phone.folders.items() if found == kind)
    phone.sync(folder)

    def add(client: str, form: str) -> Element:
        body = AirSyncBase.Body(AirSyncBase.Type(form), AirSyncBase.Data("text"))
        return AirSync.Add(AirSync.ClientId(client), AirSync.ApplicationData(name("new"), body))

    found = phone.sync_once(folder, add("1", "a"), add("2", "1"))
    assert found is not None
    responses = found.find(AirSync.Responses)
    assert responses is not None
    assert [one.text_of(AirSync.Status) for one in responses.all(AirSync.Add)] == ["6", "1"]


def test_a_part_comes_after_a_preview(phone: Phone, inbox: str) -> None:
    """[MS-ASAIRS] §6: the schema of a Body is a sequence, with Part as its last element."""
    (number,) = phone.items[inbox]
    preference = AirSyncBase.BodyPreference(KIND, SIZE, AirSyncBase.Preview(50))
    fetch = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"), AirSync.CollectionId(inbox), AirSync.ServerId(number),
        ItemOperations.Options(preference),
    )  # fmt: skip
    asked = ItemOperations.ItemOperations(fetch)
    answer = phone.post("ItemOperations", asked, **{"MS-ASAcceptMultiPart": "T"}).body
    count, begin, length = struct.unpack("<III", answer[:12])
    assert count == 2
    document = decode(answer[begin : begin + length])
    body = document.find(
        ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties, AirSyncBase.Body
    )
    assert body is not None
    assert [one.tag for one in body.children] == [
        AirSyncBase.Type, AirSyncBase.EstimatedDataSize, AirSyncBase.Preview, ItemOperations.Part,
    ]  # fmt: skip


@pytest.mark.parametrize(("mime", "kind"), [(0, "1"), (1, "1"), (2, "4")])
@pytest.mark.parametrize("secured", [False, True])
def test_a_fetch_that_says_nothing_of_bodies_has_one(
    phone: Phone, deliver: Callable[..., int], mime: int, kind: str, secured: bool
) -> None:
    """[MS-ASCMD] §2.2.3.110.2: 1 is "send MIME data for S/MIME messages only; send regular body for all other messages"."""
    more = 'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary="b"\r\n' if secured else ""
    text = "--b\r\n\r\nbudget\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--" if secured else "budget"
    deliver("one", text=text, more=more)
    phone.folder_sync()
    folder = phone.folder("INBOX")
    phone.sync(folder)
    (number,) = phone.items[folder]
    fetch = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"), AirSync.CollectionId(folder), AirSync.ServerId(number),
        ItemOperations.Options(AirSync.MIMESupport(mime)),
    )  # fmt: skip
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    body = found.find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties, AirSyncBase.Body)
    assert body is not None
    assert body.text_of(AirSyncBase.Type) == ("4" if secured and mime else kind)
    assert "budget" in (body.text_of(AirSyncBase.Data) or "")
