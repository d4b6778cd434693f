"""The calendar process itself, and the requests that calendar programs send."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

from servers.caldav.app import PROTOCOL
from servers.dav import application
from servers.dav.names import CALDAV
from servers.dav.settings import DavSettings
from storage import collections, grants, principals
from storage.store import Store
from storage.types import SITE, Actor, Collection, Principal, Right, SpaceKind
from tests.dav import desk
from tests.dav.desk import DAV, Answer, Client

HOME = "/dav/alice/private/"
EVENTS = "/dav/alice/private/events/"
TASKS = "/dav/alice/private/tasks/"
NOTES = "/dav/alice/private/notes/"
TEAM = "/dav/groups/IAB/events/"
NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/" '
    'xmlns:I="http://apple.com/ns/ical/"'
)


def app(store: Store, **settings: Any) -> Callable[..., Iterable[bytes]]:
    """The callable of the calendar process."""
    return application.make(store, PROTOCOL, DavSettings(**settings), desk.verifier())


def calendar(*lines: str, around: str = "VEVENT") -> bytes:
    """An object of one component; lines of others follow a line that begins it."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    return ("\r\n".join([*head, f"BEGIN:{around}", *lines, f"END:{around}", "END:VCALENDAR"]) + "\r\n").encode()


def event(uid: str, *lines: str, around: str = "VEVENT") -> bytes:
    """An event (to-do, journal entry) with these lines beside UID and DTSTAMP."""
    return calendar(f"UID:{uid}", "DTSTAMP:20250101T000000Z", *lines, around=around)


def next_event(*lines: str) -> tuple[str, ...]:
    """Lines that end one VEVENT and begin another one, to be given to `event`."""
    return ("END:VEVENT", "BEGIN:VEVENT", *lines)


def put(client: Client, path: str, body: bytes, **fields: Any) -> Answer:
    """PUT that succeeds."""
    answer = client.request("PUT", path, body, content_type="text/calendar; charset=utf-8", **fields)
    assert answer.status in (201, 204), answer.text
    return answer


def report(client: Client, path: str, body: str, **fields: Any) -> Answer:
    """REPORT; the root element of the body need not declare namespaces."""
    end = min(body.index(mark) for mark in ("/>", ">") if mark in body)
    return client.request("REPORT", path, f"{body[:end]} {NAMESPACES}{body[end:]}", **fields)


def query(
    client: Client,
    path: str,
    condition: str,
    prop: str = "<D:getetag/>",
    *,
    more: str = "",
    depth: str = "1",
    **fields: Any,
) -> Answer:
    """calendar-query with what stands inside the comp-filter of VCALENDAR."""
    inside = f'<C:comp-filter name="VCALENDAR">{condition}</C:comp-filter>'
    body = f"<C:calendar-query><D:prop>{prop}</D:prop><C:filter>{inside}</C:filter>{more}</C:calendar-query>"
    return report(client, path, body, depth=depth, **fields)


def multiget(
    client: Client, path: str, *hrefs: str, prop: str = "<D:getetag/><C:calendar-data/>", **fields: Any
) -> Answer:
    """calendar-multiget."""
    wanted = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return report(client, path, f"<C:calendar-multiget><D:prop>{prop}</D:prop>{wanted}</C:calendar-multiget>", **fields)


def freebusy(client: Client, path: str, start: str, end: str, **fields: Any) -> Answer:
    """free-busy-query."""
    span = f'<C:time-range start="{start}" end="{end}"/>'
    return report(client, path, f"<C:free-busy-query>{span}</C:free-busy-query>", **{"depth": "1"} | fields)


def periods(answer: Answer) -> list[str]:
    """The FREEBUSY lines of a free-busy-query's answer, unfolded, without their name."""
    assert answer.status == 200, answer.text
    assert answer.text.count("BEGIN:VFREEBUSY") == 1
    lines = answer.text.replace("\r\n ", "").split("\r\n")
    return [line.removeprefix("FREEBUSY;FBTYPE=") for line in lines if line.startswith("FREEBUSY")]


def names(answer: Answer) -> set[str]:
    """Last segments of the hrefs of a multistatus, without .ics."""
    assert answer.status == 207, answer.text
    return {unquote(href.rsplit("/", 1)[1]).removesuffix(".ics") for href in answer.hrefs()}


def data(answer: Answer) -> list[str]:
    """The texts of calendar-data in a multistatus."""
    assert answer.status == 207, answer.text
    return [str(found.text) for found in answer.xml.iter(f"{CALDAV}calendar-data")]


def span(start: str = "", end: str = "", name: str = "VEVENT") -> str:
    """A comp-filter with a time range."""
    bounds = (f' start="{start}"' if start else "") + (f' end="{end}"' if end else "")
    return f'<C:comp-filter name="{name}"><C:time-range{bounds}/></C:comp-filter>'


def person(store: Store, name: str) -> Principal:
    """An account by its login, or a group by its name."""
    with store.read(SITE) as tx:
        return principals.find(tx, SpaceKind.PRIVATE if name.islower() else SpaceKind.GROUP, name)


def grant(store: Store, path: str, who: str, right: Right, *, by: str = "alice", withdraw: bool = False) -> None:
    """Give or take a right on the collection or item at a path, as its owner does in the suite."""
    actor = person(store, by)
    segments = path.strip("/").split("/")[1:]
    kind = SpaceKind.GROUP if segments[0] == "groups" else SpaceKind.PRIVATE
    space, name = (segments[1], segments[2]) if kind is SpaceKind.GROUP else (segments[0], segments[2])
    item = segments[3] if len(segments) > 3 else None
    with store.write(Actor(actor.id, actor.name)) as tx:
        found: Collection = collections.find(tx, kind, space, name)
        change = grants.withdraw if withdraw else grants.grant
        change(tx, found, person(store, who), right, item)


__all__ = ["CALDAV", "DAV", "Answer", "Client", "Right", "quote"]
