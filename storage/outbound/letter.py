"""A short mail that the desk writes for somebody, put into the queue in the transaction of its caller (SYS-16)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, NamedTuple

from storage.formats.mail_policy import POLICY, POLICY_UTF8
from storage.outbound import domains, queue
from storage.outbound.types import Target
from storage.store import Transaction
from storage.types import PrincipalId

_NAME_CHARACTERS: Final = 200
_SUBJECT_CHARACTERS: Final = 200


class Person(NamedTuple):
    """Somebody in From or To; the name may be empty, and hold what no header does."""

    address: str
    name: str = ""


def put(
    tx: Transaction,
    *,
    sender: Person,
    to: Sequence[Person],
    subject: str,
    text: str,
    account: PrincipalId,
    bounces: bool = True,
    automatic: bool = True,
) -> None:
    """Write from `sender` to all of `to`, on behalf of `account`.

    Without `bounces` nobody hears of it if it cannot be delivered; `automatic` ones are answered by no program.
    """
    sender, to = _plain(sender), [_plain(one) for one in to]
    utf8 = not all(one.address.isascii() for one in (sender, *to))
    mail: Any = EmailMessage(policy=POLICY_UTF8 if utf8 else POLICY)
    mail["From"] = _shown(sender)
    mail["To"] = [_shown(one) for one in to]
    mail["Subject"] = " ".join(subject.split())[:_SUBJECT_CHARACTERS]
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(tx.now), UTC))
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.address.rpartition('@')[2]}>"
    if automatic:
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    mail.set_content(text.encode("utf-8", "replace").decode())
    queue.enqueue(
        tx, sender=sender.address if bounces else "", recipients=[Target(one.address) for one in to],
        data=mail.as_bytes(), smtputf8=utf8, account=account,
    )  # fmt: skip


def _plain(one: Person) -> Person:
    return Person(domains.plain(one.address), one.name)


def _shown(one: Person) -> Address:
    local, _, host = one.address.rpartition("@")
    return Address(" ".join(one.name.split())[:_NAME_CHARACTERS], local, host)
