"""The tables of ActiveSync: devices, the state of each folder on each device, and what the device holds of it."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Column, LargeBinary, Text

from storage.schema import Id, _id, _int, _ref, _table, _text, _time, metadata

devices: Final = _table(
    "eas_device",
    _id(),
    _ref("account_id", "account.id"),
    _text("device_id", None),  # as the device calls itself; two accounts on one phone are two devices here
    *(_text(name) for name in ("type", "model", "os", "agent", "friendly_name")),
    _int("version", 0),  # protocol version times ten, as it last spoke
    _int("policy_key", 0),
    _text("access", "allowed"),  # allowed, blocked, waiting
    _time("first_seen"),
    _time("last_seen"),
    Column("sync_request", LargeBinary, nullable=True),  # the last whole Sync, which an empty one repeats
    Column("ping_request", LargeBinary, nullable=True),
    sa.UniqueConstraint("account_id", "device_id"),
)


orders: Final = sa.Table(
    # What a device was told to do; without a row, nothing.
    "eas_order",
    metadata,
    Column("device", Id, sa.ForeignKey("eas_device.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _text("wipe"),  # account, all: ordered; done: the device said so
    _text("policy"),  # what it obeys, as a hash; "" for none
)


waiting: Final = sa.Table(
    # Where several processes serve devices: the number of a device's newest waiting request.
    "eas_wait",
    metadata,
    Column("device", Id, sa.ForeignKey("eas_device.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _int("number", None),
)


def _of_device(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    device = Column("device", Id, sa.ForeignKey("eas_device.id", ondelete="CASCADE"), primary_key=True)
    return sa.Table(name, metadata, device, Column("folder", Text, primary_key=True), *columns, sqlite_with_rowid=False)


states: Final = _of_device(
    # One folder on one device; "" is the hierarchy of folders.
    "eas_state",
    _text("epoch", None),  # tells the keys of one beginning from those of another
    _int("counter", None),  # the number in the newest key
    _text("state", None),  # JSON: what belongs to the newest key
    _text("previous"),  # JSON: what belongs to the key before; "" where there is none
    _text("request", ""),  # hash of what led from the one to the other
    Column("answer", LargeBinary, nullable=True),  # and what was answered
)

held: Final = _of_device(
    # What the device holds, and in which version.
    "eas_held",
    Column("item", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("version", None),
)

undone: Final = _of_device(
    # What the last step changed of that, so that it can be taken back if its answer was lost.
    "eas_undo",
    Column("item", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("version", Text, nullable=True),  # before the step; None: it was not held
)

APPLIED_S: Final = 86_400
"""How long it is known what a device did."""

applied: Final = _of_device(
    # Items that the device added, so that an answer that was lost doubles none.
    "eas_applied",
    Column("client_id", Text, primary_key=True),
    _text("item", None),
    _time("created"),
)
