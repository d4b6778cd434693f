"""Time ranges row by row of the tables of RFC 4791 §9.9, every boundary, over HTTP (CAL-02, CAL-03)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.caldav import desk
from tests.caldav.desk import EVENTS, NOTES, TASKS, Client

PARIS = ("DTSTART;TZID=Europe/Paris:20250106T090000", "DTEND;TZID=Europe/Paris:20250106T100000")
EVENT_LINES: dict[str, tuple[str, ...]] = {
    "end": ("DTSTART:20250601T100000Z", "DTEND:20250601T110000Z"),
    "duration": ("DTSTART:20250602T100000Z", "DURATION:PT1H"),
    "no-duration": ("DTSTART:20250603T100000Z", "DURATION:PT0S"),
    "instant": ("DTSTART:20250604T100000Z",),
    "day": ("DTSTART;VALUE=DATE:20250605",),
    "days": ("DTSTART;VALUE=DATE:20250607", "DTEND;VALUE=DATE:20250609"),
    "floating": ("DTSTART:20250610T100000", "DTEND:20250610T110000"),
    "zoned": ("DTSTART;TZID=America/New_York:20250611T100000", "DURATION:PT1H"),
    # Every Monday 09:00 in Paris from 2025-01-06, for ever; 13 January is excluded, 20 January has moved to
    # Wednesday 22, 27 January was made an hour longer; Thursday 30 is added.
    "weekly": (
        *PARIS,
        "RRULE:FREQ=WEEKLY",
        "EXDATE;TZID=Europe/Paris:20250113T090000",
        "RDATE;TZID=Europe/Paris:20250130T090000",
        *desk.next_event(
            "UID:weekly",
            "DTSTAMP:20250101T000000Z",
            "RECURRENCE-ID;TZID=Europe/Paris:20250120T090000",
            "DTSTART;TZID=Europe/Paris:20250122T090000",
            "DTEND;TZID=Europe/Paris:20250122T100000",
        ),
        *desk.next_event(
            "UID:weekly",
            "DTSTAMP:20250101T000000Z",
            "RECURRENCE-ID;TZID=Europe/Paris:20250127T090000",
            "DTSTART;TZID=Europe/Paris:20250127T090000",
            "DTEND;TZID=Europe/Paris:20250127T110000",
        ),
    ),
    "counted": ("DTSTART:20240301T080000Z", "DTEND:20240301T083000Z", "RRULE:FREQ=DAILY;COUNT=3"),
    "until": ("DTSTART:20240401T080000Z", "DTEND:20240401T083000Z", "RRULE:FREQ=DAILY;UNTIL=20240403T080000Z"),
    "birthday": ("DTSTART;VALUE=DATE:20000229", "RRULE:FREQ=YEARLY"),
    "dates": ("DTSTART:20240501T080000Z", "DURATION:PT30M", "RDATE:20240505T080000Z", "EXDATE:20240501T080000Z"),
    # Only an overridden instance is known here (RFC 4791 §4.1).
    "orphan": ("RECURRENCE-ID:20240601T080000Z", "DTSTART:20240602T080000Z", "DTEND:20240602T090000Z"),
}
TODO_LINES: dict[str, tuple[str, ...]] = {
    "start-duration": ("DTSTART:20250601T100000Z", "DURATION:PT1H"),
    "start-due": ("DTSTART:20250602T100000Z", "DUE:20250602T110000Z"),
    "start": ("DTSTART:20250603T100000Z",),
    "due": ("DUE:20250604T100000Z",),
    "completed-created": ("COMPLETED:20250605T120000Z", "CREATED:20250605T100000Z"),
    "completed": ("COMPLETED:20250606T100000Z",),
    "created": ("CREATED:20250607T100000Z",),
    "nothing": ("SUMMARY:some day",),
    "recurring": ("DTSTART:20240101T100000Z", "DUE:20240101T110000Z", "RRULE:FREQ=MONTHLY;COUNT=3"),
}
JOURNAL_LINES: dict[str, tuple[str, ...]] = {
    "moment": ("DTSTART:20250601T100000Z",),
    "day": ("DTSTART;VALUE=DATE:20250602",),
    "undated": ("SUMMARY:a thought",),
}


@pytest.fixture(scope="module")
def alice(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Her events, to-dos and notes as above; nobody changes them."""
    folder = tmp_path_factory.mktemp("ranges") / "desk"
    shutil.copytree(template, folder)
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    client = Client(desk.app(store), "alice")
    for path, kind, table in (
        (EVENTS, "VEVENT", EVENT_LINES),
        (TASKS, "VTODO", TODO_LINES),
        (NOTES, "VJOURNAL", JOURNAL_LINES),
    ):
        for uid, lines in table.items():
            desk.put(client, f"{path}{uid}.ics", desk.event(uid, *lines, around=kind))
    yield client
    store.close()


