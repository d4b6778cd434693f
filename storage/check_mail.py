"""Is the mail consistent? Counters, numbers, contents and their bodies (a part of storage/check.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from storage import blob_collection
from storage.check_disk import Problem, located, where_of
from storage.mail import change_log
from storage.mail.flags import DELETED, SEEN
from storage.mail.tables import bodies, changes, contents, mailboxes, messages, texts, vanished
from storage.schema import collections, principals
from storage.store import Transaction

_here: Final = messages.c.collection_id == collections.c.id


def mail(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """All rules of mail."""
    yield from _counters(tx, repair)
    yield from _numbers(tx, repair)
    yield from _changes(tx, repair)
    yield from _contents(tx, repair)


def _counters(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """What STATUS says is what is there."""

    def held(what: Any) -> Any:
        return sa.select(sa.func.coalesce(what, 0)).where(_here).correlate(collections).scalar_subquery()

    seen, gone = messages.c.flags.contains(SEEN, autoescape=True), messages.c.flags.contains(DELETED, autoescape=True)
    query = located(
        *(collections.c[name] for name in ("item_count", "octets")),
        *(mailboxes.c[name] for name in ("unseen", "deleted")),
        held(sa.func.count()).label("held"),
        held(sa.func.sum(messages.c.octets)).label("held_octets"),
        held(sa.func.sum(sa.case((seen, 0), else_=1))).label("held_unseen"),
        held(sa.func.sum(sa.case((gone, 1), else_=0))).label("held_deleted"),
    ).join(mailboxes, mailboxes.c.collection_id == collections.c.id)
    for row in tx.db.execute(query).all():
        said = (row.item_count, row.octets, row.unseen, row.deleted)
        real = tuple(map(int, (row.held, row.held_octets, row.held_unseen, row.held_deleted)))
        if said == real:
            continue
        if repair:
            here = collections.c.id == row.id
            tx.db.execute(sa.update(collections).where(here).values(item_count=real[0], octets=real[1]))
            box = mailboxes.c.collection_id == row.id
            tx.db.execute(sa.update(mailboxes).where(box).values(unseen=real[2], deleted=real[3]))
            tx.touched.add(row.id)
        yield Problem("counter", where_of(row), f"says {said} messages, octets, unseen, deleted; has {real}", repair)


def _numbers(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """No message bears a number or a uid that its mailbox has not given out, and none both is there and vanished."""

    def highest(column: sa.Column[Any]) -> Any:
        table = column.table
        query = sa.select(sa.func.coalesce(sa.func.max(column), 0)).where(table.c.collection_id == collections.c.id)
        return query.correlate(collections).scalar_subquery()

    query = located(
        collections.c.modseq,
        collections.c.uid_next,
        *(highest(column).label(f"most_{i}") for i, column in enumerate((messages.c.modseq, vanished.c.modseq))),
        *(highest(column).label(f"uid_{i}") for i, column in enumerate((messages.c.uid, vanished.c.uid))),
    ).join(mailboxes, mailboxes.c.collection_id == collections.c.id)
    for row in tx.db.execute(query).all():
        most, uid = max(row.most_0, row.most_1), max(row.uid_0, row.uid_1)
        here = sa.update(collections).where(collections.c.id == row.id)
        if row.modseq < most:
            if repair:
                tx.db.execute(here.values(modseq=most, shared_modseq=most))
            yield Problem("number", where_of(row), f"is at number {row.modseq}, its messages at {most}", repair)
        if row.uid_next <= uid:
            if repair:
                tx.db.execute(here.values(uid_next=uid + 1))
            yield Problem("number", where_of(row), f"would give out uid {row.uid_next} again", repair)
    both = (
        located(messages.c.uid)
        .join(messages, _here)
        .join(vanished, sa.and_(vanished.c.collection_id == messages.c.collection_id, vanished.c.uid == messages.c.uid))
    )
    for row in tx.db.execute(both).all():
        yield Problem("number", where_of(row), f"uid {row.uid} is there and is said to have vanished")


def _changes(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """Whoever asks what changed since a number is led to every message with a higher one."""
    told = sa.select(sa.literal(1)).where(
        changes.c.collection_id == messages.c.collection_id,
        changes.c.modseq >= messages.c.modseq,
        changes.c.first_uid <= messages.c.uid,
        changes.c.last_uid >= messages.c.uid,
    )
    place = (collections.c.id, collections.c.path, collections.c.modseq, principals.c.name)
    query = located(collections.c.modseq, sa.func.count().label("lost")).join(messages, _here)
    for row in tx.db.execute(query.where(~told.exists()).group_by(*place)).all():
        if repair:
            change_log.collapse(tx, row.id, row.modseq)
        yield Problem("number", where_of(row), f"{row.lost} messages are in no noted change", repair)


def _contents(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """Every content lies in a mailbox of its account, with a body and a text; every body is stored."""
    placed = sa.select(sa.literal(1)).where(messages.c.content_id == contents.c.id).exists()
    stray = sa.select(contents.c.id, principals.c.name).join(principals, principals.c.id == contents.c.account_id)
    for row in tx.db.execute(stray.where(~placed)).all():
        if repair:
            tx.db.execute(sa.delete(contents).where(contents.c.id == row.id))
        yield Problem("message", f"{row.name}/private/mail", f"content {row.id} lies in no mailbox", repair)
    for table in (bodies, texts):
        has = sa.select(sa.literal(1)).where(table.c.content_id == contents.c.id).exists()
        for row in tx.db.execute(stray.where(~has)).all():
            yield Problem("message", f"{row.name}/private/mail", f"content {row.id} has no row in {table.name}")
    foreign = (
        located(messages.c.uid)
        .join(messages, _here)
        .join(contents, contents.c.id == messages.c.content_id)
        .where(contents.c.account_id != collections.c.space_id)
    )
    for row in tx.db.execute(foreign).all():
        yield Problem("message", where_of(row), f"uid {row.uid} is another account's")
    for key in blob_collection.missing(tx):
        query = located(messages.c.uid).join(messages, _here).join(bodies, bodies.c.content_id == messages.c.content_id)
        for row in tx.db.execute(query.where(bodies.c.blob == key)).all():
            yield Problem("blob", where_of(row), f"the body {key} of uid {row.uid} is missing")
