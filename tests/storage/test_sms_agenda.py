"""The SMS agenda: weekdays, which day, when, what, and when there is none (REM-10…14)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from storage import calendar, items, preferences
from storage.errors import Refused
from storage.sms import agenda
from storage.store import Store
from storage.types import SITE
from tests.storage import desk
from tests.storage.test_reminders import at
from tests.storage.test_sms import allot, card, handed

PARIS = ZoneInfo("Europe/Paris")


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()


def choose(store: Store, **values: str) -> None:
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        for name, value in values.items():
            preferences.choose(tx, alice, name, value)


def event(store: Store, name: str, lines: str, space: str = "alice") -> None:
    body = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{name}\r\nDTSTAMP:20250101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    with store.write(desk.actor(store, "alice")) as tx:
        items.put(tx, desk.events(tx, space), f"{name}.ics", calendar.prepare(body.encode()))


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Alice in Paris with a phone, fifty SMS and two days of events; 2 June 2025 is a Monday."""
    at(moment("2025-06-01 12:00"), monkeypatch)
    allot(store, 50)
    card(store, "TEL;TYPE=CELL:+32475123456")
    choose(store, timezone="Europe/Paris", sms_agenda_days="Friday, monday", sms_parts_max="10")
    event(store, "late", "DTSTART:20250602T160000Z\r\nDTEND:20250602T170000Z\r\nSUMMARY:Tea \\, cake")
    event(
        store, "early", "DTSTART:20250526T070000Z\r\nDTEND:20250526T080000Z\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Jour fixe"
    )
    event(store, "day", "DTSTART;VALUE=DATE:20250602\r\nSUMMARY:Feast")
    event(store, "off", "DTSTART:20250602T120000Z\r\nSUMMARY:Off\r\nSTATUS:CANCELLED")
    event(store, "next", "DTSTART:20250603T080000Z\r\nDTEND:20250603T090000Z\r\nSUMMARY:Next")
    event(store, "group", "DTSTART:20250602T080000Z\r\nDTEND:20250602T090000Z\r\nSUMMARY:Group", "IAB")
    return store


def texts(store: Store) -> list[str]:
    agenda.run(store)
    return [one.text for one in handed(store)]


def test_the_days_events_once_at_seven(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-10, REM-14: in order, the private calendar only."""
    for early in ("2025-06-01 07:30", "2025-06-02 06:59"):
        at(moment(early), monkeypatch)
        assert texts(store) == []
    at(moment("2025-06-02 07:00"), monkeypatch)
    assert texts(store) == ["Feast\n09:00 Jour fixe\n18:00 Tea , cake"]
    at(moment("2025-06-02 07:01"), monkeypatch)
    assert texts(store) == []
    at(moment("2025-06-09 07:30"), monkeypatch)  # the server was down for a while
    assert texts(store) == ["09:00 Jour fixe"]
    at(moment("2025-06-16 08:30"), monkeypatch)
    assert texts(store) == []


def test_the_next_day_and_a_time_of_ones_own(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(store, sms_agenda_covers="next", clock_h="12")
    at(moment("2025-06-02 19:00"), monkeypatch)
    assert texts(store) == ["10:00 AM Next"]
    choose(store, sms_agenda_time="6:05", sms_agenda_days="sunday", sms_agenda_covers="same")
    event(store, "sun", "DTSTART:20250608T120000Z\r\nDTEND:20250608T130000Z\r\nSUMMARY:Sun")
    at(moment("2025-06-08 06:05"), monkeypatch)
    assert texts(store) == ["2:00 PM Sun"]


def test_no_sms_on_an_empty_day_or_when_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-11, REM-12."""
    at(moment("2025-06-06 07:00"), monkeypatch)
    assert texts(store) == []
    choose(store, sms_agenda_days="none")
    at(moment("2025-06-09 07:00"), monkeypatch)
    assert texts(store) == []


def test_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """REM-13, whatever the weekday; nothing without credit or on an empty day."""
    alice, bob = desk.principal(store, "alice"), desk.principal(store, "bob")
    at(moment("2025-06-03 15:00"), monkeypatch)
    with store.write(SITE) as tx:
        agenda.now(tx, alice)
        with pytest.raises(Refused):
            agenda.now(tx, bob)  # no number
    assert [one.text for one in handed(store)] == ["10:00 Next"]
    at(moment("2025-06-04 15:00"), monkeypatch)
    with store.write(SITE) as tx, pytest.raises(Refused):
        agenda.now(tx, alice)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("sms_agenda_time", value)
            for value in ("24:00", "7", "7:5", "7:60", "-1:00", "१:00", "07:00:00", "x" * 999)
        ),
        *(("sms_agenda_days", value) for value in ("moonday", "monday;friday", "\0")),
        ("sms_agenda_covers", "both"),
    ],
)
def test_what_cannot_be_chosen(store: Store, name: str, value: str) -> None:
    with pytest.raises(Refused):
        choose(store, **{name: value})
