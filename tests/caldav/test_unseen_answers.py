"""Answers belong to those who gave them, whatever a client with an older copy writes (RFC 6638 §3.2.1, §3.2.10.1)."""

from __future__ import annotations

import pytest

from tests.caldav.desk import Client, put
from tests.caldav.meetings import (
    BOB,
    CAROL,
    INVITED,
    INVITED_TOO,
    ORGANIZER,
    PATH,
    answer,
    copy_of,
    invite,
    meeting,
    someone,
    state,
    text,
)

DAILY = ("RRULE:FREQ=DAILY;COUNT=5",)
PLAIN = ("20250602T100000Z", "20250602T100000Z", "20250602T110000Z")
MOVED = ("20250602T100000Z", "20250602T180000Z", "20250602T190000Z")


def tag(client: Client, path: str) -> str:
    return client.request("GET", path).headers["schedule-tag"]


def instance(moment: str, start: str, end: str, *attendees: str) -> str:
    """One more VEVENT of the meeting, and the end of its object."""
    lines = ["BEGIN:VEVENT", "UID:m1", "DTSTAMP:20250101T000000Z", f"RECURRENCE-ID:{moment}", f"DTSTART:{start}"]
    lines += [f"DTEND:{end}", "SUMMARY:Plan", ORGANIZER, someone("alice@example.test", "PARTSTAT=ACCEPTED")]
    return "\r\n".join([*lines, *attendees, "END:VEVENT", "END:VCALENDAR"])


def series(*attendees: str) -> str:
    return meeting(*attendees, more=DAILY).decode()


def without_instances(body: str) -> str:
    return body[: body.index("END:VEVENT")] + "END:VEVENT\r\nEND:VCALENDAR\r\n"


def test_an_organizer_with_an_older_copy_overwrites_no_answer(alice: Client, bob: Client, three: str) -> None:
    seen, older = tag(alice, three), text(alice, three)
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    body = older.replace("SUMMARY:Plan", "SUMMARY:Plan\r\nPRIORITY:1").encode()
    put(alice, three, body, if_schedule_tag_match=seen)
    assert state(alice, three, "bob@example.test") == "ACCEPTED"
    assert "PRIORITY:1" in text(alice, three)
    assert alice.request("PUT", three, body, content_type="text/calendar", if_schedule_tag_match=seen).status == 412


def test_nor_do_instances_go_that_were_answered_apart(alice: Client, bob: Client) -> None:
    put(alice, PATH, series(INVITED).encode())
    seen, older = tag(alice, PATH), text(alice, PATH)
    mine = copy_of(bob, BOB)
    moment = "20250603T100000Z"
    own = instance(moment, moment, "20250603T110000Z", someone("bob@example.test", "PARTSTAT=TENTATIVE"))
    put(bob, mine, text(bob, mine).replace("END:VCALENDAR", own).encode())
    assert state(alice, PATH, "bob@example.test", moment) == "TENTATIVE"
    put(alice, PATH, older.replace("SUMMARY:Plan", "SUMMARY:Plan\r\nPRIORITY:1").encode(), if_schedule_tag_match=seen)
    assert state(alice, PATH, "bob@example.test", moment) == "TENTATIVE"
    assert state(alice, PATH, "bob@example.test") == "NEEDS-ACTION"


def test_an_attendee_with_an_older_copy_hides_no_answer(alice: Client, bob: Client, carol: Client, three: str) -> None:
    mine = copy_of(carol, CAROL)
    seen, older = tag(carol, mine), text(carol, mine)
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    assert tag(carol, mine) == seen
    put(carol, mine, older.replace("SUMMARY:Plan", "SUMMARY:Plan\r\nPRIORITY:1").encode(), if_schedule_tag_match=seen)
    assert state(carol, mine, "bob@example.test") == "ACCEPTED"


def test_nobody_answers_for_a_colleague(alice: Client, bob: Client) -> None:
    """RFC 6638 §3.2.1; of who is outside an organizer's mail program may know (RFC 6047)."""
    accepted = someone("bob@example.test", "PARTSTAT=ACCEPTED")
    path = invite(alice, accepted, someone("eve@else.test", "PARTSTAT=ACCEPTED"))
    assert state(alice, path, "bob@example.test") == "NEEDS-ACTION"
    assert state(alice, path, "eve@else.test") == "ACCEPTED"
    mine = copy_of(bob, BOB)
    answer(bob, mine, "bob@example.test", "DECLINED")
    put(alice, path, meeting(accepted))
    assert state(alice, path, "bob@example.test") == "DECLINED"
    put(alice, path, meeting(INVITED))  # asks him anew
    assert state(bob, mine, "bob@example.test") == "NEEDS-ACTION"


