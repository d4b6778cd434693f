"""vCalendar 1.0 to iCalendar and back (CAL-28, CAL-29)."""

from __future__ import annotations

import pytest

from storage.errors import BadFormat
from storage.formats import vcalendar1_export
from storage.formats.contentline import Component, parse, render
from storage.formats.datetimes import read_moment
from storage.formats.icalendar import CalendarObject, read
from storage.formats.vcalendar1 import upgrade, write_duration
from storage.formats.vcalendar1_rules import upgrade_rule

# A Tuesday.
START = read_moment("19970902T090000")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("D1 #10", "FREQ=DAILY;COUNT=10"),
        ("D2 19971224T000000", "FREQ=DAILY;INTERVAL=2;UNTIL=19971224T000000"),
        ("D1 #0", "FREQ=DAILY"),
        ("D1", "FREQ=DAILY;COUNT=2"),
        ("d10 #5", "FREQ=DAILY;INTERVAL=10;COUNT=5"),
        ("D1 0600 1200 #0", "FREQ=DAILY;BYHOUR=6,12;BYMINUTE=0"),
        ("W1 #10", "FREQ=WEEKLY;COUNT=10"),
        ("W2 TU #0", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        ("W1 TU TH #5", "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=19971005T235959"),
        ("W1 TU TH 19970916T090000", "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=19970916T090000"),
        ("W2 MO$ WE FR #0", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR"),
        ("MP1 1+ FR #10", "FREQ=MONTHLY;BYDAY=1FR;COUNT=10"),
        ("MP2 1+ SU 1- SU #0", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU"),
        ("MP1 2- MO #6", "FREQ=MONTHLY;BYDAY=-2MO;COUNT=6"),
        ("MP1 1+ 3+ TU TH #0", "FREQ=MONTHLY;BYDAY=1TU,3TU,1TH,3TH"),
        ("MP1 #0", "FREQ=MONTHLY;BYDAY=1TU"),
        ("MD1 2 15 #0", "FREQ=MONTHLY;BYMONTHDAY=2,15"),
        ("MD1 3- #0", "FREQ=MONTHLY;BYMONTHDAY=-3"),
        ("MD1 LD #3", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3"),
        ("MD18 10 11 #2", "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11;UNTIL=20000831T235959"),
        ("YM1 6 7 #0", "FREQ=YEARLY;BYMONTH=6,7"),
        ("YM2 1 #10", "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;COUNT=10"),
        ("YM1 #5", "FREQ=YEARLY;COUNT=5"),
        ("YD3 1 100 200 #0", "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200"),
        ("YD1 1 100 #2", "FREQ=YEARLY;BYYEARDAY=1,100;UNTIL=19981231T235959"),
        ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;COUNT=3"),
    ],
)
def test_rules(old: str, new: str) -> None:
    """The examples of the vCalendar 1.0 specification; `#n` counts applications of the rule."""
    assert upgrade_rule(old, START) == new


@pytest.mark.parametrize(
    "old",
    [
        "",
        "X1 #2",
        "D1 0600 M15 #4",
        "MP6 1+ MO #5 D2 0600",
        "D1 MO",
        "W1 1+",
        "MD1 32 #0",
        "YM1 13",
        "MP1 MO",
        "D1 0600 0715 #0",
    ],
)
def test_rules_that_nobody_can_translate(old: str) -> None:
    with pytest.raises(BadFormat) as caught:
        upgrade_rule(old, START, 7)
    assert caught.value.line == 7


def calendar(text: str) -> Component:
    data = f"BEGIN:VCALENDAR\nVERSION:1.0\nPRODID:old\nTZ:+01\n{text.strip()}\nEND:VCALENDAR\n"
    return parse(data.encode())[0]


def lines(component: Component) -> list[str]:
    """Unfolded lines."""
    return render(component).decode().replace("\r\n ", "").split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ('  "Ann B" <ann@example.test> ', "Ann B", "mailto:ann@example.test"),
        ("Ann <MAILTO:ann@example.test>", "Ann", "mailto:ann@example.test"),
        ("<ann@example.test>", None, "mailto:ann@example.test"),
        ("Uncle Joe", "Uncle Joe", "invalid:nomail"),
        (" " * 300_000 + "x", "x", "invalid:nomail"),
    ],
)
def test_people(value: str, name: str | None, address: str) -> None:
    """In time that grows as the value does (SYS-17)."""
    made = upgrade(calendar(f"BEGIN:VEVENT\nUID:1\nDTSTART:20240110T120000\nATTENDEE:{value}\nEND:VEVENT"))
    (found,) = made.of("VEVENT")[0].all("ATTENDEE")
    assert found.value == address
    assert found.param("CN") == name


