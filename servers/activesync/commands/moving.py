"""MoveItems ([MS-ASCMD] §2.2.1.12): each item by itself, and the device holds it in its new place already."""

from __future__ import annotations

from servers.activesync import hierarchy, mail_changes
from servers.activesync.call import Call
from servers.activesync.classes import mail
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Move
from storage.activesync import devices, keys
from storage.errors import NotFound, OverQuota
from storage.mail import flagging, moving
from storage.store import Transaction

_SOURCE, _TARGET, _OK, _SAME, _FAILED = 1, 2, 3, 4, 5
MOVES_MAX = 1_000


def move_items(call: Call) -> Element:
    """Answer each Move."""
    asked = [] if call.body is None else call.body.all(Move.Move)[:MOVES_MAX]
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
    if repeated is not None:
        return answer(_OK, repeated)  # the answer was lost, and the item is there
    try:
        source = hierarchy.mailbox(tx, source_id)
        uid = mail_changes.uid_of(source, identified)
    except NotFound:
        return answer(_SOURCE)
    if uid is None or not flagging.states_in(tx, source, [(uid, uid)]):
        return answer(_SOURCE)
    try:
        target = hierarchy.mailbox(tx, target_id)
    except NotFound:
        return answer(_TARGET)
    if target.id == source.id:
        return answer(_SAME)
    try:
        placed = moving.move(tx, source, [uid], target)
    except OverQuota:
        return answer(_FAILED)
    moved = mail_changes.server_id(target, placed[0][1])
    state = flagging.states_in(tx, target, [(placed[0][1], placed[0][1])])[0]
    keys.moved(tx, call.device, (source_id, uid), (target_id, state.uid), mail.version(state) or "")
    keys.note_applied(tx, call.device, target_id, f"move {identified}", moved)
    return answer(_OK, moved)
