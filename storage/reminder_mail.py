"""The mail that reminds somebody of his event, in his language, and the SMS (REM-01, REM-02, SYS-16)."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from storage.formats import alarms, icalendar
from storage.formats.contentline import Component, unescape_text

_WORDS: Final = {
    "en": "Reminder",
    "fr": "Rappel",
    "de": "Erinnerung",
    "es": "Recordatorio",
    "it": "Promemoria",
    "nl": "Herinnering",
}


def text_of(
    language: str, obj: icalendar.CalendarObject, due: alarms.Due, zone: tzinfo, clock_h: int = 24
) -> tuple[str, str]:
    """Subject and text of the mail to the owner; `zone` and `clock_h` say how he reads the time."""
    source = _source(obj, due)
    summary = _line(source, "SUMMARY") or "-"
    moment = datetime.fromtimestamp(due.start, zone)
    when = f"{moment:%Y-%m-%d}" if due.all_day else f"{_time(moment, clock_h)} ({moment.tzname()})"
    place = _line(source, "LOCATION")
    text = unescape_text(source.value("DESCRIPTION")).strip()[:10_000]
    said = "\n".join([summary, when, *([place] if place else []), *(["", text] if text else [])]) + "\n"
    return f"{_WORDS.get(language[:2], _WORDS['en'])}: {summary}", said


def short(obj: icalendar.CalendarObject, due: alarms.Due, zone: tzinfo, clock_h: int = 24) -> str:
    """The same as an SMS: when, what and where, on one line (REM-02)."""
    source = _source(obj, due)
    moment = datetime.fromtimestamp(due.start, zone)
    when = f"{moment:%Y-%m-%d}" if due.all_day else _time(moment, clock_h)
    place = _line(source, "LOCATION")
    return f"{when} {_line(source, 'SUMMARY') or '-'}{', ' + place if place else ''}"


def _time(moment: datetime, clock_h: int) -> str:
    """Day and time by a clock of 12 or 24 hours (CAL-27)."""
    return f"{moment:%Y-%m-%d %H:%M}" if clock_h == 24 else f"{moment:%Y-%m-%d} {f'{moment:%I:%M %p}'.lstrip('0')}"


def _source(obj: icalendar.CalendarObject, due: alarms.Due) -> Component:
    parts = [each for each in obj.calendar.components if each.name != "VTIMEZONE"]
    return parts[due.part] if due.part >= 0 else obj.components[0]


def _line(source: Component, name: str) -> str:
    return " ".join(unescape_text(source.value(name)).split())
