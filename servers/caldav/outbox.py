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
from storage import busy_times, preferences
from storage import collections as tree
from storage import principals as directory
from storage.errors import BadFormat, Denied, NotFound
from storage.formats import contentline, freebusy, itip, timezones
from storage.formats.contentline import Component, Property
from storage.scheduling import copies, people
from storage.store import Transaction
from storage.types import Right, Tool

_LONGEST_S: Final = 2 * 366 * 86_400
_MEDIA_TYPE: Final = re.compile(r"text/calendar\s*(;|$)", re.IGNORECASE)
_PERSON_SECONDS: Final = 500 * _LONGEST_S
"""People times time of one request: 500 for two years, 10,000 for five weeks."""


def post(context: Context) -> Response:
    """Answer a VFREEBUSY request at an outbox; elsewhere it is the add-member URL's POST."""
    if not _is_outbox(context):
        return add_member(context)
    if not _MEDIA_TYPE.match(context.request.header("Content-Type") or "text/calendar"):
        raise refuse(403, f"{CALDAV}supported-calendar-data", reason="messages are text/calendar")  # RFC 6638 §5.2
    body = context.request.body(context.settings.max_resource_octets)
    if (message := messages.read(body)) is not None:
        return messages.send(context, message)
    request = _read(body, context.settings.max_attendees)
    with reading(context) as tx:
        box = find(context, tx).owned_collection
        if not box.rights & (Right.SEND_INVITE | Right.SEND_REPLY):  # RFC 6638 §6.2.4
            raise Denied(Right.SEND_INVITE, tree.path(box))
        me = people.own_addresses(tx, box)
        if request.organizer not in me:
            raise refuse(403, f"{CALDAV}valid-organizer", reason="the ORGANIZER is not you")  # RFC 6638 §5.2.2
        zone = timezones.loads(str(preferences.of(tx, directory.me(tx)).get("timezone", "") or "")) or UTC
        rows = _answers(tx, request, me, zone)
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


def _read(body: bytes, most: int) -> _Request:
    """The request, about `most` people at most.

    Raises:
        HttpError: 400 valid-scheduling-message (RFC 6638 §5.2.1), 403 max-attendees-per-instance (§2.1).
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
    length = request.end - request.start
    if not 0 < length <= _LONGEST_S:
        raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="the time ends after it began, two years at most")
    if len(request.attendees) > (most := min(most, _PERSON_SECONDS // length)):
        raise refuse(403, f"{CALDAV}max-attendees-per-instance", reason=f"at most {most} people for so long a time")
    return request


def _answers(tx: Transaction, request: _Request, me: frozenset[str], zone: tzinfo) -> list[str]:
    """What is known of each person, floating times as in `zone`; a stranger is answered as nobody is (SYS-09).

    `me` are the addresses of whoever asks: he learns nothing of meetings that he does not organize. However many
    people it is about, it takes the same few queries.
    """
    asked = {itip.address(prop.value): prop for prop in request.attendees}
    who = {address: one.id for address, one in people.of_addresses(tx, list(asked)).items()}
    known = tree.calendars_of(tx, sorted({*who.values()}))
    calendars = [one for own, _ in known.values() for one in own]
    hidden = copies.organized_by(tx, list(known), request.masked, me) if request.masked else frozenset()
    span = request.start, request.end, zone
    times = busy_times.of_many(tx, calendars, *span, hidden, forgiving=True)
    away = dict(zip(known, unavailable.of_many(tx, list(known.values()), *span, forgiving=True), strict=True))
    rows: list[str] = []
    for address, prop in asked.items():  # each once: the answer about him is as long as his calendar is full
        person = who.get(address)
        if person is None or person not in known:
            rows.append(_row(prop, "<C:request-status>3.7;Invalid calendar user</C:request-status>"))
            continue
        periods = [period for one in known[person][0] for period in times.get(one.id, ())] + away[person]
        named = [Property("UID", request.uid), Property("ATTENDEE", prop.value, prop.params)]
        if request.sender is not None:
            named.append(Property("ORGANIZER", request.sender.value, request.sender.params))
        body = freebusy.freebusy(periods, request.start, request.end, named, method="REPLY")
        data = f"<C:calendar-data>{escape.text(body.decode())}</C:calendar-data>"
        rows.append(_row(prop, f"<C:request-status>2.0;Success</C:request-status>{data}"))
    return rows


def _row(prop: Property, told: str) -> str:
    href = escape.text(prop.value.strip())
    return f"<C:response><C:recipient><D:href>{href}</D:href></C:recipient>{told}</C:response>"


def _utc(text: str) -> int:
    return int(datetime.strptime(text.strip(), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())
