"""POST to the scheduling outbox: when are these people busy? (RFC 6638 §5, CAL-07); and messages about a meeting."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

from servers.caldav import messages, unavailable
from servers.dav import escape, resources
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.methods.post import post as add_member
from servers.dav.names import CALDAV
from servers.dav.resources import Kind
from servers.dav.transactions import find, reading
from servers.http.response import Response
from storage import calendar, preferences
from storage import collections as tree
from storage import principals as directory
from storage.errors import BadFormat, Denied, NotFound
from storage.formats import contentline, freebusy, itip, timezones
from storage.formats.contentline import Component, Property
from storage.scheduling import copies, people
from storage.store import Transaction
from storage.types import Right, SpaceKind, Tool

_LONGEST_S: Final = 2 * 366 * 86_400
_MEDIA_TYPE: Final = re.compile(r"text/calendar\s*(;|$)", re.IGNORECASE)
_MOST: Final = 500
"""People in one request."""


def post(context: Context) -> Response:
    """Answer a VFREEBUSY request at an outbox; elsewhere it is the add-member URL's POST."""
    if not _is_outbox(context):
        return add_member(context)
    if not _MEDIA_TYPE.match(context.request.header("Content-Type") or "text/calendar"):
        raise refuse(403, f"{CALDAV}supported-calendar-data", reason="messages are text/calendar")  # RFC 6638 §5.2
    body = context.request.body(context.settings.max_resource_octets)
    if (message := messages.read(body)) is not None:
        return messages.send(context, message)
    request = _read(body)
    with reading(context) as tx:
        box = find(context, tx).owned_collection
        if not box.rights & (Right.SEND_INVITE | Right.SEND_REPLY):  # RFC 6638 §6.2.4
            raise Denied(Right.SEND_INVITE, tree.path(box))
        me = people.own_addresses(tx, box)
        if request.organizer not in me:
            raise refuse(403, f"{CALDAV}valid-organizer", reason="the ORGANIZER is not you")  # RFC 6638 §5.2.2
        zone = timezones.loads(str(preferences.of(tx, directory.me(tx)).get("timezone", "") or "")) or UTC
        rows = [_answer(tx, request, me, prop, zone) for prop in request.attendees]
    return messages.response(rows)


def _is_outbox(context: Context) -> bool:
    if context.address.kind is not Kind.COLLECTION:
        return False
    with reading(context) as tx:
        try:
            return resources.collection(tx, context.address).tool is Tool.SCHEDULE_OUTBOX
        except NotFound:
            return False


class _Request:
    """A checked VFREEBUSY request (RFC 5546 §3.3.2)."""

    def __init__(self, component: Component) -> None:
        self.uid: Final = component.value("UID").strip()
        self.sender: Final = component.get("ORGANIZER")
        self.organizer: Final = itip.address(component.value("ORGANIZER"))
        self.attendees: Final = component.all("ATTENDEE")
        self.start: Final = _utc(component.value("DTSTART"))
        self.end: Final = _utc(component.value("DTEND"))
        self.masked: Final = component.value("X-CALENDARSERVER-MASK-UID").strip()
        """A meeting that Apple Calendar is about to move: its attendees' time for it is free."""


def _read(body: bytes) -> _Request:
    """The request.

    Raises:
        HttpError: 400 valid-scheduling-message (RFC 6638 §5.2.1).
    """
    try:
        found = contentline.parse(body)
        (calendar_object,) = found
        (component,) = calendar_object.of("VFREEBUSY")
        request = _Request(component)
    except (BadFormat, ValueError) as error:
        reason = str(error) if isinstance(error, BadFormat) else "one VFREEBUSY with DTSTART and DTEND in UTC is wanted"
        raise refuse(400, f"{CALDAV}valid-scheduling-message", reason=reason) from None
    if calendar_object.value("METHOD").strip().upper() != "REQUEST" or not request.attendees or not request.uid:
        raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="METHOD:REQUEST, UID and an ATTENDEE are wanted")
    if not 0 < request.end - request.start <= _LONGEST_S or len(request.attendees) > _MOST:
        raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="too long a time, or too many people")
    return request


def _answer(tx: Transaction, request: _Request, me: frozenset[str], prop: Property, zone: tzinfo) -> str:
    """What is known of one person, floating times as in `zone`; a stranger is answered as nobody is (SYS-09).

    `me` are the addresses of whoever asks: he learns nothing of meetings that he does not organize.
    """
    address = itip.address(prop.value)
    person = people.of_address(tx, address)
    href = escape.text(prop.value.strip())
    head = f"<C:response><C:recipient><D:href>{href}</D:href></C:recipient>"
    try:
        if person is None:
            raise NotFound(address)
        home = tree.home(tx, SpaceKind.PRIVATE, person.login)
        inbox = tree.find(people.acting(tx, person), SpaceKind.PRIVATE, person.login, tree.INBOX)
    except NotFound:
        return f"{head}<C:request-status>3.7;Invalid calendar user</C:request-status></C:response>"
    calendars = [one for one in home if one.tool is Tool.CALENDAR]
    without = copies.organized_by(tx, person.id, request.masked, me) if request.masked else frozenset()
    periods: list[tuple[int, int, str]] = calendar.busy(tx, calendars, request.start, request.end, zone, without)
    periods += unavailable.periods(tx, calendars, request.start, request.end, zone, inbox)
    named = [Property("UID", request.uid), Property("ATTENDEE", prop.value, prop.params)]
    if request.sender is not None:
        named.append(Property("ORGANIZER", request.sender.value, request.sender.params))
    body = freebusy.freebusy(periods, request.start, request.end, named, method="REPLY")
    data = escape.text(body.decode())
    status = "<C:request-status>2.0;Success</C:request-status>"
    return f"{head}{status}<C:calendar-data>{data}</C:calendar-data></C:response>"


def _utc(text: str) -> int:
    return int(datetime.strptime(text.strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
