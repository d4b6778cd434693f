"""Delivery: one mail into one account's mailbox, in one transaction (SMTP-08, MSG-35).

Whoever got an answer from here may tell the sender that the mail is on disk.
"""

from __future__ import annotations

from typing import NamedTuple

from storage.errors import OverQuota
from storage.mail import absence, appending, mailboxes, receipts, thread_moves, trash
from storage.mail import flags as words
from storage.mail.recipients import Recipient
from storage.mail.types import SPAM, TRASH
from storage.store import Store, Transaction


class Delivered(NamedTuple):
    """Where a mail went."""

    mailbox: str
    uid: int


def deliver(
    store: Store, prepared: appending.Prepared, recipient: Recipient, *, spam: bool = False, flags: str = ""
) -> Delivered:
    """Put a mail into the recipient's INBOX, or into `Spam?`; what the Trash holds makes room for it (MSG-44).

    A mail of a thread that goes elsewhere as a whole comes there (`thread_moves`).

    Raises:
        OverQuota: it does not fit, even with an empty Trash (MSG-62).
        Busy: try again.
    """
    with store.write(recipient.actor) as tx:
        left = appending.room(tx)
        if left is not None and prepared.octets > left and not trash.make_room(tx, prepared.octets - left):
            raise OverQuota("the mailbox is full")
        mailbox = mailboxes.find(tx, SPAM) if spam else thread_moves.place(tx, prepared)
        if receipts.asks(prepared.scanned.listed) and receipts.choice(tx) == "never":
            flags = words.changed(flags, "add", receipts.SENT)  # so that no program asks (MSG-16)
        uid = appending.append(tx, mailbox, prepared, flags=flags, fits=True).uid
        if not spam:
            absence.answer(tx, recipient, prepared)
    return Delivered(mailbox.name, uid)


def would_fit(tx: Transaction, octets: int) -> bool:
    """Whether a mail of that size would fit into the actor's mailboxes now, the Trash counted as free."""
    left = appending.room(tx)
    return left is None or octets <= left + mailboxes.find(tx, TRASH).octets
