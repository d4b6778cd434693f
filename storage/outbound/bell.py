"""The bell of the queue: rung when a mail comes in or is released, so that a worker need not look.

To the bus it is a collection without an id of its own (docs/decisions/0160). PostgreSQL's NOTIFY names it, which is
the whole message; SQLite's bus sees only that something was written, and compares a number.
"""

from __future__ import annotations

import time
from typing import Final

import sqlalchemy as sa

from storage.schema import site_values
from storage.types import CollectionId

BELL: Final = CollectionId(0)
NAME: Final = "outbound"

_here: Final = site_values.c.name == NAME
_raised: Final = sa.cast(sa.cast(site_values.c.value, sa.BigInteger) + 1, sa.Text)
_RING: Final = sa.update(site_values).where(_here).values(value=_raised)
_NUMBER: Final = sa.select(site_values.c.value).where(_here)


def ring(db: sa.Connection, touched: set[CollectionId]) -> None:
    """Wake the workers when this transaction commits."""
    touched.add(BELL)
    # With PostgreSQL, one row that all must write would make senders wait for one another.
    if db.dialect.name == "sqlite" and not db.execute(_RING).rowcount:
        db.execute(sa.insert(site_values).values(name=NAME, value="1"))


def number(db: sa.Connection) -> int:
    """What the bus compares: it differs after every ringing."""
    if db.dialect.name != "sqlite":
        return time.monotonic_ns()  # whoever asks was told
    return int(db.execute(_NUMBER).scalar() or 0)
