"""Documents attached to contacts: a link protects its document from deletion (DOC-60…62, CON-22)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from storage import collections as tree
from storage import filing, folders, items, numbering
from storage import principals as people
from storage.errors import Denied, GateClosed, Linked, NotFound
from storage.filing import File
from storage.schema import card_index, collections, document_links, principals
from storage.schema import items as item_rows
from storage.statements import Statement
from storage.store import Transaction
from storage.types import Collection, Right, SpaceKind, Tool, View

_CARD: Final = Statement(
    sa.select(item_rows.c.id).where(
        item_rows.c.collection_id == sa.bindparam("book"), item_rows.c.name == sa.bindparam("card")
    )
)
_BY_URI: Final = Statement(
    sa.select(document_links.c.file_id).where(document_links.c.card_id == sa.bindparam("card"), document_links.c.by_uri)
)
_LINKED: Final = Statement(sa.select(document_links.c.card_id).where(document_links.c.file_id == sa.bindparam("item")))


@dataclass(frozen=True, slots=True)
class Link:
    """One contact to which a document is attached."""

    kind: SpaceKind
    space: str
    book: str
    card: str
    """Name of the card in its book."""
    fn: str
    """The contact's name, folded as it is searched."""


def attach(tx: Transaction, file: File, book: Collection, card: str, *, by_uri: bool = False) -> None:
    """Attach a document to a contact; once is enough.

    Raises:
        NotFound: there is no such card.
        Denied: the actor may not edit the contact, or does not see what is in the document.
    """
    if file.view is not View.FULL:
        raise Denied(Right.SEE, tree.path(file.folder, file.name))
    found = _card(tx, book, card)
    here = sa.and_(document_links.c.file_id == file.id, document_links.c.card_id == found)
    if tx.db.execute(sa.select(document_links.c.file_id).where(here)).first() is None:
        tx.db.execute(sa.insert(document_links).values(file_id=file.id, card_id=found, by_uri=by_uri))
        numbering.take(tx, file.folder.id)


def detach(tx: Transaction, file: File, book: Collection, card: str) -> None:
    """Take a document from a contact (DOC-62).

    Raises:
        NotFound: there is no such card, or the document is not attached to it.
        Denied: the actor may not edit the contact.
    """
    found = _card(tx, book, card)
    here = sa.and_(document_links.c.file_id == file.id, document_links.c.card_id == found)
    if not tx.db.execute(sa.delete(document_links).where(here)).rowcount:
        raise NotFound("this document is not attached to the contact")
    numbering.take(tx, file.folder.id)


def attach_by_uris(tx: Transaction, book: Collection, card: str, paths: Iterable[tuple[SpaceKind, str, str]]) -> None:
    """Make the links that a card's own text names exactly these: space and path below its documents (CON-22).

    What the actor does not see, or what is not there, is not linked; links made otherwise stay.
    """
    number = _CARD.scalar(tx, {"book": book.id, "card": card})
    if number is None:
        raise NotFound(card)
    paths = list(paths)
    if not paths and _BY_URI.scalar(tx, {"card": number}) is None:
        return
    wanted: set[int] = set()
    for kind, space, path in paths:
        try:
            found = folders.find(tx, kind, space, path)
        except (NotFound, GateClosed):
            continue
        if isinstance(found, File) and found.view is View.FULL:
            wanted.add(found.id)
    of_card = document_links.c.card_id == number
    present = tx.db.execute(sa.select(document_links.c.file_id, document_links.c.by_uri).where(of_card))
    held: dict[int, bool] = {row.file_id: row.by_uri for row in present}
    if gone := [file for file, by_uri in held.items() if by_uri and file not in wanted]:
        tx.db.execute(sa.delete(document_links).where(of_card, document_links.c.file_id.in_(gone)))
    for file in wanted - held.keys():
        tx.db.execute(sa.insert(document_links).values(file_id=file, card_id=number, by_uri=True))


