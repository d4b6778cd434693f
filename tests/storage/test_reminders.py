"""Reminders by mail: each instance once, late up to its event, never for groups (REM-01…09)."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from storage import addresses, calendar, items, preferences, reminders
from storage.errors import Busy
from storage.formats import alarms, icalendar
from storage.outbound import administration, queue
from storage.schema import items as items_rows
from storage.schema import reminders as plans_of_reminders
from storage.store import Store
from storage.types import SITE
from tests.storage import desk

NOW = 1_750_000_000


def stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"


def event(start: str, *lines: str, trigger: str = "-PT10M", action: str = "EMAIL", uid: str = "r") -> bytes:
    rows = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", "BEGIN:VEVENT", f"UID:{uid}"),
        *("DTSTAMP:20250101T000000Z", start, "SUMMARY:Tea \\, cake", "LOCATION:Kew", *lines, "BEGIN:VALARM"),
        *(
            f"ACTION:{action}",
            f"TRIGGER{'' if trigger.startswith(';') else ':'}{trigger}",
            "SUMMARY:x",
            "DESCRIPTION:x",
        ),
        *("ATTENDEE:mailto:alice@example.test", "END:VALARM", "END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(rows).encode()


def put(store: Store, body: bytes, space: str = "alice", name: str = "r.ics") -> None:
    prepared = calendar.prepare(body)
    with store.write(desk.actor(store, "alice")) as tx:
        items.put(tx, desk.events(tx, space), name, prepared)


def due(body: bytes, after: int = 0) -> int | None:
    found = alarms.due(icalendar.read(body), after)
    return None if found is None else found.at


def sent(store: Store) -> list[str]:
    with store.read(SITE) as tx:
        return [queue.body(tx, one.id).decode() for one in administration.every(tx)]


def at(moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: moment)


@pytest.mark.parametrize(
    ("body", "after", "expected"),
    [
        (event(f"DTSTART:{stamp(NOW)}"), 0, NOW - 600),
        (event(f"DTSTART:{stamp(NOW)}"), NOW - 600, None),
        (event(f"DTSTART:{stamp(NOW)}", f"DTEND:{stamp(NOW + 3600)}", trigger=";RELATED=END:PT0S"), 0, NOW + 3600),
        (event(f"DTSTART:{stamp(NOW)}", trigger=f";VALUE=DATE-TIME:{stamp(NOW - 50)}"), 0, NOW - 50),
        (event(f"DTSTART:{stamp(NOW)}", "RRULE:FREQ=DAILY"), NOW, NOW + 86400 - 600),
        (event(f"DTSTART:{stamp(NOW)}", "RRULE:FREQ=YEARLY"), NOW, NOW + 365 * 86400 - 600),
        (event(f"DTSTART:{stamp(NOW)}", "RRULE:FREQ=DAILY;COUNT=2"), NOW + 86400, None),
        (event(f"DTSTART:{stamp(NOW)}", "RRULE:FREQ=SECONDLY"), NOW + 5000, NOW + 5001),
        (event(f"DTSTART:{stamp(NOW)}", action="DISPLAY"), 0, None),
        (event(f"DTSTART:{stamp(NOW)}", trigger="nonsense"), 0, None),
        (event(f"DTSTART:{stamp(NOW)}", trigger="-P2D"), 0, NOW - 2 * 86400),
    ],
)
def test_the_next_moment(body: bytes, after: int, expected: int | None) -> None:
    assert due(body, after) == expected


def test_moved_and_cancelled_instances_follow() -> None:
    """REM-08."""
    start = datetime(2025, 6, 1, 10, tzinfo=UTC)
    body = event(f"DTSTART:{stamp(start.timestamp())}", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20250602T100000Z").decode()
    moved = event("DTSTART:20250603T150000Z", "RECURRENCE-ID:20250603T100000Z").decode()
    inner = moved[moved.index("BEGIN:VEVENT") : moved.index("END:VCALENDAR")]
    whole = body.replace("END:VCALENDAR", f"{inner}END:VCALENDAR").encode()
    found, after = [], 0
    while (one := due(whole, after)) is not None:
        found.append(datetime.fromtimestamp(one, UTC))
        after = one
    expected = [start, datetime(2025, 6, 3, 15, tzinfo=UTC), datetime(2025, 6, 4, 10, tzinfo=UTC)]
    assert found == [one - timedelta(minutes=10) for one in expected]


@pytest.mark.parametrize("how", ["RECURRENCE", "STATUS:CANCELLED"])
def test_the_series_goes_on_behind_instances_without_a_reminder(how: str) -> None:
    """REM-08: fires for each instance; that the next ones have none, or are called off, ends nothing."""
    start = datetime(2025, 6, 1, 10, tzinfo=UTC)
    body = event(f"DTSTART:{stamp(start.timestamp())}", "RRULE:FREQ=DAILY").decode()
    for day in range(1, 8):
        which = f"{start + timedelta(days=day):%Y%m%dT%H%M%SZ}"
        own = event(f"DTSTART:{which}", f"RECURRENCE-ID:{which}", *([how] if ":" in how else [])).decode()
        inner = own[own.index("BEGIN:VEVENT") : own.index("BEGIN:VALARM")] + "END:VEVENT\r\n"
        body = body.replace("END:VCALENDAR", f"{inner}END:VCALENDAR")
    expected = start + timedelta(days=8, minutes=-10)
    assert due(body.encode(), int(start.timestamp())) == int(expected.timestamp())


@pytest.mark.parametrize("also", ["", ";RANGE=THISANDFUTURE"])
def test_a_reminder_of_a_later_instance_alone(also: str) -> None:
    """REM-08: an instance of its own has its own reminder, however many others come before it."""
    start = datetime(2025, 6, 1, 10, tzinfo=UTC)
    body = event(f"DTSTART:{stamp(start.timestamp())}", "RRULE:FREQ=DAILY", action="DISPLAY").decode()
    which = f"{start + timedelta(days=400):%Y%m%dT%H%M%SZ}"
    own = event(f"DTSTART:{which}", f"RECURRENCE-ID{also}:{which}").decode()
    inner = own[own.index("BEGIN:VEVENT") : own.index("END:VCALENDAR")]
    body = body.replace("END:VCALENDAR", f"{inner}END:VCALENDAR")
    expected = start + timedelta(days=400, minutes=-10)
    assert due(body.encode(), int(start.timestamp())) == int(expected.timestamp())


def test_many_instances_have_their_own_reminder() -> None:
    """REM-08: clients copy the series' alarm into each instance that they change."""
    start = datetime(2025, 6, 1, 10, tzinfo=UTC)
    body = event(f"DTSTART:{stamp(start.timestamp())}", "RRULE:FREQ=DAILY;COUNT=60").decode()
    for day in range(60):
        which, moved = start + timedelta(days=day), start + timedelta(days=day, hours=1)
        own = event(f"DTSTART:{stamp(moved.timestamp())}", f"RECURRENCE-ID:{stamp(which.timestamp())}").decode()
        body = body.replace("END:VCALENDAR", own[own.index("BEGIN:VEVENT") : own.index("END:VCALENDAR")] + "END:VCALENDAR")
    expected = start + timedelta(days=50, minutes=50)
    assert due(body.encode(), int(expected.timestamp()) - 3600) == int(expected.timestamp())


