"""`\\Recent` and RECENT, for clients of IMAP4rev1: mutt tells new mails from old ones so (RFC 3501 §2.3.2, §7.3.2).

Clients of IMAP4rev2 are told nothing of it, and take nothing from others (RFC 9051, appendix E).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.mail import recent
from storage.mail.types import Mailbox
from storage.store import Transaction

if TYPE_CHECKING:
    from servers.imap.connection import Connection
    from servers.imap.view import View


def selected(connection: Connection, tx: Transaction, view: View) -> bytes:
    """A mailbox is selected: how many of its messages are new; from now on they are new to nobody else."""
    box = view.mailbox
    since = recent.first(tx, box.id)
    if since >= box.uid_next or not box.exists:
        return b"* 0 RECENT\r\n"
    view.recent = [(since, box.uid_next)]
    if not view.read_only:
        recent.told(connection.store, box.id, box.uid_next)
    return b"* %d RECENT\r\n" % (box.exists if since == 1 else recent.count(tx, box.id, since))


def grown(connection: Connection, tx: Transaction, view: View) -> None:
    """Messages came while it is selected; `view` has them already."""
    until = view.states.last + 1
    since = max(recent.first(tx, view.id), view.recent[-1][1] if view.recent else 1)
    if since >= until:
        return
    if view.recent and view.recent[-1][1] == since:  # one span, however often something came
        view.recent[-1] = (view.recent[-1][0], until)
    else:
        view.recent.append((since, until))
    if not view.read_only:
        recent.told(connection.store, view.id, until)


def line(view: View) -> bytes:
    """How many messages are recent, as it is told after EXISTS."""
    before = view.states.before
    return b"* %d RECENT\r\n" % sum(before(high) - before(low) for low, high in view.recent)


def counted(tx: Transaction, box: Mailbox) -> int:
    """STATUS (RECENT)."""
    since = recent.first(tx, box.id)
    return 0 if since >= box.uid_next or not box.exists else recent.count(tx, box.id, since)
