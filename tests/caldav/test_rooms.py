"""Rooms and resources: accounts that accept while they are free, and decline else (RFC 5545 §3.2.3, MTG-04, CAL-07)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from servers.dav.names import CALDAV
from storage import preferences
from storage.store import Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.desk import Client, event, put
from tests.caldav.meetings import ALICE, BOB, answer, copy_of, line_of, meeting, members, queued, someone, state, text

ROOM = "/dav/carol/private/events/"
NEXT = (datetime.now(UTC) + timedelta(days=9)).replace(hour=10, minute=0, second=0)
BOOKED = someone("carol@example.test", "CUTYPE=ROOM", "PARTSTAT=NEEDS-ACTION", "RSVP=TRUE")


def at(hours: int, length: int = 1, *, days: int = 0) -> tuple[str, str]:
    start = NEXT + timedelta(hours=hours, days=days)
    return (f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{start + timedelta(hours=length):%Y%m%dT%H%M%SZ}")


@pytest.fixture(params=["room", "resource"])
def room(request: pytest.FixtureRequest, store: Store, carol: Client) -> Client:
    with store.write(SITE) as tx:
        preferences.choose(tx, desk.person(store, "carol"), "calendar_user_type", request.param)
    return carol


def test_a_free_room_accepts_and_a_taken_one_declines(alice: Client, bob: Client, room: Client, store: Store) -> None:
    put(alice, f"{ALICE}m1.ics", meeting(BOOKED, someone("bob@example.test"), times=at(0)))
    assert state(alice, f"{ALICE}m1.ics", "carol@example.test") == "ACCEPTED"
    assert "SCHEDULE-STATUS=1.2" in line_of(alice, f"{ALICE}m1.ics", "carol@example.test")
    assert state(bob, copy_of(bob, BOB), "carol@example.test") == "ACCEPTED"
    assert state(room, copy_of(room, ROOM), "carol@example.test") == "ACCEPTED"
    second = meeting(BOOKED, times=at(0, 2)).replace(b"UID:m1", b"UID:m2")
    put(alice, f"{ALICE}m2.ics", second)
    assert state(alice, f"{ALICE}m2.ics", "carol@example.test") == "DECLINED"
    assert "SCHEDULE-STATUS=2.0" in line_of(alice, f"{ALICE}m2.ics", "carol@example.test")
    assert len(members(room, ROOM)) == 1
    third = meeting(BOOKED, times=at(1)).replace(b"UID:m1", b"UID:m3")
    put(alice, f"{ALICE}m3.ics", third)  # right after it
    assert state(alice, f"{ALICE}m3.ics", "carol@example.test") == "ACCEPTED"
    assert queued(store) == []


def test_a_change_is_decided_anew_and_does_not_meet_itself(alice: Client, room: Client) -> None:
    path = f"{ALICE}m1.ics"
    put(alice, path, meeting(BOOKED, times=at(0)))
    put(alice, path, meeting(BOOKED, times=at(0, 2)))
    assert state(alice, path, "carol@example.test") == "ACCEPTED"
    assert at(0, 2)[1] in text(room, copy_of(room, ROOM))
    put(alice, path, meeting(BOOKED, times=at(0, 2)))  # a client that never read the answer
    assert len(members(room, ROOM)) == 1
    put(room, f"{ROOM}own.ics", event("own", *at(5), "SUMMARY:Cleaning"))
    put(alice, path, meeting(BOOKED, times=at(4, 2)))
    assert state(alice, path, "carol@example.test") == "DECLINED"
    assert [text(room, one).count("Cleaning") for one in members(room, ROOM)] == [1]
    put(alice, path, text(alice, path).replace("END:VEVENT", f"{someone('bob@example.test')}\r\nEND:VEVENT").encode())
    assert len(members(room, ROOM)) == 1  # who declined hears of no more than a new time
    put(alice, path, meeting(BOOKED, times=at(7)))
    assert state(alice, path, "carol@example.test") == "ACCEPTED"
    assert alice.request("DELETE", path).status == 204
    assert len(members(room, ROOM)) == 1


def test_a_series_needs_the_room_every_time(alice: Client, room: Client) -> None:
    put(room, f"{ROOM}own.ics", event("own", *at(0, days=3), "SUMMARY:Cleaning"))
    put(alice, f"{ALICE}m1.ics", meeting(BOOKED, times=at(0), more=("RRULE:FREQ=DAILY;COUNT=3",)))
    assert state(alice, f"{ALICE}m1.ics", "carol@example.test") == "ACCEPTED"
    longer = meeting(BOOKED, times=at(2), more=("RRULE:FREQ=DAILY",)).replace(b"UID:m1", b"UID:m2")
    put(alice, f"{ALICE}m2.ics", longer)
    assert state(alice, f"{ALICE}m2.ics", "carol@example.test") == "ACCEPTED"
    third = meeting(BOOKED, times=at(2, days=40)).replace(b"UID:m1", b"UID:m3")
    put(alice, f"{ALICE}m3.ics", third)
    assert state(alice, f"{ALICE}m3.ics", "carol@example.test") == "DECLINED"
    secondly = meeting(BOOKED, times=at(5), more=("RRULE:FREQ=MINUTELY",)).replace(b"UID:m1", b"UID:m4")
    put(alice, f"{ALICE}m4.ics", secondly)
    assert state(alice, f"{ALICE}m4.ics", "carol@example.test") == "DECLINED"


def test_people_answer_for_themselves(alice: Client, bob: Client) -> None:
    put(alice, f"{ALICE}m1.ics", meeting(someone("bob@example.test", "CUTYPE=ROOM"), times=at(0)))
    assert state(alice, f"{ALICE}m1.ics", "bob@example.test") == "NEEDS-ACTION"
    assert answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED").status == 204


def test_clients_see_what_it_is(alice: Client, room: Client) -> None:
    """RFC 6638 §2.4.2."""
    me = "/dav/principals/accounts/carol/"
    found = room.propfind(me, f"{CALDAV}calendar-user-type").prop(me, f"{CALDAV}calendar-user-type")
    assert found is not None
    assert found.text in ("ROOM", "RESOURCE")
    hers = "/dav/principals/accounts/alice/"
    found = alice.propfind(hers, f"{CALDAV}calendar-user-type").prop(hers, f"{CALDAV}calendar-user-type")
    assert found is not None
    assert found.text == "INDIVIDUAL"