@pytest.mark.parametrize("over", ["STATUS:COMPLETED", "STATUS:CANCELLED", "COMPLETED:20250601T000000Z"])
@pytest.mark.parametrize("trigger", ["-PT10M", f";VALUE=DATE-TIME:{stamp(NOW - 50)}"])
def test_a_task_that_is_done_reminds_no_more(over: str, trigger: str) -> None:
    """REM-04; the same of what was called off, also where the reminder says its moment itself."""
    body = event(f"DTSTART:{stamp(NOW)}", over, trigger=trigger).replace(b"VEVENT", b"VTODO")
    assert due(body) is None
    assert due(body.replace(over.encode(), b"STATUS:IN-PROCESS")) is not None


def test_each_instance_is_told_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}", "RRULE:FREQ=DAILY;COUNT=2"))
    assert reminders.run(store) == 0
    assert reminders.next_due(store) == NOW + 3000
    for day in (0, 1):
        at(NOW + 3000 + day * 86400 + 5, monkeypatch)
        assert [reminders.run(store), reminders.run(store)] == [1, 0]
    assert reminders.next_due(store) is None
    first, _ = sent(store)
    assert "Subject: Reminder: Tea , cake" in first
    assert "To: Alice <alice@example.test>" in first
    assert "Kew" in first