def found(client: Client, path: str, name: str, start: str, end: str, more: str = "") -> set[str]:
    """What a query for the range gives; the same whether the index decides alone or bodies are looked into."""
    by_index = desk.names(desk.query(client, path, desk.span(start, end, name), more=more))
    bounds = (f' start="{start}"' if start else "") + (f' end="{end}"' if end else "")
    body = f'<C:comp-filter name="{name}"><C:time-range{bounds}/><C:prop-filter name="UID"/></C:comp-filter>'
    assert desk.names(desk.query(client, path, body, more=more)) == by_index
    return by_index


@pytest.mark.parametrize(
    ("uid", "start", "end", "hit"),
    [
        # (start < DTEND AND end > DTSTART)
        ("end", "20250601T105959Z", "20250601T120000Z", True),
        ("end", "20250601T110000Z", "20250601T120000Z", False),
        ("end", "20250601T090000Z", "20250601T100000Z", False),
        ("end", "20250601T090000Z", "20250601T100001Z", True),
        ("end", "20250601T102000Z", "20250601T103000Z", True),
        # (start < DTSTART+DURATION AND end > DTSTART)
        ("duration", "20250602T105959Z", "20250602T120000Z", True),
        ("duration", "20250602T110000Z", "20250602T120000Z", False),
        ("duration", "20250602T090000Z", "20250602T100000Z", False),
        # (start <= DTSTART AND end > DTSTART)
        ("no-duration", "20250603T100000Z", "20250603T110000Z", True),
        ("no-duration", "20250603T090000Z", "20250603T100000Z", False),
        ("no-duration", "20250603T100001Z", "20250603T110000Z", False),
        ("instant", "20250604T100000Z", "20250604T100001Z", True),
        ("instant", "20250604T090000Z", "20250604T100000Z", False),
        ("instant", "20250604T100001Z", "20250604T110000Z", False),
        # (start < DTSTART+P1D AND end > DTSTART), days in UTC where nobody says otherwise
        ("day", "20250605T235959Z", "20250606T010000Z", True),
        ("day", "20250606T000000Z", "20250606T010000Z", False),
        ("day", "20250604T230000Z", "20250605T000000Z", False),
        ("days", "20250608T230000Z", "20250609T120000Z", True),
        ("days", "20250609T000000Z", "20250609T120000Z", False),
        ("floating", "20250610T100000Z", "20250610T103000Z", True),
        ("floating", "20250610T120000Z", "20250610T130000Z", False),
        ("zoned", "20250611T143000Z", "20250611T144000Z", True),  # 10:00 in New York is 14:00 UTC in June
        ("zoned", "20250611T100000Z", "20250611T140000Z", False),
        ("zoned", "20250611T150000Z", "20250611T160000Z", False),
        # open ends
        ("end", "", "20250601T100001Z", True),
        ("end", "", "20250601T100000Z", False),
        ("end", "20250601T105959Z", "", True),
        ("end", "20250601T110000Z", "", False),
    ],
)
def test_events(alice: Client, uid: str, start: str, end: str, hit: bool) -> None:
    assert (uid in found(alice, EVENTS, "VEVENT", start, end)) is hit


