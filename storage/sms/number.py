"""The mobile number of somebody's personal record, to which his own SMS go (ACC-02, REM-02, SMS-11)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import sqlalchemy as sa

from storage import collections as tree
from storage import contacts, items, properties
from storage.errors import NotFound
from storage.formats import phone, vcard
from storage.formats.contentline import unescape_text
from storage.formats.vcard_filter import CardFilter, MatchType, PropFilter, TextMatch
from storage.mail import recipients
from storage.scheduling import people
from storage.scheduling.people import Person
from storage.schema import accounts
from storage.store import Transaction
from storage.types import PrincipalId, SpaceKind, Tool

_ME_CARD: Final = ("http://calendarserver.org/ns/", "me-card")
_HREF: Final = re.compile(r"/([^/<]+)</")


def own(tx: Transaction, account: PrincipalId, login: str) -> str:
    """The digits of his mobile number in international form without +; "" if his card has no complete one.

    His card is the one that he chose as his own, or else the one with his main address.
    """
    acting = people.acting(tx, Person(account, login))
    body = _card(acting, account, login)
    if not body:
        return ""
    country = str(tx.db.execute(sa.select(accounts.c.country).where(accounts.c.id == account)).scalar() or "")
    for prop in vcard.component_of(body).all("TEL"):
        found = phone.split(unescape_text(prop.value).strip(), country)
        address = phone.sms_address(found, vcard.types_of(prop))  # SMS-12: complete, and typed mobile
        if address:
            return address.partition("@")[0]
    return ""


def _card(tx: Transaction, account: PrincipalId, login: str) -> bytes:
    books = [one for one in tree.home(tx, SpaceKind.PRIVATE, login) if one.tool is Tool.CONTACTS]
    for book in books:
        chosen = _HREF.search(properties.underlying(tx, book, [_ME_CARD]) or "")
        if chosen is not None:
            try:
                return items.get(tx, book, unquote(chosen[1])).body or b""
            except NotFound:
                continue
    addresses = recipients.addresses_of(tx, account)
    if not addresses:
        return b""
    wanted = CardFilter((PropFilter("EMAIL", texts=(TextMatch(addresses[0], MatchType.EQUALS),)),))
    for book in books:
        cards, _ = contacts.query(tx, book, wanted, 1)
        if cards:
            return cards[0].body or b""
    return b""
