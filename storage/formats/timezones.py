"""What a TZID means: an IANA zone, a Windows name for one, or a VTIMEZONE evaluated here (RFC 5545 §3.6.5).

The zone database is newer than any VTIMEZONE in an old event, so a name that it knows is answered from it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from storage.errors import BadFormat
from storage.formats.contentline import Component
from storage.formats.datetimes import DAY, read_moment, read_offset, wall_of
from storage.formats.recurrence import Freq, Rule
from storage.formats.windows_zones import WINDOWS
from storage.formats.zone_files import vtimezone

MAX_ONSETS: Final = 2_000
"""Changes of offset that one observance may list."""
MAX_ZONE_OCTETS: Final = 64 * 1024
"""Of a VTIMEZONE in a file of many events, each of which gets its own; London's changes since 1916 are half of it."""
MAX_ADDED: Final = 100
"""Definitions added to one object; each look-up of an unknown name costs some files."""
MAX_ENDLESS: Final = 8
"""Rules without an end in one zone: for whatever year is asked about, all of them are asked."""
_ONSETS_OF_YEAR: Final = 64
"""Changes by one of these that are looked at for one year, and those before and after."""
_MOST_A_YEAR: Final = 100


def resolve(tzid: str, vtimezones: Mapping[str, Component]) -> tzinfo | None:
    """The zone that `tzid` names; `vtimezones` are those of the same object, by TZID.

    None if nobody knows it: then its times are best read as floating.
    """
    zone = _named(tzid)
    if zone is not None:
        return zone
    definition = vtimezones.get(tzid)
    if definition is None:
        return None
    location = definition.value("X-LIC-LOCATION").strip()
    if location and (zone := _named(location)) is not None:
        return zone
    known = definition.understood
    if not isinstance(known, _Understood) or known.tzid != tzid:
        # Each of thousands of dates in it would read its thousands of observances again.
        definition.understood = known = _Understood(tzid, _custom(tzid, definition))
    return known.zone


class _Understood(NamedTuple):
    tzid: str
    zone: tzinfo | None


def _custom(tzid: str, definition: Component) -> tzinfo | None:
    try:
        return CustomZone(tzid, _observances(definition))
    except BadFormat:
        return None


def by_reference(tzid: str) -> Component | None:
    """A VTIMEZONE for an IANA name, from 1970 on (RFC 7809 §3.1); None if it is unknown."""
    zone = _named(tzid)
    if zone is UTC:
        return vtimezone(tzid, "Etc/UTC")
    return vtimezone(tzid, zone.key) if isinstance(zone, ZoneInfo) else None


def missing(calendar: Component) -> list[Component]:
    """The VTIMEZONEs that an object came without (RFC 7809 §3.1.4), of zones that the database knows."""
    used: set[str] = set()
    stack = [calendar]
    while stack:
        each = stack.pop()
        used.update(tzid for prop in each.properties if prop.params for tzid in prop.params_of("TZID"))
        stack += each.components
    used -= {each.value("TZID").strip() for each in calendar.of("VTIMEZONE")}
    return [zone for tzid in sorted(used)[:MAX_ADDED] if (zone := by_reference(tzid)) is not None]


def dumps(zone: tzinfo | None) -> str:
    """A short text for a zone, "" for none: an IANA name, or a custom zone's definition."""
    if zone is None:
        return ""
    if isinstance(zone, CustomZone):
        return zone.text
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


@lru_cache(maxsize=512)
def loads(text: str) -> tzinfo | None:
    """Undo `dumps`; a name that the zone database has lost meanwhile is None."""
    if not text:
        return None
    if text.startswith("["):
        name, rows = json.loads(text)
        return CustomZone(name, [Observance(*row) for row in rows])
    return _named(text)


class Observance(NamedTuple):
    """One STANDARD or DAYLIGHT: which offset begins when."""

    daylight: bool
    before_s: int
    """TZOFFSETFROM, seconds east."""
    after_s: int
    """TZOFFSETTO, seconds east."""
    name: str
    onset: int
    """Wall of DTSTART, as the old offset shows it."""
    rules: list[str]
    dates: list[int]


class _Change(NamedTuple):
    at: int
    """UTC seconds."""
    before_s: int
    after_s: int
    daylight: bool
    name: str


