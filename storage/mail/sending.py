"""What an account may send, how much it sent, and the copy that is kept of it (MSG-09, MSG-11, SMTP-05)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage import plans, preferences
from storage.errors import Refused
from storage.mail import appending, mailboxes, moving, recipients
from storage.mail.flags import SEEN
from storage.mail.recipients import may_send_from
from storage.mail.tables import contents, messages, relay_blocks, sendings, sent_copies
from storage.mail.types import SENT, Mailbox
from storage.schema import accounts
from storage.statements import Statement
from storage.store import Transaction
from storage.types import SITE, Actor, Principal, PrincipalId, SpaceKind

__all__ = [
    "Blocked",
    "TooMany",
    "addresses",
    "asks_receipts",
    "blocked_since",
    "count",
    "in_the_name_of",
    "keep_copy",
    "may_send_from",
    "recipients_max",
    "replace_copies",
    "set_blocked",
]

WAIT_S: Final = 600.0
"""So long a client may take to append its own copy (MSG-11)."""
_DAY_S: Final = 86_400


class TooMany(Exception):
    """The plan's number of messages for a day is reached."""


class Blocked(TooMany):
    """The site's administrator keeps the account from sending (SMTP-03), or suspended it (ACC-01)."""


_account: Final[sa.BindParameter[int]] = sa.bindparam("account")
_BLOCKED: Final = Statement(sa.select(relay_blocks.c.since).where(relay_blocks.c.account_id == _account))
_MAY_NOT: Final = Statement(
    sa.union_all(
        sa.select(sa.literal(1)).where(relay_blocks.c.account_id == _account),
        sa.select(sa.literal(1)).where(accounts.c.id == _account, accounts.c.suspended),
    )
)


def blocked_since(tx: Transaction, account: PrincipalId) -> float | None:
    """Since when an account may not send, in seconds since the epoch; None if it may."""
    since: float | None = _BLOCKED.scalar(tx, {"account": account})
    return since


def set_blocked(tx: Transaction, account: PrincipalId, *, blocked: bool) -> None:
    """Keep an account from sending, from its very next mail on, or let it send again (SMTP-03)."""
    if blocked is (blocked_since(tx, account) is not None):
        return
    if blocked:
        tx.db.execute(sa.insert(relay_blocks).values(account_id=account, since=tx.now))
    else:
        tx.db.execute(sa.delete(relay_blocks).where(relay_blocks.c.account_id == account))


def addresses(tx: Transaction, actor: Actor, domains: Collection[str]) -> tuple[str, ...]:
    """The addresses that the account may send from, the main one first."""
    return recipients.sender_addresses(tx, actor.id, actor.login, domains)


def recipients_max(tx: Transaction, actor: Actor) -> int | None:
    """How many recipients one mail may have by the plan; None is without limit."""
    return plans.limit(tx, actor.id, "smtp_recipients_per_message")


def asks_receipts(tx: Transaction, actor: Actor) -> bool:
    """Whether the account wants a receipt for everything that it sends (MSG-15)."""
    me = Principal(actor.id, SpaceKind.PRIVATE, actor.login, "", "")
    return preferences.of(tx, me)["request_receipts"] == "yes"


