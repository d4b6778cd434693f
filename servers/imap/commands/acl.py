"""ACL: mails are always personal, so their owner has every right and nobody else any (RFC 4314, MSG-67)."""

from __future__ import annotations

from servers.imap import render
from servers.imap.commands.listing import RIGHTS
from servers.imap.connection import Answer, Connection
from servers.imap.errors import No
from servers.imap.reader import Reader
from storage.mail import mailboxes


def get_acl(connection: Connection, reader: Reader, tag: str) -> Answer:
    name = _mailbox(connection, reader)
    reader.end()
    me = render.string(connection.me.login.encode())
    return Answer((b"* ACL %b %b %b\r\n" % (connection.name(name), me, RIGHTS.encode()),))


def my_rights(connection: Connection, reader: Reader, tag: str) -> Answer:
    name = _mailbox(connection, reader)
    reader.end()
    return Answer((b"* MYRIGHTS %b %b\r\n" % (connection.name(name), RIGHTS.encode()),))


def list_rights(connection: Connection, reader: Reader, tag: str) -> Answer:
    """RFC 4314 §3.4: what is always granted, and nothing that could be."""
    name = _mailbox(connection, reader)
    reader.space()
    who = reader.text()
    reader.end()
    always = RIGHTS if who.lower() == connection.me.login else ""
    said = render.string(who.encode())
    return Answer((b"* LISTRIGHTS %b %b %b\r\n" % (connection.name(name), said, always.encode() or b'""'),))


def set_acl(connection: Connection, reader: Reader, tag: str) -> Answer:
    _mailbox(connection, reader)
    raise No("mails are never shared", "NOPERM")


def _mailbox(connection: Connection, reader: Reader) -> str:
    reader.space()
    name = reader.mailbox()
    with connection.store.read(connection.me) as tx:
        return mailboxes.find(tx, name).name
