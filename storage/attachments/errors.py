"""Refusals that only managed attachments know (RFC 8607 §3.11)."""

from __future__ import annotations

from storage.errors import LimitReached, Refused


class UnknownAttachment(Refused):
    """A MANAGED-ID in a body is nobody's, or not the actor's to use here (§3.7, §3.12.2)."""


class UnknownManagedId(Refused):
    """The instances that a request speaks of have no attachment of this MANAGED-ID."""


class UnknownInstance(Refused):
    """A recurrence instance that a request names is none of the object's."""


class TooManyAttachments(LimitReached):
    """More managed attachments than one object may have (§6.3)."""
