"""A VTIMEZONE for an IANA name, made of the zone database's own file (RFC 8536, RFC 5545 §3.6.5).

What changed since 1970 is listed; the rule in the file's last line becomes two RRULEs without an end.
"""

from __future__ import annotations

import re
import struct
import zoneinfo
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from storage.formats.contentline import Component, Property
from storage.formats.datetimes import DAY, write_wall
from storage.formats.recurrence import Rule

_FIRST: Final = 0
"""Nothing before 1970 is told (UTC seconds)."""


class _Change(NamedTuple):
    at: int
    before_s: int
    after_s: int
    daylight: bool
    name: str


class _Tail(NamedTuple):
    """One half of the rule that goes on for ever."""

    rule: str
    clock_s: int
    before_s: int
    after_s: int
    daylight: bool
    name: str

    def onset_after(self, at: int) -> int:
        """Wall of the first onset after `at` (UTC seconds)."""
        rule = Rule.parse(self.rule)
        seed = (at // DAY - 400) * DAY + self.clock_s
        return next(wall for wall in rule.walls(seed, at + self.before_s + 1, at + 800 * DAY))


@lru_cache(maxsize=64)
def vtimezone(tzid: str, key: str) -> Component | None:
    """The VTIMEZONE of IANA zone `key`, calling itself `tzid`; None if its file cannot be read."""
    data = _file(key)
    if data is None:
        return None
    changes, base, tails = _read(data)
    begin = changes[-1].at if changes else _FIRST
    resumed: int | None = None
    while tails and changes:
        latest = changes[-1]
        if not any(
            tail.after_s == latest.after_s and tail.onset_after(latest.at - 1) == latest.at + latest.before_s
            for tail in tails
        ):
            break
        # Cairo had no summer for eight years: what the rule says now, it said before as well, but not between.
        if resumed is not None and min(tail.onset_after(latest.at) - tail.before_s for tail in tails) != resumed:
            break
        resumed = changes.pop().at
        begin = resumed - 1
    zone = Component("VTIMEZONE", [Property("TZID", tzid)])
    groups: dict[tuple[int, int, bool, str], list[int]] = {}
    groups[(base.after_s, base.after_s, base.daylight, base.name)] = [_FIRST]
    for change in changes:
        kind = (change.before_s, change.after_s, change.daylight, change.name)
        groups.setdefault(kind, []).append(change.at + change.before_s)
    for (before_s, after_s, daylight, name), walls in groups.items():
        part = _part(daylight, before_s, after_s, name, walls[0])
        part.properties += [Property("RDATE", write_wall(wall)) for wall in walls[1:]]
        zone.components.append(part)
    for tail in tails:
        part = _part(tail.daylight, tail.before_s, tail.after_s, tail.name, tail.onset_after(begin))
        part.properties.append(Property("RRULE", tail.rule))
        zone.components.append(part)
    return zone


def _part(daylight: bool, before_s: int, after_s: int, name: str, onset: int) -> Component:
    return Component(
        "DAYLIGHT" if daylight else "STANDARD",
        [
            Property("DTSTART", write_wall(onset)),
            Property("TZOFFSETFROM", _offset(before_s)),
            Property("TZOFFSETTO", _offset(after_s)),
            Property("TZNAME", name),
        ],
    )


def _offset(seconds: int) -> str:
    sign, rest = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{rest // 3600:02}{rest // 60 % 60:02}"
    return text + (f"{rest % 60:02}" if rest % 60 else "")


def _file(key: str) -> bytes | None:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, key)
        if path.is_file():
            return path.read_bytes()
    try:
        return resources.files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()
    except (ModuleNotFoundError, OSError):
        return None


def _read(data: bytes) -> tuple[list[_Change], _Change, list[_Tail]]:
    """Changes since 1970, what held before them, and the endless rule (RFC 8536 §3)."""
    begin = 44 + _body_size(data, 0, 4)
    _, _, _, times, types, chars = struct.unpack_from(">6l", data, begin + 20)
    at = begin + 44
    moments = struct.unpack_from(f">{times}q", data, at)
    kinds = struct.unpack_from(f">{times}B", data, at + times * 8)
    at += times * 9
    table = [struct.unpack_from(">lbB", data, at + 6 * i) for i in range(types)]
    names = data[at + types * 6 : at + types * 6 + chars]
    footer = data[begin + 44 + _body_size(data, begin, 8) :].strip(b"\n").decode("ascii")

    def change(moment: int, before_s: int, kind: int) -> _Change:
        offset, daylight, index = table[kind]
        name = names[index : names.index(b"\0", index)].decode("ascii")
        return _Change(moment, before_s, offset, bool(daylight), name)

    current = change(_FIRST, 0, 0)
    base = current
    changes: list[_Change] = []
    for moment, kind in zip(moments, kinds, strict=True):
        current = change(moment, current.after_s, kind)
        if moment > _FIRST:
            changes.append(current)
        else:
            base = current
    return changes, base, _tails(footer)


def _body_size(data: bytes, at: int, width: int) -> int:
    """Octets of a block whose header stands at `at`, times being `width` octets wide."""
    is_ut, is_std, leaps, times, types, chars = struct.unpack_from(">6l", data, at + 20)
    return int(times * (width + 1) + types * 6 + chars + leaps * (width + 4) + is_std + is_ut)


_POSIX: Final = re.compile(
    r"(?P<std><[^>]+>|[A-Za-z]+)(?P<std_s>[-+0-9:]+)"
    r"(?:(?P<dst><[^>]+>|[A-Za-z]+)(?P<dst_s>[-+0-9:]+)?"
    r",M(?P<on>\d+\.\d\.\d)(?:/(?P<on_s>[-+0-9:]+))?,M(?P<off>\d+\.\d\.\d)(?:/(?P<off_s>[-+0-9:]+))?)?"
)


def _tails(footer: str) -> list[_Tail]:
    """The two halves of a POSIX TZ text with daylight saving (RFC 8536 §3.3.1); [] if it has none."""
    found = _POSIX.fullmatch(footer)
    if found is None or found["dst"] is None:
        return []
    std_s = -_seconds(found["std_s"])
    dst_s = -_seconds(found["dst_s"]) if found["dst_s"] else std_s + 3600
    std, dst = found["std"].strip("<>"), found["dst"].strip("<>")
    on_rule, on_clock = _yearly(found["on"], _seconds(found["on_s"] or "2"))
    off_rule, off_clock = _yearly(found["off"], _seconds(found["off_s"] or "2"))
    return [
        _Tail(on_rule, on_clock, std_s, dst_s, True, dst),
        _Tail(off_rule, off_clock, dst_s, std_s, False, std),
    ]


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = (*map(int, text.strip("+-").split(":")), 0, 0)[:3]
    return sign * (hours * 3600 + minutes * 60 + seconds)


_DAYS: Final = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_LENGTH: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _yearly(text: str, clock_s: int) -> tuple[str, int]:
    """RRULE and time of day for `month.week.weekday` and a time that may lie on a neighbouring day."""
    month, week, weekday = map(int, text.split("."))
    shift, clock_s = divmod(clock_s, DAY)
    if shift == 0:
        number = -1 if week == 5 else week
        return f"FREQ=YEARLY;BYMONTH={month};BYDAY={number}{_DAYS[weekday]}", clock_s
    first = _LENGTH[month] - 6 if week == 5 else 7 * week - 6
    numbers = range(first + shift, first + shift + 7)
    name = _DAYS[(weekday + shift) % 7]
    if month > 2 and not 1 <= numbers[0] <= numbers[-1] <= _LENGTH[month]:
        # Cairo: the end of the last Thursday of October may be 1 November. From the year's end, leap years are alike.
        before = sum(_LENGTH[:month]) - 366
        return f"FREQ=YEARLY;BYYEARDAY={','.join(str(before + day) for day in numbers)};BYDAY={name}", clock_s
    days = ",".join(map(str, numbers))
    return f"FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={days};BYDAY={name}", clock_s
