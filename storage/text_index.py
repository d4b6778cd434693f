"""The text of documents and the index of its words: which are due, what was found, what was in vain (DOC-34).

`document_text` has a row for every document that was tried, with the hash of the body that was read; a
body that changed since is due again. The reading itself is not done here (servers/jobs).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from storage import filing
from storage.formats import document_types, search_query
from storage.schema import collections, document_texts, items
from storage.store import Store, Transaction
from storage.types import FOLDER_TOOLS, CollectionId, ItemId, Tool

MOST_OCTETS: Final = 512 * 1024
"""Of text kept for one document, in UTF-8: PostgreSQL's tsvector holds a megabyte of words."""
LARGEST_BODY: Final = 64 * 1024 * 1024
"""Larger documents are not read."""

_POSITIONS: Final = 16_383
_POSITIONS_OF_ONE: Final = 255
_LEXEME_OCTETS: Final = 1_000
_TOOLS: Final = tuple(sorted(tool.value for tool in FOLDER_TOOLS - {Tool.FAVOURITES}))
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES: Final = re.compile(r"[^\S\n]+")
_LINES: Final = re.compile(r"\n\s*\n+")


class State(Enum):
    """What became of a document's text."""

    DONE = "done"
    EMPTY = "empty"
    """There was none: a scanned page, a picture."""
    FAILED = "failed"
    """It could not be read: broken, too large, protected by a password, or it exploded."""


@dataclass(frozen=True, slots=True)
class Due:
    """One document whose text is to be read."""

    item: ItemId
    name: str
    kind: str
    """Media type by which it is read (`document_types.of`)."""
    size: int
    hash: str
    modseq: int


def changed(tx: Transaction, known: Mapping[CollectionId, int]) -> dict[CollectionId, int]:
    """The folders of documents whose number is not the known one, with their number now."""
    query = sa.select(collections.c.id, collections.c.modseq).where(collections.c.tool.in_(_TOOLS))
    return {
        CollectionId(row.id): row.modseq
        for row in tx.db.execute(query)
        if known.get(CollectionId(row.id)) != row.modseq
    }


def due(tx: Transaction, folder: CollectionId, after: int) -> list[Due]:
    """What is to be read in a folder among the documents with a number above `after`."""
    query = (
        sa.select(items.c.id, items.c.name, items.c.media_type, items.c.size, items.c.hash, items.c.modseq)
        .outerjoin(document_texts, document_texts.c.item_id == items.c.id)
        .where(
            items.c.collection_id == folder,
            items.c.modseq > after,
            items.c.size > 0,
            sa.or_(document_texts.c.hash.is_(None), document_texts.c.hash != items.c.hash),
        )
        .order_by(items.c.modseq)
    )
    found = []
    for row in tx.db.execute(query):
        kind = document_types.of(row.name, row.media_type)
        if kind is not None and not filing.is_work_file(row.name):
            found.append(Due(ItemId(row.id), row.name, kind, row.size, row.hash, row.modseq))
    return found


def waiting(tx: Transaction, most: int = 10_000) -> int:
    """How many documents of the desk have not been read since they were written; it looks at `most` that were not."""
    query = (
        sa.select(items.c.name, items.c.media_type)
        .join(collections, collections.c.id == items.c.collection_id)
        .outerjoin(document_texts, document_texts.c.item_id == items.c.id)
        .where(
            collections.c.tool.in_(_TOOLS),
            items.c.size > 0,
            sa.or_(document_texts.c.hash.is_(None), document_texts.c.hash != items.c.hash),
        )
        .limit(most)
    )
    rows = tx.db.execute(query).all()
    return sum(
        document_types.of(row.name, row.media_type) is not None and not filing.is_work_file(row.name) for row in rows
    )


def body(store: Store, tx: Transaction, one: Due) -> bytes | None:
    """The octets to be read; None if the document is gone, changed meanwhile, or is too large."""
    query = sa.select(items.c.body, items.c.blob).where(items.c.id == one.item, items.c.hash == one.hash)
    row = tx.db.execute(query).first()
    if row is None or one.size > LARGEST_BODY:
        return None
    return store.blobs.read(row.blob) if row.blob else bytes(row.body or b"")


def same(tx: Transaction, one: Due) -> tuple[State, str] | None:
    """What was found in another document with the very same octets and kind, or None."""
    query = (
        sa.select(document_texts.c.state, document_texts.c.content, items.c.name, items.c.media_type)
        .join(items, items.c.id == document_texts.c.item_id)
        .where(document_texts.c.hash == one.hash, items.c.hash == one.hash)
        .limit(20)
    )
    for row in tx.db.execute(query):
        if document_types.of(row.name, row.media_type) == one.kind:
            return State(row.state), row.content
    return None


def put(tx: Transaction, one: Due, state: State, text: str = "") -> bool:
    """Keep what was found; False if the document changed or went meanwhile."""
    present = sa.select(items.c.id).where(items.c.id == one.item, items.c.hash == one.hash)
    if tx.db.execute(present).first() is None:
        return False
    content = clean(text) if state is State.DONE else ""
    if state is State.DONE and not content:
        state = State.EMPTY
    values = {"hash": one.hash, "state": state.value, "tried": tx.now, "content": content}
    mine = document_texts.c.item_id == one.item
    if not tx.db.execute(sa.update(document_texts).where(mine).values(**values)).rowcount:
        tx.db.execute(sa.insert(document_texts).values(item_id=one.item, **values))
    if not tx.store.engines.sqlite:
        _index(tx, one.item, content)
    return True


def clean(text: str) -> str:
    """The text as it is kept: NFC, without control characters and needless space, at most `MOST_OCTETS` long."""
    short = _CONTROLS.sub(" ", unicodedata.normalize("NFC", text[: 2 * MOST_OCTETS]))
    short = _LINES.sub("\n", _SPACES.sub(" ", short)).strip()
    encoded = short.encode()
    return short if len(encoded) <= MOST_OCTETS else encoded[:MOST_OCTETS].decode("utf-8", "ignore")


def lexemes(content: str) -> str:
    """PostgreSQL's `tsvector` of a text, made without its parser, so that both engines know the same words."""
    places: dict[str, list[int]] = {}
    for number, word in enumerate(search_query.words_of(content), 1):
        if len(word) * 4 <= _LEXEME_OCTETS or len(word.encode()) <= _LEXEME_OCTETS:
            found = places.setdefault(word, [])
            if len(found) < _POSITIONS_OF_ONE:
                found.append(min(number, _POSITIONS))
    return " ".join(f"'{word}':{','.join(map(str, found))}" for word, found in places.items())


_words: Final = sa.table("document_search", sa.column("item_id"), sa.column("words"))


def _index(tx: Transaction, item: ItemId, content: str) -> None:
    vector: Any = sa.cast(sa.bindparam("vector", lexemes(content), sa.Text), _TsVector())
    mine = _words.c.item_id == item
    if not tx.db.execute(sa.update(_words).where(mine).values(words=vector)).rowcount:
        tx.db.execute(sa.insert(_words).values(item_id=item, words=vector))


class _TsVector(sa.types.UserDefinedType[str]):
    """A name for a cast."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TSVECTOR"
