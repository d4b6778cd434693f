"""What is new in 16.1: drafts, single instances, attachments of events, Find ([MS-ASEMAIL], [MS-ASCAL], EAS-10)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import (
    AirSync,
    AirSyncBase,
    Calendar,
    Email,
    Email2,
    Find,
    ItemOperations,
    MeetingResponse,
)
from storage import collections as tree
from storage import items
from storage.mail import flagging, mailboxes, reading
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.activesync.test_meetings import calendar_of, invite, only
from tests.activesync.test_sending import queued


@pytest.fixture
def phone(connect: Callable[..., Phone]) -> Phone:
    return connect(version="16.1")


@pytest.fixture
def drafts(phone: Phone) -> str:
    phone.folder_sync()
    number = next(number for number, (_, kind) in phone.folders.items() if kind == 3)
    phone.sync(number)
    return number


@pytest.fixture
def stored(store: Store, alice: Actor) -> Callable[..., list[EmailMessage]]:
    def read(mailbox: str = "Drafts") -> list[EmailMessage]:
        with store.read(alice) as tx:
            states = flagging.states_in(tx, mailboxes.find(tx, mailbox), [(1, 10**9)])
            return [
                message_from_bytes(reading.body(tx, one.content), policy=policy.default)  # type: ignore[misc]
                for one in states
            ]

    return read


def body(text: str, kind: int = 1) -> Element:
    return AirSyncBase.Body(AirSyncBase.Type(kind), AirSyncBase.Data(text))


def file(client: str, octets: bytes, name: str = "a.txt") -> Element:
    return AirSyncBase.Add(
        AirSyncBase.ClientId(client),
        AirSyncBase.Content(octets),
        AirSyncBase.DisplayName(name),
        AirSyncBase.ContentType("text/plain"),
        AirSyncBase.Method(1),
    )


def add(*data: Element, client: str = "d1", send: bool = False) -> Element:
    return AirSync.Add(AirSync.ClientId(client), Email2.Send() if send else None, AirSync.ApplicationData(*data))


def response(found: Element | None) -> Element:
    assert found is not None
    responses = found.find(AirSync.Responses)
    assert responses is not None
    return responses.children[0]


def fetched(phone: Phone, reference: str) -> bytes:
    fetch = ItemOperations.Fetch(ItemOperations.Store("Mailbox"), AirSyncBase.FileReference(reference))
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    one = answer.find(ItemOperations.Response, ItemOperations.Fetch)
    assert one is not None
    assert one.text_of(ItemOperations.Status) == "1"
    return base64.b64decode(one.text_of(ItemOperations.Properties, ItemOperations.Data) or "")


def test_a_draft_is_written(phone: Phone, drafts: str, stored: Callable[..., list[EmailMessage]]) -> None:
    new = add(
        Email.To('"Bøb" <bob@example.test>, carol@far.test'),
        Email2.Bcc("dora@far.test"),
        Email.Subject("Grüße\r\nX-Evil: 1"),
        Email.Importance(2),
        body("first\r\nsecond"),
        AirSyncBase.Attachments(file("f1", b"inside", "tä.txt")),
    )
    done = response(phone.sync_once(drafts, new))
    assert done.text_of(AirSync.Status) == "1"
    reference = done.text_of(
        AirSync.ApplicationData, AirSyncBase.Attachments, AirSyncBase.Attachment, AirSyncBase.FileReference
    )
    assert fetched(phone, reference or "") == b"inside"
    [mail] = stored()
    assert mail["to"] == "Bøb <bob@example.test>, carol@far.test"
    assert mail["bcc"] == "dora@far.test"
    assert mail["subject"] == "Grüße X-Evil: 1"
    assert mail["x-evil"] is None
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "first\r\nsecond\r\n"
    assert [one.get_filename() for one in mail.iter_attachments()] == ["tä.txt"]
    again = response(phone.sync_once(drafts, new))
    assert again.text_of(AirSync.ServerId) == done.text_of(AirSync.ServerId)
    assert len(stored()) == 1


def shown(phone: Phone, drafts: str) -> tuple[str, Element]:
    [(number, data)] = phone.items[drafts].items()
    return number, data


def test_a_draft_is_changed(phone: Phone, drafts: str, stored: Callable[..., list[EmailMessage]]) -> None:
    phone.sync_once(
        drafts,
        add(
            Email.To("bob@example.test"),
            Email.Subject("one"),
            body("text"),
            AirSyncBase.Attachments(file("f1", b"kept"), file("f2", b"goes", "b.txt")),
        ),
    )
    other = phone  # the phone has its own item; its attachments come with the next one
    other.keys[drafts] = "0"
    phone.sync(drafts)
    number, data = shown(phone, drafts)
    assert data.text_of(Email2.IsDraft) == "1"
    attached = data.find(AirSyncBase.Attachments)
    assert attached is not None
    goes = next(one for one in attached.children if one.text_of(AirSyncBase.DisplayName) == "b.txt")
    change = AirSync.Change(
        AirSync.ServerId(number),
        AirSync.ApplicationData(
            Email.Subject("two"),
            body("<p>rich</p>", 2),
            AirSyncBase.Attachments(
                AirSyncBase.Delete(AirSyncBase.FileReference(goes.text_of(AirSyncBase.FileReference) or "")),
                file("f3", b"new", "c.txt"),
            ),
        ),
    )
    phone.sync_once(drafts, change)
    [mail] = stored()
    assert mail["subject"] == "two"
    assert mail["to"] == "bob@example.test"
    text = mail.get_body(("html",))
    assert text is not None
    assert "rich" in text.get_content()
    assert sorted(one.get_filename() or "" for one in mail.iter_attachments()) == ["a.txt", "c.txt"]
    fresh, data = shown(phone, drafts)
    assert fresh != number
    assert data.text_of(Email.Subject) == "two"
    flags = AirSync.Change(AirSync.ServerId(fresh), AirSync.ApplicationData(Email.Read(1)))
    phone.sync_once(drafts, flags)
    assert shown(phone, drafts)[0] == fresh  # a flag makes no new mail of it


def test_a_draft_is_sent(phone: Phone, drafts: str, store: Store, stored: Callable[..., list[EmailMessage]]) -> None:
    phone.sync_once(drafts, add(Email.To("carol@far.test"), Email.Subject("later"), body("x")))
    number, _ = shown(phone, drafts)
    send = AirSync.Change(AirSync.ServerId(number), Email2.Send(), AirSync.ApplicationData(Email.Cc("dora@far.test")))
    phone.sync_once(drafts, send)
    [(_, to, mail)] = queued(store)
    assert sorted(to) == ["carol@far.test", "dora@far.test"]
    assert mail["subject"] == "later"
    assert phone.items[drafts] == {}
    assert stored() == []
    assert [one["subject"] for one in stored("Sent Items")] == ["later"]
    at_once = add(Email.To("carol@far.test"), Email.Subject("now"), body("x"), client="d2", send=True)
    done = response(phone.sync_once(drafts, at_once))
    assert done.text_of(AirSync.Status) == "1"
    assert AirSync.ServerId not in done
    assert response(phone.sync_once(drafts, at_once)).text_of(AirSync.Status) == "1"
    assert [mail["subject"] for _, _, mail in queued(store)] == ["now"]
    assert stored() == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ((Email.Subject("to nobody"),), "119"),
        ((Email.To("nowhere"),), "116"),
    ],
)
def test_what_cannot_be_sent_stays_out(
    phone: Phone, drafts: str, store: Store, data: tuple[Element, ...], status: str
) -> None:
    assert response(phone.sync_once(drafts, add(*data, send=True))).text_of(AirSync.Status) == status
    assert queued(store) == []


def test_hostile_drafts(phone: Phone, drafts: str, stored: Callable[..., list[EmailMessage]]) -> None:
    bad = AirSyncBase.Attachments(AirSyncBase.Add(AirSyncBase.ClientId("x"), AirSyncBase.Content("!!")))
    assert response(phone.sync_once(drafts, add(bad))).text_of(AirSync.Status) == "6"
    none = AirSyncBase.Attachments(AirSyncBase.Add(AirSyncBase.ClientId("x")))
    assert response(phone.sync_once(drafts, add(none, client="d2"))).text_of(AirSync.Status) == "6"
    assert stored() == []
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    assert response(phone.sync_once(inbox, add(Email.Subject("x"), client="d3"))).text_of(AirSync.Status) == "6"
    mime = AirSyncBase.Body(AirSyncBase.Type(4), AirSyncBase.Data("Subject: m\n\nx"))
    assert response(phone.sync_once(drafts, add(mime, client="d4"))).text_of(AirSync.Status) == "1"
    assert [one["subject"] for one in stored()] == ["m"]


def test_before_sixteen_there_are_no_drafts_to_write(connect: Callable[..., Phone]) -> None:
    old = connect(version="14.1", device="OLD")
    old.folder_sync()
    number = next(number for number, (_, kind) in old.folders.items() if kind == 3)
    old.sync(number)
    assert response(old.sync_once(number, add(Email.Subject("x")))).text_of(AirSync.Status) == "6"


@pytest.fixture
def events(store: Store, alice: Actor) -> Callable[[], str]:
    def read() -> str:
        with store.read(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "events")
            names = [row.name for row in items.rows(tx, folder)]
            return b"".join(one.body or b"" for one in items.many(tx, folder, names).values()).decode()

    return read


def series(phone: Phone, folder: str) -> str:
    data = AirSync.ApplicationData(
        Calendar.StartTime("20260706T080000Z"),
        Calendar.EndTime("20260706T090000Z"),
        Calendar.Subject("Weekly"),
        Calendar.ClientUid("c-1"),
        Calendar.Recurrence(Calendar.Type(1), Calendar.Interval(1), Calendar.DayOfWeek(2)),
    )
    done = response(phone.sync_once(folder, AirSync.Add(AirSync.ClientId("s1"), data)))
    assert done.text_of(AirSync.Status) == "1"
    return done.text_of(AirSync.ServerId) or ""


def test_single_instances_are_changed_and_taken_away(phone: Phone, events: Callable[[], str]) -> None:
    folder = calendar_of(phone)
    number = series(phone, folder)
    assert "UID:c-1" in events()
    change = AirSync.Change(
        AirSync.ServerId(number),
        AirSyncBase.InstanceId("20260713T080000Z"),
        AirSync.ApplicationData(Calendar.Subject("Alone"), AirSyncBase.Location(AirSyncBase.DisplayName("Room"))),
    )
    gone = AirSync.Delete(AirSync.ServerId(number), AirSyncBase.InstanceId("20260720T080000Z"))
    found = phone.sync_once(folder, change, gone)
    assert found is not None
    assert AirSync.Responses not in found
    text = events().replace("\r\n ", "")
    assert "SUMMARY:Alone" in text
    assert "LOCATION:Room" in text
    assert text.count("RRULE") == 1
    assert "EXDATE" in text
    phone.keys[folder] = "0"
    phone.sync(folder)
    _, data = only(phone, folder)
    told = data.find(Calendar.Exceptions)
    assert told is not None
    assert sorted(one.text_of(AirSyncBase.InstanceId) or "" for one in told.children) == [
        "20260713T080000Z",
        "20260720T080000Z",
    ]
    bad = AirSync.Delete(AirSync.ServerId(number), AirSyncBase.InstanceId("never"))
    assert response(phone.sync_once(folder, bad)).text_of(AirSync.Status) == "6"


def test_attachments_of_events(phone: Phone, events: Callable[[], str]) -> None:
    folder = calendar_of(phone)
    data = AirSync.ApplicationData(
        Calendar.StartTime("20260706T080000Z"),
        Calendar.Subject("With file"),
        AirSyncBase.Attachments(file("f1", b"agenda"), file("f2", b"plan", "p.txt")),
    )
    done = response(phone.sync_once(folder, AirSync.Add(AirSync.ClientId("s1"), data)))
    attached = done.find(AirSync.ApplicationData, AirSyncBase.Attachments)
    assert attached is not None
    references = [one.text_of(AirSyncBase.FileReference) or "" for one in attached.children]
    assert [fetched(phone, one) for one in references] == [b"agenda", b"plan"]
    number = done.text_of(AirSync.ServerId) or ""
    change = AirSync.Change(
        AirSync.ServerId(number),
        AirSync.ApplicationData(
            AirSyncBase.Attachments(AirSyncBase.Delete(AirSyncBase.FileReference(references[0])), file("f3", b"more"))
        ),
    )
    phone.sync_once(folder, change)
    assert events().count("ATTACH") == 2
    phone.keys[folder] = "0"
    phone.sync(folder)
    _, shown_data = only(phone, folder)
    told = shown_data.find(AirSyncBase.Attachments)
    assert told is not None
    assert [fetched(phone, one.text_of(AirSyncBase.FileReference) or "") for one in told.children] == [b"plan", b"more"]


def test_find_tells_a_preview(phone: Phone, deliver: Callable[..., int]) -> None:
    deliver("needle", text="in the haystack")
    deliver("other")
    query = Find.Query(AirSync.Class("Email"), Find.FreeText("needle"))
    asked = Find.ExecuteSearch(Find.MailBoxSearchCriterion(query, Find.Options(Find.Range("0-9"))))
    answer = phone.post("Find", Find.Find(Find.SearchId("5e1f"), asked)).document
    assert answer.text_of(Find.Status) == "1"
    result = answer.find(Find.Response, Find.Result, Find.Properties)
    assert result is not None
    assert result.text_of(Email.Subject) == "needle"
    assert "haystack" in (result.text_of(Find.Preview) or "")
    assert phone.post("Find", Find.Find(Find.SearchId("x"))).document.text_of(Find.Status) == "2"


def test_another_time_is_proposed(phone: Phone, connect: Callable[..., Phone], store: Store) -> None:
    """RFC 5546 §3.2.7: the organizer gets a COUNTER."""
    bobs = connect(login="bob", password="bob-secret", device="BOBS", version="16.1")
    mine, his = calendar_of(phone), calendar_of(bobs)
    invite(phone, mine, "bob@example.test")
    bobs.sync(his)
    request = MeetingResponse.Request(
        MeetingResponse.UserResponse(2),
        MeetingResponse.CollectionId(his),
        MeetingResponse.RequestId(only(bobs, his)[0]),
        MeetingResponse.SendResponse(body("better then")),
        MeetingResponse.ProposedStartTime("2026-07-07T08:00:00.000Z"),
        MeetingResponse.ProposedEndTime("2026-07-07T09:00:00.000Z"),
    )
    answer = bobs.post("MeetingResponse", MeetingResponse.MeetingResponse(request)).document
    assert answer.text_of(MeetingResponse.Result, MeetingResponse.Status) == "1"
    with store.read(Actor(1, "alice")) as tx:  # type: ignore[arg-type]
        inbox = tree.find(tx, SpaceKind.PRIVATE, "alice", "inbox")
        bodies = [
            one.body or b"" for one in items.many(tx, inbox, [row.name for row in items.rows(tx, inbox)]).values()
        ]
    assert any(b"METHOD:COUNTER" in one and b"20260707T080000Z" in one for one in bodies)
