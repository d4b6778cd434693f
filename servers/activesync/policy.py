"""What a device must obey before it gets anything ([MS-ASPROV] §2.2.2; EAS-05)."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Final

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Provision


@dataclass(frozen=True, slots=True)
class Policy:
    """The administrator's policy."""

    password: bool = False
    length: int = 0
    """Least length of the password; 0 is any."""
    lock_after_s: int = 0
    """0 is the owner's choice."""
    encryption: bool = False

    @property
    def mark(self) -> str:
        """What a device that obeys it is marked with; "" where nothing is demanded."""
        if self == NONE:
            return ""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:16]

    def document(self) -> Element:
        """EASProvisionDoc; without demands it says that no password is needed, which asks nothing of the owner."""
        locked = self.password or self.length or self.lock_after_s
        return Provision.EASProvisionDoc(
            Provision.DevicePasswordEnabled(1 if locked else 0),
            Provision.MinDevicePasswordLength(self.length) if self.length else None,
            Provision.MaxInactivityTimeDeviceLock(self.lock_after_s) if self.lock_after_s else None,
            Provision.AllowSimpleDevicePassword(1) if locked else None,
            Provision.RequireDeviceEncryption(1) if self.encryption else None,
        )


NONE: Final = Policy()
