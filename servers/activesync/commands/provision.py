"""Provision: the handshake about a policy, and the order to wipe a lost device ([MS-ASPROV] §3.1.5; EAS-05)."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from servers.activesync.call import Call
from servers.activesync.commands import settings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Provision, Settings
from storage.activesync import devices

log = logging.getLogger(__name__)

_PROTOCOL, _MANAGED_ELSEWHERE = 2, 145
POLICY: Final = "MS-EAS-Provisioning-WBXML"
_OBEYED: Final = ("1", "2")
"""The device took all of the policy, or what it can of it ([MS-ASPROV] §2.2.2.54.1)."""


def provision(call: Call) -> Element:
    """Give the policy and a temporary key; then, when the device says that it took it, the final key.

    A device that is to be wiped is told that and nothing else, until it says that it did.
    """
    if call.body is None:
        return Provision.Provision(Provision.Status(_PROTOCOL))
    if call.device.wipe in devices.ORDERED:
        return _wipe(call, call.body)
    if Provision.Policy in call.body or not call.body.known:
        return Provision.Provision(Provision.Status(_PROTOCOL))  # policies stand in Policies ([MS-ASPROV] §2.2.2.38)
    said = call.body.find(Settings.DeviceInformation)
    information = None
    if said is not None:
        settings.describe(call, said)
        information = Settings.DeviceInformation(Settings.Status(1))
    asked = call.body.find(Provision.Policies, Provision.Policy)
    if asked is None:
        return Provision.Provision(information, Provision.Status(1))
    kind = asked.text_of(Provision.PolicyType) or ""
    if kind != POLICY:
        return _answer(information, Provision.PolicyType(kind), Provision.Status(3))
    key = asked.text_of(Provision.PolicyKey)
    if key is not None and (not call.device.policy_key or key != str(call.device.policy_key)):
        return _answer(information, Provision.PolicyType(kind), Provision.Status(5))
    if key is not None and asked.text_of(Provision.Status) == "4" and call.settings.policy.mark:
        # Somebody else's management of the device is none of this desk's ([MS-ASPROV] §3.2.5.1.2.2).
        return Provision.Provision(information, Provision.Status(_MANAGED_ELSEWHERE))
    fresh = secrets.randbelow(2**32 - 1) + 1
    obeys = key is not None and asked.text_of(Provision.Status) in _OBEYED
    with call.store.write(call.actor) as tx:
        devices.provision(tx, call.device, fresh, call.settings.policy.mark if obeys else None)
    document = Provision.Data(call.settings.policy.document()) if key is None else None
    return _answer(
        information, Provision.PolicyType(kind), Provision.Status(1), Provision.PolicyKey(str(fresh)), document
    )


def _wipe(call: Call, body: Element) -> Element:
    """[MS-ASPROV] §3.1.5.1.2: the order, and its acknowledgement; only what was ordered for this very device."""
    tag = Provision.AccountOnlyRemoteWipe if call.device.wipe == devices.ACCOUNT else Provision.RemoteWipe
    if body.text_of(tag, Provision.Status) == "1":
        with call.store.write(call.actor) as tx:
            devices.wiped(tx, call.device)
        log.warning("wiped", extra={"principal": call.actor.login, "device": call.device.device_id})
        return Provision.Provision(Provision.Status(1))
    return Provision.Provision(Provision.Status(1), tag())


def _answer(information: Element | None, *policy: Element | None) -> Element:
    return Provision.Provision(information, Provision.Status(1), Provision.Policies(Provision.Policy(*policy)))
