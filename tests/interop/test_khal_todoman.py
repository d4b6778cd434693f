"""khal and todoman work on the folders that vdirsyncer keeps: what they write arrives, what others write they show."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop import objects
from tests.interop.desk import Desk, calendar, group_calendar
from tests.interop.vdirs import Vdirs, khal, todoman
from tests.interop.wire import CAL, Wire


@pytest.fixture
def todo_path(wire: Callable[..., Wire]) -> Iterator[str]:
    """A fresh list of alice that takes VTODO only (RFC 4791 §5.2.3)."""
    path = calendar("alice", f"todo-{uuid.uuid4().hex[:8]}")
    alice = wire("alice")
    body = (
        '<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
        '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'
        "</D:prop></D:set></C:mkcalendar>"
    )
    assert alice("MKCALENDAR", path, body).status == 201
    yield path
    alice("DELETE", path)


def bodies(connection: Wire, path: str) -> list[str]:
    """Give every object of a calendar as text."""
    found = connection.propfind(path, "<D:getetag/>", "1").responses()
    return [connection("GET", href).text for href in found if href != path]


def test_khal(desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path) -> None:
    """An event written in khal reaches the server with its zone; a weekly series of the server is expanded by khal (CAL-01, CAL-03)."""
    alice = wire("alice")
    weekly = objects.event(
        "weekly",
        "Choir",
        "20260302T180000Z",
        "20260302T190000Z",
        "RRULE:FREQ=WEEKLY;COUNT=4",
        "EXDATE:20260309T180000Z",
    )
    assert alice("PUT", calendar_path + "weekly.ics", weekly).status == 201
    vdirs = Vdirs(tmp_path, "alice")
    local = vdirs.pair("cal", "caldav", desk.caldav + calendar_path, "null")
    vdirs.discover("cal")
    vdirs.sync()
    calendars = {"desk": local}
    shown = khal(tmp_path, calendars, ["list", "2026-03-01", "2026-03-31"])
    assert shown.count("Choir") == 3
    khal(tmp_path, calendars, ["new", "-a", "desk", "2026-03-20 10:00", "2026-03-20 11:30", "Dentist :: bring papers"])
    vdirs.sync()
    (stored,) = (b for b in bodies(alice, calendar_path) if "Dentist" in b)
    assert "DTSTART;TZID=Europe/Berlin:20260320T100000" in stored
    assert "BEGIN:VTIMEZONE" in stored
    month = alice(
        "REPORT",
        calendar_path,
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        '<C:time-range start="20260320T085900Z" end="20260320T090100Z"/></C:comp-filter></C:comp-filter></C:filter>'
        "</C:calendar-query>",
        {"Depth": "1"},
    ).one()
    assert "Dentist" in month.text(f"{CAL}calendar-data")


def test_khal_shows_others_as_their_rights_say(
    desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path
) -> None:
    """Bob's khal over three calendars: busy blocks of alice, the group's details (CAL-07, CAL-11, CAL-13)."""
    alice, uid = wire("alice"), uuid.uuid4().hex
    assert (
        alice(
            "PUT", calendar_path + "a.ics", objects.event(uid, "Secret plan", "20260421T090000Z", "20260421T100000Z")
        ).status
        == 201
    )
    path = f"{group_calendar()}{uid}.ics"
    assert alice("PUT", path, objects.event(uid, "Assembly", "20260421T120000Z", "20260421T130000Z")).status == 201
    vdirs = Vdirs(tmp_path, "bob")
    calendars = {
        "alice": vdirs.pair("alice", "caldav", desk.caldav + calendar_path, "null"),
        "iab": vdirs.pair("iab", "caldav", desk.caldav + group_calendar(), "null"),
    }
    vdirs.discover("alice")
    vdirs.discover("iab")
    vdirs.sync()
    shown = khal(tmp_path, calendars, ["list", "2026-04-21", "2026-04-21"])
    assert "Busy" in shown
    assert "Assembly" in shown
    assert "Secret" not in shown
    assert alice("DELETE", path).status == 204


def test_todoman(desk: Desk, wire: Callable[..., Wire], todo_path: str, tmp_path: Path) -> None:
    """A to-do goes from todoman to the server, is changed there, is done in todoman, and is complete on the server."""
    alice = wire("alice")
    vdirs = Vdirs(tmp_path, "alice")
    lists = tmp_path / "lists"
    local = vdirs.pair("desk", "caldav", desk.caldav + todo_path, "null", below=lists)
    vdirs.discover("desk")
    assert (
        alice("PUT", todo_path + "server.ics", objects.todo("server", "Written by another client", "PRIORITY:1")).status
        == 201
    )
    todoman(tmp_path, lists, ["new", "-l", "desk", "--due", "2026-05-04", "Write the minutes"])
    vdirs.sync()
    (mine,) = (b for b in bodies(alice, todo_path) if "minutes" in b)
    assert "BEGIN:VTODO" in mine
    assert "DUE" in mine
    assert "Written by another client" in todoman(tmp_path, lists, ["list"])
    line = next(x for x in todoman(tmp_path, lists, ["list"]).splitlines() if "minutes" in x)
    number = next(word for word in line.replace("[ ]", " ").split() if word.isdigit())
    todoman(tmp_path, lists, ["done", number])
    vdirs.sync()
    (mine,) = (b for b in bodies(alice, todo_path) if "minutes" in b)
    assert "STATUS:COMPLETED" in mine
    assert "COMPLETED:" in mine
    assert len(list(local.glob("*.ics"))) == 2


def test_components_are_kept_apart(wire: Callable[..., Wire], todo_path: str) -> None:
    """RFC 4791 §5.3.2.1 `CALDAV:supported-calendar-component`: an event does not enter a to-do list."""
    refused = wire("alice")("PUT", todo_path + "e.ics", objects.event("e"))
    assert refused.status == 403
    assert refused.precondition() == f"{CAL}supported-calendar-component"
