"""SELECT and EXAMINE, with what changed since the client was here (RFC 9051 §6.3.2; RFC 7162 §3.1.8, §3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from servers.imap import others, recent, render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import STAR, Reader, Set
from servers.imap.view import View
from storage.errors import NotFound
from storage.mail import mailboxes, moving, reading
from storage.mail.flags import FLAGS
from storage.mail.types import Mailbox
from storage.store import Transaction

_LOOKED_AT: Final = 1_000
"""Messages in which the first unread one is looked for: opening a mailbox must not grow with it."""


@dataclass(slots=True)
class Known:
    """What the client knows of the mailbox (RFC 7162 §3.2.5)."""

    uid_validity: int
    modseq: int
    uids: Set | None = None


def select(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _select(connection, reader, read_only=False)


def examine(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _select(connection, reader, read_only=True)


def unselect(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.4.2: nothing is removed."""
    reader.end()
    connection.view = None
    return Answer()


def close(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 9051 §6.4.1: what is flagged as deleted goes, silently."""
    reader.end()
    view, connection.view = connection.selected, None
    if not view.read_only:
        with connection.store.write(connection.me) as tx:
            box = mailboxes.by_id(tx, view.id)
            if box.deleted:
                moving.expunge(tx, box)
    return Answer()


def _select(connection: Connection, reader: Reader, *, read_only: bool) -> Answer:
    reader.space()
    name = reader.mailbox()
    known = _parameters(connection, reader)
    reader.end()
    lines: list[bytes] = []
    if connection.view is not None:
        connection.view = None  # also where the new one cannot be selected (RFC 9051 §6.3.2)
        lines.append(b"* OK [CLOSED] the other mailbox is closed\r\n")
    with connection.store.read(connection.me) as tx:
        try:
            box = mailboxes.find(tx, name)
        except NotFound:
            raise No("there is no such mailbox", "NONEXISTENT", b"".join(lines)) from None
        view = View(box, connection.shared, read_only=read_only)
        connection.view = view
        lines += [
            b"* %d EXISTS\r\n" % box.exists,
            b"* OK [UIDVALIDITY %d] uids are valid\r\n" % box.uid_validity,
            b"* OK [UIDNEXT %d] the next uid\r\n" % box.uid_next,
            b"* FLAGS %b\r\n" % _flags(view),
            b"* OK [PERMANENTFLAGS %b] may be set\r\n" % (b"()" if read_only else _flags(view, more=True)),
            b"* OK [HIGHESTMODSEQ %d] the number of the last change\r\n" % box.modseq,
            b"* OK [MAILBOXID (%b)] for ever\r\n" % box.object_id.encode(),
            b"* OK [URLMECH INTERNAL] for URLs into it\r\n",  # RFC 4467 §8
        ]
        if connection.rev2:
            words = render.attributes(box, subscribed=box.subscribed)
            lines.append(render.list_response(box.name, words, utf8=connection.utf8, old=name))
        else:
            lines.append(recent.selected(connection, tx, view))
            lines += _unseen(tx, box)
        if known is not None and known.uid_validity == box.uid_validity:
            lines += _since(connection, tx, view, known)
    return Answer(tuple(lines), code="READ-ONLY" if read_only else "READ-WRITE")


def _unseen(tx: Transaction, box: Mailbox) -> list[bytes]:
    """The first message that was not read, if it is near the beginning (RFC 3501 §6.3.1: else clients search)."""
    first = reading.first_unseen(tx, box.id, _LOOKED_AT) if box.unseen else 0
    return [b"* OK [UNSEEN %d] the first that was not read\r\n" % first] if first else []


def _flags(view: View, *, more: bool = False) -> bytes:
    """The system flags and the keywords that are in use here (RFC 9051 §7.3.5)."""
    words = [*FLAGS, *sorted(view.keywords)]
    return render.listed([*words, "\\*"] if more else words)


def _parameters(connection: Connection, reader: Reader) -> Known | None:
    """`(CONDSTORE)` and `(QRESYNC (…))` (RFC 7162 §3.1.8, §3.2.5)."""
    known: Known | None = None
    if reader.done:
        return None
    reader.space()
    reader.need(b"(")
    while not reader.take(b")"):
        word = reader.word()
        if word == "CONDSTORE":
            connection.enabled.add("CONDSTORE")
        elif word == "QRESYNC":
            if not connection.qresync:
                raise Bad("ENABLE QRESYNC first")
            reader.space()
            known = _known(reader)
        else:
            raise Bad(f"there is no such parameter: {word}")
        reader.take(b" ")
    return known


def _known(reader: Reader) -> Known:
    reader.need(b"(")
    validity = reader.number()
    reader.space()
    known = Known(validity, reader.number())
    while reader.take(b" "):
        if reader.peek(b"("):  # numbers with their uids, for servers that forget removals: not needed here
            reader.need(b"(")
            reader.set()
            reader.space()
            reader.set()
            reader.need(b")")
        else:
            known.uids = reader.set()
    reader.need(b")")
    return known


def _since(connection: Connection, tx: Transaction, view: View, known: Known) -> list[bytes]:
    """What vanished and what changed since then, as far as the client knows the messages (RFC 7162 §3.2.5.1)."""
    found = reading.changes(tx, view.id, known.modseq)
    lines: list[bytes] = []
    view.load(tx)
    chosen = (known.uids or Set(((1, STAR),))).uids
    if found.complete:
        gone, changed = found.vanished, found.states
    else:
        # The log does not reach back: whatever the client may know and is not here has vanished.
        present = {state.uid for state in view.states}
        highest = view.mailbox.uid_next - 1
        gone = [uid for first, last in chosen for uid in range(first, min(last, highest) + 1) if uid not in present]
        changed = [state for state in view.states if state.modseq > known.modseq]
    if known.uids is not None:
        gone = [uid for uid in gone if uid in chosen]
        changed = [state for state in changed if state.uid in chosen]
    if gone:
        lines.append(b"* VANISHED (EARLIER) %b\r\n" % render.number_set(sorted(gone)))
    for state in changed:
        number = view.number(state.uid)
        if number is not None:
            lines.append(others.flags_of(connection, view, number, state, uid=True))
    return lines
