"""Where all folders of a device stand, and where the device does: one query for all of them (SYS-07)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from storage.activesync.devices import Device
from storage.activesync.tables import states
from storage.schema import collections, viewer_collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Tool

_read: Final = msgspec.json.Decoder(dict[str, Any]).decode
_NUMBER: Final = sa.cast(sa.func.ltrim(states.c.folder, "abcdefghijklmnopqrstuvwxyz"), sa.BigInteger)
_OF_DEVICE: Final = Statement(
    sa.select(
        states.c.folder,
        states.c.epoch,
        states.c.counter,
        states.c.state,
        collections.c.tool,
        collections.c.modseq,
        collections.c.shared_modseq,
        viewer_collections.c.modseq.label("viewer_modseq"),
    )
    .join(collections, collections.c.id == _NUMBER)
    .outerjoin(
        viewer_collections,
        sa.and_(
            viewer_collections.c.collection_id == collections.c.id,
            viewer_collections.c.viewer_id == sa.bindparam("actor"),
        ),
    )
    .where(states.c.device == sa.bindparam("device"), states.c.folder != "")
)


class Standing(NamedTuple):
    """One folder."""

    key: str
    """The newest SyncKey."""
    state: dict[str, Any]
    modseq: int
    """The folder's number, as the device's owner may know it."""


def of(tx: Transaction, device: Device) -> dict[str, Standing]:
    """All folders that the device ever synchronised and that are still there, by their ServerId."""
    return {
        folder: Standing(
            f"{epoch}-{counter}",
            _read(state),
            modseq if tool == Tool.MESSAGES.value else max(shared_modseq, viewer_modseq or 0),
        )
        for folder, epoch, counter, state, tool, modseq, shared_modseq, viewer_modseq in _OF_DEVICE.raw(
            tx, {"device": device.id, "actor": tx.actor.id}
        )
    }
