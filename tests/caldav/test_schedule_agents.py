"""Who sends, and to whom: agents, forced messages, whole calendars, to-dos, programs that mail (RFC 6638 §3.2, §7)."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from servers.dav.names import CALDAV
from storage.outbound import administration
from storage.scheduling import later
from storage.store import Store
from storage.types import SITE
from tests.caldav.desk import Client, event, freebusy, names, periods, put, query, span
from tests.caldav.meetings import (
    ALICE,
    BOB,
    INVITED,
    ORGANIZER,
    TIMES,
    answer,
    copy_of,
    invite,
    meeting,
    members,
    queued,
    someone,
    state,
    text,
)

SECOND = "/dav/alice/private/second/"
INBOX = "/dav/bob/private/inbox/"
AHEAD = ("DTSTART:20990601T100000Z", "DTEND:20990601T110000Z")


def sent(store: Store) -> dict[str, int]:
    """How many mails wait for each address."""
    with store.read(SITE) as tx:
        return dict(Counter(to.address for one in administration.every(tx) for to in one.recipients))


@pytest.mark.parametrize("agent", ["NONE", "CLIENT", "X-OTHER"])
def test_whoever_is_no_longer_served_is_called_off(alice: Client, bob: Client, agent: str) -> None:
    """RFC 6638 §3.2.1.2: SERVER to another agent is CANCEL, and back REQUEST; §7.1: what is not known is NONE."""
    path = invite(alice)
    put(alice, path, meeting(someone("bob@example.test", f"SCHEDULE-AGENT={agent}")))
    assert members(bob, BOB) == []
    put(alice, path, meeting(INVITED))
    assert state(bob, copy_of(bob, BOB), "bob@example.test") == "NEEDS-ACTION"


@pytest.mark.parametrize(("force", "status", "messages"), [("REQUEST", "1.2", 2), ("X-LOUD", "2.3", 1)])
def test_a_forced_message(alice: Client, bob: Client, force: str, status: str, messages: int) -> None:
    """RFC 6638 §7.2."""
    path = invite(alice)
    put(alice, path, meeting(INVITED.replace(":mailto", f";SCHEDULE-FORCE-SEND={force}:mailto")))
    assert f"SCHEDULE-STATUS={status}" in text(alice, path)
    assert "SCHEDULE-FORCE-SEND" not in text(alice, path)
    assert len(members(bob, INBOX)) == messages


def test_a_calendar_goes_with_its_meetings(alice: Client, bob: Client, store: Store) -> None:
    """RFC 6638 §3.2.3.2: all of them, what is over a moment later and without mails of ours (decision 247)."""
    assert alice.request("MKCALENDAR", SECOND).status == 201
    outside = someone("eve@else.test")
    put(alice, f"{SECOND}m1.ics", meeting(INVITED, outside, times=AHEAD))
    put(alice, f"{SECOND}m2.ics", meeting(INVITED, outside).replace(b"UID:m1", b"UID:m2"))
    put(alice, f"{SECOND}m3.ics", meeting(INVITED).replace(b"UID:m1", b"UID:m3"))
    assert len(members(bob, BOB)) == 3
    before = len(members(bob, INBOX))
    assert alice.request("DELETE", SECOND).status == 204
    assert len(members(bob, BOB)) == 2
    assert sent(store) == {"bob@example.test": 1, "eve@else.test": 3}
    put(alice, f"{ALICE}m3.ics", meeting(INVITED).replace(b"UID:m1", b"UID:m3"))  # she has it again
    assert later.run(store) == 2
    assert "UID:m3" in text(bob, copy_of(bob, BOB))
    assert len(members(bob, INBOX)) == before + 3
    assert sent(store) == {"bob@example.test": 1, "eve@else.test": 4}


@pytest.mark.parametrize("reply", ["T", "F"])
def test_a_calendar_goes_with_ones_answers(alice: Client, bob: Client, store: Store, reply: str) -> None:
    """RFC 6638 §3.2.3.2, §8.1: what lies in it is refused, what is over too; of that the organizer gets no mail."""
    second = "/dav/bob/private/second/"
    assert bob.request("MKCALENDAR", second).status == 201
    for number, times in enumerate((AHEAD, TIMES)):
        put(alice, f"{ALICE}m{number}.ics", meeting(INVITED, times=times).replace(b"UID:m1", f"UID:m{number}".encode()))
        assert bob.request("MOVE", copy_of(bob, BOB), destination=f"{second}m{number}.ics").status == 201
    assert bob.request("DELETE", second, schedule_reply=reply).status == 204
    later.run(store)
    told = "DECLINED" if reply == "T" else "NEEDS-ACTION"
    assert {state(alice, f"{ALICE}m{number}.ics", "bob@example.test") for number in (0, 1)} == {told}
    assert sent(store).get("alice@example.test", 0) == (1 if reply == "T" else 0)


def test_a_move_has_a_new_schedule_tag(alice: Client) -> None:
    """RFC 6638 §3.2.10."""
    path = invite(alice)
    assert alice.request("MKCALENDAR", SECOND).status == 201
    before = alice.request("GET", path).headers["schedule-tag"]
    refused = alice.request("MOVE", path, destination=f"{SECOND}m1.ics", if_schedule_tag_match='"0"')
    assert refused.status == 412
    moved = alice.request("MOVE", path, destination=f"{SECOND}m1.ics", if_schedule_tag_match=before)
    assert moved.status == 201
    assert moved.headers["schedule-tag"] != before
    assert alice.request("GET", f"{SECOND}m1.ics").headers["schedule-tag"] == moved.headers["schedule-tag"]


@pytest.mark.parametrize("told", ["PARTSTAT=COMPLETED", "PARTSTAT=ACCEPTED"])
def test_an_assigned_task_is_done(alice: Client, bob: Client, told: str) -> None:
    """RFC 6638 §3.2.2.1, RFC 5546 §3.4.3: how far he has come is the attendee's own, and the organizer hears of it."""
    path, there = "/dav/alice/private/tasks/t.ics", "/dav/bob/private/tasks/"
    lines = ("DTSTART:20990601T100000Z", "DUE:20990602T100000Z", "SUMMARY:Do", ORGANIZER)
    people = (someone("alice@example.test", "PARTSTAT=ACCEPTED"), INVITED)
    put(alice, path, event("t", *lines, *people, around="VTODO"))
    mine = copy_of(bob, there)
    done = "STATUS:COMPLETED\r\nPERCENT-COMPLETE:100\r\nCOMPLETED:20990601T120000Z\r\nSUMMARY:Do"
    put(bob, mine, text(bob, mine).replace("SUMMARY:Do", done).replace("PARTSTAT=NEEDS-ACTION", told).encode())
    assert "PARTSTAT=COMPLETED;SCHEDULE-STATUS=2.0:mailto:bob@" in text(alice, path)
    (message,) = members(alice, "/dav/alice/private/inbox/")
    assert "PERCENT-COMPLETE:100" in text(alice, message)
    put(alice, path, text(alice, path).replace("SUMMARY:Do", "SUMMARY:Do\r\nPRIORITY:1").encode())
    assert {"STATUS:COMPLETED", "PERCENT-COMPLETE:100", "PRIORITY:1"} <= set(text(bob, mine).split("\r\n"))
    later = text(bob, mine).replace("DUE:20990602", "DUE:20990603")
    assert bob.request("PUT", mine, later.encode(), content_type="text/calendar").status == 403


