"""Search for events, contacts, tasks and notes, and Schema of what is fetched then (EAS-10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import (
    AirSync,
    AirSyncBase,
    Calendar,
    Contacts,
    Email,
    ItemOperations,
    Notes,
    Search,
    Tasks,
)
from tests.activesync.phone import Phone

VERSIONS = ("12.1", "14.1", "16.1")
SUBJECTS = {"Calendar": Calendar.Subject, "Contacts": Contacts.FirstName, "Tasks": Tasks.Subject, "Notes": Notes.Subject}
KINDS = {"Calendar": 8, "Contacts": 9, "Tasks": 7, "Notes": 10}
TIMES = (Calendar.StartTime("20260705T100000Z"), Calendar.EndTime("20260705T110000Z"))


def filled(phone: Phone, kind: str) -> str:
    """A folder of that class with three items; its ServerId."""
    phone.folder_sync()
    folder = next(number for number, (_, found) in phone.folders.items() if found == KINDS[kind])
    phone.sync(folder)
    for at, subject in enumerate(("Böse Budget_one", "Budget_two", "lunch")):
        body = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data(f"text {at}"))
        data = AirSync.ApplicationData(SUBJECTS[kind](subject), *(TIMES if kind == "Calendar" else ()), body)
        phone.sync_once(folder, AirSync.Add(AirSync.ClientId(str(at)), data))
    return folder


def search(phone: Phone, *query: Element, span: str = "0-9") -> Element:
    options = Search.Options(Search.RebuildResults(), Search.Range(span), Search.DeepTraversal())
    store = Search.Store(Search.Name("Mailbox"), Search.Query(Search.And(*query)), options)
    found = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
    assert found is not None
    return found


def texts(found: Element, tag: Tag) -> list[str]:
    return sorted(one.text_of(Search.Properties, tag) or "" for one in found.all(Search.Result) if one.children)


def fetch(phone: Phone, number: str, *options: Element) -> Element:
    one = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"), Search.LongId(number), ItemOperations.Options(*options)
    )
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(one)).document
    found = answer.find(ItemOperations.Response, ItemOperations.Fetch)
    assert found is not None
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_items_of_each_class(connect: Callable[..., Phone], kind: str, version: str) -> None:
    """MS-ASNOTE_R208, MS-ASTASK_R368, MS-ASCNTC_R487 ([MS-ASNOTE] §3.2.5.2, [MS-ASCMD] §2.2.3.27.4)."""
    phone = connect(version=version)
    if kind == "Notes" and version == "12.1":
        found = search(phone, AirSync.Class("Notes"), Search.FreeText("budget"))
        assert found.text_of(Search.Status) == "2"
        return
    folder = filled(phone, kind)
    tag, place = SUBJECTS[kind], AirSync.CollectionId(folder)
    found = search(phone, place, Search.FreeText("budget"))
    assert found.text_of(Search.Status) == "1"
    assert texts(found, tag) == ["Budget_two", "Böse Budget_one"]
    assert (found.text_of(Search.Range), found.text_of(Search.Total)) == ("0-1", "2")
    result = found.find(Search.Result)
    assert result is not None
    assert (result.text_of(AirSync.Class), result.text_of(AirSync.CollectionId)) == (kind, folder)
    assert texts(search(phone, AirSync.Class(kind), Search.FreeText("bose one")), tag) == ["Böse Budget_one"]
    assert texts(search(phone, AirSync.Class(kind), place, Search.FreeText('"text 2"')), tag) == ["lunch"]
    assert texts(search(phone, place, Search.FreeText("budget"), span="1-1"), tag) == ["Böse Budget_one"]
    nothing = search(phone, place, Search.FreeText("nowhere"))
    assert (nothing.text_of(Search.Status), texts(nothing, tag)) == ("1", [])
    other = next(name for name in KINDS if name != kind)
    assert texts(search(phone, AirSync.Class(other if version != "12.1" else "Email"), Search.FreeText("lunch")), tag) == []
    assert search(phone, AirSync.CollectionId("c999999"), Search.FreeText("budget")).text_of(Search.Status) == "6"
    stranger = connect(version=version, login="bob", password="bob-secret")
    assert search(stranger, place, Search.FreeText("budget")).text_of(Search.Status) == "6"
    assert texts(search(stranger, AirSync.Class(kind), Search.FreeText("budget")), tag) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_all_that_is_told(connect: Callable[..., Phone], kind: str) -> None:
    """MS-ASCNTC_R485, MS-ASTASK_R358: "the elements returned [...] MUST be restricted to" those of the Schema.

    The item is one that the device was never told of: a LongId is good for each that a search finds.
    """
    folder = filled(connect(), kind)
    phone = connect(device="PHONE2")
    found = search(phone, AirSync.CollectionId(folder), Search.FreeText("lunch"))
    number = found.text_of(Search.Result, Search.LongId) or ""
    tag = SUBJECTS[kind]
    properties = fetch(phone, number).find(ItemOperations.Properties)
    assert properties is not None
    assert len(properties.children) > 1
    for wanted in ((tag,), (AirSyncBase.Body,), (tag, AirSyncBase.Body)):
        properties = fetch(phone, number, ItemOperations.Schema(*(one() for one in wanted))).find(ItemOperations.Properties)
        assert properties is not None
        assert {one.tag for one in properties.children} == set(wanted)
    assert fetch(phone, number + "0").text_of(ItemOperations.Status) == "6"


def test_a_schema_of_a_mail(phone: Phone, deliver: Callable[..., int]) -> None:
    """[MS-ASCMD] §2.2.3.153."""
    uid = deliver("hello")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    found = fetch(phone, f"{inbox}:{uid}", ItemOperations.Schema(Email.Subject(), Email.From()))
    properties = found.find(ItemOperations.Properties)
    assert properties is not None
    assert {one.tag for one in properties.children} == {Email.Subject, Email.From}