def count(tx: Transaction, mails: int = 1) -> None:
    """Count so many more mails of the actor today, all or none of several.

    Raises:
        TooMany: it is one too many.
        Blocked: he may not send at all, nor in a session that was open before.
    """
    if _MAY_NOT.scalar(tx, {"account": tx.actor.id}) is not None:
        raise Blocked("this account may not send mail: ask who administers the desk")
    day = int(tx.now) // _DAY_S
    most = plans.limit(tx, tx.actor.id, "smtp_messages_per_day")
    here = sa.and_(sendings.c.account_id == tx.actor.id, sendings.c.day == day)
    step = sa.update(sendings).where(here).values(messages=sendings.c.messages + mails).returning(sendings.c.messages)
    now: int | None = tx.db.execute(step).scalar()
    if now is None:  # the first today, unless another one is at this very moment
        first = (sqlite.insert if tx.store.engines.sqlite else postgresql.insert)(sendings)
        first = first.values(account_id=tx.actor.id, day=day, messages=mails)
        more = {"messages": sendings.c.messages + first.excluded.messages}
        counted = first.on_conflict_do_update(index_elements=["account_id", "day"], set_=more)
        now = int(tx.db.execute(counted.returning(sendings.c.messages)).scalar_one())
        old = sa.and_(sendings.c.account_id == tx.actor.id, sendings.c.day < day - 7)
        tx.db.execute(sa.delete(sendings).where(old))
    if most is not None and now > most:
        if mails > 1:
            tx.db.execute(sa.update(sendings).where(here).values(messages=sendings.c.messages - mails))
        raise TooMany(f"the plan allows {most} mails a day: go on tomorrow")


def in_the_name_of(tx: Transaction, author: Principal, mails: int = 1) -> str:
    """Count mails that the desk writes for somebody, and return the address that they come from (ACC-19, SMTP-05).

    What the site's administrator has written is not counted.

    Raises:
        Refused: he has no confirmed address, may not send, or the plan allows no more mails today.
    """
    own = recipients.addresses_of(tx, author.id)
    if not own:
        raise Refused(f"{author.name} has no confirmed address that a mail could come from")
    try:
        if tx.actor.id != SITE.id:
            count(tx, mails)
    except TooMany as error:
        raise Refused(str(error)) from None
    return recipients.default_sender(tx, author.id, own)


def keep_copy(tx: Transaction, prepared: appending.Prepared, *, always: bool = False) -> None:
    """Keep a copy of what the actor sends in Sent Items, unless he does not want it or it is there already.

    With `always` his program asked for it with the very mail, whatever he prefers otherwise.

    A full mailbox is no reason not to send: then no copy is kept.
    """
    me = Principal(tx.actor.id, SpaceKind.PRIVATE, tx.actor.login, "", "")
    message_id = prepared.scanned.message_id
    if not message_id or not (always or preferences.of(tx, me)["keep_sent"] == "yes"):
        return
    left = appending.room(tx)
    box = mailboxes.find(tx, SENT)
    if (left is not None and prepared.octets > left) or _is_there(tx, box, message_id):
        return
    placed = appending.append(tx, box, prepared, flags=SEEN)
    mine = sent_copies.c.account_id == tx.actor.id
    tx.db.execute(sa.delete(sent_copies).where(mine, sent_copies.c.created < tx.now - WAIT_S))
    tx.db.execute(sa.delete(sent_copies).where(mine, sent_copies.c.message_id == message_id))
    row = {"account_id": tx.actor.id, "message_id": message_id, "uid": placed.uid, "created": tx.now}
    tx.db.execute(sa.insert(sent_copies).values(**row))


def replace_copies(tx: Transaction, box: Mailbox, message_ids: Sequence[str]) -> None:
    """A client appended its own copies: those that the relay kept of the same mails go (MSG-11)."""
    mine = sa.and_(
        sent_copies.c.account_id == tx.actor.id,
        sent_copies.c.message_id.in_([one for one in message_ids if one]),
        sent_copies.c.created >= tx.now - WAIT_S,
    )
    uids: list[Any] = list(tx.db.execute(sa.select(sent_copies.c.uid).where(mine)).scalars())
    if uids:
        moving.remove(tx, box, uids)
        tx.db.execute(sa.delete(sent_copies).where(mine))


def _is_there(tx: Transaction, box: Mailbox, message_id: str) -> bool:
    query = (
        sa.select(messages.c.uid)
        .join(contents, contents.c.id == messages.c.content_id)
        .where(
            messages.c.collection_id == box.id,
            contents.c.account_id == tx.actor.id,
            contents.c.message_id == message_id,
        )
        .limit(1)
    )
    return tx.db.execute(query).first() is not None