class CustomZone(tzinfo):
    """A VTIMEZONE; its onsets are computed for the years asked about, and remembered."""

    def __init__(self, name: str, observances: list[Observance]) -> None:
        """Read its rules and dates.

        Raises:
            BadFormat: a rule cannot be understood, or it changes more often than any place on earth.
        """
        self.name = name
        self.text = json.dumps([name, observances], separators=(",", ":"))
        self._years: dict[int, list[_Change]] = {}
        self._endless: list[tuple[Rule, Observance]] = []
        fixed: set[_Change] = set()
        for seen in observances:
            walls = [seen.onset, *seen.dates]
            for text in seen.rules:
                rule = Rule.parse(text)
                if rule.freq < Freq.MONTHLY:
                    raise BadFormat("a time zone that changes more often than monthly")
                last = rule.last_wall(seen.onset, timezone(timedelta(seconds=seen.before_s)), is_date=False)
                if last is None:
                    self._endless.append((rule, seen))
                    if len(self._endless) > MAX_ENDLESS:
                        raise BadFormat(f"a time zone of more than {MAX_ENDLESS} rules without an end")
                else:
                    walls += islice(rule.walls(seen.onset, seen.onset, last + 1), MAX_ONSETS)
            fixed.update(map(_change, [seen] * len(walls), walls))
        self._fixed = sorted(fixed)
        # RFC 5545 §3.6.5 sets no limit; each time in the zone is looked for among the changes of its year.
        for one, later in zip(self._fixed, self._fixed[_MOST_A_YEAR:], strict=False):
            if later.at - one.at < 365 * DAY:
                raise BadFormat(f"a time zone that changes more than {_MOST_A_YEAR} times in a year")
        self._first_offset = self._fixed[0].before_s if self._fixed else 0

    def _changes(self, year: int) -> list[_Change]:
        """Changes that decide about days of `year`, in order."""
        known = self._years.get(year)
        if known is not None:
            return known
        changes: set[_Change] = set()
        for rule, seen in self._endless:
            back = 1 + (rule.interval if rule.freq is Freq.YEARLY else rule.interval // 12)
            low = wall_of(datetime(max(1, year - back), 1, 1))
            high = wall_of(datetime(min(9999, year + 2), 1, 1))
            walls = rule.walls(seen.onset, low, high)
            changes.update(_change(seen, wall) for wall in islice(walls, _ONSETS_OF_YEAR))
        begin = wall_of(datetime(max(1, year - 1), 1, 1))
        index = bisect_right(self._fixed, begin, key=_moment)
        end = bisect_right(self._fixed, begin + 3 * 366 * DAY, key=_moment)
        changes.update(self._fixed[max(0, index - 1) : end])
        if len(self._years) > 400:
            self._years.clear()
        self._years[year] = ordered = sorted(changes)
        return ordered

    def _at_wall(self, moment: datetime) -> _Change | None:
        wall, changes = wall_of(moment), self._changes(moment.year)
        # No offset is a day: what begins later than in a day has not begun.
        for number in range(bisect_right(changes, wall + DAY, key=_moment), 0, -1):
            change = changes[number - 1]
            # PEP 495: fold 0 stays with the old offset in a gap and in an hour shown twice.
            pick = min if moment.fold else max
            if wall >= change.at + pick(change.before_s, change.after_s):
                return change
        return None

    def utcoffset(self, moment: datetime | None) -> timedelta:
        change = self._at_wall(moment) if moment is not None else None
        return timedelta(seconds=change.after_s if change else self._first_offset)

    def dst(self, moment: datetime | None) -> timedelta:
        change = self._at_wall(moment) if moment is not None else None
        return timedelta(seconds=change.after_s - change.before_s if change and change.daylight else 0)

    def tzname(self, moment: datetime | None) -> str:
        change = self._at_wall(moment) if moment is not None else None
        return (change.name if change else "") or self.name

    def fromutc(self, moment: datetime) -> datetime:
        at = wall_of(moment)
        offset, fold = self._first_offset, 0
        changes = self._changes(moment.year)
        number = bisect_right(changes, at, key=_moment)
        if number:
            change = changes[number - 1]
            offset = change.after_s
            fold = int(at < change.at + change.before_s - change.after_s)
        return (moment + timedelta(seconds=offset)).replace(fold=fold)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return loads, (self.text,)

    def __repr__(self) -> str:
        return f"CustomZone({self.name!r})"


def _moment(change: _Change) -> int:
    return change.at


def _change(seen: Observance, wall: int) -> _Change:
    return _Change(wall - seen.before_s, seen.before_s, seen.after_s, seen.daylight, seen.name)


def _observances(definition: Component) -> list[Observance]:
    """Read the STANDARD and DAYLIGHT parts of a VTIMEZONE.

    Raises:
        BadFormat: there is none, or one of them lacks a date or an offset.
    """
    found: list[Observance] = []
    for part in definition.components:
        if part.name not in ("STANDARD", "DAYLIGHT"):
            continue
        dates = [
            read_moment(piece.partition("/")[0], prop.line).wall
            for prop in part.all("RDATE")
            for piece in islice(prop.value.split(","), MAX_ONSETS)
        ]
        found.append(
            Observance(
                part.name == "DAYLIGHT",
                read_offset(part.value("TZOFFSETFROM"), part.line),
                read_offset(part.value("TZOFFSETTO"), part.line),
                part.value("TZNAME"),
                read_moment(part.value("DTSTART"), part.line).wall,
                [prop.value for prop in part.all("RRULE")],
                dates,
            )
        )
    if not found:
        raise BadFormat("a VTIMEZONE without STANDARD or DAYLIGHT", definition.line)
    return found


@lru_cache(maxsize=1024)
def _named(tzid: str) -> tzinfo | None:
    """IANA and Windows names, IANA names behind a vendor's prefix, in any case of letters."""
    tzid = tzid.strip().strip('"')
    if not tzid or len(tzid) > 200:
        return None
    if tzid.upper() in _UTC_NAMES:
        return UTC
    for name in (tzid, *_suffixes(tzid)):
        zone = _iana(name) or _iana(WINDOWS.get(name, ""))
        if zone is None:
            known = _lower_names().get(name.lower())
            zone = _iana(known) if known else None
        if zone is not None:
            return zone
    return None


_UTC_NAMES: Final = frozenset(
    {
        "UTC",
        "Z",
        "ETC/UTC",
        "GMT",
        "ETC/GMT",
        "ZULU",
        "UCT",
        "TZONE://MICROSOFT/UTC",
        "COORDINATED UNIVERSAL TIME",
    }
)


def _suffixes(tzid: str) -> list[str]:
    """`/mozilla.org/20050126_1/America/Indiana/Knox` ends in an IANA name of three, two or one part."""
    parts = tzid.split("/")
    return ["/".join(parts[-n:]) for n in (3, 2, 1) if tzid.startswith("/") and n < len(parts)]


def _iana(name: str) -> ZoneInfo | None:
    if not name or name.startswith(("/", ".")):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=1)
def _lower_names() -> dict[str, str]:
    return {name.lower(): name for name in (*available_timezones(), *WINDOWS.values())} | {
        name.lower(): zone for name, zone in WINDOWS.items()
    }
