"""Messages are copied, moved and removed; a mail is in exactly one folder, a copy is another one (MSG-40…42)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import sqlalchemy as sa

from storage.mail import appending, flagging, follow_ups, learning, numbers
from storage.mail.flags import DELETED
from storage.mail.tables import contents, messages
from storage.mail.types import Mailbox, State
from storage.statements import Statement, insert
from storage.store import Transaction

_EVERY: Final = (1, 2**62)
_AT_ONCE: Final = 1_000
_PLACE: Final = insert(messages, "collection_id", "uid", "modseq", "flags", "octets", "internal", "saved", "content_id")
_REMOVE: Final = Statement(
    sa.delete(messages).where(
        messages.c.collection_id == sa.bindparam("collection"), messages.c.uid == sa.bindparam("uid")
    )
)
_HOLD: Final = Statement(sa.select(contents.c.id).where(contents.c.id == sa.bindparam("number")).with_for_update())
_DROP: Final = Statement(
    sa.delete(contents).where(
        contents.c.id == sa.bindparam("number"),
        ~sa.select(sa.literal(1)).where(messages.c.content_id == sa.bindparam("number")).exists(),
    )
)


def copy(tx: Transaction, source: Mailbox, uids: Sequence[int], target: Mailbox) -> list[tuple[int, int]]:
    """Copy messages with flags and INTERNALDATE (RFC 9051 §6.4.7); old and new uid of each.

    Raises:
        OverQuota: the copies would outgrow the plan.
    """
    numbers.lock(tx, source.id, target.id)
    states = flagging.states_in(tx, source, flagging.runs(uids))
    appending.check_room(tx, sum(state.octets for state in states))
    learning.note(tx, source, target, states)
    placed = _place(tx, states, target)
    follow_ups.carry(tx, source.id, placed, target.id)
    return placed


def move(tx: Transaction, source: Mailbox, uids: Sequence[int], target: Mailbox) -> list[tuple[int, int]]:
    """Move messages in one step (RFC 6851); old and new uid of each."""
    numbers.lock(tx, source.id, target.id)
    states = flagging.states_in(tx, source, flagging.runs(uids))
    learning.note(tx, source, target, states)
    placed = _place(tx, states, target)
    follow_ups.carry(tx, source.id, placed, target.id)
    _take_out(tx, source, states)
    return placed


def move_all(tx: Transaction, source: Mailbox, target: Mailbox) -> None:
    """Move all that is in a mailbox."""
    numbers.lock(tx, source.id, target.id)
    states = flagging.states_in(tx, source, [_EVERY])
    learning.note(tx, source, target, states)
    follow_ups.carry(tx, source.id, _place(tx, states, target), target.id)
    _take_out(tx, source, states)


def expunge(tx: Transaction, mailbox: Mailbox, uids: Sequence[int] | None = None) -> list[int]:
    """Remove for good what is flagged `\\Deleted`, of `uids` or of all; the uids that went (IMAP-03, MSG-42)."""
    numbers.lock(tx, mailbox.id)
    spans = [_EVERY] if uids is None else flagging.runs(uids)
    found = [state for state in flagging.states_in(tx, mailbox, spans) if DELETED in state.flags]
    return _remove(tx, mailbox, found)


def remove(tx: Transaction, mailbox: Mailbox, uids: Sequence[int]) -> list[int]:
    """Remove messages for good, whatever their flags; the uids that went."""
    numbers.lock(tx, mailbox.id)
    return _remove(tx, mailbox, flagging.states_in(tx, mailbox, flagging.runs(uids)))


def remove_all(tx: Transaction, mailbox: Mailbox) -> list[int]:
    """Remove all that is in a mailbox for good."""
    numbers.lock(tx, mailbox.id)
    return _remove(tx, mailbox, flagging.states_in(tx, mailbox, [_EVERY]))


def _place(tx: Transaction, states: Sequence[State], target: Mailbox) -> list[tuple[int, int]]:
    if not states:
        return []
    octets = sum(state.octets for state in states)
    number, uid, _ = numbers.take(tx, target.id, count=len(states), octets=octets, new=len(states))
    saved = int(tx.now)
    _PLACE.run_many(
        tx,
        (
            {
                "collection_id": target.id,
                "uid": fresh,
                "modseq": number,
                "flags": state.flags,
                "octets": state.octets,
                "internal": state.internal,
                "saved": saved,
                "content_id": state.content,
            }
            for fresh, state in enumerate(states, uid)
        ),
    )
    numbers.count(tx, target.id, added=(state.flags for state in states))
    numbers.learn(tx, target, (state.flags for state in states))
    return [(state.uid, fresh) for fresh, state in enumerate(states, uid)]


def _take_out(tx: Transaction, mailbox: Mailbox, states: Sequence[State]) -> None:
    if not states:
        return
    octets = sum(state.octets for state in states)
    number, _, _ = numbers.take(tx, mailbox.id, count=-len(states), octets=-octets)
    _REMOVE.run_many(tx, ({"collection": mailbox.id, "uid": state.uid} for state in states))
    numbers.bury(tx, mailbox.id, number, (state.uid for state in states))
    follow_ups.forget(tx, mailbox.id, (states[0].uid, states[-1].uid), (state.uid for state in states))
    numbers.count(tx, mailbox.id, gone=(state.flags for state in states))


def _remove(tx: Transaction, mailbox: Mailbox, states: Sequence[State]) -> list[int]:
    _take_out(tx, mailbox, states)
    _drop(tx, (state.content for state in states))
    return [state.uid for state in states]


def _drop(tx: Transaction, numbers_: Iterable[int]) -> None:
    """Forget contents that lie in no mailbox any more."""
    remaining = iter(set(numbers_))
    while page := sorted(islice(remaining, _AT_ONCE)):
        for number in page:
            # In two steps: whoever takes it up at this moment is waited for, and then seen.
            if not tx.store.engines.sqlite:
                _HOLD.first(tx, {"number": number})
            _DROP.run(tx, {"number": number})
