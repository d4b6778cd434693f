"""free-busy-query: when somebody is busy, and nothing else of it (RFC 4791 §7.10, RFC 7953 §7.2.3, CAL-06, CAL-07, CAL-27)."""

from __future__ import annotations

import pytest

from servers.dav.names import CALDAV, DAV
from storage import preferences
from storage.store import Store
from storage.types import Actor, Right
from tests.caldav import desk
from tests.caldav.desk import EVENTS, HOME, TASKS, TEAM, Answer, Client

JUNE = ("20250601T000000Z", "20250701T000000Z")


def at(day: int, *lines: str, hour: int = 10) -> tuple[str, ...]:
    return (f"DTSTART:202506{day:02}T{hour}0000Z", f"DTEND:202506{day:02}T{hour + 1}0000Z", *lines)


@pytest.fixture
def busy(alice: Client) -> None:
    """Alice's June: one of every sort."""
    for name, lines in {
        "plain": at(1, "SUMMARY:Secret plans", "LOCATION:Hidden"),
        "tentative": at(2, "STATUS:TENTATIVE"),
        "cancelled": at(3, "STATUS:CANCELLED"),
        "transparent": at(4, "TRANSP:TRANSPARENT"),
        "private": at(5, "CLASS:PRIVATE"),
        "confidential": at(6, "CLASS:CONFIDENTIAL"),
        "day": ("DTSTART;VALUE=DATE:20250607",),
        "instant": ("DTSTART:20250608T100000Z",),
        "long": ("DTSTART:20250520T000000Z", "DTEND:20250601T030000Z"),
        "next": at(1, hour=11),
        "weekly": (
            "DTSTART:20250505T080000Z",
            "DTEND:20250505T090000Z",
            "RRULE:FREQ=WEEKLY",
            "EXDATE:20250616T080000Z",
        ),
    }.items():
        desk.put(alice, f"{EVENTS}{name}.ics", desk.event(name, *lines))
    desk.put(alice, f"{TASKS}todo.ics", desk.event("todo", *at(9)[:1], "DUE:20250609T110000Z", around="VTODO"))


def test_the_table(alice: Client, busy: None) -> None:
    """§7.10: FBTYPE by TRANSP and STATUS; consecutive periods are joined, everything is cut at the range."""
    answer = desk.freebusy(alice, EVENTS, *JUNE)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert desk.periods(answer) == [
        "BUSY:20250601T000000Z/20250601T030000Z",
        "BUSY:20250601T100000Z/20250601T120000Z",
        "BUSY:20250602T080000Z/20250602T090000Z",
        "BUSY-TENTATIVE:20250602T100000Z/20250602T110000Z",
        "BUSY:20250605T100000Z/20250605T110000Z",
        "BUSY:20250606T100000Z/20250606T110000Z",
        "BUSY:20250607T000000Z/20250608T000000Z",
        "BUSY:20250609T080000Z/20250609T090000Z",
        "BUSY:20250623T080000Z/20250623T090000Z",
        "BUSY:20250630T080000Z/20250630T090000Z",
    ]
    for word in ("Secret", "Hidden", "SUMMARY", "RRULE", "plain"):
        assert word not in answer.text
    for word in ("DTSTART:20250601T000000Z", "DTEND:20250701T000000Z", "DTSTAMP:", "UID:"):  # RFC 5545 §3.6.4
        assert word in answer.text


def test_others_see_no_private_time(alice: Client, bob: Client, carol: Client, busy: None) -> None:
    """CAL-06, ACL-24: not even as busy time; CALDAV:read-free-busy alone suffices for the rest (§6.1.1)."""
    own = desk.periods(desk.freebusy(alice, EVENTS, *JUNE))
    private = "BUSY:20250605T100000Z/20250605T110000Z"
    assert desk.periods(desk.freebusy(bob, EVENTS, *JUNE)) == [one for one in own if one != private]
    assert desk.freebusy(carol, EVENTS, *JUNE).status == 404
    told = bob.propfind(EVENTS, f"{DAV}current-user-privilege-set").text
    assert "<C:read-free-busy/>" in told
    assert "<D:read/>" not in told