def outside(start: str, sequence: int, *params: str) -> bytes:
    head = ";".join(["ORGANIZER", *params])
    lines = (f"DTSTART:2025060{start}T100000Z", f"SEQUENCE:{sequence}", "SUMMARY:Far", f"{head}:mailto:eve@else.test")
    return event("o", *lines, someone("alice@example.test", "PARTSTAT=ACCEPTED"))


def test_a_mail_program_brings_what_an_organizer_outside_changed(alice: Client, store: Store) -> None:
    """RFC 6638 §3.2.2.2: the message was delivered to the client."""
    path = f"{ALICE}o.ics"
    put(alice, path, outside("1", 0))
    put(alice, path, outside("2", 1))
    assert queued(store) == [("alice@example.test", "eve@else.test")] * 2
    assert alice.request("PUT", path, outside("3", 1), content_type="text/calendar").status == 403
    put(alice, path, outside("3", 1, "SCHEDULE-AGENT=CLIENT"))
    assert len(queued(store)) == 2


def test_messages_are_found_by_time(alice: Client, bob: Client) -> None:
    """RFC 6638 §2.3."""
    put(alice, f"{ALICE}m1.ics", meeting(INVITED, more=("RRULE:FREQ=DAILY;COUNT=5",)))
    inbox = {one.rsplit("/", 1)[1].removesuffix(".ics") for one in members(bob, INBOX)}
    assert names(query(bob, INBOX, span("20250603T000000Z", "20250604T000000Z"))) == inbox
    assert names(query(bob, INBOX, span("20250607T000000Z", "20250608T000000Z"))) == set()
    assert bob.propfind(INBOX, f"{CALDAV}schedule-default-calendar-URL").status == 207


