"""The mechanisms: SCRAM-SHA-256 (RFC 7677), PLAIN (RFC 4616), LOGIN (a draft, for old clients)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from auth.sasl.context import Context, Malformed
from auth.sasl.scram import Scram
from storage.types import Actor

RESPONSE_OCTETS: Final = 16 * 1024
"""No response of a client is longer, decoded."""


class Exchange(Protocol):
    """One authentication under way."""

    def step(self, response: bytes | None) -> bytes | Actor:
        """Take the client's response (None: there is no initial one), and give a challenge or the actor.

        Raises:
            AuthError: it failed; the exchange is over.
        """


class Plain:
    """`[authzid] NUL authcid NUL passwd` (RFC 4616 §2)."""

    def __init__(self, context: Context) -> None:
        self._context: Final = context

    def step(self, response: bytes | None) -> bytes | Actor:
        if response is None:
            return b""
        parts = response.split(b"\0")
        if len(parts) != 3 or not parts[1] or not parts[2] or len(response) > RESPONSE_OCTETS:
            raise Malformed
        authorization, login, password = map(text, parts)
        return self._context.login(login, password, authorization)


class Login:
    """Two questions; obsolete, and the only one that some clients know."""

    def __init__(self, context: Context) -> None:
        self._context: Final = context
        self._asked = 0
        self._login = ""

    def step(self, response: bytes | None) -> bytes | Actor:
        if response is None and not self._asked:
            self._asked = 1
            return b"Username:"
        if response is None or len(response) > RESPONSE_OCTETS:
            raise Malformed
        if self._asked < 2:
            self._asked = 2
            self._login = text(response)
            return b"Password:"
        return self._context.login(self._login, text(response))


def text(octets: bytes) -> str:
    """A login or password as it was typed: UTF-8, or what clients sent before it."""
    try:
        return unicodedata.normalize("NFC", octets.decode())
    except UnicodeDecodeError:
        return octets.decode("latin-1")


MECHANISMS: Final[Mapping[str, Callable[[Context], Exchange]]] = MappingProxyType(
    {"PLAIN": Plain, "LOGIN": Login, "SCRAM-SHA-256": Scram}
)


def offered(context: Context) -> tuple[str, ...]:
    """What may be announced on this connection: nothing where others could read a password (SYS-05)."""
    return tuple(MECHANISMS) if context.confidential else ()


def start(name: str, context: Context) -> Exchange | None:
    """Begin an exchange; None for a mechanism that is not offered."""
    name = name.upper()
    return MECHANISMS[name](context) if name in offered(context) else None
