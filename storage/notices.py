"""The message by which a document's creator tells the other members of it (DOC-19)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import principals as people
from storage.errors import Denied, Refused
from storage.filing import File
from storage.formats.bookmarks import plain, prose
from storage.schema import grants
from storage.store import Transaction
from storage.types import Principal, Right, SpaceKind

COMMENT_CHARACTERS: Final = 4_000
_NEW_S: Final = 60.0
"""A document that was changed so long after it was made is a new version."""


def of_document(tx: Transaction, file: File, comment: str = "") -> bytes:
    """The standard message about a group's document to all members who may read it, but its creator (RFC 5322).

    Raises:
        Refused: the document is no group's, or there is nobody to be told.
        Denied: the actor is not its creator.
    """
    space = file.folder.space
    if space.kind is not SpaceKind.GROUP:
        raise Refused("only a group's documents have members to be told of them")
    if file.creator != tx.actor.id:
        raise Denied(Right.EDIT, tree.path(file.folder, file.name), "only its creator tells of a document (DOC-19)")
    me = people.me(tx)
    told = [one for one in _readers(tx, file) if one.id != me.id and one.email]
    if not told:
        raise Refused("nobody else may read it, or nobody has an address")
    renewed = file.modified > file.created + _NEW_S
    name = plain(file.name, 200)
    said = f"{plain(me.display_name, 200) or me.name} {'changed' if renewed else 'added'} a document in {space.name}."
    parts = [said, f"Document: {plain(file.path, 500)}"]
    if file.description:
        parts.append(prose(file.description, COMMENT_CHARACTERS))
    if comment.strip():
        parts.append(prose(comment, COMMENT_CHARACTERS))
    message = EmailMessage(policy=SMTP)
    if me.email:
        message["From"] = _address(me)
    message["To"] = [_address(one) for one in told]
    message["Subject"] = f"[{space.name}] {'New version' if renewed else 'New document'}: {name}"
    message["Date"] = format_datetime(datetime.fromtimestamp(int(tx.now), UTC))
    message["Message-ID"] = make_msgid(domain=me.email.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    message.set_content("\n\n".join(parts) + "\n")
    return message.as_bytes()


def _readers(tx: Transaction, file: File) -> list[Principal]:
    """The members who may read a document (ACL-09, DOC-18)."""
    members = people.members(tx, file.folder.space)
    if not file.restricted or file.flagged:
        return members
    query = sa.select(grants.c.grantee_id).where(
        grants.c.item_id == file.id, grants.c.rights.op("&")((Right.SEE | Right.EDIT).value) != 0
    )
    held = set(tx.db.execute(query).scalars())
    everybody = file.folder.space.id in held
    return [one for one in members if everybody or one.id in held]


def _address(one: Principal) -> Address:
    return Address(display_name=plain(one.display_name, 200), addr_spec=one.email)
