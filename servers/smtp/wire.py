"""Cutting an SMTP stream: command lines, dot-stuffed data, chunks; large data go to a file while they come.

Only CRLF "." CRLF ends data: a bare CR or LF is never a line's end here, so nothing can be smuggled past a server
that thinks otherwise (RFC 5321 §2.3.8, §4.1.1.4).
"""

from __future__ import annotations

import re
import tempfile
from enum import Enum, auto
from typing import IO, Final

from servers.line.session import Reply, Then

LINE_OCTETS: Final = 4_096
"""Of a command with its parameters (RFC 5321 §4.5.3.1.4 asks for 512 and what extensions add)."""
AUTH_OCTETS: Final = 16_384
"""Of a line in an exchange (RFC 4954 §4)."""
MESSAGE_OCTETS: Final = 52_428_800
_MEMORY_OCTETS: Final = 1024 * 1024
_PIECES: Final = 4_096
"""So many pieces are few: each takes memory of its own."""
_PIECE_OCTETS: Final = 256 * 1024
_BARE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class Taken:
    """The octets of one message, in memory as long as they are few."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        self.octets = 0
        self.too_large = False
        self.bare = False
        """A CR or LF stood alone (RFC 5321 §2.3.8)."""

    def add(self, data: bytes) -> None:
        self.octets += len(data)
        if self.octets > MESSAGE_OCTETS:
            self.too_large = True
        elif self._file is not None:
            self._file.write(data)
        elif self.octets <= _MEMORY_OCTETS and len(self._pieces) < _PIECES:
            self._pieces.append(data)
        else:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # `close`
            self._file.write(b"".join(self._pieces) + data)
            self._pieces = []

    def read(self) -> bytes:
        """All of it, with CRLF wherever a line ends; `bare` is right from then on."""
        if self._file is None:
            data = b"".join(self._pieces)
        else:
            self._file.seek(0)
            data = self._file.read()
        if not self.bare:  # each CR and each LF belongs to a pair; counting is twenty times as fast as a pattern
            pairs = data.count(b"\r\n")
            self.bare = data.count(b"\n") != pairs or data.count(b"\r") != pairs
        return _BARE.sub(b"\r\n", data) if self.bare else data

    def close(self) -> None:
        self._pieces = []
        if self._file is not None:
            self._file.close()


class Mode(Enum):
    """What comes next from the client."""

    COMMAND = auto()
    AUTH = auto()
    DATA = auto()
    CHUNK = auto()


class Cutter:
    """Cuts one stream by what the session expects."""

    def __init__(self) -> None:
        self.mode = Mode.COMMAND
        self._taken: Taken | None = None
        self._left = 0
        self._at_start = True

    def begin_data(self) -> None:
        """A message follows, up to CRLF "." CRLF."""
        self.mode, self._taken, self._at_start = Mode.DATA, Taken(), True

    def begin_chunk(self, size: int, taken: Taken) -> None:
        """So many octets follow (RFC 3030 §2)."""
        self.mode, self._taken, self._left = Mode.CHUNK, taken, size

    def close(self) -> None:
        """Let go of what came so far."""
        if self._taken is not None:
            self._taken.close()

    @property
    def most(self) -> int:
        return AUTH_OCTETS if self.mode is Mode.AUTH else max(LINE_OCTETS, 2 * _PIECE_OCTETS)

    def cut(self, buffer: bytearray) -> bytes | Taken | Reply | None:
        """A line without its end, or a whole message or chunk; None: more is needed."""
        if self.mode is Mode.DATA:
            return self._data(buffer)
        if self.mode is Mode.CHUNK:
            return self._chunk(buffer)
        limit = AUTH_OCTETS if self.mode is Mode.AUTH else LINE_OCTETS
        end = buffer.find(b"\n", 0, limit + 2)
        if end < 0:
            if len(buffer) > limit:
                return Reply((b"500 5.5.2 line too long\r\n",), Then.CLOSE)
            return None
        line = bytes(buffer[:end]).removesuffix(b"\r")
        del buffer[: end + 1]
        return line

    def _chunk(self, buffer: bytearray) -> Taken | None:
        taken = self._taken
        assert taken is not None
        size = min(self._left, len(buffer))
        taken.add(bytes(buffer[:size]))
        del buffer[:size]
        self._left -= size
        if self._left:
            return None
        self.mode, self._taken = Mode.COMMAND, None
        return taken

    def _data(self, buffer: bytearray) -> Taken | None:
        taken = self._taken
        assert taken is not None
        while buffer:
            if self._at_start:
                if buffer[:1] == b".":
                    if len(buffer) < 3 and bytes(buffer) in (b".", b".\r"):
                        return None
                    if buffer[:3] == b".\r\n":
                        del buffer[:3]
                        self.mode, self._taken = Mode.COMMAND, None
                        return taken
                    del buffer[:1]  # RFC 5321 §4.5.2
                self._at_start = False
            # Up to the next CRLF that a dot follows, or may follow when more comes.
            dot = buffer.find(b"\r\n.")
            if dot >= 0:
                taken.add(bytes(buffer[: dot + 2]))
                del buffer[: dot + 2]
                self._at_start = True
                continue
            safe = len(buffer)
            if buffer.endswith(b"\r\n"):
                taken.add(bytes(buffer))
                buffer.clear()
                self._at_start = True
                return None
            if buffer.endswith(b"\r"):
                safe -= 1
            taken.add(bytes(buffer[:safe]))
            del buffer[:safe]
            return None
        return None
