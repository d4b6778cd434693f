"""Search in documents: one's own and those of one's groups, with the rights in the query itself (DOC-34…36).

The engine gives the documents that the actor may read, one light row each, and for every word sought in
content the numbers of those whose text has it. The expression is then judged row by row, the same on both engines.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa

from storage import filing, folders, plans
from storage import principals as people
from storage.errors import BadFormat, GateClosed
from storage.filing import DOCS, Folder
from storage.formats import search_query
from storage.formats.search_query import (
    And,
    Between,
    Expression,
    Extension,
    Field,
    Not,
    Or,
    Words,
    fold,
    is_like,
    words_of,
)
from storage.schema import collections, document_texts, file_index, grants, items, memberships, principals
from storage.store import Transaction
from storage.types import PUBLIC, SITE, ItemId, Principal, Right, SpaceKind, Tool, View

EXCERPT_CHARACTERS: Final = 200
_FOLDERS_AT_ONCE: Final = 10_000
_TEXTS_AT_ONCE: Final = 100
_TEXT_LOOKED_AT: Final = 32 * 1024 * 1024
"""Characters of texts that one search looks through for words with a `*` within."""
_READS: Final = (Right.SEE | Right.EDIT).value


class Order(Enum):
    """How results are sorted: the best, the first by name, the largest or the newest first."""

    RELEVANCE = "relevance"
    NAME = "name"
    SIZE = "size"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found."""

    file_id: ItemId
    space: Principal
    path: str
    """Below the root of the documents."""
    name: str
    size: int
    media_type: str
    created: float
    modified: float
    author: str
    relevance: float
    excerpt: str
    """Where a word was found in the text; "" if the text was not searched, or does not have it."""


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found."""

    hits: tuple[Hit, ...]
    total: int


@dataclass(slots=True)
class _Found:
    """A row with what the expression is judged by; folded text and words are made when first needed."""

    row: Any
    space: Principal
    _name: str | None = None

    def has(self, field: Field, sought: list[str], prefix: bool) -> bool:
        """Whether words stand in that order in a field, the last one maybe longer."""
        folded = self._folded(field)
        # Most documents have nothing of it: their words need not be told apart.
        return sought[-1] in folded and _follows(_WORD.findall(folded), sought, prefix)

    def has_like(self, field: Field, pieces: tuple[str, ...]) -> bool:
        """Whether a word of a field consists of these pieces with anything between them."""
        folded = self._folded(field)
        return pieces[0] in folded and any(is_like(word, pieces) for word in _WORD.findall(folded))

    def _folded(self, field: Field) -> str:
        if field is Field.NAME:
            if self._name is None:
                self._name = fold(self.row.name)
            return self._name
        if field is Field.DESCRIPTION:
            return fold(self.row.description) if self.row.description else ""
        return _author(self.row.author_name or "", self.row.author or "")


@functools.lru_cache(1_000)
def _author(display_name: str, login: str) -> str:
    return fold(f"{display_name} {login}")


Judge = Callable[[_Found], float]
"""How well a document fits; 0 = not at all."""

_WEIGHTS: Final = {Field.NAME: 10.0, Field.DESCRIPTION: 4.0, Field.AUTHOR: 2.0, Field.CONTENT: 5.0}


def run(
    tx: Transaction,
    expression: Expression,
    *,
    space: tuple[SpaceKind, str] | None = None,
    within: Folder | None = None,
    order: Order = Order.RELEVANCE,
    limit: int = 100,
    offset: int = 0,
) -> Results:
    """The documents that fit, among all that are the actor's own or in his groups and that he may read.

    `space` narrows it to one environment, `within` to a folder and all below it, also in another member's
    disk. What lies in the Trash and the work files of clients are never found.

    Raises:
        GateClosed: the actor's plan has no search (Gate: doc_search).
        BadFormat: too much text has words that begin as one with a `*` in it.
        NotFound: the actor may not know of `space`.
    """
    if tx.actor.id == PUBLIC.id or (tx.actor.id != SITE.id and "doc_search" not in plans.of(tx, tx.actor.id).gates):
        raise GateClosed("doc_search")
    scopes = list(_scopes(tx, space, within))
    judge = _compile(expression, _contents(tx, expression, scopes))
    found: list[tuple[float, _Found]] = []
    for where, condition in scopes:
        for row in tx.db.execute(_query(condition), {"actor": tx.actor.id}):
            one = _Found(row, where)
            score = judge(one)
            if score > 0 and not filing.is_work_file(row.name):
                found.append((score, one))
    found.sort(key=_KEYS[order])
    page = found[max(0, offset) : max(0, offset) + max(0, limit)]
    excerpts = _excerpts(tx, expression, [one.row.id for _, one in page])
    return Results(tuple(_hit(score, one, excerpts) for score, one in page), len(found))


_KEYS: Final[dict[Order, Callable[[tuple[float, _Found]], Any]]] = {
    Order.RELEVANCE: lambda one: (-one[0], fold(one[1].row.name), one[1].row.id),
    Order.NAME: lambda one: (fold(one[1].row.name), one[1].row.id),
    Order.SIZE: lambda one: (-one[1].row.size, fold(one[1].row.name), one[1].row.id),
    Order.DATE: lambda one: (-one[1].row.modified, fold(one[1].row.name), one[1].row.id),
}

_granted: Final = (
    sa.exists()
    .where(
        grants.c.item_id == items.c.id,
        grants.c.rights.op("&")(_READS) != 0,
        sa.or_(
            grants.c.grantee_id == sa.bindparam("actor"),
            grants.c.grantee_id.in_(
                sa.select(memberships.c.group_id).where(memberships.c.account_id == sa.bindparam("actor"))
            ),
        ),
    )
    .correlate(items)
)
_OWN_EYES: Final = sa.or_(items.c.creator_id == sa.bindparam("actor"), items.c.public, _granted)
"""A file's own reasons to be read by somebody who sees its folder (ACL-05, DOC-41, table 3.2)."""
_AS_MEMBER: Final = sa.or_(~items.c.restricted, collections.c.tool == Tool.INFOS.value, _OWN_EYES)
"""The same in a group. Administrators read no more than members do: existence is not content (ACL-06)."""


