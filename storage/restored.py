"""A desk that was restored from a backup: no number that was given out since then is given out again.

Clients keep numbers for good: uids of mails, change numbers, ids. Those given out after the backup was made are
forgotten with it, and would soon mean something else. A mail program would show a lost mail where a new one is
(RFC 9051 §2.3.1.1), a calendar would miss what changed (RFC 6578 §3.2). So all counters go far ahead and all logs
begin anew: whoever comes with a number from before compares everything once (docs/decisions/0295).
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from storage.errors import Denied
from storage.mail import change_log
from storage.mail import tables as mail
from storage.schema import collections
from storage.store import Transaction
from storage.tables import metadata
from storage.types import SITE, Right, Tool

AHEAD: Final = 1_000_000
"""More than is given out between two backups."""
UIDS_AHEAD: Final = 100_000
"""The same of mails in one mailbox, which has numbers of 32 bits; who tells what is gone looks at each."""


def renumber(tx: Transaction) -> None:
    """Leave out all numbers that clients may know; nothing else changes.

    Raises:
        Denied: for the site administrator only.
    """
    if tx.actor.id != SITE.id:
        raise Denied(Right.ADMINISTER, "accounts")
    now = collections.c.modseq + AHEAD
    anew = {"modseq": now, "shared_modseq": now, "log_floor": now, "uid_next": collections.c.uid_next + UIDS_AHEAD}
    tx.db.execute(sa.update(collections).values(anew))
    _mails(tx)
    for table in metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement is True:
            _ids(tx, table.name)


def _mails(tx: Transaction) -> None:
    """Flags that were set since the backup are told as they are now: those of all mails."""
    number = sa.select(collections.c.modseq).where(collections.c.id == mail.messages.c.collection_id).scalar_subquery()
    tx.db.execute(sa.update(mail.messages).values(modseq=number))
    tx.db.execute(sa.delete(mail.changes))
    first, last = change_log.EVERY
    rows = sa.select(collections.c.id, collections.c.modseq, sa.literal(first), sa.literal(last, sa.BigInteger)).where(
        collections.c.tool == Tool.MESSAGES.value
    )
    columns = ["collection_id", "modseq", "first_uid", "last_uid"]
    tx.db.execute(sa.insert(mail.changes).from_select(columns, rows))


def _ids(tx: Transaction, table: str) -> None:
    keys = {"name": table, "ahead": AHEAD}
    if tx.store.engines.sqlite:
        tx.db.execute(sa.text("UPDATE sqlite_sequence SET seq = seq + :ahead WHERE name = :name"), keys)
        new = "SELECT :name, :ahead WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name)"
        tx.db.execute(sa.text(f"INSERT INTO sqlite_sequence (name, seq) {new}"), keys)
        return
    sequence = sa.func.pg_get_serial_sequence(table, "id")
    tx.db.execute(sa.select(sa.func.setval(sequence, sa.func.nextval(sequence) + AHEAD)))
