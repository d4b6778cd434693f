"""The MTA-STS policies of other domains, kept until they expire (RFC 8461 §3.3, §5.1)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from storage.outbound.tables import policies
from storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Policy:
    """What a domain said of the servers that take its mail."""

    domain: str
    id: str
    """Of the TXT record: another one means another policy."""
    mode: str
    """enforce, testing or none."""
    mx: tuple[str, ...]
    """Host names, or "*.example.net"."""
    fetched: float
    expires: float


def find(tx: Transaction, domain: str) -> Policy | None:
    """The policy of a domain, unless its time is over."""
    row = tx.db.execute(sa.select(policies).where(policies.c.domain == domain, policies.c.expires > tx.now)).first()
    if row is None:
        return None
    return Policy(row.domain, row.policy_id, row.mode, tuple(row.mx.split()), row.fetched, row.expires)


def keep(tx: Transaction, policy: Policy) -> None:
    """Remember a policy in place of the one before; what has expired goes."""
    tx.db.execute(sa.delete(policies).where(sa.or_(policies.c.domain == policy.domain, policies.c.expires <= tx.now)))
    row = {"domain": policy.domain, "policy_id": policy.id, "mode": policy.mode, "mx": " ".join(policy.mx)}
    tx.db.execute(sa.insert(policies).values(**row, fetched=policy.fetched, expires=policy.expires))
