"""Remove the bodies that no row refers to, once no transaction can still come to refer to them (DESIGN §2).

A body is put before the transaction that refers to it commits, and a put of content that is already
there makes it young again. So whatever is unreferenced *and* older than the longest transaction can
be removed; `BlobStore.remove` looks at the age once more, with puts kept out.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa

from storage.attachments.tables import attachments
from storage.mail.tables import bodies as message_bodies
from storage.outbound.tables import messages as outbound_messages
from storage.schema import items, versions
from storage.store import Transaction

log = logging.getLogger(__name__)

_HOLDERS: Final = (items, versions, message_bodies, outbound_messages, attachments)
GRACE_S: Final = 86_400
_PAGE: Final = 500


def collect(tx: Transaction, older_than_s: float = GRACE_S) -> int:
    """Remove unreferenced bodies put longer ago than that, and what dead writers left; return how many.

    A reading transaction is enough. Nothing may be removed for less than the time that the longest
    transaction takes; 0 is for tests and for a desk that nobody uses.
    """
    blobs = tx.store.blobs
    limit = time.time() - older_than_s
    old = (key for key in blobs.keys() if (stored := blobs.stored(key)) is not None and stored <= limit)  # noqa: SIM118
    removed = sum(1 for key in unreferenced(tx, old) if blobs.remove(key, older_than_s))
    removed += blobs.sweep(max(older_than_s, GRACE_S))
    if removed:
        log.info("blobs-collected", extra={"count": removed})
    return removed


def unreferenced(tx: Transaction, keys: Iterable[str]) -> Iterator[str]:
    """Those of `keys` that no item, kept version, message, queued mail or attachment refers to."""
    remaining = iter(keys)
    while page := list(itertools.islice(remaining, _PAGE)):
        yield from sorted(set(page) - referenced(tx, page))


def referenced(tx: Transaction, keys: list[str]) -> set[str]:
    """Those of a few `keys` that a row refers to."""
    found: set[str] = set()
    for table in _HOLDERS:
        found.update(tx.db.execute(sa.select(table.c.blob).where(table.c.blob.in_(keys))).scalars())
    return found


def missing(tx: Transaction) -> list[str]:
    """Keys that a row refers to and that are not in the blob store."""
    wanted: set[str] = set()
    for table in _HOLDERS:
        query = sa.select(table.c.blob).where(table.c.blob.is_not(None)).distinct()
        wanted.update(tx.db.execute(query).scalars())
    return sorted(key for key in wanted if tx.store.blobs.stored(key) is None)
