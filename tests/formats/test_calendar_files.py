"""Files with many events: import and export (CAL-28, CAL-29)."""

from __future__ import annotations

import icalendar as oracle
import pytest

from storage.errors import BadFormat, BadObject
from storage.formats.calendar_files import join_as_vcalendar1, join_objects, split_objects
from storage.formats.contentline import parse
from storage.formats.icalendar import read

ZONE = """BEGIN:VTIMEZONE
TZID:{0}
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
"""


def event(uid: str, extra: str = "", start: str = "DTSTART:20240110T100000Z") -> str:
    own = f"UID:{uid}\n" if uid else ""
    return f"BEGIN:VEVENT\n{own}DTSTAMP:20240101T000000Z\n{start}\n{extra}END:VEVENT\n"


def file(*parts: str, head: str = "VERSION:2.0\n") -> bytes:
    return ("BEGIN:VCALENDAR\n" + head + "".join(parts) + "END:VCALENDAR\n").encode()


def test_one_object_per_uid_with_the_time_zones_it_needs() -> None:
    found = split_objects(
        file(
            ZONE.format("Europe/Paris"),
            ZONE.format("Custom"),
            event("a", "RRULE:FREQ=DAILY\n", "DTSTART;TZID=Europe/Paris:20240110T100000"),
            event("b"),
            event("a", "RECURRENCE-ID:20240111T090000Z\n", "DTSTART;TZID=Custom:20240111T120000"),
            "BEGIN:VTODO\nUID:c\nSUMMARY:undated\nEND:VTODO\n",
            head="VERSION:2.0\nMETHOD:PUBLISH\nX-WR-CALNAME:My\\, calendar\nX-APPLE-CALENDAR-COLOR:#FF0000\n",
        )
    )
    assert (found.name, found.color, found.failures) == ("My, calendar", "#FF0000", [])
    assert [uid for uid, _ in found.objects] == ["a", "b", "c"]
    zones = [[zone.value("TZID") for zone in parse(body)[0].of("VTIMEZONE")] for _, body in found.objects]
    assert zones == [["Europe/Paris", "Custom"], [], []]
    for uid, body in found.objects:
        kept = read(body)
        assert (kept.uid, kept.body) == (uid, body)
    assert len(read(found.objects[0][1]).components) == 2


def test_missing_uids_are_the_same_at_every_import() -> None:
    data = file(event("", "SUMMARY:one\n"), event("", "SUMMARY:two\n"))
    first = split_objects(data)
    again = split_objects(data.replace(b"DTSTAMP:20240101", b"DTSTAMP:20250101"))
    assert len({uid for uid, _ in first.objects}) == 2
    assert [uid for uid, _ in again.objects] == [uid for uid, _ in first.objects]


def test_of_duplicates_the_highest_sequence_stays() -> None:
    data = file(
        event("a", "SUMMARY:new\nSEQUENCE:2\n"), event("a", "SUMMARY:old\nSEQUENCE:1\n"), event("a", "SEQUENCE:x\n")
    )
    [(_, body)] = split_objects(data).objects
    assert b"SUMMARY:new" in body


def test_bad_objects_are_named_and_the_others_stay() -> None:
    """ "Store what can be understood, and name the line of what cannot"; lines are those of the file."""
    data = file(event("good"), event("bad", "RRULE:FREQ=NEVER\n"), event("none", start="SUMMARY:when?"), event("fine"))
    found = split_objects(data)
    assert [uid for uid, _ in found.objects] == ["good", "fine"]
    assert [(failure.uid, failure.line) for failure in found.failures] == [("bad", 12), ("none", 14)]
    assert "line 12" in str(found.failures[0].error)


def test_a_file_that_is_broken_somewhere_is_read_piece_by_piece() -> None:
    data = file(
        ZONE.format("Custom"),
        event("good", start="DTSTART;TZID=Custom:20240110T100000"),
        event("broken", "no colon here\n"),
        "BEGIN:VEVENT\nUID:open\nDTSTART:20240110T100000Z\n",
        event("late", "RRULE:FREQ=NEVER\n"),
        event("last"),
        head="VERSION:2.0\nX-WR-CALNAME:Torn\n",
    )
    found = split_objects(data)
    assert found.name == "Torn"
    assert [uid for uid, _ in found.objects] == ["good", "last"]
    assert b"BEGIN:VTIMEZONE" in found.objects[0][1]
    lines = data.decode().split("\n")
    assert [lines[failure.line - 1] for failure in found.failures] == [
        "no colon here",
        "BEGIN:VEVENT",
        "RRULE:FREQ=NEVER",
    ]
    assert [failure.uid for failure in found.failures] == ["broken", "", "late"]


def test_mixed_kinds_of_one_uid_are_a_failure() -> None:
    found = split_objects(file(event("a"), "BEGIN:VTODO\nUID:a\nEND:VTODO\n"))
    assert found.objects == []
    assert isinstance(found.failures[0].error, BadObject)


@pytest.mark.parametrize("data", [b"", b"hello\n", b"BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n"])
def test_no_calendar(data: bytes) -> None:
    with pytest.raises(BadFormat):
        split_objects(data)


def test_several_calendars_in_one_file() -> None:
    found = split_objects(file(event("a")) + file(event("b")))
    assert [uid for uid, _ in found.objects] == ["a", "b"]


