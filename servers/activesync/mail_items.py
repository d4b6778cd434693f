"""Mails on the wire: their ids, and what came of a device's commands on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from servers.activesync.wbxml.element import Element
from storage.mail.types import Mailbox


@dataclass(slots=True)
class Done:
    """What came of a device's commands."""

    responses: list[Element] = field(default_factory=list)
    held: dict[int, str | None] = field(default_factory=dict)
    """What the device holds now by its own doing: it is not told again."""
    refused: set[int] = field(default_factory=set)
    """Uids of mails that the device has otherwise now than the desk: they are told again (EAS-13)."""


def server_id(mailbox: Mailbox, uid: int) -> str:
    """How a mail is called on the wire."""
    return f"{mailbox.id}:{uid}"


def uid_of(mailbox: Mailbox, text: str) -> int | None:
    """The uid in a ServerId of this mailbox; None if it is none."""
    number, _, uid = text.partition(":")
    if number != str(mailbox.id) or not (uid.isascii() and uid.isdecimal() and len(uid) < 19):
        return None
    return int(uid)