def test_a_meeting_that_is_moved_does_not_meet_itself(alice: Client, bob: Client) -> None:
    """Apple Calendar names it; of what others organize nobody learns anything by its UID (decision 22)."""
    invite(alice)
    put(bob, f"{BOB}b.ics", event("b", "DTSTART:20250601T140000Z", "DTEND:20250601T150000Z"))
    head = ("DTSTART:20250601T000000Z", "DTEND:20250602T000000Z", ORGANIZER, INVITED)
    taken = {"m1": {"140000Z"}, "b": {"100000Z", "140000Z"}, "": {"100000Z", "140000Z"}}
    for masked, expected in taken.items():
        body = event("f", *head, f"X-CALENDARSERVER-MASK-UID:{masked}", around="VFREEBUSY")
        body = body.replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
        got = alice.request("POST", "/dav/alice/private/outbox/", body, content_type="text/calendar")
        assert set(re.findall(r"20250601T(\d+Z)/", got.text)) == expected


def test_what_is_declined_and_kept_is_free(alice: Client, bob: Client) -> None:
    """MTG-09, CAL-07: others may have the time; asked anew, or accepted after all, it is taken again."""
    path = invite(alice)
    mine = copy_of(bob, BOB)

    def taken() -> int:
        return len(periods(freebusy(bob, BOB, "20250601T000000Z", "20250603T000000Z")))

    assert taken() == 1
    answer(bob, mine, "bob@example.test", "DECLINED")
    assert taken() == 0
    answer(bob, mine, "bob@example.test", "ACCEPTED")
    assert taken() == 1
    answer(bob, mine, "bob@example.test", "DECLINED")
    put(alice, path, text(alice, path).replace("SUMMARY:Plan", "SUMMARY:Other").encode())
    assert taken() == 1
    assert "TRANSP" not in text(alice, path)


@pytest.mark.parametrize("namespace", ["urn:ietf:params:xml:ns:caldav", "http://calendarserver.org/ns/"])
def test_hours_that_are_set_on_the_inbox_count(alice: Client, bob: Client, namespace: str) -> None:
    """RFC 7953 §7.2.5: in free-busy requests."""
    day = "DTSTART:20250101T080000Z&#10;DTEND:20250101T160000Z&#10;RRULE:FREQ=DAILY"
    inner = f"BEGIN:AVAILABLE&#10;UID:a&#10;DTSTAMP:20250101T000000Z&#10;{day}&#10;END:AVAILABLE"
    outer = f"BEGIN:VAVAILABILITY&#10;UID:v&#10;DTSTAMP:20250101T000000Z&#10;{inner}&#10;END:VAVAILABILITY"
    hours = f"BEGIN:VCALENDAR&#10;VERSION:2.0&#10;PRODID:x&#10;{outer}&#10;END:VCALENDAR&#10;"
    prop = f'<x:calendar-availability xmlns:x="{namespace}">{hours}</x:calendar-availability>'
    body = f'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>{prop}</D:prop></D:set></D:propertyupdate>'
    assert "200 OK" in bob.request("PROPPATCH", INBOX, body).text
    head = ("DTSTART:20250601T000000Z", "DTEND:20250602T000000Z", ORGANIZER, INVITED)
    ask = event("f", *head, around="VFREEBUSY").replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
    got = alice.request("POST", "/dav/alice/private/outbox/", ask, content_type="text/calendar")
    found = re.findall(r"UNAVAILABLE:20250601T(\d+Z)/2025060\dT(\d+Z)", got.text)
    assert found == [("000000Z", "080000Z"), ("160000Z", "000000Z")]
