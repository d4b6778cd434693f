"""STORE for thousands of messages that follow one another: their flags change by text, not message by message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from servers.imap import others
from servers.imap.connection import Answer, Connection
from storage.mail import flagging, flags, mailboxes
from storage.mail.types import KnownSpan, Restated

_LINES_AT_ONCE: Final = 1_000


def store(
    connection: Connection, places: Sequence[int], change: flags.Change, given: str, *, uid: bool, silent: bool
) -> Answer | None:
    """None: the messages must be looked at one by one; nothing was done."""
    view = connection.selected
    known = view.known_span(places)
    if known is None or not isinstance(places, range):
        return None
    with connection.store.write(connection.me) as tx:
        done = flagging.set_all(tx, mailboxes.by_id(tx, view.id), known, change, given)
    if done is None:
        return None
    before = known.flags() if silent and connection.condstore else ()
    view.restate(places, done)
    keywords = others.new_keywords(view, set(done.fresh.values()))
    if not silent:
        return Answer(chain((keywords,), _told(connection, places, known, uid=uid)))
    if connection.condstore:
        return Answer(chain((keywords,), _numbers(places, known.uids, before, done)))
    return Answer((keywords,))


def _told(connection: Connection, places: range, known: KnownSpan, *, uid: bool) -> Iterator[bytes]:
    """The flags of all of them (RFC 9051 §6.4.6), with what `others.flags_of` tells beside them."""
    view = connection.selected
    with_uid = uid or connection.condstore or connection.rev2
    for at in range(0, len(places), _LINES_AT_ONCE):
        some = places[at : at + _LINES_AT_ONCE]
        uids = known.uids[at : at + _LINES_AT_ONCE]
        written = view.written(view.states.flags(some), uids)
        numbers = range(some.start + 1, some.stop + 1)
        if connection.condstore:
            modseqs = view.states.modseqs(some)
            rows = zip(numbers, uids, written, modseqs, strict=True)
            yield b"".join([b"* %d FETCH (UID %d %b MODSEQ (%d))\r\n" % row for row in rows])
        elif with_uid:
            yield b"".join([b"* %d FETCH (UID %d %b)\r\n" % row for row in zip(numbers, uids, written, strict=True)])
        else:
            yield b"".join([b"* %d FETCH (%b)\r\n" % row for row in zip(numbers, written, strict=True)])


def _numbers(places: range, uids: Sequence[int], before: Sequence[str], done: Restated) -> Iterator[bytes]:
    """The change number of those that changed (RFC 7162 §3.1.3, §3.2.4)."""
    if not done.fresh:
        return
    rows = zip(range(places.start + 1, places.stop + 1), uids, before, strict=True)
    yield b"".join(
        [
            b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (number, one, done.modseq)
            for number, one, text in rows
            if text in done.fresh
        ]
    )
