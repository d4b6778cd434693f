"""CALDAV:calendar-data: whole, in part, expanded, limited (RFC 4791 §9.6)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV
from tests.caldav import desk
from tests.caldav.desk import EVENTS, Client

MASTER = (
    "DTSTART;TZID=Europe/Paris:20250106T090000",
    "DTEND;TZID=Europe/Paris:20250106T100000",
    "RRULE:FREQ=WEEKLY;COUNT=5",
    "EXDATE;TZID=Europe/Paris:20250113T090000",
    "SUMMARY:Class",
    "ATTENDEE;CN=Bob:mailto:bob@example.test",
)
MOVED = desk.next_event(
    "UID:class",
    "DTSTAMP:20250101T000000Z",
    "RECURRENCE-ID;TZID=Europe/Paris:20250120T090000",
    "DTSTART;TZID=Europe/Paris:20250221T090000",
    "DTEND;TZID=Europe/Paris:20250221T100000",
    "SUMMARY:Class\\, later",
)
ZONE = (
    *("BEGIN:VTIMEZONE", "TZID:Europe/Paris", "BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0200"),
    *("TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT"),
    *("DTSTART:19700329T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"),
    *("END:DAYLIGHT", "END:VTIMEZONE"),
)


@pytest.fixture
def series(alice: Client) -> bytes:
    """A course on Mondays with its zone; one lesson is left out, one moved by a month."""
    body = desk.event("class", *MASTER, *MOVED).replace(
        b"BEGIN:VEVENT\r\n", "".join(line + "\r\n" for line in (*ZONE, "BEGIN:VEVENT")).encode(), 1
    )
    desk.put(alice, f"{EVENTS}class.ics", body)
    return body


def given(alice: Client, inside: str, attributes: str = "") -> str:
    """calendar-data of the course, with CRLF."""
    wanted = f"<C:calendar-data{attributes}>{inside}</C:calendar-data>"
    (text,) = desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}class.ics", prop=wanted))
    return text


def test_whole_and_to_the_octet(alice: Client, series: bytes) -> None:
    """§9.6: carriage returns are kept, as &#13; (XML 1.0 §2.11)."""
    assert given(alice, "").encode() == series
    assert given(alice, "", ' content-type="text/calendar" version="2.0"').encode() == series
    assert given(alice, "", ' content-type="Text/Calendar; charset=utf-8"').encode() == series
    assert alice.request("GET", f"{EVENTS}class.ics").body == series


@pytest.mark.parametrize(
    "attributes", [' version="3.0"', ' content-type="text/vcard"', ' content-type="application/calendar+json"']
)
@pytest.mark.parametrize("inside", ["", '<C:comp name="VCALENDAR"/>'])
def test_other_media_types_are_refused(alice: Client, series: bytes, attributes: str, inside: str) -> None:
    """§7.8 and §7.9, CALDAV:supported-calendar-data."""
    wanted = f"<C:calendar-data{attributes}>{inside}</C:calendar-data>"
    for answer in (
        desk.multiget(alice, EVENTS, f"{EVENTS}class.ics", prop=wanted),
        desk.query(alice, EVENTS, "", wanted),
    ):
        assert (answer.status, answer.precondition) == (403, f"{CALDAV}supported-calendar-data")


def test_partial_retrieval(alice: Client, series: bytes) -> None:
    """§9.6.1 to §9.6.4, as in the example of §7.8.1."""
    text = given(
        alice,
        '<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/>'
        '<C:prop name="UID"/><C:prop name="ATTENDEE" novalue="yes"/></C:comp><C:comp name="VTIMEZONE"/></C:comp>',
    )
    lines = text.split("\r\n")
    assert lines[:3] == ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTIMEZONE"]
    assert "PRODID" not in text
    assert "RRULE:FREQ=WEEKLY" not in text
    assert "ATTENDEE;CN=Bob:" in lines  # name, parameters and a colon, without the value
    assert lines[lines.index("BEGIN:VEVENT") :][:4] == [
        "BEGIN:VEVENT",
        "UID:class",
        "SUMMARY:Class",
        "ATTENDEE;CN=Bob:",
    ]
    assert text.count("BEGIN:VEVENT") == 2
    assert "BEGIN:DAYLIGHT" in text


def test_allprop_and_allcomp(alice: Client, series: bytes) -> None:
    text = given(alice, '<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VEVENT"><C:allprop/></C:comp></C:comp>')
    assert "VTIMEZONE" not in text
    assert "PRODID" in text
    assert "EXDATE" in text
    text = given(alice, '<C:comp name="VCALENDAR"><C:prop name="PRODID"/><C:allcomp/></C:comp>')
    assert "VERSION:2.0" not in text
    assert "END:DAYLIGHT" in text
    assert "EXDATE" in text


