"""Invitations into a group: a single-use link, valid for 30 days, sent again or deleted (GRP-07…13).

What is written to the guest is in `invitation_mail`: whoever calls sends it, or hands it over himself. Only a hash
of the link's token is stored, so sending again makes a new link.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import contacts, groups, invitation_mail, preferences
from storage import principals as people
from storage.accounts import clean_address
from storage.errors import LimitReached, NotFound, Refused
from storage.formats import vcard
from storage.formats.contentline import unescape_text
from storage.schema import invitations
from storage.schema import principals as principal_table
from storage.store import Transaction
from storage.types import SITE, Item, Principal, PrincipalId

VALIDITY_S: Final = 30 * 86_400
PENDING_PER_GROUP: Final = 1_000
ADDRESSES_AT_ONCE: Final = 100
"""One action invites so many people at most."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A pending invitation (GRP-10)."""

    id: int
    address: str
    name: str
    language: str
    created: float
    expires: float


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody to invite; `language` is a tag, "" the group's."""

    address: str
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent to the guest; `token` is in `link`, and nowhere in the store."""

    invitation: Invitation
    subject: str
    text: str
    link: str
    token: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What whoever has the link is told before he answers (GRP-09)."""

    group: str
    full_name: str
    description: str
    admin: str
    address: str
    """Who was invited."""
    expires: float


def invite(
    tx: Transaction, group: Principal, addresses: str, *, name: str = "", language: str = "", link_base: str
) -> list[Letter]:
    """Invite one address with a name, or several separated by `;` without (GRP-08).

    `link_base` is the URL to which the token is appended. An address invited already is invited again and its
    earlier link stops working.

    Raises:
        Denied: only the admin invites (GRP-21).
        NotFound: the actor may not know of the group.
        Refused: an address cannot be one; nobody is invited then.
        LimitReached: too many at once, or too many invitations are pending.
    """
    groups.demand_admin(tx, group)
    wanted = [part.strip() for part in addresses.split(";") if part.strip()]
    if name.strip() and len(wanted) > 1:
        raise Refused("a name goes with one address only")
    return _invite(tx, group, [Guest(one, name, language) for one in wanted], link_base)


def invite_contacts(
    tx: Transaction, group: Principal, cards: Sequence[Item], *, language: str = "", link_base: str
) -> list[Letter]:
    """Invite people of address books that the actor reads, by their cards' first address (GRP-07).

    Each is written to in `language`, or in his own, which the card tells (CON-30).

    Raises:
        Refused: a card has no address that could be one; nobody is invited then.
        Denied, NotFound, LimitReached: as in `invite`.
    """
    groups.demand_admin(tx, group)
    return _invite(tx, group, [_guest(one.body or b"", language) for one in cards], link_base)


def pending(tx: Transaction, group: Principal) -> list[Invitation]:
    """The invitations that can still be accepted, oldest first (GRP-10).

    Raises:
        Denied, NotFound: as in `invite`.
    """
    groups.demand_admin(tx, group)
    query = (
        sa.select(invitations)
        .where(invitations.c.group_id == group.id, invitations.c.expires >= tx.now)
        .order_by(invitations.c.id)
    )
    return [_value(row) for row in tx.db.execute(query)]


def resend(tx: Transaction, group: Principal, number: int, *, link_base: str) -> Letter:
    """The same invitation with a new link and 30 more days; the old link stops working (GRP-10).

    Raises:
        Denied, NotFound: as in `invite`, or no such invitation.
    """
    groups.demand_admin(tx, group)
    here = sa.and_(invitations.c.id == number, invitations.c.group_id == group.id)
    token = secrets.token_urlsafe(32)
    fresh = {"token": _hash(token), "expires": tx.now + VALIDITY_S}
    if not tx.db.execute(sa.update(invitations).where(here).values(**fresh)).rowcount:
        raise NotFound(str(number))
    row = tx.db.execute(sa.select(invitations).where(here)).one()
    return _letter(tx, group, _value(row), token, link_base)


def delete(tx: Transaction, group: Principal, number: int) -> None:
    """Withdraw an invitation: its link stops working (GRP-10).

    Raises:
        Denied, NotFound: as in `resend`.
    """
    groups.demand_admin(tx, group)
    here = sa.and_(invitations.c.id == number, invitations.c.group_id == group.id)
    if not tx.db.execute(sa.delete(invitations).where(here)).rowcount:
        raise NotFound(str(number))