def test_an_event_of_an_old_phone() -> None:
    old = calendar("""BEGIN:VEVENT
UID:n1
SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:D=E9jeuner, midi
DESCRIPTION;ENCODING=QUOTED-PRINTABLE:Line one=0D=0Aline =
two; end
DTSTART:20240110T120000
DTEND:20240110T130000
CATEGORIES:APPOINTMENT;Personal
CLASS:PRIVATE
TRANSP:0
STATUS:NEEDS ACTION
DCREATED:20240101T080000
DALARM:20240110T114500;PT5M;2;Lunch\\; now
AALARM;TYPE=WAVE;VALUE=URL:20240110T114500;;;file:///bell.wav
PALARM:20240110T114500;;;format-disk
ATTENDEE;ROLE=ORGANIZER:Ann <ann@example.test>
ATTENDEE;ROLE=ATTENDEE;STATUS=ACCEPTED;RSVP=YES:mailto:bob@example.test
ATTENDEE;STATUS=SENT:Uncle Joe
EXDATE:20240111T120000;20240112T120000
RRULE:D1 #10
X-EPOCAGENDAENTRYTYPE:APPOINTMENT
LOCATION:A; B\\, C
END:VEVENT""")
    assert lines(upgrade(old))[3:-1] == [
        "BEGIN:VEVENT",
        "UID:n1",
        "SUMMARY:Déjeuner\\, midi",
        "DESCRIPTION:Line one\\nline two\\; end",
        "DTSTART:20240110T120000",
        "DTEND:20240110T130000",
        "CATEGORIES:APPOINTMENT,Personal",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "CREATED:20240101T080000Z",
        "ORGANIZER;CN=Ann:mailto:ann@example.test",
        "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:bob@example.test",
        "ATTENDEE;CN=Uncle Joe;PARTSTAT=NEEDS-ACTION:invalid:nomail",
        "EXDATE:20240111T120000",
        "EXDATE:20240112T120000",
        "RRULE:FREQ=DAILY;COUNT=10",
        "X-EPOCAGENDAENTRYTYPE:APPOINTMENT",
        "LOCATION:A\\; B\\, C",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT15M",
        "REPEAT:2",
        "DURATION:PT5M",
        "DESCRIPTION:Lunch\\; now",
        "END:VALARM",
        "BEGIN:VALARM",
        "ACTION:AUDIO",
        "TRIGGER:-PT15M",
        "ATTACH:file:///bell.wav",
        "END:VALARM",
        "END:VEVENT",
    ]


@pytest.mark.parametrize(
    ("start", "end", "new"),
    [
        ("20240110T000000", "20240110T235959", ["DTSTART;VALUE=DATE:20240110", "DTEND;VALUE=DATE:20240111"]),
        ("20240110T000000", "20240111T235900", ["DTSTART;VALUE=DATE:20240110", "DTEND;VALUE=DATE:20240112"]),
        ("20240110T000000", "20240112T000000", ["DTSTART;VALUE=DATE:20240110", "DTEND;VALUE=DATE:20240112"]),
        ("20240110", "20240111", ["DTSTART;VALUE=DATE:20240110", "DTEND;VALUE=DATE:20240111"]),
        ("20240110T000000Z", "20240111T000000Z", ["DTSTART:20240110T000000Z", "DTEND:20240111T000000Z"]),
        ("20240110T000000", "20240110T000000", ["DTSTART:20240110T000000", "DTEND:20240110T000000"]),
    ],
)
def test_whole_days(start: str, end: str, new: list[str]) -> None:
    """vCalendar has no DATE: from midnight to midnight is meant (CAL-02)."""
    old = calendar(f"BEGIN:VEVENT\nUID:u\nDTSTART:{start}\nDTEND:{end}\nEND:VEVENT")
    assert lines(upgrade(old))[5:7] == new


def test_todo_and_alarm_times() -> None:
    old = calendar("""BEGIN:VTODO
UID:t
DUE:20240110T120000Z
STATUS:DECLINED
DALARM:20240110T100000Z
MALARM:20240110T100000Z;;;ann@example.test;Remember
MALARM:20240110T100000Z;;;nobody;Remember
DALARM:
END:VTODO""")
    found = upgrade(old)
    todo = found.components[0]
    assert todo.value("STATUS") == "CANCELLED"
    assert [each.value("TRIGGER") for each in todo.components] == ["20240110T100000Z"] * 2
    assert todo.components[1].value("ATTENDEE") == "mailto:ann@example.test"


def test_bad_lines_are_named() -> None:
    for line in ("DTSTART:soon", "RRULE:Z9", "DCREATED:x", "DALARM:yesterday;;;x"):
        text = f"BEGIN:VEVENT\nUID:u\nDTSTART:20240101T000000Z\n{line}\nEND:VEVENT"
        with pytest.raises(BadFormat) as caught:
            upgrade(calendar(text))
        assert caught.value.line == 8


def test_durations() -> None:
    assert [write_duration(seconds) for seconds in (0, -900, 86_400, 90_061, -3600)] == [
        "PT0S",
        "-PT15M",
        "P1D",
        "P1DT1H1M1S",
        "-PT1H",
    ]


def obj(text: str) -> CalendarObject:
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//Test//EN\n{text.strip()}\nEND:VCALENDAR\n"
    return read(whole.replace("\n", "\r\n").encode())