def test_calendars_of_one_file_have_their_own_zones() -> None:
    """RFC 5545 §3.2.19: a TZID is that of its VCALENDAR, of which a file may have several (§3.4)."""
    at = "DTSTART;TZID=Zone1:20240110T100000"
    east, west = ZONE.format("Zone1"), ZONE.format("Zone1").replace("+0", "-0")
    data = file(east, event("a", start=at)) + file(west, event("b", start=at)) + file(event("c", start=at))
    starts = [read(body).series.span[0] % 86400 // 3600 for _, body in split_objects(data).objects]
    assert starts == [9, 11, 9]


def test_vcalendar_1() -> None:
    data = file(
        event("a", "RRULE:W1 WE #3\nSUMMARY;ENCODING=QUOTED-PRINTABLE:=\nCaf=C3=A9\n"),
        event("b", "RRULE:Q1\n"),
        event("", "SUMMARY:none\n"),
        head="VERSION:1.0\n",
    )
    found = split_objects(data)
    assert len(found.objects) == 2
    assert "SUMMARY:Café\r\n" in found.objects[0][1].decode()
    assert [(failure.uid, failure.line) for failure in found.failures] == [("b", 15)]


def test_join_writes_each_time_zone_once() -> None:
    zoned = "DTSTART;TZID=Custom:20240110T100000"
    bodies = [
        body
        for _, body in split_objects(
            file(ZONE.format("Custom"), event("a", start=zoned), event("b", start=zoned))
        ).objects
    ]
    bodies.append(read(file(event("c"))).body.rstrip())  # a client may leave out the last line break
    whole = join_objects(bodies, "My, calendar", "#00FF00")
    assert whole.count(b"BEGIN:VTIMEZONE") == 1
    assert whole.count(b"BEGIN:VEVENT") == 3
    again = split_objects(whole)
    assert [uid for uid, _ in again.objects] == ["a", "b", "c"]
    assert (again.name, again.color) == ("My, calendar", "#00FF00")
    parsed = oracle.Calendar.from_ical(whole)
    assert len(parsed.walk("VEVENT")) == 3
    assert split_objects(join_objects([])).objects == []


def test_join_keeps_zones_apart_that_are_called_alike() -> None:
    """RFC 5545 §3.6.5: a TZID is one definition in an object; Outlook calls every zone of a user's own the same."""
    east, west = ZONE.format("Customized Time Zone"), ZONE.format("Customized Time Zone").replace("+0", "-0")
    at = "DTSTART;TZID=Customized Time Zone:20240110T100000"
    late = f"RECURRENCE-ID;{at[8:]}\n"
    bodies = [
        split_objects(file(zone, event(uid, start=at), *extra)).objects[0][1]
        for uid, zone, extra in (("a", east, ()), ("b", west, (event("b", late, start=at),)), ("c", west, ()))
    ]
    whole = join_objects(bodies)
    assert whole.count(b"BEGIN:VTIMEZONE") == 2
    parsed = oracle.Calendar.from_ical(whole)
    hours = [component["DTSTART"].dt.utcoffset().total_seconds() // 3600 for component in parsed.walk("VEVENT")]
    assert hours == [1, -1, -1, -1]
    starts = [read(body).series.span[0] for _, body in split_objects(whole).objects]
    assert starts == [read(body).series.span[0] for body in bodies]


def test_join_adds_the_zones_that_objects_came_without() -> None:
    """RFC 7809 §3.1.4 lets a client leave them out; a file must have them (RFC 5545 §3.2.19)."""
    at = 'DTSTART;TZID="Europe/Paris":20240710T100000'
    whole = join_objects([split_objects(file(event("a", start=at))).objects[0][1]])
    (zone,) = oracle.Calendar.from_ical(whole).walk("VTIMEZONE")
    assert zone["TZID"] == "Europe/Paris"


def test_join_as_vcalendar_1() -> None:
    bodies = [read(file(event("a", "SUMMARY:one\n"))).body, read(file(event("b"))).body]
    again = split_objects(join_as_vcalendar1(bodies))
    assert [uid for uid, _ in again.objects] == ["a", "b"]
    assert again.failures == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_of_windows(encoding: str) -> None:
    """CAL-28: what a program there saves as Unicode."""
    found = split_objects(file(event("a", "SUMMARY:Réunion €\n")).decode().encode(encoding))
    assert [failure.error for failure in found.failures] == []
    assert "SUMMARY:Réunion €\r\n" in found.objects[0][1].decode()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("DTEND:\n", ""),
        ("DTEND;TZID=Europe/Paris:\n", ""),
        ("DURATION: \n", ""),
        ("DTEND:20240110T240000Z\n", "DTEND:20240111T000000Z"),
        ("DTEND:20241231T240000Z\n", "DTEND:20250101T000000Z"),
    ],
)
def test_ends_that_say_nothing(written: str, stored: str) -> None:
    """CAL-28, RFC 5545 §3.3.12: an event is not lost for it."""
    found = split_objects(file(event("a", written)))
    assert [failure.error for failure in found.failures] == []
    (body,) = (body.decode() for _, body in found.objects)
    assert stored in body
    assert "T24" not in body
    assert ("DTEND" in body or "DURATION" in body) is bool(stored)


def test_what_is_no_day_stays_a_failure() -> None:
    found = split_objects(file(event("a", "DTEND:99999999T240000Z\n"), event("b", "DTEND:99991231T240000Z\n")))
    assert len(found.failures) == 2
