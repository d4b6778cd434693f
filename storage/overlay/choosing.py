"""What somebody's overlay is made of: chosen, hidden, removed, switched off and on (CAL-19…23).

A calendar of the Internet is a collection of its own, `storage/overlay/refreshing.py` fills it; one of the desk is
only named here, and read with the rights that the actor has there at that moment.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import sqlalchemy as sa

from storage import collections as tree
from storage import plans, preferences
from storage import principals as people
from storage.errors import Exists, LimitReached, NotFound, Refused
from storage.overlay.tables import overlaid, subscriptions
from storage.schema import collections, principals
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Collection, CollectionId, Principal, SpaceKind, Tool

URL_MAX: Final = 2_000
NAME_MAX: Final = 200
_DEFAULT: Final = "events"


@dataclass(frozen=True, slots=True)
class Entry:
    """One calendar of an overlay."""

    name: str
    """What `show`, `hide` and `remove` know it by: a login, `groups/IAB`, or the name of a subscription."""
    title: str
    url: str
    """Where a calendar of the Internet is; "" for one of the desk."""
    shown: bool
    color: str = ""
    events: int = 0
    fetched: float | None = None
    """When it was last read, in seconds since the epoch; None if never, or if it is of the desk."""
    trouble: str = ""
    """Why it could not be read the last time; "" if it could."""


_FEEDS: Final = Statement(
    sa.select(
        subscriptions, collections.c.path, collections.c.display_name, collections.c.color, collections.c.item_count
    )
    .join(collections, collections.c.id == subscriptions.c.collection_id)
    .where(collections.c.space_id == sa.bindparam("actor"))
    .order_by(collections.c.position, collections.c.id)
)
_SPACES: Final = Statement(
    sa.select(overlaid.c.space_id, overlaid.c.shown, principals.c.kind, principals.c.name, principals.c.display_name)
    .join(principals, principals.c.id == overlaid.c.space_id)
    .where(overlaid.c.account_id == sa.bindparam("actor"))
    .order_by(principals.c.kind.desc(), principals.c.name)
)


def entries(tx: Transaction) -> list[Entry]:
    """All of the actor's overlay, also what is hidden; calendars of the desk first."""
    spaces = [Entry(_name_of(row), row.display_name or row.name, "", bool(row.shown)) for row in _of_desk(tx)]
    return spaces + [
        Entry(
            row.path,
            row.display_name or row.path,
            row.url,
            bool(row.shown),
            row.color,
            row.item_count,
            row.fetched,
            row.trouble,
        )
        for row in _FEEDS.all(tx, {"actor": tx.actor.id})
    ]


def is_on(tx: Transaction) -> bool:
    """Whether the actor's overlay is switched on (CAL-22)."""
    return preferences.of(tx, people.me(tx))[preferences.OVERLAY] == "yes"


def switch(tx: Transaction, *, on: bool) -> None:
    """Show the overlay, or nothing of it; what is in it stays chosen (CAL-22)."""
    preferences.choose(tx, people.me(tx), preferences.OVERLAY, "yes" if on else "no")


def calendars(tx: Transaction) -> list[Collection]:
    """The calendars of the desk that the actor's overlay shows, with the rights he has there now (CAL-20, CAL-25).

    What he may no longer see is left out; it is there again when he may.
    """
    wanted = [row for row in _of_desk(tx) if row.shown]
    if not wanted or not is_on(tx):
        return []
    found = []
    for row in wanted:
        try:
            found.append(tree.find(tx, SpaceKind(row.kind), row.name, _DEFAULT))
        except NotFound:
            continue
    return found


def add_calendar(tx: Transaction, space: Principal) -> None:
    """Put the calendar of a co-member or of a group into the actor's overlay (CAL-20).

    Raises:
        NotFound: the actor may not know of it.
        Refused: it is his own.
        Exists: it is there already.
        LimitReached: the plan's number of calendars is reached (CAL-19).
    """
    if space.id == tx.actor.id:
        raise Refused("your own calendar needs no overlay")
    tree.find(tx, space.kind, space.name, _DEFAULT)
    demand_room(tx)
    here = sa.and_(overlaid.c.account_id == tx.actor.id, overlaid.c.space_id == space.id)
    if tx.db.execute(sa.select(overlaid.c.shown).where(here)).first() is not None:
        raise Exists(space.name)
    tx.db.execute(sa.insert(overlaid).values(account_id=tx.actor.id, space_id=space.id, shown=True))


