"""Which message about a meeting is the newest one: by SEQUENCE, then by DTSTAMP (RFC 5546 §2.1.5).

Mails overtake each other. What came from whom is remembered apart from the calendar, where people change and delete it:
so an invitation that comes after its own cancellation is passed over, and an older answer does not undo a newer one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.formats import itip
from storage.formats.contentline import Component
from storage.scheduling.people import Person
from storage.scheduling.tables import heard
from storage.store import Transaction

DAYS: Final = 400
"""So long a message is remembered."""
_WHOLE: Final = ""
_INSTANCES_MAX: Final = 100
"""Of one message so many are remembered."""
_STAMP: Final = re.compile(r"\d{8}T\d{6}Z\Z")
_AHEAD_S: Final = 86_400
"""A clock that is more than a day ahead is wrong, and its DTSTAMP says nothing."""


class Revision(NamedTuple):
    """What a message calls itself."""

    sequence: int
    stamp: str
    """DTSTAMP in UTC; "" where it says nothing."""

    def older_than(self, other: Revision) -> bool:
        """Whether `other` was made after this one."""
        if self.sequence != other.sequence:
            return self.sequence < other.sequence
        return bool(self.stamp and other.stamp and self.stamp < other.stamp)


def is_newest(tx: Transaction, person: Person, uid: str, sender: str, message: Component) -> bool:
    """Whether the person got nothing newer from this sender about the meeting, or these instances; remembers it."""
    revision = _revision(tx, message)
    instances = sorted({itip.instance(each) for each in itip.parts(message)})[:_INSTANCES_MAX]
    keys = [_WHOLE] if _WHOLE in instances else instances
    about = {"account_id": person.id, "meeting": hashlib.sha256(uid.encode()).hexdigest(), "sender": sender[:320]}
    known = _known(tx, about, {_WHOLE, *keys})
    if any(revision.older_than(one) for one in known.values()):
        return False
    for key in keys:
        before = known.get(key)
        stamp = revision.stamp or (before.stamp if before is not None else "")
        _remember(tx, {**about, "instance": key, "sequence": revision.sequence, "stamp": stamp, "heard": tx.now})
    return True


def purge(tx: Transaction) -> int:
    """Forget what is too old to come again; how many."""
    old = sa.delete(heard).where(heard.c.heard < tx.now - DAYS * 86_400)
    return int(tx.db.execute(old).rowcount)


def _revision(tx: Transaction, message: Component) -> Revision:
    latest = f"{datetime.fromtimestamp(tx.now + _AHEAD_S, UTC):%Y%m%dT%H%M%SZ}"
    stamps = (each.value("DTSTAMP").strip().upper() for each in itip.parts(message))
    stamp = max((one for one in stamps if _STAMP.match(one) and one <= latest), default="")
    return Revision(itip.latest(message), stamp)


def _known(tx: Transaction, about: Mapping[str, object], instances: Iterable[str]) -> dict[str, Revision]:
    query = sa.select(heard.c.instance, heard.c.sequence, heard.c.stamp).where(
        *(heard.c[name] == value for name, value in about.items()), heard.c.instance.in_(list(instances))
    )
    return {row.instance: Revision(row.sequence, row.stamp) for row in tx.db.execute(query)}


def _remember(tx: Transaction, values: Mapping[str, object]) -> None:
    upsert = postgresql.insert if tx.db.dialect.name == "postgresql" else sqlite.insert
    fresh = {name: values[name] for name in ("sequence", "stamp", "heard")}
    keys = ["account_id", "meeting", "sender", "instance"]
    tx.db.execute(upsert(heard).values(**values).on_conflict_do_update(index_elements=keys, set_=fresh))