def test_private_and_cancelled_instances_of_a_series(alice: Client, bob: Client) -> None:
    """An instance that was made private is no busy time of others, nor does its block or a query tell of it."""
    series = (
        *("DTSTART:20250602T100000Z", "DTEND:20250602T110000Z", "RRULE:FREQ=DAILY;COUNT=4"),
        *desk.next_event("UID:s", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250603T100000Z"),
        *("DTSTART:20250620T150000Z", "DTEND:20250620T160000Z", "CLASS:PRIVATE", "SUMMARY:Doctor"),
        *desk.next_event("UID:s", "DTSTAMP:20250101T000000Z", "RECURRENCE-ID:20250604T100000Z"),
        *("DTSTART:20250604T100000Z", "DTEND:20250604T110000Z", "STATUS:CANCELLED"),
    )
    desk.put(alice, f"{EVENTS}s.ics", desk.event("s", *series))
    shown = ["BUSY:20250602T100000Z/20250602T110000Z", "BUSY:20250605T100000Z/20250605T110000Z"]
    assert desk.periods(desk.freebusy(bob, EVENTS, *JUNE)) == shown
    assert desk.periods(desk.freebusy(alice, EVENTS, *JUNE)) == [*shown, "BUSY:20250620T150000Z/20250620T160000Z"]
    (stub,) = desk.data(desk.multiget(bob, EVENTS, f"{EVENTS}s.ics"))
    assert "20250620" not in stub
    assert "Doctor" not in stub
    for start, end, mine, his in (
        ("20250620T000000Z", "20250621T000000Z", {"s"}, set()),
        ("20250603T000000Z", "20250604T000000Z", set(), set()),
        ("20250605T000000Z", "20250606T000000Z", {"s"}, {"s"}),
    ):
        assert desk.names(desk.query(alice, EVENTS, desk.span(start, end))) == mine
        assert desk.names(desk.query(bob, EVENTS, desk.span(start, end))) == his


def test_transparent_calendars_do_not_count(alice: Client, bob: Client, busy: None) -> None:
    """RFC 6638 §9.1."""
    body = f"<D:propertyupdate {desk.NAMESPACES}><D:set><D:prop><C:schedule-calendar-transp><C:transparent/>"
    body += "</C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>"
    assert "200 OK" in alice.request("PROPPATCH", EVENTS, body).text
    assert desk.periods(desk.freebusy(bob, EVENTS, *JUNE)) == []


def test_on_a_home(alice: Client, bob: Client, busy: None) -> None:
    """All calendars of the home, with a Depth that reaches into them; without one only the home itself (§7.10)."""
    assert alice.request("MKCALENDAR", f"{HOME}second/").status == 201
    desk.put(alice, f"{HOME}second/x.ics", desk.event("x", *at(28)))
    extra = "BUSY:20250628T100000Z/20250628T110000Z"
    assert extra in desk.periods(desk.freebusy(alice, HOME, *JUNE, depth="infinity"))
    assert extra in desk.periods(desk.freebusy(bob, HOME, *JUNE))
    assert desk.periods(desk.freebusy(alice, HOME, *JUNE, depth="0")) == []


def test_group_calendars(alice: Client, bob: Client, carol: Client) -> None:
    """The private flag has no meaning there (ACL-24)."""
    desk.put(alice, f"{TEAM}x.ics", desk.event("x", *at(5, "CLASS:PRIVATE")))
    assert desk.periods(desk.freebusy(bob, TEAM, *JUNE)) == ["BUSY:20250605T100000Z/20250605T110000Z"]
    assert desk.freebusy(carol, TEAM, *JUNE).status == 404


def test_where_it_cannot_be_asked(alice: Client, busy: None) -> None:
    """§7.10: an attempt on a calendar object resource MUST fail with 403."""
    assert desk.freebusy(alice, f"{EVENTS}plain.ics", *JUNE).status == 403
    assert desk.freebusy(alice, "/dav/principals/accounts/alice/", *JUNE).status == 403
    assert desk.freebusy(alice, EVENTS, "20250701T000000Z", "20250601T000000Z").status == 403
    for start, end in (("20250601", "20250701"), ("20250601T000000", "20250701T000000"), ("", "20250701T000000Z")):
        assert desk.freebusy(alice, EVENTS, start, end).status == 400  # there is no filter to be valid


AVAILABLE = (
    "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//tests//EN&#13;\nBEGIN:VAVAILABILITY&#13;\nUID:a&#13;\n"
    "DTSTAMP:20250101T000000Z&#13;\nSUMMARY:My very own hours&#13;\nBEGIN:AVAILABLE&#13;\nUID:b&#13;\nDTSTAMP:20250101T000000Z&#13;\n"
    "DTSTART:20250602T080000Z&#13;\nDTEND:20250602T170000Z&#13;\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR&#13;\n"
    "END:AVAILABLE&#13;\nEND:VAVAILABILITY&#13;\nEND:VCALENDAR&#13;\n"
)


def set_availability(client: Client, text: str, prefix: str = "C") -> str:
    prop = f"<{prefix}:calendar-availability>{text}</{prefix}:calendar-availability>"
    body = f"<D:propertyupdate {desk.NAMESPACES}><D:set><D:prop>{prop}</D:prop></D:set></D:propertyupdate>"
    return client.request("PROPPATCH", EVENTS, body).text


@pytest.mark.parametrize("prefix", ["C", "CS"])
def test_availability(alice: Client, bob: Client, prefix: str) -> None:
    """RFC 7953 §5, §7.2.3: outside of it the owner is BUSY-UNAVAILABLE; of the rest of the property nothing is told."""
    assert "200 OK" in set_availability(alice, AVAILABLE, prefix)
    desk.put(alice, f"{EVENTS}x.ics", desk.event("x", *at(2)))
    answer = desk.freebusy(bob, EVENTS, "20250602T000000Z", "20250603T120000Z")
    assert desk.periods(answer) == [
        "BUSY-UNAVAILABLE:20250602T000000Z/20250602T080000Z",
        "BUSY:20250602T100000Z/20250602T110000Z",
        "BUSY-UNAVAILABLE:20250602T170000Z/20250603T080000Z",
    ]
    assert "My very own" not in answer.text
    name = "{urn:ietf:params:xml:ns:caldav}" if prefix == "C" else "{http://calendarserver.org/ns/}"
    name += "calendar-availability"
    kept = alice.propfind(EVENTS, name).prop(EVENTS, name)
    assert kept is not None
    assert "My very own hours" in (kept.text or "")
    assert "My very own" not in bob.propfind(EVENTS, name).text + bob.propfind(EVENTS).text  # he sees busy time only
    assert "calendar-availability" not in alice.propfind(HOME).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        AVAILABLE.replace("AVAILABILITY", "EVENT"),
        AVAILABLE.replace("FREQ=WEEKLY", "FREQ=NEVER"),
        AVAILABLE.replace("DTSTART:2025", "DTSTART:someday"),
        AVAILABLE.replace(
            "BEGIN:VAVAILABILITY", "BEGIN:VAVAILABILITY&#13;\nEND:VAVAILABILITY&#13;\nBEGIN:VAVAILABILITY"
        ),
    ],
)
def test_availability_is_checked(alice: Client, text: str) -> None:
    """RFC 7953 §7.2.4: an iCalendar object with one VAVAILABILITY."""
    answer = set_availability(alice, text)
    assert "<C:valid-calendar-data/>" in answer
    assert "403" in answer


