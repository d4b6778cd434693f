"""SyncKeys: which state a device is in, and how a lost answer is repaired ([MS-ASCMD] §2.2.3.181.4, §3.1.5.9).

A key is `EPOCH-COUNTER`. The device sends the key that it has; the answer carries the next one. If the device sends
the same key again, the answer was lost: the same request gets the same answer, another one is worked on from the
state that belongs to the key, and what the lost step had changed in our picture of the device is taken back.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from storage import many
from storage.activesync.devices import Device
from storage.activesync.tables import APPLIED_S, applied, held, states, undone
from storage.statements import Statement, insert, to
from storage.store import Transaction

ANSWER_MAX: Final = 4 * 1024 * 1024
"""Octets of an answer that is kept."""
_CHUNK: Final = 500
_SEPARATOR: Final = "\n"
_ADDED: Final = "added"
"""In a state: ClientIds of the step that led to it."""

_here: Final = sa.and_(states.c.device == sa.bindparam("device"), states.c.folder == sa.bindparam("folder"))
_FIND: Final = Statement(sa.select(states).where(_here))
_FIND_TO_WRITE: Final = Statement(sa.select(states).where(_here).with_for_update())
_HELD: Final = Statement(
    sa.select(held.c.item, held.c.version).where(
        held.c.device == sa.bindparam("device"), held.c.folder == sa.bindparam("folder")
    )
)
_HELD_OF: Final = {
    size: Statement(
        sa.select(held.c.item, held.c.version).where(
            held.c.device == sa.bindparam("device"),
            held.c.folder == sa.bindparam("folder"),
            many.among(held.c.item, size),
        )
    )
    for size in many.SIZES
}
_HOLD: Final = insert(held, "device", "folder", "item", "version")
_NOTED: Final = Statement(
    sa.select(undone.c.item).where(
        undone.c.device == sa.bindparam("device"), undone.c.folder == sa.bindparam("folder")
    )
)
_CLOSE: Final = Statement(
    sa.update(states)
    .where(_here)
    .values({name: to(name) for name in ("counter", "state", "previous", "request", "answer")})
)
_RENEW: Final = (
    sa.update(held)
    .where(
        held.c.device == sa.bindparam("of_device"),
        held.c.folder == sa.bindparam("of_folder"),
        held.c.item == sa.bindparam("number"),
    )
    .values(version=sa.bindparam("fresh"))
)


_SETTLE: Final = Statement(
    sa.update(states)
    .where(
        _here,
        states.c.epoch == sa.bindparam("epoch"),
        states.c.counter == sa.bindparam("counter"),
        states.c.state == sa.bindparam("before"),
    )
    .values(state=to("state"))
)


class UnknownKey(Exception):
    """The device has to begin anew with key 0 (EAS-04)."""


@dataclass(slots=True)
class Opened:
    """A folder's state that a request starts from."""

    device: Device
    folder: str
    epoch: str
    counter: int
    """The number in the key that the answer will carry."""
    state: dict[str, Any]
    """JSON-like; change it, and hand it to `close`."""
    begun: str
    """`state` as it was, in JSON."""
    answer: bytes | None = None
    """The very answer that was lost: send it again, and change nothing."""
    own: dict[str, str] = field(default_factory=dict)
    """What the step that was lost, and is taken back, had noted as `own` in its state."""

    @property
    def key(self) -> str:
        """The key that the answer carries."""
        return f"{self.epoch}-{self.counter}"


def digest(octets: bytes) -> str:
    """What a request is recognised by when it comes again."""
    return hashlib.sha256(octets).hexdigest()


def text_of(state: Mapping[str, Any]) -> str:
    """A state as it is stored."""
    return json.dumps(dict(state))


def current(tx: Transaction, device: Device, folder: str, key: str) -> dict[str, Any] | None:
    """The state that belongs to `key`, if it is the newest one of this folder; to look, not to write."""
    row = _FIND.first(tx, {"device": device.id, "folder": folder})
    if row is None or key != f"{row.epoch}-{row.counter}":
        return None
    state: dict[str, Any] = json.loads(row.state)
    return state


