"""Mails that would fill the desk, keep it busy, or speak for somebody else (RFC 6047 §3, RFC 5546 §6, MTG-05, SYS-17)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from storage import accounts, check, preferences, principals
from storage.errors import LimitReached
from storage.scheduling import applying
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.storage import desk
from tests.storage.test_incoming_meetings import ALICE, EVE, invitation, mail, receive
from tests.storage.test_meetings_by_mail import from_eve, inbox, sent
from tests.storage.test_scheduling import held, meeting, put, states

pytestmark = pytest.mark.slow

HEAD, TAIL = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "END:VCALENDAR\r\n"
METHODS = ("REQUEST", "REPLY", "CANCEL", "COUNTER", "ADD", "REFRESH", "DECLINECOUNTER", "PUBLISH", "X-OTHER", "")


def moments(many: int) -> Iterable[str]:
    start = datetime(2025, 1, 1)
    return (f"{start + timedelta(minutes=number):%Y%m%dT%H%M%SZ}" for number in range(many))


def zones(many: int) -> str:
    onset = "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0100\r\n"
    return "".join(
        f"BEGIN:VTIMEZONE\r\nTZID:z{number}\r\n{onset}RRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        for number in range(many)
    )


ALARM = "BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-PT1M\r\nREPEAT:1000000\r\nDURATION:PT1S\r\nEND:VALARM"
BOMBS = {
    "each second for ever": invitation("RRULE:FREQ=SECONDLY"),
    "thousands of rules": invitation(*(f"RRULE:FREQ=SECONDLY;INTERVAL={number}" for number in range(1, 3_000))),
    "a rule without instances": invitation("RRULE:FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2;COUNT=999999999"),
    "all seconds of a year": invitation(
        f"RRULE:FREQ=YEARLY;BYSECOND={','.join(map(str, range(60)))};BYMINUTE={','.join(map(str, range(60)))};BYSETPOS=-1"
    ),
    "50,000 exceptions": invitation("RRULE:FREQ=DAILY", "EXDATE:" + ",".join(moments(50_000))),
    "50,000 dates": invitation("RDATE:" + ",".join(moments(50_000))),
    "nested": HEAD + "BEGIN:VEVENT\r\n" * 60_000 + TAIL,
    "nested and closed": HEAD + "BEGIN:VEVENT\r\n" * 30_000 + "END:VEVENT\r\n" * 30_000 + TAIL,
    "thousands of alarms": invitation(*[ALARM] * 8_000),
    "10,001 attendees": invitation(*(f"ATTENDEE:mailto:a{number}@else.test" for number in range(10_001))),
    "thousands of zones": invitation().replace("BEGIN:VEVENT", zones(4_000) + "BEGIN:VEVENT", 1),
    "a long line": invitation("X-A:" + "x" * 900_000),
    "200,000 folds": invitation("X-A:" + "\r\n x" * 200_000),
    "the first year": invitation().replace("20250601", "00010101"),
    "the last second": invitation("RRULE:FREQ=DAILY;UNTIL=99991231T235959Z").replace("20250601", "99991231"),
    "millions of weeks": invitation().replace("DTEND:20250601T110000Z", "DURATION:P999999999W"),
    "a number of 30 digits": invitation().replace("SEQUENCE:0", "SEQUENCE:" + "9" * 30),
    "a UID of a megabyte": invitation().replace("UID:m", "UID:" + "u" * 900_000),
    "more than a megabyte": invitation("X-A:" + "x" * 1_100_000),
}


@pytest.mark.parametrize("room", [False, True], ids=["person", "room"])
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_as_mail(store: Store, name: str, room: bool) -> None:
    """Whatever becomes of it, the calendar is sound afterwards, and the next invitation comes."""
    if room:
        with store.write(SITE) as tx:
            alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
            preferences.choose(tx, alice, "calendar_user_type", "room")
    for method in ("REQUEST", "REPLY", "COUNTER", "CANCEL"):
        receive(store, mail(EVE, BOMBS[name], method, encoded=False))
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    last = invitation(sequence=5).replace("UID:m\r\n", "UID:later\r\n").replace("20250601", "20270601")
    assert receive(store, mail(EVE, last, "REQUEST"))


@pytest.mark.parametrize("inside", METHODS)
@pytest.mark.parametrize("outside", ["REQUEST", "REPLY", "CANCEL"])
def test_methods_that_do_not_fit(store: Store, inside: str, outside: str) -> None:
    """RFC 6047 §2.4: what the part is said to be, and what it says itself; RFC 5546 §3.2: what is no method here."""
    put(store, "alice", "own.ics", meeting([EVE]))
    before = held(store, "alice")
    data = mail(EVE, from_eve(how="ACCEPTED").replace("UID:m\r\n", "UID:other\r\n"), outside, encoded=False)
    data = data.replace(f"METHOD:{outside}".encode(), f"METHOD:{inside}".encode())
    assert not receive(store, data)
    assert held(store, "alice") == before
    assert inbox(store, "alice") == []


def test_two_organizers_by_mail(store: Store) -> None:
    """RFC 5545 §3.6.1; the second one is somebody who trusts himself."""
    for second in (ALICE, "bob@example.test", "mallory@else.test"):
        twice = invitation().replace("ORGANIZER:", f"ORGANIZER:mailto:{EVE}\r\nORGANIZER:", 1).replace(EVE, second, 1)
        for sender in (EVE, second):
            assert not receive(store, mail(sender, twice, "REQUEST"))
    assert held(store, "alice") is None


def test_the_name_of_an_organizer_is_no_proof(store: Store) -> None:
    """RFC 6047 §3: From is who speaks. SENT-BY is what the organizer says, not what a stranger says of himself."""
    receive(store, mail(EVE, invitation(), "REQUEST"))
    for forged in (
        f"ORGANIZER;CN={EVE}:mailto:mallory@else.test",
        f'ORGANIZER;X="mailto:{EVE}":mailto:mallory@else.test',
    ):
        stolen = invitation(sequence=9, title="Stolen").replace(f"ORGANIZER:mailto:{EVE}", forged)
        assert not receive(store, mail("mallory@else.test", stolen, "REQUEST"))
        assert not receive(store, mail("mallory@else.test", stolen, "CANCEL"))
    two = mail(EVE, invitation(sequence=9, title="Stolen"), "REQUEST").replace(
        f"<{EVE}>".encode(), f"<mallory@else.test>, <{EVE}>".encode()
    )
    assert not receive(store, two)
    _, body = held(store, "alice") or ("", "")
    assert "SUMMARY:Outside" in body


def test_one_uid_of_two_organizers_by_mail(store: Store) -> None:
    """Neither a colleague's meeting nor one's own event is changed by what somebody outside calls by the same UID."""
    put(store, "bob", "m.ics", meeting([ALICE]).replace(b"ORGANIZER:mailto:alice@", b"ORGANIZER:mailto:bob@"))
    before = held(store, "alice")
    assert before is not None
    assert not receive(store, mail(EVE, invitation(sequence=9), "REQUEST"))
    assert not receive(store, mail(EVE, invitation(sequence=9), "CANCEL"))
    assert held(store, "alice") == before
    put(store, "carol", "own.ics", desk.event("m"))
    hers = invitation(sequence=9).replace(ALICE, "carol@example.test")
    assert not receive(store, mail(EVE, hers, "REQUEST"), "carol")
    assert not receive(store, mail(EVE, hers, "CANCEL"), "carol")
    assert "SUMMARY:Tea" in (held(store, "carol") or ("", ""))[1]


def test_one_person_twice_in_a_mail(store: Store) -> None:
    """MTG-17: he has one copy, and one answer of his is an answer."""
    again = f"ATTENDEE;RSVP=TRUE:mailto:{ALICE.upper()}"
    assert receive(store, mail(EVE, invitation(again, again, f"ATTENDEE:mailto:{EVE}"), "REQUEST"))
    name, body = held(store, "alice") or ("", "")
    put(store, "alice", name, body.replace("RSVP=TRUE", "PARTSTAT=ACCEPTED").encode())
    assert sent(store) == [EVE]
    with store.read(desk.actor(store, "alice")) as tx:
        assert desk.events(tx, "alice").item_count == 1


def answers(days: Iterable[int]) -> str:
    parts = "".join(
        f"BEGIN:VEVENT\r\nUID:m\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:{datetime(2025, 6, 1, 10) + timedelta(days=day):%Y%m%dT%H%M%SZ}\r\n"
        f"ORGANIZER:mailto:{ALICE}\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{EVE}\r\nEND:VEVENT\r\n"
        for day in days
    )
    return HEAD + parts + TAIL


def test_answers_to_instances_fill_nobodys_disk(store: Store) -> None:
    """Each instance that is answered apart names everybody: a few mails made megabytes of it, and then no answer fitted."""
    crowd = [f"x{number}@else.test" for number in range(100)]
    body = meeting([EVE, "bob@example.test", *crowd]).replace(b"SUMMARY:Plan", b"RRULE:FREQ=DAILY\r\nSUMMARY:Plan")
    put(store, "alice", "m.ics", body)
    assert receive(store, mail(EVE, answers(range(1, 200)), "REPLY"))
    before = held(store, "alice")
    assert receive(store, mail(EVE, answers(range(200, 350)), "REPLY"))
    with pytest.raises(LimitReached):  # `incoming.take` notes it, and the mail is in her mailbox
        receive(store, mail(EVE, answers(range(350, 549)), "REPLY"))
    grown = (held(store, "alice") or ("", ""))[1]
    assert len(grown) < 100 * applying.MOST_LINES
    assert before is not None
    name, mine = held(store, "bob") or ("", "")
    put(
        store,
        "bob",
        name,
        mine.replace("ATTENDEE;RSVP=TRUE:mailto:bob@", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@").encode(),
    )
    assert "PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0:mailto:bob@example.test" in (held(store, "alice") or ("", ""))[
        1
    ].replace("\r\n ", "")


def test_ten_thousand_attendees(store: Store) -> None:
    """As many as an event may have (RFC 4791 §5.2.9): invited, answered, and called off."""
    with store.write(SITE) as tx:
        accounts.create(tx, "dora", "*", email="dora@example.test")
    outside = [f"a{number}@else.test" for number in range(9_996)]
    put(store, "alice", "m.ics", meeting([EVE, "bob@example.test", "dora@example.test", *outside]))
    assert receive(store, mail(EVE, from_eve(how="ACCEPTED").replace("202506071", "202506011"), "REPLY"))
    assert states((held(store, "alice") or ("", ""))[1])[EVE] == "ACCEPTED"
    name, _ = held(store, "alice") or ("", "")
    put(store, "alice", name, meeting([EVE, "bob@example.test"]))
    assert held(store, "dora") is None
    assert held(store, "bob") is not None
