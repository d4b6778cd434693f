"""Spool: the text of a long answer, kept in memory while it is short and in a file when it is not.

A listing is read in one snapshot and sent after it ended (nothing waits for a slow client with a
transaction open), yet a folder of a hundred thousand members must not take its size in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from servers.dav.errors import refuse
from servers.dav.names import DAV
from servers.http.response import Stream

IN_MEMORY_OCTETS: Final = 1024 * 1024
MOST_OCTETS: Final = 1024 * 1024 * 1024
_BLOCK: Final = 256 * 1024


class Spool:
    """Text goes in, a response's body comes out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self._held = 0
        self._file: IO[bytes] | None = None

    def add(self, texts: Iterable[str] | bytes) -> None:
        """Append texts, or what is encoded already.

        Raises:
            HttpError: 403 `number-of-matches-within-limits`: many properties of many members fill a disk too.
        """
        data = texts if isinstance(texts, bytes) else "".join(texts).encode()
        if self._length + len(data) > MOST_OCTETS:
            raise refuse(403, f"{DAV}number-of-matches-within-limits", reason="ask for fewer properties")
        self._parts.append(data)
        self._length += len(data)
        self._held += len(data)
        if self._held > IN_MEMORY_OCTETS:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the iterator that sends it)
            self._file.writelines(self._parts)
            self._parts, self._held = [], 0

    def body(self) -> bytes | Stream:
        """All of it, once."""
        if self._file is None:
            return b"".join(self._parts)
        self._file.writelines(self._parts)
        self._parts = []
        return Stream(self._length, _blocks(self._file))


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block
