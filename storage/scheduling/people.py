"""Whose address it is: accounts of this desk, and acting for them inside one transaction (MTG-04, MTG-17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from storage import principals as directory
from storage.errors import NotFound
from storage.formats import itip
from storage.formats.contentline import Component
from storage.mail import recipients
from storage.store import Transaction
from storage.types import SITE, Actor, Collection, Principal, PrincipalId, SpaceKind

_PRINCIPAL = "/dav/principals/accounts/"


@dataclass(frozen=True, slots=True)
class Person:
    """An account that takes part."""

    id: PrincipalId
    login: str
    automatic: bool = field(default=False, compare=False)
    """A room or a resource: it answers for itself."""


def acting(tx: Transaction, person: Person) -> Transaction:
    """The same transaction, in which this person acts: what he is sent is written into his own calendar."""
    return replace(tx, actor=Actor(person.id, person.login), access={})


def of_address(tx: Transaction, address: str) -> Person | None:
    """The account behind a calendar user address (as `itip.address` gives it), or None."""
    if _PRINCIPAL in address:
        return of_url(tx, address)
    recipient = recipients.find(tx, address) if "@" in address else None
    return None if recipient is None else Person(recipient.account, recipient.login)


def of_addresses(tx: Transaction, addresses: Sequence[str]) -> dict[str, Person]:
    """The accounts behind those of many addresses that are somebody's here."""
    rows = recipients.find_many(tx, addresses)
    known = {row.address: Person(PrincipalId(row.id), row.name, bool(row.typed)) for row in rows}
    left = [one for one in addresses if one not in known]
    for address in left:
        if _PRINCIPAL in address and (person := of_url(tx, address)) is not None:
            known[address] = person
    # MSG-66: of local+suffix@domain the suffix is passed over.
    bare = {one: _bare(one) for one in left if "+" in one and "@" in one and _PRINCIPAL not in one}
    there = {row.address: row for row in recipients.find_many(tx, sorted({*bare.values()} - {""}))}
    known |= {
        one: Person(PrincipalId(there[plain].id), there[plain].name, bool(there[plain].typed))
        for one, plain in bare.items()
        if plain in there
    }
    return known


def _bare(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    name = local.partition("+")[0]
    return f"{name}@{domain}" if name else ""


def of_url(tx: Transaction, address: str) -> Person | None:
    """The account behind its principal's URL, which is an address as well (RFC 6638 §2.4.1), if the actor knows it."""
    if _PRINCIPAL not in address:
        return None
    try:
        found = directory.find(tx, SpaceKind.PRIVATE, address.partition(_PRINCIPAL)[2].strip("/").lower())
    except NotFound:
        return None
    return Person(found.id, found.name)


def own_addresses(tx: Transaction, collection: Collection, *meetings: Component) -> frozenset[str]:
    """The addresses that stand for whoever a calendar speaks for: its owner; in a group's, the writer (MTG-18).

    Those that are his in some `meetings` are among them, as in `addresses`.
    """
    space = collection.space
    person = Person(space.id, space.name) if space.kind is SpaceKind.PRIVATE else Person(tx.actor.id, tx.actor.login)
    return addresses(tx, person, *meetings)


def addresses(tx: Transaction, person: Person, *meetings: Component) -> frozenset[str]:
    """All calendar user addresses of an account, those with a suffix too that some `meetings` name him by (MSG-66)."""
    own = recipients.addresses_of(tx, person.id)
    return suffixed(tx, frozenset({*own, f"{_PRINCIPAL}{person.login}/", f"{_PRINCIPAL}{person.login}"}), *meetings)


def suffixed(tx: Transaction, own: frozenset[str], *meetings: Component) -> frozenset[str]:
    """An account's `own` addresses, and those with a suffix too that some `meetings` name it by (MSG-66)."""
    named = {one for each in meetings for one in _named(each) if "+" in one and one not in own and _bare(one) in own}
    if named:
        named -= {str(row.address) for row in recipients.find_many(tx, sorted(named))}  # somebody's as they are
    return own | named


def _named(meeting: Component) -> Iterator[str]:
    """Everybody whom a meeting names."""
    for each in itip.parts(meeting):
        for prop in each.properties:
            if prop.name in ("ATTENDEE", "ORGANIZER"):
                yield itip.address(prop.value)


def speaker(tx: Transaction, me: frozenset[str]) -> str:
    """SENT-BY of what the actor says in the name of `me`; "" if these are his own addresses (RFC 5545 §3.2.18)."""
    if tx.actor.id == SITE.id:
        return ""
    own = recipients.addresses_of(tx, tx.actor.id)
    return f"mailto:{own[0]}" if own and not me & {*own} else ""


def groups_by_name(tx: Transaction) -> dict[str, Principal]:
    """The actor's groups, by their names in lower case."""
    return {group.name.lower(): group for group in directory.groups_of(tx, directory.me(tx))}


def group_of(address: str) -> str:
    """The name in `<GROUP>@group`; "" if it is no such address (MTG-01)."""
    name, at, host = address.rpartition("@")
    return name if at and host == "group" else ""