def test_the_address_that_is_chosen_is_reminded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-01, ACC-19."""
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}"))
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        addresses.add(tx, alice, "a@work.example")
        addresses.confirm(tx, alice, "a@work.example")
        preferences.choose(tx, alice, "default_sender", "A@work.example")
    at(NOW + 3000, monkeypatch)
    assert reminders.run(store) == 1
    assert "To: Alice <a@work.example>" in sent(store)[0]


def test_addresses_beyond_ascii_are_reminded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6531: the mail is marked as one that only some servers take; it is signed as all that people send."""
    at(NOW - 700, monkeypatch)
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        addresses.add(tx, alice, "ü@example.test")
        addresses.confirm(tx, alice, "ü@example.test")
        preferences.choose(tx, alice, "default_sender", "ü@example.test")
    put(store, event(f"DTSTART:{stamp(NOW)}"))
    at(NOW - 599, monkeypatch)
    assert reminders.run(store) == 1
    (text,) = sent(store)
    assert "To: Alice <ü@example.test>" in text
    with store.write(SITE) as tx:
        (lease,) = queue.lease(tx, "test", NOW, 10, per_destination=10)
        assert (lease.smtputf8, lease.sign) == (True, True)


def test_times_are_told_by_the_owners_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """CAL-27: 12 or 24 hours, in his zone."""
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}"))  # 16:06 UTC
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        preferences.choose(tx, alice, "clock_h", "12")
        preferences.choose(tx, alice, "timezone", "Europe/Paris")
    at(NOW + 3000, monkeypatch)
    assert reminders.run(store) == 1
    assert "2025-06-15 6:06 PM (CEST)" in sent(store)[0]


def test_what_was_missed_is_sent_until_the_event_begins(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-08: the server was down at the due time."""
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 7200)}", trigger="-PT1H"))
    put(store, event(f"DTSTART:{stamp(NOW + 700)}", uid="s"), name="s.ics")
    at(NOW + 7000, monkeypatch)
    assert reminders.run(store) == 1
    assert reminders.next_due(store) is None


def test_changes_and_removals_move_the_reminder(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-03, REM-04; the overview of REM-05."""
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}"))
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}", trigger="-PT20M"))
    assert reminders.next_due(store) == NOW + 2400
    alice, me = desk.principal(store, "alice"), desk.actor(store, "alice")
    with store.read(me) as tx:
        (one,) = reminders.listing(tx, alice)
    assert (one.at, one.start, one.summary) == (NOW + 2400, NOW + 3600, "Tea , cake")
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}", action="DISPLAY"))
    assert reminders.next_due(store) is None
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}"))
    with store.write(desk.actor(store, "alice")) as tx:
        items.delete(tx, desk.events(tx, "alice"), "r.ics")
    assert reminders.next_due(store) is None


def test_none_for_a_groups_events(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-07, CAL-15."""
    at(NOW, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW + 3600)}"), space="IAB")
    assert reminders.next_due(store) is None


def test_floating_times_are_those_of_the_owner(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(NOW, monkeypatch)
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        preferences.choose(tx, alice, "timezone", "Asia/Tokyo")
    put(store, event("DTSTART;VALUE=DATE:20250701", trigger="PT9H"))
    assert reminders.next_due(store) == datetime(2025, 7, 1, 0, tzinfo=UTC).timestamp()


def test_an_event_that_cannot_be_read_costs_nobody_else_his_reminder(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REM-01, SYS-17: it is put off, and comes again when it can be read."""
    at(NOW - 3000, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW)}"), name="broken.ics")
    put(store, event(f"DTSTART:{stamp(NOW)}", uid="s"), name="sound.ics")
    broken = items_rows.c.name == "broken.ics"
    with store.write(SITE) as tx:
        body = tx.db.execute(sa.select(items_rows.c.body).where(broken)).scalar_one()
        tx.db.execute(sa.update(items_rows).where(broken).values(body=b"\x00"))
    at(NOW - 600, monkeypatch)
    assert reminders.run(store) == 1
    assert len(sent(store)) == 1
    assert reminders.run(store) == 0
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(items_rows).where(broken).values(body=body))
        assert tx.db.execute(sa.select(plans_of_reminders.c.due)).scalar_one() == NOW - 600 + reminders.PUT_OFF_S


def test_a_database_that_is_in_the_way_puts_nothing_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-01: a lock or a deadlock, as either driver says it, is tried again at once."""
    at(NOW - 3000, monkeypatch)
    put(store, event(f"DTSTART:{stamp(NOW)}"))
    at(NOW - 600, monkeypatch)

    def locked(*_: object) -> int:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(reminders, "_remind", locked)
        with pytest.raises(Busy):
            reminders.run(store)
    assert reminders.run(store) == 1
