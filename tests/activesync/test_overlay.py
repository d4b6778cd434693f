"""Subscribed and overlaid calendars on a phone: seen, and not written (CAL-20, CAL-21, CAL-23, EAS-11)."""

from __future__ import annotations

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Calendar
from storage.overlay import choosing, refreshing
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone

FEED = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20250101T000000Z\r\n"
    b"DTSTART;VALUE=DATE:20250714\r\nSUMMARY:%b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def titles(phone: Phone, folder: str) -> list[str]:
    phone.sync(folder)
    return [one.text_of(Calendar.Subject) or "" for one in phone.items[folder].values()]


def test_a_subscribed_calendar_on_a_phone(store: Store, alice: Actor, phone: Phone) -> None:
    with store.write(alice) as tx:
        due = refreshing.one(tx, choosing.add_feed(tx, "Holidays", "https://x.example/").id)
    refreshing.keep(store, due, FEED % b"Bastille")
    phone.folder_sync()
    folder = phone.folder("Holidays")
    assert phone.folders[folder][1] == 13
    assert titles(phone, folder) == ["Bastille"]
    refreshing.keep(store, due, FEED % b"Fireworks")
    assert titles(phone, folder) == ["Fireworks"]
    data: Element = AirSync.ApplicationData(
        Calendar.Subject("Mine"), Calendar.StartTime("20260101T100000Z"), Calendar.EndTime("20260101T110000Z")
    )
    found = phone.sync_once(folder, AirSync.Add(AirSync.ClientId("c1"), data))
    assert found is not None
    responses = found.find(AirSync.Responses)
    assert responses is not None
    assert [one.text_of(AirSync.Status) != "1" for one in responses.all(AirSync.Add)] == [True]
    with store.write(alice) as tx:
        assert [one.events for one in choosing.entries(tx)] == [1]
        choosing.show(tx, "Holidays", shown=False)
    phone.folder_sync()
    assert folder not in phone.folders
    with store.write(alice) as tx:
        choosing.show(tx, "Holidays", shown=True)
    phone.folder_sync()
    assert phone.folder("Holidays")