def _scopes(
    tx: Transaction, space: tuple[SpaceKind, str] | None, within: Folder | None
) -> Iterator[tuple[Principal, sa.ColumnElement[bool]]]:
    """Each environment to be searched, with the condition for what the actor may read there."""
    if within is not None:
        yield within.space, _inside(tx, within)
        return
    if space is not None:
        one = people.find(tx, *space)
        yield one, _inside(tx, _root(tx, one))
        return
    me = people.me(tx)
    for one in (me, *people.groups_of(tx, me)):
        yield one, _inside(tx, _root(tx, one))


def _root(tx: Transaction, space: Principal) -> Folder:
    found = folders.find(tx, space.kind, space.name, "")
    assert isinstance(found, Folder)  # a root is nothing else
    return found


def _inside(tx: Transaction, folder: Folder) -> sa.ColumnElement[bool]:
    """The files in `folder` and below that the actor may read."""
    own = folder.relation.value in {"owner", "site"}
    if not own and folder.space.kind is SpaceKind.PRIVATE:
        return _among(list(folders.walk(tx, folder, _FOLDERS_AT_ONCE)))
    here = collections.c.path == folder.name
    below = collections.c.path.like(_escaped(folder.name) + "/%", escape="\\")
    parts = [collections.c.space_id == folder.space.id, sa.or_(here, below), *_left_out(tx, folder.space)]
    if not own:
        parts.append(sa.or_(_AS_MEMBER, _published(folder.space)))
    return sa.and_(*parts)


def _among(seen: list[Folder]) -> sa.ColumnElement[bool]:
    """The readable files of another member's folders that the actor sees (ACL-12)."""
    whole = [one.id for one in seen if one.view is View.FULL]
    some = [one.id for one in seen if one.view is not View.FULL and one.rights & Right.SEE_FOLDER]
    return sa.or_(items.c.collection_id.in_(whole), sa.and_(items.c.collection_id.in_(some), _OWN_EYES))


def _left_out(tx: Transaction, space: Principal) -> Iterator[sa.ColumnElement[bool]]:
    """The Trash, and a wiki that the plan does not open."""
    hidden = [filing.TRASH]
    if "wiki" not in plans.of(tx, space.id).gates:
        hidden.append(filing.WIKI)
    for name in hidden:
        path = filing.join(DOCS, name)
        yield sa.and_(collections.c.path != path, ~collections.c.path.like(_escaped(path) + "/%", escape="\\"))


def _published(space: Principal) -> sa.ColumnElement[bool]:
    """Everything in a published `web` is read by all (DOC-37, DOC-41)."""
    web = filing.join(DOCS, filing.WEB)
    top = collections.alias("web")
    is_published = sa.exists().where(top.c.space_id == space.id, top.c.path == web, top.c.published)
    inside = sa.or_(collections.c.path == web, collections.c.path.like(web + "/%"))
    return sa.and_(inside, is_published)


