"""POST of a COUNTER, DECLINECOUNTER or REFRESH to the outbox: what no calendar can say (RFC 5546 §3.2.6…3.2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from servers.dav import escape
from servers.dav.context import Context
from servers.dav.errors import refuse
from servers.dav.names import CALDAV
from servers.dav.transactions import find, writing
from servers.http.response import Response
from storage import collections as tree
from storage.errors import BadFormat, Denied, StorageError
from storage.formats import contentline, icalendar, itip
from storage.formats.contentline import Component
from storage.scheduling import delivery, exchange, people
from storage.types import Collection, Right

_HEAD: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<C:schedule-response xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
)
_STATUS: Final = {
    delivery.DELIVERED: "2.0;Success",
    delivery.SENT: "1.1;Message sent",
    delivery.INVALID: "3.7;Invalid calendar user",
    delivery.FAILED: "5.1;Service unavailable",
}
"""REQUEST-STATUS of RFC 5546 §3.6 for what RFC 6638 §3.2.9 calls it."""
_RECIPIENTS: Final = 100
_ATTENDEES: Final = frozenset({"COUNTER", "REFRESH"})


@dataclass(frozen=True, slots=True)
class Message:
    """A message about one meeting, without METHOD."""

    method: str
    calendar: Component


def read(body: bytes) -> Message | None:
    """The message, or None if it is of another kind or cannot be read: then others say why."""
    try:
        calendar = icalendar.one_calendar(contentline.parse(body))
    except (BadFormat, StorageError):
        return None
    method = calendar.value("METHOD").strip().upper()
    if method not in exchange.METHODS:
        return None
    calendar.properties = [prop for prop in calendar.properties if prop.name != "METHOD"]
    return Message(method, calendar)


def send(context: Context, message: Message) -> Response:
    """Bring it to whom it is for: the organizer, or the attendees whose proposal is declined.

    Raises:
        HttpError: 400 valid-scheduling-message, 403 valid-organizer (RFC 6638 §5.2.1, §5.2.2).
    """
    parts = itip.parts(message.calendar)
    organizers = {itip.address(each.value("ORGANIZER")) for each in parts}
    uids = {each.value("UID").strip() for each in parts}
    if len(organizers) != 1 or "" in organizers or len(uids) != 1 or "" in uids:
        raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="one UID and one ORGANIZER are wanted")
    (organizer,) = organizers
    if message.method == "COUNTER":
        try:
            icalendar.understand(message.calendar)
        except StorageError as error:
            raise refuse(400, f"{CALDAV}valid-scheduling-message", reason=str(error)) from None
    attendees = itip.attendees(message.calendar)
    with writing(context) as tx:
        outbox: Collection = find(context, tx).owned_collection
        needed = Right.SEND_REPLY if message.method in _ATTENDEES else Right.SEND_INVITE
        if not outbox.rights & needed:  # RFC 6638 §6.2.2, §6.2.3
            raise Denied(needed, tree.path(outbox))
        me = people.own_addresses(tx, outbox, message.calendar)
        if message.method in _ATTENDEES:
            sender = next((address for address in attendees if address in me), "")
            to = [organizer]
            if not sender or organizer in me:
                raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="you are no ATTENDEE of this")
        else:
            sender, to = organizer, [address for address in attendees if address not in me]
            if organizer not in me:
                raise refuse(403, f"{CALDAV}valid-organizer", reason="the ORGANIZER is not you")
        if not 0 < len(to) <= _RECIPIENTS:
            raise refuse(400, f"{CALDAV}valid-scheduling-message", reason="nobody to send it to, or too many")
        statuses = {one: exchange.send(tx, sender, one, message.method, message.calendar) for one in to}
    return response([_row(one, _STATUS[status]) for one, status in statuses.items()])


def response(rows: list[str]) -> Response:
    """CALDAV:schedule-response (RFC 6638 §10.1)."""
    body = f"{_HEAD}{''.join(rows)}</C:schedule-response>".encode()
    return Response(200, [("Content-Type", "application/xml; charset=utf-8")], body)


def _row(address: str, status: str) -> str:
    href = escape.text(f"mailto:{address}" if itip.is_mail(address) else address)
    return (
        f"<C:response><C:recipient><D:href>{href}</D:href></C:recipient>"
        f"<C:request-status>{status}</C:request-status></C:response>"
    )
