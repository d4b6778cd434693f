"""Flags of messages: one number for a whole change, none where nothing changes (RFC 9051 §6.4.6, RFC 7162)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from storage.mail import flags as words
from storage.mail import numbers
from storage.mail.tables import messages
from storage.mail.types import Flagged, Mailbox, State
from storage.statements import Statement
from storage.store import Transaction

_here: Final = messages.c.collection_id == sa.bindparam("collection")
_span: Final = messages.c.uid.between(sa.bindparam("first"), sa.bindparam("last"))
_STATES: Final = Statement(
    sa.select(*(messages.c[name] for name in State._fields[:-1]), messages.c.content_id)
    .where(_here, _span)
    .order_by(messages.c.uid),
    State,
)
_SET_SPAN: Final = Statement(
    sa.update(messages)
    .where(_here, _span, messages.c.flags == sa.bindparam("old"))
    .values(flags=sa.bindparam("new"), modseq=sa.bindparam("number"))
)


def set_flags(
    tx: Transaction,
    mailbox: Mailbox,
    uids: Sequence[int],
    change: words.Change,
    flags: str,
    *,
    unchanged_since: int | None = None,
) -> Flagged:
    """Change the flags of messages; `flags` is canonical. Uids that do not exist are passed over.

    Raises:
        LimitReached: a message would have too many keywords.
    """
    numbers.lock(tx, mailbox.id)
    spans = list(runs(uids))
    found = states_in(tx, mailbox, spans)
    failed: list[int] = []
    if unchanged_since is not None:
        failed = [state.uid for state in found if state.modseq > unchanged_since]
        if failed:
            refused = set(failed)
            spans = list(runs(state.uid for state in found if state.uid not in refused))
    refused = set(failed)
    found = _answered(tx, mailbox, found, change, flags, refused)
    fresh = {old: words.changed(old, change, flags) for old in {state.flags for state in found}}
    differs = [state for state in found if fresh[state.flags] != state.flags and state.uid not in refused]
    if not differs:
        return Flagged(mailbox.modseq, found, failed)
    number, _, _ = numbers.take(tx, mailbox.id)
    for old in {state.flags for state in differs}:
        for first, last in spans:
            keys = {"collection": mailbox.id, "first": first, "last": last}
            _SET_SPAN.run(tx, {**keys, "old": old, "new": fresh[old], "number": number})
    numbers.count(tx, mailbox.id, (fresh[state.flags] for state in differs), (state.flags for state in differs))
    numbers.learn(tx, mailbox, fresh.values())
    now = {state.uid for state in differs}
    return Flagged(
        number,
        [state._replace(flags=fresh[state.flags], modseq=number) if state.uid in now else state for state in found],
        failed,
    )


def _answered(
    tx: Transaction, mailbox: Mailbox, found: list[State], change: words.Change, flags: str, refused: set[int]
) -> list[State]:
    """Send the receipts that are due when these messages become seen, and note it in them (MSG-16)."""
    if change == "remove" or not words.has(flags, words.SEEN):
        return found
    from storage.mail import receipts

    due = receipts.due(tx, mailbox, [state for state in found if state.uid not in refused])
    if not due:
        return found
    receipts.send(tx, due)
    number, _, _ = numbers.take(tx, mailbox.id)
    noted = {state.uid: words.changed(state.flags, "add", receipts.SENT) for state in due}
    for state in due:
        keys = {"collection": mailbox.id, "first": state.uid, "last": state.uid}
        _SET_SPAN.run(tx, {**keys, "old": state.flags, "new": noted[state.uid], "number": number})
    numbers.learn(tx, mailbox, noted.values())
    return [state._replace(flags=noted[state.uid], modseq=number) if state.uid in noted else state for state in found]


def states_in(tx: Transaction, mailbox: Mailbox, spans: Iterable[tuple[int, int]]) -> list[State]:
    """The messages whose uids lie in some spans, by uid."""
    return [
        state
        for first, last in spans
        for state in _STATES.all(tx, {"collection": mailbox.id, "first": first, "last": last})
    ]


def runs(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending spans of consecutive numbers."""
    first = last = None
    for uid in sorted(set(uids)):
        if last is not None and uid == last + 1:
            last = uid
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = uid
    if first is not None and last is not None:
        yield first, last