def test_an_instance_that_a_client_lost_comes_back(alice: Client, bob: Client) -> None:
    """RFC 6638 §3.2.2.1, 8.: an attendee leaves an instance by an EXDATE."""
    put(alice, PATH, series(INVITED).replace("END:VCALENDAR", instance(*MOVED, INVITED)).encode())
    mine = copy_of(bob, BOB)
    body = without_instances(text(bob, mine)).replace("NEEDS-ACTION", "ACCEPTED")
    put(bob, mine, body.encode())
    assert f"DTSTART:{MOVED[1]}" in text(bob, mine)
    assert state(alice, PATH, "bob@example.test") == "ACCEPTED"
    assert state(alice, PATH, "bob@example.test", MOVED[0]) == "NEEDS-ACTION"
    put(bob, mine, body.replace("RRULE", f"EXDATE:{MOVED[0]}\r\nRRULE").encode())
    assert "RECURRENCE-ID" not in text(bob, mine)
    assert state(alice, PATH, "bob@example.test", MOVED[0]) == "DECLINED"


def test_who_is_invited_to_single_instances_leaves_one(alice: Client, bob: Client) -> None:
    later = ("20250604T100000Z", "20250604T180000Z", "20250604T190000Z")
    both = instance(*MOVED, INVITED).replace("END:VCALENDAR", instance(*later, INVITED))
    put(alice, PATH, series().replace("END:VCALENDAR", both).encode())
    mine = copy_of(bob, BOB)
    first = text(bob, mine).index("END:VEVENT")
    assert text(bob, mine).count("BEGIN:VEVENT") == 2
    put(bob, mine, (text(bob, mine)[:first] + "END:VEVENT\r\nEND:VCALENDAR\r\n").encode())
    states = {state(alice, PATH, "bob@example.test", one[0]) for one in (MOVED, later)}
    assert states == {"NEEDS-ACTION", "DECLINED"}


def test_one_more_participant_for_one_instance_asks_nobody_else(alice: Client, bob: Client, carol: Client) -> None:
    """MTG-13: changing only participants does not reset the others."""
    put(alice, PATH, series(INVITED).encode())
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    accepted = someone("bob@example.test", "PARTSTAT=ACCEPTED")
    moment = "20250603T100000Z"
    for end, expected in (("20250603T110000Z", "ACCEPTED"), ("20250603T120000Z", "NEEDS-ACTION")):
        own = instance(moment, moment, end, accepted, INVITED_TOO)
        put(alice, PATH, without_instances(text(alice, PATH)).replace("END:VCALENDAR", own).encode())
        assert state(alice, PATH, "bob@example.test", moment) == expected
    assert state(carol, copy_of(carol, CAROL), "carol@example.test", moment) == "NEEDS-ACTION"


def test_what_was_refused_stays_away_until_it_is_asked_anew(alice: Client, bob: Client) -> None:
    """MTG-08."""
    path = invite(alice)
    assert bob.request("DELETE", copy_of(bob, BOB)).status == 204
    put(alice, path, text(alice, path).replace("END:VEVENT", f"{INVITED_TOO}\r\nEND:VEVENT").encode())
    assert bob.request("GET", f"{BOB}m1.ics").status == 404
    assert len(bob.propfind(BOB, "{DAV:}getetag", depth="1").hrefs()) == 1
    put(alice, path, text(alice, path).replace("SUMMARY:Plan", "SUMMARY:Other").encode())
    assert state(bob, copy_of(bob, BOB), "bob@example.test") == "NEEDS-ACTION"


@pytest.mark.parametrize(("change", "away"), [("PRIORITY:1\r\nUID:m1", True), ("LOCATION:Rome\r\nUID:m1", False)])
def test_so_does_an_instance(alice: Client, bob: Client, change: str, away: bool) -> None:
    put(alice, PATH, series(INVITED).encode())
    mine = copy_of(bob, BOB)
    put(bob, mine, text(bob, mine).replace("RRULE", "EXDATE:20250602T100000Z\r\nRRULE").encode())
    put(alice, PATH, text(alice, PATH).replace("UID:m1", change, 1).encode())
    assert ("RECURRENCE-ID" not in text(bob, mine)) is away
    assert change.partition(":")[0] in text(bob, mine)