def of_file(tx: Transaction, file: File) -> list[Link]:
    """The contacts to which a document is attached and whose books the actor sees."""
    query = (
        sa.select(
            principals.c.kind,
            principals.c.name.label("space"),
            collections.c.path,
            item_rows.c.name.label("card"),
            card_index.c.fn,
        )
        .select_from(document_links)
        .join(item_rows, item_rows.c.id == document_links.c.card_id)
        .join(card_index, card_index.c.item_id == item_rows.c.id)
        .join(collections, collections.c.id == item_rows.c.collection_id)
        .join(principals, principals.c.id == collections.c.space_id)
        .where(document_links.c.file_id == file.id)
        .order_by(principals.c.name, collections.c.path, item_rows.c.name)
    )
    found: list[Link] = []
    for row in tx.db.execute(query).all():
        kind = SpaceKind(row.kind)
        if _sees_book(tx, kind, row.space, row.path):
            found.append(Link(kind, row.space, row.path, row.card, row.fn))
    return found


def of_card(tx: Transaction, book: Collection, card: str) -> list[File]:
    """The documents attached to a contact that the actor may see (CON-22)."""
    items.get(tx, book, card, body=False)
    query = (
        sa.select(principals.c.kind, principals.c.name.label("space"), collections.c.path, item_rows.c.name)
        .select_from(document_links)
        .join(item_rows, item_rows.c.id == document_links.c.file_id)
        .join(collections, collections.c.id == item_rows.c.collection_id)
        .join(principals, principals.c.id == collections.c.space_id)
        .where(document_links.c.card_id == _number(tx, book, card))
        .order_by(collections.c.path, item_rows.c.name)
    )
    found: list[File] = []
    for row in tx.db.execute(query).all():
        root, _, path = row.path.partition("/")
        try:
            file = folders.find(tx, SpaceKind(row.kind), row.space, filing.join(path, row.name), root=root)
        except (NotFound, GateClosed):
            continue
        if isinstance(file, File) and file.view is View.FULL:
            found.append(file)
    return found


def protect(tx: Transaction, inside: sa.Select[Any], *, item: int | None = None) -> None:
    """Pass if none of the files in the folders of `inside` (a select of ids), or not the one `item`, is linked.

    Raises:
        Linked: with the paths, below their root, of those that are (DOC-61).
    """
    if item is not None and _LINKED.scalar(tx, {"item": item}) is None:
        return
    which = item_rows.c.collection_id.in_(inside) if item is None else item_rows.c.id == item
    query = (
        sa.select(collections.c.space_id, collections.c.path, item_rows.c.name)
        .join(item_rows, item_rows.c.collection_id == collections.c.id)
        .join(document_links, document_links.c.file_id == item_rows.c.id)
        .where(which)
        .distinct()
    )
    found = tx.db.execute(query).all()
    if found:
        space = people.by_id(tx, found[0].space_id)
        paths = {filing.join(row.path.partition("/")[2], row.name) for row in found}
        raise Linked(tuple(sorted(paths)), f"{tree.home_name(space)}/{found[0].path.partition('/')[0]}")


def pass_on(tx: Transaction, source: int, target: int) -> None:
    """Hand the links of a document to the one that it replaces."""
    has = sa.select(document_links.c.card_id).where(document_links.c.file_id == target)
    theirs = sa.and_(document_links.c.file_id == source, document_links.c.card_id.not_in(has))
    tx.db.execute(sa.update(document_links).where(theirs).values(file_id=target))


def _card(tx: Transaction, book: Collection, card: str) -> int:
    if book.tool is not Tool.CONTACTS:
        raise NotFound(card)
    found = items.get(tx, book, card, body=False)
    if not found.rights & Right.EDIT:
        raise Denied(Right.EDIT, tree.path(book, card))
    return found.id


def _number(tx: Transaction, book: Collection, card: str) -> int:
    query = sa.select(item_rows.c.id).where(item_rows.c.collection_id == book.id, item_rows.c.name == card)
    return int(tx.db.execute(query).scalar_one())


def _sees_book(tx: Transaction, kind: SpaceKind, space: str, path: str) -> bool:
    try:
        return tree.find(tx, kind, space, path).view is View.FULL
    except NotFound:
        return False
