"""Every address of this process: who may come, and which handler answers; in the order they are asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from servers.feeds import calendars, changes, discovery, events, folders, infos, mails, public, reminders, search, wiki
from servers.http.response import Response


class Door(Enum):
    """Who may come in."""

    LOGIN = "login"
    FEED = "feed"
    """Those who log in, or hold the secret of this very feed (CALSYNC-19)."""
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Route:
    """One row; `pattern` matches the decoded path, its groups are the handler's arguments."""

    pattern: re.Pattern[str]
    door: Door
    handler: Callable[..., Response]
    section: str


_PARTS: Final = {
    "login": r"(?P<login>[^/]+)",
    "group": r"(?P<group>[^/]+)",
    "span": r"(?P<span>today|week|month|30days)",
    "form": r"(?P<form>rss|atom)",
    "path": r"(?P<path>(?:/[^/]+)*)",
}


def _route(shape: str, door: Door, handler: Callable[..., Response], section: str) -> Route:
    pattern = re.sub(r"\\\{(\w+)\\\}", lambda found: _PARTS[found[1]], re.escape(shape))
    return Route(re.compile(pattern + r"\Z"), door, handler, section)


ROUTES: Final[tuple[Route, ...]] = (
    _route("/.well-known/autoconfig/mail/config-v1.1.xml", Door.PUBLIC, discovery.autoconfig, "SYS-14"),
    _route("/mail/config-v1.1.xml", Door.PUBLIC, discovery.autoconfig, "SYS-14"),
    _route("/apple.mobileconfig", Door.PUBLIC, discovery.profile, "SYS-14"),
    _route("/docs/{login}/private/calendar.ics", Door.LOGIN, calendars.private, "CALSYNC-14, 16"),
    _route("/docs/{login}/{group}/calendar.ics", Door.LOGIN, calendars.on_disk, "CALSYNC-14"),
    _route("/public/groups/{group}{path}", Door.PUBLIC, public.group, "DOC-38"),
    _route("/public/{login}{path}", Door.PUBLIC, public.private, "DOC-38"),
    _route("/feeds/public/groups/{group}{path}/index.{form}", Door.PUBLIC, folders.of_public_group, "DOC-49, 50"),
    _route("/feeds/public/{login}{path}/index.{form}", Door.PUBLIC, folders.of_public, "DOC-49, 50"),
    _route("/wiki/groups/{group}{path}", Door.LOGIN, wiki.group, "WIKI-05"),
    _route("/wiki/{login}/private{path}", Door.LOGIN, wiki.private, "WIKI-05"),
    _route("/feeds/groups/{group}/docs{path}/index.{form}", Door.FEED, folders.group, "DOC-48"),
    _route("/feeds/groups/{group}/favourites{path}/index.{form}", Door.FEED, folders.group_favourites, "FAV-12"),
    _route("/feeds/{login}/private/docs{path}/index.{form}", Door.FEED, folders.private, "DOC-48"),
    _route("/feeds/{login}/private/favourites{path}/index.{form}", Door.FEED, folders.private_favourites, "FAV-12"),
    # No secret for searches: whoever held it could search for anything.
    _route("/feeds/{login}/search.{form}", Door.LOGIN, search.search, "DOC-34"),
    _route("/feeds/{login}/infos.{form}", Door.FEED, infos.infos, "INFO-01"),
    _route("/feeds/{login}/reminders.{form}", Door.FEED, reminders.reminders, "REM-05"),
    _route("/feeds/groups/{group}/calendar.ics", Door.FEED, calendars.group, "CALSYNC-19"),
    _route("/feeds/groups/{group}/events/{span}.{form}", Door.FEED, events.group, "CALSYNC-18, 20"),
    _route("/feeds/{login}/private/calendar.ics", Door.FEED, calendars.private, "CALSYNC-19"),
    _route("/feeds/{login}/private/events/{span}.{form}", Door.FEED, events.private, "CALSYNC-18, 20"),
    _route("/feeds/{login}/private/mail{path}.{form}", Door.FEED, mails.mailbox, "MSG-68"),
    _route("/feeds/{login}/changes.{form}", Door.FEED, changes.changes, "ACC-06"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A route with the arguments of one address."""

    route: Route
    arguments: dict[str, str]


def find(segments: Sequence[str]) -> Found | None:
    """Whose turn it is for a decoded path."""
    path = "/" + "/".join(segments)
    for route in ROUTES:
        found = route.pattern.match(path)
        if found is not None:
            arguments = found.groupdict()
            if "login" in arguments:
                arguments["login"] = arguments["login"].lower()  # ACC-01
            return Found(route, arguments)
    return None


def feed_of(segments: Sequence[str]) -> str:
    """What a token opens: the path below `/feeds/` without the form; "" if this is no feed for tokens."""
    found = find(segments)
    if found is None or found.route.door is not Door.FEED:
        return ""
    below = list(segments[1:])
    if "login" in found.arguments:
        below[0] = found.arguments["login"]
    return "/".join(below).removesuffix(".rss").removesuffix(".atom")
