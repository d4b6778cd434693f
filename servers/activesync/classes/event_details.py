"""The parts of an event that a series and a single instance of it can both have, written as a device said them."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from servers.activesync import bodies, html_text
from servers.activesync.classes import event_place, event_times, item_text, property_text, timezone_blob
from servers.activesync.classes.event_times import Times
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.options import HTML, PLAIN, number
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Calendar
from storage.errors import BadFormat
from storage.formats import icalendar, itip, timezones
from storage.formats.contentline import Component, Property, escape_text, unescape_text
from storage.formats.datetimes import DAY, datetime_of, read_duration, read_moment, write_wall
from storage.formats.vcard import listed

_CLASSES: Final = {0: "PUBLIC", 1: "PRIVATE", 2: "PRIVATE", 3: "CONFIDENTIAL"}
_BUSY: Final = {1: "TENTATIVE", 2: "BUSY", 3: "OOF", 4: "WORKINGELSEWHERE"}
_BODY_MAX: Final = 1_000_000
_MINUTES_MAX: Final = 366 * 24 * 60


def write_details(event: Component, data: Element, context: Context, *, inherits: bool) -> None:
    """What a series and a single instance of it can both say; with `inherits` what is left out stays."""
    _write_text(event, data, Calendar.Subject, "SUMMARY", context, inherits=True)
    if context.version >= 160:
        place = data.find(AirSyncBase.Location)
        if place is not None:
            event_place.write(event, place)
    elif Calendar.Location in data or not (inherits or not context.clears(Calendar.Location)):
        event_place.write_text(event, property_text.clean(data.text_of(Calendar.Location) or ""))
    if (said := data.text_of(Calendar.Sensitivity)) is not None:
        wanted = _CLASSES.get(number(said, 0), "PUBLIC")
        if wanted != icalendar.class_of(event):
            itip.set_value(event, "CLASS", wanted)
    write_busy(event, data)
    if not inherits or Calendar.Reminder in data:
        write_reminder(event, data, context)
    if not inherits or Calendar.Categories in data:
        write_categories(event, data, context)
    _write_body(event, data, context)


def write_own(event: Component, data: Element, context: Context, *, inherits: bool = False) -> None:
    """What in a meeting of somebody else is the account's own; with `inherits` what is left out stays."""
    if not inherits or Calendar.Reminder in data:
        write_reminder(event, data, context)
    write_busy(event, data)
    if not inherits or Calendar.Categories in data:
        write_categories(event, data, context)


def _write_text(event: Component, data: Element, tag: Tag, name: str, context: Context, *, inherits: bool) -> None:
    said = data.text_of(tag)
    if said is None:
        if inherits or not context.clears(tag):
            return
        said = ""
    property_text.set_text(event, name, property_text.clean(said))


def write_busy(event: Component, data: Element) -> None:
    """TRANSP, and what iCalendar has no word for."""
    said = data.text_of(Calendar.BusyStatus)
    if said is None or not said.strip():
        return
    busy = number(said, 2)
    free = event.value("TRANSP").strip().upper() == "TRANSPARENT"
    if busy == 0 and not free:
        itip.set_value(event, "TRANSP", "TRANSPARENT")
    elif busy != 0 and free:
        itip.set_value(event, "TRANSP", "OPAQUE")
    before = event.value("X-MICROSOFT-CDO-BUSYSTATUS").strip().upper()
    name = _BUSY.get(busy, "")
    if name in ("OOF", "WORKINGELSEWHERE") or (name and before and before != name):
        if before != name:
            itip.set_value(event, "X-MICROSOFT-CDO-BUSYSTATUS", name)
    elif busy == 1 and not before and event.get("ORGANIZER") is None:
        itip.set_value(event, "X-MICROSOFT-CDO-BUSYSTATUS", name)


def minutes_before(event: Component) -> int | None:
    """Minutes of the first alarm that is told before the start; None if there is none ([MS-ASCAL] §2.2.2.38)."""
    alarm = _alarm(event)
    return None if alarm is None else alarm[1]


def _alarm(event: Component) -> tuple[Component, int] | None:
    for alarm in event.of("VALARM"):
        trigger = alarm.get("TRIGGER")
        action = alarm.value("ACTION").strip().upper()
        if trigger is None or action not in ("DISPLAY", "AUDIO") or (trigger.param("RELATED") or "").upper() == "END":
            continue
        try:
            seconds = read_duration(trigger.value).total
        except BadFormat:
            continue  # a point in time
        if seconds <= 0:
            return alarm, -seconds // 60
    return None


def write_reminder(event: Component, data: Element, context: Context) -> None:
    """The alarm that the device knows of; others stay."""
    said = data.text_of(Calendar.Reminder)
    if said is None and (context.version >= 160 or not context.clears(Calendar.Reminder)):
        return
    wanted = None if said is None or not said.strip() else min(number(said, 0), _MINUTES_MAX)
    found = _alarm(event)
    if (None if found is None else found[1]) == wanted:
        return
    if wanted is None:
        assert found is not None
        event.components.remove(found[0])
    elif found is not None:
        itip.set_value(found[0], "TRIGGER", f"-PT{wanted}M")
    else:
        text = event.value("SUMMARY") or "Reminder"
        properties = [("ACTION", "DISPLAY"), ("DESCRIPTION", text), ("TRIGGER", f"-PT{wanted}M")]
        event.components.append(Component("VALARM", [Property(name, value) for name, value in properties]))


