"""Devices of an account: a phone is known from its first command on (EAS-02, EAS-14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage.activesync.tables import devices
from storage.errors import LimitReached
from storage.statements import Statement
from storage.store import Transaction

DEVICES_MAX: Final = 100
"""Devices of one account; whoever knows a password shall not fill the table."""
SEEN_EVERY_S: Final = 3600
_TEXT_MAX: Final = 200

_FIND: Final = Statement(
    sa.select(devices).where(
        devices.c.account_id == sa.bindparam("actor"), devices.c.device_id == sa.bindparam("device_id")
    )
)


@dataclass(frozen=True, slots=True)
class Device:
    """One device of the actor."""

    id: int
    device_id: str
    type: str
    version: int
    """Protocol version times ten, as it last spoke."""
    policy_key: int
    """0 until it was given one."""
    blocked: bool
    sync_request: bytes | None
    ping_request: bytes | None


def find(tx: Transaction, device_id: str) -> Device | None:
    """The actor's device of that name, if it was here before."""
    row = _FIND.first(tx, {"actor": tx.actor.id, "device_id": device_id})
    return None if row is None else _value(row)


def is_new(tx: Transaction, device: Device, kind: str, version: int) -> bool:
    """Whether what is known of it should be written anew."""
    row = _FIND.first(tx, {"actor": tx.actor.id, "device_id": device.device_id})
    return row is None or row.version != version or row.type != kind or tx.now - row.last_seen > SEEN_EVERY_S


def arrive(tx: Transaction, device_id: str, kind: str, agent: str, version: int) -> Device:
    """Note that a device speaks to us.

    Raises:
        LimitReached: the account has very many devices already.
    """
    values = {"type": kind[:_TEXT_MAX], "agent": agent[:_TEXT_MAX], "version": version, "last_seen": tx.now}
    row = _FIND.first(tx, {"actor": tx.actor.id, "device_id": device_id})
    if row is not None:
        tx.db.execute(sa.update(devices).where(devices.c.id == row.id).values(values))
    else:
        mine = devices.c.account_id == tx.actor.id
        if tx.db.execute(sa.select(sa.func.count()).where(mine)).scalar_one() >= DEVICES_MAX:
            raise LimitReached("devices", DEVICES_MAX)
        fresh = {"account_id": tx.actor.id, "device_id": device_id, "first_seen": tx.now}
        tx.db.execute(sa.insert(devices).values(values | fresh))
    found = find(tx, device_id)
    assert found is not None
    return found


def describe(tx: Transaction, device: Device, **said: str) -> None:
    """Keep what the device tells of itself: `model`, `os`, `friendly_name` ([MS-ASCMD] §2.2.3.45)."""
    values = {name: text[:_TEXT_MAX] for name, text in said.items()}
    if values:
        tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(values))


def remember(tx: Transaction, device: Device, **values: bytes | int) -> None:
    """Keep `sync_request`, `ping_request` or `policy_key`."""
    tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(values))


def every(tx: Transaction) -> list[Any]:
    """All devices of the actor, the one seen last first."""
    mine = sa.select(devices).where(devices.c.account_id == tx.actor.id).order_by(devices.c.last_seen.desc())
    return list(tx.db.execute(mine))


def block(tx: Transaction, device_id: str, *, blocked: bool) -> bool:
    """Keep one of the actor's devices out, or let it in again; False if there is none of that name."""
    here = sa.and_(devices.c.account_id == tx.actor.id, devices.c.device_id == device_id)
    access = "blocked" if blocked else "allowed"
    return bool(tx.db.execute(sa.update(devices).where(here).values(access=access)).rowcount)


def forget(tx: Transaction, device_id: str) -> bool:
    """Forget a device and all that is known of what it holds: it begins anew when it comes again."""
    here = sa.and_(devices.c.account_id == tx.actor.id, devices.c.device_id == device_id)
    return bool(tx.db.execute(sa.delete(devices).where(here)).rowcount)


def _value(row: Any) -> Device:
    return Device(
        row.id, row.device_id, row.type, row.version, row.policy_key, row.access == "blocked",
        row.sync_request, row.ping_request,
    )  # fmt: skip
