"""Whether a device gets what it asks for: plan, policy, wipe, quarantine ([MS-ASCMD] §2.2.2; EAS-05, EAS-14)."""

from __future__ import annotations

from typing import Final

from servers.activesync.call import Call
from storage import plans
from storage.activesync import devices
from storage.store import Store
from storage.types import SITE, Actor

BLOCKED, WIPE, NOT_PROVISIONED, REFRESH, WRONG_KEY = 129, 140, 142, 143, 144
_WITHOUT: Final = frozenset({"Provision", "Settings"})
"""What a device may ask before it obeys a policy."""
_WHILE_WAITING: Final = frozenset({"Provision", "Settings", "FolderSync", "Sync", "Ping", "GetItemEstimate"})
"""What a device that waits to be let in is answered: folders with nothing in them."""

GATE: Final = "eas"


def admit(store: Store, actor: Actor) -> Actor:
    """Pass whose plan includes mobile synchronisation (ACC-11).

    Raises:
        GateClosed: it does not.
    """
    with store.read(SITE) as tx:
        plans.allows(tx, actor.id, GATE)
    return actor


def refusal(call: Call) -> int | None:
    """The status that refuses a command; None if it is carried out."""
    command = call.query.command
    if command == "Provision":
        return None
    if call.device.wipe in devices.ORDERED:
        return WIPE
    if call.device.waiting and command not in _WHILE_WAITING:
        return BLOCKED
    mark = call.settings.policy.mark
    if not mark or command in _WITHOUT:
        return None
    if call.device.policy != mark:
        return REFRESH if call.device.policy else NOT_PROVISIONED
    return None if call.query.policy_key == call.device.policy_key else WRONG_KEY
