"""Header fields that clients list, kept so that some of them are chosen without reading any.

The fields stand as they came and in their order, with a NUL between two of them, which is in no header; their names
stand beside them. A header with a NUL all the same is kept in one piece and without names: then it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final

LISTED: Final = frozenset(
    b"""date subject from to cc bcc reply-to sender message-id in-reply-to references content-type
    content-transfer-encoding content-disposition content-language mime-version priority x-priority x-msmail-priority
    importance newsgroups followup-to list-id list-post list-unsubscribe list-help delivered-to x-mailer user-agent
    disposition-notification-to return-receipt-to x-spam-flag x-spam-status x-label keywords organization
    x-confirm-reading-to auto-submitted precedence resent-from resent-to resent-date x-original-to envelope-to
    return-path thread-topic x-uidl x-face face sensitivity comments""".split()
)
"""Names of such fields, lower case."""
SEPARATOR: Final = b"\0"


def pack(fields: Sequence[tuple[bytes, bytes]]) -> tuple[str, bytes]:
    """Names (lower case) and whole fields of a header, as they are kept: names blank-separated, then the octets."""
    octets = SEPARATOR.join([whole for _, whole in fields])
    if octets.count(SEPARATOR) >= max(len(fields), 1):
        return "", b"".join([whole for _, whole in fields])
    return b" ".join([name for name, _ in fields]).decode("ascii"), octets


def plain(names: str, octets: bytes) -> bytes:
    """The fields as they came, without a blank line."""
    return octets.replace(SEPARATOR, b"") if names else octets


def choose(rows: Sequence[tuple[int, str, bytes] | None], wanted: tuple[str, ...]) -> list[bytes | None]:
    """Of each row (a number, names, octets) the fields whose names are in `wanted` (lower case); None stays None."""
    takers = _Takers(wanted)
    join = b"".join
    return [None if row is None else join(takers[row[1]](row[2].split(SEPARATOR))) for row in rows]


class _Takers(dict[str, Callable[[list[bytes]], Sequence[bytes]]]):
    """For each sequence of names, what takes the wanted ones of its fields; a mailbox has few sequences."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        self._wanted: Final = wanted

    def __missing__(self, names: str) -> Callable[[list[bytes]], Sequence[bytes]]:
        take = self[names] = _taker(names, self._wanted)
        return take


@lru_cache(256)
def pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """Whole fields of these names in a header block."""
    alternatives = b"|".join(re.escape(name.encode("ascii", "replace")) for name in names)
    return re.compile(rb"^(?:%b)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*" % alternatives, re.IGNORECASE | re.MULTILINE)


def _taker(names: str, wanted: tuple[str, ...]) -> Callable[[list[bytes]], Sequence[bytes]]:
    if not names:  # in one piece, whatever NUL is in it
        find = pattern(wanted).findall
        return lambda pieces: find(SEPARATOR.join(pieces))
    places = [place for place, name in enumerate(names.split(" ")) if name in wanted]
    if not places:
        return lambda fields: ()
    if len(places) == 1:
        return lambda fields: fields[places[0] : places[0] + 1]
    return itemgetter(*places)
