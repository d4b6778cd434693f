"""GetItemEstimate ([MS-ASCMD] §2.2.1.9): how many things a Sync would tell."""

from __future__ import annotations

from dataclasses import replace

from servers.activesync import contents
from servers.activesync import options as wanted_of
from servers.activesync.call import Call
from servers.activesync.content import Lost
from servers.activesync.options import number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync
from servers.activesync.wbxml.pages import GetItemEstimate as Estimate
from storage.activesync import keys
from storage.errors import NotFound
from storage.store import Transaction

_OK, _MISSING, _NOT_PRIMED, _KEY, _XML = 1, 2, 3, 4, 103
_MOST = 100_000
COLLECTIONS_MAX = 1_000
"""Of one request ([MS-ASCMD] §3.1.5.10)."""


def get_item_estimate(call: Call) -> Element:
    """One Response for each folder."""
    listed = None if call.body is None else call.body.find(Estimate.Collections)
    if listed is None:
        return Estimate.GetItemEstimate(Estimate.Response(Estimate.Status(_MISSING)))
    asked = listed.all(Estimate.Collection)
    if len(asked) > COLLECTIONS_MAX:
        return Estimate.GetItemEstimate(Estimate.Status(_XML))
    with call.store.read(call.actor) as tx:
        found = [_one(tx, call, one) for one in asked]
    return Estimate.GetItemEstimate(*found)


def _one(tx: Transaction, call: Call, asked: Element) -> Element:
    folder = asked.text_of(Estimate.CollectionId) or ""
    key = asked.text_of(AirSync.SyncKey) or "0"
    status, count, name = _OK, 0, ""
    try:
        content = contents.of(tx, folder)
        name = content.name
        state = keys.current(tx, call.device, folder, key)
        if AirSync.ConversationMode in asked and not folder[:1].isdigit():
            status = _XML  # [MS-ASCMD] §2.2.3.36.1
        elif key == "0":
            status = _NOT_PRIMED
        elif state is None:
            status = _KEY
        else:
            options = wanted_of.read(asked, wanted_of.load(state.get("options")))
            if AirSync.FilterType in asked:  # 12.1 has no Options here ([MS-ASCMD] §2.2.3.68.1)
                options = replace(options, filter=number(asked.text_of(AirSync.FilterType), 0))
            if options.filter > wanted_of.FILTER_MAX:
                status = _XML if call.version >= 140 else _MISSING
            elif not call.device.waiting:
                count = content.count(tx, call.device, folder, state, options, _MOST)
    except NotFound:
        status = _MISSING
    except Lost:
        status = _KEY
    if status != _OK:
        return Estimate.Response(Estimate.Status(status), Estimate.Collection(Estimate.CollectionId(folder)))
    return Estimate.Response(
        Estimate.Status(status),
        Estimate.Collection(
            Estimate.Class(name) if call.version <= 121 else None,
            Estimate.CollectionId(folder),
            Estimate.Estimate(count),
        ),
    )
