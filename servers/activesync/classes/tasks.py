"""Tasks as a device has them, and as to-dos ([MS-ASTASK] §2.2.2, RFC 5545 §3.6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.activesync import bodies
from servers.activesync.classes import event_details, event_times, recurrences
from servers.activesync.classes.item_class import Context, ItemClass, Unconvertible, no_uid
from servers.activesync.options import HTML, PLAIN, number
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Tasks
from storage.errors import BadFormat
from storage.formats import icalendar, itip, message_text
from storage.formats.contentline import Component, Property, escape_text, render, unescape_text
from storage.formats.datetimes import DAY, Moment, instant, read_duration, read_moment, wall_at, write_wall
from storage.formats.recurrence import Rule
from storage.formats.vcard import listed
from storage.types import Tool

_SENSITIVITY: Final = {"PUBLIC": 0, "PRIVATE": 2, "CONFIDENTIAL": 3}
_CLASSES: Final = {0: "PUBLIC", 1: "PRIVATE", 2: "PRIVATE", 3: "CONFIDENTIAL"}
_REGENERATE: Final = "X-ESCRITOIRE-REGENERATE"
"""A rule that counts from the day on which the task is done: iCalendar has none such, devices do it themselves."""
_KEPT: Final = {Tasks.OrdinalDate: "X-ORDINAL-DATE", Tasks.SubOrdinalDate: "X-SUB-ORDINAL-DATE"}
_PRIORITIES: Final = {0: "9", 1: "5", 2: "1"}
Zones = Mapping[str, Component]


def show(body: bytes, context: Context) -> list[Element]:
    """The elements of a stored to-do."""
    found = icalendar.load(body)
    task = found.components[0]
    zones = event_times.zones_of(found.calendar)
    done = task.value("STATUS").strip().upper() == "COMPLETED" or task.get("COMPLETED") is not None
    completed = task.get("COMPLETED")
    finished = completed or task.get("LAST-MODIFIED") or task.get("DTSTAMP")
    names = listed(task.all("CATEGORIES"))[:300]
    reminder = _reminder(task, zones, context)
    text = unescape_text(task.value("DESCRIPTION"))
    elements: list[Element | None] = [
        Tasks.Subject(unescape_text(task.value("SUMMARY"))),
        Tasks.Importance(importance(task)),
        *_dates(_moment(task, "DTSTART", zones, context), Tasks.UtcStartDate, Tasks.StartDate),
        *_dates(_due(task, zones, context), Tasks.UtcDueDate, Tasks.DueDate),
        Tasks.Complete(1 if done else 0),
        Tasks.DateCompleted(_long(event_times.of_stamp(finished))) if done and finished is not None else None,
        Tasks.Sensitivity(_SENSITIVITY[icalendar.class_of(task)]),
        Tasks.ReminderSet(0 if reminder is None else 1),
        Tasks.ReminderTime(_long(reminder)) if reminder is not None else None,
        Tasks.Categories(*(Tasks.Category(name) for name in names)) if names else None,
        _recurrence(task, zones, context),
        *(tag.given(unescape_text(task.value(name))) for tag, name in _KEPT.items()),
        bodies.body({PLAIN: text}, context.options.bodies) if text else None,
    ]
    return [one for one in elements if one is not None]


def importance(task: Component) -> int:
    """PRIORITY as devices have it: 0 low, 1 normal, 2 high (RFC 5545 §3.8.1.9)."""
    priority = number(task.value("PRIORITY").strip(), 0)
    return 2 if 1 <= priority <= 4 else 0 if priority >= 6 else 1


def merge(data: Element, before: bytes | None, uid: str, context: Context) -> bytes:
    """The to-do after a device's Add or Change.

    Raises:
        Unconvertible: a value is none of its kind.
    """
    stamp = write_wall(int(context.now), utc=True)
    if before is None:
        task = Component("VTODO", [Property("UID", escape_text(uid)), Property("DTSTAMP", stamp)])
        calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", icalendar.PRODID)], [task])
    else:
        found = icalendar.load(before)
        calendar, task = found.calendar, found.components[0]
    zones = event_times.zones_of(calendar)
    if (subject := data.text_of(Tasks.Subject)) is not None:
        event_details.set_text(task, "SUMMARY", event_details.clean(subject))
    if (said := data.text_of(Tasks.Importance)) is not None and number(said, 1) != importance(task):
        itip.set_value(task, "PRIORITY", _PRIORITIES.get(number(said, 1), "5"))
    if (said := data.text_of(Tasks.Sensitivity)) is not None:
        wanted = _CLASSES.get(number(said, 0), "PUBLIC")
        if wanted != icalendar.class_of(task):
            itip.set_value(task, "CLASS", wanted)
    whole = Tasks.Subject in data  # a change of everything: what is left out is taken out
    _write_date(task, data, "DTSTART", (Tasks.UtcStartDate, Tasks.StartDate), zones, context, whole=whole)
    _write_date(task, data, "DUE", (Tasks.UtcDueDate, Tasks.DueDate), zones, context, whole=whole)
    _write_rule(task, data, zones, context, whole=whole)
    _write_completion(task, data, stamp)
    _write_reminder(task, data, zones, context)
    _write_categories(task, data, whole=whole)
    for tag, name in _KEPT.items():
        if (said := data.text_of(tag)) is not None:
            event_details.set_text(task, name, event_details.clean(said)[:200])
    write_text(task, data)
    body = render(calendar)
    if body == before:
        return body
    itip.set_value(task, "DTSTAMP", stamp)
    itip.set_value(task, "LAST-MODIFIED", stamp)
    return render(calendar)


def write_text(component: Component, data: Element) -> None:
    """DESCRIPTION from a Body; a body that was sent cut off says nothing."""
    said = data.find(AirSyncBase.Body)
    if said is None or said.text_of(AirSyncBase.Truncated) == "1":
        return
    text = said.text_of(AirSyncBase.Data) or ""
    if said.text_of(AirSyncBase.Type) == str(HTML):
        text = message_text.plain(text)
    event_details.set_text(component, "DESCRIPTION", event_details.clean(text, 1_000_000))


def _moment(task: Component, name: str, zones: Zones, context: Context) -> tuple[int, int] | None:
    """UTC seconds of a date and the wall that its zone shows then."""
    prop = task.get(name)
    if prop is None:
        return None
    moment, zone = event_times.moment_of(prop, zones, context.zone)
    if moment.is_utc:
        return moment.wall, wall_at(moment.wall, context.zone)
    return instant(moment.wall, zone), moment.wall


def _due(task: Component, zones: Zones, context: Context) -> tuple[int, int] | None:
    due = _moment(task, "DUE", zones, context)
    duration, start = task.get("DURATION"), _moment(task, "DTSTART", zones, context)
    if due is not None or duration is None or start is None:
        return due
    length = read_duration(duration.value).total
    return start[0] + length, start[1] + length


def _dates(moment: tuple[int, int] | None, utc: Tag, local: Tag) -> list[Element | None]:
    """Both of a pair; the second is what the clock shows, and ends with Z all the same (§2.2.2.9, §2.2.2.26)."""
    return [] if moment is None else [utc(_long(moment[0])), local(_long(moment[1]))]


def _long(seconds: int) -> str:
    return event_times.long(event_times.wire(seconds))


def _recurrence(task: Component, zones: Zones, context: Context) -> Element | None:
    prop = task.get("RRULE") or task.get(_REGENERATE)
    first = _moment(task, "DTSTART", zones, context) or _due(task, zones, context)
    if prop is None or first is None or task.get("EXRULE") is not None:
        return None

    def until(rule: Rule) -> str:
        assert rule.until is not None
        return _long(rule.until.wall)

    shown = recurrences.show(Rule.parse(prop.value), first[1], recurrences.TASK, until, context.version)
    if shown is None:
        return None
    shown.children.insert(1, Tasks.Start(_long(first[1])))
    shown.children.append(Tasks.Regenerate(1 if prop.name == _REGENERATE else 0))
    shown.children.append(Tasks.DeadOccur(0))
    return shown


def _write_rule(task: Component, data: Element, zones: Zones, context: Context, *, whole: bool) -> None:
    said = data.find(Tasks.Recurrence)
    if said is not None and said.text_of(Tasks.DeadOccur) == "1":
        said = None  # one that is done, and no longer of the series
    before = _recurrence(task, zones, context)
    if said is None or not said.known:
        if whole and before is not None:
            task.properties = [one for one in task.properties if one.name not in ("RRULE", _REGENERATE)]
        return
    if before is not None and recurrences.same(_bare(before), _bare(said), recurrences.TASK):
        return
    start = task.get("DTSTART")
    dated = start is not None and read_moment(start.value).is_date

    def until(text: str) -> str:
        return write_wall(event_times.seconds_of(text), is_date=dated, utc=not dated)

    rule = recurrences.read(_bare(said), recurrences.TASK, until)
    name = _REGENERATE if said.text_of(Tasks.Regenerate) == "1" else "RRULE"
    task.properties = [one for one in task.properties if one.name not in ("RRULE", _REGENERATE)]
    task.properties.append(Property(name, rule))
    if task.get("DTSTART") is None:
        moment = _due(task, zones, context)
        begin = said.text_of(Tasks.Start)
        if moment is None and begin is None:
            raise Unconvertible("a task that recurs from no day on")
        wall = moment[1] if moment is not None else event_times.seconds_of(begin or "")
        task.properties.append(Property("DTSTART", write_wall(wall, is_date=True), [("VALUE", ["DATE"])]))
        due = task.get("DUE")
        if due is not None:  # RFC 5545 §3.8.2.3: of the same kind, and later
            end = max(moment[1] if moment is not None else wall, wall) // DAY * DAY + DAY
            task.properties.remove(due)
            task.properties.append(Property("DUE", write_wall(end, is_date=True), [("VALUE", ["DATE"])]))


def _bare(said: Element) -> Element:
    other = (Tasks.Start, Tasks.Regenerate, Tasks.DeadOccur)
    return Element(said.tag, "", [one for one in said.known if one.tag not in other])


def _write_date(
    task: Component, data: Element, name: str, tags: tuple[Tag, Tag], zones: Zones, context: Context, *, whole: bool
) -> None:
    utc, local = (data.text_of(tag) for tag in tags)
    before = _moment(task, name, zones, context) if name == "DTSTART" else _due(task, zones, context)
    drop = {name, "DURATION"} if name == "DUE" else {name}
    if not utc and not local:
        if before is not None and (whole or utc is not None or local is not None):
            task.properties = [one for one in task.properties if one.name not in drop]
        return
    seconds = event_times.seconds_of(utc) if utc else None
    wall = event_times.seconds_of(local) if local else wall_at(seconds or 0, context.zone)
    if before is not None and (seconds == before[0] or (seconds is None and wall == before[1])):
        return
    task.properties = [one for one in task.properties if one.name not in drop]
    if wall % DAY == 0 or seconds is None:  # devices know days, not times
        task.properties.append(Property(name, write_wall(wall // DAY * DAY, is_date=True), [("VALUE", ["DATE"])]))
    else:
        task.properties.append(Property(name, write_wall(seconds, utc=True)))
    _agree(task, name, zones, context)


def _agree(task: Component, written: str, zones: Zones, context: Context) -> None:
    """DTSTART and DUE are of one kind (RFC 5545 §3.8.2.3): the other one follows the one that was written."""
    prop, other = task.get(written), task.get("DUE" if written == "DTSTART" else "DTSTART")
    if prop is None or other is None:
        return
    kind = read_moment(prop.value)
    moment = _moment(task, other.name, zones, context)
    if moment is None or read_moment(other.value).is_date == kind.is_date:
        return
    other.params = [("VALUE", ["DATE"])] if kind.is_date else []
    other.value = write_wall(moment[1], is_date=True) if kind.is_date else write_wall(moment[0], utc=True)


def _write_completion(task: Component, data: Element, stamp: str) -> None:
    said = data.text_of(Tasks.Complete)
    if said is None:
        return
    done = task.value("STATUS").strip().upper() == "COMPLETED" or task.get("COMPLETED") is not None
    if (said == "1") == done:
        return
    if said == "1":
        when = data.text_of(Tasks.DateCompleted)
        itip.set_value(task, "STATUS", "COMPLETED")
        itip.set_value(task, "COMPLETED", write_wall(event_times.seconds_of(when), utc=True) if when else stamp)
        itip.set_value(task, "PERCENT-COMPLETE", "100")
        return
    itip.set_value(task, "STATUS", "NEEDS-ACTION")
    task.properties = [one for one in task.properties if one.name not in ("COMPLETED", "PERCENT-COMPLETE")]


def _reminder(task: Component, zones: Zones, context: Context) -> int | None:
    """UTC seconds of the first alarm that is shown."""
    found = _alarm(task, zones, context)
    return None if found is None else found[1]


def _alarm(task: Component, zones: Zones, context: Context) -> tuple[Component, int] | None:
    for alarm in task.of("VALARM"):
        trigger = alarm.get("TRIGGER")
        if trigger is None or alarm.value("ACTION").strip().upper() not in ("DISPLAY", "AUDIO"):
            continue
        try:
            if (trigger.param("VALUE") or "").upper() == "DATE-TIME":
                moment: Moment = read_moment(trigger.value)
                return alarm, moment.wall
            end = (trigger.param("RELATED") or "").upper() == "END"
            base = _due(task, zones, context) if end else _moment(task, "DTSTART", zones, context)
            base = base or _due(task, zones, context)
            if base is not None:
                return alarm, base[0] + read_duration(trigger.value).total
        except BadFormat:
            continue
    return None


def _write_reminder(task: Component, data: Element, zones: Zones, context: Context) -> None:
    said, when = data.text_of(Tasks.ReminderSet), data.text_of(Tasks.ReminderTime)
    found = _alarm(task, zones, context)
    if said is None:
        return
    if said != "1" or not when:
        if said != "1" and found is not None:
            task.components.remove(found[0])
        return
    seconds = event_times.seconds_of(when)
    if found is not None and found[1] == seconds:
        return
    trigger = Property("TRIGGER", write_wall(seconds, utc=True), [("VALUE", ["DATE-TIME"])])
    if found is not None:
        found[0].properties = [one for one in found[0].properties if one.name != "TRIGGER"] + [trigger]
        return
    text = task.value("SUMMARY") or "Reminder"
    task.components.append(
        Component("VALARM", [Property("ACTION", "DISPLAY"), Property("DESCRIPTION", text), trigger])
    )


def _write_categories(task: Component, data: Element, *, whole: bool) -> None:
    said = data.find(Tasks.Categories)
    if said is None and not whole:
        return
    names = [] if said is None else [text for one in said.children if (text := event_details.clean(one.text))][:300]
    if names != listed(task.all("CATEGORIES")):
        task.properties = [one for one in task.properties if one.name != "CATEGORIES"]
        if names:
            task.properties.append(Property("CATEGORIES", ",".join(escape_text(name) for name in names)))


CLASS: Final = ItemClass("Tasks", Tool.TASKS, (7, 15), ".ics", show, merge, no_uid, "text/calendar")
