"""Reading mail: whole mailboxes, what changed, and what was computed when a message came; nothing is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from storage.errors import NotFound
from storage.formats import listed_fields, message_parts, mime_fields, mime_words
from storage.mail import change_log, mailboxes
from storage.mail.flags import DELETED, SEEN
from storage.mail.tables import bodies, contents, listed, messages, structures, vanished
from storage.mail.types import Changes, Content, Snapshot, State
from storage.schema import collections
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId

AT_ONCE: Final = 500
"""Messages read by one query."""

_here: Final = messages.c.collection_id == sa.bindparam("collection")
_span: Final = messages.c.uid.between(sa.bindparam("first"), sa.bindparam("last"))
_own: Final = (
    sa.select(sa.literal(1))
    .where(collections.c.id == sa.bindparam("collection"), collections.c.space_id == sa.bindparam("actor"))
    .exists()
)
_states: Final = sa.select(*(messages.c[name] for name in State._fields[:-1]), messages.c.content_id)
_STATES: Final = Statement(_states.where(_here).order_by(messages.c.uid), State)
_SINCE: Final = Statement(
    _states.where(
        _here, _span, messages.c.modseq > sa.bindparam("since"), messages.c.modseq <= sa.bindparam("now")
    ).order_by(messages.c.uid),
    State,
)
_VANISHED: Final = Statement(
    sa.select(vanished.c.uid).where(
        vanished.c.collection_id == sa.bindparam("collection"),
        vanished.c.modseq > sa.bindparam("since"),
        vanished.c.modseq <= sa.bindparam("now"),
    )
)
_FLAGS: Final = Statement(
    sa.select(messages.c.flags).where(_here).order_by(messages.c.uid).limit(sa.bindparam("most", type_=sa.Integer))
)
_DELETED_OCTETS: Final = Statement(
    sa.select(sa.func.coalesce(sa.func.sum(messages.c.octets), 0)).where(
        _here, messages.c.flags.contains(DELETED, autoescape=True)
    )
)
_NUMBER: Final = Statement(
    sa.select(collections.c.modseq, collections.c.log_floor).where(
        collections.c.id == sa.bindparam("collection"), collections.c.space_id == sa.bindparam("actor")
    )
)


class Span(NamedTuple):
    """Messages of one mailbox that follow one another, by uid, ends included."""

    collection: CollectionId
    first: int
    last: int


class _Chosen:
    """A select by the numbers of some contents of the actor, for each engine; the numbers are one JSON array.

    What is asked of a span is one walk over two tables instead: half the time.
    """

    def __init__(self, table: sa.Table, *columns: Any, row: type[tuple[Any, ...]] | None = None) -> None:
        key = table.c.id if table is contents else table.c.content_id
        base = sa.select(key, *columns)
        if table is not contents:
            base = base.join(contents, contents.c.id == key)
        # The sum keeps SQLite from looking through all contents of the account.
        base = base.where(contents.c.account_id + 0 == sa.bindparam("actor", type_=sa.BigInteger))
        numbers = sa.bindparam("numbers", type_=sa.Text)
        lite = sa.func.json_each(numbers).table_valued("value")
        self._lite: Final = Statement(base.where(key.in_(sa.select(lite.c.value))), row)
        post = sa.func.json_array_elements_text(sa.cast(numbers, sa.JSON)).table_valued("value")
        self._post: Final = Statement(base.where(key.in_(sa.select(sa.cast(post.c.value, sa.BigInteger)))), row)
        walk = sa.select(messages.c.content_id, *columns).join(table, key == messages.c.content_id)
        self._walk: Final = Statement(walk.where(_here, _span, _own), row)

    def within(self, tx: Transaction, numbers: Sequence[int], span: Span | None) -> Iterable[Any]:
        """The same, of a span that holds them all, if there is one."""
        if span is None:
            return self.of(tx, numbers)
        return self._walk.raw(tx, {**span._asdict(), "actor": tx.actor.id})

    def of(self, tx: Transaction, numbers: Sequence[int]) -> Iterator[Any]:
        statement = self._lite if tx.store.engines.sqlite else self._post
        for start in range(0, len(numbers), AT_ONCE):
            chosen = f"[{','.join(map(str, numbers[start : start + AT_ONCE]))}]"  # what `json` makes, sooner
            yield from statement.raw(tx, {"actor": tx.actor.id, "numbers": chosen})


_CONTENTS: Final = _Chosen(
    contents,
    *(contents.c[name] for name in ("envelope", "structure", "header_octets", "octets")),
    *(contents.c[name] for name in ("hash", "thread", "preview")),
)
_ENVELOPES: Final = _Chosen(contents, contents.c.envelope)
_STRUCTURES: Final = _Chosen(structures, structures.c.bodystructure)
_LISTED: Final = _Chosen(listed, listed.c.names, listed.c.fields)
_HEADERS: Final = _Chosen(
    bodies,
    bodies.c.blob,
    contents.c.header_octets,
    sa.func.substr(bodies.c.body, 1, sa.cast(contents.c.header_octets, sa.Integer)),
)
_BODIES: Final = _Chosen(bodies, bodies.c.blob, bodies.c.body)
_PARTS: Final = _Chosen(bodies, bodies.c.parts)


def snapshot(tx: Transaction, number: CollectionId) -> Snapshot:
    """A whole mailbox of the actor; in a reading transaction all of it is of one moment.

    Raises:
        NotFound: it is gone, or somebody else's.
    """
    mailbox = mailboxes.by_id(tx, number)
    return Snapshot(mailbox, mailbox.modseq, _STATES.all(tx, {"collection": number}))


def first_unseen(tx: Transaction, number: CollectionId, most: int) -> int:
    """The place (from 1 on) of the first message without `\\Seen` among the `most` with the lowest uids; else 0."""
    found = _FLAGS.scalars(tx, {"collection": number, "most": most})
    return next((place for place, flags in enumerate(found, 1) if SEEN not in flags), 0)


def deleted_octets(tx: Transaction, number: CollectionId) -> int:
    """The octets of all messages with `\\Deleted` (RFC 9208 §4.1.4)."""
    return int(_DELETED_OCTETS.scalar(tx, {"collection": number}))


def changes(tx: Transaction, number: CollectionId, since: int) -> Changes:
    """What is new, changed and gone in a mailbox since a change number (RFC 7162 §3.2.5).

    All of one moment, whatever others do meanwhile: a transaction that writes sees that (PostgreSQL, READ COMMITTED).

    Raises:
        NotFound: as in `snapshot`.
    """
    row = _NUMBER.first(tx, {"collection": number, "actor": tx.actor.id})
    if row is None:
        raise NotFound(str(number))
    if row.modseq == since:
        return Changes(since, [], [], True)
    keys = {"collection": number, "since": since, "now": row.modseq}
    complete = row.log_floor <= since <= row.modseq
    found = [
        state
        for first, last in change_log.since(tx, number, since)
        for state in _SINCE.all(tx, keys | {"first": first, "last": last})
    ]
    return Changes(row.modseq, found, sorted(_VANISHED.scalars(tx, keys)), complete)


def contents_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, Content]:
    """What was computed of these messages, by `State.content`."""
    return {row[0]: Content._make(row) for row in _CONTENTS.of(tx, numbers)}


def envelopes(tx: Transaction, numbers: Sequence[int], span: Span | None = None) -> dict[int, bytes]:
    """The finished ENVELOPE of each; `span` holds them all, and little else."""
    return dict(_ENVELOPES.within(tx, numbers, span))


def bodystructures(tx: Transaction, numbers: Sequence[int], span: Span | None = None) -> dict[int, bytes]:
    """The finished BODYSTRUCTURE of each; `span` as in `envelopes`."""
    return dict(_STRUCTURES.within(tx, numbers, span))


def fields_of(tx: Transaction, numbers: Sequence[int], span: Span | None = None) -> dict[int, tuple[int, str, bytes]]:
    """The header fields that clients list, as rows for `listed_fields.choose`; `span` as in `envelopes`."""
    return {row[0]: row for row in _LISTED.within(tx, numbers, span)}


def listed_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, bytes]:
    """The header fields that clients list (`listed_fields.LISTED`), as they came."""
    return {number: listed_fields.plain(names, bytes(fields)) for number, names, fields in _LISTED.of(tx, numbers)}


def headers(tx: Transaction, numbers: Sequence[int]) -> dict[int, bytes]:
    """The whole header of each, with its blank line."""
    return {
        number: bytes(start) if blob is None else _read(tx, blob, 0, octets)
        for number, blob, octets, start in _HEADERS.of(tx, numbers)
    }


def bodies_of(tx: Transaction, numbers: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Number and octets of each message, one large one in memory at a time."""
    for number, blob, body in _BODIES.of(tx, numbers):
        yield number, bytes(body) if blob is None else tx.store.blobs.read(blob)


