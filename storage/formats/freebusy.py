"""Busy times: which events make them, how they are joined, and the VFREEBUSY that tells them (RFC 4791 §7.10)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from storage.formats.contentline import Component, Property, render
from storage.formats.datetimes import MAX_WALL, MIN_WALL, write_wall
from storage.formats.icalendar import PRODID
from storage.formats.series import FOREVER, Series

BUSY: Final = "BUSY"
TENTATIVE: Final = "BUSY-TENTATIVE"
UNAVAILABLE: Final = "BUSY-UNAVAILABLE"


class Period(NamedTuple):
    """Busy from `start` to `end` (UTC seconds, exclusive); `kind` is an FBTYPE (RFC 5545 §3.2.9)."""

    start: int
    end: int
    kind: str


def kind_of(status: str, *, transparent: bool) -> str | None:
    """The FBTYPE of an event, None if it is free time (RFC 4791 §7.10, table)."""
    status = status.upper()
    if transparent or status == "CANCELLED":
        return None
    return TENTATIVE if status == "TENTATIVE" else BUSY


def ended_before(series: Series, moment: int, floating: tzinfo) -> bool:
    """Whether an event's last instance ended at `moment` (UTC seconds) or earlier (CAL-18).

    Exact where the span of a floating or all-day series is only a bound.
    """
    return series.component == "VEVENT" and not series.overlaps(moment, FOREVER, floating)


def merged(periods: Iterable[tuple[int, int, str]], start: int, end: int) -> list[Period]:
    """Cut at the range, join what touches and is of one kind, sort by time.

    Events without length take no time and vanish.
    """
    return list(map(Period._make, _joined(periods, start, end)))


def _joined(periods: Iterable[tuple[int, int, str]], start: int, end: int) -> list[tuple[int, int, str]]:
    """The same as plain tuples, for the thousand-fold case."""
    joined: dict[str, list[tuple[int, int, str]]] = {}
    for first, last, kind in sorted(periods):
        if first < start:
            first = start
        if last > end:
            last = end
        if first >= last:
            continue
        of_kind = joined.get(kind)
        if of_kind is None:
            joined[kind] = [(first, last, kind)]
            continue
        known = of_kind[-1]
        if first > known[1]:
            of_kind.append((first, last, kind))
        elif last > known[1]:
            of_kind[-1] = (known[0], last, kind)
    return next(iter(joined.values()), []) if len(joined) < 2 else sorted(chain.from_iterable(joined.values()))


def freebusy(
    periods: Iterable[tuple[int, int, str]],
    start: int,
    end: int,
    properties: Iterable[Property] = (),
    *,
    method: str = "",
) -> bytes:
    """Write a calendar with exactly one VFREEBUSY for [start, end) (RFC 4791 §7.10).

    `properties` come from a request: UID, ORGANIZER, ATTENDEE and so on (RFC 6638 §5); `method` makes it a message.
    """
    component = Component("VFREEBUSY")
    component.properties = [
        *properties,
        Property("DTSTAMP", f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"),
        Property("DTSTART", _utc(start)),
        Property("DTEND", _utc(end)),
    ]
    calendar = Component("VCALENDAR", [Property("VERSION", "2.0"), Property("PRODID", PRODID)], [component])
    if method:
        calendar.properties.append(Property("METHOD", method))
    # A month of somebody's time has hundreds of periods: they are written as text, and none needs folding.
    lines = [
        f"FREEBUSY;FBTYPE={kind}:{_utc(first)}/{_utc(last)}\r\n" for first, last, kind in _joined(periods, start, end)
    ]
    head, mark, rest = render(calendar).rpartition(b"END:VFREEBUSY\r\n")
    return b"".join((head, "".join(lines).encode("ascii"), mark, rest))


@lru_cache(maxsize=16_384)
def _utc(instant_s: int) -> str:
    """One moment; people who work together begin and end at the same ones."""
    if not MIN_WALL <= instant_s <= MAX_WALL:
        instant_s = min(max(instant_s, MIN_WALL), MAX_WALL)
    return f"{_day(instant_s // 86_400)}{_clock(instant_s % 86_400)}"


@lru_cache(maxsize=4096)
def _clock(seconds: int) -> str:
    """A time of day; people begin and end at few of them."""
    return f"T{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}Z"


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    """A day since the epoch; the periods of one answer lie on few of them."""
    return write_wall(number * 86_400, is_date=True)
