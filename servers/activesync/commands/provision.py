"""Provision: the handshake about a policy, which here asks nothing of the device ([MS-ASPROV] §3.1.5; EAS-05)."""

from __future__ import annotations

import secrets
from typing import Final

from servers.activesync.call import Call
from servers.activesync.commands import settings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Provision, Settings
from storage.activesync import devices

POLICY: Final = "MS-EAS-Provisioning-WBXML"


def provision(call: Call) -> Element:
    """Give the policy and a temporary key; then, when the device says that it took it, the final key."""
    if call.body is None:
        return Provision.Provision(Provision.Status(2))
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
    fresh = secrets.randbelow(2**32 - 1) + 1
    with call.store.write(call.actor) as tx:
        devices.remember(tx, call.device, policy_key=fresh)
    document = None
    if key is None:
        document = Provision.Data(Provision.EASProvisionDoc(Provision.DevicePasswordEnabled(0)))
    return _answer(
        information, Provision.PolicyType(kind), Provision.Status(1), Provision.PolicyKey(str(fresh)), document
    )


def _answer(information: Element | None, *policy: Element | None) -> Element:
    return Provision.Provision(information, Provision.Status(1), Provision.Policies(Provision.Policy(*policy)))