@pytest.mark.parametrize(
    ("uid", "start", "end", "hit"),
    [
        ("weekly", "20250106T000000Z", "20250107T000000Z", True),
        ("weekly", "20250106T080000Z", "20250106T080001Z", True),  # 09:00 in Paris in winter
        ("weekly", "20250707T070000Z", "20250707T070001Z", True),  # and in summer
        ("weekly", "20250707T080000Z", "20250707T090000Z", False),
        ("weekly", "20250107T000000Z", "20250113T000000Z", False),
        ("weekly", "20250113T000000Z", "20250114T000000Z", False),  # EXDATE
        ("weekly", "20250120T000000Z", "20250121T000000Z", False),  # has moved away
        ("weekly", "20250122T080000Z", "20250122T090000Z", True),  # to here
        ("weekly", "20250127T093000Z", "20250127T100000Z", True),  # longer than the others
        ("weekly", "20250203T093000Z", "20250203T100000Z", False),
        ("weekly", "20250130T080000Z", "20250130T090000Z", True),  # RDATE
        ("weekly", "29990107T080000Z", "29990107T090000Z", True),  # Monday, far away
        ("weekly", "29990108T000000Z", "29990114T000000Z", False),
        ("weekly", "20240101T000000Z", "20250106T000000Z", False),
        ("counted", "20240303T080000Z", "20240303T090000Z", True),
        ("counted", "20240304T000000Z", "20240401T000000Z", False),
        ("until", "20240403T080000Z", "20240403T090000Z", True),
        ("until", "20240404T000000Z", "20240501T000000Z", False),
        ("birthday", "20240229T120000Z", "20240229T130000Z", True),
        ("birthday", "20250228T000000Z", "20250302T000000Z", False),
        ("birthday", "20280228T000000Z", "20280301T000000Z", True),
        ("dates", "20240501T000000Z", "20240502T000000Z", False),
        ("dates", "20240505T000000Z", "20240506T000000Z", True),
        ("orphan", "20240601T000000Z", "20240602T000000Z", False),
        ("orphan", "20240602T080000Z", "20240602T090000Z", True),
    ],
)
def test_series(alice: Client, uid: str, start: str, end: str, hit: bool) -> None:
    """Every instance counts, and no other day (RFC 4791 §9.9 "Time range tests MUST consider every recurrence instance")."""
    assert (uid in found(alice, EVENTS, "VEVENT", start, end)) is hit


@pytest.mark.parametrize(
    ("uid", "start", "end", "hit"),
    [
        # (start <= DTSTART+DURATION) AND ((end > DTSTART) OR (end >= DTSTART+DURATION))
        ("start-duration", "20250601T110000Z", "20250601T120000Z", True),
        ("start-duration", "20250601T110001Z", "20250601T120000Z", False),
        ("start-duration", "20250601T090000Z", "20250601T100000Z", False),
        ("start-duration", "20250601T090000Z", "20250601T100001Z", True),
        # ((start < DUE) OR (start <= DTSTART)) AND ((end > DTSTART) OR (end >= DUE))
        ("start-due", "20250602T105959Z", "20250602T120000Z", True),
        ("start-due", "20250602T110000Z", "20250602T120000Z", False),
        ("start-due", "20250602T090000Z", "20250602T100000Z", False),
        ("start-due", "20250602T090000Z", "20250602T100001Z", True),
        # (start <= DTSTART) AND (end > DTSTART)
        ("start", "20250603T100000Z", "20250603T110000Z", True),
        ("start", "20250603T100001Z", "20250603T110000Z", False),
        ("start", "20250603T090000Z", "20250603T100000Z", False),
        # (start < DUE) AND (end >= DUE)
        ("due", "20250604T090000Z", "20250604T100000Z", True),
        ("due", "20250604T090000Z", "20250604T095959Z", False),
        ("due", "20250604T100000Z", "20250604T110000Z", False),
        # ((start <= CREATED) OR (start <= COMPLETED)) AND ((end >= CREATED) OR (end >= COMPLETED))
        ("completed-created", "20250605T110000Z", "20250605T113000Z", True),
        ("completed-created", "20250605T120000Z", "20250605T130000Z", True),
        ("completed-created", "20250605T120001Z", "20250605T130000Z", False),
        ("completed-created", "20250605T090000Z", "20250605T100000Z", True),
        ("completed-created", "20250605T090000Z", "20250605T095959Z", False),
        # (start <= COMPLETED) AND (end >= COMPLETED)
        ("completed", "20250606T100000Z", "20250606T110000Z", True),
        ("completed", "20250606T090000Z", "20250606T100000Z", True),
        ("completed", "20250606T100001Z", "20250606T110000Z", False),
        ("completed", "20250606T090000Z", "20250606T095959Z", False),
        # (end > CREATED)
        ("created", "20250607T090000Z", "20250607T100001Z", True),
        ("created", "20250607T090000Z", "20250607T100000Z", False),
        ("created", "20990101T000000Z", "20990102T000000Z", True),
        # TRUE
        ("nothing", "19700101T000000Z", "19700102T000000Z", True),
        ("recurring", "20240301T103000Z", "20240301T110000Z", True),
        ("recurring", "20240302T000000Z", "20240331T000000Z", False),
        ("recurring", "20240401T000000Z", "20240501T000000Z", False),
    ],
)
def test_todos(alice: Client, uid: str, start: str, end: str, hit: bool) -> None:
    assert (uid in found(alice, TASKS, "VTODO", start, end)) is hit


