"""What different viewers see of one object: busy stubs, alarms and colours of their own (CAL-05..07, SYS-08)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.formats.calendar_views import ViewerParts, busy_stub, comparable, merge_viewer, split_viewer
from storage.formats.contentline import Component, Property, parse, render
from storage.formats.icalendar import CalendarObject, read

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Paris
X-LIC-LOCATION:Europe/Paris
COMMENT:made by Ann's machine
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:STANDARD
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
DTSTART:19701101T020000
END:STANDARD
END:VTIMEZONE"""


def obj(text: str) -> CalendarObject:
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//Test//EN\n{text.strip()}\nEND:VCALENDAR\n"
    data = whole.replace("\n", "\r\n").encode()
    found = read(data)
    assert found.body == data
    return found


def event(lines: str = "", times: str = "DTSTART:20240110T100000Z\nDTEND:20240110T110000Z") -> str:
    stamp = "BEGIN:VEVENT\nUID:secret@example.test\nDTSTAMP:20240101T000000Z"
    return "\n".join(part for part in (stamp, times, lines.strip("\n"), "END:VEVENT") if part)


def override(lines: str = "", instance: str = "20240117T100000") -> str:
    times = f"RECURRENCE-ID;TZID=Europe/Paris:{instance}\nDTSTART;TZID=Europe/Paris:20240117T140000\nDURATION:PT1H"
    return event(lines, times)


WEEKLY = (
    "DTSTART;TZID=Europe/Paris;X-NOTE=Ann:20240110T100000\nDTEND;TZID=Europe/Paris:20240110T110000\n"
    "RRULE:FREQ=WEEKLY\nEXDATE;TZID=Europe/Paris:20240124T100000"
)


def lines_of(body: bytes | None) -> list[str]:
    assert body is not None
    return body.decode().split("\r\n")


def test_a_stub_has_times_and_nothing_else() -> None:
    """CAL-07: opaque UID, DTSTART/DTEND/RRULE/EXDATE, SUMMARY:Busy, nothing else."""
    secrets = """SUMMARY:Doctor
DESCRIPTION:About my knee
LOCATION:Hospital
CATEGORIES:HEALTH
ORGANIZER:mailto:ann@example.test
ATTENDEE:mailto:doctor@example.test
ATTACH:https://example.test/x-ray.png
X-PRIVATE:yes
STATUS:CONFIRMED
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Knee
TRIGGER:-PT15M
END:VALARM"""
    stub = busy_stub(obj(f"{ZONE}\n{event(secrets, WEEKLY)}\n{override('SUMMARY:Other doctor')}"), b"salt")
    lines = lines_of(stub)
    uid = next(line for line in lines if line.startswith("UID:"))
    assert lines == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Escritoire//Escritoire//EN",
        "BEGIN:VTIMEZONE",
        "TZID:Europe/Paris",
        "BEGIN:STANDARD",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
        "DTSTART:19701025T030000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        uid,
        "DTSTAMP:20240101T000000Z",
        "DTSTART;TZID=Europe/Paris:20240110T100000",
        "DTEND;TZID=Europe/Paris:20240110T110000",
        "RRULE:FREQ=WEEKLY",
        "EXDATE;TZID=Europe/Paris:20240124T100000",
        "SUMMARY:Busy",
        "END:VEVENT",
        "BEGIN:VEVENT",
        uid,
        "DTSTAMP:20240101T000000Z",
        "RECURRENCE-ID;TZID=Europe/Paris:20240117T100000",
        "DTSTART;TZID=Europe/Paris:20240117T140000",
        "DURATION:PT1H",
        "SUMMARY:Busy",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    assert "secret" not in uid


def test_stub_uids_depend_on_the_salt() -> None:
    one = obj(event())
    assert busy_stub(one, b"a") == busy_stub(one, b"a")
    assert busy_stub(one, b"a") != busy_stub(one, b"b")


