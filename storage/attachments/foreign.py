"""What becomes of attachments that a writer may not use (RFC 8607 §3.12)."""

from __future__ import annotations

from enum import Enum


class Foreign(Enum):
    """What becomes of a MANAGED-ID that the actor may not use in an item."""

    REFUSED = "refused"
    UNMANAGED = "unmanaged"
    """It becomes a plain link: what is imported speaks of other servers' attachments (§3.12.7)."""
    OF_SPACE = "of space"
    """The same, but the attachments of the item's own space are known: a former body is put back."""
