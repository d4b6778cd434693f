"""Old mails become a document: a zip of .eml files in the root of the private disk (MSG-73, MSG-74)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime

from storage import bodies, files, folders, plans
from storage.errors import Conflict, Exists
from storage.formats import mail_files
from storage.mail import mailboxes, moving, reading
from storage.mail.types import TRASH
from storage.store import Store
from storage.types import Actor, Precondition, SpaceKind

GATE = "archive"


@dataclass(frozen=True, slots=True)
class Archived:
    """What was made."""

    name: str
    """Of the document; "" if there was nothing to archive."""
    mails: int
    octets: int
    moved: int
    """To the Trash."""


def run(store: Store, actor: Actor, mailbox: str, *, before: float | None = None, remove: bool = False) -> Archived:
    """Archive the mails of one mailbox, all or those received before a time; then they may go to the Trash.

    Nothing is removed unless the document is stored.

    Raises:
        GateClosed: the plan has no archives.
        NotFound: there is no such mailbox.
        OverQuota: the disk has no room for it.
    """
    with store.read(actor) as tx:
        plans.allows(tx, actor.id, GATE)
        box = mailboxes.find(tx, mailbox)
        states = [one for one in reading.snapshot(tx, box.id).states if before is None or one.internal < before]
    if not states:
        return Archived("", 0, 0, 0)

    def mails() -> list[mail_files.Filed]:
        with store.read(actor) as tx:
            return [
                mail_files.Filed(box.name, reading.body(tx, one.content), tuple(one.flags.split()), one.internal)
                for one in states
            ]

    out = io.BytesIO()
    count = mail_files.write_zip(out, mails())
    data = out.getvalue()
    name = _put(store, actor, data)
    moved = 0
    if remove:
        with store.write(actor) as tx:
            source = mailboxes.find(tx, mailbox)
            uids = [one.uid for one in states]
            if source.name == TRASH:
                moved = len(moving.remove(tx, source, uids))
            else:
                moved = len(moving.move(tx, source, uids, mailboxes.find(tx, TRASH)))
    return Archived(name, count, len(data), moved)


def _put(store: Store, actor: Actor, data: bytes) -> str:
    """Store the document under today's name, or the next that is free."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    body = bodies.receive(store, [data])
    for number in range(1, 1_000):
        name = f"{day}.zip" if number == 1 else f"{day}-{number}.zip"
        with store.write(actor) as tx:
            place = folders.place(tx, SpaceKind.PRIVATE, actor.login, name)
            if place.present is not None:
                continue
            files.put(tx, place, body, Precondition(none_match=frozenset({"*"})))
        return name
    raise Exists(day) from Conflict("too many archives of one day")
