"""What may be stored: every precondition of RFC 4791 §5.3.2.1 with its element, the line named, nothing hurt (CAL-01)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV, ESCRITOIRE
from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, NOTES, TASKS, Client

START = "DTSTART:20250601T100000Z"
STAMP = "DTSTAMP:20250101T000000Z"


def nested(depth: int) -> bytes:
    lines = [*("BEGIN:X-A" for _ in range(depth)), *("END:X-A" for _ in range(depth))]
    return desk.event("deep", START, *lines)


BROKEN: dict[str, tuple[bytes, str, str]] = {
    # name: body, precondition, what the reason says
    "empty": (b"", "valid-calendar-object-resource", "empty"),
    "html": (b"<html><body>Not found</body></html>", "valid-calendar-data", "line 1"),
    "json": (b'{"uid": "x"}', "valid-calendar-data", "line 1"),
    "vcard": (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nEND:VCARD\r\n", "valid-calendar-object-resource", "line 1"),
    "truncated": (desk.event("x", START)[:-30], "valid-calendar-data", "line"),
    "nul": (desk.event("x", START, "SUMMARY:a\0b"), "valid-calendar-data", "line 8"),
    "control": (desk.event("x", START, "SUMMARY:a\x07b"), "valid-calendar-data", "line 8"),
    "no date": (desk.event("x", "DTSTART:someday"), "valid-calendar-data", "line 7"),
    "30 February": (desk.event("x", "DTSTART:20250230T100000Z"), "valid-calendar-data", "line 7"),
    "25 o'clock": (desk.event("x", "DTSTART:20250201T250000Z"), "valid-calendar-data", "line 7"),
    "two starts": (desk.event("x", START, "DTSTART:20250602T100000Z"), "valid-calendar-data", "line 8"),
    "two names": (desk.event("x", START, "UID:y"), "valid-calendar-data", "line 8"),
    "no DTSTART": (desk.event("x"), "valid-calendar-data", "line 4"),
    "bad duration": (desk.event("x", START, "DURATION:1 hour"), "valid-calendar-data", "line 8"),
    "bad EXDATE": (desk.event("x", START, "RRULE:FREQ=DAILY", "EXDATE:soon"), "valid-calendar-data", "line 9"),
    "no FREQ": (desk.event("x", START, "RRULE:INTERVAL=2"), "valid-calendar-data", "line 8"),
    "FREQ of old": (desk.event("x", START, "RRULE:FREQ=FORTNIGHTLY"), "valid-calendar-data", "line 8"),
    "BYMONTH 13": (desk.event("x", START, "RRULE:FREQ=YEARLY;BYMONTH=13"), "valid-calendar-data", "line 8"),
    "BYWEEKNO 54": (desk.event("x", START, "RRULE:FREQ=YEARLY;BYWEEKNO=54"), "valid-calendar-data", "line 8"),
    "BYDAY 99MO": (desk.event("x", START, "RRULE:FREQ=YEARLY;BYDAY=99MO"), "valid-calendar-data", "line 8"),
    "BYMONTHDAY 0": (desk.event("x", START, "RRULE:FREQ=MONTHLY;BYMONTHDAY=0"), "valid-calendar-data", "line 8"),
    "BYSECOND 99": (desk.event("x", START, "RRULE:FREQ=DAILY;BYSECOND=99"), "valid-calendar-data", "line 8"),
    "COUNT 0": (desk.event("x", START, "RRULE:FREQ=DAILY;COUNT=0"), "valid-calendar-data", "line 8"),
    "INTERVAL 0": (desk.event("x", START, "RRULE:FREQ=DAILY;INTERVAL=0"), "valid-calendar-data", "line 8"),
    "too deep": (nested(60), "valid-calendar-data", "line"),
    "two calendars": (desk.event("x", START) + desk.event("y", START), "valid-calendar-object-resource", "line 10"),
    "two UIDs": (
        desk.event("x", START, *desk.next_event("UID:y", STAMP, START)),
        "valid-calendar-object-resource",
        "line 9",
    ),
    "two masters": (
        desk.event("x", START, *desk.next_event("UID:x", STAMP, START)),
        "valid-calendar-object-resource",
        "line 9",
    ),
    "two kinds": (
        desk.event(
            "x", START, "END:VEVENT", "BEGIN:VTODO", "UID:x", STAMP, "END:VTODO", "BEGIN:VEVENT", "UID:x", STAMP, START
        ),
        "valid-calendar-object-resource",
        "line 9",
    ),
    "no UID": (desk.calendar(STAMP, START), "valid-calendar-object-resource", "line 4"),
    "empty UID": (desk.event("", START), "valid-calendar-object-resource", "line 4"),
    "METHOD": (
        desk.event("x", START).replace(b"BEGIN:VEVENT", b"METHOD:REQUEST\r\nBEGIN:VEVENT", 1),
        "valid-calendar-object-resource",
        "line 4",
    ),
    "VFREEBUSY": (
        desk.calendar("UID:x", STAMP, around="VFREEBUSY"),
        "valid-calendar-object-resource",
        "line 4",
    ),
    "a zone alone": (desk.calendar("TZID:Here", around="VTIMEZONE"), "valid-calendar-object-resource", ""),
    "a to-do": (desk.event("x", around="VTODO"), "supported-calendar-component", ""),
    "a note": (desk.event("x", START, around="VJOURNAL"), "supported-calendar-component", ""),
    "100,000 attendees": (
        desk.event("x", START, *(f"ATTENDEE:mailto:a{number}@example.test" for number in range(100_000))),
        "max-attendees-per-instance",
        "10000",
    ),
    "year 10000": (desk.event("x", "DTSTART:100000101T000000Z"), "max-date-time", "line 7"),
    "year 0": (desk.event("x", "DTSTART:00000101T000000Z"), "min-date-time", "line 7"),
}


@pytest.fixture
def stored(alice: Client) -> dict[str, bytes]:
    """What was there before, and must be there afterwards."""
    bodies = {f"{EVENTS}kept.ics": desk.event("kept", START), f"{EVENTS}other.ics": desk.event("other", START)}
    for path, body in bodies.items():
        desk.put(alice, path, body)
    return bodies


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_bad_objects(alice: Client, name: str) -> None:
    """Over a new name and over one that is there: refused, explained, and nothing stored is hurt."""
    body, element, reason = BROKEN[name]
    kept = desk.event("x", START)
    desk.put(alice, f"{EVENTS}kept.ics", kept)
    before = alice.propfind(EVENTS, f"{DAV}sync-token").text
    for path in (f"{EVENTS}x.ics", f"{EVENTS}kept.ics"):
        answer = alice.request("PUT", path, body, content_type="text/calendar")
        assert (answer.status, answer.precondition) == (403, f"{CALDAV}{element}"), answer.text
        assert reason in (answer.xml.findtext(f"{ESCRITOIRE}reason") or ""), answer.text
    assert alice.request("GET", f"{EVENTS}x.ics").status == 404
    assert alice.request("GET", f"{EVENTS}kept.ics").body == kept
    assert alice.propfind(EVENTS, f"{DAV}sync-token").text == before


@pytest.mark.parametrize(
    "lines",
    [
        (START, "RRULE:FREQ=DAILY"),  # without end
        (START, "RRULE:FREQ=SECONDLY"),
        (START, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),  # never
        ("DTSTART;TZID=Nowhere/Atall:20250601T100000",),
        (START, "DTEND:20250601T090000Z"),  # ends before it starts
        (START, 'X-ANYTHING;X-P="a,b":  kept as it came  ', "CATEGORIES:a,b", "COLOR:red"),
        ("DTSTART:20250601T100000Z", "SUMMARY:" + "é" * 2000),
    ],
)
def test_odd_objects_are_stored_and_cost_little(alice: Client, lines: tuple[str, ...]) -> None:
    """Slightly wrong is understood as far as it can be; asking about it stays bounded (CAL-01, CAL-03)."""
    body = desk.event("odd", *lines)
    desk.put(alice, f"{EVENTS}odd.ics", body)
    assert alice.request("GET", f"{EVENTS}odd.ics").body == body
    assert desk.query(alice, EVENTS, desk.span("90000101T000000Z", "90000102T000000Z")).status == 207
    assert desk.freebusy(alice, EVENTS, "20250601T000000Z", "20250601T010000Z").status == 200


def test_uid_conflicts_name_the_other_object(alice: Client, stored: dict[str, bytes]) -> None:
    """CALDAV:no-uid-conflict with DAV:href (§5.3.2.1)."""
    answer = alice.request("PUT", f"{EVENTS}new.ics", stored[f"{EVENTS}kept.ics"])
    assert (answer.status, answer.precondition) == (409, f"{CALDAV}no-uid-conflict")
    assert answer.xml.findtext(f"{CALDAV}no-uid-conflict/{DAV}href") == f"{EVENTS}kept.ics"
    assert alice.request("GET", f"{EVENTS}new.ics").status == 404
    # "… or overwrite an existing calendar object resource with one that has a different UID"
    answer = alice.request("PUT", f"{EVENTS}kept.ics", desk.event("fresh", START))
    assert (answer.status, answer.precondition) == (409, f"{CALDAV}no-uid-conflict")
    assert answer.xml.findtext(f"{CALDAV}no-uid-conflict/{DAV}href") == f"{EVENTS}kept.ics"
    assert alice.request("GET", f"{EVENTS}kept.ics").body == stored[f"{EVENTS}kept.ics"]
    # Another calendar may hold it.
    assert alice.request("MKCALENDAR", f"{HOME}second/").status == 201
    desk.put(alice, f"{HOME}second/kept.ics", stored[f"{EVENTS}kept.ics"])
    # COPY and MOVE are bound by it as well.
    for method in ("COPY", "MOVE"):
        answer = alice.request(method, f"{HOME}second/kept.ics", destination=f"{EVENTS}moved.ics")
        assert (answer.status, answer.precondition) == (409, f"{CALDAV}no-uid-conflict")


def test_a_hidden_object_s_name_does_not_leak(store: Store, alice: Client, bob: Client) -> None:
    """SYS-09: the UID is taken, but by what bob may not know of."""
    desk.put(alice, f"{EVENTS}secret.ics", desk.event("s", START, "CLASS:PRIVATE"))
    desk.grant(store, EVENTS, "bob", desk.Right.ADD)
    answer = bob.request("PUT", f"{EVENTS}mine.ics", desk.event("s", START))
    assert answer.status in (403, 409)
    assert "secret" not in answer.text


def test_sizes(store: Store) -> None:
    """CALDAV:max-resource-size; the property says the number that holds (§5.2.5)."""
    alice = Client(desk.app(store, max_resource_octets=2000), "alice")
    answer = alice.propfind(EVENTS, f"{CALDAV}max-resource-size")
    assert answer.prop(EVENTS, f"{CALDAV}max-resource-size").text == "2000"  # type: ignore[union-attr]
    body = desk.event("big", START, f"DESCRIPTION:{'x' * 2000}")
    answer = alice.request("PUT", f"{EVENTS}big.ics", body)
    assert (answer.status, answer.precondition) == (403, f"{CALDAV}max-resource-size")
    desk.put(alice, f"{EVENTS}small.ics", desk.event("small", START))


def test_attendees_up_to_the_limit_that_the_property_says(alice: Client) -> None:
    """§5.2.9."""
    answer = alice.propfind(EVENTS, f"{CALDAV}max-attendees-per-instance")
    most = int(str(answer.prop(EVENTS, f"{CALDAV}max-attendees-per-instance").text))  # type: ignore[union-attr]
    people = [f"ATTENDEE:mailto:a{number}@example.test" for number in range(most)]
    desk.put(alice, f"{EVENTS}full.ics", desk.event("full", START, *people))
    answer = alice.request("PUT", f"{EVENTS}over.ics", desk.event("over", START, *people, "ATTENDEE:mailto:one@more"))
    assert answer.precondition == f"{CALDAV}max-attendees-per-instance"


def test_media_types(alice: Client) -> None:
    """CALDAV:supported-calendar-data; a missing Content-Type means iCalendar."""
    body = desk.event("x", START)
    for kind in ("text/plain", "application/calendar+json", "text/vcard"):
        answer = alice.request("PUT", f"{EVENTS}x.ics", body, content_type=kind)
        assert (answer.status, answer.precondition) == (403, f"{CALDAV}supported-calendar-data")
    assert alice.request("PUT", f"{EVENTS}x.ics", body).status == 201
    assert alice.request("PUT", f"{EVENTS}x.ics", body, content_type="Text/Calendar;charset=UTF-8").status == 204


def test_each_collection_takes_its_components(alice: Client) -> None:
    """RFC 4791 §5.2.3."""
    bodies = {
        EVENTS: desk.event("x", START),
        TASKS: desk.event("x", around="VTODO"),
        NOTES: desk.event("x", around="VJOURNAL"),
    }
    for path in bodies:
        for own, body in bodies.items():
            answer = alice.request("PUT", f"{path}x.ics", body)
            if own == path:
                assert answer.status == 201
            else:
                assert (answer.status, answer.precondition) == (403, f"{CALDAV}supported-calendar-component")


def test_an_etag_only_where_a_get_gives_the_same_octets(alice: Client) -> None:
    """RFC 4791 §5.3.4."""
    body = desk.event("x", START)
    answer = desk.put(alice, f"{EVENTS}x.ics", body)
    got = alice.request("GET", f"{EVENTS}x.ics")
    assert got.body == body
    assert got.headers["etag"] == answer.headers["etag"]
    assert got.headers["content-type"] == "text/calendar; charset=utf-8; component=VEVENT"
    answer = desk.put(alice, f"{EVENTS}x.ics", body.replace(b"\r\n", b"\n"))
    assert "etag" not in answer.headers
    assert alice.request("GET", f"{EVENTS}x.ics").body == body


def test_a_rule_that_says_nothing_is_left_out(alice: Client) -> None:
    """CAL-03, RFC 5545 §3.8.5.3: Fantastical 3.7 writes "RRULE:" for an event that does not recur."""
    body = desk.event("empty", "DTSTART:20250601T100000Z", "DTEND:20250601T110000Z", "RRULE:", "EXRULE: ", "SUMMARY:x")
    answer = desk.put(alice, f"{EVENTS}empty.ics", body)
    assert "etag" not in answer.headers  # the client reads what became of it (RFC 4791 §5.3.4)
    text = alice.request("GET", f"{EVENTS}empty.ics").text
    assert "RULE" not in text
    assert "SUMMARY:x\r\n" in text
    june = desk.span("20250601T000000Z", "20250602T000000Z"), desk.span("20250602T000000Z", "20250701T000000Z")
    assert [desk.names(desk.query(alice, EVENTS, one)) for one in june] == [{"empty"}, set()]


def test_vcalendar_1_is_translated(alice: Client) -> None:
    """CAL-28: what old programs send becomes iCalendar."""
    old = (
        b"BEGIN:VCALENDAR\r\nVERSION:1.0\r\nBEGIN:VEVENT\r\nUID:old\r\nDTSTART:20250601T100000Z\r\n"
        b"DTEND:20250601T110000Z\r\nSUMMARY;ENCODING=QUOTED-PRINTABLE:Caf=C3=A9\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert "etag" not in desk.put(alice, f"{EVENTS}old.ics", old).headers
    got = alice.request("GET", f"{EVENTS}old.ics").text
    assert "VERSION:2.0" in got
    assert "SUMMARY:Café" in got


def test_nothing_lies_beside_the_collections(alice: Client) -> None:
    """RFC 4791 §4.2: no collections in calendars, no objects in homes."""
    assert alice.request("PUT", f"{EVENTS}sub/x.ics", desk.event("x", START)).status in (403, 409)
    assert alice.request("PUT", "/dav/alice/private/x.ics", desk.event("x", START)).status in (403, 405, 409)
    answer = alice.request("MKCALENDAR", f"{EVENTS}sub/")
    assert (answer.status, answer.precondition) == (403, f"{CALDAV}calendar-collection-location-ok")
