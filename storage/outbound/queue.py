"""The queue itself: mail goes in within the caller's transaction, workers lease it, deliver it, and settle.

A lease is a promise with an end: if its worker dies the recipients are due again when it is over, so nothing is lost.
What the other side accepted with its 250 and nobody could settle is delivered twice, and no queue can do better.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from storage.bodies import Body
from storage.errors import BadFormat, NotFound
from storage.mail.appending import Prepared
from storage.outbound import bell, domains
from storage.outbound.retries import Schedule
from storage.outbound.tables import messages, recipients
from storage.outbound.types import Lease, Notice, Outcome, QueueId, Recipient, Report, Result, Target
from storage.store import INLINE_OCTETS, Transaction
from storage.types import PrincipalId

LEASE_S: Final = 600.0
"""How long a worker that says nothing is taken for alive."""
RECIPIENTS_AT_ONCE: Final = 100
"""What every server must take in one transaction (RFC 5321 §4.5.3.1.8)."""
PER_DESTINATION: Final = 4
_REPLY_CHARACTERS: Final = 2000
# "ESCO": PostgreSQL's workers lease one after the other, or the count of a destination's leases would not hold.
_ADVISORY_LOCK: Final = 0x4553434F


def enqueue(
    tx: Transaction,
    *,
    sender: str,
    recipients: Sequence[Target],
    data: bytes | Prepared | Body,
    envid: str = "",
    ret: str = "",
    requiretls: bool = False,
    smtputf8: bool = False,
    account: PrincipalId = PrincipalId(0),  # noqa: B008  # a number
    sign: bool | None = None,
    not_before: float = 0,
) -> QueueId:
    """Take a mail over: whoever's transaction commits may tell its sender so (RFC 5321 §6.1).

    `sender` is the reverse-path, "" the null one; `data` the whole message. A large one given as bytes is written
    to the blob store here, so better give one prepared outside the transaction. The desk's DKIM signature is for
    what an `account` wrote; say `sign=False` when it only passes on what somebody else did. It is not tried
    before the time `not_before` (seconds since the epoch).

    Raises:
        BadFormat: there is no recipient, or one has no domain.
    """
    if not recipients:
        raise BadFormat("a mail without recipients")
    targets = list(dict.fromkeys(recipients))
    if any(not domains.of(target.address) for target in targets):
        raise BadFormat("a recipient without a domain")
    body, blob, octets = _kept(tx, data)
    values = {"sender": sender, "envid": envid, "ret": ret.upper(), "requiretls": requiretls, "smtputf8": smtputf8}
    values |= {"sign": account > 0 if sign is None else sign, "account_id": account, "octets": octets}
    made = sa.insert(messages).values(**values, created=tx.now, blob=blob, body=body).returning(messages.c.id)
    number = QueueId(tx.db.execute(made).scalar_one())
    rows = [
        {
            "message_id": number,
            "address": target.address,
            "domain": domains.of(target.address),
            "orcpt": target.orcpt,
            "notify": target.notify.upper(),
            "due": max(tx.now, not_before),
        }
        for target in targets
    ]
    tx.db.execute(sa.insert(_rows), rows)
    bell.ring(tx.db, tx.touched)
    return number


def lease(
    tx: Transaction,
    worker: str,
    now: float,
    limit: int,
    *,
    per_destination: int = PER_DESTINATION,
    together: bool = False,
    apart: frozenset[str] = frozenset(),
    lease_s: float = LEASE_S,
) -> list[Lease]:
    """Up to `limit` messages that are due, each for one destination, no other worker's before the lease is over.

    One destination gets `per_destination` of them at a time, all workers counted. With `together`, everything goes
    to one next hop, which is one destination, but for the domains `apart`.
    """
    if tx.db.dialect.name != "sqlite":
        tx.db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    destination = (lambda domain: domain if domain in apart else "") if together else str
    busy = _busy(tx, now, destination)
    found: list[Lease] = []
    while len(found) < limit:
        full = {name for name, count in busy.items() if count >= per_destination}
        first = _first_due(tx, now, full, apart)
        if first is None:
            break
        name = destination(first.domain)
        here = _rows.c.domain == name if name else _rows.c.domain.not_in(sorted(apart))
        one = _take(tx, first.message_id, here, worker, now, now + lease_s)
        if one is None:  # taken out by the administrator at this moment
            break
        busy[name] = busy.get(name, 0) + 1
        found.append(one)
    return found


def renew(tx: Transaction, leases: Iterable[Lease], until: float) -> None:
    """Keep leases whose delivery takes its time."""
    tokens = [one.token for one in leases]
    tx.db.execute(sa.update(_rows).where(_rows.c.lease.in_(tokens)).values(lease_until=until))


def release(tx: Transaction, leases: Iterable[Lease], *, not_before: float = 0) -> None:
    """Give leases back untried: the next worker finds them due, at once or at that time."""
    tokens = [one.token for one in leases]
    values: dict[str, Any] = {"lease": "", "lease_until": 0} | ({"due": not_before} if not_before else {})
    tx.db.execute(sa.update(_rows).where(_rows.c.lease.in_(tokens)).values(**values))
    if not not_before:
        bell.ring(tx.db, tx.touched)


def settle(tx: Transaction, lease: Lease, results: Sequence[Result], schedule: Schedule = Schedule()) -> list[Notice]:  # noqa: B008  # constant
    """Write down how a delivery ended; return what the sender must be told, for the caller to enqueue in `tx`.

    Recipients without a result are due again at once. What was delivered is gone from the queue whoever has it now;
    a failure counts only while the lease holds, or somebody else's success would be reported as one.
    """
    tx.db.execute(sa.select(messages.c.id).where(messages.c.id == lease.id).with_for_update())
    held = _rows.c.lease == lease.token
    known = {one.id: one for one in lease.recipients}
    notices: list[Notice] = []
    for result in results:
        recipient = known.pop(result.recipient)
        here = _rows.c.id == recipient.id
        if result.outcome is Outcome.DEFERRED:
            deferred = _deferred(lease, recipient, result, schedule, tx.now)
            if isinstance(deferred, Result):
                result = deferred  # its time is over
            else:
                values, notice = deferred
                if tx.db.execute(sa.update(_rows).where(here, held).values(**values)).rowcount and notice:
                    notices.append(notice)
                continue
        delivered = result.outcome is Outcome.DELIVERED
        gone = tx.db.execute(sa.delete(_rows).where(here) if delivered else sa.delete(_rows).where(here, held))
        if gone.rowcount and (report := _final(lease, recipient, result)):
            notices.append(Notice(report, recipient, result))
    if known:
        rest = sa.update(_rows).where(_rows.c.id.in_(known), held)
        tx.db.execute(rest.values(lease="", lease_until=0))
    left = sa.select(sa.literal(1)).where(_rows.c.message_id == lease.id).exists()
    tx.db.execute(sa.delete(messages).where(messages.c.id == lease.id, ~left))
    return notices


def any_due(tx: Transaction, now: float) -> bool:
    """Whether anything is due, whatever its destination has under way."""
    return tx.db.execute(sa.select(sa.literal(1)).select_from(_rows).where(_due(now)).limit(1)).first() is not None


def next_due(tx: Transaction, now: float) -> float | None:
    """When there is something to do without anybody's ringing: the next attempt, or the end of somebody's lease."""
    waiting = sa.select(sa.func.min(_rows.c.due)).where(~_rows.c.held, _rows.c.due > now, _rows.c.lease_until <= now)
    leased = sa.select(sa.func.min(_rows.c.lease_until)).where(_rows.c.lease_until > now)
    times = [found for query in (waiting, leased) if (found := tx.db.execute(query).scalar()) is not None]
    return min(times, default=None)


def body(tx: Transaction, number: QueueId) -> bytes:
    """The whole message.

    Raises:
        NotFound: it is no longer in the queue.
    """
    row = tx.db.execute(sa.select(messages.c.blob, messages.c.body).where(messages.c.id == number)).first()
    if row is None:
        raise NotFound(f"there is no message {number} in the queue")
    return tx.store.blobs.read(row.blob) if row.blob is not None else bytes(row.body or b"")


_rows: Final = recipients


def _kept(tx: Transaction, data: bytes | Prepared | Body) -> tuple[bytes | None, str | None, int]:
    if isinstance(data, bytes):
        if len(data) <= INLINE_OCTETS:
            return data, None, len(data)
        return None, tx.store.blobs.put(data), len(data)
    octets = data.octets if isinstance(data, Prepared) else data.size
    return data.data, data.blob, octets


def _busy(tx: Transaction, now: float, destination: Callable[[str], str]) -> dict[str, int]:
    """How many leases each destination has; "" is the one that others have in common."""
    pairs = sa.select(_rows.c.domain, _rows.c.lease).where(_rows.c.lease_until > now).distinct()
    return Counter(name for name, _ in {(destination(row.domain), row.lease) for row in tx.db.execute(pairs)})


def _due(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(_rows.c.held == sa.false(), _rows.c.due <= now, _rows.c.lease_until <= now)


def _first_due(tx: Transaction, now: float, full: set[str], apart: frozenset[str]) -> Any:
    query = sa.select(_rows.c.message_id, _rows.c.domain).where(_due(now)).order_by(_rows.c.due, _rows.c.id).limit(1)
    if full:
        query = query.where(_rows.c.domain.not_in(sorted(full)))
    if "" in full:
        query = query.where(_rows.c.domain.in_(sorted(apart)))
    return tx.db.execute(query).first()


def _take(
    tx: Transaction, number: int, here: sa.ColumnElement[bool], worker: str, now: float, until: float
) -> Lease | None:
    """Lease what is due of a message in the domains `here`."""
    due = sa.select(_rows.c.id).where(_rows.c.message_id == number, _due(now), here)
    chosen = list(tx.db.execute(due.order_by(_rows.c.id).limit(RECIPIENTS_AT_ONCE)).scalars())
    token = f"{worker}/{secrets.token_hex(8)}"
    taken = tx.db.execute(
        sa.update(_rows)
        .where(_rows.c.id.in_(chosen), _due(now))
        .values(lease=token, lease_until=until)
        .returning(*(_rows.c[name] for name in ("id", "address", "domain", "orcpt", "notify", "attempts", "delayed")))
    ).all()
    row = tx.db.execute(sa.select(messages).where(messages.c.id == number)).first()
    if not taken or row is None:
        return None
    return Lease(
        id=QueueId(number),
        token=token,
        domain=taken[0].domain,
        recipients=tuple(
            Recipient(one.id, one.address, one.orcpt, one.notify, one.attempts, one.delayed)
            for one in sorted(taken, key=lambda one: int(one.id))
        ),
        sender=row.sender,
        envid=row.envid,
        ret=row.ret,
        requiretls=row.requiretls,
        smtputf8=row.smtputf8,
        sign=row.sign,
        account=PrincipalId(row.account_id),
        octets=row.octets,
        created=row.created,
        until=until,
    )


def _deferred(
    lease: Lease, recipient: Recipient, result: Result, schedule: Schedule, now: float
) -> Result | tuple[dict[str, Any], Notice | None]:
    """The row's new values and what to tell; or the result that it has become when the time is over."""
    if schedule.over(lease.created, now):
        # Not 4.4.7: RFC 3463 §3.5 wants the code of the actual problem, if it is known.
        return replace(result, outcome=Outcome.FAILED)
    attempts = recipient.attempts + 1
    values: dict[str, Any] = {"lease": "", "lease_until": 0, "attempts": attempts, "tried": now}
    values |= {"due": schedule.due(lease.created, now, attempts), "status": result.status, "host": result.host}
    values["reply"] = result.reply.replace("\0", "")[:_REPLY_CHARACTERS]
    late = now >= lease.created + schedule.notice_s and not recipient.delayed
    if not late:
        return values, None
    values["delayed"] = True
    if not lease.sender or not recipient.wants("DELAY"):
        return values, None
    return values, Notice(Report.DELAYED, recipient, result, lease.created + schedule.lifetime_s)


def _final(lease: Lease, recipient: Recipient, result: Result) -> Report | None:
    """What the sender is told of an end; a null sender is told nothing (RFC 5321 §4.5.5)."""
    if not lease.sender:
        return None
    if result.outcome is Outcome.FAILED:
        return Report.FAILED if recipient.wants("FAILURE") else None
    if not recipient.wants("SUCCESS"):
        return None
    if result.host:
        return None if result.passed_on else Report.RELAYED  # RFC 3461 §5.2.2
    return Report.DELIVERED
