"""DATE, DATE-TIME, DURATION and PERIOD values as whole seconds (RFC 5545 §3.3.4, §3.3.5, §3.3.6, §3.3.9).

A *wall* is what a clock on the wall shows, counted in seconds as if that clock stood in UTC: integers are
what recurrences are computed with. A zone turns a wall into an instant.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from storage.errors import BadFormat

DAY: Final = 86_400
EPOCH_DAY: Final = 719_163
"""Ordinal of 1970-01-01 (`date.toordinal`)."""
MIN_WALL: Final = (date.min.toordinal() - EPOCH_DAY) * DAY
MAX_WALL: Final = (date.max.toordinal() - EPOCH_DAY + 1) * DAY - 1
_EPOCH: Final = datetime(1970, 1, 1)
_SHAPE: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:[Tt](\d\d):?(\d\d)(?::?(\d\d)(?:\.\d+)?)?([Zz])?)?")
_DURATION: Final = re.compile(
    r"([+-])?P(?:(\d{1,7})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?",
    re.IGNORECASE,
)


class Moment(NamedTuple):
    """One DATE or DATE-TIME as written: its wall, and how that wall is meant."""

    wall: int
    is_date: bool
    is_utc: bool


class Duration(NamedTuple):
    """Days are nominal (days on the wall), seconds exact (RFC 5545 §3.3.6); both may be negative."""

    days: int
    seconds: int

    @property
    def total(self) -> int:
        """Seconds, were every day 24 hours long."""
        return self.days * DAY + self.seconds


def read_moment(text: str, line: int = 0) -> Moment:
    """Read a DATE or DATE-TIME; also with the separators of ISO 8601, and without its seconds.

    Raises:
        BadFormat: neither, or not a day of the calendar; carries `line`.
    """
    text = text.strip()
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadFormat(f"not a date or date-time: {text[:40]!r}", line)
    year, month, day, hour, minute, second, utc = found.groups()
    try:
        wall = (date(int(year), int(month), int(day)).toordinal() - EPOCH_DAY) * DAY
    except ValueError:
        raise BadFormat(f"no such day: {text[:40]!r}", line) from None
    if hour is None:
        return Moment(wall, True, False)
    # §3.3.12: a clock without leap seconds reads second 60 as 59.
    hours, minutes, seconds = int(hour), int(minute), min(int(second or 0), 59 if second == "60" else 99)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise BadFormat(f"no such time: {text[:40]!r}", line)
    return Moment(wall + hours * 3600 + minutes * 60 + seconds, False, utc is not None)


def read_duration(text: str, line: int = 0) -> Duration:
    """Read a DURATION; weeks beside days are taken too, as old writers made them.

    Raises:
        BadFormat: it is none; carries `line`.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()[1:]):
        raise BadFormat(f"not a duration: {text[:40]!r}", line)
    sign = -1 if found[1] == "-" else 1
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
    return Duration(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))


def read_offset(text: str, line: int = 0) -> int:
    """Read a UTC-OFFSET (§3.3.14) in seconds east of Greenwich.

    Raises:
        BadFormat: it is none, or a day or more; carries `line`.
    """
    found = re.fullmatch(r"([+-])(\d\d):?(\d\d)(?::?(\d\d))?", text.strip())
    if found is None or int(found[2]) > 23 or int(found[3]) > 59 or int(found[4] or 0) > 59:
        raise BadFormat(f"not an offset from UTC: {text[:40]!r}", line)
    seconds = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4] or 0)
    return -seconds if found[1] == "-" else seconds


def wall_of(value: datetime | date) -> int:
    """The wall of a date (its midnight) or of a date-time, whatever its zone."""
    wall = (value.toordinal() - EPOCH_DAY) * DAY
    if isinstance(value, datetime):
        wall += value.hour * 3600 + value.minute * 60 + value.second
    return wall


def datetime_of(wall: int) -> datetime:
    """The naive date-time of a wall, cut off at the years 1 and 9999."""
    return _EPOCH + timedelta(seconds=min(max(wall, MIN_WALL), MAX_WALL))


def instant(wall: int, zone: tzinfo) -> int:
    """UTC seconds of a wall in `zone`.

    A wall shown twice means the first time, one never shown is read with the offset before the gap (§3.3.5):
    that is fold 0 of PEP 495.
    """
    if zone is UTC:
        return wall
    offset = datetime_of(wall).replace(tzinfo=zone).utcoffset()
    return wall if offset is None else wall - offset.days * DAY - offset.seconds


def wall_at(instant_s: int, zone: tzinfo) -> int:
    """The wall that a clock in `zone` shows at `instant_s` (UTC seconds)."""
    if zone is UTC or not MIN_WALL + DAY <= instant_s <= MAX_WALL - DAY:
        return instant_s
    offset = datetime_of(instant_s).replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return instant_s if offset is None else instant_s + offset.days * DAY + offset.seconds


def write_wall(wall: int, *, is_date: bool = False, utc: bool = False) -> str:
    """Spell a wall as DATE or DATE-TIME."""
    value = datetime_of(wall)
    day = f"{value.year:04}{value.month:02}{value.day:02}"
    if is_date:
        return day
    return f"{day}T{value.hour:02}{value.minute:02}{value.second:02}{'Z' if utc else ''}"