@pytest.mark.parametrize(
    ("uid", "start", "end", "hit"),
    [
        ("moment", "20250601T100000Z", "20250601T100001Z", True),
        ("moment", "20250601T090000Z", "20250601T100000Z", False),
        ("moment", "20250601T100001Z", "20250601T110000Z", False),
        ("day", "20250602T235959Z", "20250603T010000Z", True),
        ("day", "20250603T000000Z", "20250603T010000Z", False),
        ("undated", "19700101T000000Z", "20990101T000000Z", False),
    ],
)
def test_journals(alice: Client, uid: str, start: str, end: str, hit: bool) -> None:
    assert (uid in found(alice, NOTES, "VJOURNAL", start, end)) is hit


TOKYO = (
    "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//tests//EN&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Here&#13;\n"
    "BEGIN:STANDARD&#13;\nDTSTART:19700101T000000&#13;\nTZOFFSETFROM:+0900&#13;\nTZOFFSETTO:+0900&#13;\n"
    "END:STANDARD&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n"
)


@pytest.mark.parametrize(
    "zone", [f"<C:timezone>{TOKYO}</C:timezone>", "<C:timezone-id>Asia/Tokyo</C:timezone-id>"], ids=["9.8", "7809"]
)
def test_floating_times_are_read_in_the_zone_of_the_request(alice: Client, zone: str) -> None:
    """RFC 4791 §9.8 and RFC 7809 §6.2: 10:00 in Tokyo is 01:00 UTC, and its days begin at 15:00 UTC."""
    assert "floating" in found(alice, EVENTS, "VEVENT", "20250610T010000Z", "20250610T013000Z", zone)
    assert "floating" not in found(alice, EVENTS, "VEVENT", "20250610T100000Z", "20250610T103000Z", zone)
    assert "day" in found(alice, EVENTS, "VEVENT", "20250604T150000Z", "20250604T160000Z", zone)
    assert "day" not in found(alice, EVENTS, "VEVENT", "20250605T150000Z", "20250605T160000Z", zone)
    assert "zoned" in found(alice, EVENTS, "VEVENT", "20250611T143000Z", "20250611T144000Z", zone)


@pytest.mark.parametrize(
    ("zone", "element"),
    [
        ("<C:timezone>nonsense</C:timezone>", "valid-calendar-data"),
        (f"<C:timezone>{TOKYO.replace('VTIMEZONE', 'VEVENT')}</C:timezone>", "valid-calendar-data"),
        ("<C:timezone-id>Atlantis/Here</C:timezone-id>", "valid-timezone"),
    ],
)
def test_zones_that_nobody_knows(alice: Client, zone: str, element: str) -> None:
    """RFC 4791 §7.8, RFC 7809 §3.1.6."""
    answer = desk.query(alice, EVENTS, desk.span("20250101T000000Z"), more=zone)
    assert (answer.status, answer.precondition) == (403, f"{desk.CALDAV}{element}")
