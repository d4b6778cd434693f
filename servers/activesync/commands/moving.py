"""MoveItems ([MS-ASCMD] §2.2.1.12): each item by itself, and the device holds it in its new place already."""

from __future__ import annotations

from servers.activesync import contents
from servers.activesync.call import Call
from servers.activesync.content import Impossible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Move
from storage.activesync import devices, keys
from storage.errors import NotFound, StorageError
from storage.store import Transaction

_SOURCE, _TARGET, _OK, _SAME, _FAILED, _TOO_MANY = 1, 2, 3, 4, 5, 103
MOVES_MAX = 1_000
"""Of one request ([MS-ASCMD] §3.1.5.10)."""


def move_items(call: Call) -> Element:
    """Answer each Move."""
    asked = [] if call.body is None else call.body.all(Move.Move)
    if len(asked) > MOVES_MAX:
        return Move.MoveItems(Move.Status(_TOO_MANY))
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        return Move.MoveItems(*(_one(tx, call, one) for one in asked))


def _one(tx: Transaction, call: Call, asked: Element) -> Element:
    identified = asked.text_of(Move.SrcMsgId) or ""
    source_id, target_id = asked.text_of(Move.SrcFldId) or "", asked.text_of(Move.DstFldId) or ""

    def answer(status: int, moved: str | None = None) -> Element:
        fresh = None if moved is None else Move.DstMsgId(moved)
        return Move.Response(Move.SrcMsgId(identified), Move.Status(status), fresh)

    repeated = keys.applied_as(tx, call.device, target_id, f"move {identified}")
    try:
        source = contents.of(tx, source_id)
    except NotFound:
        return answer(_SOURCE) if repeated is None else answer(_OK, repeated)
    if repeated is not None and not source.holds(tx, call, identified):
        return answer(_OK, repeated)  # the answer was lost, and the item is there
    try:
        target = contents.of(tx, target_id)
    except NotFound:
        return answer(_TARGET)
    if target.collection == source.collection:
        return answer(_SAME)
    try:
        with tx.db.begin_nested():
            moved = source.move(tx, call, identified, target)
    except (Impossible, StorageError):
        return answer(_FAILED)
    if moved is None:
        return answer(_SOURCE)
    keys.note_applied(tx, call.device, target_id, f"move {identified}", moved)
    return answer(_OK, moved)