def begin(tx: Transaction, device: Device, folder: str, state: Mapping[str, Any]) -> str:
    """Forget what was before (key 0); the first key."""
    for table in (states, held, undone):
        tx.db.execute(sa.delete(table).where(table.c.device == device.id, table.c.folder == folder))
    old = sa.and_(applied.c.device == device.id, applied.c.created < tx.now - APPLIED_S)
    tx.db.execute(sa.delete(applied).where(old))
    epoch = secrets.token_hex(4)
    row = {"device": device.id, "folder": folder, "epoch": epoch, "counter": 1, "state": text_of(state)}
    tx.db.execute(sa.insert(states).values(**row))
    return f"{epoch}-1"


def open_(tx: Transaction, device: Device, folder: str, key: str, request: str) -> Opened:
    """Start from `key`; `request` is a hash of what the device asks for.

    Raises:
        UnknownKey: it is neither the newest key nor the one before it.
    """
    keys = {"device": device.id, "folder": folder}
    row = (_FIND if tx.store.engines.sqlite else _FIND_TO_WRITE).first(tx, keys)
    epoch, _, number = key.rpartition("-")
    if row is None or epoch != row.epoch or not number.isdecimal():
        raise UnknownKey
    if int(number) == row.counter:  # the device has what was answered last
        tx.db.execute(sa.delete(undone).where(undone.c.device == device.id, undone.c.folder == folder))
        state = json.loads(row.state)
        _note_heard(tx, device, folder, state.pop(_ADDED, []))
        return Opened(device, folder, epoch, row.counter + 1, state, row.state)
    if int(number) == row.counter - 1 and row.previous:
        if request == row.request and row.answer is not None:
            return Opened(device, folder, epoch, row.counter, json.loads(row.state), row.state, bytes(row.answer))
        _take_back(tx, device, folder)
        own, before = json.loads(row.state).get("own") or {}, json.loads(row.previous)
        before.pop(_ADDED, None)
        return Opened(device, folder, epoch, row.counter, before, row.previous, own=own)
    raise UnknownKey


def close(tx: Transaction, opened: Opened, request: str, answer: bytes) -> None:
    """Keep the new state and its answer, in the transaction that did what the device asked for.

    A very long answer is not kept: if it is lost, it is made again from the state before it.
    """
    values = {
        "device": opened.device.id, "folder": opened.folder, "to_counter": opened.counter,
        "to_state": text_of(opened.state), "to_previous": opened.begun, "to_request": request,
        "to_answer": answer if len(answer) <= ANSWER_MAX else None,
    }  # fmt: skip
    _CLOSE.run(tx, values)


def held_of(tx: Transaction, device: Device, folder: str, items: Iterable[int] | None = None) -> dict[int, str]:
    """What the device holds of a folder, or of some of its items: item to version."""
    if items is None:
        return dict(_HELD.raw(tx, {"device": device.id, "folder": folder}))
    here = {"device": device.id, "folder": folder}
    found: dict[int, str] = {}
    for size, some in many.chunks(list(items)):
        found.update(_HELD_OF[size].raw(tx, here | some))
    return found


def hold(tx: Transaction, opened: Opened, changes: Mapping[int, str | None]) -> None:
    """What the device holds from now on: item to version; None: no longer."""
    if not changes:
        return
    device, folder = opened.device, opened.folder
    before = held_of(tx, device, folder, changes)
    noted = _noted(tx, opened)
    keys = {"device": device.id, "folder": folder}
    notes = [{**keys, "item": item, "version": before.get(item)} for item in changes if item not in noted]
    gone = [item for item, version in changes.items() if item in before and version is None]
    fresh = [(item, version) for item, version in changes.items() if item not in before and version is not None]
    other = [(item, version) for item, version in changes.items() if item in before and version is not None]
    if notes:
        tx.db.execute(sa.insert(undone), notes)
    for at in range(0, len(gone), _CHUNK):
        some = held.c.item.in_(gone[at : at + _CHUNK])
        tx.db.execute(sa.delete(held).where(held.c.device == device.id, held.c.folder == folder, some))
    if fresh:
        tx.db.execute(sa.insert(held), [{**keys, "item": item, "version": version} for item, version in fresh])
    if other:
        here = {"of_device": device.id, "of_folder": folder}
        tx.db.execute(_RENEW, [{**here, "number": item, "fresh": version} for item, version in other])


