"""People who pretend to be somebody else, name themselves twice, or take what is another's (MTG-12, MTG-17)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from servers.dav.names import CALDAV
from storage import addresses
from storage.scheduling import applying
from storage.store import Store
from storage.types import SITE
from tests.caldav import desk
from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    ALICE,
    BOB,
    CAROL,
    INVITED,
    INVITED_TOO,
    ORGANIZER,
    PATH,
    answer,
    copy_of,
    invite,
    line_of,
    meeting,
    members,
    queued,
    someone,
    state,
    text,
)

pytestmark = pytest.mark.slow

INBOXES = [f"/dav/{login}/private/inbox/" for login in ("alice", "bob", "carol")]
ATTENDEES_MAY = f"{CALDAV}allowed-attendee-scheduling-object-change"


def refused(client: Client, path: str, body: bytes) -> str:
    got = client.request("PUT", path, body, content_type="text/calendar")
    assert got.status == 403, got.status
    return str(got.precondition)


@pytest.fixture
def quiet(alice: Client, bob: Client, carol: Client, store: Store) -> Callable[[], bool]:
    """Tells whether nobody has been told anything."""

    def nobody_was_told() -> bool:
        boxes = [members(one, box) for one, box in zip((alice, bob, carol), INBOXES, strict=True)]
        return boxes == [[], [], []] and queued(store) == []

    return nobody_was_told


def test_two_organizers_in_one_event(alice: Client, bob: Client) -> None:
    """RFC 5545 §3.6.1: ORGANIZER once, because two readers would choose differently."""
    twice = meeting(INVITED).replace(ORGANIZER.encode(), ORGANIZER.encode() + b"\r\nORGANIZER:mailto:bob@example.test")
    assert refused(alice, PATH, twice) == f"{CALDAV}valid-calendar-data"
    assert members(bob, BOB) == members(alice, ALICE) == []


def test_two_organizers_in_one_series(alice: Client, bob: Client, carol: Client) -> None:
    """RFC 6638 §3.2.4.2."""
    other = (
        "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:20250602T100000Z\r\n"
        "DTSTART:20250602T100000Z\r\nDTEND:20250602T110000Z\r\nORGANIZER:mailto:carol@example.test\r\n"
        f"{INVITED}\r\nEND:VEVENT"
    )
    body = meeting(INVITED, more=("RRULE:FREQ=DAILY",)).decode().replace("END:VEVENT", other)
    assert refused(alice, PATH, body.encode()) == f"{CALDAV}same-organizer-in-all-components"
    assert members(bob, BOB) == members(alice, ALICE) == members(carol, CAROL) == []


def test_nobody_organizes_in_somebody_elses_name(
    alice: Client, bob: Client, carol: Client, quiet: Callable[[], bool]
) -> None:
    """It is kept as a copy of what bob has not: neither he nor those whom he seems to invite hear of it."""
    put(alice, PATH, meeting(INVITED_TOO).replace(ORGANIZER.encode(), b"ORGANIZER:mailto:bob@example.test"))
    assert "ORGANIZER;SCHEDULE-STATUS=3.7:mailto:bob@example.test" in text(alice, PATH)
    assert members(bob, BOB) == members(carol, CAROL) == []
    assert quiet()
    assert alice.request("DELETE", PATH).status == 204
    assert quiet()


def test_an_organizer_makes_nobody_else_the_organizer(alice: Client, bob: Client, carol: Client, three: str) -> None:
    """RFC 6638 §3.2.4.3: what he had sent could be called off by nobody any more."""
    body = text(alice, three).replace("ORGANIZER;CN=Alice:mailto:alice@", "ORGANIZER:mailto:bob@")
    assert refused(alice, three, body.encode()) == f"{CALDAV}allowed-organizer-scheduling-object-change"
    assert alice.request("DELETE", three).status == 204
    assert members(bob, BOB) == members(carol, CAROL) == []


def test_an_attendee_makes_himself_the_organizer(alice: Client, bob: Client, carol: Client, three: str) -> None:
    mine = copy_of(bob, BOB)
    body = re.sub(r"ORGANIZER[^\r\n]*", "ORGANIZER:mailto:bob@example.test", text(bob, mine))
    assert refused(bob, mine, body.encode()) == ATTENDEES_MAY
    assert "ORGANIZER;CN=Alice:mailto:alice@example.test" in text(carol, copy_of(carol, CAROL))


def test_an_attendee_answers_for_nobody_else(alice: Client, bob: Client, carol: Client, three: str) -> None:
    mine = copy_of(bob, BOB)
    assert answer(bob, mine, "carol@example.test", "ACCEPTED").status == 204
    for client, path in ((alice, three), (bob, mine), (carol, copy_of(carol, CAROL))):
        assert state(client, path, "carol@example.test") == "NEEDS-ACTION"


def test_who_is_not_invited_is_not_heard(alice: Client, carol: Client) -> None:
    """He may know the UID, and write himself into a copy of his own."""
    invite(alice)
    put(carol, f"{CAROL}x.ics", meeting(someone("carol@example.test", "PARTSTAT=ACCEPTED")))
    assert "ORGANIZER;CN=Alice;SCHEDULE-STATUS=3.7:mailto:alice@example.test" in text(carol, f"{CAROL}x.ics")
    assert line_of(alice, PATH, "carol@example.test") == ""
    assert members(alice, INBOXES[0]) == []


def test_one_uid_of_two_people(alice: Client, bob: Client, carol: Client) -> None:
    """What bob has of alice is not carol's to change, nor to call off, whatever UID she chooses."""
    invite(alice)
    before = text(bob, copy_of(bob, BOB))
    hers = meeting(INVITED, summary="Hers").replace(b"ORGANIZER;CN=Alice:mailto:alice@", b"ORGANIZER:mailto:carol@")
    put(carol, f"{CAROL}m1.ics", hers.replace(b"mailto:alice@", b"mailto:carol@"))
    assert "SCHEDULE-STATUS=5.1" in line_of(carol, f"{CAROL}m1.ics", "bob@example.test")
    assert carol.request("DELETE", f"{CAROL}m1.ics").status == 204
    assert text(bob, copy_of(bob, BOB)) == before
    assert answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED").status == 204
    assert state(alice, PATH, "bob@example.test") == "ACCEPTED"


