"""Programs write the same times in forms of their own: nobody is refused for that, and nobody asked anew (MTG-12, 13)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV
from tests.caldav.desk import Client, put
from tests.caldav.meetings import BOB, INVITED, ORGANIZER, PATH, answer, copy_of, meeting, someone, state, text

START, END = "DTSTART;TZID=Europe/Paris:20250601T120000", "DTEND;TZID=Europe/Paris:20250601T130000"
RULE = "RRULE:FREQ=DAILY;UNTIL=20250605T100000Z"
ALIKE = [
    (END, "DURATION:PT1H"),
    (END, "DURATION:PT60M"),
    (START, "DTSTART;TZID=Europe/Berlin:20250601T120000"),
    (RULE, "RRULE:FREQ=DAILY;COUNT=5"),
    (RULE, "RRULE:UNTIL=20250605T215959Z;FREQ=DAILY"),
    ("EXDATE;TZID=Europe/Paris:20250604T120000", "EXDATE:20250604T100000Z"),
]
OTHER = [
    (START, "DTSTART;TZID=America/New_York:20250601T120000"),
    (START, "DTSTART:20250601T120000"),
    (END, "DURATION:PT2H"),
    (RULE, "RRULE:FREQ=DAILY;COUNT=6"),
    ("EXDATE;TZID=Europe/Paris:20250604T120000", "EXDATE:20250603T100000Z"),
]


@pytest.fixture
def mine(alice: Client, bob: Client) -> str:
    """Bob's copy of a series of alice's, which he has accepted."""
    exception = "EXDATE;TZID=Europe/Paris:20250604T120000"
    put(alice, PATH, meeting(INVITED, times=(START, END), more=(RULE, exception)))
    found = copy_of(bob, BOB)
    answer(bob, found, "bob@example.test", "ACCEPTED")
    return found


@pytest.mark.parametrize(("old", "new", "status"), [(*one, 204) for one in ALIKE] + [(*one, 403) for one in OTHER])
def test_an_attendees_program(bob: Client, mine: str, old: str, new: str, status: int) -> None:
    body = text(bob, mine)
    assert old in body
    assert bob.request("PUT", mine, body.replace(old, new).encode(), content_type="text/calendar").status == status


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(*one, "ACCEPTED") for one in ALIKE] + [(*one, "NEEDS-ACTION") for one in OTHER],
)
def test_an_organizers_program(alice: Client, bob: Client, mine: str, old: str, new: str, expected: str) -> None:
    """RFC 6638 §3.2.8: another zone is another time."""
    put(alice, PATH, text(alice, PATH).replace(old, new).encode())
    assert state(alice, PATH, "bob@example.test") == expected
    assert state(bob, mine, "bob@example.test") == expected


def instance(form: str, *times: str, how: str = "ACCEPTED") -> str:
    lines = ["BEGIN:VEVENT", "UID:m1", "DTSTAMP:20250101T000000Z", f"RECURRENCE-ID{form}", *times, "SUMMARY:Plan"]
    lines += [ORGANIZER, someone("alice@example.test", "PARTSTAT=ACCEPTED")]
    lines += [someone("bob@example.test", f"PARTSTAT={how}"), "END:VEVENT", "END:VCALENDAR"]
    return "\r\n".join(lines)


def test_an_instance_has_many_names(alice: Client, bob: Client, mine: str) -> None:
    """RFC 5545 §3.8.4.4: the form is that of DTSTART, which not all programs keep to."""
    whole = text(bob, mine)
    zoned = ";TZID=Europe/Paris:20250602T120000"
    for form, how in ((":20250602T100000Z", "DECLINED"), (zoned, "TENTATIVE")):
        own = instance(form, f"DTSTART{form}", "DURATION:PT1H", how=how)
        put(bob, mine, whole.replace("END:VCALENDAR", own).encode())
        assert text(alice, PATH).count("RECURRENCE-ID") == 1
        assert text(bob, mine).count("RECURRENCE-ID") == 1
        assert state(alice, PATH, "bob@example.test", "20250602T100000Z") == how
    put(bob, mine, whole.replace("RRULE", f"EXDATE{zoned}\r\nRRULE").encode())
    assert state(alice, PATH, "bob@example.test", "20250602T100000Z") == "DECLINED"


@pytest.mark.parametrize(
    ("form", "times"),
    [
        (":20250602T100000Z", ("DTSTART:20250602T110000Z", "DURATION:PT1H")),
        (":20250602T100000Z", ("DTSTART:20250602T100000Z", "DURATION:PT2H")),
        (":20250602T103000Z", ("DTSTART:20250602T103000Z", "DURATION:PT1H")),
    ],
)
def test_an_answer_for_one_instance_cannot_move_it(bob: Client, mine: str, form: str, times: tuple[str, ...]) -> None:
    """RFC 6638 §3.2.2.1, 11."""
    body = text(bob, mine).replace("END:VCALENDAR", instance(form, *times))
    refused = bob.request("PUT", mine, body.encode(), content_type="text/calendar")
    assert (refused.status, refused.precondition) == (403, f"{CALDAV}allowed-attendee-scheduling-object-change")