def offer(tx: Transaction, token: str) -> Offer:
    """What a link is about, whoever follows it; looking changes nothing (GRP-09).

    Raises:
        NotFound: the link is wrong, used, withdrawn or expired.
    """
    row = _by_token(tx, token)
    found = groups.sheet_of_invited(tx, PrincipalId(row.group_id))
    admin = found.admin.display_name or found.admin.name
    return Offer(found.group.name, found.group.display_name, found.description, admin, row.address, row.expires)


def accept(tx: Transaction, token: str) -> Principal:
    """Enter the group by the link's token, logged in; the link works once (GRP-09).

    Raises:
        NotFound: the link is wrong, used, withdrawn or expired.
        Refused: the site administrator is nobody who could be a member.
        Exists: the actor is a member already.
        LimitReached: the group is full by its admin's plan (GRP-18); the link stays valid.
    """
    if tx.actor.id == SITE.id:
        raise Refused("log in to the account that is to become a member")
    row = _by_token(tx, token)
    groups.enter(tx, PrincipalId(row.group_id), people.me(tx))
    tx.db.execute(sa.delete(invitations).where(invitations.c.id == row.id))
    return people.by_id(tx, PrincipalId(row.group_id))


def decline(tx: Transaction, token: str) -> None:
    """Refuse by the link's token, without an account: the invitation is gone, and the group's admin gets a mail.

    Raises:
        NotFound: as in `accept`.
    """
    row = _by_token(tx, token)
    tx.db.execute(sa.delete(invitations).where(invitations.c.id == row.id))
    found = groups.sheet_of_invited(tx, PrincipalId(row.group_id))
    invitation_mail.tell_declined(tx, found, row.address)


def _by_token(tx: Transaction, token: str) -> Any:
    query = sa.select(invitations).where(invitations.c.token == _hash(token), invitations.c.expires >= tx.now)
    row = tx.db.execute(query.with_for_update() if tx.writing else query).first()
    if row is None:
        raise NotFound("this link is no longer valid")
    return row


def _invite(tx: Transaction, group: Principal, guests: Iterable[Guest], link_base: str) -> list[Letter]:
    wanted: dict[str, Guest] = {}
    for one in guests:
        wanted.setdefault(clean_address(one.address), one)
    if not wanted:
        raise Refused("give at least one address")
    if len(wanted) > ADDRESSES_AT_ONCE:
        raise LimitReached("invitations_at_once", ADDRESSES_AT_ONCE)
    usual = _language_of(tx, group)
    tx.db.execute(sa.delete(invitations).where(invitations.c.expires < tx.now))
    again = sa.and_(invitations.c.group_id == group.id, invitations.c.address.in_(list(wanted)))
    tx.db.execute(sa.delete(invitations).where(again))
    waiting = sa.select(sa.func.count()).where(invitations.c.group_id == group.id)
    if tx.db.execute(waiting).scalar_one() + len(wanted) > PENDING_PER_GROUP:
        raise LimitReached("pending_invitations", PENDING_PER_GROUP)
    letters = []
    for address, guest in wanted.items():
        token = secrets.token_urlsafe(32)
        row = {
            "group_id": group.id,
            "address": address,
            "name": groups.clean_text(guest.name),
            "language": preferences.clean_language(guest.language or usual),
            "token": _hash(token),
            "created": tx.now,
            "expires": tx.now + VALIDITY_S,
        }
        made = tx.db.execute(sa.insert(invitations).values(**row).returning(invitations)).one()
        letters.append(_letter(tx, group, _value(made), token, link_base))
    return letters


def _guest(body: bytes, language: str) -> Guest:
    card = vcard.component_of(body)
    name = " ".join(unescape_text(card.value("FN")).split())
    address = unescape_text(card.value("EMAIL")).strip()
    if not address:
        raise Refused(f"{name} has no e-mail address")
    return Guest(address, name[:200], language or contacts.language_of(card))


def _letter(tx: Transaction, group: Principal, made: Invitation, token: str, link_base: str) -> Letter:
    admin = groups.sheet(tx, group).admin
    link = link_base + token
    subject, text = invitation_mail.text_of(
        made.language,
        admin=admin.display_name or admin.name,
        group=group.display_name or group.name,
        guest=made.name,
        link=link,
    )
    return Letter(made, subject, text, link, token)


def _language_of(tx: Transaction, group: Principal) -> str:
    query = sa.select(principal_table.c.language).where(principal_table.c.id == group.id)
    return str(tx.db.execute(query).scalar_one())


def _value(row: Any) -> Invitation:
    return Invitation(row.id, row.address, row.name, row.language, row.created, row.expires)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
