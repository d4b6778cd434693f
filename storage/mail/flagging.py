"""Flags of messages: one number for a whole change, none where nothing changes (RFC 9051 §6.4.6, RFC 7162)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import sqlalchemy as sa

from storage.mail import change_log, follow_ups, numbers
from storage.mail import flags as words
from storage.mail.tables import messages
from storage.mail.types import Flagged, Known, KnownSpan, Mailbox, Restated, State
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
_TEXTS_AT_ONCE: Final = 20
"""Different texts of flags that one statement changes; a mailbox has few."""


def set_flags(
    tx: Transaction,
    mailbox: Mailbox,
    uids: Iterable[int],
    change: words.Change,
    flags: str,
    *,
    unchanged_since: int | None = None,
    known: Known | None = None,
) -> Flagged:
    """Change the flags of messages; `flags` is canonical. Uids that do not exist are passed over.

    Where `\\Flagged` is set or cleared, what was said of the flag before goes (storage/mail/follow_ups.py).

    `known` are these very messages as the caller read them: if nothing happened since, they are not read again.

    Raises:
        LimitReached: a message would have too many keywords.
    """
    before = numbers.lock(tx, mailbox.id)[mailbox.id]
    if known is not None and known.modseq == before:
        found = known.states
    else:
        found = states_in(tx, mailbox, runs(uids))
    failed: list[int] = []
    if unchanged_since is not None:
        failed = [state.uid for state in found if state.modseq > unchanged_since]
    refused = set(failed)
    found = _answered(tx, mailbox, found, change, flags, refused)
    here = [state for state in found if state.uid not in refused] if refused else found
    amounts = Counter([state.flags for state in here])
    fresh = _fresh(amounts, change, flags)
    if not fresh:
        return Flagged(before, mailbox.modseq, found, failed)
    spans = list(runs(state.uid for state in here))
    number = _write(tx, mailbox, spans, amounts, fresh, lambda texts: (one.uid for one in here if one.flags in texts))
    make = tuple.__new__  # `_replace` takes ten times as long
    states = [
        make(State, (state[0], number, fresh[state[2]], *state[3:]))
        if state[2] in fresh and state[0] not in refused
        else state
        for state in found
    ]
    return Flagged(before, number, states, failed)


def set_all(tx: Transaction, mailbox: Mailbox, known: KnownSpan, change: words.Change, flags: str) -> Restated | None:
    """The same for all messages of a span, however many, without a look at each of them.

    None: something happened since they were read, or receipts are to be sent for some; nothing was done.
    """
    if numbers.lock(tx, mailbox.id)[mailbox.id] != known.modseq:
        return None
    if change != "remove" and words.has(flags, words.SEEN):
        from storage.mail import receipts

        if receipts.may_be_due(tx, mailbox, known.amounts):
            return None
    fresh = _fresh(known.amounts, change, flags)
    if not fresh:
        return Restated(known.modseq, fresh)

    def with_flags(texts: set[str]) -> Iterator[int]:
        return (uid for uid, text in zip(known.uids, known.flags(), strict=True) if text in texts)

    spans = [(known.uids[0], known.uids[-1])]
    return Restated(_write(tx, mailbox, spans, known.amounts, fresh, with_flags), fresh)


def _fresh(amounts: Iterable[str], change: words.Change, flags: str) -> dict[str, str]:
    """What becomes of flags; what stays as it is, is not in it."""
    return {old: new for old in amounts if (new := words.changed(old, change, flags)) != old}


def _write(
    tx: Transaction,
    mailbox: Mailbox,
    spans: Sequence[tuple[int, int]],
    amounts: Mapping[str, int],
    fresh: Mapping[str, str],
    with_flags: Callable[[set[str]], Iterable[int]],
) -> int:
    """Give what lies in the spans its new flags, with one change number, and give that.

    `amounts` says how many there are of each text of flags, `with_flags` the uids of those with some of them.
    """
    number, _, _ = numbers.take(tx, mailbox.id)
    change_log.note(tx, mailbox.id, number, spans)
    _set(tx, mailbox, spans, fresh, number)
    added: Counter[str] = Counter()
    for old, new in fresh.items():
        added[new] += amounts[old]
    numbers.count(tx, mailbox.id, added, Counter({old: amounts[old] for old in fresh}))
    numbers.learn(tx, mailbox, fresh.values())
    turned = {old for old, new in fresh.items() if words.has(old, words.FLAGGED) != words.has(new, words.FLAGGED)}
    if turned:
        follow_ups.forget(tx, mailbox.id, (spans[0][0], spans[-1][1]), with_flags(turned))
    return number


def _set(
    tx: Transaction, mailbox: Mailbox, spans: Iterable[tuple[int, int]], fresh: Mapping[str, str], number: int
) -> None:
    """Give what has these texts of flags their new ones; no new one is an old one, so each is changed once."""
    texts = list(fresh.items())
    for at in range(0, len(texts), _TEXTS_AT_ONCE):
        some = texts[at : at + _TEXTS_AT_ONCE]
        values: dict[str, object] = {"collection": mailbox.id, "number": number}
        for place, (old, new) in enumerate(some):
            values |= {f"old{place}": old, f"new{place}": new}
        statement = _update(len(some))
        for first, last in spans:
            statement.run(tx, values | {"first": first, "last": last})


@lru_cache(_TEXTS_AT_ONCE)
def _update(count: int) -> Statement:
    """One walk over a span, however many texts are changed."""
    old = [sa.bindparam(f"old{place}", type_=sa.Text) for place in range(count)]
    new = [sa.bindparam(f"new{place}", type_=sa.Text) for place in range(count)]
    flags = sa.case(*((messages.c.flags == one, other) for one, other in zip(old, new, strict=True)))
    return Statement(
        sa.update(messages)
        .where(_here, _span, sa.or_(*(messages.c.flags == one for one in old)))
        .values(flags=flags, modseq=sa.bindparam("number"))
    )


def _answered(
    tx: Transaction, mailbox: Mailbox, found: Sequence[State], change: words.Change, flags: str, refused: set[int]
) -> Sequence[State]:
    """Send the receipts that are due when these messages become seen, and note it in them (MSG-16)."""
    if change == "remove" or not words.has(flags, words.SEEN):
        return found
    from storage.mail import receipts

    due = receipts.due(tx, mailbox, [state for state in found if state.uid not in refused])
    if not due:
        return found
    receipts.send(tx, due)
    number, _, _ = numbers.take(tx, mailbox.id)
    change_log.note(tx, mailbox.id, number, runs(state.uid for state in due))
    noted = {state.uid: words.changed(state.flags, "add", receipts.SENT) for state in due}
    for state in due:
        _set(tx, mailbox, [(state.uid, state.uid)], {state.flags: noted[state.uid]}, number)
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
