"""calendar.ics: a whole calendar for programs that subscribe (CALSYNC-14, CALSYNC-16, CALSYNC-17)."""

from __future__ import annotations

from servers.feeds.visit import Visit
from servers.http import conditions
from servers.http.response import Response
from storage import calendar_feed
from storage.errors import NotFound
from storage.overlay import merged
from storage.types import SpaceKind


def private(visit: Visit, login: str) -> Response:
    """A person's calendar, with details or busy blocks as his rights say (CAL-07)."""
    return _calendar(visit, SpaceKind.PRIVATE, login)


def group(visit: Visit, group: str) -> Response:
    """A group's calendar, for its members."""
    return _calendar(visit, SpaceKind.GROUP, group)


def on_disk(visit: Visit, login: str, group: str) -> Response:
    """A group's calendar in the reader's own disk; nobody else's disk shows groups."""
    if login != visit.actor.login:
        raise NotFound(group)
    return _calendar(visit, SpaceKind.GROUP, group)


def overlay(visit: Visit, login: str) -> Response:
    """The calendars that somebody laid over his own, each event with its owner's initials (CAL-24, CAL-25)."""
    if login != visit.actor.login:
        raise NotFound(login)
    with visit.store.read(visit.actor) as tx:
        found = merged.whole(tx, visit.known)
    return _file(visit, found, "overlay.ics")


def _calendar(visit: Visit, kind: SpaceKind, space: str) -> Response:
    with visit.store.read(visit.actor) as tx:
        found = calendar_feed.whole(tx, kind, space, visit.known)
    return _file(visit, found, calendar_feed.NAME)


def _file(visit: Visit, found: calendar_feed.Whole, name: str) -> Response:
    fields = visit.fields(found.etag)
    if found.body is None:
        return Response(304, fields)
    headers = [
        ("Content-Type", calendar_feed.MEDIA_TYPE),
        ("Content-Disposition", f'inline; filename="{name}"'),
        ("Last-Modified", conditions.format_date(found.modified)),
    ]
    return Response(200, headers + fields, found.body)
