"""Events forwarded and answered by mail: who may invites, others tell him who may (MTG-12, MTG-14, RFC 5546 §3.2.2.6)."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Calendar, ComposeMail
from storage.formats import imip, itip
from storage.mail import appending, mailboxes
from storage.store import Store
from tests.activesync.phone import Answer, Phone
from tests.activesync.test_meetings import calendar_of, invite, only
from tests.activesync.test_sending import queued, status
from tests.storage import desk

FORWARD = b"From: bob@example.test\r\nTo: dora@far.test\r\nSubject: FW: Plan\r\n\r\nCome too\r\n"
WEEKLY = Calendar.Recurrence(Calendar.Type(1), Calendar.Interval(1), Calendar.DayOfWeek(2), Calendar.Occurrences(4))


@pytest.fixture
def bobs(connect: Callable[..., Phone]) -> Phone:
    return connect(login="bob", password="bob-secret", device="BOBS")


def sent(phone: Phone, root: str, folder: str, number: str, *more: Element, instance: str = "") -> Answer:
    more_ = (ComposeMail.InstanceId(instance),) if instance else ()
    source = ComposeMail.Source(ComposeMail.FolderId(folder), ComposeMail.ItemId(number), *more_)
    tag = getattr(ComposeMail, root)
    return phone.post(root, tag(ComposeMail.ClientId(f"{root}{instance}"), source, *more))


def mime(text: bytes) -> Element:
    return ComposeMail.Mime(text)


def meeting_in(mail: EmailMessage) -> imip.Meeting:
    found = imip.find(mail.as_bytes())
    assert found is not None
    return found


def to(store: Store) -> dict[str, Any]:
    return {one: mail for _, people, mail in queued(store) for one in people}


def test_an_attendee_passes_on_what_he_was_sent_and_the_organizer_hears_of_it(
    phone: Phone, bobs: Phone, store: Store
) -> None:
    """The meeting stays the organizer's: nobody is added to it."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    number, _ = only(bobs, his)
    for _ in range(2):  # the answer was lost
        assert sent(bobs, "SmartForward", his, number, ComposeMail.SaveInSentItems(), mime(FORWARD)).body == b""
    mails = to(store)
    assert set(mails) == {"dora@far.test", "alice@example.test"}
    forwarded = meeting_in(mails["dora@far.test"])
    assert (forwarded.method, forwarded.uid) == ("REQUEST", "plan-1")
    assert itip.address(itip.parts(forwarded.calendar)[0].value("ORGANIZER")) == "alice@example.test"
    assert set(itip.attendees(forwarded.calendar)) == {"bob@example.test"}
    text = mails["dora@far.test"].get_body(("plain",)).get_content()
    assert "Come too" in text
    assert "Begin: 2026-07-06 08:00 UTC" in text
    assert mails["alice@example.test"]["subject"] == "Forwarded: Plan"
    assert "dora@far.test" in mails["alice@example.test"].get_content()
    assert imip.find(mails["alice@example.test"].as_bytes()) is None
    phone.sync(mine)
    people = only(phone, mine)[1].find(Calendar.Attendees)
    assert people is not None
    assert len(people.children) == 1
    assert queued(store) == []


