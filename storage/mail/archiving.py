"""Old mails become a document: a zip of .eml files in the root of the private disk (MSG-73, MSG-74)."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from storage import bodies, files, folders, plans
from storage.bodies import Body
from storage.errors import Conflict, Exists
from storage.formats import mail_files
from storage.mail import mailboxes, moving, reading
from storage.mail.types import TRASH, State
from storage.store import Store
from storage.types import Actor, Precondition, SpaceKind

GATE: Final = "archive"
_AT_ONCE: Final = 20
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archived:
    """What was made."""

    name: str
    """Of the document; "" if there was nothing to archive."""
    mails: int
    octets: int
    moved: int
    """To the Trash."""


def run(
    store: Store,
    actor: Actor,
    mailbox: str,
    *,
    before: float | None = None,
    chosen: Collection[int] | None = None,
    remove: bool = False,
) -> Archived:
    """Archive the mails of one mailbox, all, or those received before a time, or the `chosen` uids; then they may go
    to the Trash.

    Nothing is removed unless the document is stored. One page of mails is in memory at a time, and the zip never.

    Raises:
        GateClosed: the plan has no archives.
        NotFound: there is no such mailbox.
        OverQuota: the disk has no room for it.
    """
    with store.read(actor) as tx:
        plans.allows(tx, actor.id, GATE)
        box = mailboxes.find(tx, mailbox)
        states = [
            one
            for one in reading.snapshot(tx, box.id).states
            if (before is None or one.internal < before) and (chosen is None or one.uid in chosen)
        ]
    if not states:
        return Archived("", 0, 0, 0)

    with tempfile.TemporaryFile() as out:
        count = mail_files.write_zip(out, _mails(store, actor, box.name, states))
        octets = out.tell()
        out.seek(0)
        body = bodies.receive(store, iter(lambda: out.read(_BLOCK), b""))
    name = _put(store, actor, body)
    moved = 0
    if remove:
        with store.write(actor) as tx:
            source = mailboxes.by_id(tx, box.id)  # whatever it is called now, and no other one that has its name
            uids = [one.uid for one in states]
            if source.name == TRASH:
                moved = len(moving.remove(tx, source, uids))
            else:
                moved = len(moving.move(tx, source, uids, mailboxes.find(tx, TRASH, beside=source.id)))
    return Archived(name, count, octets, moved)


def _mails(store: Store, actor: Actor, box: str, states: Sequence[State]) -> Iterator[mail_files.Filed]:
    """The mails in their order, a page by each query; one that was removed meanwhile is left out."""
    for start in range(0, len(states), _AT_ONCE):
        page = states[start : start + _AT_ONCE]
        with store.read(actor) as tx:
            held = dict(reading.bodies_of(tx, [one.content for one in page]))
        for one in page:
            if one.content in held:
                yield mail_files.Filed(box, held[one.content], tuple(one.flags.split()), one.internal)


def _put(store: Store, actor: Actor, body: Body) -> str:
    """Store the document under today's name, or the next that is free."""
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    for number in range(1, 1_000):
        name = f"{day}.zip" if number == 1 else f"{day}-{number}.zip"
        with store.write(actor) as tx:
            place = folders.place(tx, SpaceKind.PRIVATE, actor.login, name)
            if place.present is not None:
                continue
            files.put(tx, place, body, Precondition(none_match=frozenset({"*"})))
        return name
    raise Exists(day) from Conflict("too many archives of one day")