def test_the_sequence_never_goes_back(alice: Client) -> None:
    """RFC 5546 §2.1.4."""
    put(alice, PATH, meeting(INVITED, more=("SEQUENCE:4",)))
    put(alice, PATH, meeting(INVITED, more=("SEQUENCE:1", "PRIORITY:1")))
    assert "SEQUENCE:4" in text(alice, PATH)
    put(alice, PATH, meeting(INVITED, summary="Other", more=("SEQUENCE:1",)))
    assert "SEQUENCE:5" in text(alice, PATH)


def test_a_new_status_has_a_new_sequence(alice: Client, bob: Client) -> None:
    """RFC 5546 §2.1.4: what changes STATUS "MUST be incremented"; answers stay, as nothing else has changed (MTG-13)."""
    path = invite(alice)
    answer(bob, copy_of(bob, BOB), "bob@example.test", "ACCEPTED")
    accepted = someone("bob@example.test", "PARTSTAT=ACCEPTED")
    put(alice, path, meeting(accepted, more=("STATUS:CONFIRMED",)))
    assert "SEQUENCE" not in text(alice, path)  # it was that before (RFC 5545 §3.8.1.11: nothing is said)
    put(alice, path, meeting(accepted, more=("STATUS:CANCELLED",)))
    assert "SEQUENCE:1" in text(alice, path)
    assert "SEQUENCE:1" in text(bob, copy_of(bob, BOB))
    assert state(alice, path, "bob@example.test") == "ACCEPTED"


def test_a_called_off_instance_has_a_new_sequence(alice: Client, bob: Client) -> None:
    """The same of an instance that became a component for it."""
    put(alice, PATH, series(INVITED).encode())
    called_off = series(INVITED).replace("END:VCALENDAR", instance(*PLAIN, INVITED, "STATUS:CANCELLED"))
    put(alice, PATH, called_off.encode())
    assert "SEQUENCE:1" in text(bob, copy_of(bob, BOB)).split("RECURRENCE-ID")[1]


def test_nobody_refuses_what_was_called_off(alice: Client, bob: Client) -> None:
    """STATUS:CANCELLED by PUT: the copy stays, and its owner only tidies up."""
    path = invite(alice)
    put(alice, path, meeting(INVITED, more=("STATUS:CANCELLED",)))
    assert "STATUS:CANCELLED" in text(bob, copy_of(bob, BOB))
    assert bob.request("DELETE", copy_of(bob, BOB)).status == 204
    assert state(alice, path, "bob@example.test") == "NEEDS-ACTION"


def test_an_instance_that_is_no_exception_any_more_is_asked_anew(alice: Client, bob: Client) -> None:
    """RFC 6638 §3.2.8: it takes place at another time again."""
    put(alice, PATH, series(INVITED).replace("END:VCALENDAR", instance(*MOVED, INVITED)).encode())
    mine = copy_of(bob, BOB)
    put(bob, mine, text(bob, mine).replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED").encode())
    put(alice, PATH, without_instances(text(alice, PATH)).encode())
    assert state(bob, mine, "bob@example.test") == "ACCEPTED"
    assert state(bob, mine, "bob@example.test", MOVED[0]) == "NEEDS-ACTION"
    assert f"DTSTART:{MOVED[0]}" in text(bob, mine)
    put(alice, PATH, without_instances(text(alice, PATH)).encode())  # an exception in nothing but its answers
    assert "RECURRENCE-ID" not in text(bob, mine)


def test_the_only_instance_that_somebody_has_keeps_its_name(alice: Client, bob: Client) -> None:
    put(alice, PATH, series().replace("END:VCALENDAR", instance(*MOVED, INVITED)).encode())
    mine = copy_of(bob, BOB)
    body = text(bob, mine).replace(f"RECURRENCE-ID:{MOVED[0]}\r\n", "").replace("NEEDS-ACTION", "ACCEPTED")
    put(bob, mine, body.encode())
    assert state(bob, mine, "bob@example.test", MOVED[0]) == "ACCEPTED"
    assert state(alice, PATH, "bob@example.test", MOVED[0]) == "ACCEPTED"
