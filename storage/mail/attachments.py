"""Attachments of mails: which there are, and kept as documents of one's own, or of a group (MSG-12)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import sqlalchemy as sa

from storage import bodies, files, filing, folders, trees
from storage.bodies import Body
from storage.errors import Conflict, Fixed, NotFound
from storage.filing import Folder
from storage.formats import mail_parts, message_parts
from storage.formats.mail_parts import Attached
from storage.mail import flagging, mailboxes, reading
from storage.mail.tables import contents, messages
from storage.statements import Statement
from storage.store import Store, Transaction
from storage.types import Actor, SpaceKind

_UNNAMED: Final = "attachment"


class _State(NamedTuple):
    uid: int
    internal: int
    content: int


_CARRYING: Final = Statement(
    sa.select(messages.c.uid, messages.c.internal, messages.c.content_id)
    .join(contents, contents.c.id == messages.c.content_id)
    .where(messages.c.collection_id == sa.bindparam("collection"), contents.c.attachments)
    .order_by(messages.c.internal.desc(), messages.c.uid.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """One mail that carries attachments."""

    uid: int
    received: float
    """Seconds since the epoch."""
    sender: str
    subject: str
    attached: tuple[Attached, ...]


class Place(NamedTuple):
    """Something on the disk: a folder, or a document."""

    kind: SpaceKind
    space: str
    path: str


def listing(tx: Transaction, mailbox: str, most: int) -> list[Carrier]:
    """The newest mails of a mailbox that carry attachments, at most `most`, newest first.

    Raises:
        NotFound: the actor has no such mailbox.
    """
    box = mailboxes.find(tx, mailbox)
    rows = _CARRYING.all(tx, {"collection": box.id, "most": most})
    return _carriers(tx, [_State(*row) for row in rows])


def of(tx: Transaction, mailbox: str, uid: int) -> Carrier:
    """What one mail carries, pictures within its text too.

    Raises:
        NotFound: the actor has no such mailbox, or no such mail in it.
    """
    return _carriers(tx, [_state(tx, mailbox, uid)])[0]


def save(
    store: Store, actor: Actor, mailbox: str, uid: int, place: Place, sections: Sequence[str] | None = None
) -> list[str]:
    """Keep attachments of a mail as documents in a folder, all of them or the `sections` named; their paths.

    A name that is taken gets a number. All are kept or none.

    Raises:
        NotFound: there is no such mail, attachment or folder for the actor.
        Denied, OverQuota, Fixed, Locked: the folder takes them not.
    """
    with store.read(actor) as tx:
        state = _state(tx, mailbox, uid)
        data = reading.body(tx, state.content)
        parts = reading.parts(tx, state.content)
    held = {part.section: part for part in parts}
    attached = mail_parts.attachments(data, parts)
    if sections is not None:
        attached = [one for one in attached if one.section in sections]
    missing = sorted(set(sections or ()) - {one.section for one in attached})
    if missing:
        raise NotFound(f"this mail carries no attachment {missing[0]}")
    if not attached:
        raise NotFound("this mail carries no attachment")
    ready: list[tuple[str, Body, str]] = []
    for one in attached:
        part = held[one.section]
        body = bodies.receive(store, [message_parts.decode(data, part)])
        ready.append((_name(one.name), body, "" if part.kind == "application/octet-stream" else part.kind))
    with store.write(actor) as tx:
        folder = folders.find(tx, place.kind, place.space, place.path)
        if not isinstance(folder, Folder):
            raise Conflict(f"{place.path} is a document, not a folder")
        return [_put(tx, folder, *one) for one in ready]


def _put(tx: Transaction, folder: Folder, name: str, body: Body, media_type: str) -> str:
    try:
        trees.demand_place(folder, name)
    except Fixed:
        name = filing.numbered(name, 2)  # calendar.ics in the root is the calendar itself
    free = trees.free_name(tx, folder.id, name)
    files.put(tx, trees.present(tx, folder, free), body, media_type=media_type)
    return filing.join(folder.path, free)


def _name(shown: str) -> str:
    """A name that the disk takes: the last part of a path, without what no name may hold."""
    last = shown.replace("\\", "/").rpartition("/")[2]
    clean = "".join(one for one in last if unicodedata.category(one) not in {"Cc", "Cf", "Cs"}).strip()
    while len(clean.encode()) > filing.NAME_OCTETS:
        clean = clean[1:]  # the end says of what kind it is
    return filing.clean_name(_UNNAMED if clean in {"", ".", ".."} else clean)


def _state(tx: Transaction, mailbox: str, uid: int) -> _State:
    box = mailboxes.find(tx, mailbox)
    found = flagging.states_in(tx, box, [(uid, uid)]) if uid < box.uid_next else []  # no engine takes any number
    if not found:
        raise NotFound(f"there is no mail {uid} in {mailbox}")
    return _State(found[0].uid, found[0].internal, found[0].content)


def _carriers(tx: Transaction, states: Sequence[_State]) -> list[Carrier]:
    numbers = [one.content for one in states]
    parts = reading.parts_of(tx, numbers)
    heads = reading.headers_of(tx, numbers)
    attached = {number: mail_parts.attachments(data, parts[number]) for number, data in reading.bodies_of(tx, numbers)}
    return [
        Carrier(one.uid, one.internal, heads[one.content].sender, heads[one.content].subject,
                tuple(attached[one.content]))
        for one in states
    ]  # fmt: skip
