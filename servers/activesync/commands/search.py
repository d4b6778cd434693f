"""Search ([MS-ASCMD] §2.2.1.16): people, mails and other items, and documents of the disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from servers.activesync import documents, gal, mail_items, mail_search, mail_words, object_search
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.classes import event_times
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.commands import conversations
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, DocumentLibrary, Email, Search
from storage import directory
from storage.errors import GateClosed, NotFound

_OK, _INVALID, _BAD_LINK, _DENIED, _MISSING, _TOO_COMPLEX, _END, _BLOCKED, _CREDENTIALS = 1, 2, 4, 5, 6, 8, 12, 13, 14
RANGE_MAX: Final = 100
DOCUMENTS_MAX: Final = 1_000
"""As many as devices ask for of a folder ([MS-ASDOC] §4.3)."""
SHORTEST: Final = 2
"""Characters of a name: a single one would find everybody."""


def search(call: Call) -> Element:
    """Look into the store that is named."""
    asked = None if call.body is None else call.body.find(Search.Store)
    name = "" if asked is None else (asked.text_of(Search.Name) or "").lower()
    if asked is None or name not in ("gal", "mailbox", "documentlibrary"):
        return _answer(Search.Status(_INVALID))
    most = DOCUMENTS_MAX if name == "documentlibrary" else RANGE_MAX
    bounds = bounds_of(asked.text_of(Search.Options, Search.Range), most)
    if bounds is None:
        return _answer(Search.Status(_INVALID))
    if name == "documentlibrary":
        return _documents(call, asked, *bounds)
    return _people(call, asked, *bounds) if name == "gal" else _mails(call, asked, *bounds)


def bounds_of(text: str | None, most: int = RANGE_MAX) -> tuple[int, int] | None:
    """`0-24`, both counted from 0; None if it is no range. Without one, as many as are told at once."""
    if not text:
        return 0, most - 1
    first, dash, last = text.partition("-")
    begin, end = number(first.strip(), -1), number(last.strip(), -1)
    if not dash or not 0 <= begin <= end:
        return None
    return begin, min(end, begin + most - 1)


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
        found, more = directory.search(tx, text, last + 1)
        total = len(found) + more  # an estimate: there is something to ask for behind this range
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
    others = object_search.classes(call.version)
    if name not in (None, "Email") and name not in others:
        return _answer(Search.Status(_INVALID))
    text = (inner.text_of(Search.FreeText) or inner.value or "") if isinstance(inner.value, str) else ""
    folders = tuple(one.text for one in inner.all(AirSync.CollectionId))[:300]
    said = asked.find(Search.Options)
    if said is not None and wanted_of.is_odd(said):
        return _answer(Search.Status(_INVALID))
    if name in others or (name is None and folders and not any(one[:1].isdigit() for one in folders)):
        return _objects(call, text, folders, name, said, first, last)
    deep = said is not None and Search.DeepTraversal in said
    chosen = inner.all(Search.ConversationId)
    if chosen and (inner is query or len(chosen) > 1 or call.version < 140):  # [MS-ASCMD] §2.2.3.35.2
        return _answer(Search.Status(_TOO_COMPLEX if inner is query else _INVALID))
    wanted = mail_search.Wanted(text.strip(), folders, deep, since, before)
    options = wanted_of.Options() if said is None else wanted_of.of(said)
    try:
        with call.store.read(call.actor) as tx:
            for one in chosen:
                thread = conversations.thread_of(tx, conversations.octets_of(one))
                if thread is None:
                    return _found([], first, 0)
                wanted = replace(wanted, thread=thread)
            hits, total = mail_search.find(tx, wanted, first, last)
            told: list[Element] = []
            for box, state, shown in mail_search.shown(tx, hits, options, call.version):
                identified = Search.LongId(mail_items.server_id(box, state.uid))
                place = AirSync.CollectionId(str(box.id))
                told.append(Search.Result(AirSync.Class("Email"), identified, place, Search.Properties(*shown)))
    except NotFound:
        return _answer(Search.Status(_MISSING))
    return _found(told, first, total)


def _objects(
    call: Call, text: str, folders: tuple[str, ...], name: str | None, said: Element | None, first: int, last: int
) -> Element:
    """Items of calendars, address books, tasks and notes ([MS-ASNOTE] §3.2.5.2, and the like of the other classes)."""
    options = wanted_of.Options() if said is None else wanted_of.of(said)
    try:
        with call.store.read(call.actor) as tx:
            hits = object_search.find(tx, call, text[: mail_words.TEXT_MAX], folders, name)
            told = [
                Search.Result(
                    AirSync.Class(hit.kind), Search.LongId(hit.server_id), AirSync.CollectionId(hit.folder),
                    Search.Properties(*hit.shown(tx, call, options)),
                )
                for hit in hits[first : last + 1]
            ]  # fmt: skip
    except NotFound:
        return _answer(Search.Status(_MISSING))
    return _found(told, first, len(hits))


def _documents(call: Call, asked: Element, first: int, last: int) -> Element:
    """What a link names, and what is in it: the folder itself is the first result ([MS-ASCMD] §2.2.3.156)."""
    equal = asked.find(Search.Query, Search.EqualTo)
    if equal is None or DocumentLibrary.LinkId not in equal:  # [MS-ASDOC] §3.1.5.2
        return _answer(Search.Status(_INVALID))
    if documents.is_stranger(call, asked.text_of(Search.Options, Search.UserName)):
        return _answer(Search.Status(_CREDENTIALS))
    text = equal.text_of(Search.Value) or equal.text_of(DocumentLibrary.LinkId) or ""
    try:
        link = documents.link_of(call, text)
        with call.store.read(call.actor) as tx:
            found = documents.listing(tx, link)
    except (documents.BadLink, documents.Elsewhere) as error:
        return _answer(Search.Status(_BLOCKED if isinstance(error, documents.Elsewhere) else _BAD_LINK))
    except (NotFound, GateClosed) as error:
        return _answer(Search.Status(_MISSING if isinstance(error, NotFound) else _DENIED))
    told = [Search.Result(Search.Properties(*one)) for one in found[first : last + 1]]
    return _found(told, first, len(found))


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
