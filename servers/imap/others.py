"""What others did to the selected mailbox, as untagged responses (RFC 9051 §7)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Final

from servers.imap import arrivals, contexts, recent, render
from servers.imap.view import News, View
from storage.mail.flags import FLAGS
from storage.mail.types import State
from storage.store import Transaction

if TYPE_CHECKING:
    from servers.imap.connection import Connection

_SYSTEM: Final = frozenset(FLAGS)


def changes(connection: Connection, tx: Transaction, view: View, *, removals: bool) -> bytes:
    """All that came since the client was told last; what was removed only with `removals` (RFC 9051 §7.5.1).

    Raises:
        NotFound: the mailbox is gone.
    """
    news = view.refresh(tx, removals=removals)
    if news.grown and not connection.rev2:
        recent.grown(connection, tx, view)
    before = contexts.removed(view, news) if view.contexts else b""
    behind = contexts.changed(tx, view) if view.contexts else b""
    behind = arrivals.told(connection, tx, view, news, behind) if news.came else behind
    return before + _told(connection, view, news) + behind + held_back(connection, view)


def held_back(connection: Connection, view: View) -> bytes:
    """Up to which change the client knows all, while removals wait that came before changes it is told of.

    RFC 7162 §3.2: else it would take the highest change number that it saw, and never hear of them if the connection
    broke. When they were told, the number goes up again (§6).
    """
    if not connection.qresync or not (view.gone or view.behind):
        return b""
    view.behind = bool(view.gone)
    return b"* OK [HIGHESTMODSEQ %d] %b\r\n" % (view.whole, b"removals come later" if view.gone else b"all is told")


def new_keywords(view: View, flags: Iterable[str]) -> bytes:
    """FLAGS, where keywords are among these flags of which the client was not told (RFC 9051 §7.3.5)."""
    fresh = {word for text in flags for word in text.split()}
    fresh -= view.keywords | _SYSTEM
    if not fresh:
        return b""
    view.keywords |= fresh
    return b"* FLAGS %b\r\n" % render.listed([*FLAGS, *sorted(view.keywords)])


def flags_of(connection: Connection, view: View, number: int, state: State, *, uid: bool = False) -> bytes:
    """An untagged FETCH of flags: with the uid for rev2, and where change numbers are told (RFC 7162 §3.2.4)."""
    words = [b"UID %d" % state.uid] if uid or connection.condstore or connection.rev2 else []
    words.append(render.flags(view.shown(state).flags))
    if connection.condstore:
        words.append(b"MODSEQ (%d)" % state.modseq)
    return b"* %d FETCH (%b)\r\n" % (number, b" ".join(words))


def _told(connection: Connection, view: View, news: News) -> bytes:
    lines: list[bytes] = []
    if news.vanished:
        if connection.qresync:
            lines.append(b"* VANISHED %b\r\n" % render.number_set(news.vanished))
        else:
            lines += [b"* %d EXPUNGE\r\n" % number for number in news.expunged]
    if news.grown:
        lines.append(b"* %d EXISTS\r\n" % view.told)
        if not connection.rev2:
            lines.append(recent.line(view))
    lines.append(new_keywords(view, {state.flags for state in chain((one for _, one in news.changed), news.came)}))
    if connection.notify is None or connection.notify.of_selected("FlagChange"):
        gone, uid = view.gone, connection.notify is not None  # RFC 5465 §5.1: with the uid
        changed = [pair for pair in news.changed if pair[1].uid not in gone]
        lines += [flags_of(connection, view, number, state, uid=uid) for number, state in changed]
    return b"".join(lines)
