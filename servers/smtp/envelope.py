"""One mail under way: its sender and recipients as they were accepted (RFC 5321 §3.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
    reached: set[tuple[object, str]] = field(default_factory=set)
    """Accounts here with the suffix that was written, and addresses elsewhere."""

    def first(self, destination: Destination) -> Destination:
        """What of a destination no recipient before has led to: each gets one copy (SMTP-06), but for each suffix."""
        keys = {one: (one.account, _suffix(one.address)) for one in destination.here}
        here = tuple(one for one in destination.here if keys[one] not in self.reached)
        elsewhere = tuple(one for one in destination.elsewhere if (one.lower(), "") not in self.reached)
        self.reached |= {*keys.values(), *((one.lower(), "") for one in elsewhere)}
        return replace(destination, here=here, elsewhere=elsewhere)

    def close(self) -> None:
        """Let go of what was taken."""
        if self.chunks is not None:
            self.chunks.close()
            self.chunks = None


def _suffix(address: str) -> str:
    return address.rpartition("@")[0].partition("+")[2].lower()
