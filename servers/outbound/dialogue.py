"""One SMTP dialogue with a server: smtplib's commands, with an end to everything that a server can make endless.

Every answer has a time in which it must be complete, however slowly it drips, and a length (RFC 5321 §4.5.3).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

LINE_OCTETS: Final = 4096
"""RFC 5321 §4.5.3.1.5 says 512; some servers say more."""
REPLY_LINES: Final = 256
BLOCK: Final = 64 * 1024
BLOCK_S: Final = 180.0  # RFC 5321 §4.5.3.2.5
SLOWEST_OCTETS_PER_S: Final = 8 * 1024
QUIT_S: Final = 5.0


class Broken(smtplib.SMTPServerDisconnected):
    """The dialogue is over: the connection is gone, the time is, or the server talks nonsense."""


class Dialogue(smtplib.SMTP):
    """A dialogue with `host` at `address`; `open` begins it. For one thread."""

    def __init__(
        self, host: str, address: str, port: int, *, hostname: str, connect_s: float, command_s: float
    ) -> None:
        super().__init__(local_hostname=hostname, timeout=connect_s)
        self.host: Final = host
        self.secure = False
        """Everything from here on is encrypted."""
        self._host = host.strip("[]")
        self._address: Final = address
        self._port: Final = port
        self._command_s: Final = command_s
        self._answer_s = command_s
        self._buffer = b""

    def open(self, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
        """Connect and return the greeting; with a `context`, TLS begins at once (RFC 8314 §3.3).

        Raises:
            OSError, Broken: there is nobody.
        """
        self.sock = socket.create_connection((self._address, self._port), timeout=self.timeout)
        if context is not None:
            self._wrap(context)
        return self.getreply()

    def within(self, seconds: float) -> None:
        """Let the following answers take so long each."""
        self._answer_s = seconds

    def getreply(self) -> tuple[int, bytes]:
        """One whole answer.

        Raises:
            Broken: it did not come in time, or is none (RFC 5321 §4.2).
        """
        until = time.monotonic() + self._answer_s
        lines: list[bytes] = []
        while True:
            line = self._line(until)
            if not (line[:3].isdigit() and line[3:4] in {b" ", b"-", b""}):
                self._break("an answer without a code")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
            if len(lines) >= REPLY_LINES:
                self._break("an answer without end")

    def starttls(self, *, context: ssl.SSLContext) -> tuple[int, bytes]:  # type: ignore[override]
        """Ask for TLS and begin it (RFC 3207); what was known of the server is forgotten.

        Raises:
            SMTPResponseException: it does not want to.
            Broken, OSError: it failed, and the dialogue with it.
        """
        code, reply = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, reply)
        if self._buffer:
            self._break("answers that came before TLS")  # RFC 3207 §4.2: somebody put them there
        self._wrap(context)
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        return code, reply

    def chain(self) -> list[bytes]:
        """The certificates that the server showed, DER, its own first."""
        inner: Any = getattr(self.sock, "_sslobj", None)  # public only from Python 3.13 on
        if inner is None:
            return []
        found = inner.get_unverified_chain() or []
        return [one if isinstance(one, bytes) else one.public_bytes(2) for one in found]

    def pipeline(self, commands: Sequence[str]) -> list[tuple[int, bytes]]:
        """Send commands and read their answers: at once if the server allows it (RFC 2920), else one by one.

        Fewer answers than commands: the dialogue broke off behind the last of them.

        Raises:
            Broken: there is not even one.
        """
        at_once = self.has_extn("pipelining")
        found: list[tuple[int, bytes]] = []
        try:
            if at_once:
                self.send("".join(f"{_line(command)}\r\n" for command in commands))
            for command in commands:
                found.append(self.getreply() if at_once else self.docmd(command))
        except (Broken, OSError):
            if not found:
                raise
        return found

    def content(self, data: bytes, final_s: float) -> tuple[int, bytes]:
        """Send a message's octets, its lines' dots doubled, and return the answer to it (RFC 5321 §4.5.2).

        `data` has no bare CR or LF.
        """
        quoted = (b"." + data if data.startswith(b".") else data).replace(b"\r\n.", b"\r\n..")
        if not quoted.endswith(b"\r\n"):
            quoted += b"\r\n"
        until = time.monotonic() + BLOCK_S + len(quoted) / SLOWEST_OCTETS_PER_S
        view = memoryview(quoted)
        for start in range(0, len(view), BLOCK):
            if time.monotonic() > until:
                self._break("too slow")
            self._send(view[start : start + BLOCK], BLOCK_S)
        self._send(memoryview(b".\r\n"), BLOCK_S)
        self.within(final_s)
        return self.getreply()

    def send(self, s: Any) -> None:
        """A command on its way; the time for its answer is the time for sending it too."""
        self._send(memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s), self._answer_s)

    def finish(self) -> None:
        """Say QUIT if somebody is still there, and wait no longer than is polite."""
        self.within(QUIT_S)
        with suppress(Exception):  # what came of the mail is known, and must not be lost
            if self.sock is not None:
                self.docmd("QUIT")
        self.close()

    def _send(self, octets: memoryview, seconds: float) -> None:
        if self.sock is None:
            raise Broken("the connection is gone")
        try:
            self.sock.settimeout(seconds)
            self.sock.sendall(octets)
        except OSError as error:
            self.close()
            raise Broken(f"lost connection: {_reason(error)}") from error

    def _wrap(self, context: ssl.SSLContext) -> None:
        assert self.sock is not None
        self.sock.settimeout(min(self._command_s, 60.0))
        try:
            self.sock = context.wrap_socket(self.sock, server_hostname=self._host)
        except (OSError, ValueError):  # ValueError: a name that TLS cannot say
            self.close()
            raise
        self.secure = True

    def _line(self, until: float) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LINE_OCTETS:
                self._break("a line without end")
            if self.sock is None:
                raise Broken("the connection is gone")
            left = until - time.monotonic()
            if left <= 0:
                self._break("no whole answer in time")
            try:
                self.sock.settimeout(left)
                block = self.sock.recv(4096)
            except OSError as error:
                self.close()
                raise Broken(f"lost connection: {_reason(error)}") from error
            if not block:
                self._break("the connection was closed")
            self._buffer += block
        line, self._buffer = self._buffer[: end + 1], self._buffer[end + 1 :]
        if len(line) > LINE_OCTETS:
            self._break("a line without end")
        return line.rstrip(b"\r\n")

    def _break(self, reason: str) -> NoReturn:
        self.close()
        raise Broken(reason)


def _line(command: str) -> str:
    if "\r" in command or "\n" in command:
        raise ValueError("a command is one line")
    return command


def _reason(error: OSError) -> str:
    return "timed out" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
