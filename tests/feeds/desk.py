"""What the tests put into a desk, and how they read its feeds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
from lxml import etree

from storage import accounts, calendar, contacts, grants, items, preferences, principals
from storage import collections as tree
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.dav.desk import Answer

_ATOM = etree.RelaxNG(file=str(Path(__file__).parents[1] / "corpora" / "atom" / "rfc4287.rng"))
_REQUIRED = ("title", "link", "description")


def actor(store: Store, login: str) -> Actor:
    with store.read(SITE) as tx:
        known = accounts.credentials(tx, login)
    assert known is not None
    return Actor(known.id, known.login)


def put(store: Store, login: str, name: str, body: bytes, collection: str = "events", group: str = "") -> None:
    """Store an event (or to-do, or card) as its owner, or a group's, would."""
    kind, space = (SpaceKind.GROUP, group) if group else (SpaceKind.PRIVATE, login)
    prepare = contacts.prepare if collection == "contacts" else calendar.prepare
    with store.write(actor(store, login)) as tx:
        items.put(tx, tree.find(tx, kind, space, collection), name, prepare(body))


def grant(store: Store, owner: str, grantee: str, right: Right, item: str | None = None) -> None:
    with store.write(actor(store, owner)) as tx:
        events = tree.find(tx, SpaceKind.PRIVATE, owner, "events")
        grants.grant(tx, events, principals.find(tx, SpaceKind.PRIVATE, grantee), right, item)


def prefer(store: Store, login: str, **values: str) -> None:
    with store.write(actor(store, login)) as tx:
        for name, value in values.items():
            preferences.choose(tx, principals.me(tx), name, value)


def event(uid: str, begin: datetime, end: datetime, summary: str = "Tea", extra: str = "") -> bytes:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART:{_utc(begin)}\r\nDTEND:{_utc(end)}\r\n"
        f"SUMMARY:{summary}\r\n{extra}END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def all_day(uid: str, first: datetime, summary: str = "Feast") -> bytes:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART;VALUE=DATE:{first:%Y%m%d}\r\n"
        f"SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def read(answer: Answer) -> Any:
    """A feed as a reader sees it, after it was held against its standard."""
    assert answer.status == 200, answer.text
    root = etree.fromstring(answer.body)
    if root.tag == "rss":
        _check_rss(root)
        assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
    else:
        _ATOM.assertValid(root)  # RFC 4287 Appendix B
        ids = [one.text for one in root.iter("{http://www.w3.org/2005/Atom}id")]
        assert len(set(ids)) == len(ids), "RFC 4287 §4.2.6"
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    found = feedparser.parse(answer.body)
    assert not found.bozo, found.get("bozo_exception")
    return found


def titles(answer: Answer) -> list[str]:
    return [entry.title for entry in read(answer).entries]


def _check_rss(root: etree._Element) -> None:
    """What the RSS 2.0 specification demands, and the Advisory Board's best practices."""
    assert root.get("version") == "2.0"
    [channel] = root
    assert channel.tag == "channel"
    for name in _REQUIRED:
        assert len(channel.findall(name)) == 1, f"exactly one {name} in the channel"
    assert channel.find("{http://www.w3.org/2005/Atom}link").get("rel") == "self"
    guids = []
    for item in channel.findall("item"):
        assert item.findtext("title") or item.findtext("description")
        guid = item.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        guids.append(guid.text)
        assert datetime.strptime(item.findtext("pubDate"), "%a, %d %b %Y %H:%M:%S GMT")
        assert item.find("author") is None, "it would have to be a mail address"
        for enclosure in item.findall("enclosure"):
            assert set(enclosure.attrib) == {"url", "length", "type"}
    assert len(set(guids)) == len(guids)
