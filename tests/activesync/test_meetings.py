"""Meetings on phones: invited, answered, told once ([MS-ASCMD] §2.2.1.11, [MS-ASEMAIL] §2.2.2.40; MTG-01, 04, 07…09)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Calendar, ComposeMail, Email, Email2, MeetingResponse
from storage import collections as tree
from storage import items
from storage.formats import imip, itip
from storage.mail import appending, mailboxes
from storage.mail.recipients import Recipient
from storage.scheduling import incoming
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_sending import queued
from tests.storage import desk


def calendar_of(phone: Phone) -> str:
    phone.folder_sync()
    found = next(number for number, (_, kind) in phone.folders.items() if kind == 8)
    phone.sync(found)
    return found


def only(phone: Phone, folder: str) -> tuple[str, Element]:
    [(number, data)] = phone.items[folder].items()
    return number, data


def attendee(address: str) -> Element:
    return Calendar.Attendee(Calendar.Email(address), Calendar.Name(address), Calendar.AttendeeType(1))


def invite(phone: Phone, folder: str, *people: str, rule: Element | None = None) -> None:
    data = AirSync.ApplicationData(
        Calendar.StartTime("20260706T080000Z"),
        Calendar.EndTime("20260706T090000Z"),
        Calendar.Subject("Plan"),
        Calendar.UID("plan-1"),
        Calendar.MeetingStatus(1),
        Calendar.Attendees(*(attendee(one) for one in people)),
        rule,
    )
    found = phone.sync_once(folder, AirSync.Add(AirSync.ClientId("m1"), data))
    assert found is not None
    assert found.text_of(AirSync.Responses, AirSync.Add, AirSync.Status) == "1"


def by_mail(phone: Phone, method: str, partstat: str, to: str, client_id: str) -> None:
    """What a device up to 14.1 sends beside its Sync."""
    who = f"ATTENDEE;PARTSTAT={partstat}:mailto:bob@example.test\r\n"
    text = (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:plan-1\r\n"
        f"DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nDTEND:20260706T090000Z\r\nSUMMARY:Plan\r\n"
        f"ORGANIZER:mailto:alice@example.test\r\n{who}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    mime = (
        f"From: {phone.login}@example.test\r\nTo: {to}\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n{text}"
    )
    answer = phone.post(
        "SendMail", ComposeMail.SendMail(ComposeMail.ClientId(client_id), ComposeMail.Mime(mime.encode()))
    )
    assert (answer.status, answer.body) == (200, b"")


@pytest.fixture
def bobs(connect: Callable[..., Phone]) -> Phone:
    return connect(login="bob", password="bob-secret", device="BOBS")


def respond(phone: Phone, folder: str, number: str, answer: int, *more: Element) -> Element:
    request = MeetingResponse.Request(
        MeetingResponse.UserResponse(answer),
        MeetingResponse.CollectionId(folder),
        MeetingResponse.RequestId(number),
        *more,
    )
    found = phone.post("MeetingResponse", MeetingResponse.MeetingResponse(request)).document
    result = found.find(MeetingResponse.Result)
    assert result is not None
    return result


def status_of(phone: Phone, folder: str) -> str:
    phone.sync(folder)
    people = only(phone, folder)[1].find(Calendar.Attendees)
    assert people is not None
    return people.children[0].text_of(Calendar.AttendeeStatus) or ""


def test_everybody_is_told_once(phone: Phone, bobs: Phone, store: Store) -> None:
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test", "carol@far.test")
    by_mail(phone, "REQUEST", "NEEDS-ACTION", "bob@example.test, carol@far.test", "s1")
    assert [to for _, to, _ in queued(store)] == [["carol@far.test"]]
    bobs.sync(his)
    number, data = only(bobs, his)
    assert data.text_of(Calendar.MeetingStatus) == "3"
    assert data.text_of(Calendar.ResponseType) == "5"
    result = respond(bobs, his, number, 1)
    assert result.text_of(MeetingResponse.Status) == "1"
    assert result.text_of(MeetingResponse.CalendarId) == number
    by_mail(bobs, "REPLY", "ACCEPTED", "alice@example.test", "s2")
    assert queued(store) == []
    assert status_of(phone, mine) == "3"
    bobs.sync(his)
    assert only(bobs, his)[1].text_of(Calendar.ResponseType) == "3"


def test_who_declines_has_it_no_longer(phone: Phone, bobs: Phone) -> None:
    """MTG-08."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    result = respond(bobs, his, only(bobs, his)[0], 3)
    assert result.text_of(MeetingResponse.Status) == "1"
    assert MeetingResponse.CalendarId not in result
    bobs.sync(his)
    assert bobs.items[his] == {}
    assert status_of(phone, mine) == "4"


