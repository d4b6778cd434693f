"""The address book process itself, and the requests that contacts programs send."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from servers.carddav.app import PROTOCOL
from servers.dav import application
from servers.dav.names import CARDDAV
from servers.dav.settings import DavSettings
from storage import collections, grants, principals
from storage.store import Store
from storage.types import SITE, Actor, Collection, Principal, Right, SpaceKind
from tests.dav import desk
from tests.dav.desk import Answer, Client

HOME = "/dav/alice/private/"
BOOK = "/dav/alice/private/contacts/"
TEAM = "/dav/groups/IAB/contacts/"
NAMESPACES = 'xmlns:D="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'


def app(store: Store, **settings: Any) -> Callable[..., Iterable[bytes]]:
    """The callable of the address book process."""
    return application.make(store, PROTOCOL, DavSettings(**settings), desk.verifier())


def card(uid: str, *lines: str, name: str = "Ada Lovelace", version: str = "3.0") -> bytes:
    """A vCard with these lines beside UID and FN."""
    family, given = name.rsplit(" ", 1)[-1], name.rsplit(" ", 1)[0]
    head = ["BEGIN:VCARD", f"VERSION:{version}", f"UID:{uid}", f"FN:{name}", f"N:{family};{given};;;"]
    return ("\r\n".join([*head, *lines, "END:VCARD"]) + "\r\n").encode()


def put(client: Client, path: str, body: bytes, **fields: Any) -> Answer:
    """PUT that succeeds."""
    answer = client.request("PUT", path, body, content_type="text/vcard; charset=utf-8", **fields)
    assert answer.status in (201, 204), answer.text
    return answer


def report(client: Client, path: str, body: str, **fields: Any) -> Answer:
    """REPORT; the root element of the body need not declare namespaces."""
    end = min(body.index(mark) for mark in ("/>", ">") if mark in body)
    return client.request("REPORT", path, f"{body[:end]} {NAMESPACES}{body[end:]}", **fields)


def query(
    client: Client,
    path: str,
    conditions: str = "",
    prop: str = "<D:getetag/>",
    *,
    test: str = "",
    limit: int | str | None = None,
    depth: str = "1",
) -> Answer:
    """addressbook-query with the prop-filters of its filter."""
    attribute = f' test="{test}"' if test else ""
    cut = f"<A:limit><A:nresults>{limit}</A:nresults></A:limit>" if limit is not None else ""
    inside = f"<D:prop>{prop}</D:prop><A:filter{attribute}>{conditions}</A:filter>{cut}"
    return report(client, path, f"<A:addressbook-query>{inside}</A:addressbook-query>", depth=depth)


def multiget(
    client: Client, path: str, *hrefs: str, prop: str = "<D:getetag/><A:address-data/>", **fields: Any
) -> Answer:
    """addressbook-multiget."""
    wanted = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return report(
        client, path, f"<A:addressbook-multiget><D:prop>{prop}</D:prop>{wanted}</A:addressbook-multiget>", **fields
    )


def names(answer: Answer) -> set[str]:
    """Last segments of the hrefs of a multistatus, without .vcf."""
    assert answer.status == 207, answer.text
    return {unquote(href.rsplit("/", 1)[1]).removesuffix(".vcf") for href in answer.hrefs()}


def data(answer: Answer) -> list[str]:
    """The texts of address-data in a multistatus."""
    assert answer.status == 207, answer.text
    return [str(found.text) for found in answer.xml.iter(f"{CARDDAV}address-data")]


def person(store: Store, name: str) -> Principal:
    """An account by its login, or a group by its name."""
    with store.read(SITE) as tx:
        return principals.find(tx, SpaceKind.PRIVATE if name.islower() else SpaceKind.GROUP, name)


def grant(store: Store, path: str, who: str, right: Right, *, by: str = "alice", withdraw: bool = False) -> None:
    """Give or take a right on the book or card at a path, as who sets rights there does in the suite."""
    actor = person(store, by)
    segments = path.strip("/").split("/")[1:]
    kind = SpaceKind.GROUP if segments[0] == "groups" else SpaceKind.PRIVATE
    space, name = (segments[1], segments[2]) if kind is SpaceKind.GROUP else (segments[0], segments[2])
    item = segments[3] if len(segments) > 3 else None
    with store.write(Actor(actor.id, actor.name)) as tx:
        found: Collection = collections.find(tx, kind, space, name)
        change = grants.withdraw if withdraw else grants.grant
        change(tx, found, person(store, who), right, item)


__all__ = ["Answer", "Client", "Right"]
