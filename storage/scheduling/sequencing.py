"""Which message about a meeting is the newest one: by SEQUENCE, then by DTSTAMP (RFC 5546 §2.1.5).

Mails overtake each other. What came from whom is remembered apart from the calendar, where people change and delete it:
so an invitation that comes after its own cancellation is passed over, and an older answer does not undo a newer one.
What the account itself said is remembered beside it (storage/scheduling/asking.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
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
WHOLE: Final = ""
INSTANCES_MAX: Final = 100
"""Of one message so many are remembered."""
_STAMP: Final = re.compile(r"\d{8}T\d{6}Z\Z")
_AHEAD_S: Final = 86_400
"""A clock that is more than a day ahead is wrong, and its DTSTAMP says nothing."""


class Revision(NamedTuple):
    """What a message calls itself, or an instance in it."""

    sequence: int
    stamp: str
    """DTSTAMP in UTC; "" where it says nothing."""

    def older_than(self, other: Revision) -> bool:
        """Whether `other` was made after this one, of the same instance."""
        if self.sequence != other.sequence:
            return self.sequence < other.sequence
        return bool(self.stamp and other.stamp and self.stamp < other.stamp)

    def sent_before(self, other: Revision) -> bool:
        """The same where one is of the series and one of an instance, each of which counts for itself."""
        if self.stamp and other.stamp and self.stamp != other.stamp:
            return self.stamp < other.stamp
        return self.older_than(other)


class Judged(NamedTuple):
    """What was known about a meeting when a message about it came."""

    before: Mapping[str, Revision]
    """By instance."""
    newer: frozenset[str]
    """Instances that a newer message spoke of: what this one says of them is passed over."""


def receive(tx: Transaction, person: Person, uid: str, sender: str, message: Component) -> Judged | None:
    """Compare a message with those before it of this sender to this person, and remember it; None if it is old."""
    stamp = _stamp(tx, message)
    found = {itip.instance(each): Revision(itip.sequence(each), stamp) for each in itip.parts(message)}
    keys = [*found][:INSTANCES_MAX]  # the series comes first
    about = mark(person, uid, sender)
    known = _known(tx, about, {WHOLE, *keys}, stamp if WHOLE in found else "")
    if WHOLE in found:
        if WHOLE in known and found[WHOLE].older_than(known[WHOLE]):
            return None
        newer = {key for key, one in known.items() if key and stamp and one.stamp > stamp}
        stale = sa.delete(heard).where(*_where(about), heard.c.instance.not_in(keys), heard.c.stamp <= stamp)
        tx.db.execute(stale)
    else:
        newer = {key for key, one in found.items() if _passed(one, known.get(key), known.get(WHOLE))}
        if len(newer) == len(found):
            return None
    for key in keys:
        if key not in newer:
            before = known.get(key)
            said = stamp or (before.stamp if before is not None else "")
            remember(tx, about, key, Revision(found[key].sequence, said))
    return Judged(known, frozenset(newer))


def purge(tx: Transaction) -> int:
    """Forget what is too old to come again; how many."""
    old = sa.delete(heard).where(heard.c.heard < tx.now - DAYS * 86_400)
    return int(tx.db.execute(old).rowcount)


def mark(person: Person, uid: str, sender: str) -> dict[str, object]:
    """Whose messages to whom about what, as the table has it."""
    meeting = hashlib.sha256(uid.encode()).hexdigest()
    return {"account_id": person.id, "meeting": meeting, "sender": sender[:320]}


def known(tx: Transaction, about: Mapping[str, object], instances: Collection[str] | None = None) -> dict[str, int]:
    """The SEQUENCE that is remembered of each instance, or of these."""
    query = sa.select(heard.c.instance, heard.c.sequence).where(*_where(about))
    if instances is not None:
        query = query.where(heard.c.instance.in_(list(instances)))
    return {row.instance: row.sequence for row in tx.db.execute(query)}


def remember(tx: Transaction, about: Mapping[str, object], instance: str, revision: Revision) -> None:
    """Keep what is the newest now."""
    upsert = postgresql.insert if tx.db.dialect.name == "postgresql" else sqlite.insert
    fresh = {"sequence": revision.sequence, "stamp": revision.stamp, "heard": tx.now}
    keys = ["account_id", "meeting", "sender", "instance"]
    values = {**about, "instance": instance, **fresh}
    tx.db.execute(upsert(heard).values(**values).on_conflict_do_update(index_elements=keys, set_=fresh))


def forget(tx: Transaction, about: Mapping[str, object], instances: Collection[str] | None = None) -> None:
    """Know nothing any more, or not of these; without a sender in `about`, of nobody."""
    query = sa.delete(heard).where(*_where(about))
    if instances is not None:
        query = query.where(heard.c.instance.in_(list(instances)))
    tx.db.execute(query)


def _passed(one: Revision, same: Revision | None, whole: Revision | None) -> bool:
    return (same is not None and one.older_than(same)) or (whole is not None and one.sent_before(whole))


def _where(about: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    return [heard.c[name] == value for name, value in about.items()]


def _stamp(tx: Transaction, message: Component) -> str:
    latest = f"{datetime.fromtimestamp(tx.now + _AHEAD_S, UTC):%Y%m%dT%H%M%SZ}"
    stamps = (each.value("DTSTAMP").strip().upper() for each in itip.parts(message))
    return max((one for one in stamps if _STAMP.match(one) and one <= latest), default="")


def _known(
    tx: Transaction, about: Mapping[str, object], instances: Iterable[str], after: str
) -> dict[str, Revision]:
    """What is known of some instances, and, with a stamp, of all that were spoken of `after` it."""
    wanted: sa.ColumnElement[bool] = heard.c.instance.in_(list(instances))
    if after:
        wanted = sa.or_(wanted, heard.c.stamp > after)
    query = sa.select(heard.c.instance, heard.c.sequence, heard.c.stamp).where(*_where(about), wanted)
    return {row.instance: Revision(row.sequence, row.stamp) for row in tx.db.execute(query)}
