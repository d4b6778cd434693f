"""UIDBATCHES: ranges of uids that hold equally many messages each (RFC 10022)."""

from __future__ import annotations

import re
from typing import Final

from servers.imap import render
from servers.imap.connection import Answer, Connection
from servers.imap.errors import Bad, No
from servers.imap.reader import Reader

LEAST: Final = 500
"""Messages of a batch: with smaller ones a client could ask for sequence numbers (RFC 10022 §3.1.3)."""
_RANGE: Final = re.compile(rb"([1-9]\d{0,9}):([1-9]\d{0,9})")


def uid_batches(connection: Connection, reader: Reader, tag: str) -> Answer:
    """`UIDBATCHES size [first:last]`: batches are counted from the newest messages on, from 1.

    The ranges lie side by side and reach down to uid 1, so that nothing falls between two of them.
    """
    view = connection.selected
    reader.space()
    size = reader.number()
    first, last = _wanted(reader)
    reader.end()
    if size < LEAST:
        raise No(f"a batch has at least {LEAST} messages", "TOOFEW")
    connection.load()
    gone = view.gone
    uids = [uid for uid in view.states.uids() if uid not in gone]
    tops = uids[::-1][::size]  # the newest of each batch
    lows = [one + 1 for one in tops[1:]] + [1]
    ranges = [b"%d:%d" % (top, low) for top, low in zip(tops, lows, strict=False)][first - 1 : last]
    said = b" " + b",".join(ranges) if ranges else b""
    return Answer((b"* UIDBATCHES (TAG %b)%b\r\n" % (render.string(tag.encode()), said),))


def _wanted(reader: Reader) -> tuple[int, int | None]:
    """The first and the last batch that are wanted; None is without end."""
    if reader.done:
        return 1, None
    reader.space()
    found = _RANGE.match(reader.match(_RANGE, "a range of batches"))
    assert found is not None
    first, last = int(found[1]), int(found[2])
    if first > last:
        raise Bad("[CLIENTBUG] the first batch comes before the last one")
    return first, last