def add_feed(tx: Transaction, name: str, url: str, *, description: str = "", color: str = "") -> Collection:
    """Make the collection of a calendar of the Internet; its first events come by `refreshing.keep` (CAL-21).

    Raises:
        Refused, Conflict: name or URL cannot be one.
        LimitReached: the plan's number of calendars is reached.
    """
    title = " ".join(name.split())
    if not title or len(title) > NAME_MAX:
        raise Refused(f"a subscribed calendar needs a name of at most {NAME_MAX} characters")
    address = clean_url(url)
    demand_room(tx)
    me = people.me(tx)
    made = tree.create(
        tx,
        SpaceKind.PRIVATE,
        me.name,
        tree.free_name(tx, me.id, f"subscribed {title}"),
        Tool.SUBSCRIPTION,
        components=("VEVENT",),
        display_name=title,
        description=description,
        color=color,
    )
    tree.update(tx, made, transparent=True)
    tx.db.execute(sa.insert(subscriptions).values(collection_id=made.id, url=address, next_fetch=tx.now))
    return tree.by_id(tx, made.id)


def show(tx: Transaction, name: str, *, shown: bool) -> None:
    """Show one calendar, or hide it and keep it chosen (CAL-23).

    Raises:
        NotFound: there is none of this name in the actor's overlay.
    """
    here = _table_of(tx, name)
    tx.db.execute(sa.update(here.table).where(here.condition).values(shown=shown))


def remove(tx: Transaction, name: str) -> None:
    """Take one calendar out of the overlay for good; of a subscription all events go (CAL-23).

    Raises:
        NotFound: as in `show`.
    """
    here = _table_of(tx, name)
    if here.feed is not None:
        tree.delete(tx, tree.by_id(tx, here.feed))
    else:
        tx.db.execute(sa.delete(here.table).where(here.condition))


def demand_room(tx: Transaction) -> None:
    """Pass if the actor's plan allows one calendar more in his overlay (CAL-19).

    Raises:
        LimitReached: it does not.
    """
    most = plans.limit(tx, tx.actor.id, "overlay_calendars_max")
    if most is not None and len(entries(tx)) >= most:
        raise LimitReached("overlay_calendars_max", most)


def clean_url(text: str) -> str:
    """The address of a calendar as it is fetched: `https` or `http`; `webcal` is `https` (CAL-21).

    Raises:
        Refused: it is no such address.
    """
    text = text.strip()
    if not text or len(text) > URL_MAX or re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise Refused(f"the address of a calendar has at most {URL_MAX} characters, and no spaces")
    if "://" not in text:
        raise Refused("the address of a calendar begins with https://, webcal:// or http://")
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise Refused("this is no address of a calendar") from None
    scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.lower(), parts.scheme.lower())
    if scheme not in ("https", "http"):
        raise Refused("the address of a calendar begins with https://, webcal:// or http://")
    if parts.username is not None or parts.password is not None:
        raise Refused("name and password do not belong into the address of a calendar")
    place = _host(host) + (f":{port}" if port is not None else "")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit(SplitResult(scheme, place, path, quote(parts.query, safe="/%:@!$&'()*+,;=~-._?"), ""))


def _host(host: str) -> str:
    """A host name in its form for the DNS, or an IP address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        import idna

        try:
            return idna.encode(host, uts46=True).decode("ascii").lower()
        except idna.IDNAError:
            raise Refused("the address of a calendar names no host") from None
    return f"[{address}]" if address.version == 6 else str(address)


@dataclass(frozen=True, slots=True)
class _Place:
    table: sa.Table
    condition: sa.ColumnElement[bool]
    feed: CollectionId | None = None


def _table_of(tx: Transaction, name: str) -> _Place:
    for row in _FEEDS.all(tx, {"actor": tx.actor.id}):
        if row.path == name or row.display_name == name:
            number = CollectionId(row.collection_id)
            return _Place(subscriptions, subscriptions.c.collection_id == number, number)
    for row in _of_desk(tx):
        if _name_of(row) == name:
            return _Place(overlaid, sa.and_(overlaid.c.account_id == tx.actor.id, overlaid.c.space_id == row.space_id))
    raise NotFound(f"there is no {name} in the overlay")


def _of_desk(tx: Transaction) -> list[Any]:
    return list(_SPACES.all(tx, {"actor": tx.actor.id}))


def _name_of(row: Any) -> str:
    return f"groups/{row.name}" if row.kind == SpaceKind.GROUP.value else str(row.name)