def test_one_instance_is_declined(phone: Phone, bobs: Phone, store: Store, alice: Actor) -> None:
    mine, his = calendar_of(phone), calendar_of(bobs)
    weekly = Calendar.Recurrence(Calendar.Type(1), Calendar.Interval(1), Calendar.DayOfWeek(2), Calendar.Occurrences(5))
    invite(phone, mine, "bob@example.test", rule=weekly)
    bobs.sync(his)
    result = respond(bobs, his, only(bobs, his)[0], 3, MeetingResponse.InstanceId("20260713T080000Z"))
    assert result.text_of(MeetingResponse.Status) == "1"
    with store.read(alice) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "events")
        body = (items.get(tx, folder, "plan-1.ics").body or b"").decode().replace("\r\n ", "")
    assert "RECURRENCE-ID:20260713T080000Z" in body.replace(";TZID=UTC", "") or "RECURRENCE-ID" in body
    assert body.count("PARTSTAT=DECLINED") == 1


def test_an_instance_that_is_none(phone: Phone, bobs: Phone) -> None:
    """MS-ASCMD_R3195, R3196: what is no moment, and an instance of a meeting that is no series."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    number = only(bobs, his)[0]
    for instance, status in (("07-13-2026T08:00:00.000Z", "104"), ("2026-07-06T08:00:00.000Z", "146")):
        result = respond(bobs, his, number, 1, MeetingResponse.InstanceId(instance))
        assert result.text_of(MeetingResponse.Status) == status


INVITATION = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:far-1\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nDTEND:20260706T090000Z\r\nSUMMARY:Theirs\r\nLOCATION:Far\r\n"
    "RRULE:FREQ=WEEKLY;COUNT=3\r\nORGANIZER;CN=Carol:mailto:carol@far.test\r\n"
    "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def invitation(method: str = "REQUEST") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "carol@far.test", "alice@example.test", "Theirs"
    mail["Message-ID"] = "<1@far.test>"
    mail.set_content("please come")
    mail.add_alternative(INVITATION.replace("REQUEST", method), subtype="calendar", params={"method": method})
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_a_later_invitation_is_an_update(phone: Phone, store: Store, alice: Actor) -> None:
    """[MS-ASEMAIL] §2.2.2.47: MeetingMessageType."""
    data = invitation().replace(b"UID:", b"SEQUENCE:2\r\nUID:")
    prepared = appending.prepare(store, data)
    with store.write(alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    _, shown = only(phone, inbox)
    assert shown.text_of(Email.MeetingRequest, Email2.MeetingMessageType) == "2"


def test_an_invitation_by_mail_is_answered(phone: Phone, store: Store, alice: Actor) -> None:
    data = invitation()
    prepared = appending.prepare(store, data)
    with store.write(alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    meeting = imip.find(data)
    assert meeting is not None
    incoming.take(store, Recipient(alice.id, "alice", "alice@example.test", "en"), meeting)
    mine = calendar_of(phone)
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number, shown = only(phone, inbox)
    assert shown.text_of(Email.MessageClass) == "IPM.Schedule.Meeting.Request"
    asked = shown.find(Email.MeetingRequest)
    assert asked is not None
    assert asked.text_of(Email.StartTime) == "2026-07-06T08:00:00.000Z"
    assert asked.text_of(Email.Organizer) == '"Carol" <carol@far.test>'
    assert asked.text_of(Email.InstanceType) == "1"
    assert asked.text_of(Email.Recurrences, Email.Recurrence, Email.Occurrences) == "3"
    assert asked.text_of(Email2.MeetingMessageType) == "1"
    assert b"far-1" in base64.b64decode(asked.text_of(Email.GlobalObjId) or "")
    result = respond(phone, inbox, number, 2)
    assert result.text_of(MeetingResponse.Status) == "1"
    phone.sync(mine)
    assert result.text_of(MeetingResponse.CalendarId) == only(phone, mine)[0]
    [(_, to, mail)] = queued(store)
    assert to == ["carol@far.test"]
    said = imip.find(mail.as_bytes())
    assert said is not None
    assert said.method == "REPLY"
    assert itip.partstat(itip.parts(said.calendar)[0].get("ATTENDEE")) == "TENTATIVE"
    phone.sync(inbox)
    assert phone.items[inbox] == {}


@pytest.mark.parametrize("answer", [1, 3])
def test_an_invitation_that_somebody_passed_on_is_answered(
    phone: Phone, store: Store, alice: Actor, answer: int
) -> None:
    """RFC 5546 §3.2.2.6: the organizer gets a REPLY of somebody new, and decides; of one who is here, by his calendar."""
    data = invitation().replace(b"mailto:alice@example.test", b"mailto:dora@far.test")
    local = data.replace(b"mailto:carol@far.test", b"mailto:bob@example.test").replace(b"far-1", b"near-1")
    for one in (data, local):
        prepared = appending.prepare(store, one.replace(b"From: carol@", b"From: dora@"))
        with store.write(alice) as tx:
            appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    mine = calendar_of(phone)
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    first, second = sorted(phone.items[inbox], key=lambda number: int(number.partition(":")[2]))
    assert respond(phone, inbox, first, answer).text_of(MeetingResponse.Status) == "1"
    [(_, to, mail)] = queued(store)
    assert to == ["carol@far.test"]
    said = imip.find(mail.as_bytes())
    assert said is not None
    [(who, prop)] = itip.attendees(said.calendar).items()
    assert (said.method, who) == ("REPLY", "alice@example.test")
    assert itip.partstat(prop) == {1: "ACCEPTED", 3: "DECLINED"}[answer]
    phone.sync(mine)
    assert len(phone.items[mine]) == (1 if answer == 1 else 0)
    assert respond(phone, inbox, second, answer).text_of(MeetingResponse.Status) == "2"
    assert queued(store) == []


@pytest.mark.parametrize(
    ("method", "kind"), [("CANCEL", "IPM.Schedule.Meeting.Canceled"), ("REPLY", "IPM.Schedule.Meeting.Resp.Tent")]
)
def test_other_messages_of_meetings_have_their_kinds(
    phone: Phone, store: Store, alice: Actor, method: str, kind: str
) -> None:
    prepared = appending.prepare(store, invitation(method))
    with store.write(alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number, shown = only(phone, inbox)
    assert shown.text_of(Email.MessageClass) == kind
    assert respond(phone, inbox, number, 1).text_of(MeetingResponse.Status) == "2"


@pytest.mark.parametrize("number", ["", "nothing", "c1:zz", "999:1"])
def test_what_is_no_invitation_is_refused(phone: Phone, number: str) -> None:
    mine = calendar_of(phone)
    assert respond(phone, mine, number, 1).text_of(MeetingResponse.Status) == "2"
    assert respond(phone, mine, number, 9).text_of(MeetingResponse.Status) == "2"


def test_nobody_answers_for_another(phone: Phone, bobs: Phone, store: Store) -> None:
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "carol@far.test")
    number = only(phone, mine)[0] if phone.items[mine] else "x"
    assert respond(bobs, mine, number, 1).text_of(MeetingResponse.Status) == "2"
    assert respond(bobs, his, number, 1).text_of(MeetingResponse.Status) == "2"
    assert desk.principal(store, "bob")
