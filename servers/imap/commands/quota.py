"""QUOTA: one root with the plan's space for mail (RFC 9208, MSG-62)."""

from __future__ import annotations

from servers.imap.connection import Answer, Connection
from servers.imap.errors import No
from servers.imap.reader import Reader
from storage import quota
from storage.mail.types import INBOX
from storage.store import Transaction
from storage.types import Principal, SpaceKind, Tool


def get_quota(connection: Connection, reader: Reader, tag: str) -> Answer:
    reader.space()
    root = reader.text()
    reader.end()
    if root:
        raise No("there is no such quota root", "NONEXISTENT")
    with connection.store.read(connection.me) as tx:
        return Answer((_quota(connection, tx),))


def get_quota_root(connection: Connection, reader: Reader, tag: str) -> Answer:
    """There need be no such mailbox yet: the root is the one that it would have (RFC 9208 §4.1.2)."""
    reader.space()
    name = reader.mailbox()
    reader.end()
    said = connection.name(INBOX if name.upper() == INBOX else name)
    with connection.store.read(connection.me) as tx:
        return Answer((b'* QUOTAROOT %b ""\r\n' % said, _quota(connection, tx)))


def set_quota(connection: Connection, reader: Reader, tag: str) -> Answer:
    raise No("the administrator sets the plan's limits", "NOPERM")


def _quota(connection: Connection, tx: Transaction) -> bytes:
    """STORAGE in units of 1024 octets (RFC 9208 §5.1); without a limit nothing is listed."""
    me = Principal(connection.me.id, SpaceKind.PRIVATE, connection.me.login, "", "")
    used = quota.used(tx, me, Tool.MESSAGES)
    if used.limit_octets is None:
        return b'* QUOTA "" ()\r\n'
    return b'* QUOTA "" (STORAGE %d %d)\r\n' % (-(-used.octets // 1024), used.limit_octets // 1024)
