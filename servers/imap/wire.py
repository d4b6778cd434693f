"""Cutting commands out of a stream: lines with literals, whose sizes are judged before they are read.

A whole command is kept as one piece of octets, literals in their places (RFC 9051 §2.2.1, §4.3).
"""

from __future__ import annotations

import re
from typing import Final

from servers.line.session import Reply, Then

LINE_OCTETS: Final = 64 * 1024
"""Of a command without its literals."""
STRANGER_OCTETS: Final = 16 * 1024
"""Of a command with its literals, before anybody logged in."""
LITERALS_OCTETS: Final = 4 * 1024 * 1024
"""Of all literals of a command that is no APPEND."""
MESSAGE_OCTETS: Final = 52_428_800
"""Of one appended message (MSG-62, RFC 7889)."""
MESSAGES_OCTETS: Final = 2 * MESSAGE_OCTETS
"""Of all messages of one APPEND (RFC 3502)."""

_LITERAL: Final = re.compile(rb"~?\{(\d{1,20})(\+?)\}\r?\n\Z")
_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+\]]{1,100}(?= )")
_TAKES_MESSAGES: Final = re.compile(rb"[^ ]{1,100} (?:APPEND|UID REPLACE|REPLACE) ", re.IGNORECASE)
CONTINUE: Final = b"+ go on\r\n"


class Cutter:
    """Cuts one stream; `alone` after the login."""

    def __init__(self) -> None:
        self.known = False
        """Somebody is logged in: larger commands are taken."""
        self._at = 0
        self._lines = 0
        self._literals = 0
        self._awaited = 0

    @property
    def most(self) -> int:
        """Octets that may wait in the buffer for the rest of a command."""
        return self._at + self._awaited + LINE_OCTETS + 1024

    def cut(self, buffer: bytearray) -> bytes | Reply | None:
        """The next whole command, its last line end taken off; what is sent meanwhile; None: more is needed."""
        while True:
            if len(buffer) < self._at + self._awaited:
                return None
            start = self._at + self._awaited
            end = buffer.find(b"\n", start)
            if end < 0:
                if self._lines + len(buffer) - start > self._line_limit:
                    return self._too_long(buffer)
                return None
            self._lines += end + 1 - start
            if self._lines > self._line_limit:
                return self._too_long(buffer)
            literal = _LITERAL.search(buffer, max(start, end - 30), end + 1)
            if literal is None:
                command = bytes(buffer[:end]).removesuffix(b"\r")
                del buffer[: end + 1]
                self._begin()
                return command
            size = int(literal[1])
            refusal = self._refusal(buffer, size)
            if refusal is not None:
                if literal[2]:  # it is on its way already, and nobody wants to read it
                    return Reply((b"* BYE " + refusal + b"\r\n",), Then.CLOSE)
                tag = self._tag(buffer)
                del buffer[: end + 1]
                self._begin()
                return Reply((tag + b" NO " + refusal + b"\r\n",))
            self._at, self._awaited = end + 1, size
            self._literals += size
            if not literal[2]:
                return Reply((CONTINUE,))

    def cut_line(self, buffer: bytearray, most: int) -> bytes | Reply | None:
        """A line as it is, in an exchange: without its end."""
        end = buffer.find(b"\n")
        if end > most or (end < 0 and len(buffer) > most):
            return Reply((b"* BYE line too long\r\n",), Then.CLOSE)
        if end < 0:
            return None
        line = bytes(buffer[:end]).rstrip(b"\r")
        del buffer[: end + 1]
        return line

    @property
    def _line_limit(self) -> int:
        return LINE_OCTETS if self.known else STRANGER_OCTETS

    def _begin(self) -> None:
        self._at = self._awaited = self._lines = self._literals = 0

    def _refusal(self, buffer: bytearray, size: int) -> bytes | None:
        if not self.known:
            return b"[TOOBIG] log in first" if self._literals + size > STRANGER_OCTETS else None
        if _TAKES_MESSAGES.match(buffer):
            if size > MESSAGE_OCTETS or self._literals + size > MESSAGES_OCTETS:
                return b"[TOOBIG] a message has at most %d octets" % MESSAGE_OCTETS
            return None
        return b"[TOOBIG] the literal is too long" if self._literals + size > LITERALS_OCTETS else None

    def _tag(self, buffer: bytearray) -> bytes:
        found = _TAG.match(buffer)
        return found[0] if found else b"*"

    def _too_long(self, buffer: bytearray) -> Reply:
        buffer.clear()
        return Reply((b"* BYE the command is too long\r\n",), Then.CLOSE)
