"""Search ([MS-ASCMD] §2.2.1.16): people, and mails."""

from __future__ import annotations

from typing import Final

from servers.activesync import gal, mail_items, mail_search
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.classes import event_times
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email, Search
from storage import directory
from storage.errors import NotFound

_OK, _INVALID, _MISSING, _END = 1, 2, 6, 12
RANGE_MAX: Final = 100
SHORTEST: Final = 2
"""Characters of a name: a single one would find everybody."""


def search(call: Call) -> Element:
    """Look into the store that is named."""
    asked = None if call.body is None else call.body.find(Search.Store)
    name = "" if asked is None else (asked.text_of(Search.Name) or "").lower()
    if asked is None or name not in ("gal", "mailbox"):
        return _answer(Search.Status(_INVALID))
    bounds = bounds_of(asked.text_of(Search.Options, Search.Range))
    if bounds is None:
        return _answer(Search.Status(_INVALID))
    return _people(call, asked, *bounds) if name == "gal" else _mails(call, asked, *bounds)


def bounds_of(text: str | None) -> tuple[int, int] | None:
    """`0-24`, both counted from 0; None if it is no range. Without one, the first hundred."""
    if not text:
        return 0, RANGE_MAX - 1
    first, dash, last = text.partition("-")
    begin, end = number(first.strip(), -1), number(last.strip(), -1)
    if not dash or not 0 <= begin <= end:
        return None
    return begin, min(end, begin + RANGE_MAX - 1)


def pictures_of(said: Element | None, size: str | None, most: str | None) -> gal.Pictures | None:
    """What a Picture element asks for; None if there is none."""
    if said is None:
        return None
    return gal.Pictures(number(most, 100), number(size, 100_000))


def _people(call: Call, asked: Element, first: int, last: int) -> Element:
    text = (asked.text_of(Search.Query) or "").strip()
    if len(text) < SHORTEST:
        return _answer(Search.Status(_OK), Search.Result())
    said = asked.find(Search.Options, Search.Picture)
    size = None if said is None else said.text_of(Search.MaxSize)
    pictures = pictures_of(said, size, None if said is None else said.text_of(Search.MaxPictures))
    with call.store.read(call.actor) as tx:
        found, _ = directory.search(tx, text, last + 1)
        total = len(found)
        told = [Search.Result(Search.Properties(*gal.properties(one, pictures))) for one in found[first : last + 1]]
    return _found(told, first, total)


def _mails(call: Call, asked: Element, first: int, last: int) -> Element:
    query = asked.find(Search.Query)
    inner = None if query is None else query.find(Search.And) or query
    if inner is None:
        return _answer(Search.Status(_INVALID))
    try:
        since = _moment(inner, Search.GreaterThan)
        before = _moment(inner, Search.LessThan)
    except Unconvertible:
        return _answer(Search.Status(_INVALID))
    name = inner.text_of(AirSync.Class)
    if name not in (None, "Email"):
        return _answer(Search.Status(_INVALID))
    text = (inner.text_of(Search.FreeText) or inner.value or "") if isinstance(inner.value, str) else ""
    folders = tuple(one.text for one in inner.all(AirSync.CollectionId))[:300]
    said = asked.find(Search.Options)
    deep = said is not None and Search.DeepTraversal in said
    wanted = mail_search.Wanted(text.strip(), folders, deep, since, before)
    options = wanted_of.Options() if said is None else wanted_of.of(said)
    try:
        with call.store.read(call.actor) as tx:
            hits, total = mail_search.find(tx, wanted, first, last)
            told: list[Element] = []
            for box, state, shown in mail_search.shown(tx, hits, options, call.version):
                identified = Search.LongId(mail_items.server_id(box, state.uid))
                place = AirSync.CollectionId(str(box.id))
                told.append(Search.Result(AirSync.Class("Email"), identified, place, Search.Properties(*shown)))
    except NotFound:
        return _answer(Search.Status(_MISSING))
    return _found(told, first, total)


def _moment(query: Element, tag: object) -> int | None:
    """The value that DateReceived is compared with ([MS-ASCMD] §2.2.3.87)."""
    for one in query.children:
        if one.tag is tag and Email.DateReceived in one:
            return event_times.seconds_of(one.text_of(Search.Value) or "")
    return None


def _found(told: list[Element], first: int, total: int) -> Element:
    if not told:
        return _answer(Search.Status(_OK if first == 0 else _END), Search.Result())
    last = first + len(told) - 1
    return _answer(Search.Status(_OK), *told, Search.Range(f"{first}-{last}"), Search.Total(total))


def _answer(*inside: Element) -> Element:
    return Search.Search(Search.Status(_OK), Search.Response(Search.Store(*inside)))
