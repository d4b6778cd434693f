"""Time ranges in requests: UTC date-times with a known year, the start before the end (RFC 4791 §9.9)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from servers.dav.errors import refuse
from servers.dav.names import CALDAV
from servers.http.errors import BadRequest

_UTC: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\Z", re.ASCII)


def read(element: etree._Element) -> tuple[int | None, int | None]:
    """`start` and `end` in UTC seconds, None where the range is open; one of them is given.

    Raises:
        HttpError: 403 valid-filter: both are missing, one is no UTC date-time, or the end does not follow
            the start; min-date-time: before the year 1.
    """
    start, end = _bound(element, "start"), _bound(element, "end")
    if start is None and end is None:
        raise refuse(403, f"{CALDAV}valid-filter", reason="a time range has a start or an end")
    if start is not None and end is not None and end <= start:
        raise refuse(403, f"{CALDAV}valid-filter", reason="a time range ends after its start")
    return start, end


def both(element: etree._Element) -> tuple[int, int]:
    """The same where both bounds are demanded (§9.6.5, §9.6.6, §9.6.7, §9.11).

    Raises:
        BadRequest, HttpError: as in `read`.
    """
    start, end = read(element)
    if start is None or end is None:
        raise BadRequest("this time range has a start and an end")
    return start, end


def readable(element: etree._Element) -> bool:
    """Whether it has a bound, and each that it has is written as a UTC date-time (§9.9)."""
    given = [text for name in ("start", "end") if (text := element.get(name)) is not None]
    return bool(given) and all(_UTC.match(text) for text in given)


def _bound(element: etree._Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    found = _UTC.match(text)
    if found is not None and found[1] == "0000":  # §7.8, §5.2.6
        raise refuse(403, f"{CALDAV}min-date-time", reason="time begins with the year 1 here")
    try:
        if found is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        raise refuse(
            403, f"{CALDAV}valid-filter", reason=f"the {name} of a time range is a UTC date-time like 20240131T120000Z"
        ) from None
    return int(moment.timestamp())