def test_expand(alice: Client, series: bytes) -> None:
    """§9.6.5: instances in the range, in UTC, without rules and zones, each with its RECURRENCE-ID."""
    text = given(alice, '<C:expand start="20250101T000000Z" end="20250301T000000Z"/>')
    assert not any(word in text for word in ("RRULE", "EXDATE", "VTIMEZONE", "TZID"))
    lines = text.split("\r\n")
    starts = [line for line in lines if line.startswith(("DTSTART", "RECURRENCE-ID"))]
    assert {(starts[number], starts[number + 1]) for number in range(0, len(starts), 2)} == {
        ("DTSTART:20250106T080000Z", "RECURRENCE-ID:20250106T080000Z"),
        ("DTSTART:20250221T080000Z", "RECURRENCE-ID:20250120T080000Z"),
        ("DTSTART:20250127T080000Z", "RECURRENCE-ID:20250127T080000Z"),
        ("DTSTART:20250203T080000Z", "RECURRENCE-ID:20250203T080000Z"),
    }
    assert text.count("SUMMARY:Class\\, later") == 1


def test_expand_all_day_and_floating_stay_what_they_are(alice: Client) -> None:
    desk.put(alice, f"{EVENTS}day.ics", desk.event("day", "DTSTART;VALUE=DATE:20250601", "RRULE:FREQ=DAILY;COUNT=2"))
    desk.put(alice, f"{EVENTS}float.ics", desk.event("float", "DTSTART:20250601T100000", "DURATION:PT1H"))
    wanted = '<C:calendar-data><C:expand start="20250601T000000Z" end="20250603T000000Z"/></C:calendar-data>'
    days, floats = desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}day.ics", f"{EVENTS}float.ics", prop=wanted))
    assert "DTSTART;VALUE=DATE:20250601\r\nRECURRENCE-ID;VALUE=DATE:20250601\r\n" in days
    assert "DTSTART;VALUE=DATE:20250602\r\nRECURRENCE-ID;VALUE=DATE:20250602\r\n" in days
    assert "DTSTART:20250601T100000\r\n" in floats
    assert "RECURRENCE-ID" not in floats


def test_expand_and_select_together(alice: Client, series: bytes) -> None:
    text = given(
        alice,
        '<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="DTSTART"/></C:comp></C:comp>'
        '<C:expand start="20250106T000000Z" end="20250107T000000Z"/>',
    )
    assert [line for line in text.split("\r\n") if line.startswith("DT")] == ["DTSTART:20250106T080000Z"]


def test_expand_refuses_too_many(app: object, alice: Client) -> None:
    desk.put(alice, f"{EVENTS}class.ics", desk.event("class", "DTSTART:20250101T000000Z", "RRULE:FREQ=SECONDLY"))
    wanted = '<C:calendar-data><C:expand start="20250101T000000Z" end="20270101T000000Z"/></C:calendar-data>'
    answer = desk.query(alice, EVENTS, "", wanted)
    assert (answer.status, answer.precondition) == (403, f"{CALDAV}max-instances")


@pytest.mark.slow
def test_what_one_answer_expands_has_an_end(alice: Client) -> None:
    """SYS-17, RFC 4791 §7.8: few objects, each within the limits, made an answer that filled the memory."""
    for name in ("one", "two"):
        lines = ("DTSTART:20250101T000000Z", "RRULE:FREQ=DAILY", f"DESCRIPTION:{name * 200_000}")
        desk.put(alice, f"{EVENTS}{name}.ics", desk.event(name, *lines))
    wanted = '<C:calendar-data><C:expand start="20250101T000000Z" end="20250304T000000Z"/></C:calendar-data>'
    assert desk.multiget(alice, EVENTS, f"{EVENTS}one.ics", prop=wanted).text.count("BEGIN:VEVENT") == 62
    for answer in (
        desk.query(alice, EVENTS, "", wanted),
        desk.multiget(alice, EVENTS, f"{EVENTS}one.ics", f"{EVENTS}two.ics", prop=wanted),
    ):
        assert (answer.status, answer.precondition) == (403, f"{DAV}number-of-matches-within-limits")
    assert len(desk.data(desk.query(alice, EVENTS, "", "<C:calendar-data/>"))) == 2


def test_limit_recurrence_set(alice: Client, series: bytes) -> None:
    """§9.6.6: the master, and the overridden instances that are or would have been in the range."""
    for start, end, there in (
        ("20250101T000000Z", "20250110T000000Z", False),
        ("20250120T000000Z", "20250121T000000Z", True),  # where it was
        ("20250221T000000Z", "20250222T000000Z", True),  # where it is
        ("20250201T000000Z", "20250210T000000Z", False),
    ):
        text = given(alice, f'<C:limit-recurrence-set start="{start}" end="{end}"/>')
        assert ("later" in text) is there
        assert "RRULE:FREQ=WEEKLY;COUNT=5" in text
        assert "VTIMEZONE" in text


