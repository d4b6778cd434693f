"""An AUTHENTICATE under way: its challenges and responses as lines (RFC 9051 §6.2.2)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from auth.sasl.context import Cancelled, Malformed
from auth.sasl.mechanisms import Exchange
from storage.types import Actor


class Dialogue:
    """One exchange, and the command that began it."""

    def __init__(self, tag: str, command: str, exchange: Exchange, initial: bytes | None) -> None:
        """`initial` came with the command (RFC 4959)."""
        self.tag: Final = tag
        self.command: Final = command
        self._exchange: Final = exchange
        self._initial = initial

    def step(self, line: bytes | None) -> bytes | Actor:
        """The line that answers the client's, or who he is; None begins.

        Raises:
            AuthError: he is not let in, or gave up, or that was no base64.
        """
        response, self._initial = (self._initial, None) if line is None else (_read(line), self._initial)
        found = self._exchange.step(response)
        return found if isinstance(found, Actor) else b"+ " + base64.b64encode(found) + b"\r\n"


def _read(line: bytes) -> bytes:
    if line == b"*":
        raise Cancelled
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None
