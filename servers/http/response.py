"""Response: an answer as a value; the application adds length, encoding and date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stream:
    """A large body, sent in blocks after the transaction has ended."""

    length: int
    """Octets in all."""
    blocks: Iterable[bytes]


@dataclass(slots=True)
class Response:
    """Status, header fields in order, body."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Stream = b""

    def header(self, name: str) -> str | None:
        """The first field of this name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)