def exported(text: str) -> bytes:
    return vcalendar1_export.render(vcalendar1_export.downgrade(obj(text).calendar))


def test_export() -> None:
    data = exported("""BEGIN:VEVENT
UID:u
DTSTAMP:20240101T000000Z
CREATED:20240101T080000Z
DTSTART;TZID=Europe/Paris:20240110T100000
DURATION:PT1H
SUMMARY:Café\\, bar
DESCRIPTION:one\\ntwo
CATEGORIES:A,B\\,C
TRANSP:TRANSPARENT
ORGANIZER;CN=Ann:mailto:ann@example.test
ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@example.test
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Now
TRIGGER:-PT15M
END:VALARM
END:VEVENT""")
    assert data.decode().split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:1.0",
        "PRODID:-//Escritoire//Escritoire//EN",
        "BEGIN:VEVENT",
        "UID:u",
        "DCREATED:20240101T080000Z",
        "DTSTART:20240110T090000Z",
        "SUMMARY;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Caf=C3=A9, bar",
        "DESCRIPTION;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:one=0D=0A=",
        "two",
        "CATEGORIES:A;B,C",
        "TRANSP:1",
        "ATTENDEE;ROLE=ORGANIZER:Ann <ann@example.test>",
        "ATTENDEE;ROLE=ATTENDEE;STATUS=NEEDS ACTION;RSVP=YES:bob@example.test",
        "DTEND:20240110T100000Z",
        "DALARM:20240110T084500Z;;;Now",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_export_of_a_series() -> None:
    """Local times keep the clock of a zoned series; a moved instance becomes an event of its own."""
    data = exported("""BEGIN:VEVENT
UID:u
DTSTAMP:20240101T000000Z
DTSTART;TZID=Europe/Paris:20240110T100000
DTEND;TZID=Europe/Paris:20240110T110000
RRULE:FREQ=WEEKLY;BYDAY=WE;UNTIL=20240131T235959Z
EXDATE:20240124T090000Z
END:VEVENT
BEGIN:VEVENT
UID:u
DTSTAMP:20240101T000000Z
RECURRENCE-ID;TZID=Europe/Paris:20240117T100000
DTSTART;TZID=Europe/Paris:20240117T150000
DTEND;TZID=Europe/Paris:20240117T160000
END:VEVENT""").decode()
    for line in (
        "RRULE:W1 WE 20240131T100000",
        "EXDATE:20240124T100000",
        "EXDATE:20240117T100000",
        "UID:u-20240117T100000",
        "DTSTART:20240117T140000Z",
    ):
        assert line in data.split("\r\n")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;INTERVAL=3;COUNT=4",
        "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=7",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=9",
        "FREQ=MONTHLY",
        "FREQ=YEARLY;BYMONTH=3,9;COUNT=5",
        "FREQ=YEARLY;BYYEARDAY=10,200;UNTIL=20270101T000000Z",
        "FREQ=YEARLY;BYDAY=1MO;BYMONTH=1;COUNT=4",  # told as RDATEs
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=12",
    ],
)
def test_series_survive_the_way_there_and_back(rule: str) -> None:
    before = obj(
        f"BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART:20240110T100000Z\nDTEND:20240110T110000Z\nRRULE:{rule}\nEND:VEVENT"
    )
    after = read(vcalendar1_export.render(vcalendar1_export.downgrade(before.calendar)))
    end = 1_900_000_000
    assert [i.start for i in after.series.instances(0, end)] == [i.start for i in before.series.instances(0, end)]


def test_whole_days_survive_the_way_there_and_back() -> None:
    for extra in ("", "DTEND;VALUE=DATE:20240113\n", "DURATION:P2D\n"):
        before = obj(f"BEGIN:VEVENT\nUID:u\nDTSTAMP:20240101T000000Z\nDTSTART;VALUE=DATE:20240110\n{extra}END:VEVENT")
        after = read(vcalendar1_export.render(vcalendar1_export.downgrade(before.calendar)))
        assert after.series.span == before.series.span


def test_journals_are_left_out() -> None:
    journal = "BEGIN:VJOURNAL\nUID:j\nDTSTAMP:20240101T000000Z\nSUMMARY:x\nEND:VJOURNAL"
    assert b"BEGIN:VJOURNAL" not in exported(journal)


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "unicode_escape", "utf-7", "rot13", "nonsense"])
@pytest.mark.parametrize("value", ["xn--a", "a=2E=2Eb", "=5Cud800", "+2AA-"])
def test_character_sets_that_are_none(charset: str, value: str) -> None:
    """SYS-17: Python knows codecs that are no character sets; of some, errors are of another kind, or texts have halves."""
    lines = (
        *("BEGIN:VCALENDAR", "VERSION:1.0", "BEGIN:VEVENT", "DTSTART:20200101T000000Z"),
        f"SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET={charset}:{value}",
        *("END:VEVENT", "END:VCALENDAR", ""),
    )
    (calendar,) = parse("\r\n".join(lines).encode())
    (event,) = upgrade(calendar).components
    event.value("SUMMARY").encode()
