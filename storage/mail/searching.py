"""Search in one mailbox: what a client holds in memory is judged there, texts by one query for each (MSG-46)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from storage import many
from storage.formats import message
from storage.mail import query as ask
from storage.mail import search_schema
from storage.mail.flags import has
from storage.mail.folding import fold
from storage.mail.query import Query
from storage.mail.spans import Spans
from storage.mail.tables import contents, messages, texts
from storage.mail.types import State
from storage.statements import Statement
from storage.store import Transaction
from storage.types import CollectionId

Judge = Callable[[State], bool]

_here: Final = messages.c.collection_id == sa.bindparam("collection")
_in_contents: Final = sa.select(messages.c.uid).join(contents, contents.c.id == messages.c.content_id).where(_here)
_in_texts: Final = sa.select(messages.c.uid).join(texts, texts.c.content_id == messages.c.content_id).where(_here)

_hits: Final = sa.table("message_search", sa.column("rowid"))
_candidates: Final = _in_texts.where(
    messages.c.content_id.in_(
        sa.select(_hits.c.rowid).where(sa.text("message_search MATCH :match").bindparams(sa.bindparam("match")))
    )
)
_due: Final = texts.alias("due")
_unindexed: Final = _in_texts.where(
    # So put, SQLite begins with the index of the few that are due, not with every mail of the mailbox.
    messages.c.content_id.in_(sa.select(_due.c.content_id).where(sa.text("NOT due.indexed")))
)
_TRIGRAMS: Final = 24


class _Within:
    """Uids whose text has a substring in one of some columns, for each engine.

    With `indexed`, SQLite's index names the candidates, and what is not in it yet is looked at as well.
    """

    def __init__(self, *columns: sa.Column[str], indexed: bool = False) -> None:
        needle = sa.bindparam("needle", type_=sa.Text)
        looked = sa.or_(*(sa.func.instr(one, needle) > 0 for one in columns))
        self._scan: Final = Statement(_in_texts.where(looked))
        self._index: Final = (
            Statement(sa.union(_candidates.where(looked), _unindexed.where(looked))) if indexed else None
        )
        pattern = sa.bindparam("pattern", type_=sa.Text)
        self._post: Final = Statement(_in_texts.where(sa.or_(*(one.like(pattern, escape="!") for one in columns))))

    def uids(self, tx: Transaction, number: CollectionId, text: str) -> frozenset[int]:
        sought = fold(text)
        values = {"collection": number}
        if not tx.store.engines.sqlite:
            escaped = sought.replace("!", "!!").replace("%", "!%").replace("_", "!_")
            return frozenset(self._post.scalars(tx, values | {"pattern": f"%{escaped}%"}))
        if self._index is None or len(sought) < search_schema.SHORTEST:
            return frozenset(self._scan.scalars(tx, values | {"needle": sought}))
        match = " AND ".join(_trigrams(sought))
        return frozenset(self._index.scalars(tx, values | {"needle": sought, "match": match}))


def _trigrams(text: str) -> list[str]:
    """Some of a text's trigrams as FTS5 strings, spread over it: enough to name candidates."""
    every = [text[at : at + 3] for at in range(len(text) - 2)]
    step = max(1, len(every) // _TRIGRAMS)
    chosen = dict.fromkeys([*every[::step][:_TRIGRAMS], every[-1]])
    return ['"' + one.replace('"', '""') + '"' for one in chosen]


_COLUMNS: Final = {
    "from": _Within(texts.c.from_),
    "to": _Within(texts.c.to_),
    "cc": _Within(texts.c.cc),
    "bcc": _Within(texts.c.bcc),
    "subject": _Within(texts.c.subject),
}
_BODY: Final = _Within(texts.c.body, indexed=True)
_ANY: Final = _Within(texts.c.header, texts.c.body, indexed=True)
_HEADER: Final = _Within(texts.c.header, indexed=True)
_HEADERS_OF: Final = Statement(_in_texts.add_columns(texts.c.header))
_HEADERS_AMONG: Final = {
    size: Statement(_in_texts.add_columns(texts.c.header).where(many.among(messages.c.uid, size)))
    for size in many.SIZES
}
_FEW: Final = 1_024
"""Candidates that are read each for itself; of more, the whole mailbox is read."""
_SENT: Final = Statement(
    _in_contents.add_columns(
        sa.case(
            (contents.c.sent.between(sa.bindparam("surely_since"), sa.bindparam("surely_before")), None),
            else_=sa.func.substr(contents.c.envelope, 1, 200),
        )
    ).where(contents.c.sent >= sa.bindparam("since"), contents.c.sent < sa.bindparam("before"))
)
_HASH: Final = Statement(_in_contents.where(contents.c.hash.startswith(sa.bindparam("start", type_=sa.Text))))
_ATTACHED: Final = Statement(_in_contents.where(contents.c.attachments))
_BARE: Final = Statement(_in_contents.where(~contents.c.attachments))
_THREAD: Final = Statement(_in_contents.where(contents.c.thread == sa.bindparam("thread")))

_AGES: Final = 2**62
_DAY_S: Final = 86_400
"""No zone is further from UTC."""


def search(tx: Transaction, number: CollectionId, states: Sequence[State], query: Query) -> list[int]:
    """The uids of those of `states` (by uid) that fit, ascending. `states` are of the mailbox `number`."""
    while isinstance(query, ask.And) and len(query.terms) == 1:
        query = query.terms[0]
    if isinstance(query, ask.All):
        return [state.uid for state in states]
    if not isinstance(query, ask.And | ask.Or | ask.Not | ask.Fuzzy) and _of_state(query) is None:
        found = _found(tx, number, query)
        return [state.uid for state in states if state.uid in found]
    fits = _judge(tx, number, query)
    return [state.uid for state in states if fits(state)]


def _judge(tx: Transaction, number: CollectionId, query: Query) -> Judge:
    match query:
        case ask.All():
            return lambda state: True
        case ask.And(terms):
            judges = [_judge(tx, number, term) for term in _cheap_first(terms)]
            return lambda state: all(judge(state) for judge in judges)
        case ask.Or(terms):
            judges = [_judge(tx, number, term) for term in _cheap_first(terms)]
            return lambda state: any(judge(state) for judge in judges)
        case ask.Not(term):
            judge = _judge(tx, number, term)
            return lambda state: not judge(state)
        case ask.Fuzzy(term):
            return _judge(tx, number, _freely(term))
        case _:
            return _of_state(query) or _among(_found(tx, number, query))


def _of_state(query: Query) -> Judge | None:
    """What a message's own row says."""
    match query:
        case ask.Uids(spans):
            chosen = Spans(spans)
            return lambda state: state.uid in chosen
        case ask.Flag(name, wanted):
            known: dict[str, bool] = {}  # a mailbox has few different texts

            def flagged(state: State) -> bool:
                found = known.get(state.flags)
                if found is None:
                    found = known[state.flags] = has(state.flags, name) is wanted
                return found

            return flagged
        case ask.Internal(since, before):
            low, high = _bounds(since, before)
            return lambda state: low <= state.internal < high
        case ask.Saved(since, before):
            low, high = _bounds(since, before)
            return lambda state: low <= state.saved < high
        case ask.Larger(octets):
            return lambda state: state.octets > octets
        case ask.Smaller(octets):
            return lambda state: state.octets < octets
        case ask.ModSeq(least):
            return lambda state: state.modseq >= least
        case _:
            return None


def _found(tx: Transaction, number: CollectionId, query: Query) -> frozenset[int]:
    """What only the database can say: the uids for which it holds."""
    here: dict[str, Any] = {"collection": number}
    match query:
        case ask.Sent(since, before):
            return _sent(tx, number, *_bounds(since, before))
        case ask.Address(field, text):
            return _with_header(tx, number, field, text)
        case ask.Subject(text):
            return _with_header(tx, number, "subject", text)
        case ask.Body(text):
            return _BODY.uids(tx, number, text)
        case ask.Text(text):
            return _ANY.uids(tx, number, text)
        case ask.Header(name, text):
            # The lines have every field, where two of a name stand too; the columns the addresses taken apart.
            found = _in_lines(tx, number, name, text)
            column = _COLUMNS.get(name.lower()) if text else None
            return found if column is None else found | column.uids(tx, number, text)
        case ask.Attachments(some):
            return frozenset((_ATTACHED if some else _BARE).scalars(tx, here))
        case ask.EmailId(email_id):
            known = email_id[:1] == "E" and email_id[1:].isalnum() and len(email_id) == 33
            return frozenset(_HASH.scalars(tx, here | {"start": email_id[1:]})) if known else frozenset()
        case ask.ThreadId(thread_id):
            digits = thread_id[1:]
            known = thread_id[:1] == "T" and digits.isascii() and digits.isdigit() and len(digits) < 19
            return frozenset(_THREAD.scalars(tx, here | {"thread": int(digits)})) if known else frozenset()
        case _:
            raise AssertionError(query)


def _sent(tx: Transaction, number: CollectionId, since: int, before: int) -> frozenset[int]:
    """By the day in the Date field, whatever its zone (RFC 9051 §6.4.4); read near the bounds only."""
    values = {"since": since - _DAY_S, "before": before + _DAY_S}
    surely = {"surely_since": since + _DAY_S, "surely_before": before - _DAY_S}
    rows = _SENT.raw(tx, {"collection": number} | values | surely)
    return frozenset(
        uid
        for uid, envelope in rows
        if envelope is None or ((day := message.sent_day(bytes(envelope))) is not None and since <= day < before)
    )


def _with_header(tx: Transaction, number: CollectionId, name: str, text: str) -> frozenset[int]:
    """The envelope's field of that name with the text."""
    return _COLUMNS[name].uids(tx, number, text) if text else _in_lines(tx, number, name, text)


def _in_lines(tx: Transaction, number: CollectionId, name: str, text: str) -> frozenset[int]:
    """Fields of that name with the text; the stored header has one decoded field in each line."""
    start, needle = fold(name) + ":", fold(text)
    candidates = _HEADER.uids(tx, number, text or start)
    return frozenset(
        uid
        for uid, header in _headers(tx, number, candidates)
        if uid in candidates
        and any(line.startswith(start) and needle in line[len(start) :] for line in header.split("\n"))
    )


def _headers(tx: Transaction, number: CollectionId, uids: frozenset[int]) -> Iterator[tuple[Any, ...]]:
    """Uid and decoded header of these messages, of many of them with others."""
    if len(uids) > _FEW:
        yield from _HEADERS_OF.raw(tx, {"collection": number})
        return
    for size, binds in many.chunks(sorted(uids)):
        yield from _HEADERS_AMONG[size].raw(tx, {"collection": number, **binds})


def _freely(query: Query) -> Query:
    """All words of a text in any order, instead of the text itself (RFC 6203 §3)."""
    match query:
        case ask.Subject(text):
            return ask.And(tuple(ask.Subject(word) for word in text.split()) or (query,))
        case ask.Body(text):
            return ask.And(tuple(ask.Body(word) for word in text.split()) or (query,))
        case ask.Text(text):
            return ask.And(tuple(ask.Text(word) for word in text.split()) or (query,))
        case ask.Address(field, text):
            return ask.And(tuple(ask.Address(field, word) for word in text.split()) or (query,))
        case ask.And(terms):
            return ask.And(tuple(map(_freely, terms)))
        case ask.Or(terms):
            return ask.Or(tuple(map(_freely, terms)))
        case ask.Not(term):
            return ask.Not(_freely(term))
        case _:
            return query


def _cheap_first(terms: tuple[Query, ...]) -> list[Query]:
    return sorted(terms, key=lambda term: not isinstance(term, ask.Uids | ask.Flag | ask.Internal | ask.Larger))


def _among(uids: frozenset[int]) -> Judge:
    return lambda state: state.uid in uids


def _bounds(since: int | None, before: int | None) -> tuple[int, int]:
    return (-_AGES if since is None else since), (_AGES if before is None else before)
