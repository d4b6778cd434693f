"""A person's categories: one set of names over all address books that he reads, his alone (ACC-18, CON-13, CON-14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from storage import collections as tree
from storage import contacts, items, principals, shared_spaces
from storage.errors import NotFound, Refused
from storage.formats import vcard, vcard_views
from storage.formats.vcard_filter import CardFilter, PropFilter
from storage.store import Store, Transaction
from storage.types import Actor, Collection, CollectionId, Item, Precondition, SpaceKind, Tool

AT_ONCE: Final = 100
"""Contacts written by one transaction."""
_CHARACTERS: Final = 200
_ANY: Final = CardFilter((PropFilter("CATEGORIES"),))


def listing(tx: Transaction) -> dict[str, int]:
    """The actor's categories by name, and how many contacts have each."""
    found: Counter[str] = Counter()
    for _, _, names in _tagged(tx):
        found.update(names)
    return dict(sorted(found.items(), key=lambda pair: pair[0].casefold()))


def rename(store: Store, actor: Actor, old: str, new: str) -> int:
    """Give a category another name, or take it away if that is empty; how many contacts had it.

    It is done in several transactions; begun again, it goes on.

    Raises:
        NotFound: no contact has it.
        Refused: the new name cannot be one, or is the old one.
    """
    clean = " ".join(new.split())
    if len(clean) > _CHARACTERS:
        raise Refused(f"a category has at most {_CHARACTERS} characters")
    if old == clean:
        raise Refused(f"the category is called {old} already")
    with store.read(actor) as tx:
        having: dict[CollectionId, list[str]] = {}
        for book, item, names in _tagged(tx):
            if old in names:
                having.setdefault(book.id, []).append(item.name)
    if not having:
        raise NotFound(f"no contact has the category {old}")
    done = 0
    for number, chosen in having.items():
        for start in range(0, len(chosen), AT_ONCE):
            with store.write(actor) as tx:
                book = tree.by_id(tx, number)
                for item in items.many(tx, book, chosen[start : start + AT_ONCE]).values():
                    names = vcard.read(item.body or b"").categories
                    if old in names:
                        _write(tx, book, item, [clean if one == old else one for one in names])
                        done += 1
    return done


def _write(tx: Transaction, book: Collection, item: Item, names: list[str]) -> None:
    """Only the viewer's part changes, for which seeing suffices (SYS-08)."""
    common, _ = vcard_views.split_categories(vcard.read(item.body or b""))
    body = vcard_views.merge_categories(common, list(dict.fromkeys(name for name in names if name)))
    items.put(tx, book, item.name, contacts.prepare(body), Precondition(match=frozenset({item.etag})))


def _tagged(tx: Transaction) -> Iterator[tuple[Collection, Item, list[str]]]:
    """The contacts in the actor's own, his groups' and his colleagues' address books that have categories of his."""
    me = principals.me(tx)
    spaces = [(SpaceKind.PRIVATE, me.name), *((SpaceKind.GROUP, one.name) for one in principals.groups_of(tx, me))]
    spaces += [(SpaceKind.PRIVATE, name) for name in shared_spaces.names(tx)]
    for kind, space in spaces:
        for book in tree.home(tx, kind, space):
            if book.tool is not Tool.CONTACTS:
                continue
            found, _ = contacts.query(tx, book, _ANY)
            for item in found:
                yield book, item, vcard.read(item.body or b"").categories
