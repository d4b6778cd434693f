"""Values of the outbound queue: what goes in, what a worker gets to deliver, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, NewType

from storage.types import PrincipalId

QueueId = NewType("QueueId", int)
"""A message in the queue."""


class Target(NamedTuple):
    """One recipient on the way in; parameters decoded from xtext (RFC 3461 §4)."""

    address: str
    orcpt: str = ""
    """With its type, "rfc822;local@domain"."""
    notify: str = ""


class Outcome(Enum):
    """How an attempt ended for one recipient."""

    DELIVERED = "delivered"
    """It is somebody else's now, or in a mailbox here."""
    DEFERRED = "deferred"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a lease."""

    id: int
    address: str
    orcpt: str
    notify: str
    attempts: int
    """Those before this one."""
    delayed: bool
    """The sender knows that it takes time."""

    def wants(self, what: str) -> bool:
        """Whether SUCCESS, FAILURE or DELAY is to be reported (RFC 3461 §4.1: failure unless said otherwise)."""
        if self.notify:
            return what in self.notify.upper().split(",")
        return what != "SUCCESS"


@dataclass(frozen=True, slots=True)
class Lease:
    """One message for one destination, this worker's alone until `until`."""

    id: QueueId
    token: str
    domain: str
    """Where it goes, in A-labels; any one of several when all go to a smarthost."""
    recipients: tuple[Recipient, ...]
    sender: str
    envid: str
    ret: str
    requiretls: bool
    smtputf8: bool
    sign: bool
    account: PrincipalId
    octets: int
    created: float
    until: float


@dataclass(frozen=True, slots=True)
class Result:
    """How the attempt ended for one recipient."""

    recipient: int
    outcome: Outcome
    status: str
    """RFC 3463, "2.0.0"."""
    reply: str = ""
    """What the other side said, "250 ok"; or what went wrong here."""
    host: str = ""
    """Who said it; "" is nobody but us."""
    passed_on: bool = True
    """The next hop reports to the sender itself, as he asked (RFC 3461 §5.2.2); or it is the last."""


class Report(Enum):
    """What the sender is told of a recipient: the Action field of RFC 3464 §2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Notice:
    """One recipient of whom the sender must be told."""

    report: Report
    recipient: Recipient
    result: Result
    retry_until: float | None = None
    """Of a delay: until when it is tried (seconds since the epoch)."""


@dataclass(frozen=True, slots=True)
class QueuedRecipient:
    """A recipient as the administrator sees it."""

    address: str
    domain: str
    state: str
    """waiting, delivering or held."""
    due: float
    attempts: int
    tried: float | None
    status: str
    reply: str
    host: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A message as the administrator sees it."""

    id: QueueId
    sender: str
    account: PrincipalId
    octets: int
    created: float
    recipients: tuple[QueuedRecipient, ...] = field(default=())
