"""People by name or address: those that the actor may know of, and the contacts that he may read (MSG-10, EAS-10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from storage import collections as tree
from storage import contacts, principals, shared_spaces
from storage.errors import NotFound
from storage.formats import collation, vcard
from storage.formats.vcard import Card
from storage.formats.vcard_filter import CardFilter, MatchType, PropFilter, TextMatch
from storage.store import Transaction
from storage.types import Collection, SpaceKind, Tool, View

TEXT_MAX: Final = 200
_SOUGHT: Final = ("FN", "N", "NICKNAME", "EMAIL", "ORG")


@dataclass(frozen=True, slots=True)
class Entry:
    """One person with one address."""

    name: str
    address: str
    login: str = ""
    """"" for those who have no account here."""
    card: Card | None = field(default=None, compare=False)
    """What an address book has of him."""


def search(tx: Transaction, text: str, most: int) -> tuple[list[Entry], bool]:
    """At most `most` people whose name, address or company has that text, accounts first; True if there are more.

    Nobody is told twice. A text of nothing finds nobody.
    """
    text = " ".join(text.split())[:TEXT_MAX]
    if not text:
        return [], False
    found: dict[str, Entry] = {}
    for entry in (*_accounts(tx, text), *_cards(tx, text, most + 1)):
        known = found.get(entry.address.lower())
        if known is None:
            found[entry.address.lower()] = entry
        elif known.card is None and entry.card is not None:
            found[entry.address.lower()] = Entry(known.name, known.address, known.login, entry.card)
    entries = list(found.values())
    return entries[:most], len(entries) > most


def cards(tx: Transaction, addresses: Iterable[str]) -> dict[str, list[Card]]:
    """The contacts that the actor may read with one of these addresses, by address in lower case."""
    wanted = tuple(TextMatch(one, MatchType.EQUALS) for one in dict.fromkeys(addresses) if one)
    found: dict[str, list[Card]] = {}
    if not wanted:
        return found
    sought = {one.text.lower() for one in wanted}
    for book in _books(tx):
        for item in contacts.query(tx, book, CardFilter((PropFilter("EMAIL", texts=wanted),)))[0]:
            if item.body is None or item.view is not View.FULL:
                continue
            card = vcard.read(item.body, make_uid=True)
            for address in {one.value.lower() for one in card.emails} & sought:
                found.setdefault(address, []).append(card)
    return found


def _accounts(tx: Transaction, text: str) -> Iterator[Entry]:
    terms = [(name, text, "contains") for name in ("displayname", "login", "email")]
    for who in principals.search(tx, terms, all=False):
        if who.kind is SpaceKind.GROUP:
            yield Entry(who.display_name or who.name, who.email)
            continue
        address = who.email or next(iter(principals.addresses(tx, who)), "")
        if address:
            yield Entry(who.display_name or who.name, address, who.name)


def _cards(tx: Transaction, text: str, most: int) -> Iterator[Entry]:
    wanted = CardFilter(tuple(PropFilter(name, texts=(TextMatch(text),)) for name in _SOUGHT))
    needle = collation.fold(collation.UNICODE_CASEMAP, text)
    for book in _books(tx):
        for item in contacts.query(tx, book, wanted, most)[0]:
            if item.body is None or item.view is not View.FULL:
                continue
            card = vcard.read(item.body, make_uid=True)
            if card.kind == "group":
                continue
            addresses = [one.value for one in sorted(card.emails, key=lambda one: one.preference)]
            sought = [one for one in addresses if needle in collation.fold(collation.UNICODE_CASEMAP, one)]
            for address in sought or addresses[:1]:
                yield Entry(card.fn, address, "", card)


def _books(tx: Transaction) -> list[Collection]:
    homes = [tree.home(tx, SpaceKind.PRIVATE, tx.actor.login), tree.aliases(tx)]
    for name in shared_spaces.names(tx):
        try:
            homes.append(tree.home(tx, SpaceKind.PRIVATE, name))
        except NotFound:
            continue
    return [one for home in homes for one in home if one.tool is Tool.CONTACTS and one.view is View.FULL]
