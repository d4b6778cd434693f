"""Calendar queries, busy times and ended events against the plain evaluation of every body (RFC 4791 §7.8, §7.10, §9.9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import busy_times, calendar, collections, grants, items
from storage.formats import calendar_filter, freebusy, icalendar
from storage.formats.calendar_filter import CompFilter, ParamFilter, PropFilter, TextMatch, TimeRange
from storage.store import Store
from storage.types import Actor, Right, SpaceKind, Tool
from tests.storage import bodies, desk

BASE = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400
ZONES: tuple[tzinfo, ...] = (
    UTC,
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("Pacific/Auckland"),
    ZoneInfo("America/Los_Angeles"),
)
_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


def _override(uid: str, instance: str, start: str, more: str = "") -> str:
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nRECURRENCE-ID:{instance}\r\n"
        f"DTSTART:{start}\r\nDURATION:PT1H\r\nSUMMARY:Moved\r\n{more}END:VEVENT\r\n"
    )


POPULATION = {
    "plain": bodies.event("plain", start="DTSTART:20250601T100000Z", end="DTEND:20250601T113000Z"),
    "instant": bodies.event("instant", start="DTSTART:20250602T100000Z"),
    "long": bodies.event("long", start="DTSTART:20250520T000000Z", end="DTEND:20250612T000000Z"),
    "floating": bodies.event("floating", start="DTSTART:20250603T003000", end="DTEND:20250603T013000"),
    "all-day": bodies.event("all-day", start="DTSTART;VALUE=DATE:20250604"),
    "days": bodies.event("days", start="DTSTART;VALUE=DATE:20250605", end="DTEND;VALUE=DATE:20250608"),
    "zoned": bodies.event(
        "zoned",
        start="DTSTART;TZID=Europe/Berlin:20250604T090000",
        end="DTEND;TZID=Europe/Berlin:20250604T100000",
        overrides=_ZONE,
    ),
    "daily": bodies.event(
        "daily",
        start="DTSTART:20250530T080000Z",
        end="DTEND:20250530T090000Z",
        summary="Stand-up",
        more="RRULE:FREQ=DAILY;COUNT=8\r\nEXDATE:20250602T080000Z\r\n",
    ),
    "excluded": bodies.event(
        "excluded",
        start="DTSTART:20250601T200000Z",
        end="DTEND:20250601T210000Z",
        more="RRULE:FREQ=WEEKLY;COUNT=3\r\nEXDATE:20250608T200000Z\r\n",
    ),
    "for-ever": bodies.event(
        "for-ever", start="DTSTART:20200101T120000Z", more="RRULE:FREQ=MONTHLY\r\nDURATION:PT2H\r\n"
    ),
    "rdate": bodies.event("rdate", more="DURATION:PT1H\r\nRDATE:20250609T070000Z,20250611T070000Z\r\n"),
    "moved": bodies.event(
        "moved",
        start="DTSTART:20250601T060000Z",
        end="DTEND:20250601T070000Z",
        more="RRULE:FREQ=DAILY;COUNT=4\r\n",
        overrides=_override("moved", "20250602T060000Z", "20250610T060000Z"),
    ),
    "half-private": bodies.event(
        "half-private",
        start="DTSTART:20250601T130000Z",
        end="DTEND:20250601T140000Z",
        more="RRULE:FREQ=DAILY;COUNT=3\r\n",
        overrides=_override("half-private", "20250602T130000Z", "20250607T130000Z", "CLASS:PRIVATE\r\n"),
    ),
    "tentative": bodies.event("tentative", status="TENTATIVE", more="DURATION:PT45M\r\n"),
    "cancelled": bodies.event("cancelled", status="CANCELLED", more="DURATION:PT45M\r\n"),
    "transparent": bodies.event("transparent", more="DURATION:PT45M\r\nTRANSP:TRANSPARENT\r\n"),
    "private": bodies.event("private", klass="PRIVATE", more="DURATION:PT45M\r\n"),
    "confidential": bodies.event("confidential", klass="CONFIDENTIAL", more="DURATION:PT45M\r\n", summary="Surgery"),
    "alarmed": bodies.event("alarmed", more="DURATION:PT45M\r\n", alarm=30),
    "todo": bodies.thing("VTODO", "todo", start="DUE:20250603T100000Z"),
    "undated": bodies.thing("VTODO", "undated", start="PRIORITY:1"),
    "journal": bodies.thing("VJOURNAL", "journal", start="DTSTART;VALUE=DATE:20250602"),
}

_moment = st.integers(-30 * 24, 30 * 24).map(lambda hours: BASE + hours * HOUR)
_range = st.one_of(
    st.tuples(_moment, st.integers(1, 60 * 24)).map(lambda pair: TimeRange(pair[0], pair[0] + pair[1] * HOUR // 4)),
    st.builds(TimeRange, _moment, st.none()),
    st.builds(TimeRange, st.none(), _moment),
)
_text = st.builds(
    TextMatch,
    st.sampled_from(("tea", "TEA", "Stand", "da", "busy", "Surgery", "a", "half-private", "")),
    st.sampled_from(("i;ascii-casemap", "i;octet", "i;unicode-casemap")),
    st.booleans(),
)
_prop = st.one_of(
    st.builds(PropFilter, st.sampled_from(("SUMMARY", "UID", "UID", "CLASS", "STATUS")), text_match=_text),
    st.builds(PropFilter, st.sampled_from(("RRULE", "TRANSP", "LOCATION", "DTEND")), is_not_defined=st.booleans()),
    st.builds(PropFilter, st.just("DTSTART"), params=st.tuples(st.builds(ParamFilter, st.just("TZID"), st.booleans()))),
    st.builds(PropFilter, st.sampled_from(("DTSTART", "DTEND", "DTSTAMP")), time_range=_range),
)
_inner = st.builds(CompFilter, st.just("VALARM"), is_not_defined=st.booleans())
_component = st.builds(
    CompFilter,
    st.sampled_from(("VEVENT", "VEVENT", "VEVENT", "VTODO", "VJOURNAL")),
    time_range=st.one_of(st.none(), _range, _range),
    props=st.one_of(st.just(()), st.just(()), st.tuples(_prop)),
    comps=st.one_of(st.just(()), st.just(()), st.tuples(_inner)),
)
_filter = st.one_of(
    st.builds(CompFilter, st.just("VCALENDAR"), comps=st.tuples(_component)),
    st.builds(CompFilter, st.just("VCALENDAR"), comps=st.tuples(_component, _component)),
    st.just(CompFilter("VCALENDAR")),
    st.just(CompFilter("VCALENDAR", comps=(CompFilter("VTODO", is_not_defined=True),))),
)
_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def full(store: Store, alice: Actor) -> Store:
    """Everything above in one calendar of alice, and one of it opened to bob."""
    with store.write(alice) as tx:
        here = collections.create(tx, SpaceKind.PRIVATE, "alice", "all", Tool.CALENDAR)
        for name, body in POPULATION.items():
            bodies.put(tx, here, name, body)
        grants.grant(tx, here, desk.principal(store, "bob"), Right.SEE, "daily")
    return store


@pytest.fixture(params=["alice", "bob", "bob with details"])
def viewer(request: pytest.FixtureRequest, full: Store) -> Actor:
    """The owner, who sees all; a co-member, who sees blocks; and one who sees details."""
    name, _, details = request.param.partition(" with ")
    if details:
        with full.write(desk.actor(full, "alice")) as tx:
            grants.grant(tx, bodies.find(tx, "alice", "all"), desk.principal(full, "bob"), Right.SEE)
    return desk.actor(full, name)


def _bodies(store: Store, who: Actor) -> Iterator[tuple[str, bytes]]:
    with store.read(who) as tx:
        here = bodies.find(tx, "alice", "all")
        names = [row.name for row in items.rows(tx, here)]
        for name, item in items.many(tx, here, names).items():
            assert item.body is not None
            yield name, item.body


def test_queries_say_what_the_bodies_say(full: Store, viewer: Actor) -> None:
    """The index is a short cut, never another answer; and a block decides for itself (CAL-07, ACL-24)."""
    objects = {name: icalendar.load(body) for name, body in _bodies(full, viewer)}

    @_SETTINGS
    @given(wanted=_filter, zone=st.sampled_from(ZONES))
    def judge(wanted: CompFilter, zone: tzinfo) -> None:
        expected = {name for name, obj in objects.items() if calendar_filter.matches(wanted, obj, zone)}
        with full.read(viewer) as tx:
            found = calendar.query(tx, bodies.find(tx, "alice", "all"), wanted, zone)
        assert sorted(item.name for item in found) == sorted(expected)
        assert all(item.body is not None for item in found)

    judge()


def test_busy_times_are_those_of_the_bodies(full: Store, viewer: Actor) -> None:
    """Private events count for their owner alone, an instance of a series included (ACL-24)."""
    objects = {name: icalendar.load(body) for name, body in _bodies(full, viewer)}

    @_SETTINGS
    @given(start=_moment, hours=st.integers(1, 24 * 20), zone=st.sampled_from(ZONES))
    def judge(start: int, hours: int, zone: tzinfo) -> None:
        end = start + hours * HOUR
        expected = [
            period
            for name, obj in objects.items()
            if obj.component == "VEVENT" and obj.status != "CANCELLED" and not obj.transparent
            for period in obj.series.periods(start, end, zone)
            if not (name == "tentative" and viewer.login == "bob" and period[2] == "BUSY")
        ]
        with full.read(viewer) as tx:
            found = busy_times.of(tx, [bodies.find(tx, "alice", "all")], start, end, zone)
        # A block does not say that it is tentative; the free-busy answer does (RFC 4791 §7.10).
        assert _times(found, start, end) == _times(expected, start, end) | _tentative(found, viewer)

    judge()


def _times(periods: list[tuple[int, int, str]], start: int, end: int) -> set[tuple[int, int, str]]:
    return {(period.start, period.end, period.kind) for period in freebusy.merged(periods, start, end)}


def _tentative(periods: list[tuple[int, int, str]], viewer: Actor) -> set[tuple[int, int, str]]:
    return {period for period in periods if period[2] == "BUSY-TENTATIVE"} if viewer.login == "bob" else set()


def test_ended_events(full: Store, viewer: Actor) -> None:
    """CAL-18: by the last instance, in the user's zone."""
    objects = {name: icalendar.load(body) for name, body in _bodies(full, desk.actor(full, "alice"))}
    seen = {name for name, _ in _bodies(full, viewer)}

    @_SETTINGS
    @given(moment=_moment, zone=st.sampled_from(ZONES))
    def judge(moment: int, zone: tzinfo) -> None:
        expected = {name for name in seen if freebusy.ended_before(objects[name].series, moment, zone)}
        with full.read(viewer) as tx:
            assert set(calendar.ended_before(tx, bodies.find(tx, "alice", "all"), moment, zone)) == expected

    judge()


def test_a_transparent_calendar_takes_no_time(full: Store, alice: Actor) -> None:
    """RFC 6638 §9.1 `schedule-calendar-transp`."""
    with full.write(alice) as tx:
        here = collections.update(tx, bodies.find(tx, "alice", "all"), transparent=True)
        assert busy_times.of(tx, [here], BASE, BASE + DAY, UTC) == []


def test_a_uid_finds_nobody_elses_block(full: Store) -> None:
    """CAL-07: a query for the UID of an event does not find its block, one for the block's does."""
    bob = desk.actor(full, "bob")

    def asked(uid: str) -> list[str]:
        wanted = CompFilter("VEVENT", props=(PropFilter("UID", text_match=TextMatch(uid)),))
        with full.read(bob) as tx:
            here = bodies.find(tx, "alice", "all")
            return [item.name for item in calendar.query(tx, here, CompFilter("VCALENDAR", comps=(wanted,)), UTC)]

    assert asked("confidential") == []
    assert asked("daily") == ["daily"]
    block = dict(_bodies(full, bob))["plain"]
    assert asked(bodies.uid_of(block)) == ["plain"]
