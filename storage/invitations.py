"""Invitations into a group: a single-use link, valid for 30 days, sent again or deleted (GRP-07…13).

Writing the letter is done here; carrying it is not: whoever calls sends `Letter.text` by mail, or
hands it over himself. Only a hash of the link's token is stored, so sending again makes a new link.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import groups, preferences
from storage import principals as people
from storage.accounts import clean_address
from storage.errors import LimitReached, NotFound, Refused
from storage.schema import invitations
from storage.schema import principals as principal_table
from storage.store import Transaction
from storage.types import SITE, Principal, PrincipalId

VALIDITY_S: Final = 30 * 86_400
PENDING_PER_GROUP: Final = 1_000

_TEXTS: Final = {
    "en": (
        "{admin} invites you to the group {group}",
        "Hello{name},\n\n{admin} invites you to join the group {group} on Escritoire, a virtual office whose"
        " calendar, contacts, documents and mail you open with the programs you already use.\n\n"
        "To join, open this link within 30 days and log in to your account:\n\n    {link}\n\n"
        "If you have no account yet, please ask the administrator of this site for one.\n",
    ),
    "fr": (
        "{admin} vous invite dans le groupe {group}",
        "Bonjour{name},\n\n{admin} vous invite à rejoindre le groupe {group} dans Escritoire, un bureau virtuel"
        " dont l'agenda, les contacts, les documents et le courrier s'ouvrent avec vos programmes habituels.\n\n"
        "Pour le rejoindre, ouvrez ce lien dans les 30 jours et connectez-vous à votre compte :\n\n"
        "    {link}\n\nSi vous n'avez pas encore de compte, demandez-en un à l'administrateur de ce site.\n",
    ),
    "de": (
        "{admin} lädt Sie in die Gruppe {group} ein",
        "Guten Tag{name},\n\n{admin} lädt Sie ein, der Gruppe {group} in Escritoire beizutreten, einem virtuellen"
        " Büro, dessen Kalender, Kontakte, Dokumente und Post Sie mit Ihren gewohnten Programmen öffnen.\n\n"
        "Zum Beitreten öffnen Sie binnen 30 Tagen diesen Link und melden sich mit Ihrem Konto an:\n\n"
        "    {link}\n\nFalls Sie noch kein Konto haben, bitten Sie den Verwalter dieser Website darum.\n",
    ),
    "nl": (
        "{admin} nodigt u uit in de groep {group}",
        "Dag{name},\n\n{admin} nodigt u uit voor de groep {group} in Escritoire, een virtueel kantoor waarvan u"
        " agenda, contacten, documenten en post opent met uw vertrouwde programma's.\n\n"
        "Open binnen 30 dagen deze link en meld u aan met uw account:\n\n    {link}\n\n"
        "Hebt u nog geen account, vraag er dan een aan de beheerder van deze site.\n",
    ),
}
"""Subject and text by language; another language gets English (SYS-16)."""


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
class Letter:
    """What is to be sent to the guest; `token` is in `link`, and nowhere in the store."""

    invitation: Invitation
    subject: str
    text: str
    link: str
    token: str


def invite(
    tx: Transaction, group: Principal, addresses: str, *, name: str = "", language: str = "", link_base: str
) -> list[Letter]:
    """Invite one address with a name, or several separated by `;` without (GRP-08).

    `link_base` is the portal's URL to which the token is appended. An address invited already is
    invited again and its earlier link stops working.

    Raises:
        Denied: only the admin invites (GRP-21).
        NotFound: the actor may not know of the group.
        Refused: an address cannot be one; nobody is invited then.
        LimitReached: too many invitations are pending.
    """
    groups.demand_admin(tx, group)
    wanted = [clean_address(part) for part in addresses.split(";") if part.strip()]
    if not wanted:
        raise Refused("give at least one address")
    if name.strip() and len(wanted) > 1:
        raise Refused("a name goes with one address only")
    chosen = preferences.clean_language(language or _language_of(tx, group))
    tx.db.execute(sa.delete(invitations).where(invitations.c.expires < tx.now))
    pending = sa.select(sa.func.count()).where(invitations.c.group_id == group.id)
    if tx.db.execute(pending).scalar_one() + len(wanted) > PENDING_PER_GROUP:
        raise LimitReached("pending_invitations", PENDING_PER_GROUP)
    letters = []
    for address in dict.fromkeys(wanted):
        again = sa.and_(invitations.c.group_id == group.id, invitations.c.address == address)
        tx.db.execute(sa.delete(invitations).where(again))
        token = secrets.token_urlsafe(32)
        row = {
            "group_id": group.id,
            "address": address,
            "name": groups.clean_text(name),
            "language": chosen,
            "token": _hash(token),
            "created": tx.now,
            "expires": tx.now + VALIDITY_S,
        }
        number = tx.db.execute(sa.insert(invitations).values(**row).returning(invitations.c.id)).scalar_one()
        made = Invitation(number, address, str(row["name"]), chosen, tx.now, tx.now + VALIDITY_S)
        letters.append(_letter(tx, group, made, token, link_base))
    return letters


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
    query = (
        sa.select(invitations.c.id, invitations.c.group_id)
        .where(invitations.c.token == _hash(token), invitations.c.expires >= tx.now)
        .with_for_update()
    )
    row = tx.db.execute(query).first()
    if row is None:
        raise NotFound("this link is no longer valid")
    groups.enter(tx, PrincipalId(row.group_id), people.me(tx))
    tx.db.execute(sa.delete(invitations).where(invitations.c.id == row.id))
    return people.by_id(tx, PrincipalId(row.group_id))


def _letter(tx: Transaction, group: Principal, made: Invitation, token: str, link_base: str) -> Letter:
    admin = groups.sheet(tx, group).admin
    subject, text = _TEXTS.get(made.language.partition("-")[0], _TEXTS["en"])
    link = link_base + token
    words = {
        "admin": admin.display_name or admin.name,
        "group": group.display_name or group.name,
        "name": f" {made.name}" if made.name else "",
        "link": link,
    }
    return Letter(made, subject.format(**words), text.format(**words), link, token)


def _language_of(tx: Transaction, group: Principal) -> str:
    query = sa.select(principal_table.c.language).where(principal_table.c.id == group.id)
    return str(tx.db.execute(query).scalar_one())


def _value(row: Any) -> Invitation:
    return Invitation(row.id, row.address, row.name, row.language, row.created, row.expires)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