def test_hours_of_the_day(store: Store, alice: Client, bob: Client) -> None:
    """CAL-27: hours that somebody chose count like an availability; while nobody chose, the day is open."""
    noon = ("20250602T000000Z", "20250603T000000Z")
    assert desk.periods(desk.freebusy(bob, EVENTS, *noon)) == []
    owner = desk.person(store, "alice")
    with store.write(Actor(owner.id, owner.name)) as tx:
        preferences.choose(tx, owner, "day_start_hour", "9")
        preferences.choose(tx, owner, "day_end_hour", "24")
        preferences.choose(tx, owner, "timezone", "Europe/Paris")
    for path in (EVENTS, HOME):
        assert desk.periods(desk.freebusy(bob, path, *noon)) == [
            "BUSY-UNAVAILABLE:20250602T000000Z/20250602T070000Z",
            "BUSY-UNAVAILABLE:20250602T220000Z/20250603T000000Z",
        ]
    set_availability(alice, AVAILABLE)  # says it better
    assert desk.periods(desk.freebusy(bob, EVENTS, *noon))[0] == "BUSY-UNAVAILABLE:20250602T000000Z/20250602T080000Z"
    assert desk.periods(desk.freebusy(bob, TEAM, *noon)) == []


def test_bounded(alice: Client) -> None:
    """Rules without end in ranges without measure are refused, not computed (§7.10 postcondition)."""
    desk.put(
        alice,
        f"{EVENTS}s.ics",
        desk.event("s", "DTSTART:20250101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY;INTERVAL=2"),
    )
    answer = desk.freebusy(alice, EVENTS, "20250101T000000Z", "99990101T000000Z")
    assert (answer.status, answer.precondition) == (403, f"{CALDAV}max-instances")


