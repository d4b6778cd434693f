"""Messages come in: read once outside any transaction, then kept whole or not at all (APPEND, delivery, import)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from storage import quota
from storage.blobs import full_disk_told
from storage.errors import OverQuota, TooLarge
from storage.formats import message
from storage.mail import numbers
from storage.mail.folding import fold
from storage.mail.tables import bodies, contents, listed, messages, structures, texts, threads
from storage.mail.types import MESSAGE_OCTETS, SENT, Appended, Mailbox
from storage.statements import Statement, insert
from storage.store import INLINE_OCTETS, Store, Transaction
from storage.types import Principal, SpaceKind, Tool

_REFERENCES_MAX: Final = 20
_ID_CHARACTERS: Final = 500
_TEXT_CHARACTERS: Final = 1024 * 1024

_CONTENT: Final = insert(
    contents,
    *("account_id", "hash", "octets", "header_octets", "envelope", "structure", "thread", "sent"),
    *("preview", "message_id", "refs", "base_subject", "reply", "from_key", "to_key", "cc_key"),
    *("display_from", "display_to", "attachments"),
    returning=contents.c.id,
)
_STRUCTURE: Final = insert(structures, "content_id", "bodystructure")
_LISTED: Final = insert(listed, "content_id", "names", "fields")
_BODY: Final = insert(bodies, "content_id", "parts", "blob", "body")
_TEXT: Final = insert(texts, "content_id", "subject", "from_", "to_", "cc", "bcc", "header", "body")
_PLACE: Final = insert(messages, "collection_id", "uid", "modseq", "flags", "octets", "internal", "saved", "content_id")
_KNOWN: Final = Statement(
    sa.select(contents.c.id)
    .where(contents.c.account_id == sa.bindparam("account"), contents.c.hash == sa.bindparam("hash"))
    .limit(1)
    .with_for_update()
)
_SIZES: Final = (1, 2, 3, 5, _REFERENCES_MAX + 1)
_BEFORE: Final = {
    size: Statement(
        sa.union_all(
            sa.select(sa.null().label("message_id"), contents.c.id).where(
                contents.c.account_id == sa.bindparam("account"), contents.c.hash == sa.bindparam("hash")
            ),
            *(
                sa.select(threads.c.message_id, threads.c.thread).where(
                    threads.c.account_id == sa.bindparam("account"),
                    threads.c.message_id == sa.bindparam(f"n{number}", type_=sa.Text),
                )
                for number in range(size)
            ),
        )
    )
    for size in _SIZES
}
"""Contents of the same octets (their rows name no Message-ID), and the threads of so many Message-IDs."""
_NAMES: Final = [
    [f"n{number}" for number in range(next(size for size in _SIZES if size >= count))]
    for count in range(_SIZES[-1] + 1)
]
"""The binds of the statement for so many ids."""
_SET_THREAD: Final = Statement(
    sa.update(contents).where(contents.c.id == sa.bindparam("number")).values(thread=sa.bindparam("of"))
)
_NEW_THREAD: Final = insert(threads, "account_id", "message_id", "thread")
_NEW_THREAD_BESIDE: Final = Statement(
    postgresql.insert(threads).on_conflict_do_nothing(), columns=("account_id", "message_id", "thread")
)
"""The same where another mail of the thread may come into another mailbox at the same moment; 0 rows: it did."""
_JOIN_THREAD: Final = Statement(
    sa.update(threads)
    .where(threads.c.account_id == sa.bindparam("account"), threads.c.message_id == sa.bindparam("message_id"))
    .values(thread=sa.bindparam("of"))
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that was read, with its body on disk if it is large; it may be kept by several accounts."""

    scanned: message.Scanned
    hash: str
    data: bytes | None
    blob: str | None

    @property
    def octets(self) -> int:
        return self.scanned.octets


class New(NamedTuple):
    """One message for `append_many`."""

    prepared: Prepared
    flags: str = ""
    """Canonical."""
    internal: float | None = None
    """INTERNALDATE in seconds since the epoch; None is now."""


def prepare(store: Store, data: bytes) -> Prepared:
    """Read a message once and for all; outside any transaction.

    Raises:
        TooLarge: more than `MESSAGE_OCTETS` (MSG-62).
        NoRoom: the disk is full.
    """
    if len(data) > MESSAGE_OCTETS:
        raise TooLarge(MESSAGE_OCTETS)
    digest = hashlib.sha256(data).hexdigest()[:40]
    with full_disk_told():
        blob = store.blobs.put(data) if len(data) > INLINE_OCTETS else None
    return Prepared(message.scan(data), digest, None if blob else data, blob)


def append(
    tx: Transaction,
    mailbox: Mailbox,
    prepared: Prepared,
    *,
    flags: str = "",
    internal: float | None = None,
    fits: bool = False,
) -> Appended:
    """Put one message into a mailbox; `flags` are canonical; `fits`: the caller saw in `tx` that there is room.

    Raises:
        OverQuota: the mail would outgrow the plan.
    """
    return append_many(tx, mailbox, [New(prepared, flags, internal)], fits=fits)[0]


