"""Conditional requests (RFC 9110 §13): parsed once, evaluated in the order of §13.2.2."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from time import gmtime
from typing import Final

from servers.http.errors import BadRequest, HttpError
from servers.http.request import Request
from servers.http.response import Response
from storage.types import ANY, UNCONDITIONAL, Precondition

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TAG: Final = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|\Z)')


def entity_tags(value: str, *, weak: bool) -> frozenset[str]:
    """The opaque tags of an If-Match or If-None-Match field, or `ANY` for `*` (RFC 9110 §8.8.3).

    `weak` keeps weak ones (weak comparison); otherwise they match nothing (strong comparison, §13.1.1).

    Raises:
        BadRequest: the field breaks the grammar.
    """
    if value.strip() == "*":
        return ANY
    tags: set[str] = set()
    at = 0
    while at < len(value):
        found = _TAG.match(value, at)
        if found is None:
            # Some clients leave out the quotes: take what they mean.
            bare = value[at:].strip()
            if re.fullmatch(r"[\x21\x23-\x2b\x2d-\x7e]+", bare):
                tags.add(bare)
                break
            raise BadRequest("an entity tag is badly formed")
        if not found[1] or weak:
            tags.add(found[2])
        at = found.end()
    return frozenset(tags)


def http_date(value: str | None) -> float | None:
    """Seconds since the epoch; None for an absent or unreadable date, which is ignored (§13.1.3)."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        return None


def format_date(seconds: float) -> str:
    """An IMF-fixdate (RFC 9110 §5.6.7)."""
    return _format(int(seconds))


@lru_cache(maxsize=8192)
def _format(seconds: int) -> str:
    """In a listing of thousands, many were written within the same seconds."""
    year, month, day, hour, minute, second, weekday, _, _ = gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def precondition(request: Request) -> Precondition:
    """What the store checks inside the writing transaction (SYS-06, RFC 6638 §3.2.10.1).

    Raises:
        BadRequest: a field breaks the grammar.
    """
    match = request.header("If-Match")
    none_match = request.header("If-None-Match")
    schedule_tag = request.header("If-Schedule-Tag-Match")
    if match is none_match is schedule_tag is None:
        return UNCONDITIONAL
    return Precondition(
        match=None if match is None else entity_tags(match, weak=False),
        none_match=None if none_match is None else entity_tags(none_match, weak=True),
        schedule_tag=None if schedule_tag is None else _one_tag(schedule_tag),
    )


def check_unmodified_since(request: Request, modified: float | None) -> None:
    """Evaluate If-Unmodified-Since, which counts only without If-Match (§13.1.4).

    Raises:
        HttpError: 412, the resource changed later.
    """
    if request.header("If-Match") is not None or modified is None:
        return
    since = http_date(request.header("If-Unmodified-Since"))
    if since is not None and int(modified) > since:
        raise HttpError(412)


def check_untagged(request: Request) -> None:
    """Evaluate If-Match and If-None-Match on a resource that is there and has no entity tag: only `*` says that of it.

    Raises:
        HttpError: 412; 304 for a GET or HEAD (§13.1.1, §13.1.2).
    """
    match, none_match = request.header("If-Match"), request.header("If-None-Match")
    if match is not None and entity_tags(match, weak=False) != ANY:
        raise HttpError(412, "this resource has no entity tag")
    if none_match is not None and entity_tags(none_match, weak=True) == ANY:
        raise HttpError(304, body=b"") if request.method in ("GET", "HEAD") else HttpError(412)


def check_absent(request: Request) -> None:
    """Evaluate If-Match where nothing is: no condition of it holds (§13.1.1).

    Raises:
        HttpError: 412.
    """
    if request.header("If-Match") is not None:
        raise HttpError(412, "nothing is there")


def check_read(request: Request, etag: str, modified: float) -> Response | None:
    """Evaluate the conditions of a GET or HEAD; return the 304 to send, if it is one.

    Raises:
        HttpError: 412.
    """
    match = request.header("If-Match")
    if match is not None:
        wanted = entity_tags(match, weak=False)
        if wanted != ANY and etag not in wanted:
            raise HttpError(412)
    else:
        check_unmodified_since(request, modified)
    none_match = request.header("If-None-Match")
    if none_match is not None:
        wanted = entity_tags(none_match, weak=True)
        fresh = wanted == ANY or etag in wanted
    else:
        since = http_date(request.header("If-Modified-Since"))
        fresh = since is not None and int(modified) <= since
    if not fresh:
        return None
    return Response(304, [("ETag", f'"{etag}"'), ("Last-Modified", format_date(modified))])


def range_applies(request: Request, etag: str) -> bool:
    """Whether the Range field is to be honoured, as If-Range says (§13.1.5).

    A date never says enough: clients set the times of files, so two contents may have the same (§8.8.2.2); and who
    was given an entity tag must not send one.
    """
    value = request.header("If-Range")
    if value is None:
        return True
    return value.startswith('"') and etag in entity_tags(value, weak=False)


def _one_tag(value: str) -> str:
    tags = entity_tags(value, weak=False)
    if len(tags) != 1:
        raise BadRequest("If-Schedule-Tag-Match takes one tag")
    return next(iter(tags))
