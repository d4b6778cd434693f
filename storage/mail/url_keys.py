"""Keys of mailboxes, with which their owners let others read single messages by URL (RFC 4467).

A URL opens what its owner may read at the moment when it is used, and nothing else of the mailbox.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets
from typing import Final

import sqlalchemy as sa

from storage import accounts
from storage.errors import NotFound
from storage.formats.imap_url import Authority, MessageUrl
from storage.mail import mailboxes, names
from storage.mail.tables import url_keys
from storage.mail.types import Mailbox
from storage.schema import collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Actor, PrincipalId, Tool

MECHANISM: Final = "INTERNAL"
_OCTETS: Final = 32
_HMAC_SHA256: Final = "01"
"""Before the token: how it was made, should that change (RFC 4467 §2.4.1)."""
_mine: Final = sa.and_(
    collections.c.space_id == sa.bindparam("owner"), collections.c.tool == sa.literal(Tool.MESSAGES.value)
)
_KEY: Final = Statement(sa.select(url_keys.c.key).where(url_keys.c.collection_id == sa.bindparam("number")))
_KEY_AT: Final = Statement(
    sa.select(url_keys.c.key)
    .join(collections, collections.c.id == url_keys.c.collection_id)
    .where(_mine, collections.c.path == sa.bindparam("path"))
)


def sign(tx: Transaction, url: MessageUrl, rump: bytes) -> str:
    """The token of a URL into one of the actor's mailboxes, which gets a key if it has none (RFC 4467 §5).

    Raises:
        NotFound: it is somebody else's, or there is no such mailbox: alike.
    """
    owner = accounts.credentials(tx, url.owner)
    if owner is None or owner.id != tx.actor.id:
        raise NotFound("url")
    box = mailboxes.find(tx, url.mailbox)
    if url.uid_validity not in (0, box.uid_validity):
        raise NotFound("url")
    key: bytes | None = _KEY.scalar(tx, {"number": box.id})
    return _token(bytes(key) if key is not None else reset(tx, box), rump)


def reset(tx: Transaction, box: Mailbox) -> bytes:
    """Give a mailbox another key: no URL that was made before opens anything in it."""
    tx.db.execute(sa.delete(url_keys).where(url_keys.c.collection_id == box.id))
    key = secrets.token_bytes(_OCTETS)
    tx.db.execute(sa.insert(url_keys).values(collection_id=box.id, key=key))
    return key


def forget(tx: Transaction) -> None:
    """Take away the keys of all mailboxes of the actor."""
    mine = sa.select(collections.c.id).where(_mine)
    tx.db.execute(sa.delete(url_keys).where(url_keys.c.collection_id.in_(mine)), {"owner": tx.actor.id})


def opened(tx: Transaction, url: MessageUrl, *, submitting: bool = False) -> Transaction:
    """The same transaction in the name of the URL's owner, if the actor may use it; he may be `submitting` a mail.

    Raises:
        NotFound: he may not, or it opens nothing: all alike, also in time (RFC 4467 §6).
    """
    authority = url.authority
    owner = accounts.credentials(tx, url.owner)
    key = _key_at(tx, PrincipalId(0) if owner is None else owner.id, url.mailbox)
    token = _token(key or bytes(_OCTETS), b"" if authority is None else authority.rump)
    if owner is None or owner.suspended or key is None or authority is None or authority.mechanism != MECHANISM:
        raise NotFound("url")
    if not hmac.compare_digest(token, authority.token):
        raise NotFound("url")
    if (authority.expires is not None and authority.expires < tx.now) or not _may_use(tx, authority, submitting):
        raise NotFound("url")
    return dataclasses.replace(tx, actor=Actor(owner.id, owner.login), access={})


def _may_use(tx: Transaction, authority: Authority, submitting: bool) -> bool:
    """RFC 4467 §3; nobody is here without a login, so "anonymous" is everybody."""
    match authority.kind:
        case "authuser" | "anonymous":
            return True
        case "user" if submitting:
            return False
        case "submit" if not submitting:
            return False
    bearer = accounts.credentials(tx, authority.bearer)
    return bearer is not None and bearer.id == tx.actor.id


def _key_at(tx: Transaction, owner: PrincipalId, mailbox: str) -> bytes | None:
    try:
        path = names.path(names.clean(mailbox))
    except names.BadName:
        return None
    found: bytes | None = _KEY_AT.scalar(tx, {"owner": owner, "path": path})
    return None if found is None else bytes(found)


def _token(key: bytes, rump: bytes) -> str:
    return _HMAC_SHA256 + hmac.new(key, rump, hashlib.sha256).hexdigest()