def append_many(tx: Transaction, mailbox: Mailbox, new: Sequence[New], *, fits: bool = False) -> list[Appended]:
    """Put messages into a mailbox, all or none (RFC 3502); `fits` as in `append`.

    Raises:
        OverQuota: as in `append`.
    """
    octets = sum(one.prepared.octets for one in new)
    if not fits:
        check_room(tx, octets)
    modseq, uid, validity = numbers.take_for(tx, mailbox, octets=octets, new=len(new))
    found: list[Appended] = []
    for number, one in enumerate(new, uid):
        row = {
            "collection_id": mailbox.id,
            "uid": number,
            "modseq": modseq,
            "flags": one.flags,
            "octets": one.prepared.octets,
            "internal": int(tx.now if one.internal is None else one.internal),
            "saved": int(tx.now),
            "content_id": _content(tx, one.prepared),
        }
        _PLACE.run(tx, row)
        found.append(Appended(number, validity, modseq))
    numbers.count(tx, mailbox.id, added=(one.flags for one in new))
    numbers.learn(tx, mailbox, (one.flags for one in new))
    if mailbox.name == SENT:
        from storage.mail import sending

        sending.replace_copies(tx, mailbox, [one.prepared.scanned.message_id for one in new])
    return found


def check_room(tx: Transaction, octets: int) -> None:
    """Pass if so many more octets of mail fit.

    Raises:
        OverQuota: they do not.
    """
    left = room(tx)
    if left is not None and octets > left:
        raise OverQuota("the mailbox is full: empty the Trash or delete mail")


def room(tx: Transaction) -> int | None:
    """Octets of mail that the actor may still keep; None is without limit."""
    return quota.room_in(tx, Principal(tx.actor.id, SpaceKind.PRIVATE, tx.actor.login, "", ""), Tool.MESSAGES)


def _content(tx: Transaction, prepared: Prepared) -> int:
    """The number of a message's content: the one that the account has already, if it kept the very same octets."""
    account = tx.actor.id
    scanned, references = prepared.scanned, _references(prepared)
    message_id = _clean(scanned.message_id[:_ID_CHARACTERS])
    ids = _thread_ids(message_id, references)
    known = _before(tx, prepared.hash, ids)
    if None in known:
        same: int | None = _KNOWN.scalar(tx, {"account": account, "hash": prepared.hash})
        if same is not None:
            return same
    thread = next((known[one] for one in ids if one in known), 0)
    values: dict[str, Any] = {
        "account_id": account,
        "hash": prepared.hash,
        "octets": scanned.octets,
        "header_octets": scanned.header_octets,
        "envelope": scanned.envelope,
        "structure": scanned.body,
        "thread": thread,
        "sent": scanned.sent,
        "preview": _clean(scanned.preview),
        "message_id": message_id,
        "refs": _clean(" ".join(references)),
        "reply": scanned.is_reply,
        "attachments": bool(scanned.attachments),
        "base_subject": fold(scanned.base_subject),
        "from_key": fold(scanned.from_key),
        "to_key": fold(scanned.to_key),
        "cc_key": fold(scanned.cc_key),
        "display_from": fold(scanned.display_from),
        "display_to": fold(scanned.display_to),
    }
    number = int(_CONTENT.scalar(tx, values))
    _STRUCTURE.run(tx, {"content_id": number, "bodystructure": scanned.bodystructure})
    _LISTED.run(tx, {"content_id": number, "names": scanned.listed_names, "fields": scanned.listed})
    _BODY.run(tx, {"content_id": number, "parts": scanned.parts, "blob": prepared.blob, "body": prepared.data})
    _TEXT.run(
        tx,
        {
            "content_id": number,
            "subject": fold(scanned.subject),
            "from_": fold(scanned.from_),
            "to_": fold(scanned.to),
            "cc": fold(scanned.cc),
            "bcc": fold(scanned.bcc),
            "header": fold(scanned.header_text),
            "body": fold(scanned.text[:_TEXT_CHARACTERS]),
        },
    )
    fresh = sorted(one for one in ids if one not in known)  # in one order, so that no two wait for each other
    enter = _NEW_THREAD if tx.store.engines.sqlite else _NEW_THREAD_BESIDE
    rows = [{"account_id": account, "message_id": one, "thread": thread or number} for one in fresh]
    taken = {row["message_id"] for row in rows if not enter.run(tx, row)}
    if not thread:  # it begins one, or joins the one that another transaction began at this moment
        known = _before(tx, prepared.hash, ids) if taken else {}
        thread = next((known[one] for one in ids if one in taken and one in known), number)
        if thread != number:
            joining = ({"account": account, "message_id": one, "of": thread} for one in fresh if one not in taken)
            _JOIN_THREAD.run_many(tx, joining)
        _SET_THREAD.run(tx, {"number": number, "of": thread})
    return number


def thread_ids(prepared: Prepared) -> list[str]:
    """The Message-IDs whose thread a mail belongs to, its own first, then from the nearest one that it refers to."""
    return _thread_ids(_clean(prepared.scanned.message_id[:_ID_CHARACTERS]), _references(prepared))


def _thread_ids(own: str, references: Sequence[str]) -> list[str]:
    near = [_clean(one) for one in reversed(references[-_REFERENCES_MAX:])]
    return [one for one in dict.fromkeys([own, *near]) if one]


def _references(prepared: Prepared) -> list[str]:
    scanned = prepared.scanned
    replied = [scanned.in_reply_to] if scanned.in_reply_to else []
    return [one[:_ID_CHARACTERS] for one in scanned.references or replied]


def _before(tx: Transaction, digest: str, ids: Sequence[str]) -> dict[str | None, int]:
    """What is here already: a content of that hash, under None, and of the Message-IDs those whose thread is known.

    `ids` are the mail's own and those that it refers to, the nearest first. It belongs to the thread of the first of
    them that is known, or begins one (RFC 8474 §5.2).
    """
    names = _NAMES[len(ids)]
    values: dict[str, Any] = dict(zip_longest(names, ids, fillvalue=""))
    values["account"], values["hash"] = tx.actor.id, digest
    return dict(_BEFORE[len(names)].raw(tx, values))


def _clean(text: str) -> str:
    """Without what PostgreSQL cannot keep in a text."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
