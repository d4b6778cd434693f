"""Plans: which features an account has and how much it may hold (ACC-09…12, ACC-21).

Gates and limits are data. A group has no plan: its admin's counts (ACC-10, GRP-16…18).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from storage.errors import Denied, Exists, GateClosed, NotFound, Refused
from storage.schema import accounts, groups, plans
from storage.types import SITE, PrincipalId, Right

if TYPE_CHECKING:  # the store itself makes the default plans when it migrates
    from storage.store import Transaction

GATES: Final[Mapping[str, str]] = {
    "eas": "mobile synchronisation",
    "filters": "mail filters and the auto-responder",
    "pop3": "mail by POP3",
    "imap": "mail by IMAP",
    "smtp": "sending mail by SMTP",
    "pop3_auto": "automatic collection of external mailboxes",
    "archive": "mail archives",
    "forward": "forwarding of mail",
    "notify_mail": "notification by e-mail",
    "notify_sms": "notification by SMS",
    "online_edit": "on-line editing",
    "doc_search": "search in documents",
    "public_access": "public access to documents",
    "podcast": "podcasts",
    "remote_servers": "remote servers on the disk",
    "wiki": "wiki",
    "sms": "SMS",
    "fax": "fax",
    "list_sms": "contact lists by SMS",
    "list_fax": "contact lists by fax",
}
"""ACC-11: what a plan can open, and how a refusal names it."""

LIMITS: Final[Mapping[str, str]] = {
    "groups_max": "groups that one account administers",
    "group_members_max": "members of one group",
    "mail_bytes": "octets of mail",
    "docs_bytes": "octets of documents",
    "folder_depth_max": "levels of folders in documents",
    "contacts_max": "contacts in one environment",
    "lists_max": "contact lists in one environment",
    "list_recipients_max": "recipients of one contact list",
    "overlay_calendars_max": "calendars in the overlay",
    "sms_per_month": "SMS in a month",
    "smtp_messages_per_day": "messages sent by SMTP in a day",
    "smtp_recipients_per_message": "recipients of one message",
    "collected_uids_max": "messages remembered of an external mailbox",
}
"""ACC-12: the limits a plan can set; one that it does not set is none."""

FREE: Final = "free"
FULL: Final = "full"

_FREE_LIMITS: Final[Mapping[str, int]] = {
    "groups_max": 1,
    "group_members_max": 10,
    "mail_bytes": 200 * 1024 * 1024,
    "docs_bytes": 200 * 1024 * 1024,
    "folder_depth_max": 8,
    "contacts_max": 1_000,
    "lists_max": 5,
    "list_recipients_max": 50,
    "overlay_calendars_max": 3,
    "sms_per_month": 0,
    "smtp_messages_per_day": 100,
    "smtp_recipients_per_message": 50,
    "collected_uids_max": 10_000,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan; a limit that is absent from `limits` does not exist for its accounts."""

    name: str
    gates: frozenset[str]
    limits: Mapping[str, int]


_PLAN_OF: Final = (
    sa.select(plans)
    .join(accounts, accounts.c.plan_id == plans.c.id)
    .where(
        accounts.c.id
        == sa.func.coalesce(
            sa.select(groups.c.admin_id).where(groups.c.id == sa.bindparam("number")).scalar_subquery(),
            sa.bindparam("number"),
        )
    )
)


def ensure_defaults(db: sa.Connection) -> None:
    """Make the plans `free` and `full` where they are missing; what exists is left as it is (DESIGN §3)."""
    present = set(db.execute(sa.select(plans.c.name)).scalars())
    if FREE not in present:
        db.execute(sa.insert(plans).values(name=FREE, gates="[]", limits=json.dumps(dict(_FREE_LIMITS))))
    if FULL not in present:
        db.execute(sa.insert(plans).values(name=FULL, gates=json.dumps(sorted(GATES)), limits="{}"))


def of(tx: Transaction, principal: PrincipalId) -> Plan:
    """The plan of an account, or for a group that of its admin (ACC-10).

    Raises:
        NotFound: there is no such account or group.
    """
    row = tx.db.execute(_PLAN_OF, {"number": principal}).first()
    if row is None:
        raise NotFound(str(principal))
    return _plan(row)


def allows(tx: Transaction, account: PrincipalId, gate: str) -> None:
    """Pass if the plan of `account` (an account or a group) opens `gate`.

    Raises:
        GateClosed: it does not.
    """
    if gate not in of(tx, account).gates:
        raise GateClosed(gate)


def limit(tx: Transaction, account: PrincipalId, name: str) -> int | None:
    """What the plan of `account` (an account or a group) sets for limit `name`; None is without limit."""
    return of(tx, account).limits.get(name)


def find(tx: Transaction, name: str) -> Plan:
    """The plan of that name.

    Raises:
        NotFound: there is none.
    """
    return _plan(_row(tx, name))