@pytest.mark.parametrize(
    "text",
    [
        event("CLASS:PRIVATE"),  # CAL-06, ACL-24: not even as busy time
        event("CLASS:X-MINE"),
        event("STATUS:CANCELLED"),
        "BEGIN:VTODO\nUID:t\nDTSTAMP:20240101T000000Z\nDTSTART:20240101T000000Z\nEND:VTODO",
        "BEGIN:VJOURNAL\nUID:t\nDTSTAMP:20240101T000000Z\nDTSTART:20240101T000000Z\nEND:VJOURNAL",
        event("CLASS:PRIVATE", WEEKLY) + "\n" + override("CLASS:PUBLIC"),
    ],
)
def test_no_stub(text: str) -> None:
    assert busy_stub(obj(text)) is None


def test_confidential_and_transparent_have_stubs() -> None:
    """CAL-06: CONFIDENTIAL = busy only, even for holders of see details."""
    assert "SUMMARY:Busy" in lines_of(busy_stub(obj(event("CLASS:CONFIDENTIAL\nSUMMARY:x"))))
    assert "TRANSP:TRANSPARENT" in lines_of(busy_stub(obj(event("TRANSP:TRANSPARENT"))))


@pytest.mark.parametrize("hidden", ["CLASS:PRIVATE", "STATUS:CANCELLED"])
def test_hidden_instances_vanish_from_a_series(hidden: str) -> None:
    """ACL-24: an instance that was made private is hidden, and the series does not show it as busy again."""
    stub = busy_stub(obj(f"{event('', WEEKLY)}\n{override(hidden)}"))
    assert stub is not None
    assert lines_of(stub).count("BEGIN:VEVENT") == 1
    assert "EXDATE;TZID=Europe/Paris:20240117T100000" in lines_of(stub)
    day = 1705478400  # 2024-01-17 08:00 UTC
    assert not read(stub).series.overlaps(day, day + 12 * 3600)
    assert read(stub).series.overlaps(day + 14 * 86400, day + 15 * 86400)


def test_a_change_from_then_on_that_is_hidden_hides_all() -> None:
    text = override("CLASS:PRIVATE").replace("RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;")
    assert busy_stub(obj(f"{event('', WEEKLY)}\n{text}")) is None


ALARM = "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Now\nTRIGGER:-PT15M\nX-MOZ-LASTACK:20240101T000000Z\nEND:VALARM"


def test_alarms_and_colours_are_split_off() -> None:
    """CAL-05, CAL-15, REM-09: what belongs to the viewer, and nothing else; texts that look like it stay."""
    looks_like = "DESCRIPTION:see\\nBEGIN:VALARM\\nCOLOR:red is meant\n  COLOR:folded\nX-COLOR:blue"
    own = "COLOR:turquoise\nX-MOZ-LASTACK:20240101T000000Z\nX-MOZ-SNOOZE-TIME-1704880800000000:20240110T100500Z"
    found = obj(
        f"{ZONE}\n{event(f'{looks_like}{chr(10)}{own}{chr(10)}SUMMARY:s{chr(10)}{ALARM}{chr(10)}{ALARM}', WEEKLY)}"
        f"\n{override(ALARM)}\n{override('', '20240131T100000')}"
    )
    assert found.has_viewer_parts
    shared, mine = split_viewer(found)
    assert mine is not None
    assert b"BEGIN:VALARM\r\n" not in shared
    assert b"X-MOZ" not in shared
    assert b"turquoise" not in shared
    assert b"X-COLOR:blue\r\nSUMMARY:s\r\nEND:VEVENT" in shared
    assert b"\r\n  COLOR:folded\r\n" in shared
    assert set(mine.lines) == {"", "20240117T100000", "20240131T100000"}
    assert mine.lines["20240131T100000"] == ""
    assert ViewerParts.loads(mine.dumps()) == mine
    assert same(merge_viewer(shared, mine), found.body)


def test_nothing_to_split() -> None:
    found = obj(event("SUMMARY:plain"))
    assert split_viewer(found) == (found.body, None)


