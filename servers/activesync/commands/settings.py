"""Settings: what the device tells of itself, and what it may know of the account ([MS-ASCMD] §2.2.1.18)."""

from __future__ import annotations

from servers.activesync import away
from servers.activesync.call import Call
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Settings
from storage import principals
from storage.activesync import devices
from storage.mail import sending

_OK, _PROTOCOL, _UNAVAILABLE = 1, 2, 4


def settings(call: Call) -> Element:
    """Answer each part by itself; what there is not is said to be unavailable."""
    if call.body is None:
        return Settings.Settings(Settings.Status(_PROTOCOL))
    password = call.body.find(Settings.DevicePassword, Settings.Set)
    if password is not None and Settings.Password not in password:
        return Settings.Settings(Settings.Status(_PROTOCOL))  # nothing of it is looked at ([MS-ASCMD] §2.2.1.18)
    parts: list[Element] = []
    for part in call.body.known:
        if part.tag is Settings.DeviceInformation:
            describe(call, part)
            parts.append(Settings.DeviceInformation(Settings.Status(_OK)))
        elif part.tag is Settings.UserInformation:
            parts.append(_user(call))
        elif part.tag is Settings.Oof:
            parts.append(away.oof(call, part))
        elif part.tag is Settings.DevicePassword:
            parts.append(Settings.DevicePassword(Settings.Status(7)))  # denied by policy: none is kept here
        elif part.tag is Settings.RightsManagementInformation:
            parts.append(Settings.RightsManagementInformation(Settings.Status(_UNAVAILABLE)))
    return Settings.Settings(Settings.Status(_OK), *parts)


def describe(call: Call, said: Element) -> None:
    """Keep what the device says in DeviceInformation ([MS-ASCMD] §2.2.3.45)."""
    found = said.find(Settings.Set)
    if found is None:
        return
    told = {
        name: text
        for name, tag in (("model", Settings.Model), ("os", Settings.OS), ("friendly_name", Settings.FriendlyName))
        if (text := found.text_of(tag)) is not None
    }
    with call.store.write(call.actor) as tx:
        devices.describe(tx, call.device, **told)


def _user(call: Call) -> Element:
    """The addresses that the account sends from, and its name ([MS-ASCMD] §2.2.3.182, §2.2.3.185)."""
    with call.store.read(call.actor) as tx:
        own = sending.addresses(tx, call.actor, call.settings.site.domains)
        name = principals.me(tx).display_name
    primary = Settings.PrimarySmtpAddress(own[0]) if own and call.version >= 141 else None
    addresses = Settings.EmailAddresses(primary, *(Settings.SMTPAddress(one) for one in own))
    if call.version < 141:
        return Settings.UserInformation(Settings.Status(_OK), Settings.Get(addresses))
    accounts = Settings.Accounts(Settings.Account(Settings.UserDisplayName.given(name), addresses))
    return Settings.UserInformation(Settings.Status(_OK), Settings.Get(accounts))
