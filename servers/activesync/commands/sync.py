"""Sync ([MS-ASCMD] §2.2.1.21): the device's changes are carried out, and it is told what else happened.

All of one folder is one transaction: what the device did, its new state and the answer that it gets are on disk
together before the answer is sent. Without news the answer is empty, and the device keeps its keys.
"""

from __future__ import annotations

from typing import Final

from servers.activesync import contents, quiet
from servers.activesync import options as wanted_of
from servers.activesync.call import Answer, Call, Wait
from servers.activesync.content import Lost, Told
from servers.activesync.options import Options, number
from servers.activesync.quiet import Looks
from servers.activesync.wanted import WINDOW_MAX, Wanted, read
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync
from storage.activesync import devices, keys, standing
from storage.activesync.keys import UnknownKey
from storage.errors import NotFound
from storage.types import CollectionId

FOLDERS_MAX: Final = 300
_OK, _KEY, _PROTOCOL, _MISSING, _HIERARCHY, _INCOMPLETE, _INTERVAL, _TOO_MANY = 1, 3, 4, 8, 12, 13, 14, 15


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
    if _waits(body) and not lowest <= seconds <= highest:
        bound = lowest if seconds < lowest else highest
        in_minutes = AirSync.Wait in body
        return AirSync.Sync(AirSync.Status(_INTERVAL), AirSync.Limit(bound // 60 if in_minutes else bound))
    if any(map(wanted_of.asks_odd_part, asked)):
        return _status(wanted_of.ODD_PART)
    room = _room(body)
    windowed = AirSync.WindowSize in body
    chosen = [one for one in (read(one, windowed=windowed) for one in asked) if one is not None]
    if len(chosen) < len(asked):
        return _status(_PROTOCOL)
    idle = not any(one.commands or one.key == "0" for one in chosen)
    if idle and octets != call.device.sync_request:
        with call.store.write(call.actor) as tx:
            devices.remember(tx, call.device, sync_request=octets)
    if idle and not (found := _pending(call, chosen)):
        if seconds:
            return Wait(_watched(chosen), seconds, lambda: _told(call, chosen, room), lambda: None)
        return None
    return _told(call, chosen, room, all_of_them=not idle or bool(found))


def _told(call: Call, chosen: list[Wanted], room: int | None, *, all_of_them: bool = False) -> Element | None:
    """The answer: of `room` things in all folders together, where the request says so ([MS-ASCMD] §2.2.3.199)."""
    if not all_of_them and not _pending(call, chosen):
        return None
    found: list[Element] = []
    for wanted in chosen:
        if room is not None:
            if not room and not wanted.commands and wanted.key != "0":
                continue  # what there is comes next time
            wanted = wanted._replace(window=min(wanted.window, room))
        one = _collection(call, wanted)
        if one is _GONE:
            return _status(_HIERARCHY)
        if one is _SUPPORTED:
            return _status(_PROTOCOL)
        if one is None:
            continue
        found.append(one)
        commands = one.find(AirSync.Commands)
        if room is not None and commands is not None:
            room = max(room - len(commands.children), 0)
    return AirSync.Sync(AirSync.Collections(*found)) if found else None


_GONE: Final = AirSync.Status(_HIERARCHY)
_SUPPORTED: Final = AirSync.Status(_PROTOCOL)
"""Nothing of a note is ever left out ([MS-ASNOTE] §3.2.5.3)."""


def _pending(call: Call, chosen: list[Wanted]) -> bool:
    """Whether anything is to be told."""
    if call.device.waiting:
        return False
    looks = Looks(call)
    with call.store.read(call.actor) as tx:
        known = standing.of(tx, call.device)
        for wanted in chosen:
            here = known.get(wanted.folder)
            if here is not None and here.key == wanted.key and quiet.is_quiet(here, tx.now):
                kept = (here.state.get("options") or {}).get("filter", 0)
                if wanted.filter is None or wanted.filter == kept:
                    continue
            state = keys.current(tx, call.device, wanted.folder, wanted.key)
            if state is None:
                return True
            try:
                content = contents.of(tx, wanted.folder)
                kept = wanted_of.load(state.get("options"))
                options = wanted_of.read(wanted.element, kept)
                if options.filter != kept.filter:
                    return True
                if wanted.changes:
                    after = content.settled(tx, call.device, wanted.folder, state, options)
                    if after is None:
                        return True
                    looks.quiet(wanted.folder, wanted.key, state, after)
            except (NotFound, Lost):
                return True
    looks.note()
    return False


def _collection(call: Call, wanted: Wanted) -> Element | None:
    """The answer for one folder; None if there is nothing to say."""
    if call.device.waiting and wanted.key != "0":  # in quarantine its folders are empty
        return _answer(wanted, "", wanted.key, call.version, Told())
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        try:
            content = contents.of(tx, wanted.folder)
        except NotFound:
            return _GONE
        if content.name == "Notes" and AirSync.Supported in wanted.element:
            return _SUPPORTED
        if wanted.key == "0":
            kept = wanted_of.read(wanted.element, Options())
            state = {**content.begin(wanted.element, kept), "options": kept.dump()}
            fresh = keys.begin(tx, call.device, wanted.folder, state)
            return _answer(wanted, content.name, fresh, call.version, Told())
        request = wanted.request
        try:
            opened = keys.open_(tx, call.device, wanted.folder, wanted.key, request)
        except UnknownKey:
            return _failed(wanted, content.name, call.version)
        if opened.answer is not None:
            return decode(opened.answer)
        try:
            told = content.work(tx, call, wanted, opened)
        except Lost:
            return _failed(wanted, content.name, call.version)
        if not (told.commands or told.responses or wanted.commands or wanted.changes):
            return None
        answer = _answer(wanted, content.name, opened.key, call.version, told)
        keys.close(tx, opened, request, encode(answer))
        return answer


def _answer(wanted: Wanted, name: str, key: str, version: int, told: Told) -> Element:
    return AirSync.Collection(
        AirSync.Class.given(name) if version <= 121 else None,
        AirSync.SyncKey(key),
        AirSync.CollectionId(wanted.folder),
        AirSync.Status(_OK),
        AirSync.MoreAvailable() if told.more else None,
        AirSync.Commands(*told.commands) if told.commands else None,
        AirSync.Responses(*told.responses) if told.responses else None,
    )


def _failed(wanted: Wanted, name: str, version: int) -> Element:
    return AirSync.Collection(
        AirSync.Class.given(name) if version <= 121 else None,
        AirSync.SyncKey("0"),
        AirSync.CollectionId(wanted.folder),
        AirSync.Status(_KEY),
    )


def _status(status: int) -> Element:
    return AirSync.Sync(AirSync.Status(status))


def _seconds(body: Element) -> int | None:
    """How long the device would wait; None if it says two things at once."""
    minutes, seconds = body.text_of(AirSync.Wait), body.text_of(AirSync.HeartbeatInterval)
    if minutes is not None and seconds is not None:
        return None
    return number(seconds, 0) if minutes is None else number(minutes, 0) * 60


def _waits(body: Element) -> bool:
    return AirSync.Wait in body or AirSync.HeartbeatInterval in body


def _room(body: Element) -> int | None:
    """How many things all folders together are to tell; None if the request sets no bound."""
    if AirSync.WindowSize not in body:
        return None
    said = number(body.text_of(AirSync.WindowSize), 0)
    return said if 0 < said <= WINDOW_MAX else WINDOW_MAX


def _watched(chosen: list[Wanted]) -> list[CollectionId]:
    return [contents.number(one.folder) for one in chosen]


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
