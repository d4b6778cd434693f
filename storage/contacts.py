"""What address books add to items: the folded index, personal categories, queries (CON, RFC 6352)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import sqlalchemy as sa

from storage import preferences, viewing
from storage.containment import contains
from storage.errors import Refused, UnsupportedMedia
from storage.formats import vcard, vcard_filter, vcard_photo, vcard_views
from storage.formats.contentline import CHARACTER_SETS, Component, unescape_text
from storage.formats.vcard_filter import CardFilter, Every, Expression, MatchType, Term
from storage.kinds import Prepared
from storage.schema import card_index, items
from storage.store import Transaction
from storage.types import Collection, Item

MEDIA_TYPE: Final = "text/vcard"
MEDIA_TYPES: Final = frozenset({"", "text/vcard", "text/x-vcard", "text/directory"})
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([\w-]{3,20})', re.IGNORECASE)
_STAMPS: Final = re.compile(rb"^(?:REV|PRODID)[;:][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.MULTILINE | re.IGNORECASE)


def prepare(data: bytes, media_type: str = "") -> Prepared:
    """Parse one card and compute all that reading it will need; embedded pictures become small JPEGs.

    Raises:
        UnsupportedMedia: it is sent as something else than a vCard.
        BadFormat, BadObject: as `vcard.read`.
    """
    if media_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise UnsupportedMedia(media_type)
    card = vcard_photo.fit(vcard.read(_in_utf8(data, media_type)))
    shared, categories = vcard_views.split_categories(card)
    folded = card.folded
    return Prepared(
        body=card.body,
        media_type=MEDIA_TYPE,
        component="",
        uid=card.uid,
        private=False,
        scheduled=False,
        same_octets=card.body == data,
        shared=shared if categories else None,
        parts=json.dumps(categories, ensure_ascii=False) if categories else "",
        index={
            "fn": folded.fn,
            "n": folded.n,
            "org": folded.org,
            "nickname": folded.nickname,
            "email": folded.email,
            "tel": folded.tel,
        },
    )


def _in_utf8(data: bytes, media_type: str) -> bytes:
    """A body whose media type names another character set, and that is not UTF-8 all the same (RFC 2046 §4.1.2)."""
    named = _CHARSET.search(media_type)
    if named is None or data.isascii() or not CHARACTER_SETS.fullmatch(named[1]):
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        try:
            return data.decode(named[1]).encode()
        except (LookupError, UnicodeError):
            return data
    return data


def merge(shared: bytes, parts: str) -> bytes:
    """A viewer's own body: the shared one with his categories (CON-13)."""
    return vcard_views.merge_categories(shared, json.loads(parts))


def language_of(card: Component) -> str:
    """The language that a contact is written to in, as its card tells; "" where it tells none (CON-02, CON-30)."""
    told = card.value("LANG") or card.value("X-ESCRITOIRE-LANG")  # 4.0 and 3.0
    try:
        return preferences.clean_language(unescape_text(told)) if told else ""
    except Refused:
        return ""


def comparable(shared: bytes) -> bytes:
    """The shared body without what a client renews at every write."""
    return _STAMPS.sub(b"", shared)


def query(
    tx: Transaction, collection: Collection, wanted: CardFilter, limit: int | None = None
) -> tuple[list[Item], bool]:
    """The cards that match a CARDDAV:filter, with bodies; True if `limit` cut them (RFC 6352 §8.6).

    What the folded columns decide is decided in SQL; only other properties have bodies looked into.
    """
    plan = vcard_filter.plan(wanted)
    conditions = [] if plan.expression is None else [_indexed(collection, plan.expression)]
    found = viewing.load(tx, collection, *conditions, body=True)
    if not plan.exact:
        found = [item for item in found if _matches(wanted, item)]
    found.sort(key=lambda item: item.id)
    cut = limit is not None and len(found) > limit
    return (found[:limit] if cut else found), cut


def _matches(wanted: CardFilter, item: Item) -> bool:
    return item.body is not None and vcard_filter.matches(wanted, vcard.component_of(item.body))


def _indexed(collection: Collection, expression: Expression) -> sa.ColumnElement[bool]:
    ids = sa.select(card_index.c.item_id).where(card_index.c.collection_id == collection.id, _condition(expression))
    return items.c.id.in_(ids)


def _condition(expression: Expression) -> sa.ColumnElement[bool]:
    if isinstance(expression, Term):
        return _term(expression)
    parts = [_condition(part) for part in expression.terms]
    return sa.and_(*parts) if isinstance(expression, Every) else sa.or_(*parts)


def _term(term: Term) -> sa.ColumnElement[bool]:
    """Values of a column lie one per line: a comparison's ends are line ends."""
    column: Any = card_index.c[term.column]
    if term.column == "uid":
        column = sa.func.upper(column)
    if term.match_type is MatchType.CONTAINS:
        return contains(column, term.text)
    lines = sa.literal("\n") + column + sa.literal("\n")
    starts = term.match_type in (MatchType.EQUALS, MatchType.STARTS_WITH)
    ends = term.match_type in (MatchType.EQUALS, MatchType.ENDS_WITH)
    return contains(lines, ("\n" if starts else "") + term.text + ("\n" if ends else ""))
