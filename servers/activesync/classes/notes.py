"""Notes as a device has them, and as journal entries ([MS-ASNOTE] §2.2.2, RFC 5545 §3.6.3; from 14.0 on)."""

from __future__ import annotations

from typing import Final

from servers.activesync import bodies
from servers.activesync.classes import event_times, item_text
from servers.activesync.classes.item_class import Context, ItemClass, Unconvertible, no_uid
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Notes
from storage.formats import icalendar, itip
from storage.formats.contentline import Component, Property, escape_text, render, unescape_text
from storage.formats.datetimes import write_wall
from storage.types import Tool

_STICKY: Final = "IPM.StickyNote"
_CLASS: Final = "X-ESCRITOIRE-MESSAGE-CLASS"
"""MessageClass of a note that is of a class below that of notes."""


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored journal entry."""
    note = icalendar.load(body).components[0]
    changed = note.get("LAST-MODIFIED") or note.get("DTSTAMP")
    names = item_text.categories(note)
    elements: list[Element | None] = [
        Notes.Subject(unescape_text(note.value("SUMMARY"))),
        Notes.MessageClass(unescape_text(note.value(_CLASS)) or _STICKY),
        Notes.LastModifiedDate(event_times.wire(event_times.of_stamp(changed))) if changed is not None else None,
        Notes.Categories(*(Notes.Category(name) for name in names)) if names else None,
        bodies.body(item_text.forms(note), context.options.bodies),
    ]
    return [one for one in elements if one is not None]


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The journal entry after a device's Add or Change; LastModifiedDate is the desk's to say.

    Raises:
        Unconvertible: it is of another class than notes are, or its text is too long.
    """
    kind = data.text_of(Notes.MessageClass)
    if kind and (kind + ".")[:15].upper() != "IPM.STICKYNOTE.":  # [MS-ASNOTE] §2.2.2.5, §3.2.5.3
        raise Unconvertible("no note")
    stamp = write_wall(int(context.now), utc=True)
    if before is None:
        note = Component("VJOURNAL", [Property("UID", escape_text(uid)), Property("DTSTAMP", stamp)])
        calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", icalendar.PRODID)], [note])
    else:
        found = icalendar.load(before)
        calendar, note = found.calendar, found.components[0]
    as_it_was = render(calendar)
    if (subject := data.text_of(Notes.Subject)) is not None:
        item_text.write_line(note, "SUMMARY", subject)
    if kind:
        item_text.write_line(note, _CLASS, "" if kind.upper() == _STICKY.upper() else kind[:200])
    # [MS-ASNOTE] §3.2.5.3: Categories that are left out of a change are removed; Subject and Body are not.
    if any(tag in data for tag in (Notes.Categories, Notes.MessageClass, Notes.Subject, AirSyncBase.Body)):
        item_text.write_categories(note, data.find(Notes.Categories))
    item_text.write(note, data, context)
    if before is not None and render(calendar) == as_it_was:
        return before  # in the octets of whoever wrote it
    itip.set_value(note, "DTSTAMP", stamp)
    itip.set_value(note, "LAST-MODIFIED", stamp)
    return render(calendar)


CLASS: Final = ItemClass("Notes", Tool.NOTES, (10, 17), ".ics", show, merge, no_uid, "text/calendar", since=140)