def test_the_organizer_invites(phone: Phone, bobs: Phone, store: Store) -> None:
    """MTG-14: the desk sends the invitation; the mail is what he writes beside it."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "carol@far.test")
    queued(store)
    text = FORWARD.replace(b"bob@", b"alice@").replace(b"dora@far.test", b"dora@far.test, bob@example.test")
    assert sent(phone, "SmartForward", mine, only(phone, mine)[0], mime(text)).body == b""
    letters = [(people, mail) for _, people, mail in queued(store)]
    invitations = [people for people, mail in letters if imip.find(mail.as_bytes()) is not None]
    assert invitations == [["dora@far.test"]]  # carol hears of nothing, bob has it in his calendar
    assert sorted(one for people, mail in letters if imip.find(mail.as_bytes()) is None for one in people) == [
        "bob@example.test",
        "dora@far.test",
    ]
    bobs.sync(his)
    assert only(bobs, his)[1].text_of(Calendar.Subject) == "Plan"
    phone.sync(mine)
    people = only(phone, mine)[1].find(Calendar.Attendees)
    assert people is not None
    assert len(people.children) == 3


def sixteen(connect: Callable[..., Phone], login: str) -> Phone:
    return connect(login=login, password=f"{login}-secret", device=f"SIXTEEN{login}", version="16.1")


def test_forwardees_of_sixteen(connect: Callable[..., Phone], phone: Phone, bobs: Phone, store: Store) -> None:
    """[MS-ASCMD] §2.2.3.79: whom it is for, and what to say; both of them in place of a mail."""
    invite(phone, calendar_of(phone), "bob@example.test")
    for login, invited in (("bob", False), ("alice", True)):
        newer = sixteen(connect, login)
        folder = calendar_of(newer)
        number, _ = only(newer, folder)
        dora = ComposeMail.Forwardee(ComposeMail.Name("Dora D."), ComposeMail.Email("dora@far.test"))
        assert sent(newer, "SmartForward", folder, number, ComposeMail.Forwardees(dora)).body == b""
        mails = to(store)
        found = meeting_in(mails["dora@far.test"])
        assert found.method == "REQUEST"
        assert ("dora@far.test" in itip.attendees(found.calendar)) is invited
        assert set(mails) - {"dora@far.test"} == (set() if invited else {"alice@example.test"})
        if not invited:
            assert mails["dora@far.test"]["subject"] == "FW: Plan"
            assert mails["dora@far.test"]["to"] == '"Dora D." <dora@far.test>'
    both = (ComposeMail.Forwardees(dora), mime(FORWARD))
    assert status(sent(newer, "SmartForward", folder, number, *both, instance="x")) == "103"
    with_note = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data("Do come"))
    eve = ComposeMail.Forwardee(ComposeMail.Email("eve@far.test"))
    document = ComposeMail.SmartForward(
        ComposeMail.ClientId("note"),
        ComposeMail.Source(ComposeMail.FolderId(folder), ComposeMail.ItemId(number)),
        ComposeMail.Forwardees(eve),
        with_note,
    )
    assert newer.post("SmartForward", document).body == b""
    letters = [mail for _, people, mail in queued(store) if people == ["eve@far.test"]]
    assert len(letters) == 2
    assert any("Do come" in (mail.get_body(("plain",)) or mail).get_content() for mail in letters)


def test_single_instances(phone: Phone, bobs: Phone, store: Store) -> None:
    """[MS-ASCMD] §2.2.3.92.2, §2.2.2: 104 no time, 146 no series, 150 nothing there."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test", rule=WEEKLY)
    bobs.sync(his)
    number, _ = only(bobs, his)
    answer = sent(bobs, "SmartForward", his, number, mime(FORWARD), instance="2026-07-13T08:00:00.000Z")
    assert answer.body == b""
    found = meeting_in(to(store)["dora@far.test"])
    [part] = itip.parts(found.calendar)
    assert part.value("RECURRENCE-ID") == "20260713T080000Z"
    assert part.get("RRULE") is None
    for instance, expected in (("soon", "104"), ("2026-07-14T08:00:00.000Z", "150")):
        assert status(sent(bobs, "SmartForward", his, number, mime(FORWARD), instance=instance)) == expected
    own = FORWARD.replace(b"bob@", b"alice@")
    once = sent(phone, "SmartForward", mine, only(phone, mine)[0], mime(own), instance="2026-07-20T08:00:00.000Z")
    assert once.body == b""
    invitation = next(one for _, _, mail in queued(store) if (one := imip.find(mail.as_bytes())) is not None)
    [part] = itip.parts(invitation.calendar)
    assert part.value("RECURRENCE-ID") == "20260720T080000Z"
    bobs.sync(his)
    assert only(bobs, his)[1].find(Calendar.Exceptions) is not None


def test_an_appointment_goes_as_a_file(phone: Phone, store: Store) -> None:
    """Nobody is invited to what is no meeting; alarms stay at home."""
    mine = calendar_of(phone)
    data = AirSync.ApplicationData(
        Calendar.StartTime("20260706T080000Z"), Calendar.EndTime("20260706T090000Z"), Calendar.Subject("Zahnarzt für Ada"),
        Calendar.UID("tooth"), Calendar.Reminder(15),
    )  # fmt: skip
    phone.sync_once(mine, AirSync.Add(AirSync.ClientId("t"), data))
    phone.sync(mine)
    text = FORWARD.replace(b"bob@", b"alice@")
    number = only(phone, mine)[0] if phone.items[mine] else ""
    assert sent(phone, "SmartForward", mine, number, mime(text)).body == b""
    [mail] = to(store).values()
    [file] = list(mail.iter_attachments())
    assert file.get_content_type() == "text/calendar"
    assert file.get_filename() == "event.ics"
    content = file.get_payload(decode=True).decode()
    assert "UID:tooth" in content
    assert "VALARM" not in content
    assert "METHOD" not in content
    assert "Subject: Zahnarzt für Ada" in mail.get_body(("plain",)).get_content()
    assert status(sent(phone, "SmartForward", mine, number, mime(text), instance="2026-07-06T08:00:00.000Z")) == "146"


