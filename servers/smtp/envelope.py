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

    def settle(self, before: frozenset[str] = frozenset()) -> None:
        """Let each account and address have one copy, by the first recipient that leads there, but for each suffix.

        SMTP-06. Who is in `before` leads nowhere, for the mail was there already; who is told of success by a name gets
        it by that name. It may be done again.
        """
        reached: set[tuple[object, str]] = set()
        for number, to in enumerate(self.to):
            if to.destination is None:
                reached.add((to.address.lower(), ""))
            elif to.address.lower() not in before and "SUCCESS" not in to.notify.split(","):
                self.to[number] = replace(to, destination=_first(to.destination, reached))

    def close(self) -> None:
        """Let go of what was taken."""
        if self.chunks is not None:
            self.chunks.close()
            self.chunks = None


def _first(destination: Destination, reached: set[tuple[object, str]]) -> Destination:
    """What of a destination is not in `reached` yet: accounts here with their suffix, and addresses elsewhere."""
    keys = {one: (one.account, _suffix(one.address)) for one in destination.here}
    here = tuple(one for one in destination.here if keys[one] not in reached)
    elsewhere = tuple(one for one in destination.elsewhere if (one.lower(), "") not in reached)
    reached |= {*keys.values(), *((one.lower(), "") for one in elsewhere)}
    return replace(destination, here=here, elsewhere=elsewhere)


def _suffix(address: str) -> str:
    return address.rpartition("@")[0].partition("+")[2].lower()