def test_a_stranger_override_inherits_the_alarms_of_the_series() -> None:
    """Ann moves one instance of a series of which Bob wants to be reminded: Bob is reminded of it as well."""
    _, bobs = split_viewer(obj(event(ALARM, WEEKLY)))
    assert bobs is not None
    moved = obj(f"{event('', WEEKLY)}\n{override('SUMMARY:moved')}")
    assert merge_viewer(moved.body, bobs).count(b"BEGIN:VALARM") == 2


def test_parts_stand_between_properties_and_inner_components() -> None:
    place = "BEGIN:VLOCATION\nUID:p\nCOLOR:of the place\nEND:VLOCATION"
    found = obj(event(f"COLOR:red\n{place}\n{ALARM}"))
    shared, mine = split_viewer(found)
    assert mine is not None
    assert b"COLOR:of the place" in shared  # RFC 9073 components are nobody's own
    merged = merge_viewer(shared, mine)
    assert merged.index(b"COLOR:red") < merged.index(b"BEGIN:VALARM") < merged.index(b"BEGIN:VLOCATION")


names = st.sampled_from(["SUMMARY", "COLOR", "X-MOZ-LASTACK", "X-MOZ-SNOOZE-TIME-5", "LOCATION", "X-A", "color"])
values = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=90)
properties = st.lists(st.builds(Property, names, values), max_size=5)
alarms = st.builds(
    lambda text: Component("VALARM", [Property("ACTION", "DISPLAY"), Property("DESCRIPTION", text)]), values
)
places = st.just(Component("VLOCATION", [Property("UID", "p")]))
inner = st.lists(st.one_of(alarms, places), max_size=3)


@st.composite
def objects(draw: st.DrawFn) -> CalendarObject:
    """A series with some overrides, each with properties and alarms."""
    calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", "p")])
    for number in range(draw(st.integers(1, 3))):
        times = [Property("UID", "u"), Property("DTSTAMP", "20240101T000000Z")]
        if number:
            times.append(Property("RECURRENCE-ID", f"2024011{number}T100000", [("TZID", ["Europe/Paris"])]))
        else:
            times.append(Property("RRULE", "FREQ=DAILY"))
        times.append(Property("DTSTART", f"2024011{number}T100000", [("TZID", ["Europe/Paris"])]))
        calendar.components.append(Component("VEVENT", [*times, *draw(properties)], draw(inner)))
    return read(render(calendar))


def same(one: bytes, other: bytes) -> bool:
    """Equal but for the order of properties and components."""

    def settled(component: Component) -> Component:
        return Component(
            component.name,
            sorted(component.properties, key=lambda p: (p.name, p.value)),
            sorted(map(settled, component.components), key=render),
        )

    return render(settled(parse(one)[0])) == render(settled(parse(other)[0]))


@pytest.mark.slow
@settings(max_examples=150)
@given(objects())
def test_merge_undoes_split(found: CalendarObject) -> None:
    """SYS-08: the law on which per-viewer properties rest."""
    shared, mine = split_viewer(found)
    if mine is None:
        assert shared == found.body
        return
    again = ViewerParts.loads(mine.dumps())
    assert same(merge_viewer(shared, again), found.body)
    assert split_viewer(read(shared)) == (shared, None)
    assert split_viewer(read(merge_viewer(shared, again)))[0] == shared


def test_comparable_ignores_what_clients_rewrite() -> None:
    """A person who may only see an event may still write his alarm: nothing else may differ (SYS-08)."""
    ours = obj(f"{ZONE}\n{event('SUMMARY:a long text that one client folds and another one does not', WEEKLY)}")
    text = ours.body.decode()
    theirs = text.replace("20240101T000000Z", "20250101T000000Z").replace("-//Test//", "-//Other//")
    theirs = theirs.replace("RRULE:", "SEQUENCE:3\r\nTRANSP:OPAQUE\r\nRRULE:").replace("folds and", "fol\r\n ds and")
    theirs = theirs.replace("X-LIC-LOCATION:Europe/Paris\r\n", "")
    assert comparable(theirs.encode()) == comparable(ours.body)
    assert comparable(theirs.replace("a long", "a longer").encode()) != comparable(ours.body)
    assert comparable(theirs.replace("OPAQUE", "TRANSPARENT").encode()) != comparable(ours.body)
