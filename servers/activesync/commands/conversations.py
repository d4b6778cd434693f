"""Move of ItemOperations: a conversation goes to a folder, with what comes later ([MS-ASCON] §2.2.2.7, §2.2.2.8).

A device hears of the mails that went by its next Sync of each folder; the answer names none of them.
"""

from __future__ import annotations

import binascii
from typing import Final

from servers.activesync import contents
from servers.activesync.call import Call
from servers.activesync.classes import mail
from servers.activesync.mail_content import MailContent
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import ItemOperations as Item
from storage.errors import NotFound, StorageError
from storage.mail import thread_moves
from storage.store import Transaction

_OK, _PROTOCOL, _FAILED, _MISSING, _ONCE, _NO_MAIL = 1, 2, 3, 6, 155, 156
_ID_OCTETS: Final = 16


class Threads:
    """The conversations of the account, as one request moves them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._known: dict[bytes, int] | None = None

    def move(self, asked: Element) -> Element:
        """Answer one Move ([MS-ASCMD] §2.2.3.177.8, [MS-ASCON] §2.2.2.10 for the status)."""
        said = asked.find(Item.ConversationId)
        identified = None if said is None else octets_of(said)
        named = None if not identified else Item.ConversationId(identified)
        folder = asked.text_of(Item.DstFldId)
        if not identified or not folder:
            return Item.Move(Item.Status(_PROTOCOL), named)
        always = asked.find(Item.Options, Item.MoveAlways)
        if always is None:
            return Item.Move(Item.Status(_ONCE), named)
        if always.text not in ("", "1", "0") or always.children:
            return Item.Move(Item.Status(_PROTOCOL), named)
        try:
            status = self._moved(identified, folder, always=always.text != "0")
        except NotFound:
            status = _MISSING
        except StorageError:
            status = _FAILED
        return Item.Move(Item.Status(status), named)

    def _moved(self, identified: bytes, folder: str, *, always: bool) -> int:
        """Move a conversation; the status.

        Raises:
            NotFound: there is no such folder.
        """
        thread = self._thread(identified)
        with self._call.store.write(self._call.actor) as tx:
            target = contents.of(tx, folder)
            if not isinstance(target, MailContent) or target.box.name in thread_moves.OWN:
                return _NO_MAIL
            if thread is None or not thread_moves.move(tx, thread, target.box):
                return _MISSING
            if always:
                thread_moves.always(tx, thread, target.box)
            else:
                thread_moves.end(tx, thread)
        return _OK

    def _thread(self, identified: bytes) -> int | None:
        if len(identified) != _ID_OCTETS:
            return None
        if self._known is None:
            with self._call.store.read(self._call.actor) as tx:
                self._known = {mail.conversation_id(one): one for one in thread_moves.known(tx)}
        return self._known.get(identified)


def thread_of(tx: Transaction, identified: bytes) -> int | None:
    """The thread that a ConversationId means, if there is a mail of it."""
    known = (one for one in thread_moves.known(tx) if mail.conversation_id(one) == identified)
    return next(known, None) if len(identified) == _ID_OCTETS else None


def octets_of(said: Element) -> bytes:
    """An id as octets; as text it is in base64 ([MS-ASDTYPE] §2.7.1)."""
    if isinstance(said.value, bytes):
        return said.value
    try:
        return binascii.a2b_base64(said.value)
    except ValueError:
        return said.octets