def _escaped(path: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", path)


def _query(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(
            *(items.c[name] for name in ("id", "name", "size", "media_type", "created", "modified")),
            collections.c.path.label("folder"),
            file_index.c.description,
            principals.c.name.label("author"),
            principals.c.display_name.label("author_name"),
        )
        .select_from(
            items.join(collections, collections.c.id == items.c.collection_id)
            .outerjoin(file_index, file_index.c.item_id == items.c.id)
            .outerjoin(principals, principals.c.id == items.c.creator_id)
        )
        .where(condition)
    )


# --- content -------------------------------------------------------------------------------------

_fts: Final = sa.table("document_search", sa.column("rowid"), sa.column("item_id"), sa.column("words"))
_itself: Final[sa.ColumnClause[Any]] = sa.literal_column("document_search")

Contents = dict[Words, dict[int, float]]


def _contents(
    tx: Transaction, expression: Expression, scopes: list[tuple[Principal, sa.ColumnElement[bool]]]
) -> Contents:
    """For every term that looks at content: the readable documents that have it, with their rank from 0 to 1."""
    found: Contents = {}
    room = _TEXT_LOOKED_AT
    for term in _all_terms(expression):
        if term.field not in (Field.ANY, Field.CONTENT) or term in found:
            continue
        ranks: dict[int, float] = {}
        asked = Words(term.field, term.pieces[:1], prefix=True) if term.pieces else term
        for _, condition in scopes:
            query = _having(tx, asked).where(condition)
            ranks |= {row.id: max(row.rank, 0.0) for row in tx.db.execute(query, {"actor": tx.actor.id})}
        if term.pieces:
            ranks, room = _like(tx, term.pieces, ranks, room)
        best = max(ranks.values(), default=0.0) or 1.0
        found[term] = {number: rank / best for number, rank in ranks.items()}
    return found


def _like(
    tx: Transaction, pieces: tuple[str, ...], ranks: dict[int, float], room: int
) -> tuple[dict[int, float], int]:
    """Those of some documents in whose text a word is like these pieces; and how much may still be looked at.

    The engines know how words begin, not how they go on: the texts themselves are looked through.

    Raises:
        BadFormat: there is more text than that.
    """
    begins = re.compile(r"(?<![^\W_])" + re.escape(pieces[0]) + r"[^\W_]*")
    kept: dict[int, float] = {}
    chosen = sorted(ranks)
    for start in range(0, len(chosen), _TEXTS_AT_ONCE):
        some = document_texts.c.item_id.in_(chosen[start : start + _TEXTS_AT_ONCE])
        for row in tx.db.execute(sa.select(document_texts.c.item_id, document_texts.c.content).where(some)):
            room -= len(row.content)
            if room < 0:
                raise BadFormat(f"too much text has words that begin with {pieces[0]}: write more before the *")
            if any(is_like(word[0], pieces) for word in begins.finditer(fold(row.content))):
                kept[row.item_id] = ranks[row.item_id]
    return kept, room


def _having(tx: Transaction, term: Words) -> sa.Select[Any]:
    if tx.store.engines.sqlite:
        # bm25 is the smaller, the better.
        rank: Any = (-sa.func.bm25(_itself)).label("rank")
        matching = sa.select(_fts.c.rowid.label("item_id"), rank).where(_itself.op("MATCH")(_fts_query(term)))
    else:
        asked: Any = sa.cast(sa.bindparam("asked", _ts_query(term), sa.Text), _TsQuery())
        rank = sa.func.ts_rank_cd(_fts.c.words, asked).label("rank")
        matching = sa.select(_fts.c.item_id, rank).where(_fts.c.words.op("@@")(asked))
    hits = matching.subquery("hits")
    return sa.select(items.c.id, hits.c.rank).select_from(
        hits.join(items, items.c.id == hits.c.item_id)
        .join(collections, collections.c.id == items.c.collection_id)
        .join(
            document_texts,
            # The text of what it was before tells nothing of what it is now.
            sa.and_(document_texts.c.item_id == items.c.id, document_texts.c.hash == items.c.hash),
        )
    )


def _fts_query(term: Words) -> str:
    """FTS5's own language; in its strings nothing but the quote is special."""
    phrase = " ".join(term.words)
    return f'content : "{phrase}"' + (" *" if term.prefix else "")


def _ts_query(term: Words) -> str:
    """A `tsquery` of letters and digits alone."""
    quoted = [f"'{word}'" for word in words_of(" ".join(term.words))]
    return " <-> ".join(quoted) + (":*" if term.prefix else "")


class _TsQuery(sa.types.UserDefinedType[str]):
    """A name for a cast."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TSQUERY"


# --- judging -------------------------------------------------------------------------------------


def _compile(expression: Expression, contents: Contents) -> Judge:
    if isinstance(expression, Words):
        return _words(expression, contents)
    if isinstance(expression, Extension):
        ending = "." + fold(expression.value)
        return lambda one: float(fold(one.row.name).endswith(ending))
    if isinstance(expression, Between):
        return _between(expression)
    if isinstance(expression, Not):
        inner = _compile(expression.part, contents)
        return lambda one: 0.0 if inner(one) > 0 else 0.001
    parts = [_compile(part, contents) for part in expression.parts]
    return _every(parts) if isinstance(expression, And) else _some(parts)


def _every(parts: list[Judge]) -> Judge:
    def judge(one: _Found) -> float:
        total = 0.0
        for part in parts:
            score = part(one)
            if score <= 0:
                return 0.0
            total += score
        return total

    return judge


def _some(parts: list[Judge]) -> Judge:
    return lambda one: sum(part(one) for part in parts)


def _between(term: Between) -> Judge:
    low = -1.0 if term.low is None else term.low
    high = float("inf") if term.high is None else term.high
    if term.field is Field.SIZE:
        return lambda one: float(low <= one.row.size < high)
    return lambda one: float(low <= one.row.modified < high)


def _words(term: Words, contents: Contents) -> Judge:
    sought = words_of(" ".join(term.words))
    chosen = (Field.NAME, Field.DESCRIPTION, Field.AUTHOR) if term.field is Field.ANY else (term.field,)
    fields = [(field, _WEIGHTS[field]) for field in chosen if field is not Field.CONTENT]
    ranks = contents.get(term, {})
    pieces = term.pieces

    def judge(one: _Found) -> float:
        total = 0.0
        rank = ranks.get(one.row.id)
        if rank is not None:
            total = _WEIGHTS[Field.CONTENT] * (0.2 + 0.8 * rank)
        for field, weight in fields:
            if one.has_like(field, pieces) if pieces else one.has(field, sought, term.prefix):
                total += weight
        return total

    return judge


def _follows(words: list[str], sought: list[str], prefix: bool) -> bool:
    """Whether the words stand in that order in a text, the last one maybe longer."""
    *first, last = sought
    count = len(sought)
    for start in range(len(words) - count + 1):
        end = words[start + count - 1]
        if (end.startswith(last) if prefix else end == last) and words[start : start + count - 1] == first:
            return True
    return False


def _all_terms(expression: Expression) -> Iterator[Words]:
    if isinstance(expression, Words):
        yield expression
    elif isinstance(expression, Not):
        yield from _all_terms(expression.part)
    elif isinstance(expression, And | Or):
        for part in expression.parts:
            yield from _all_terms(part)


# --- results -------------------------------------------------------------------------------------


def _hit(score: float, one: _Found, excerpts: dict[int, str]) -> Hit:
    row = one.row
    return Hit(
        ItemId(row.id),
        one.space,
        filing.join(row.folder.partition("/")[2], row.name),
        row.name,
        row.size,
        row.media_type,
        row.created,
        row.modified,
        row.author_name or row.author or "",
        round(score, 4),
        excerpts.get(row.id, ""),
    )


def _excerpts(tx: Transaction, expression: Expression, chosen: list[int]) -> dict[int, str]:
    """A piece of text around a word that was found, for the documents on the page."""
    sought = [
        _is_first(term)
        for term in search_query.terms(expression)
        if term.field in (Field.ANY, Field.CONTENT)
    ]
    if not sought or not chosen:
        return {}
    query = (
        sa.select(document_texts.c.item_id, document_texts.c.content)
        .join(items, items.c.id == document_texts.c.item_id)
        .where(document_texts.c.item_id.in_(chosen), document_texts.c.hash == items.c.hash)
    )
    return {row.item_id: _excerpt(row.content, sought) for row in tx.db.execute(query)}


_WORD: Final = re.compile(r"[^\W_]+")


def _is_first(term: Words) -> Callable[[str], bool]:
    """Whether a folded word is the one that a term begins with."""
    if pieces := term.pieces:
        return lambda word: is_like(word, pieces)
    words = words_of(" ".join(term.words))
    first = words[0] if words else ""
    if term.prefix and len(words) == 1:
        return lambda word: word.startswith(first)
    return lambda word: word == first


def _excerpt(text: str, sought: list[Callable[[str], bool]]) -> str:
    for found in _WORD.finditer(text):
        word = fold(found[0])
        if any(begins(word) for begins in sought):
            return _around(text, found.start())
    return ""


def _around(text: str, at: int) -> str:
    start = max(0, at - EXCERPT_CHARACTERS // 3)
    end = min(len(text), start + EXCERPT_CHARACTERS)
    piece = " ".join(text[start:end].split())
    return ("… " if start else "") + piece + (" …" if end < len(text) else "")