def test_limit_freebusy_set(alice: Client, series: bytes) -> None:
    """§9.6.7: calendars here hold no VFREEBUSY, so nothing is taken away."""
    text = given(alice, '<C:limit-freebusy-set start="20250101T000000Z" end="20250110T000000Z"/>')
    assert text.count("BEGIN:VEVENT") == 2


@pytest.mark.parametrize(
    ("inside", "status"),
    [
        ('<C:expand start="20250101T000000Z"/>', 400),
        ('<C:expand start="20250101T000000Z" end="20240101T000000Z"/>', 403),
        ('<C:limit-recurrence-set end="20250101T000000Z"/>', 400),
        ('<C:limit-freebusy-set start="x" end="20250101T000000Z"/>', 403),
        (
            '<C:expand start="20250101T000000Z" end="20250201T000000Z"/>'
            '<C:limit-recurrence-set start="20250101T000000Z" end="20250201T000000Z"/>',
            400,
        ),
    ],
)
def test_bad_requests(alice: Client, series: bytes, inside: str, status: int) -> None:
    assert desk.query(alice, EVENTS, "", f"<C:calendar-data>{inside}</C:calendar-data>").status == status


def test_it_is_no_property(alice: Client, series: bytes) -> None:
    """§9.6: PROPFIND does not give it, nor does allprop."""
    answer = alice.propfind(f"{EVENTS}class.ics", f"{CALDAV}calendar-data")
    assert answer.prop(f"{EVENTS}class.ics", f"{CALDAV}calendar-data") is None
    assert "BEGIN:VCALENDAR" not in alice.propfind(f"{EVENTS}class.ics").text
    body = '<C:calendar-query><D:allprop/><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    assert "BEGIN:VCALENDAR" not in desk.report(alice, EVENTS, body, depth="1").text


class TestTimeZonesByReference:
    """RFC 7809 §3.1.3, §7.1: CalDAV-Timezones."""

    def test_announced(self, alice: Client) -> None:
        assert "calendar-no-timezone" in alice.request("OPTIONS", EVENTS).headers["dav"].split(", ")
        assert "calendar-no-timezone" in alice.request("OPTIONS", desk.HOME).headers["dav"].split(", ")

    def test_left_out(self, alice: Client, series: bytes) -> None:
        got = alice.request("GET", f"{EVENTS}class.ics", caldav_timezones="F")
        assert b"VTIMEZONE" not in got.body
        assert b"TZID=Europe/Paris" in got.body
        assert got.body.count(b"BEGIN:VEVENT") == 2
        (text,) = desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}class.ics", caldav_timezones="F"))
        assert text.encode() == got.body
        (text,) = desk.data(desk.query(alice, EVENTS, "", "<C:calendar-data/>", caldav_timezones="F"))
        assert text.encode() == got.body
        part = '<C:calendar-data><C:comp name="VCALENDAR"><C:allcomp/></C:comp></C:calendar-data>'
        (text,) = desk.data(desk.query(alice, EVENTS, "", part, caldav_timezones="F"))
        assert "VTIMEZONE" not in text
        assert "BEGIN:VEVENT" in text

    def test_the_default_is_what_was_stored(self, alice: Client, series: bytes) -> None:
        assert alice.request("GET", f"{EVENTS}class.ics").body == series
        assert alice.request("GET", f"{EVENTS}class.ics", caldav_timezones="T").body == series

    def test_added_where_the_client_left_it_out(self, alice: Client) -> None:
        body = desk.event("class", *MASTER)
        assert desk.put(alice, f"{EVENTS}class.ics", body).headers["etag"]  # §3.1.4: accepted as it is
        assert alice.request("GET", f"{EVENTS}class.ics").body == body
        got = alice.request("GET", f"{EVENTS}class.ics", caldav_timezones="T").body
        assert got.count(b"BEGIN:VTIMEZONE\r\nTZID:Europe/Paris\r\n") == 1
        assert got.index(b"BEGIN:VTIMEZONE") < got.index(b"BEGIN:VEVENT")
        assert alice.request("GET", f"{EVENTS}class.ics", caldav_timezones="F").body == body
        (text,) = desk.data(desk.multiget(alice, EVENTS, f"{EVENTS}class.ics", caldav_timezones="T"))
        assert text.encode() == got

    def test_zones_of_one_s_own_always_come_along(self, alice: Client, series: bytes) -> None:
        own = series.replace(b"Europe/Paris", b"Chez nous")
        desk.put(alice, f"{EVENTS}class.ics", own)
        assert alice.request("GET", f"{EVENTS}class.ics", caldav_timezones="F").body == own
