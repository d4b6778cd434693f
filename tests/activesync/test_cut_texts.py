"""A text that was cut for a device, and that comes back so, is no other text ([MS-ASAIRS] §2.2.2.50: Truncated; EAS-01)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

import pytest

from servers.activesync.classes import contacts, events, notes, tasks
from servers.activesync.classes.item_class import Context, ItemClass
from servers.activesync.options import HTML, PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Calendar, Contacts, Notes, Tasks

TEXT = "one two three\\nfour five six\\nseven eight nine"


def _ics(component: str) -> bytes:
    lines = (f"BEGIN:{component}", "UID:u1", "DTSTAMP:20260101T000000Z", "DTSTART:20260706T100000Z", f"DESCRIPTION:{TEXT}")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, f"END:{component}", "END:VCALENDAR", "")).encode()


CARD = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ada\r\nN:;Ada;;;\r\nNOTE:{TEXT}\r\nEND:VCARD\r\n".encode()
KINDS = [
    (events.CLASS, _ics("VEVENT"), Calendar.Subject),
    (tasks.CLASS, _ics("VTODO"), Tasks.Subject),
    (notes.CLASS, _ics("VJOURNAL"), Notes.Subject),
    (contacts.CLASS, CARD, Contacts.JobTitle),
]


def context(kind: int, size: int | None) -> Context:
    return Context(Options(0, (Preference(kind, size, False, 0),)), 141, UTC, 1_700_000_000.0)


@pytest.mark.parametrize("size", [0, 20, None])
@pytest.mark.parametrize("kind", [PLAIN, HTML])
@pytest.mark.parametrize(("item_class", "before", "name"), KINDS, ids=["event", "task", "note", "contact"])
def test_its_rest_stays(
    item_class: ItemClass, before: bytes, name: Callable[..., Element], kind: int, size: int | None
) -> None:
    found = AirSync.ApplicationData(*item_class.show(before, context(kind, size)))
    assert (AirSyncBase.Truncated in (found.find(AirSyncBase.Body) or found)) is (size is not None)
    for one in found.walk():
        if one.tag is AirSyncBase.Body:  # few devices say themselves that what they send is cut
            one.children = [child for child in one.children if child.tag in (AirSyncBase.Type, AirSyncBase.Data)]
    kept = [one for one in found.children if one.tag is not name]
    after = item_class.merge(AirSync.ApplicationData(name("Renamed"), *kept), before, "u1", context(kind, size))
    text = after.decode().replace("\r\n ", "")
    assert "Renamed" in text
    assert TEXT in text
    given = AirSyncBase.Body(AirSyncBase.Type(PLAIN), AirSyncBase.Data("other"))
    others = [one for one in kept if one.tag is not AirSyncBase.Body]
    changed = item_class.merge(AirSync.ApplicationData(name("Renamed"), *others, given), before, "u1", context(kind, size))
    assert b":other\r\n" in changed
