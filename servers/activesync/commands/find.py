"""Find ([MS-ASCMD] §2.2.1.2, from 16.1 on): people, and mails by a line of search words."""

from __future__ import annotations

from typing import Final

from servers.activesync import gal, mail_items, mail_search
from servers.activesync.call import Call
from servers.activesync.commands.search import bounds_of, pictures_of
from servers.activesync.options import PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email, Email2, Find
from servers.activesync.wbxml.pages import ItemOperations as Item
from storage import directory
from storage.errors import NotFound
from storage.mail.types import DRAFTS, Mailbox, State

_OK, _INVALID, _FOLDER, _END = 1, 2, 3, 4
_OPTIONS: Final = Options(0, (Preference(PLAIN, 0, False, 255),))


def find(call: Call) -> Element:
    """Answer with the hits of the range that is asked for."""
    asked = None if call.body is None else call.body.find(Find.ExecuteSearch)
    mails = None if asked is None else asked.find(Find.MailBoxSearchCriterion)
    people = None if asked is None else asked.find(Find.GalSearchCriterion)
    chosen = people if mails is None else mails
    bounds = None if chosen is None else bounds_of(chosen.text_of(Find.Options, Find.Range))
    if chosen is None or bounds is None:
        return Find.Find(Find.Status(_INVALID))
    if mails is not None:
        return _mails(call, mails, *bounds)
    return _people(call, chosen, *bounds)


def _people(call: Call, asked: Element, first: int, last: int) -> Element:
    said = asked.find(Find.Options, Find.Picture)
    size = None if said is None else said.text_of(Find.MaxSize)
    pictures = pictures_of(said, size, None if said is None else said.text_of(Find.MaxPictures))
    with call.store.read(call.actor) as tx:
        found, more = directory.search(tx, asked.text_of(Find.Query) or "", last + 1)
        told = [
            Find.Result(AirSync.Class("GAL"), Find.Properties(*gal.properties(one, pictures)))
            for one in found[first : last + 1]
        ]
    return _answer("GAL", told, first, len(found) + more)


def _mails(call: Call, asked: Element, first: int, last: int) -> Element:
    query = asked.find(Find.Query)
    if query is None or query.text_of(AirSync.Class) not in (None, "Email"):
        return Find.Find(Find.Status(_INVALID))
    folders = tuple(one.text for one in query.all(AirSync.CollectionId))[:300]
    said = asked.find(Find.Options)
    deep = said is not None and Find.DeepTraversal in said
    wanted = mail_search.Wanted((query.text_of(Find.FreeText) or "").strip(), folders, deep)
    try:
        with call.store.read(call.actor) as tx:
            hits, total = mail_search.find(tx, wanted, first, last)
            told = [_hit(*one) for one in mail_search.shown(tx, hits, _OPTIONS, call.version)]
    except NotFound:
        return Find.Find(Find.Status(_OK), Find.Response(Item.Store("Mailbox"), Find.Status(_FOLDER)))
    return _answer("Mailbox", told, first, total)


def _hit(box: Mailbox, state: State, shown: list[Element]) -> Element:
    by_tag = {one.tag: one for one in shown}
    texts = (Email.Subject, Email.DateReceived, Email.DisplayTo, Email.Importance, Email.Read, Email.From)
    cc = by_tag.get(Email.Cc)
    preview = by_tag[AirSyncBase.Body].text_of(AirSyncBase.Preview) if AirSyncBase.Body in by_tag else None
    return Find.Result(
        AirSync.Class("Email"),
        AirSync.ServerId(mail_items.server_id(box, state.uid)),
        AirSync.CollectionId(str(box.id)),
        Find.Properties(
            *(by_tag[tag] for tag in texts if tag in by_tag),
            Find.DisplayCc(cc.text) if cc is not None else None,
            Email2.IsDraft(1 if box.name == DRAFTS else 0),
            Find.Preview.given(preview),
            Find.HasAttachments(1 if AirSyncBase.Attachments in by_tag else 0),
        ),
    )


def _answer(store: str, told: list[Element], first: int, total: int) -> Element:
    status = _OK if told or first == 0 else _END
    span = Find.Range(f"{first}-{first + len(told) - 1}") if told else None
    return Find.Find(
        Find.Status(_OK),
        Find.Response(Item.Store(store), Find.Status(status), *told, span, Find.Total(total) if told else None),
    )
