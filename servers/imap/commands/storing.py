"""STORE (RFC 9051 §6.4.6), on condition that nobody else changed the flags (RFC 7162 §3.1.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from servers.imap import others, render
from servers.imap.commands import whole_spans
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from servers.imap.view import View
from storage.mail import flagging, flags, mailboxes
from storage.mail.types import Flagged, State

_FEW: Final = 100
"""Messages that are looked at one by one."""
_CHANGES: Final[dict[str, flags.Change]] = {"+": "add", "-": "remove", "": "replace"}


def store(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _store(connection, reader, uid=False)


def uid_store(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _store(connection, reader, uid=True)


def _store(connection: Connection, reader: Reader, *, uid: bool) -> Answer:
    view = connection.selected
    reader.space()
    written = reader.set()
    reader.space()
    since: int | None = None
    if reader.take(b"(UNCHANGEDSINCE "):
        since = reader.number()
        reader.need(b")")
        reader.space()
        connection.enabled.add("CONDSTORE")
    sign = "+" if reader.take(b"+") else "-" if reader.take(b"-") else ""
    reader.need(b"FLAGS")
    silent = reader.take(b".SILENT")
    reader.space()
    given = reader.flags() if reader.peek(b"(") else _bare(reader)
    reader.end()
    if view.read_only:
        raise No("the mailbox is selected read-only")
    try:
        canonical = flags.canonical(given)
    except flags.BadFlag as error:
        raise Bad(str(error)) from error
    connection.load()
    places = view.places(written, uid=uid)
    if not places:
        return Answer()
    change = _CHANGES[sign]
    if len(places) > _FEW and since is None:
        answer = whole_spans.store(connection, places, change, canonical, uid=uid, silent=silent)
        if answer is not None:
            return answer
    before = view.states.at(places)
    with connection.store.write(connection.me) as tx:
        box = mailboxes.by_id(tx, view.id)
        uids = (state.uid for state in before)
        known = view.known(before)
        done = flagging.set_flags(tx, box, uids, change, canonical, unchanged_since=since, known=known)
    failed = set(done.failed)
    told, surprising = done.states, frozenset[int]()
    if silent:
        wanted = {old: flags.changed(old, change, canonical) for old in {state.flags for state in before}}
        told, surprising = _told(connection, before, done, wanted)
    view.put(done.states)
    view.caught_up(done)
    lines = _lines(connection, view, told, surprising, uid=uid, silent=silent)
    data = chain((others.new_keywords(view, {state.flags for state in done.states}),), lines)
    if failed:
        numbers = sorted(failed) if uid else sorted(n for one in failed if (n := view.number(one)) is not None)
        return Answer(tuple(data), code=f"MODIFIED {render.number_set(numbers).decode()}", text="some were changed")
    if len(done.states) < len(places) and not uid and not view.gone:
        # RFC 9051 §6.4.6: a message that went meanwhile was not changed; its removal is told later.
        return Answer(tuple(data), text="some are gone")
    return Answer(tuple(data))


def _told(
    connection: Connection, before: Sequence[State], done: Flagged, expected: dict[str, str]
) -> tuple[list[State], frozenset[int]]:
    """What a silent STORE tells all the same, and of which of them the flags are not what the client expects.

    Somebody else changed those (RFC 9051 §6.4.6), or the change was refused (RFC 7162 §3.1.3).
    """
    if len(done.states) < len(before):
        present = {state.uid for state in done.states}
        before = [state for state in before if state.uid in present]
    failed = set(done.failed)
    pairs = zip(before, done.states, strict=True)
    other = [new for old, new in pairs if new.flags != expected[old.flags] or new.uid in failed]
    if not (connection.condstore or failed):
        return other, frozenset(state.uid for state in other)
    pairs = zip(before, done.states, strict=True)
    told = [new for old, new in pairs if new.uid in failed or (connection.condstore and new.modseq != old.modseq)]
    return told, frozenset(state.uid for state in other)


def _lines(
    connection: Connection, view: View, states: Sequence[State], surprising: frozenset[int], *, uid: bool, silent: bool
) -> Iterator[bytes]:
    for state in states:
        number = view.number(state.uid)
        if number is None:
            continue
        if silent and state.uid not in surprising:  # only the number of the change
            yield b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (number, state.uid, state.modseq)
        else:
            yield others.flags_of(connection, view, number, state, uid=uid)


def _bare(reader: Reader) -> list[str]:
    """Flags without parentheses (RFC 9051 §9, store-att-flags)."""
    found = [reader.flag()]
    while not reader.done:
        reader.space()
        found.append(reader.flag())
    return found
