"""Notes as a device has them, and as journal entries ([MS-ASNOTE] §2.2.2, RFC 5545 §3.6.3; from 14.0 on)."""

from __future__ import annotations

from typing import Final

from servers.activesync import bodies
from servers.activesync.classes import event_details, event_times
from servers.activesync.classes.item_class import Context, ItemClass, no_uid
from servers.activesync.classes.tasks import write_text
from servers.activesync.options import PLAIN
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Notes
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, escape_text, render, unescape_text
from storage.formats.datetimes import write_wall
from storage.formats.vcard import listed
from storage.types import Tool


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored journal entry."""
    note = icalendar.load(body).components[0]
    text = "\n".join(unescape_text(one.value) for one in note.all("DESCRIPTION"))
    changed = note.get("LAST-MODIFIED") or note.get("DTSTAMP")
    names = listed(note.all("CATEGORIES"))[:300]
    elements: list[Element | None] = [
        Notes.Subject(unescape_text(note.value("SUMMARY"))),
        Notes.MessageClass("IPM.StickyNote"),
        Notes.LastModifiedDate(event_times.wire(event_times.of_stamp(changed))) if changed is not None else None,
        Notes.Categories(*(Notes.Category(name) for name in names)) if names else None,
        bodies.body({PLAIN: text}, context.options.bodies),
    ]
    return [one for one in elements if one is not None]


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The journal entry after a device's Add or Change; LastModifiedDate is the desk's to say."""
    stamp = write_wall(int(context.now), utc=True)
    if before is None:
        note = Component("VJOURNAL", [Property("UID", escape_text(uid)), Property("DTSTAMP", stamp)])
        calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", icalendar.PRODID)], [note])
    else:
        found = icalendar.load(before)
        calendar, note = found.calendar, found.components[0]
    if (subject := data.text_of(Notes.Subject)) is not None:
        event_details.set_text(note, "SUMMARY", event_details.clean(subject))
    said = data.find(Notes.Categories)
    if said is not None:
        names = [text for one in said.children if (text := event_details.clean(one.text))][:300]
        if names != listed(note.all("CATEGORIES")):
            note.properties = [one for one in note.properties if one.name != "CATEGORIES"]
            if names:
                note.properties.append(Property("CATEGORIES", ",".join(escape_text(name) for name in names)))
    if len(note.all("DESCRIPTION")) < 2:
        write_text(note, data)
    body = render(calendar)
    if body == before:
        return body
    itip.set_value(note, "DTSTAMP", stamp)
    itip.set_value(note, "LAST-MODIFIED", stamp)
    return render(calendar)


CLASS: Final = ItemClass("Notes", Tool.NOTES, (10, 17), ".ics", show, merge, no_uid, "text/calendar", since=140)