def listing(tx: Transaction) -> list[Plan]:
    """All plans, by name."""
    return [_plan(row) for row in tx.db.execute(sa.select(plans).order_by(plans.c.name))]


def holders(tx: Transaction, name: str) -> int:
    """How many accounts have the plan."""
    count = sa.select(sa.func.count()).where(accounts.c.plan_id == _row(tx, name).id)
    return int(tx.db.execute(count).scalar_one())


def add(tx: Transaction, name: str, gates: Iterable[str], limits: Mapping[str, int]) -> Plan:
    """Define a plan.

    Raises:
        Denied: only the site administrator defines plans (ACC-09).
        Refused: no such gate or limit, or a name or number that cannot be one.
        Exists: the name is taken.
    """
    _demand_site(tx)
    if not name or len(name) > 64 or not name.isprintable():
        raise Refused("a plan's name has 1 to 64 printable characters")
    opened, checked = _checked(gates, limits)
    if tx.db.execute(sa.select(plans.c.id).where(plans.c.name == name)).first():
        raise Exists(name)
    values = {"name": name, "gates": json.dumps(sorted(opened)), "limits": json.dumps(checked)}
    tx.db.execute(sa.insert(plans).values(**values))
    return Plan(name, opened, checked)


def change(
    tx: Transaction,
    name: str,
    *,
    open_gates: Iterable[str] = (),
    close_gates: Iterable[str] = (),
    limits: Mapping[str, int | None] | None = None,
) -> Plan:
    """Open and close gates, set limits, take those away that are None; effective at once.

    Nothing is deleted where usage is now over a limit: only additions are refused (ACC-21).

    Raises:
        NotFound: no such plan.
        Denied, Refused: as in `add`.
    """
    _demand_site(tx)
    row = _row(tx, name)
    now = _plan(row)
    closing, _ = _checked(close_gates, {})
    opened, _ = _checked(now.gates | set(open_gates), {})
    wanted = {**now.limits, **(limits or {})}
    _, checked = _checked((), {key: value for key, value in wanted.items() if value is not None})
    if unknown := set(limits or {}) - set(LIMITS):
        raise Refused(f"there is no limit {min(unknown)}")
    values = {"gates": json.dumps(sorted(opened - closing)), "limits": json.dumps(checked)}
    tx.db.execute(sa.update(plans).where(plans.c.id == row.id).values(**values))
    return Plan(name, opened - closing, checked)


def remove(tx: Transaction, name: str) -> None:
    """Delete a plan that no account has.

    Raises:
        NotFound, Denied: as in `change`.
        Refused: an account has it, or it is one of the two that every installation keeps.
    """
    _demand_site(tx)
    row = _row(tx, name)
    if name in (FREE, FULL):
        raise Refused(f"the plan {name} stays; it can be changed")
    if holders(tx, name):
        raise Refused("accounts have this plan: assign them another one first")
    tx.db.execute(sa.delete(plans).where(plans.c.id == row.id))


def assign(tx: Transaction, account: PrincipalId, name: str) -> None:
    """Give an account another plan; what it holds stays, also over the new limits (ACC-21).

    Raises:
        Denied: only the site administrator assigns plans.
        NotFound: no such plan or account.
    """
    _demand_site(tx)
    here = sa.update(accounts).where(accounts.c.id == account).values(plan_id=_row(tx, name).id)
    if not tx.db.execute(here).rowcount:
        raise NotFound(str(account))


def number_of(tx: Transaction, name: str) -> int:
    """The row number of a plan, for a new account.

    Raises:
        NotFound: there is none.
    """
    return int(_row(tx, name).id)


def _row(tx: Transaction, name: str) -> sa.Row[tuple[int, str, str, str]]:
    row = tx.db.execute(sa.select(plans).where(plans.c.name == name)).first()
    if row is None:
        raise NotFound(f"there is no plan {name}: `escritoire plan list` shows them")
    return row


def _plan(row: sa.Row[tuple[int, str, str, str]]) -> Plan:
    return Plan(row.name, frozenset(json.loads(row.gates)), json.loads(row.limits))


def _checked(gates: Iterable[str], limits: Mapping[str, int]) -> tuple[frozenset[str], dict[str, int]]:
    opened = frozenset(gates)
    if unknown := opened - set(GATES):
        raise Refused(f"there is no gate {min(unknown)}; gates: {' '.join(GATES)}")
    if strange := set(limits) - set(LIMITS):
        raise Refused(f"there is no limit {min(strange)}; limits: {' '.join(LIMITS)}")
    if any(value < 0 or value >= 2**62 for value in limits.values()):
        raise Refused("a limit is a number from 0 up")
    return opened, dict(limits)


def _demand_site(tx: Transaction) -> None:
    if tx.actor.id != SITE.id:
        raise Denied(Right.ADMINISTER, "plans")