def test_one_person_by_several_addresses(alice: Client, bob: Client, store: Store) -> None:
    """MTG-17: named twice, and by another of his addresses; he has one copy, and the organizer's own ones are none."""
    for login, alias in (("bob", "robert@example.test"), ("alice", "al@example.test")):
        who = desk.person(store, login)
        with store.write(SITE) as tx:
            addresses.add(tx, who, alias)
            addresses.confirm(tx, who, alias)
    twice = (INVITED, INVITED, someone("BOB@example.test"), someone("robert@example.test"), someone("al@example.test"))
    put(alice, PATH, meeting(*twice))
    mine = copy_of(bob, BOB)
    assert members(alice, INBOXES[0]) == []
    assert [one for one in members(alice, ALICE) if one != PATH] == []
    assert answer(bob, mine, "bob@example.test", "ACCEPTED").status == 204
    assert state(alice, PATH, "bob@example.test") == "ACCEPTED"
    assert alice.request("DELETE", PATH).status == 204
    assert members(bob, BOB) == []


def test_answers_make_no_meeting_too_large(
    alice: Client, bob: Client, carol: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each instance that is answered apart names everybody: who is invited could fill the organizer's disk with it."""
    monkeypatch.setattr(applying, "MOST_LINES", 100)
    put(alice, PATH, meeting(INVITED, INVITED_TOO, more=("RRULE:FREQ=DAILY",)))
    mine = copy_of(bob, BOB)
    days = [date(2025, 6, 2) + timedelta(days=number) for number in range(20)]
    own = "".join(
        f"BEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:{day:%Y%m%d}T100000Z\r\n"
        f"DTSTART:{day:%Y%m%d}T100000Z\r\nDTEND:{day:%Y%m%d}T110000Z\r\nSUMMARY:Plan\r\n{ORGANIZER}\r\n"
        f"{someone('alice@example.test', 'PARTSTAT=ACCEPTED')}\r\n{someone('bob@example.test', 'PARTSTAT=DECLINED')}\r\n"
        f"{INVITED_TOO}\r\nEND:VEVENT\r\n"
        for day in days
    )
    put(bob, mine, text(bob, mine).replace("END:VCALENDAR", f"{own}END:VCALENDAR").encode())
    assert "ORGANIZER;CN=Alice;SCHEDULE-STATUS=5.1:" in text(bob, mine)
    assert text(alice, PATH).count("BEGIN:VEVENT") == 1
    assert answer(carol, copy_of(carol, CAROL), "carol@example.test", "ACCEPTED").status == 204
    assert state(alice, PATH, "carol@example.test") == "ACCEPTED"


def test_everybody_invited_to_an_instance_of_his_own(alice: Client, bob: Client, quiet: Callable[[], bool]) -> None:
    """Each is sent a form of his own, as long as the whole meeting: that has an end (SYS-17)."""
    people = [someone(f"a{number}@elsewhere.test") for number in range(1_500)]
    apart: list[str] = []
    for number, each in enumerate(people):
        day = f"{date(2025, 6, 1) + timedelta(days=number):%Y%m%d}"
        times = f"RECURRENCE-ID:{day}T100000Z\r\nDTSTART:{day}T100000Z\r\nDTEND:{day}T110000Z\r\n"
        head = f"BEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\n{times}{ORGANIZER}\r\n"
        apart.append(f"{head}{each}\r\nEND:VEVENT\r\n")
    body = meeting(INVITED, *people, more=("RRULE:FREQ=DAILY",)).decode()
    whole = body.replace("END:VCALENDAR", "".join(apart) + "END:VCALENDAR")
    assert refused(alice, PATH, whole.encode()).endswith("limit-reached")
    assert members(bob, BOB) == []
    assert quiet()


def test_a_group_invited_to_thousands_of_instances(alice: Client, bob: Client, quiet: Callable[[], bool]) -> None:
    """A line for each becomes one for each of its members: of more than can be read again, nobody is told (SYS-17)."""
    apart: list[str] = []
    for number in range(9_000):
        day = f"{date(2025, 6, 1) + timedelta(days=number):%Y%m%d}"
        times = f"RECURRENCE-ID:{day}T100000Z\r\nDTSTART:{day}T100000Z\r\nDTEND:{day}T110000Z\r\n"
        head = f"BEGIN:VEVENT\r\nUID:m1\r\nDTSTAMP:20250101T000000Z\r\n{times}{ORGANIZER}\r\n"
        apart.append(f"{head}{someone('iab@group')}\r\nEND:VEVENT\r\n")
    body = meeting(INVITED, more=("RRULE:FREQ=DAILY",)).decode()
    whole = body.replace("END:VCALENDAR", "".join(apart) + "END:VCALENDAR")
    assert refused(alice, PATH, whole.encode()).endswith("limit-reached")
    assert members(bob, BOB) == []
    assert quiet()
    strangers = [someone(f"a+{number}@elsewhere.test") for number in range(9_000)]
    put(alice, PATH, meeting(someone("bob+x@example.test"), someone("nobody@group"), *strangers))
    assert state(bob, copy_of(bob, BOB), "bob+x@example.test") == "NEEDS-ACTION"
