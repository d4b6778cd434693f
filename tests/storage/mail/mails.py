"""Mails of the tests, and short ways to put them somewhere."""

from __future__ import annotations

from collections.abc import Sequence

from storage.mail import appending, mailboxes, reading
from storage.store import Store
from storage.types import Actor


def mail(
    subject: str = "Tea",
    *,
    sender: str = "Ada <ada@example.org>",
    text: str = "Hello\r\n",
    message_id: str = "",
    references: str = "",
    date: str = "Mon, 01 Sep 2025 10:00:00 +0000",
    more: str = "",
) -> bytes:
    """A plain message."""
    lines = [f"From: {sender}", "To: Alice <alice@example.test>", f"Subject: {subject}", f"Date: {date}"]
    lines += [f"Message-ID: <{message_id}>"] if message_id else []
    lines += ["References: " + " ".join(f"<{one}>" for one in references.split())] if references else []
    lines += [more] if more else []
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def put(
    store: Store, actor: Actor, mailbox: str, *messages: bytes, flags: str = "", internal: float | None = None
) -> list[int]:
    """Append messages; their uids."""
    prepared = [appending.New(appending.prepare(store, one), flags, internal) for one in messages]
    with store.write(actor) as tx:
        return [one.uid for one in appending.append_many(tx, mailboxes.find(tx, mailbox), prepared)]


def flags_of(store: Store, actor: Actor, mailbox: str) -> dict[int, str]:
    """Uid and canonical flags of all that is in a mailbox."""
    with store.read(actor) as tx:
        found = reading.snapshot(tx, mailboxes.find(tx, mailbox).id)
    return {state.uid: state.flags for state in found.states}


def uids(store: Store, actor: Actor, mailbox: str) -> Sequence[int]:
    """What is in a mailbox."""
    return list(flags_of(store, actor, mailbox))