def body(tx: Transaction, number: int) -> bytes:
    """All octets of a message.

    Raises:
        NotFound: it is gone.
    """
    for _, octets in bodies_of(tx, [number]):
        return octets
    raise NotFound(str(number))


def body_range(tx: Transaction, number: int, start: int, count: int) -> bytes:
    """`count` octets of a message from `start` on, fewer at its end; a large one is not read whole.

    Raises:
        NotFound: it is gone.
    """
    for _, blob, whole in _BODIES.of(tx, [number]):
        return bytes(whole[start : start + count]) if blob is None else _read(tx, blob, start, count)
    raise NotFound(str(number))


class Header(NamedTuple):
    """What a listing for people shows of a mail, decoded."""

    subject: str
    sender: str
    message_id: str


def header_of(tx: Transaction, number: int) -> Header:
    """Subject, sender and Message-ID.

    Raises:
        NotFound: it is gone.
    """
    for found in headers_of(tx, [number]).values():
        return found
    raise NotFound(str(number))


def headers_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, Header]:
    """The same of each of several."""
    return {number: _header(fields) for number, fields in listed_of(tx, numbers).items()}


def _header(fields: bytes) -> Header:
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(fields):
        found.setdefault(name.lower(), value)
    subject, sender = (
        mime_words.printable(mime_words.decode_words(mime_words.unfold(found.get(name, b""))))
        for name in (b"subject", b"from")
    )
    return Header(
        subject, sender, mime_words.unfold(found.get(b"message-id", b"")).strip(b"<>").decode("utf-8", "replace")
    )


def raw_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, tuple[str | None, bytes | None]]:
    """Where the octets of each are: the key of a large body for `read_blob`, or the octets of a small one."""
    return {number: (blob, body) for number, blob, body in _BODIES.of(tx, numbers)}


def read_blob(tx: Transaction, blob: str, start: int, count: int) -> bytes:
    """Some octets of a large body."""
    return _read(tx, blob, start, count)


def parts_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, list[message_parts.Part]]:
    """Where the parts of each begin and end."""
    return {number: message_parts.load(bytes(dumped)) for number, dumped in _PARTS.of(tx, numbers)}


def parts(tx: Transaction, number: int) -> list[message_parts.Part]:
    """Where the parts of a message begin and end.

    Raises:
        NotFound: it is gone.
    """
    for _, dumped in _PARTS.of(tx, [number]):
        return message_parts.load(bytes(dumped))
    raise NotFound(str(number))


def _read(tx: Transaction, blob: str, start: int, count: int) -> bytes:
    with tx.store.blobs.open(blob) as file:
        file.seek(start)
        return file.read(count)
