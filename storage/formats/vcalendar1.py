"""vCalendar 1.0, iCalendar's ancestor in old phones and programs: translated to 2.0 and back (CAL-28, CAL-29).

It has no time zones to speak of, no DATE values, no overridden instances and a recurrence grammar of its own;
what that means for each translation is said where it is done.
"""

from __future__ import annotations

import quopri
import re
from typing import Final

from storage.errors import BadFormat
from storage.formats import mime_charsets
from storage.formats.contentline import Component, Params, Property, escape_text
from storage.formats.datetimes import DAY, Moment, read_duration, read_moment, write_wall
from storage.formats.vcalendar1_rules import upgrade_rule

_TEXTS: Final = frozenset({"SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "CONTACT", "RELATED-TO", "UID"})
_LISTS: Final = frozenset({"CATEGORIES", "RESOURCES"})
_STAMPS: Final = {"DCREATED": "CREATED", "LAST-MODIFIED": "LAST-MODIFIED", "COMPLETED": "COMPLETED"}
_ALARMS: Final = {"DALARM": "DISPLAY", "AALARM": "AUDIO", "MALARM": "EMAIL"}
_DROPPED: Final = frozenset({"PALARM", "RNUM", "TZ", "DAYLIGHT"})
"""PALARM starts a program; RNUM follows from the rule; local times stay local, whatever zone the writer was in."""
_EVENT_STATUS: Final = {"TENTATIVE": "TENTATIVE", "CONFIRMED": "CONFIRMED", "ACCEPTED": "CONFIRMED"}
_TODO_STATUS: Final = {
    "NEEDS ACTION": "NEEDS-ACTION",
    "NEEDS-ACTION": "NEEDS-ACTION",
    "COMPLETED": "COMPLETED",
    "ACCEPTED": "IN-PROCESS",
    "CONFIRMED": "IN-PROCESS",
    "DECLINED": "CANCELLED",
}
_PARTSTAT: Final = {
    "ACCEPTED": "ACCEPTED",
    "CONFIRMED": "ACCEPTED",
    "DECLINED": "DECLINED",
    "TENTATIVE": "TENTATIVE",
    "DELEGATED": "DELEGATED",
}
_ADDRESS: Final = re.compile(
    r"(?:\"?+(?P<name>[^<\"]*+)\"?+\s*+<)?+(?:mailto:)?+(?P<mail>[^\s<>@]++@[^\s<>@]++)>?+", re.IGNORECASE
)
"""Of a value without white space around it; possessive, so that it takes no longer than the value is."""


def upgrade(calendar: Component) -> Component:
    """Translate a vCalendar 1.0 into iCalendar 2.0.

    Raises:
        BadFormat: a date or a rule that nobody can understand; its line is named.
    """
    new = Component("VCALENDAR", [Property("VERSION", "2.0")], line=calendar.line)
    new.properties += [
        Property(prop.name, escape_text(_decoded(prop)), line=prop.line)
        for prop in calendar.properties
        if prop.name == "PRODID" or prop.name.startswith("X-")
    ]
    new.components = [_component(each) if each.name in ("VEVENT", "VTODO") else each for each in calendar.components]
    return new


def _component(old: Component) -> Component:
    new = Component(old.name, line=old.line)
    all_day = _all_day(old)
    dtstart = old.get("DTSTART")
    start = read_moment(dtstart.value, dtstart.line) if dtstart is not None else None
    for prop in old.properties:
        name, value, line = prop.name, prop.value.strip(), prop.line
        if name in ("DTSTART", "DTEND", "DUE"):
            new.properties.append(_moment(name, read_moment(value, line), all_day, line))
        elif name in ("EXDATE", "RDATE"):
            new.properties += [
                _moment(name, read_moment(each, line), all_day, line)
                for each in re.split(r"[;,]", value)
                if each.strip()
            ]
        elif name in ("RRULE", "EXRULE"):
            if start is None:
                raise BadFormat(f"{name} without DTSTART", line)
            rule = upgrade_rule(value, Moment(start.wall, all_day or start.is_date, start.is_utc), line)
            new.properties.append(Property(name, rule, line=line))
        elif name in _ALARMS:
            alarm = _alarm(prop, start)
            if alarm is not None:
                new.components.append(alarm)
        elif name not in _DROPPED:
            new.properties += _plain(prop, old.name)
    new.components += old.components
    return new


def _plain(prop: Property, kind: str) -> list[Property]:
    """A property that is no time and no alarm."""
    name, value, line = prop.name, _decoded(prop), prop.line
    if name in _LISTS:
        pieces = [piece.strip() for piece in re.split(r"(?<!\\)[;,]", value) if piece.strip()]
        return [Property(name, ",".join(escape_text(_bare(piece)) for piece in pieces), line=line)]
    if name in _STAMPS:
        moment = read_moment(value, line)
        return [Property(_STAMPS[name], write_wall(moment.wall, utc=True), line=line)]
    if name == "TRANSP":
        busy = value.strip() in ("", "0", "OPAQUE")
        return [Property(name, "OPAQUE" if busy else "TRANSPARENT", line=line)]
    if name == "STATUS":
        known = (_TODO_STATUS if kind == "VTODO" else _EVENT_STATUS).get(value.strip().upper())
        return [Property(name, known, line=line)] if known else []
    if name == "ATTENDEE":
        return [_attendee(prop, value)]
    if name == "GEO":
        return [Property(name, value.replace(",", ";"), line=line)]
    if name == "ATTACH":
        params: Params = []
        if (prop.param("ENCODING") or "").upper() in ("BASE64", "B"):
            params = [("ENCODING", ["BASE64"]), ("VALUE", ["BINARY"])]
            value = "".join(value.split())
        return [Property(name, value, params, line=line)]
    if name in _TEXTS or name.startswith("X-"):
        return [Property(name, escape_text(_bare(value)), line=line)]
    return [Property(name, value.strip(), line=line)]


def _decoded(prop: Property) -> str:
    """The value without its transfer encoding (RFC 2045 §6.7, as vCalendar 1.0 uses it)."""
    if (prop.param("ENCODING") or "").upper() != "QUOTED-PRINTABLE":
        return prop.value
    # Characters that should have been encoded and were not are those of the file, already decoded.
    data = quopri.decodestring(prop.value.encode("utf-8"))
    return mime_charsets.decode(data, prop.param("CHARSET") or "")  # Python knows codecs that are no character sets


def _bare(text: str) -> str:
    return text.replace("\\;", ";").replace("\\,", ",")


def _all_day(old: Component) -> bool:
    """Whether it is meant to last whole days: from midnight to midnight, or to the last minute before it."""
    if "DTSTART" not in {prop.name for prop in old.properties} or old.name != "VEVENT":
        return False
    start = read_moment(old.value("DTSTART"), 0) if _is_moment(old.value("DTSTART")) else None
    end = read_moment(old.value("DTEND"), 0) if _is_moment(old.value("DTEND")) else None
    if start is None or start.is_utc or start.wall % DAY:
        return False
    if start.is_date:
        return True
    return end is not None and not end.is_utc and end.wall > start.wall and -end.wall % DAY <= 60


def _is_moment(text: str) -> bool:
    try:
        read_moment(text)
    except BadFormat:
        return False
    return True


def _moment(name: str, moment: Moment, all_day: bool, line: int) -> Property:
    if moment.is_date or all_day:
        wall = moment.wall
        if name == "DTEND":
            wall += -wall % DAY  # 23:59 and 23:59:59 mean midnight
        return Property(name, write_wall(wall, is_date=True), [("VALUE", ["DATE"])], line=line)
    return Property(name, write_wall(moment.wall, utc=moment.is_utc), line=line)


def _attendee(prop: Property, value: str) -> Property:
    found = _ADDRESS.fullmatch(value.strip())
    params: Params = []
    name = (found["name"] or "").strip() if found else value.strip()
    if name:
        params.append(("CN", [name]))
    role = (prop.param("ROLE") or "").upper()
    address = f"mailto:{found['mail']}" if found else "invalid:nomail"
    if role in ("ORGANIZER", "OWNER"):
        return Property("ORGANIZER", address, params, line=prop.line)
    state = (prop.param("STATUS") or "").upper()
    params.append(("PARTSTAT", [_PARTSTAT.get(state, "NEEDS-ACTION")]))
    if (prop.param("RSVP") or "").upper() in ("YES", "TRUE"):
        params.append(("RSVP", ["TRUE"]))
    if (prop.param("EXPECT") or "").upper() == "FYI":
        params.append(("ROLE", ["NON-PARTICIPANT"]))
    return Property("ATTENDEE", address, params, line=prop.line)


def _alarm(prop: Property, start: Moment | None) -> Component | None:
    """A VALARM for `run time; snooze time; repeat count; what`, None where its time makes no sense here."""
    fields = [field.strip() for field in re.split(r"(?<!\\);", _decoded(prop))] + [""] * 4
    trigger = _trigger(fields[0], start, prop.line)
    if trigger is None:
        return None
    action = _ALARMS[prop.name]
    alarm = Component("VALARM", [Property("ACTION", action), trigger], line=prop.line)
    try:
        repeat, pause = int(fields[2] or 0), read_duration(fields[1] or "PT5M")
        if 0 < repeat <= 100 and pause.total > 0:
            alarm.properties += [Property("REPEAT", str(repeat)), Property("DURATION", fields[1] or "PT5M")]
    except (ValueError, BadFormat):
        pass  # an unreadable snooze does not cost the alarm
    text = escape_text(_bare(fields[4] or fields[3] if action == "EMAIL" else fields[3])) or "Reminder"
    if action == "AUDIO":
        if re.match(r"[a-z][a-z0-9+.-]*:", fields[3], re.IGNORECASE):
            alarm.properties.append(Property("ATTACH", fields[3]))
        return alarm
    alarm.properties.append(Property("DESCRIPTION", text))
    if action == "EMAIL":
        found = _ADDRESS.fullmatch(fields[3])
        if found is None:
            return None
        alarm.properties += [Property("SUMMARY", text), Property("ATTENDEE", f"mailto:{found['mail']}")]
    return alarm


def _trigger(run: str, start: Moment | None, line: int) -> Property | None:
    """Relative where that can be said, so that it holds for every instance."""
    if not run:
        return None
    if run[0] in "Pp+-":
        read_duration(run, line)
        return Property("TRIGGER", run.upper(), line=line)
    moment = read_moment(run, line)
    if start is not None and moment.is_utc == start.is_utc:
        return Property("TRIGGER", write_duration(moment.wall - start.wall), line=line)
    if moment.is_utc:
        return Property("TRIGGER", write_wall(moment.wall, utc=True), [("VALUE", ["DATE-TIME"])], line=line)
    return None


def write_duration(seconds: int) -> str:
    """Spell a DURATION (RFC 5545 §3.3.6)."""
    sign = "-" if seconds < 0 else ""
    rest = abs(seconds)
    days, rest = divmod(rest, DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if number)
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"{sign}P{text or 'T0S'}"
