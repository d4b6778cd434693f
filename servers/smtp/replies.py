"""Replies: a code, an enhanced status code and a text (RFC 5321 §4.2, RFC 2034, RFC 3463)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from auth.errors import AuthError, BadCredentials, Throttled, TlsRequired
from auth.sasl.context import Cancelled, Malformed, NotAllowed
from storage.errors import Busy, NoRoom


class Answer(NamedTuple):
    """One reply; with several lines of text it is a multi-line one."""

    code: int
    status: str
    """As "5.1.1"; "" for the replies that have none."""
    text: str

    @property
    def good(self) -> bool:
        return self.code < 400

    @lru_cache(maxsize=256)  # noqa: B019  # a tuple of values: most answers are the same few
    def render(self) -> bytes:
        lines = self.text.split("\n")
        status = f"{self.status} " if self.status else ""
        last = len(lines) - 1
        return b"".join(
            f"{self.code}{' ' if number == last else '-'}{status}{line}\r\n".encode("utf-8", "replace")
            for number, line in enumerate(lines)
        )


class Refusal(Exception):
    """A command is refused."""

    def __init__(self, code: int, status: str, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(code, status, text)


OK = Answer(250, "2.0.0", "OK")
AFTER_ERROR = Answer(451, "4.3.0", "internal error: try again")
NO_ROOM = Answer(452, "4.3.1", "there is no room: try again later")
_BUSY = Answer(451, "4.3.0", "too many are writing at this moment: try again")


def of_busy(error: Busy) -> Answer:
    """Why the store cannot take anything now: a full disk has a code of its own (RFC 5321 §4.2.3, RFC 3463 §3.4)."""
    return NO_ROOM if isinstance(error, NoRoom) else _BUSY


def of_auth(error: AuthError) -> Answer:
    """Why somebody may not log in (RFC 4954 §6)."""
    if isinstance(error, BadCredentials):
        return Answer(535, "5.7.8", str(error))
    if isinstance(error, TlsRequired):
        return Answer(538, "5.7.11", "begin TLS first")
    if isinstance(error, Throttled):
        return Answer(454, "4.7.0", str(error))
    if isinstance(error, NotAllowed):
        return Answer(535, "5.7.0", str(error))  # SPEC 0.4
    if isinstance(error, Cancelled | Malformed):
        return Answer(501, "5.5.2", str(error))
    return Answer(454, "4.7.0", str(error))
