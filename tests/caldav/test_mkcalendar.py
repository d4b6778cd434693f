"""MKCALENDAR and the properties of calendars (RFC 4791 §5.2, §5.3.1; RFC 7809 §5.2; RFC 6638 §9.1)."""

from __future__ import annotations

import pytest

from servers.dav.names import APPLE, CALDAV, DAV
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, TASKS, Answer, Client

PARIS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Paris\r\nBEGIN:STANDARD\r\n"
    "DTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"
)


def make(client: Client, path: str, props: str) -> Answer:
    body = f"<C:mkcalendar {desk.NAMESPACES}><D:set><D:prop>{props}</D:prop></D:set></C:mkcalendar>"
    return client.request("MKCALENDAR", path, body, content_type="application/xml")


def told(client: Client, path: str, name: str) -> str | None:
    found = client.propfind(path, name).prop(path, name)
    return None if found is None else (found.text or "")


def test_with_properties(alice: Client) -> None:
    """§5.3.1.2: all of them are set, in the same transaction."""
    zone = PARIS.replace("\r", "&#13;")
    answer = make(
        alice,
        f"{HOME}work/",
        '<D:displayname>Work &amp; travel</D:displayname><C:calendar-description xml:lang="en">Meetings</C:calendar-description>'
        '<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>'
        f"<C:calendar-timezone>{zone}</C:calendar-timezone><I:calendar-color>#FF0000FF</I:calendar-color>"
        "<I:calendar-order>3</I:calendar-order><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
        '<X:mine xmlns:X="urn:example">kept</X:mine>',
    )
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-cache"
    path = f"{HOME}work/"
    assert told(alice, path, f"{DAV}displayname") == "Work & travel"
    assert told(alice, path, f"{CALDAV}calendar-description") == "Meetings"
    assert told(alice, path, f"{CALDAV}calendar-timezone-id") == "Paris"
    assert "TZID:Paris" in (told(alice, path, f"{CALDAV}calendar-timezone") or "")
    assert told(alice, path, f"{APPLE}calendar-color") == "#FF0000FF"
    assert told(alice, path, f"{APPLE}calendar-order") == "3"
    assert told(alice, path, "{urn:example}mine") == "kept"
    listed = alice.propfind(path, f"{CALDAV}supported-calendar-component-set", f"{CALDAV}schedule-calendar-transp")
    assert 'C:comp name="VEVENT"/>' in listed.text
    assert "VTODO" not in listed.text
    assert "<C:transparent/>" in listed.text
    kinds = alice.propfind(path, f"{DAV}resourcetype").prop(path, f"{DAV}resourcetype")
    assert kinds is not None
    assert {child.tag for child in kinds} == {f"{DAV}collection", f"{CALDAV}calendar"}


def test_without_a_body(alice: Client) -> None:
    assert alice.request("MKCALENDAR", f"{HOME}plain/").status == 201
    desk.put(alice, f"{HOME}plain/a.ics", desk.event("a", "DTSTART:20250601T100000Z"))


def test_a_task_list(alice: Client) -> None:
    props = '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'
    assert make(alice, f"{HOME}chores/", props).status == 201
    answer = alice.request("PUT", f"{HOME}chores/a.ics", desk.event("a", "DTSTART:20250601T100000Z"))
    assert answer.precondition == f"{CALDAV}supported-calendar-component"
    desk.put(alice, f"{HOME}chores/a.ics", desk.event("a", around="VTODO"))


@pytest.mark.parametrize(
    ("props", "broken"),
    [
        ("<D:getetag>x</D:getetag>", "getetag"),
        ("<C:max-resource-size>1</C:max-resource-size>", "max-resource-size"),
        (
            '<C:supported-calendar-component-set><C:comp name="VPOLL"/></C:supported-calendar-component-set>',
            "supported-calendar-component",
        ),
        ("<C:calendar-timezone>nonsense</C:calendar-timezone>", "valid-calendar-data"),
        ("<C:calendar-timezone-id>Atlantis/Here</C:calendar-timezone-id>", "valid-timezone"),
        ("<I:calendar-order>first</I:calendar-order>", "valid-calendar-order"),
        ("<C:calendar-availability>BEGIN:VCALENDAR</C:calendar-availability>", "valid-calendar-data"),
    ],
)
def test_a_property_that_cannot_be_set_fails_all(alice: Client, props: str, broken: str) -> None:
    """§5.3.1: "the request MUST fail"; the others are told 424."""
    answer = make(alice, f"{HOME}bad/", f"<D:displayname>Bad</D:displayname>{props}")
    assert answer.status == 207
    assert broken in answer.text
    assert "424 Failed Dependency" in answer.text
    assert alice.propfind(f"{HOME}bad/").status == 404


