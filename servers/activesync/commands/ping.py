"""Ping ([MS-ASCMD] §2.2.1.13): the answer comes when one of the folders has something to tell."""

from __future__ import annotations

from servers.activesync import contents, quiet
from servers.activesync import options as wanted_of
from servers.activesync.call import Answer, Call, Wait
from servers.activesync.commands import folders
from servers.activesync.content import Lost
from servers.activesync.options import number
from servers.activesync.quiet import Looks
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import Ping
from storage.activesync import devices, standing
from storage.errors import NotFound

FOLDERS_MAX = 200
_OVER, _CHANGES, _PARAMETERS, _SYNTAX, _INTERVAL, _TOO_MANY, _HIERARCHY = 1, 2, 3, 4, 5, 6, 7


def ping(call: Call) -> Answer:
    """Wait for news of some folders, or say at once what is wrong."""
    body = _whole(call)
    if body is None and call.body is not None and not call.body.known:
        return Ping.Ping(Ping.Status(_SYNTAX))  # not an empty request, but one that asks for nothing
    if body is None:
        return Ping.Ping(Ping.Status(_PARAMETERS))
    seconds = number(body.text_of(Ping.HeartbeatInterval), 0)
    lowest, highest = call.settings.heartbeat_min_s, call.settings.heartbeat_max_s
    if not lowest <= seconds <= highest:
        bound = lowest if seconds < lowest else highest
        return Ping.Ping(Ping.Status(_INTERVAL), Ping.HeartbeatInterval(bound))
    listed = body.find(Ping.Folders)
    asked = list(dict.fromkeys(one.text_of(Ping.Id) or "" for one in (listed.all(Ping.Folder) if listed else [])))
    if not asked:
        return Ping.Ping(Ping.Status(_PARAMETERS))
    if len(asked) > FOLDERS_MAX:
        return Ping.Ping(Ping.Status(_TOO_MANY), Ping.MaxFolders(FOLDERS_MAX))
    octets = encode(body)
    if octets != call.device.ping_request:
        with call.store.write(call.actor) as tx:
            devices.remember(tx, call.device, ping_request=octets)
    try:
        with call.store.read(call.actor) as tx:
            watched = [contents.of(tx, one).collection for one in asked]
            known = folders.is_told(tx, call)
    except NotFound:
        return Ping.Ping(Ping.Status(_HIERARCHY))
    if not known:  # so that it hears of new folders, and of those that it lost (SYS-10)
        return Ping.Ping(Ping.Status(_HIERARCHY))
    return Wait(watched, seconds, lambda: _look(call, asked), lambda: Ping.Ping(Ping.Status(_OVER)))


def _whole(call: Call) -> Element | None:
    """The request, with what it leaves out as in the last one."""
    kept = decode(call.device.ping_request) if call.device.ping_request is not None else None
    if call.body is None:
        return kept
    if kept is None:
        return call.body if Ping.Folders in call.body and Ping.HeartbeatInterval in call.body else None
    interval = call.body.find(Ping.HeartbeatInterval) or kept.find(Ping.HeartbeatInterval)
    listed = call.body.find(Ping.Folders) or kept.find(Ping.Folders)
    return Ping.Ping(interval, listed)


def _look(call: Call, asked: list[str]) -> Element | None:
    changed: list[str] = []
    if call.device.waiting:
        return None
    looks = Looks(call)
    with call.store.read(call.actor) as tx:
        known = standing.of(tx, call.device)
        for folder in asked:
            here = known.get(folder)
            if here is not None and quiet.is_quiet(here, tx.now):
                continue
            try:
                content = contents.of(tx, folder)
            except NotFound:
                return Ping.Ping(Ping.Status(_HIERARCHY))
            if here is None:
                changed.append(folder)  # it was never synchronised: the device is to begin
                continue
            state = here.state
            try:
                options = wanted_of.load(state.get("options"))
                after = content.settled(tx, call.device, folder, state, options)
                if after is None:
                    changed.append(folder)
                else:
                    looks.quiet(folder, here.key, state, after)
            except Lost:
                changed.append(folder)
    looks.note()
    if not changed:
        return None
    return Ping.Ping(Ping.Status(_CHANGES), Ping.Folders(*(Ping.Folder(one) for one in changed)))