def open_range(client: Client, path: str, bounds: str) -> Answer:
    body = f"<C:free-busy-query><C:time-range {bounds}/></C:free-busy-query>"
    return desk.report(client, path, body, depth="1")


@pytest.mark.slow
def test_ranges_open_at_one_end(store: Store, alice: Client) -> None:
    """CALSYNC-04, RFC 4791 §9.9: "Time ranges open at one end can be specified by including only one attribute"."""
    desk.put(alice, f"{EVENTS}a.ics", desk.event("a", *at(1)))
    desk.put(alice, f"{EVENTS}b.ics", desk.event("b", *at(9, "RRULE:FREQ=WEEKLY;COUNT=2")))
    owner = desk.person(store, "alice")
    with store.write(Actor(owner.id, owner.name)) as tx:  # of which 9,999 years would be too much
        preferences.choose(tx, owner, "day_start_hour", "9")
    first = "BUSY:20250601T100000Z/20250601T110000Z"
    others = ["BUSY:20250609T100000Z/20250609T110000Z", "BUSY:20250616T100000Z/20250616T110000Z"]
    for path in (EVENTS, HOME):
        later = open_range(alice, path, 'start="20250602T000000Z"')
        assert desk.periods(later) == others
        assert "DTSTART:20250602T000000Z\r\nDTEND:99991231T235959Z\r\n" in later.text
        until = open_range(alice, path, 'end="20250610T000000Z"')
        assert desk.periods(until) == [first, others[0]]
        assert "DTSTART:00010101T000000Z\r\nDTEND:20250610T000000Z\r\n" in until.text
    for bounds in ("", 'start=""', 'start="20250601"', 'start="20250601T000000Z" end=""'):
        assert open_range(alice, EVENTS, bounds).status == 400
    desk.put(alice, f"{EVENTS}c.ics", desk.event("c", *at(2, "RRULE:FREQ=DAILY")))
    endless = open_range(alice, EVENTS, 'start="20250602T000000Z"')
    assert (endless.status, endless.precondition) == (403, f"{CALDAV}max-instances")


def test_details_do_not_widen_it(store: Store, alice: Client, bob: Client, busy: None) -> None:
    """Who sees details is told no more: private stays private."""
    before = desk.periods(desk.freebusy(bob, EVENTS, *JUNE))
    desk.grant(store, EVENTS, "bob", Right.SEE)
    assert desk.periods(desk.freebusy(bob, EVENTS, *JUNE)) == before
