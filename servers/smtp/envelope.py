"""One mail under way: its sender and recipients as they were accepted (RFC 5321 §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from servers.smtp.parser import Path
from servers.smtp.wire import Taken
from storage.mail.routing import Destination


@dataclass(frozen=True, slots=True)
class To:
    """One accepted recipient."""

    address: str
    destination: Destination | None
    """Where it leads here; None: to another server."""
    notify: str = ""
    orcpt: str = ""


@dataclass(slots=True)
class Envelope:
    """From MAIL to the end of the data."""

    sender: Path
    size: int = 0
    smtputf8: bool = False
    requiretls: bool = False
    ret: str = ""
    envid: str = ""
    to: list[To] = field(default_factory=list)
    chunks: Taken | None = None
    """What BDAT brought so far."""

    def close(self) -> None:
        """Let go of what was taken."""
        if self.chunks is not None:
            self.chunks.close()
            self.chunks = None
