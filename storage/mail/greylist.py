"""Greylisting: who was never here is asked to come again, which senders of spam rarely do (RFC 6647)."""

from __future__ import annotations

import ipaddress
from typing import Final

import sqlalchemy as sa

from storage.mail.tables import greylist
from storage.store import Transaction

DELAY_S: Final = 300.0
RETRY_S: Final = 2 * 86_400.0
"""Who does not come again within this time begins anew."""
KEPT_S: Final = 36 * 86_400.0


def passes(tx: Transaction, address: str, sender: str, recipient: str) -> bool:
    """Whether a mail may come now; the first attempt is noted."""
    key = f"{_network(address)} {sender.lower()} {recipient.lower()}"[:1_000]
    here = greylist.c.key == key
    row = tx.db.execute(sa.select(greylist.c.first, greylist.c.last).where(here)).first()
    if row is not None and row.last < tx.now - (KEPT_S if row.last > row.first else RETRY_S):
        tx.db.execute(sa.delete(greylist).where(here))
        row = None
    if row is None:
        tx.db.execute(sa.insert(greylist).values(key=key, first=tx.now, last=tx.now))
        return False
    if row.first > tx.now - DELAY_S:
        return False
    tx.db.execute(sa.update(greylist).where(here).values(last=tx.now))
    return True


def sweep(tx: Transaction) -> int:
    """Forget who has not come for long; how many."""
    return tx.db.execute(sa.delete(greylist).where(greylist.c.last < tx.now - KEPT_S)).rowcount


def _network(address: str) -> str:
    """The /24 or /64: large senders come again from a neighbour."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{address}/{24 if parsed.version == 4 else 64}", strict=False))
