"""The 172 octets that say what a time zone is, without its name ([MS-ASDTYPE] §2.7.6).

They hold one rule a year and only names that nobody can rely on: a zone is written for the year of the event, and
what is read is compared with what the zones that are known would have been written as.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from storage.formats import timezones
from storage.formats.windows_zones import WINDOWS

_FORM: Final = struct.Struct("<i64s8Hi64s8Hi")
_COMMON: Final = (
    "Europe/Berlin", "Europe/London", "Europe/Paris", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "Europe/Athens",
    "Europe/Moscow", "America/Sao_Paulo", "UTC",
)  # fmt: skip
"""What is tried first of the zones with the same rules."""


class Change(NamedTuple):
    """When the clocks change: the `week`-th `weekday` (Sunday is 0; 5 is the last one) of a month."""

    month: int
    weekday: int
    week: int
    hour: int
    minute: int


class Rules(NamedTuple):
    """What a blob says, its names left aside."""

    bias: int
    """Minutes from local standard time to UTC: Berlin is -60."""
    standard: Change | None
    """When standard time begins; None where the clocks never change."""
    daylight: Change | None
    daylight_bias: int


NOTHING: Final = Rules(0, None, None, 0)


def write(zone: tzinfo, year: int) -> str:
    """The blob, in base64, of a zone as its rules are in a year."""
    rules = rules_of(zone, year)
    name = (zone.key if isinstance(zone, ZoneInfo) else "UTC" if zone is UTC else "Custom").encode("utf-16-le")[:62]
    return base64.b64encode(
        _FORM.pack(
            rules.bias, name, *_system_time(rules.standard), 0,
            name, *_system_time(rules.daylight), rules.daylight_bias,
        )
    ).decode("ascii")  # fmt: skip


def read(blob: str) -> tuple[Rules, str] | None:
    """What a blob says, and the name that it carries; None if it is none."""
    try:
        octets = base64.b64decode(blob, validate=False)
        fields = _FORM.unpack(octets)
    except (binascii.Error, ValueError, struct.error):
        return None
    bias, name, daylight_bias = fields[0], fields[1], fields[-1]
    standard, daylight = _change(fields[2:10]), _change(fields[12:20])
    if standard is None or daylight is None:
        standard, daylight, daylight_bias = None, None, 0
    bias += fields[10] if abs(fields[10]) < 1440 else 0
    text = name.decode("utf-16-le", "replace").partition("\0")[0]
    return Rules(bias, standard, daylight, daylight_bias), text


def find(blob: str, year: int, preferred: Iterable[tzinfo]) -> tzinfo | None:
    """The zone that a blob means: one of the `preferred` if it fits, else by its name, else the most common one.

    None if it says nothing, or what no zone that is known does.
    """
    found = read(blob)
    if found is None:
        return None
    rules, name = found
    for zone in preferred:
        if _alike(rules_of(zone, year), rules):
            return zone
    if rules == NOTHING and not name:
        return None
    named = timezones.resolve(name, {}) if name else None
    if named is not None and _alike(rules_of(named, year), rules):
        return named
    key = _key(rules, year)
    return None if key is None else ZoneInfo(key)


@lru_cache(maxsize=256)
def _key(rules: Rules, year: int) -> str | None:
    for key in (*_COMMON, *WINDOWS.values()):
        if _alike(rules_of(ZoneInfo(key), year), rules):
            return key
    return None


def _alike(ours: Rules, theirs: Rules) -> bool:
    """The same offsets and the same days; some devices write the hours an hour off."""
    if ours.bias != theirs.bias or (ours.standard is None) != (theirs.standard is None):
        return False
    if ours.standard is None or theirs.standard is None or ours.daylight is None or theirs.daylight is None:
        return True
    if ours.daylight_bias != theirs.daylight_bias:
        return False
    return ours.standard[:3] == theirs.standard[:3] and ours.daylight[:3] == theirs.daylight[:3]


@lru_cache(maxsize=1024)
def rules_of(zone: tzinfo, year: int) -> Rules:
    """The rules of a zone in a year."""
    year = min(max(year, 1900), 2200)
    begin = datetime(year, 1, 1, tzinfo=UTC)
    moments = [begin + timedelta(days=15 * step) for step in range(25)]
    changes = [_between(zone, first, last) for first, last in pairwise(moments)]
    found = [one for one in changes if one is not None]
    offsets = [_minutes(zone, moment) for moment in (begin, *(moment for moment, _, _ in found))]
    if len(found) < 2 or len(set(offsets)) < 2:
        return Rules(-_minutes(zone, moments[-2]), None, None, 0)
    low = min(offsets)
    standard = next((one for one in reversed(found) if one[2] == low), None)
    daylight = next((one for one in reversed(found) if one[2] > low), None)
    if standard is None or daylight is None:
        return Rules(-low, None, None, 0)
    return Rules(-low, _day(*standard[:2]), _day(*daylight[:2]), low - daylight[2])


def _between(zone: tzinfo, first: datetime, last: datetime) -> tuple[datetime, int, int] | None:
    """The change of offset within a span: when (UTC), and the offsets before and after it, minutes east."""
    before, after = _minutes(zone, first), _minutes(zone, last)
    if before == after:
        return None
    low, high = 0, int((last - first).total_seconds()) // 60
    while high - low > 1:
        middle = (low + high) // 2
        if _minutes(zone, first + timedelta(minutes=middle)) == before:
            low = middle
        else:
            high = middle
    return first + timedelta(minutes=high), before, after


def _minutes(zone: tzinfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) // 60


def _day(moment: datetime, before: int) -> Change:
    wall = moment + timedelta(minutes=before)
    last = wall.day + 7 > calendar.monthrange(wall.year, wall.month)[1]
    week = 5 if last else (wall.day - 1) // 7 + 1
    return Change(wall.month, (wall.weekday() + 1) % 7, week, wall.hour, wall.minute)


def _system_time(change: Change | None) -> tuple[int, ...]:
    """Year, month, day of the week, day, hour, minute, second, millisecond."""
    if change is None:
        return (0,) * 8
    return (0, change.month, change.weekday, change.week, change.hour, change.minute, 0, 0)


def _change(fields: tuple[int, ...]) -> Change | None:
    year, month, weekday, day, hour, minute = fields[:6]
    if not 1 <= month <= 12:
        return None
    if year:  # a day of one year: as good as its week
        try:
            moment = datetime(year, month, day)
        except ValueError:
            return None
        change = _day(moment.replace(tzinfo=UTC), 0)
        return change._replace(hour=hour, minute=minute)
    return Change(month, weekday % 7, day, hour, minute)