def test_an_answer_to_a_meeting_quotes_it(phone: Phone, bobs: Phone, store: Store) -> None:
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    text = b"From: bob@example.test\r\nTo: alice@example.test\r\nSubject: Re: Plan\r\n\r\nI am late\r\n"
    assert sent(bobs, "SmartReply", his, only(bobs, his)[0], mime(text)).body == b""
    [mail] = to(store).values()
    content = mail.get_content()
    assert content.startswith("I am late")
    assert "From: alice@example.test" in content
    assert imip.find(mail.as_bytes()) is None


def test_what_is_no_event_is_not_forwarded(phone: Phone, bobs: Phone, store: Store) -> None:
    mine = calendar_of(phone)
    invite(phone, mine, "carol@far.test")
    number = only(phone, mine)[0]
    queued(store)
    assert status(sent(bobs, "SmartForward", mine, number, mime(FORWARD))) == "150"
    assert status(sent(phone, "SmartForward", mine, "c1:ff", mime(FORWARD))) == "150"
    assert queued(store) == []


def test_an_invitation_forwarded_by_its_author_reaches_who_is_not_invited(phone: Phone, store: Store) -> None:
    """Only to those who are invited is it told by the calendar."""
    invite(phone, calendar_of(phone), "carol@far.test")
    queued(store)
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:plan-1\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nORGANIZER:mailto:alice@example.test\r\n"
        "ATTENDEE:mailto:carol@far.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    for number, people in enumerate(("carol@far.test", "dora@far.test")):
        mail = (
            f"From: alice@example.test\r\nTo: {people}\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/calendar; method=REQUEST\r\n\r\n{text}"
        )
        document = ComposeMail.SendMail(ComposeMail.ClientId(f"r{number}"), mime(mail.encode()))
        assert phone.post("SendMail", document).body == b""
    assert list(to(store)) == ["dora@far.test"]


def test_the_mail_that_invites_is_forwarded(phone: Phone, bobs: Phone, store: Store) -> None:
    """The meeting goes on as it came, and alice, whose meeting it is, hears of it."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    text = (
        "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n"
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:plan-1\r\n"
        "DTSTAMP:20260101T000000Z\r\nDTSTART:20260706T080000Z\r\nORGANIZER:mailto:alice@example.test\r\n"
        "ATTENDEE:mailto:bob@example.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    with store.write(desk.actor(store, "bob")) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), appending.prepare(store, text.encode()))
    inbox = bobs.folder("INBOX")
    bobs.sync(inbox)
    queued(store)
    assert sent(bobs, "SmartForward", inbox, bobs.number(inbox, "Plan"), mime(FORWARD)).body == b""
    mails = to(store)
    assert set(mails) == {"dora@far.test", "alice@example.test"}
    assert meeting_in(mails["dora@far.test"]).uid == "plan-1"
    assert mails["alice@example.test"]["subject"] == "Forwarded: Plan"


def test_a_whole_mail_gets_the_meeting_alone(phone: Phone, bobs: Phone, store: Store) -> None:
    """ReplaceMime: nothing is quoted below what the phone wrote."""
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    number, _ = only(bobs, his)
    assert sent(bobs, "SmartForward", his, number, ComposeMail.ReplaceMime(), mime(FORWARD)).body == b""
    mail = to(store)["dora@far.test"]
    assert meeting_in(mail).method == "REQUEST"
    assert mail.get_body(("plain",)).get_content().split() == ["Come", "too"]


def test_occurrences_before_fourteen(connect: Callable[..., Phone], phone: Phone, store: Store) -> None:
    """[MS-ASHTTP] §2.2.1.1.1.1.5: the instance stands in the query."""
    invite(phone, calendar_of(phone), "bob@example.test", rule=WEEKLY)
    old = connect(login="bob", password="bob-secret", device="OLD", version="12.1")
    folder = calendar_of(old)
    number, _ = only(old, folder)
    query = "Cmd=SmartForward&User=bob&DeviceId=OLD&DeviceType=T&Occurrence=2026-07-13T08:00:00.000Z"
    answer = old.request(
        "POST", f"{query}&CollectionId={folder}&ItemId={number}", FORWARD, **{"Content-Type": "message/rfc822"}
    )
    assert (answer.status, answer.body) == (200, b"")
    [part] = itip.parts(meeting_in(to(store)["dora@far.test"]).calendar)
    assert part.value("RECURRENCE-ID") == "20260713T080000Z"
