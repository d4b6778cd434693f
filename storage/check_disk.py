"""The part of the check that looks at folders and files, and what every part of it says of a problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage import filing
from storage.schema import HAS_TWIN, collections, document_links, file_index, items, principals
from storage.store import Transaction
from storage.types import FOLDER_TOOLS, SpaceKind, Tool

_FOLDERS = sorted(tool.value for tool in FOLDER_TOOLS)


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that is broken at one place."""

    kind: str
    """A stable word for scripts: `counter`, `number`, `uid`, `index`, `tree`, `file`, `blob`, `body`, `member`…"""
    where: str
    """`alice/events`, `alice/events/a.ics`, a group's name, a blob's key."""
    text: str
    repaired: bool = False


def located(*columns: Any) -> Any:
    """A query on collections, with what `where_of` needs."""
    chosen = (collections.c.id, principals.c.name.label("space"), collections.c.path, *columns)
    return sa.select(*chosen).select_from(collections.join(principals, principals.c.id == collections.c.space_id))


def where_of(row: Any) -> str:
    """`alice/events`: where a row of `located` is."""
    return f"{row.space}/{row.path}"


def tree(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """A folder's path is its parent's with its own name; a name is taken once; its tool is that of its place."""
    parent = collections.alias("parent")
    above = sa.func.coalesce(parent.c.path + "/", "") + collections.c.name
    query = (
        located(
            *(collections.c[name] for name in ("name", "tool", "parent_id", "listed_modseq", "space_id")),
            principals.c.kind,
            parent.c.modseq.label("parent_modseq"),
            parent.c.space_id.label("parent_space"),
            above.label("right_path"),
        )
        .outerjoin(parent, parent.c.id == collections.c.parent_id)
        .where(
            sa.or_(collections.c.tool.in_(_FOLDERS), collections.c.parent_id.is_not(None)),
            collections.c.tool != Tool.MESSAGES.value,  # storage/mail/check.py
        )
    )
    for row in tx.db.execute(query).all():
        root, _, path = row.path.partition("/")
        if row.path != row.right_path or (row.parent_id is None) is not (path == ""):
            yield Problem("tree", where_of(row), f"its path should be {row.right_path}")
        elif row.parent_id is not None and row.parent_space != row.space_id:
            yield Problem("tree", where_of(row), "lies in a folder of another space")
        elif row.parent_id is not None and row.listed_modseq > row.parent_modseq:
            if repair:
                here = sa.update(collections).where(collections.c.id == row.id)
                tx.db.execute(here.values(listed_modseq=row.parent_modseq, listed_created=row.parent_modseq))
            yield Problem("number", where_of(row), "bears a number that its parent has not given out", repair)
        tool = filing.tool(SpaceKind(row.kind), root, path)
        if tool.value != row.tool and row.tool != Tool.WIKI.value:
            if repair:
                tx.db.execute(sa.update(collections).where(collections.c.id == row.id).values(tool=tool.value))
            yield Problem("tree", where_of(row), f"is of the tool {row.tool}, should be of {tool.value}", repair)
    twice = located(items.c.name.label("item_name")).join(
        items, sa.and_(items.c.collection_id == collections.c.parent_id, items.c.name == collections.c.name)
    )
    for row in tx.db.execute(twice).all():
        yield Problem("tree", where_of(row), "a file has the same name")
    for name in (filing.DOCS, f"{filing.DOCS}/{filing.TRASH}", filing.FAVOURITES):
        has = sa.exists().where(collections.c.space_id == principals.c.id, collections.c.path == name)
        for space in tx.db.execute(sa.select(principals.c.name).where(~has)).scalars():
            yield Problem("tree", f"{space}/{name}", "is missing")


def files(tx: Transaction, repair: bool) -> Iterator[Problem]:
    """What is said of files is said of files; placements of a document have one content; links join file and card."""
    strange = (
        located(items.c.name.label("item_name"), items.c.id.label("item_id"))
        .join(items, items.c.collection_id == collections.c.id)
        .join(file_index, file_index.c.item_id == items.c.id)
        .where(collections.c.tool.not_in(_FOLDERS))
    )
    for row in tx.db.execute(strange).all():
        if repair:
            tx.db.execute(sa.delete(file_index).where(file_index.c.item_id == row.item_id))
        yield Problem("file", f"{where_of(row)}/{row.item_name}", "is described as a file", repair)
    unlike = (
        sa.select(file_index.c.twin)
        .join(items, items.c.id == file_index.c.item_id)
        .where(HAS_TWIN)
        .group_by(file_index.c.twin)
        .having(sa.func.count(sa.distinct(items.c.hash)) > 1)
    )
    for twin in tx.db.execute(unlike).scalars():
        yield Problem("file", str(twin), "the placements of this document differ")
    wrong = (
        located(items.c.name.label("item_name"), items.c.id.label("item_id"))
        .join(items, items.c.collection_id == collections.c.id)
        .join(document_links, document_links.c.file_id == items.c.id)
        .where(collections.c.tool.not_in(_FOLDERS))
    )
    for row in tx.db.execute(wrong).all():
        if repair:
            tx.db.execute(sa.delete(document_links).where(document_links.c.file_id == row.item_id))
        yield Problem("file", f"{where_of(row)}/{row.item_name}", "is linked as a document", repair)
