"""Contacts are asked by mail whether their data are right, and answer by a link: once, within 30 days (CON-08).

Only a hash of the link's token is stored. Whoever has the link acts for the one who asked, on that contact alone, so
that his rights decide, as they are then.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import contact_check_mail as texts
from storage import contacts, items, preferences
from storage import principals as people
from storage.accounts import clean_address
from storage.errors import Denied, NotFound, Refused
from storage.formats import contact_edit, vcard
from storage.formats.flat_contact import Row, row_of
from storage.scheduling.people import Person, acting
from storage.schema import contact_checks
from storage.schema import items as item_table
from storage.schema import principals as principal_table
from storage.store import Transaction
from storage.types import Collection, Item, Precondition, PrincipalId, Right, Tool

VALIDITY_S: Final = 30 * 86_400
_HIDDEN: Final = frozenset({"uid", "fn", "comment", "categories"})
"""What is not the contact's to see, and what is computed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What whoever has the link is asked."""

    asker: str
    name: str
    language: str
    row: Row
    """The data held, without comment and categories."""
    etag: str
    expires: float


def ask(tx: Transaction, book: Collection, name: str, *, link_base: str, language: str = "") -> str:
    """Send a contact its data with a link, and return the address that it goes to; an earlier link stops working.

    The mail is in `language`, or the contact's own; it counts as one of the asker's mails of the day (SMTP-05).

    Raises:
        NotFound: the actor sees no such contact.
        Denied: somebody else created it.
        Refused: it has no address, the actor has none to send from, or the plan allows no more mails today.
    """
    if book.tool is not Tool.CONTACTS:
        raise Refused("only contacts are asked whether their data are right")
    item = items.get(tx, book, name)
    if item.creator != tx.actor.id:
        raise Denied(Right.EDIT, tree.path(book, name), "only who created a contact has it verified (CON-08)")
    card = vcard.read(item.body or b"")
    address = next((one.value.strip().removeprefix("mailto:") for one in card.emails), "")
    if not address:
        raise Refused(f"{card.fn} has no e-mail address")
    address = clean_address(address)
    spoken = preferences.clean_language(language) if language else contacts.language_of(card.component) or "en"
    tx.db.execute(sa.delete(contact_checks).where(contact_checks.c.item_id == item.id))
    token = secrets.token_urlsafe(32)
    row = {"item_id": item.id, "account_id": tx.actor.id, "address": address, "language": spoken}
    times = {"created": tx.now, "expires": tx.now + VALIDITY_S}
    tx.db.execute(sa.insert(contact_checks).values(**row, **times, token=_hash(token)))
    texts.send_question(tx, people.me(tx), (address, card.fn), spoken, shown(card), link_base + token)
    return address


def question(tx: Transaction, token: str) -> Question:
    """What a link asks, whoever follows it; looking changes nothing.

    Raises:
        NotFound: the link is wrong, used or expired, or the contact is gone.
    """
    theirs, row, _, item = _open(tx, token)
    card = vcard.read(item.body or b"")
    me = people.me(theirs)
    return Question(me.display_name or me.name, card.fn, row.language, shown(card), item.etag, row.expires)


def confirm(tx: Transaction, token: str) -> None:
    """All is right: who asked is told, and the link is used.

    Raises:
        NotFound: as in `question`.
    """
    theirs, row, _, item = _open(tx, token)
    _use(tx, row)
    texts.send_answer(theirs, people.me(theirs), vcard.read(item.body or b"").fn, row.address, {})


def change(tx: Transaction, token: str, etag: str, wanted: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Write what the contact changed or erased; who asked is told before and after of each field, and the link is used.

    Raises:
        NotFound: as in `question`.
        Stale: the contact was changed since `etag` was shown.
        BadFormat: nothing would be left to name it by.
        Refused, TooLarge: a field is longer than who asked could be told, or the contact larger than one may be.
        Locked: a program of somebody's holds the contact (RFC 4918 §6).
        Denied: who asked may not edit it any more.
    """
    theirs, row, book, item = _open(tx, token)
    card = vcard.read(item.body or b"")
    changes = contact_edit.changed_fields(card, wanted)
    if any(len(after) > texts.LINE_CHARACTERS for _, after in changes.values()):
        raise Refused(f"a field has at most {texts.LINE_CHARACTERS} characters")  # all of it is told to who asked
    if changes:
        prepared = contacts.prepare(contact_edit.edited(card, wanted).body)
        items.put(theirs, book, item.name, prepared, Precondition(match=frozenset({etag})))
    _use(tx, row)
    texts.send_answer(theirs, people.me(theirs), card.fn, row.address, changes)
    return changes


def shown(card: vcard.Card) -> Row:
    """The fields of a contact that it is shown itself."""
    return {field: value for field, value in row_of(card).items() if field not in _HIDDEN}


def _open(tx: Transaction, token: str) -> tuple[Transaction, Any, Collection, Item]:
    """The same transaction with the asker as its actor, the row of the link, his address book and the contact."""
    query = (
        sa.select(contact_checks, item_table.c.collection_id, item_table.c.name, principal_table.c.name.label("login"))
        .join(item_table, item_table.c.id == contact_checks.c.item_id)
        .join(principal_table, principal_table.c.id == contact_checks.c.account_id)
        .where(contact_checks.c.token == _hash(token), contact_checks.c.expires >= tx.now)
    )
    row = tx.db.execute(query.with_for_update(of=contact_checks) if tx.writing else query).first()
    if row is None:
        raise NotFound("this link is no longer valid")
    theirs = acting(tx, Person(PrincipalId(row.account_id), row.login))
    try:
        book = tree.by_id(theirs, row.collection_id)
        return theirs, row, book, items.get(theirs, book, row.name)
    except NotFound:
        raise NotFound("this link is no longer valid") from None


def _use(tx: Transaction, row: Any) -> None:
    tx.db.execute(sa.delete(contact_checks).where(contact_checks.c.id == row.id))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
