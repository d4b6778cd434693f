"""Sync ([MS-ASCMD] §2.2.1.21): the device's changes are carried out, and it is told what else happened.

All of one folder is one transaction: what the device did, its new state and the answer that it gets are on disk
together before the answer is sent. Without news the answer is empty, and the device keeps its keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from servers.activesync import hierarchy, mail_changes, mail_sync
from servers.activesync import options as wanted_of
from servers.activesync.call import Answer, Call, Wait
from servers.activesync.classes import mail
from servers.activesync.options import Options, number
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync
from storage.activesync import devices, keys
from storage.activesync.keys import Opened, UnknownKey
from storage.errors import NotFound
from storage.mail.types import Mailbox, State
from storage.store import Transaction
from storage.types import CollectionId

WINDOW: Final = 100
WINDOW_MAX: Final = 512
FOLDERS_MAX: Final = 300
COMMANDS_MAX: Final = 2_000
ANSWER_OCTETS: Final = 2 * 1024 * 1024
PAGE: Final = 50
PAGE_OCTETS: Final = 4 * 1024 * 1024
_OK, _KEY, _PROTOCOL, _MISSING, _HIERARCHY, _INCOMPLETE, _INTERVAL, _TOO_MANY = 1, 3, 4, 8, 12, 13, 14, 15


@dataclass(frozen=True, slots=True)
class Wanted:
    """One Collection of a request."""

    element: Element
    key: str
    folder: str
    window: int
    changes: bool
    """The device asks for what changed here."""
    commands: list[Element]

    @property
    def request(self) -> str:
        """What the request is recognised by if it comes again."""
        return keys.digest(encode(self.element))


def sync(call: Call) -> Answer:
    """Answer a Sync; with Wait or HeartbeatInterval, when there is news."""
    body, octets = call.body, call.octets
    if body is None or AirSync.Partial in body:
        if call.device.sync_request is None:
            return _status(_INCOMPLETE)
        kept = decode(call.device.sync_request)
        body = kept if body is None else _merged(kept, body)
        octets = encode(body)
    collections = body.find(AirSync.Collections)
    if collections is None:
        return _status(_PROTOCOL)
    asked = collections.all(AirSync.Collection)
    if len(asked) > FOLDERS_MAX:
        return AirSync.Sync(AirSync.Status(_TOO_MANY), AirSync.Limit(FOLDERS_MAX))
    seconds = _seconds(body)
    if seconds is None:
        return _status(_PROTOCOL)
    lowest, highest = call.settings.heartbeat_min_s, call.settings.heartbeat_max_s
    if seconds and not lowest <= seconds <= highest:
        bound = lowest if seconds < lowest else highest
        in_minutes = AirSync.Wait in body
        return AirSync.Sync(AirSync.Status(_INTERVAL), AirSync.Limit(bound // 60 if in_minutes else bound))
    general = body.text_of(AirSync.WindowSize)
    wanted = [_wanted(one, general) for one in asked]
    if any(one is None for one in wanted):
        return _status(_PROTOCOL)
    chosen = [one for one in wanted if one is not None]
    if octets != call.device.sync_request and not any(one.commands or one.key == "0" for one in chosen):
        with call.store.write(call.actor) as tx:
            devices.remember(tx, call.device, sync_request=octets)
    idle = not any(one.commands or one.key == "0" for one in chosen)
    if idle and not (found := _pending(call, chosen)):
        if seconds:
            return Wait(_watched(chosen), seconds, lambda: _told(call, chosen), lambda: None)
        return None
    return _told(call, chosen, all_of_them=not idle or bool(found))


def _told(call: Call, chosen: list[Wanted], *, all_of_them: bool = False) -> Element | None:
    if not all_of_them and not _pending(call, chosen):
        return None
    found = [one for one in (_collection(call, wanted) for wanted in chosen) if one is not None]
    if any(one is _GONE for one in found):
        return _status(_HIERARCHY)
    return AirSync.Sync(AirSync.Collections(*found)) if found else None


_GONE: Final = AirSync.Status(_HIERARCHY)


def _pending(call: Call, chosen: list[Wanted]) -> bool:
    """Whether anything is to be told, without writing."""
    with call.store.read(call.actor) as tx:
        for wanted in chosen:
            state = keys.current(tx, call.device, wanted.folder, wanted.key)
            if state is None:
                return True
            try:
                box = hierarchy.mailbox(tx, wanted.folder)
                if wanted.changes and _news(tx, call, wanted, box, state, 1):
                    return True
                kept = wanted_of.load(state.get("options"))
                if wanted_of.read(wanted.element, kept).filter != kept.filter:
                    return True
            except (NotFound, mail_sync.Lost):
                return True
    return False


def _news(
    tx: Transaction, call: Call, wanted: Wanted, box: Mailbox, state: dict[str, Any], most: int
) -> mail_sync.News:
    options = wanted_of.read(wanted.element, wanted_of.load(state.get("options")))
    return mail_sync.look(tx, call.device, wanted.folder, box, state, options, most)


def _collection(call: Call, wanted: Wanted) -> Element | None:
    """The answer for one folder; None if there is nothing to say."""
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        try:
            box = hierarchy.mailbox(tx, wanted.folder)
        except NotFound:
            return _GONE
        if wanted.key == "0":
            kept = wanted_of.read(wanted.element, Options())
            state = {**mail_sync.begin(box), "options": kept.dump()}
            return _answer(wanted, keys.begin(tx, call.device, wanted.folder, state), call.version)
        request = wanted.request
        try:
            opened = keys.open_(tx, call.device, wanted.folder, wanted.key, request)
        except UnknownKey:
            return _failed(wanted, _KEY, call.version)
        if opened.answer is not None:
            return decode(opened.answer)
        try:
            answer = _work(tx, call, wanted, box, opened)
        except mail_sync.Lost:
            return _failed(wanted, _KEY, call.version)
        if answer is None:
            return None
        keys.close(tx, opened, request, encode(answer))
        return answer


def _work(tx: Transaction, call: Call, wanted: Wanted, box: Mailbox, opened: Opened) -> Element | None:
    state = opened.state
    before = wanted_of.load(state.get("options"))
    options = wanted_of.read(wanted.element, before)
    if options.filter != before.filter:
        _refilter(state, box, before, options)
    state["options"] = options.dump()
    to_trash = wanted.element.text_of(AirSync.DeletesAsMoves) != "0"
    done = mail_changes.apply(
        tx, opened, box, wanted.commands, to_trash=to_trash, options=options, protocol=call.version
    )
    if done.held:
        keys.hold(tx, opened, done.held)
        box = hierarchy.mailbox(tx, wanted.folder)
    told: list[Element] = []
    more = False
    if wanted.changes:
        news = mail_sync.look(tx, call.device, wanted.folder, box, state, options, wanted.window)
        told, news = _commands(tx, box, news, state["base"], options, call.version)
        keys.hold(tx, opened, mail_sync.held_after(news))
        mail_sync.take(state, news, options, tx.now)
        more = news.more
    if not told and not done.responses and not wanted.commands and not wanted.changes:
        return None
    return _answer(wanted, opened.key, call.version, told, done.responses, more=more)


def _refilter(state: dict[str, Any], box: Mailbox, before: Options, options: Options) -> None:
    """Another window: a longer one is walked anew, a shorter one lets the older ones fade."""
    longer = options.days == 0 or (before.days and options.days > before.days)
    if longer and before.days:
        state["below"] = box.uid_next
    state["day"] = 0


def _commands(
    tx: Transaction, box: Mailbox, news: mail_sync.News, base: int, options: Options, protocol: int
) -> tuple[list[Element], mail_sync.News]:
    """The commands that tell the news; fewer additions if they would be very long, with all told up to `base`."""
    told = [AirSync.Delete(AirSync.ServerId(mail_changes.server_id(box, uid))) for uid in news.deleted]
    told += [AirSync.SoftDelete(AirSync.ServerId(mail_changes.server_id(box, uid))) for uid in news.faded]
    told += [
        AirSync.Change(AirSync.ServerId(mail_changes.server_id(box, one.uid)), mail.changed(one, protocol))
        for one in news.changed
    ]
    octets = at = 0
    while at < len(news.added):
        page = _page(news.added, at)
        at += len(page)
        shown = mail.whole(tx, box, page, options, protocol)
        for one in page:
            if one.uid in shown:
                data = AirSync.ApplicationData(*shown[one.uid])
                told.append(AirSync.Add(AirSync.ServerId(mail_changes.server_id(box, one.uid)), data))
                octets += sum(len(part.value) for part in data.walk())
        if octets > ANSWER_OCTETS and at < len(news.added):
            if at < news.walked:
                news.below = page[-1].uid  # the walk goes on from here
            del news.added[at:]
            news.more, news.base = True, base
            break
    return told, news


def _page(added: list[State], at: int) -> list[State]:
    """The next few mails: as many as may stand in memory together."""
    page = [added[at]]
    octets = added[at].octets
    for one in added[at + 1 : at + PAGE]:
        octets += one.octets
        if octets > PAGE_OCTETS:
            break
        page.append(one)
    return page


def _answer(
    wanted: Wanted, key: str, version: int, told: list[Element] | None = None, responses: list[Element] | None = None,
    *, more: bool = False,
) -> Element:  # fmt: skip
    return AirSync.Collection(
        AirSync.Class("Email") if version <= 121 else None,
        AirSync.SyncKey(key),
        AirSync.CollectionId(wanted.folder),
        AirSync.Status(_OK),
        AirSync.MoreAvailable() if more else None,
        AirSync.Commands(*told) if told else None,
        AirSync.Responses(*responses) if responses else None,
    )


def _failed(wanted: Wanted, status: int, version: int) -> Element:
    return AirSync.Collection(
        AirSync.Class("Email") if version <= 121 else None,
        AirSync.SyncKey("0"),
        AirSync.CollectionId(wanted.folder),
        AirSync.Status(status),
    )


def _status(status: int) -> Element:
    return AirSync.Sync(AirSync.Status(status))


def _wanted(element: Element, general: str | None) -> Wanted | None:
    key, folder = element.text_of(AirSync.SyncKey), element.text_of(AirSync.CollectionId)
    commands = element.find(AirSync.Commands)
    given = [] if commands is None else commands.known
    if not key or not folder or len(key) > 64 or len(folder) > 64 or len(given) > COMMANDS_MAX:
        return None
    window = number(element.text_of(AirSync.WindowSize) or general, WINDOW)
    said = element.text_of(AirSync.GetChanges)
    changes = key != "0" if said is None else said != "0"
    return Wanted(element, key, folder, window if 0 < window <= WINDOW_MAX else WINDOW_MAX, changes, given)


def _seconds(body: Element) -> int | None:
    """How long the device would wait; None if it says two things at once."""
    minutes, seconds = body.text_of(AirSync.Wait), body.text_of(AirSync.HeartbeatInterval)
    if minutes is not None and seconds is not None:
        return None
    return number(seconds, 0) if minutes is None else number(minutes, 0) * 60


def _watched(chosen: list[Wanted]) -> list[CollectionId]:
    return [CollectionId(int(one.folder)) for one in chosen]


def _merged(kept: Element, part: Element) -> Element:
    """A Partial request: what it does not name is as in the last whole one ([MS-ASCMD] §2.2.3.130)."""
    said = [one for one in part.children if one.tag not in (AirSync.Partial, AirSync.Collections)]
    tags = {one.tag for one in said} | {AirSync.Collections}
    if tags & {AirSync.Wait, AirSync.HeartbeatInterval}:
        tags |= {AirSync.Wait, AirSync.HeartbeatInterval}
    before = _by_folder(kept)
    now = before | _by_folder(part)
    others = [one for one in kept.children if one.tag not in tags]
    return Element(AirSync.Sync, "", [AirSync.Collections(*now.values()), *others, *said])


def _by_folder(body: Element) -> dict[str, Element]:
    collections = body.find(AirSync.Collections)
    found = [] if collections is None else collections.all(AirSync.Collection)
    return {one.text_of(AirSync.CollectionId) or "": one for one in found}
