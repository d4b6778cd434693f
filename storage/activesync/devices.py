"""Devices of an account: a phone is known from its first command on (EAS-02, EAS-14)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage.activesync.tables import APPLIED_S, applied, devices, orders
from storage.errors import LimitReached
from storage.statements import Statement
from storage.store import Transaction

ACCOUNT, EVERYTHING, DONE = "account", "all", "done"
ORDERED: Final = (ACCOUNT, EVERYTHING)
DEVICES_MAX: Final = 100
"""Devices of one account; whoever knows a password shall not fill the table."""
SEEN_EVERY_S: Final = 3600
_TEXT_MAX: Final = 200
REQUEST_MAX: Final = 256 * 1024
"""Octets of a request that is kept for empty ones to repeat."""

_ALL: Final = sa.select(
    devices,
    sa.func.coalesce(orders.c.wipe, "").label("wipe"),
    sa.func.coalesce(orders.c.policy, "").label("policy"),
).outerjoin(orders, orders.c.device == devices.c.id)
_FIND: Final = Statement(
    _ALL.where(devices.c.account_id == sa.bindparam("actor"), devices.c.device_id == sa.bindparam("device_id"))
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
    waiting: bool
    """Nobody let it in yet."""
    wipe: str
    """`ACCOUNT` or `EVERYTHING`: what it is to remove; `DONE`: it said that it did; "" for nothing."""
    policy: str
    """What it obeys, as its policy's mark; "" for none."""
    last_seen: float
    """Seconds since the epoch."""
    sync_request: bytes | None
    ping_request: bytes | None


def find(tx: Transaction, device_id: str) -> Device | None:
    """The actor's device of that name, if it was here before."""
    row = _FIND.first(tx, {"actor": tx.actor.id, "device_id": device_id})
    return None if row is None else _value(row)


def is_stale(device: Device, kind: str, version: int, now: float) -> bool:
    """Whether what is known of it is to be written anew."""
    return device.version != version or device.type != kind or now - device.last_seen > SEEN_EVERY_S


def arrive(
    tx: Transaction, device_id: str, kind: str, agent: str, version: int, *, waits: bool = False
) -> Device:
    """Note that a device speaks to us; a new one `waits` until somebody lets it in.

    Raises:
        LimitReached: the account has very many devices already.
    """
    values = {"type": kind[:_TEXT_MAX], "agent": agent[:_TEXT_MAX], "version": version, "last_seen": tx.now}
    row = _FIND.first(tx, {"actor": tx.actor.id, "device_id": device_id})
    if row is not None:
        tx.db.execute(sa.update(devices).where(devices.c.id == row.id).values(values))
        old = sa.and_(applied.c.device == row.id, applied.c.created < tx.now - APPLIED_S)
        tx.db.execute(sa.delete(applied).where(old))
    else:
        mine = devices.c.account_id == tx.actor.id
        if tx.db.execute(sa.select(sa.func.count()).where(mine)).scalar_one() >= DEVICES_MAX:
            raise LimitReached("devices", DEVICES_MAX)
        access = "waiting" if waits else "allowed"
        fresh = {"account_id": tx.actor.id, "device_id": device_id, "first_seen": tx.now, "access": access}
        # Its first two requests may come at once, which PostgreSQL lets in together.
        with suppress(sa.exc.IntegrityError), tx.db.begin_nested():
            tx.db.execute(sa.insert(devices).values(values | fresh))
    found = find(tx, device_id)
    assert found is not None
    return found


def describe(tx: Transaction, device: Device, **said: str) -> None:
    """Keep what the device tells of itself: `model`, `os`, `friendly_name` ([MS-ASCMD] §2.2.3.45)."""
    values = {name: text[:_TEXT_MAX] for name, text in said.items()}
    if values:
        tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(values))


def lock(tx: Transaction, device: Device) -> None:
    """Let the device's other requests wait until this transaction ends: they work on the same state."""
    if not tx.store.engines.sqlite:  # where there is one writer anyway
        tx.db.execute(sa.select(devices.c.id).where(devices.c.id == device.id).with_for_update())


def remember(tx: Transaction, device: Device, **values: bytes | int) -> None:
    """Keep `sync_request`, `ping_request` or `policy_key`; a request that is very long is not kept."""
    values = {name: one for name, one in values.items() if isinstance(one, int) or len(one) <= REQUEST_MAX}
    if not values:
        return
    tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(values))


def every(tx: Transaction) -> list[Any]:
    """All devices of the actor, the one seen last first."""
    mine = _ALL.where(devices.c.account_id == tx.actor.id).order_by(devices.c.last_seen.desc())
    return list(tx.db.execute(mine))


def block(tx: Transaction, device_id: str, *, blocked: bool) -> bool:
    """Keep one of the actor's devices out, or let it in again; False if there is none of that name."""
    found = find(tx, device_id)
    if found is None:
        return False
    access = "blocked" if blocked else "allowed"
    tx.db.execute(sa.update(devices).where(devices.c.id == found.id).values(access=access))
    if not blocked and found.wipe:
        _order(tx, found.id, wipe="")
    return True


def provision(tx: Transaction, device: Device, key: int, mark: str | None) -> None:
    """Keep the key that a device was given, and the mark of the policy that it obeys; None: that stays as it was."""
    tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(policy_key=key))
    if mark is not None and mark != device.policy:
        _order(tx, device.id, policy=mark)


def order_wipe(tx: Transaction, device_id: str, what: str) -> bool:
    """Order one of the actor's devices to remove its account (`ACCOUNT`) or all that is on it (`EVERYTHING`).

    With "" the order is taken back. False if there is no such device.
    """
    found = find(tx, device_id)
    if found is not None:
        _order(tx, found.id, wipe=what)
    return found is not None


def wiped(tx: Transaction, device: Device) -> None:
    """A device removed what it was told to; it is kept out until somebody lets it in again."""
    values = {"access": "blocked", "policy_key": 0}
    tx.db.execute(sa.update(devices).where(devices.c.id == device.id).values(values))
    _order(tx, device.id, wipe=DONE, policy="")


def _order(tx: Transaction, device: int, **values: str) -> None:
    if not tx.db.execute(sa.update(orders).where(orders.c.device == device).values(values)).rowcount:
        tx.db.execute(sa.insert(orders).values(device=device, **values))


def forget(tx: Transaction, device_id: str) -> bool:
    """Forget a device and all that is known of what it holds: it begins anew when it comes again."""
    here = sa.and_(devices.c.account_id == tx.actor.id, devices.c.device_id == device_id)
    return bool(tx.db.execute(sa.delete(devices).where(here)).rowcount)


def _value(row: Any) -> Device:
    return Device(
        row.id, row.device_id, row.type, row.version, row.policy_key, row.access == "blocked", row.access == "waiting",
        row.wipe, row.policy, row.last_seen, row.sync_request, row.ping_request,
    )  # fmt: skip
