"""Refusals that only meetings know; both are rules of the office, answered as `Refused` where nobody says more."""

from __future__ import annotations

from typing import Final

from storage.errors import Refused

IGNORED: Final = "2.3"
"""The status of a SCHEDULE-FORCE-SEND that means nothing here (RFC 6638 §7.2)."""


class OthersMeeting(Refused):
    """An attendee changed what only the organizer of the meeting may (MTG-12, RFC 6638 §3.2.2.1)."""


class AnotherOrganizer(Refused):
    """An organizer made somebody else the organizer of his meeting (RFC 6638 §3.2.4.3)."""


class ScheduledElsewhere(Refused):
    """The same meeting lies in another calendar of the same person (RFC 6638 §3.2.4.1)."""


class UnknownAttendee(Refused):
    """Somebody was added whom the organizer does not know, and the site wants that he does (MTG-03)."""


class SeveralOrganizers(Refused):
    """Instances of one meeting name different organizers (RFC 6638 §3.2.4.2)."""
