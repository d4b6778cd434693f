"""Names of RFC 4791 that several modules use."""

from __future__ import annotations

from typing import Final

from servers.dav.names import CALDAV

CALENDAR: Final = f"{CALDAV}calendar"
CALENDAR_DATA: Final = f"{CALDAV}calendar-data"
CALENDAR_QUERY: Final = f"{CALDAV}calendar-query"
CALENDAR_MULTIGET: Final = f"{CALDAV}calendar-multiget"
FREE_BUSY_QUERY: Final = f"{CALDAV}free-busy-query"
MKCALENDAR: Final = f"{CALDAV}mkcalendar"
ATTACHMENTS: Final = "attachments"
"""Last segment but one of an attachment's URI, below the home of the calendar that it was added in (RFC 8607)."""
