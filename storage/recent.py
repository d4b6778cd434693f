"""What was added or changed lately, over all tools and environments that the actor sees (ACC-05, ACC-06)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from storage import collections as tree
from storage import filing, folders, preferences, principals, viewing
from storage.errors import GateClosed, NotFound
from storage.filing import File, Folder
from storage.schema import collections, event_index, items
from storage.store import Transaction
from storage.types import (
    CALENDAR_TOOLS,
    FOLDER_TOOLS,
    Collection,
    CollectionId,
    Item,
    PrincipalId,
    SpaceKind,
    Tool,
    View,
)

MOST: Final = 200
_DAY_S: Final = 86_400
_SHOWN: Final = (CALENDAR_TOOLS | {Tool.CONTACTS}) - {Tool.SUBSCRIPTION, Tool.OVERLAY}
_FILED: Final = FOLDER_TOOLS - {Tool.DROP_BOX}
"""What somebody drops is told to its owner by the drop box itself; others see nothing of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One item that is new or was changed within the actor's window."""

    collection: Collection
    item: Item
    title: str
    creator: str
    """Who added it: display name, or login; "" when he may not be known, or left."""

    @property
    def moment(self) -> float:
        """When it came or was changed, in seconds since the epoch; a document may bring an older time along."""
        return max(self.item.modified, self.item.created)

    @property
    def added(self) -> bool:
        """It was not there before, as far as the stamps tell."""
        return self.item.modified - self.item.created < 1


def since(tx: Transaction) -> float | None:
    """Where the actor's window begins, in seconds since the epoch; None if he switched it off (ACC-05)."""
    window = int(preferences.of(tx, principals.me(tx))["recent_days"])
    return tx.now - window * _DAY_S if window else None


def changes(tx: Transaction, most: int = MOST) -> list[Change]:
    """The items added or changed by anyone within the window, the newest first.

    Busy blocks are left out: they have no name that could be marked.
    """
    begin = since(tx)
    if begin is None:
        return []
    found: list[tuple[Collection, Item]] = []
    for collection in _changed_collections(tx, begin):
        late = sa.or_(items.c.modified >= begin, items.c.created >= begin)
        recent = viewing.load(tx, collection, late, body=False)
        found += [(collection, item) for item in recent if item.view is View.FULL]
    for folder in _changed_folders(tx, begin):
        found += [
            (folder, file)
            for file in folders.files(tx, folder)
            if max(file.modified, file.created) >= begin and file.view is View.FULL and not file.work
        ]
    found.sort(key=lambda pair: (-max(pair[1].modified, pair[1].created), pair[1].id))
    newest = found[:most]
    titles = _titles(tx, newest)
    people = {who.id: who.display_name or who.name for who in principals.visible(tx)}
    return [
        Change(collection, item, titles.get(item.id, ""), people.get(item.creator, "")) for collection, item in newest
    ]


def _changed(tx: Transaction, begin: float, tools: Iterable[Tool]) -> Sequence[int]:
    """Collections of these tools that changed, in the actor's environment, his groups' and his co-members'."""
    spaces = [who.id for who in principals.visible(tx)]
    query = sa.select(collections.c.id).where(
        collections.c.space_id.in_(spaces),
        collections.c.modified >= begin,
        collections.c.tool.in_([tool.value for tool in tools]),
    )
    return tx.db.execute(query).scalars().all()


def _changed_folders(tx: Transaction, begin: float) -> list[Folder]:
    """Those that the actor sees; what was thrown away is no news."""
    found: list[Folder] = []
    for number in _changed(tx, begin, _FILED):
        try:
            folder = folders.by_id(tx, CollectionId(number))
        except (NotFound, GateClosed):
            continue
        if not filing.in_trash(folder):
            found.append(folder)
    return found


def _changed_collections(tx: Transaction, begin: float) -> list[Collection]:
    """Those that the actor may know of."""
    found: list[Collection] = []
    for number in _changed(tx, begin, _SHOWN):
        try:
            found.append(tree.by_id(tx, CollectionId(number)))
        except NotFound:
            continue
    return found


def _titles(tx: Transaction, found: list[tuple[Collection, Item]]) -> Mapping[int, str]:
    events = [item.id for collection, item in found if collection.tool in CALENDAR_TOOLS]
    query = sa.select(event_index.c.item_id, event_index.c.summary).where(event_index.c.item_id.in_(events))
    titles = {row.item_id: row.summary for row in tx.db.execute(query)}
    titles |= {item.id: item.name for _, item in found if isinstance(item, File)}
    books: dict[CollectionId, tuple[Collection, list[int]]] = {}
    for collection, item in found:
        if collection.tool is Tool.CONTACTS:
            books.setdefault(collection.id, (collection, []))[1].append(item.id)
    for book, cards in books.values():
        titles |= {card.id: _full_name(card.body or b"") for card in viewing.numbered(tx, book, cards, body=True)}
    return titles


def _full_name(body: bytes) -> str:
    from storage.formats import vcard
    from storage.formats.contentline import unescape_text

    return unescape_text(vcard.component_of(body).value("FN")).strip()


def environment(collection: Collection, me: PrincipalId) -> str:
    """Whose it is, as the actor reads it: "" for his own."""
    if collection.space.id == me:
        return ""
    space = collection.space
    return space.name if space.kind is SpaceKind.GROUP else space.display_name or space.name
