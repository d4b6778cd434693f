"""STORE (RFC 9051 §6.4.6), on condition that nobody else changed the flags (RFC 7162 §3.1.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from servers.imap import render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader
from servers.imap.view import View
from storage.mail import flagging, flags, mailboxes
from storage.mail.types import State

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
    chosen = view.chosen(written, uid=uid)
    if not chosen:
        return Answer()
    with connection.store.write(connection.me) as tx:
        box = mailboxes.by_id(tx, view.id)
        uids = [state.uid for _, state in chosen]
        done = flagging.set_flags(tx, box, uids, _CHANGES[sign], canonical, unchanged_since=since)
    before = {state.uid: state.modseq for _, state in chosen}
    view.put(done.states)
    failed = set(done.failed)
    told = [state for state in done.states if _is_told(connection, state, before, failed, silent=silent)]
    data = _lines(connection, view, told, uid=uid, silent=silent)
    if failed:
        numbers = sorted(failed) if uid else sorted(n for one in failed if (n := view.number(one)) is not None)
        return Answer(tuple(data), code=f"MODIFIED {render.number_set(numbers).decode()}", text="some were changed")
    if {state.uid for state in done.states} != set(uids) and not uid and not view.gone:
        # RFC 9051 §6.4.6: a message that went meanwhile was not changed; its removal is told later.
        return Answer(tuple(data), text="some are gone")
    return Answer(tuple(data))


def _is_told(connection: Connection, state: State, before: dict[int, int], failed: set[int], *, silent: bool) -> bool:
    if state.uid in failed:
        return True  # RFC 7162 §3.1.3: so that the client sees what it missed
    if not silent:
        return True
    return connection.condstore and state.modseq != before.get(state.uid)


def _lines(connection: Connection, view: View, states: list[State], *, uid: bool, silent: bool) -> Iterator[bytes]:
    for state in states:
        number = view.number(state.uid)
        if number is None:
            continue
        if silent:  # only the number of the change
            yield b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (number, state.uid, state.modseq)
        else:
            yield connection.flags_of(number, state, uid=uid)


def _bare(reader: Reader) -> list[str]:
    """Flags without parentheses (RFC 9051 §9, store-att-flags)."""
    found = [reader.flag()]
    while not reader.done:
        reader.space()
        found.append(reader.flag())
    return found
