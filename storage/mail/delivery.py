"""Delivery: mails into accounts' mailboxes, each whole or not at all (SMTP-08, MSG-35).

Whoever got an answer from here may tell the sender that the mail is on disk.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from storage.errors import Busy, OverQuota
from storage.mail import absence, appending, mailboxes, receipts, thread_moves, trash
from storage.mail import flags as words
from storage.mail.recipients import Recipient
from storage.mail.types import INBOX, SPAM, TRASH
from storage.store import Store, Transaction
from storage.types import SITE, PrincipalId

log = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0
"""After so long a wait for the database, the other mails of a batch do not wait for it one after the other."""


class Delivered(NamedTuple):
    """Where a mail went."""

    mailbox: str
    uid: int


class Copy(NamedTuple):
    """A mail for one recipient."""

    prepared: appending.Prepared
    recipient: Recipient
    spam: bool = False


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
        return _keep(tx, [Copy(prepared, recipient, spam)], flags)[0]


def deliver_many(store: Store, copies: Sequence[Copy]) -> list[Delivered | Exception]:
    """The same for mails that came at the same time, in one transaction; what became of each of them.

    If one of them cannot be kept, nothing of that transaction is, and each is delivered for itself. If all of them
    were put in and the end of the transaction fails, that is everybody's: nobody knows here what the disk has of it.
    """
    if len(copies) == 1:
        return [_alone(store, copies[0])]
    # Accounts and their mailboxes in one order, so that no two transactions wait for each other.
    places: dict[tuple[PrincipalId, bool], list[int]] = {}
    for number, copy in sorted(enumerate(copies), key=lambda pair: (pair[1].recipient.account, pair[1].spam)):
        places.setdefault((copy.recipient.account, copy.spam), []).append(number)
    found: dict[int, Delivered | Exception] = {}
    begun = time.monotonic()
    try:
        with store.write(SITE) as tx:
            for numbers in places.values():
                some = [copies[number] for number in numbers]
                theirs = replace(tx, actor=some[0].recipient.actor, access={})
                found.update(zip(numbers, _keep(theirs, some), strict=True))
    except Exception as error:
        if len(found) == len(copies):
            return [error] * len(copies)
        if not isinstance(error, OverQuota):
            log.warning("each for itself", extra={"mails": len(copies), "reason": type(error).__name__})
        return _each_alone(store, copies, begun)
    return [found[number] for number in range(len(copies))]


def _each_alone(store: Store, copies: Sequence[Copy], begun: float) -> list[Delivered | Exception]:
    """Deliver each for itself, unless the database is not to be had at all since `begun`."""
    found: list[Delivered | Exception] = []
    for copy in copies:
        found.append(_alone(store, copy))
        if isinstance(found[-1], Busy) and time.monotonic() - begun > PATIENCE_S:
            return found + [found[-1]] * (len(copies) - len(found))
    return found


def _alone(store: Store, copy: Copy) -> Delivered | Exception:
    try:
        return deliver(store, copy.prepared, copy.recipient, spam=copy.spam)
    except Exception as error:
        return error


def _keep(tx: Transaction, copies: Sequence[Copy], flags: str = "") -> list[Delivered]:
    """Put mails into mailboxes of the actor: all of them are for him, and all are spam or none is."""
    spam = copies[0].spam
    usual = mailboxes.to_deliver(tx, SPAM if spam else INBOX)
    if usual.limited:
        octets = sum(copy.prepared.octets for copy in copies)
        left = appending.room(tx)
        if left is not None and octets > left and not trash.make_room(tx, octets - left):
            raise OverQuota("the mailbox is full")
    chosen = [usual.mailbox] * len(copies)
    if usual.moves and not spam:
        chosen = [thread_moves.place(tx, copy.prepared) for copy in copies]
    found: dict[int, Delivered] = {}
    for mailbox in {one.id: one for one in chosen}.values():
        here = [number for number, one in enumerate(chosen) if one.id == mailbox.id]
        new = [appending.New(copies[number].prepared, _flags(tx, copies[number].prepared, flags)) for number in here]
        placed = appending.append_many(tx, mailbox, new, fits=True)
        found.update((number, Delivered(mailbox.name, one.uid)) for number, one in zip(here, placed, strict=True))
    if usual.answers and not spam:
        absence.answer(tx, [(copy.recipient, copy.prepared) for copy in copies])
    return [found[number] for number in range(len(copies))]


def _flags(tx: Transaction, prepared: appending.Prepared, flags: str) -> str:
    if receipts.asks(prepared.scanned.listed) and receipts.choice(tx) == "never":
        return words.changed(flags, "add", receipts.SENT)  # so that no program asks (MSG-16)
    return flags


def would_fit(tx: Transaction, octets: int) -> bool:
    """Whether a mail of that size would fit into the actor's mailboxes now, the Trash counted as free."""
    left = appending.room(tx)
    return left is None or octets <= left + mailboxes.find(tx, TRASH).octets
