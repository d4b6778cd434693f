"""Where in a mailbox something changed, by change number: what QRESYNC, CHANGEDSINCE and ActiveSync begin with.

A change writes the spans of uids that it touched, whatever their number, and not an index entry for each message
(docs/decisions/0265). The rule is: for every message there is a row whose number is not below the message's and whose
span holds its uid. So the rows above a number lead to all that changed since, and to messages that did not; whoever
reads compares the messages' own numbers. Rows that grew old become one that spans the whole mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from itertools import pairwise
from typing import Final

import sqlalchemy as sa

from storage.mail.tables import changes
from storage.statements import Statement, insert
from storage.store import Transaction
from storage.types import CollectionId

EVERY: Final = (1, 2**62)
"""The span of a whole mailbox."""
SPANS_MAX: Final = 50
"""Rows of one change."""
LOOKS_MAX: Final = 200
"""Spans that are looked through for what changed, by one query each."""
_NEAR: Final = 64
"""Messages between two spans that cost less than a further query."""
KEPT: Final = 500
"""Rows of a mailbox that stay as they are; who was away for longer looks through the whole mailbox, once."""
_LOOK_EVERY: Final = 64
"""Changes from one look at what grew old to the next."""

_here: Final = changes.c.collection_id == sa.bindparam("collection")
_NOTE: Final = insert(changes, "collection_id", "modseq", "first_uid", "last_uid")
_SINCE: Final = Statement(
    sa.select(changes.c.first_uid, changes.c.last_uid).where(_here, changes.c.modseq > sa.bindparam("since"))
)
_OLD: Final = Statement(
    sa.select(changes.c.modseq)
    .where(_here)
    .order_by(changes.c.modseq.desc())
    .limit(1)
    .offset(sa.bindparam("kept", type_=sa.Integer))
)
_FORGET: Final = Statement(sa.delete(changes).where(_here, changes.c.modseq <= sa.bindparam("until")))


def note(tx: Transaction, collection: CollectionId, modseq: int, spans: Iterable[tuple[int, int]]) -> None:
    """Messages in these spans have this number now; the spans of one number do not overlap."""
    for first, last in condensed(spans, SPANS_MAX, 0):
        _NOTE.run(tx, {"collection_id": collection, "modseq": modseq, "first_uid": first, "last_uid": last})


def since(tx: Transaction, collection: CollectionId, modseq: int) -> list[tuple[int, int]]:
    """Ascending spans that hold every message whose number is above this one."""
    found = _SINCE.raw(tx, {"collection": collection, "since": modseq})
    return condensed(((first, last) for first, last in found), LOOKS_MAX, _NEAR)


def tidy(tx: Transaction, collection: CollectionId, modseq: int) -> None:
    """Make one row of what grew old, now and then; `modseq` was just given out, so nobody else writes here."""
    if modseq % _LOOK_EVERY:
        return
    until: int | None = _OLD.scalar(tx, {"collection": collection, "kept": KEPT})
    if until is not None:
        collapse(tx, collection, until)


def collapse(tx: Transaction, collection: CollectionId, until: int) -> None:
    """Know of the changes up to this number only that they were somewhere."""
    _FORGET.run(tx, {"collection": collection, "until": until})
    first, last = EVERY
    _NOTE.run(tx, {"collection_id": collection, "modseq": until, "first_uid": first, "last_uid": last})


def condensed(spans: Iterable[tuple[int, int]], most: int, near: int) -> list[tuple[int, int]]:
    """Ascending spans without overlap that hold the same, at most so many: the narrowest gaps are filled for that.

    Gaps of `near` numbers are filled in any case.
    """
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1 + near:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    if len(joined) <= most:
        return joined
    gaps = nlargest(most - 1, range(1, len(joined)), key=lambda place: joined[place][0] - joined[place - 1][1])
    return [(joined[start][0], joined[end - 1][1]) for start, end in pairwise([0, *sorted(gaps), len(joined)])]