def write_categories(event: Component, data: Element, context: Context) -> None:
    """CATEGORIES."""
    said = data.find(Calendar.Categories)
    if said is None and (context.version >= 160 or not context.clears(Calendar.Categories)):
        return
    names = [] if said is None else [text for one in said.children if (text := property_text.clean(one.text))][:300]
    if names == listed(event.all("CATEGORIES")):
        return
    event.properties = [one for one in event.properties if one.name != "CATEGORIES"]
    if names:
        event.properties.append(Property("CATEGORIES", ",".join(escape_text(name) for name in names)))


def forms(event: Component) -> dict[int, str]:
    """The forms that its text exists in, HTML only if it is the same text, or the only one; without any it has none."""
    found = item_text.forms(event)
    if found[PLAIN]:
        return found
    markup = event.get("X-ALT-DESC")
    if markup is None or (markup.param("FMTTYPE") or "").lower() != "text/html":
        return {}
    return {HTML: unescape_text(markup.value)}


def _write_body(event: Component, data: Element, context: Context) -> None:
    said = data.find(AirSyncBase.Body)
    if said is None or bodies.is_as_shown(said, forms(event), context.options.bodies):
        return
    text = (said.text_of(AirSyncBase.Data) or "")[:_BODY_MAX].replace("\r\n", "\n")
    text = property_text.CONTROL.sub("", text)
    markup = ""
    if said.text_of(AirSyncBase.Type) == str(HTML):
        markup, text = text, html_text.plain(text)
    alternative = event.get("X-ALT-DESC")
    if markup and alternative is not None and unescape_text(alternative.value).strip() == markup.strip():
        return
    if text.strip() == unescape_text(event.value("DESCRIPTION")).replace("\r\n", "\n").strip():
        return
    event.properties = [one for one in event.properties if one.name not in ("DESCRIPTION", "X-ALT-DESC")]
    if text.strip():
        event.properties.append(Property("DESCRIPTION", escape_text(text.strip())))
    if markup.strip():
        event.properties.append(Property("X-ALT-DESC", escape_text(markup), [("FMTTYPE", ["text/html"])]))


def write_times(calendar: Component, event: Component, data: Element, old: Times | None, context: Context) -> Times:
    """DTSTART and DTEND, in the zone that the device means; what says the same is left as it is."""
    start_text, end_text = data.text_of(Calendar.StartTime), data.text_of(Calendar.EndTime)
    if old is None:
        start_text, end_text = _completed(start_text, end_text, context)
    start = event_times.seconds_of(start_text) if start_text else _shown_begin(old, context)
    length = 0 if old is None else old.over - old.begin
    end = event_times.seconds_of(end_text) if end_text else start + length
    said = data.text_of(Calendar.AllDayEvent)
    all_day = said == "1" if said is not None else old is not None and old.all_day
    if old is not None and all_day == old.all_day and _same(old, start, end, context):
        return old
    zone, tzid = _zone(calendar, data.text_of(Calendar.Timezone) or "", start, old, context)
    if all_day:
        first = event_times.day_of(start, zone, context)
        last = max(event_times.day_of(end, zone, context, end=True), first + DAY)
        starts = Property("DTSTART", write_wall(first, is_date=True), [("VALUE", ["DATE"])])
        ends = Property("DTEND", write_wall(last, is_date=True), [("VALUE", ["DATE"])])
    else:
        starts = event_times.property_of("DTSTART", start, zone, tzid)
        ends = event_times.property_of("DTEND", max(end, start), zone, tzid)
    event.properties = [one for one in event.properties if one.name not in ("DTSTART", "DTEND", "DURATION")]
    event.properties += [starts, ends]
    return event_times.of(event, event_times.zones_of(calendar), context.zone)


def _completed(start: str | None, end: str | None, context: Context) -> tuple[str, str]:
    """The times of a new event of which one is left out: from now, to the half hour ([MS-ASCAL] §3.2.4.1).

    What began already and says no end has no length.

    Raises:
        Unconvertible: as named there.
    """
    half_hour = 1_800
    now = round(context.now / half_hour) * half_hour
    if start is None and end is None:
        return event_times.wire(now), event_times.wire(now + half_hour)
    if start is None and end is not None and event_times.seconds_of(end) > now:
        return event_times.wire(now), end
    if start is not None and end is None and event_times.seconds_of(start) <= context.now:
        return start, start
    if not start or not end:
        raise Unconvertible("an event without its start or its end")
    return start, end


def _shown_begin(old: Times | None, context: Context) -> int:
    assert old is not None
    return read_moment(event_times.wire_moment(old.start, old.zone, context.version)).wall


def _same(old: Times, start: int, end: int, context: Context) -> bool:
    if old.all_day:
        first = event_times.day_of(start, old.zone, context)
        return (first, max(event_times.day_of(end, old.zone, context, end=True), first + DAY)) == (
            old.start.wall, old.end.wall,
        )  # fmt: skip
    return (old.begin, old.over) == (start, max(end, start))


def _zone(calendar: Component, blob: str, start: int, old: Times | None, context: Context) -> tuple[tzinfo, str]:
    """The zone of an event and its name; its VTIMEZONE is put into the calendar."""
    year = datetime_of(start).year
    present = [] if old is None or old.all_day else [old.zone]
    found = timezone_blob.find(blob, year, [*present, context.zone]) if blob else None
    if found is None:
        found = present[0] if present else context.zone
    if old is not None and found is old.zone and old.tzid:
        return found, old.tzid
    if found is UTC or not isinstance(found, ZoneInfo):
        return UTC, ""
    name = found.key
    if name not in ("UTC", "Etc/UTC") and name not in event_times.zones_of(calendar):
        definition = timezones.by_reference(name)
        if definition is None:
            return UTC, ""
        calendar.components.insert(0, definition)
    return (UTC, "") if name in ("UTC", "Etc/UTC") else (found, name)
