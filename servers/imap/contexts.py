"""Searches and sorts whose results are kept up to date for the client (RFC 5267 §4.3).

They live as long as their mailbox is selected. What changes is told with the EXPUNGE, EXISTS or FETCH that it comes of:
removals before the numbers move, everything else behind them (RFC 5267 §4.3.3, §4.3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servers.imap import render
from servers.imap.errors import Bad
from servers.imap.fetch_items import Item
from storage.mail import query as ask
from storage.mail import searching, sorting
from storage.mail.query import Query
from storage.store import Transaction

if TYPE_CHECKING:
    from servers.imap.view import News, View

CONTEXTS_MAX: Final = 8
"""Of one client; the next one is refused with NOUPDATE (RFC 5267 §4.3.1)."""

SortKeys = Sequence[tuple[str, bool]]
Numbered = Callable[[int], int | None]
"""A uid as the client counts in this context."""


@dataclass(slots=True)
class Context:
    """One search or sort that is kept up to date."""

    uid: bool
    """Its results are told as uids."""
    query: Query
    """Sequence numbers in it were read when it came (RFC 5267 §4.3)."""
    keys: SortKeys
    """Of a sort; a search has none."""
    found: list[int]
    """Uids of the results as the client knows them, in their order."""
    modseq: int = 0
    """Up to which change the messages were judged."""
    uid_next: int = 0
    """The first message that never was."""
    items: tuple[Item, ...] = ()
    """What of new results is fetched for the client (RFC 5465 §7)."""

    @property
    def changing(self) -> bool:
        """Whether a message that is here already can come into the results or leave them."""
        return _changes(self.query)


def _changes(query: Query) -> bool:
    match query:
        case ask.Flag() | ask.ModSeq():
            return True
        case ask.And(terms) | ask.Or(terms):
            return any(map(_changes, terms))
        case ask.Not(term) | ask.Fuzzy(term):
            return _changes(term)
        case _:
            return False


def check(view: View, tag: str) -> None:
    """Raises: Bad: another context goes by this tag (RFC 5267 §4.3)."""
    if tag in view.contexts:
        raise Bad("this tag belongs to another search that is kept up to date")


def begin(view: View, tag: str, context: Context) -> tuple[bytes, ...]:
    """Keep it up to date from now on, or say that it is not."""
    if len(view.contexts) >= CONTEXTS_MAX:
        return (b"* NO [NOUPDATE %b] that would be too many\r\n" % render.string(tag.encode()),)
    context.modseq, context.uid_next = view.modseq, _uid_next(view)
    view.contexts[tag] = context
    return ()


def removed(view: View, news: News) -> bytes:
    """REMOVEFROM of what went: with the numbers that it still has, so this comes before the removals are told."""
    numbers = dict(zip(news.vanished, (one + before for before, one in enumerate(news.expunged)), strict=True))
    numbers |= {uid: number for uid in view.gone if (number := view.number(uid)) is not None}
    if not numbers:
        return b""
    said: list[bytes] = []
    for tag, context in view.contexts.items():
        lost = numbers.keys() & context.found
        if lost:
            said.append(_line(tag, context, [_removal(context, lost, numbers.get)]))
            context.found = [uid for uid in context.found if uid not in lost]
    return b"".join(said)


def changed(tx: Transaction, view: View) -> bytes:
    """ADDTO and REMOVEFROM of what is new or has other flags; `view` is up to date, and so are its numbers."""
    said: list[bytes] = []
    for tag, context in view.contexts.items():
        if context.modseq != view.modseq:
            items = list(_judged(tx, view, context))
            if items:
                said.append(_line(tag, context, items))
    return b"".join(said)


def _judged(tx: Transaction, view: View, context: Context) -> Iterator[bytes]:
    """Only what changed is judged; a search without flags in it, on new messages alone."""
    low = 0 if context.changing else context.uid_next
    gone = view.gone
    fresh = [one for one in view.states if one.modseq > context.modseq and one.uid >= low and one.uid not in gone]
    context.modseq, context.uid_next = view.modseq, _uid_next(view)
    if not fresh:
        return
    fits = set(searching.search(tx, view.id, fresh, context.query))
    before = set(context.found)
    lost = {one.uid for one in fresh if one.uid in before} - fits
    if lost:
        yield _removal(context, lost, view.number)
        context.found = [uid for uid in context.found if uid not in lost]
    added = fits - before
    if added:
        present = (before - lost) | added
        states = [one for one in view.states if one.uid in present]
        order = sorting.sort(tx, view.id, states, context.keys) if context.keys else [one.uid for one in states]
        context.found = order
        yield _addition(context, added, view.number)


def _uid_next(view: View) -> int:
    return view.states.last + 1


def _line(tag: str, context: Context, items: Sequence[bytes]) -> bytes:
    start = b"* ESEARCH (TAG %b)%b " % (render.string(tag.encode()), b" UID" if context.uid else b"")
    return start + b" ".join(items) + b"\r\n"


def _removal(context: Context, lost: Collection[int], number: Numbered) -> bytes:
    """RFC 5267 §4.3.4: each pair of a sort counts from what the ones before it left."""
    if not context.keys:
        return b"REMOVEFROM (0 %b)" % _ascending(context, lost, number)
    pairs: list[bytes] = []
    taken = 0
    for position, uids in _runs(context.found, lost):
        pairs.append(b"%d %b" % (position - taken, _ordered(context, uids, number)))
        taken += len(uids)
    return b"REMOVEFROM (%b)" % b" ".join(pairs)


def _addition(context: Context, added: Collection[int], number: Numbered) -> bytes:
    """RFC 5267 §4.3.3: from the front to the end, so that each pair has its final place."""
    if not context.keys:
        return b"ADDTO (0 %b)" % _ascending(context, added, number)
    pairs = [b"%d %b" % (position, _ordered(context, uids, number)) for position, uids in _runs(context.found, added)]
    return b"ADDTO (%b)" % b" ".join(pairs)


def _runs(order: Sequence[int], chosen: Collection[int]) -> Iterator[tuple[int, list[int]]]:
    """Those of an order that are chosen, where they follow one another; places are counted from 1."""
    run: list[int] = []
    for place, uid in enumerate(order, 1):
        if uid in chosen:
            run.append(uid)
        elif run:
            yield place - len(run), run
            run = []
    if run:
        yield len(order) + 1 - len(run), run


def _ascending(context: Context, uids: Collection[int], number: Numbered) -> bytes:
    return render.number_set(sorted(_told(context, uids, number)))


def _ordered(context: Context, uids: Sequence[int], number: Numbered) -> bytes:
    return b",".join([b"%d" % one for one in _told(context, uids, number)])


def _told(context: Context, uids: Collection[int], number: Numbered) -> list[int]:
    if context.uid:
        return list(uids)
    return [found for uid in uids if (found := number(uid)) is not None]
