"""COPY, MOVE and EXPUNGE (RFC 9051 §6.4.3, §6.4.7, §6.4.8, §6.4.9; MSG-40…42, IMAP-03)."""

from __future__ import annotations

from servers.imap import render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import No
from servers.imap.reader import Reader
from storage.errors import NotFound
from storage.mail import mailboxes, moving


def copy(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _transfer(connection, reader, uid=False, take=False)


def uid_copy(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _transfer(connection, reader, uid=True, take=False)


def move(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _transfer(connection, reader, uid=False, take=True)


def uid_move(connection: Connection, reader: Reader, tag: str) -> Answer:
    return _transfer(connection, reader, uid=True, take=True)


def expunge(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.end()
    return _expunge(connection, None)


def uid_expunge(connection: Connection, reader: Reader, tag: str) -> Answer:
    """Only those of the set (RFC 4315 §2.1)."""
    reader.space()
    written = reader.set()
    reader.end()
    connection.load()
    return _expunge(connection, [state.uid for _, state in connection.selected.chosen(written, uid=True)])


def _expunge(connection: Connection, uids: list[int] | None) -> Answer:
    view = connection.selected
    if view.read_only:
        raise No("the mailbox is selected read-only")
    with connection.store.write(connection.me) as tx:
        box = mailboxes.by_id(tx, view.id)
        gone = moving.expunge(tx, box, uids) if box.deleted else []
        modseq = mailboxes.by_id(tx, view.id).modseq if gone else 0
    code = f"HIGHESTMODSEQ {modseq}" if gone and connection.qresync else ""  # RFC 7162 §3.2.8
    return Answer(code=code)


def _transfer(connection: Connection, reader: Reader, *, uid: bool, take: bool) -> Answer:
    view = connection.selected
    reader.space()
    written = reader.set()
    reader.space()
    name = reader.mailbox()
    reader.end()
    if take and view.read_only:
        raise No("the mailbox is selected read-only")
    connection.load()
    uids = [state.uid for _, state in view.chosen(written, uid=uid)]
    with connection.store.write(connection.me) as tx:
        try:
            target = mailboxes.find(tx, name, beside=view.id)
        except NotFound:
            raise No("there is no such mailbox", "TRYCREATE") from None
        source = mailboxes.by_id(tx, view.id)
        placed = moving.move(tx, source, uids, target) if take else moving.copy(tx, source, uids, target)
        if not (uid or written.saved or len(placed) == len(uids) or (take and placed)):
            # Numbers of messages that somebody else removed: "partial copy MUST NOT be done" (RFC 9051 §6.4.7).
            raise No("some of the messages are gone", "EXPUNGEISSUED")
        modseq = mailboxes.by_id(tx, view.id).modseq if take and placed else 0
    if not placed:
        return Answer()
    connection.put(target.id, [new for _, new in placed])
    old, new = (render.number_set(list(numbers)).decode() for numbers in zip(*placed, strict=True))
    code = f"COPYUID {target.uid_validity} {old} {new}"
    if take:
        # RFC 6851 §4.3: before the removals are told; §4.4: the number of the change at the end.
        return Answer((f"* OK [{code}] moved\r\n".encode(),), code=f"HIGHESTMODSEQ {modseq}")
    return Answer(code=code)
