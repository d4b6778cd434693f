"""When a meeting was answered, and whether another time may be proposed ([MS-ASCAL] §2.2.2.2, §2.2.2.17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Calendar, Email, MeetingResponse, Search
from storage import collections as tree
from storage import items
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_meetings import calendar_of, invite, only, respond

COUNTER = b"X-MICROSOFT-DISALLOW-COUNTER:TRUE"


def stored(store: Store, owner: Actor) -> bytes:
    with store.read(owner) as tx:
        calendar = tree.find(tx, SpaceKind.PRIVATE, owner.login, "events")
        (name,) = (one.name for one in items.rows(tx, calendar))
        return items.get(tx, calendar, name).body or b""


def change(phone: Phone, folder: str, *data: Element) -> None:
    number, _ = only(phone, folder)
    found = phone.sync_once(folder, AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*data)))
    assert found is None or AirSync.Responses not in found


@pytest.mark.parametrize("version", ["14.0", "14.1", "16.1"])
def test_when_it_was_answered(connect: Callable[..., Phone], version: str) -> None:
    """MS-ASCAL_R91, R566: there is an AppointmentReplyTime once the user replied, and no more than one."""
    organizer = connect(version="14.1")
    bobs = connect(login="bob", password="bob-secret", device="BOBS", version=version)
    mine, his = calendar_of(organizer), calendar_of(bobs)
    invite(organizer, mine, "bob@example.test")
    bobs.sync(his)
    number, data = only(bobs, his)
    assert Calendar.AppointmentReplyTime not in data
    respond(bobs, his, number, 2)
    bobs.sync(his)
    (replied,) = only(bobs, his)[1].all(Calendar.AppointmentReplyTime)
    assert len(replied.text) == len("20260706T080000Z")
    assert only(bobs, his)[1].text_of(Calendar.ResponseType) == "2"
    organizer.sync(mine)
    assert Calendar.AppointmentReplyTime not in only(organizer, mine)[1]


def test_it_is_not_told_up_to_12_1(connect: Callable[..., Phone]) -> None:
    organizer = connect(version="14.1")
    bobs = connect(login="bob", password="bob-secret", device="BOBS", version="12.1")
    mine, his = calendar_of(organizer), calendar_of(bobs)
    invite(organizer, mine, "bob@example.test")
    bobs.sync(his)
    respond(bobs, his, only(bobs, his)[0], 1)
    bobs.sync(his)  # the phone of the tests knows which elements there are
    assert Calendar.DisallowNewTimeProposal not in only(bobs, his)[1]


@pytest.mark.parametrize("version", ["14.1", "16.1"])
def test_whether_another_time_may_be_proposed(
    connect: Callable[..., Phone], store: Store, alice: Actor, version: str
) -> None:
    """MS-ASCAL §2.2.2.17: 0 where nobody said it, and "A command response contains one".

    It is the organizer's to say, and those whom he invites are told.
    """
    phone = connect(version=version)
    bobs = connect(login="bob", password="bob-secret", device="BOBS", version=version)
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    assert only(bobs, his)[1].text_of(Calendar.DisallowNewTimeProposal) == "0"
    change(phone, mine, Calendar.DisallowNewTimeProposal(1))
    assert COUNTER in stored(store, alice)
    bobs.sync(his)
    assert only(bobs, his)[1].text_of(Calendar.DisallowNewTimeProposal) == "1"
    change(phone, mine, Calendar.Subject("another"))  # few devices know it
    assert COUNTER in stored(store, alice)
    bobs.sync(his)
    change(bobs, his, Calendar.DisallowNewTimeProposal(0))
    assert COUNTER in stored(store, alice)
    change(phone, mine, Calendar.DisallowNewTimeProposal(0))
    assert COUNTER not in stored(store, alice)


@pytest.mark.parametrize("version", ["12.1", "14.1", "16.1"])
def test_the_mail_that_invites_says_it_too(
    connect: Callable[..., Phone], deliver: Callable[..., int], version: str
) -> None:
    """[MS-ASEMAIL] §2.2.2.27, from 14.0 on."""
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:far\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nDTEND:20260706T090000Z\r\nSUMMARY:Plan\r\n"
        "ORGANIZER:mailto:carol@far.test\r\nATTENDEE:mailto:alice@example.test\r\n"
        "X-MICROSOFT-DISALLOW-COUNTER:TRUE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    deliver("Plan", text=event, more="Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n")
    phone = connect(version=version)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    request = only(phone, inbox)[1].find(Email.MeetingRequest)
    assert request is not None
    assert request.text_of(Email.DisallowNewTimeProposal) == (None if version == "12.1" else "1")


def test_a_mail_that_a_search_found(phone: Phone, deliver: Callable[..., int]) -> None:
    """MS-ASCMD_R5374, [MS-ASCMD] §6.26: RequestId is told "only if it was present" in the request, and LongId never."""
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:far\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nDTEND:20260706T090000Z\r\nSUMMARY:Plan\r\n"
        "ORGANIZER:mailto:carol@far.test\r\nATTENDEE:mailto:dora@far.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    deliver("Plan", text=event, more="Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n")
    phone.folder_sync()
    query = Search.Query(Search.And(AirSync.Class("Email"), Search.FreeText("subject:Plan")))
    asked = Search.Search(Search.Store(Search.Name("Mailbox"), query))
    number = phone.post("Search", asked).document.text_of(Search.Response, Search.Store, Search.Result, Search.LongId)
    request = MeetingResponse.Request(MeetingResponse.UserResponse(1), Search.LongId(number or ""))
    result = phone.post("MeetingResponse", MeetingResponse.MeetingResponse(request)).document.find(MeetingResponse.Result)
    assert result is not None
    assert [one.tag for one in result.children] == [MeetingResponse.Status, MeetingResponse.CalendarId]
    assert result.text_of(MeetingResponse.Status) == "1"
    refused = MeetingResponse.Request(MeetingResponse.UserResponse(1), Search.LongId("999:1"))
    result = phone.post("MeetingResponse", MeetingResponse.MeetingResponse(refused)).document.find(MeetingResponse.Result)
    assert result is not None
    assert [(one.tag, one.text) for one in result.children] == [(MeetingResponse.Status, "2")]
