"""Is every mail, attachment and queued letter what was written? All are read (a part of storage/check.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa

from storage import writing
from storage.attachments.tables import attachments
from storage.check_disk import Problem, located, where_of
from storage.errors import NotFound
from storage.mail.tables import bodies, contents, messages
from storage.outbound.tables import messages as queued
from storage.schema import collections, principals
from storage.store import Transaction

Progress = Callable[[str, int, int], None]

_PAGE: Final = 200
_LOST: Final = "is not stored any more"
_ALTERED: Final = "is not what was written"


def run(tx: Transaction, report: Progress) -> Iterator[Problem]:
    """All of them; what is missing of mail and queue is told by their own checks."""
    yield from _mails(tx, report)
    yield from _attachments(tx, report)
    for row in _pages(tx, queued, (queued.c.blob,), report, "queue"):
        if row.blob is not None and _of_file(tx, row.blob) == _ALTERED:
            yield Problem("body", "outbound queue", f"mail {row.id} {_ALTERED}")


def _mails(tx: Transaction, report: Progress) -> Iterator[Problem]:
    joined = contents.join(bodies, bodies.c.content_id == contents.c.id)
    columns = (contents.c.hash, bodies.c.blob, bodies.c.body)
    for row in _pages(tx, contents, columns, report, "mails", joined):
        if _wrong(tx, row) != _ALTERED:
            continue
        query = located(messages.c.uid).join(messages, messages.c.collection_id == collections.c.id)
        for place in tx.db.execute(query.where(messages.c.content_id == row.id)).all():
            yield Problem("body", where_of(place), f"uid {place.uid} {_ALTERED}")


def _attachments(tx: Transaction, report: Progress) -> Iterator[Problem]:
    joined = attachments.join(principals, principals.c.id == attachments.c.space_id)
    columns = (*(attachments.c[name] for name in ("managed_id", "hash", "blob", "body")), principals.c.name)
    for row in _pages(tx, attachments, columns, report, "attachments", joined):
        if wrong := _wrong(tx, row):
            yield Problem("body", row.name, f"attachment {row.managed_id} {wrong}")


def _pages(
    tx: Transaction, table: sa.Table, columns: tuple[Any, ...], report: Progress, step: str, joined: Any = None
) -> Iterator[Any]:
    """The rows by their number, a few at a time: bodies lie in them."""
    total = tx.db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    query = sa.select(table.c.id, *columns).select_from(table if joined is None else joined)
    done = last = 0
    while rows := tx.db.execute(query.where(table.c.id > last).order_by(table.c.id).limit(_PAGE)).all():
        yield from rows
        last, done = rows[-1].id, done + len(rows)
        report(step, done, total)


def _wrong(tx: Transaction, row: Any) -> str:
    if row.blob is None:
        return "" if writing.digest(row.body or b"") == row.hash else _ALTERED
    return _ALTERED if row.blob[: len(row.hash)] != row.hash else _of_file(tx, row.blob)


def _of_file(tx: Transaction, key: str) -> str:
    try:
        tx.store.blobs.size(key)
    except NotFound:
        return _LOST
    return "" if tx.store.blobs.intact(key) else _ALTERED
