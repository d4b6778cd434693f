"""The CalDAV process: what RFC 4791 adds to the DAV kernel, and the WSGI application made of both."""

from __future__ import annotations

from typing import Any, Final

from conf.settings import Settings
from servers.caldav import attachments, data, outbox
from servers.caldav.mkcalendar import mkcalendar
from servers.caldav.names import CALENDAR, CALENDAR_DATA, CALENDAR_MULTIGET, CALENDAR_QUERY, FREE_BUSY_QUERY
from servers.caldav.reports.freebusy import free_busy_query
from servers.caldav.reports.multiget import calendar_multiget
from servers.caldav.reports.query import calendar_query
from servers.caldav.retrieving import get
from servers.dav import start
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.names import CALDAV, ESCRITOIRE
from servers.dav.protocol import Method, Protocol, Report
from servers.dav.resources import EVERY, Kind
from servers.http.response import Response
from storage import assigned_tasks, calendar, collections, errors
from storage.attachments import errors as attached
from storage.kinds import Prepared
from storage.overlay import merging
from storage.scheduling import errors as meetings
from storage.types import CALENDAR_TOOLS, SCHEDULE_TOOLS, SpaceKind, Tool

_OBJECTS: Final = frozenset({Kind.COLLECTION, Kind.ITEM})
_SEARCHED: Final = CALENDAR_TOOLS | {Tool.SCHEDULE_INBOX}
_MEDIA_TYPES: Final = frozenset({"", "text/calendar"})


def _prepare(body: bytes, content_type: str) -> Prepared:
    if content_type.partition(";")[0].strip().lower() not in _MEDIA_TYPES:
        raise errors.UnsupportedMedia(content_type)
    try:
        return calendar.prepare(body)
    except errors.OutOfRange as error:
        if error.early:
            raise refuse(403, f"{CALDAV}min-date-time", reason=str(error)) from None
        raise


def _post(context: Context) -> Response:
    """To an object its attachments; to a collection a new member, or a question to an outbox."""
    return attachments.post(context) if context.address.kind is Kind.ITEM else outbox.post(context)


def _before(context: Context) -> None:
    """CAL-25: whoever looks at his home, or at his merged calendar, finds it as it is now."""
    address = context.address
    if address.space_kind is not SpaceKind.PRIVATE or address.space != context.actor.login:
        return
    if address.kind is not Kind.HOME and address.collection != merging.NAME:
        return
    try:
        merging.freshen(context.store, context.actor)
    except errors.Busy:
        # A list of calendars tells no events, so that the others can be read on a full disk all the same (SYS-02).
        if address.kind is not Kind.HOME or context.request.method == "REPORT":
            raise


PROTOCOL: Final = Protocol(
    name="caldav",
    before=_before,
    tools=CALENDAR_TOOLS | SCHEDULE_TOOLS,
    dav_tokens=(
        "calendar-access",
        "calendar-auto-schedule",
        "calendar-proxy",
        "calendar-no-timezone",  # RFC 7809 §3.1.1
        "calendar-managed-attachments",  # RFC 8607 §3.2
    ),
    prepare=_prepare,
    represent=data.represent,
    preconditions={  # RFC 4791 §5.3.2.1
        errors.BadFormat: f"{CALDAV}valid-calendar-data",
        errors.BadObject: f"{CALDAV}valid-calendar-object-resource",
        errors.UnsupportedMedia: f"{CALDAV}supported-calendar-data",
        errors.UnsupportedComponent: f"{CALDAV}supported-calendar-component",
        errors.UidConflict: f"{CALDAV}no-uid-conflict",
        errors.TooLarge: f"{CALDAV}max-resource-size",
        errors.TooManyInstances: f"{CALDAV}max-instances",
        errors.TooManyAttendees: f"{CALDAV}max-attendees-per-instance",
        errors.OutOfRange: f"{CALDAV}max-date-time",
        collections.DefaultNeeded: f"{CALDAV}default-calendar-needed",  # RFC 6638 §4.3.1.1
        meetings.OthersMeeting: f"{CALDAV}allowed-attendee-scheduling-object-change",  # RFC 6638 §3.2.4.4
        meetings.AnotherOrganizer: f"{CALDAV}allowed-organizer-scheduling-object-change",  # RFC 6638 §3.2.4.3
        meetings.SeveralOrganizers: f"{CALDAV}same-organizer-in-all-components",
        meetings.UnknownAttendee: f"{ESCRITOIRE}attendee-allowed",  # MTG-03
        assigned_tasks.StatusOnly: f"{ESCRITOIRE}status-only",  # TASK-04
        meetings.ScheduledElsewhere: f"{CALDAV}unique-scheduling-object-resource",
        attached.UnknownAttachment: f"{CALDAV}valid-managed-id-parameter",  # RFC 8607 §3.11
        attached.UnknownManagedId: f"{CALDAV}valid-managed-id",
        attached.UnknownInstance: f"{CALDAV}valid-rid",
        attached.TooManyAttachments: f"{CALDAV}max-attachments-per-resource",
    },
    bodies=(CALENDAR_DATA, data.part),
    collection_types={CALENDAR: Tool.CALENDAR},
    reports={
        CALENDAR_QUERY: Report(calendar_query, _OBJECTS, "RFC 4791 §7.8", _SEARCHED),
        CALENDAR_MULTIGET: Report(calendar_multiget, _OBJECTS | {Kind.HOME}, "RFC 4791 §7.9", _SEARCHED),
        FREE_BUSY_QUERY: Report(
            free_busy_query, frozenset({Kind.COLLECTION, Kind.HOME}), "RFC 4791 §7.10", frozenset({Tool.CALENDAR})
        ),
    },
    methods={
        "MKCALENDAR": Method(mkcalendar, frozenset({Kind.HOME, Kind.COLLECTION}), "RFC 4791 §5.3.1", unmapped=True),
        "GET": Method(get, EVERY, "RFC 4918 §9.4, RFC 8607 §3.10"),
        "HEAD": Method(get, EVERY, "RFC 4918 §9.4, RFC 8607 §3.10"),
        "POST": Method(_post, _OBJECTS, "RFC 5995, RFC 6638 §5, RFC 8607 §3.3"),
    },
)


def make(settings: Settings) -> Any:
    """The WSGI application of one worker of this process."""
    return start.make(PROTOCOL, settings)
