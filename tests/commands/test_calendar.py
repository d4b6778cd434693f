"""`escritoire calendar list`, `remind`, `reminders`: what is needed to let the desk remind (REM-01…05)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.commands.conftest import Line

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=10)


def event(uid: str = "tea", *lines: str) -> str:
    start = f"DTSTART:{DAY + timedelta(hours=10):%Y%m%dT%H%M%SZ}"
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT5M", "END:VALARM")
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", f"UID:{uid}", start),
        *("DTSTAMP:20250101T000000Z", "DURATION:PT1H", "SUMMARY:Tea\\, cake", *lines, *alarm),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(rows)


@pytest.fixture(autouse=True)
def events(line: Line) -> None:
    line("import", "alice/events", "-", stdin=event())
    line("user", "preference", "alice", "timezone", "Europe/Paris")


def test_the_list_names_them(line: Line) -> None:
    """In the zone of who looks; others see that somebody is busy (CAL-07)."""
    (one,) = line.json("calendar", "list", "alice/events")
    assert one["name"] == "tea.ics"
    assert one["start"][11:] in ("11:00", "12:00")
    assert one["summary"] == "Tea, cake"
    (seen,) = line.json("calendar", "list", "alice/events", "--as", "bob")
    assert (seen["start"][11:], seen["summary"]) == ("10:00", "busy")
    assert line.json("calendar", "list", "alice/events", "--days", "3") == []
    assert line.json("calendar", "list", "alice/events", "--from", f"{DAY:%Y-%m-%d}", "--days", "2")
    line("calendar", "list", "alice/nothing", status=1)
    assert line.json("calendar", "list", "alice/events", "--from", "9999-12-31") == []
    assert line.json("calendar", "list", "alice/events", "--from", "0001-01-01") == []
    assert "contacts is no calendar" in line("calendar", "list", "alice/contacts", status=2)


def test_a_reminder_is_set_changed_and_taken_away(line: Line) -> None:
    """REM-01, REM-03, REM-04: what rings on devices stays."""
    remind = ("calendar", "remind", "alice/events/tea.ics")
    line(*remind, "--mail", "2h")
    (one,) = line.json("calendar", "reminders", "alice")
    assert one["summary"] == "Tea, cake"
    starts, at = (datetime.strptime(one[name], "%Y-%m-%d %H:%M") for name in ("start", "at"))
    assert starts - at == timedelta(hours=2)
    line(*remind, "--mail", "15m")
    (one,) = line.json("calendar", "reminders", "alice")
    assert one["at"][14:] == "45"
    told = line("export", "alice/events/tea.ics")
    assert told.count("BEGIN:VALARM") == 2
    assert "ATTENDEE:mailto:alice@example.test" in told
    line(*remind, "--off")
    assert line.json("calendar", "reminders", "alice") == []
    assert line("export", "alice/events/tea.ics").count("ACTION:DISPLAY") == 1


def test_what_is_refused(line: Line) -> None:
    remind = ("calendar", "remind", "alice/events/tea.ics")
    assert "no complete mobile number" in line(*remind, "--sms", "1h", status=1)  # REM-02
    assert "366 days" in line(*remind, "--mail", "999d", status=1)
    line("import", "groups/IAB/events", "-", stdin=event("common"))
    assert "private calendars only" in line("calendar", "remind", "groups/IAB/events/common.ics", "--mail", "0", status=1)
    line("calendar", "remind", "alice/events/absent.ics", "--mail", "0", status=1)
    line(*remind, "--mail", "0", "--as", "bob", status=1)
    line("grant", "add", "alice/events", "bob", "see")
    assert "lacks the right edit" in line(*remind, "--mail", "0", "--as", "bob", status=1)
    for words in ((), ("--mail", "1w"), ("--mail", "5"), ("--mail", "1h", "--off")):
        line(*remind, *words, status=2)
    line("calendar", "remind", "alice/events", "--mail", "0", status=2)


def test_by_sms(line: Line) -> None:
    """REM-02: to the mobile number of the personal record, which is the card with the main address."""
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:me\r\nFN:Alice\r\nN:Alice;;;;\r\nEMAIL:alice@example.test\r\n"
    line("import", "alice/contacts", "-", stdin=card + "TEL;TYPE=CELL:+32 475 12 34 56\r\nEND:VCARD\r\n")
    remind = ("calendar", "remind", "alice/events/tea.ics")
    line(*remind, "--sms", "1d")
    assert line("calendar", "reminders", "alice").strip().endswith("by sms")
    line(*remind, "--sms", "0", "--mail", "1d")
    assert "ATTENDEE:mailto:32475123456@sms" in line("export", "alice/events/tea.ics")
    (one,) = line.json("calendar", "reminders", "alice")
    assert time.strptime(one["at"], "%Y-%m-%d %H:%M").tm_mday == (DAY - timedelta(days=1)).day