def test_where_none_can_be(alice: Client, bob: Client, carol: Client) -> None:
    """§5.3.1.1."""
    answer = alice.request("MKCALENDAR", EVENTS)
    assert (answer.status, answer.precondition) == (403, f"{DAV}resource-must-be-null")
    assert alice.request("MKCALENDAR", "/dav/alice/nowhere/x/").status == 409
    assert alice.request("MKCALENDAR", "/elsewhere/").status == 409
    assert alice.request("MKCALENDAR", f"{HOME}x/", "no xml", content_type="text/plain").status == 415
    assert alice.request("MKCALENDAR", f"{HOME}x/", "<no/>", content_type="text/xml").status == 400
    assert bob.request("MKCALENDAR", f"{HOME}x/").status == 403
    assert carol.request("MKCALENDAR", f"{HOME}x/").status == 409  # of this home she may not know (SYS-09)
    assert alice.propfind(f"{HOME}x/").status == 404


def test_group_calendars_are_made_by_administrators(alice: Client, bob: Client) -> None:
    assert bob.request("MKCALENDAR", "/dav/groups/IAB/second/").status == 403
    assert alice.request("MKCALENDAR", "/dav/groups/IAB/second/").status == 201
    assert bob.propfind("/dav/groups/IAB/second/").status == 207


def test_live_properties(alice: Client) -> None:
    """§5.2: what every calendar says of itself; allprop leaves it out."""
    names = {
        "supported-calendar-component-set": 'name="VEVENT"',
        "supported-calendar-data": 'content-type="text/calendar" version="2.0"',
        "max-resource-size": ">10485760<",
        "min-date-time": ">00010101T000000Z<",
        "max-date-time": ">99991231T235959Z<",
        "max-instances": ">10000<",
        "max-attendees-per-instance": ">10000<",
        "supported-collation-set": "i;octet",
    }
    answer = alice.propfind(EVENTS, *(f"{CALDAV}{name}" for name in names))
    assert "404" not in answer.text
    for name, text in names.items():
        assert text in answer.text, name
    everything = alice.propfind(EVENTS).text
    assert not any(name in everything for name in names)
    answer = alice.propfind(TASKS, f"{CALDAV}supported-calendar-component-set")
    assert 'name="VTODO"' in answer.text
    assert 'name="VEVENT"' not in answer.text
    home = alice.propfind(HOME, f"{CALDAV}supported-calendar-component-sets")
    assert home.prop(HOME, f"{CALDAV}supported-calendar-component-sets") is not None


@pytest.mark.parametrize("name", ["supported-calendar-component-set", "supported-calendar-data", "max-instances"])
def test_protected_properties(alice: Client, name: str) -> None:
    body = (
        f"<D:propertyupdate {desk.NAMESPACES}><D:set><D:prop><C:{name}>x</C:{name}></D:prop></D:set></D:propertyupdate>"
    )
    answer = alice.request("PROPPATCH", EVENTS, body)
    assert answer.status == 207
    assert "cannot-modify-protected-property" in answer.text


def set_property(client: Client, path: str, prop: str) -> Answer:
    body = f"<D:propertyupdate {desk.NAMESPACES}><D:set><D:prop>{prop}</D:prop></D:set></D:propertyupdate>"
    answer = client.request("PROPPATCH", path, body)
    assert answer.status == 207
    return answer


def test_time_zone_and_its_identifier_follow_each_other(alice: Client) -> None:
    """RFC 7809 §3.1.5."""
    assert "200 OK" in set_property(alice, EVENTS, "<C:calendar-timezone-id>Europe/Oslo</C:calendar-timezone-id>").text
    assert "TZID:Europe/Oslo" in (told(alice, EVENTS, f"{CALDAV}calendar-timezone") or "")
    zone = PARIS.replace("\r", "&#13;")
    assert "200 OK" in set_property(alice, EVENTS, f"<C:calendar-timezone>{zone}</C:calendar-timezone>").text
    assert told(alice, EVENTS, f"{CALDAV}calendar-timezone-id") == "Paris"
    answer = set_property(alice, EVENTS, "<C:calendar-timezone-id>Atlantis/Here</C:calendar-timezone-id>")
    assert "valid-timezone" in answer.text
    assert "403" in answer.text
    assert told(alice, EVENTS, f"{CALDAV}calendar-timezone-id") == "Paris"
    two = zone.replace("END:VCALENDAR", "BEGIN:VTIMEZONE&#13;\nTZID:Two&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR")
    assert (
        "valid-calendar-data" in set_property(alice, EVENTS, f"<C:calendar-timezone>{two}</C:calendar-timezone>").text
    )


def test_days_are_read_in_the_calendar_s_zone(alice: Client) -> None:
    """RFC 4791 §5.2.2, §7.3: an all-day event of a calendar in Auckland begins at noon UTC of the day before."""
    set_property(alice, EVENTS, "<C:calendar-timezone-id>Pacific/Auckland</C:calendar-timezone-id>")
    desk.put(alice, f"{EVENTS}day.ics", desk.event("day", "DTSTART;VALUE=DATE:20250610"))
    assert desk.names(desk.query(alice, EVENTS, desk.span("20250609T120000Z", "20250609T130000Z"))) == {"day"}
    assert desk.names(desk.query(alice, EVENTS, desk.span("20250610T120000Z", "20250610T130000Z"))) == set()
    lines = desk.periods(desk.freebusy(alice, EVENTS, "20250601T000000Z", "20250701T000000Z"))
    assert lines == ["BUSY:20250609T120000Z/20250610T120000Z"]