def settle(
    tx: Transaction, device: Device, folder: str, key: str, state: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Note a state of `key` of which the same is to be told as of the present one, `state`, if that still stands.

    No new key: whatever the device asks next, it is answered as it would have been.
    """
    epoch, _, number = key.rpartition("-")
    values = {"device": device.id, "folder": folder, "epoch": epoch, "counter": int(number)}
    _SETTLE.run(tx, values | {"before": text_of(state), "to_state": text_of(after)})


def _noted(tx: Transaction, opened: Opened) -> set[int]:
    return set(_NOTED.scalars(tx, {"device": opened.device.id, "folder": opened.folder}))


def _take_back(tx: Transaction, device: Device, folder: str) -> None:
    here = sa.and_(undone.c.device == device.id, undone.c.folder == folder)
    rows = list(tx.db.execute(sa.select(undone).where(here)))
    items = [row.item for row in rows]
    for at in range(0, len(items), _CHUNK):
        some = held.c.item.in_(items[at : at + _CHUNK])
        tx.db.execute(sa.delete(held).where(held.c.device == device.id, held.c.folder == folder, some))
    keys = {"device": device.id, "folder": folder}
    again = [{**keys, "item": row.item, "version": row.version} for row in rows if row.version is not None]
    if again:
        tx.db.execute(sa.insert(held), again)
    tx.db.execute(sa.delete(undone).where(here))


def applied_as(tx: Transaction, device: Device, folder: str, client_id: str) -> str | None:
    """What a command of this ClientId made, if it came before, within a day."""
    query = sa.select(applied.c.item).where(
        applied.c.device == device.id, applied.c.folder == folder, applied.c.client_id == client_id,
        applied.c.created >= tx.now - APPLIED_S,
    )  # fmt: skip
    return tx.db.execute(query).scalar()


def note_applied(tx: Transaction, device: Device, folder: str, client_id: str, item: str) -> None:
    """Remember for a day what a command made."""
    here = (applied.c.device == device.id, applied.c.folder == folder, applied.c.client_id == client_id)
    tx.db.execute(sa.delete(applied).where(*here))
    row = {"device": device.id, "folder": folder, "client_id": client_id, "item": item, "created": tx.now}
    tx.db.execute(sa.insert(applied).values(**row))


def added_as(tx: Transaction, opened: Opened, client_id: str, request: str) -> str | None:
    """What an Add made that comes again, since its answer was lost or the device began anew (EAS-04).

    Once a device used the key of the answer, the ClientId is free again: it "only has to be unique [...] during the
    duration of the Sync request" ([MS-ASCMD] §2.2.3.28.2), and many devices count from 1 in each. Then, and after key
    0, it is the same Add only if `request`, a hash of all that it says, is the same.
    """
    found = applied_as(tx, opened.device, opened.folder, client_id)
    if found is None:
        return None
    item, was, epoch, heard = (*found.split(_SEPARATOR), "", "", "")[:4]
    if (heard or epoch not in ("", opened.epoch)) and was != request:
        return None
    note_added(tx, opened, client_id, request, item)
    return item


def note_added(tx: Transaction, opened: Opened, client_id: str, request: str, item: str) -> None:
    """Remember what an Add made; `request` is a hash of it."""
    note_applied(tx, opened.device, opened.folder, client_id, _SEPARATOR.join((item, request, opened.epoch)))
    opened.state.setdefault(_ADDED, []).append(client_id)


def _note_heard(tx: Transaction, device: Device, folder: str, client_ids: Sequence[str]) -> None:
    """The device has the answers to these Adds."""
    for at in range(0, len(client_ids), _CHUNK):
        some = applied.c.client_id.in_(client_ids[at : at + _CHUNK])
        here = sa.and_(applied.c.device == device.id, applied.c.folder == folder, some)
        tx.db.execute(sa.update(applied).where(here).values(item=applied.c.item + f"{_SEPARATOR}heard"))


def newest(tx: Transaction, device: Device, folder: str) -> dict[str, Any] | None:
    """The newest state of a folder, whatever key the device has; None if it was never synchronised."""
    row = _FIND.first(tx, {"device": device.id, "folder": folder})
    return None if row is None else dict(json.loads(row.state))


def moved(tx: Transaction, device: Device, source: tuple[str, int], target: tuple[str, int], version: str) -> None:
    """The device itself moved an item: it holds it in the one folder no longer, and in the other one already."""
    # In the target it may hold an item of that number that is gone, of which it was not told yet.
    for folder, item in (source, target):
        one = sa.and_(held.c.device == device.id, held.c.folder == folder, held.c.item == item)
        tx.db.execute(sa.delete(held).where(one))
    if newest(tx, device, target[0]) is not None:
        keys = {"device": device.id, "folder": target[0], "item": target[1]}
        _HOLD.run(tx, {**keys, "version": version})
