"""MeetingResponse ([MS-ASCMD] §2.2.1.11): an invitation is answered in the calendar, and its mail goes to the Trash.

The desk tells the organizer, as it does whatever program an answer comes from (MTG-07…09).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from servers.activesync import hierarchy, mail_items, object_changes
from servers.activesync.call import Call
from servers.activesync.classes import event_exceptions, event_people, event_times, events
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.object_content import ObjectContent
from servers.activesync.options import Options, number
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSyncBase, Search
from servers.activesync.wbxml.pages import MeetingResponse as Meeting
from storage import collections as tree
from storage import items, kinds, principals
from storage.errors import NotFound, StorageError
from storage.formats import icalendar, imip, itip, message_text
from storage.formats.contentline import render
from storage.mail import flagging, mailboxes, moving, reading, sending
from storage.mail.types import TRASH, Mailbox
from storage.scheduling import copies, forwarding, proposals, responding
from storage.store import Transaction

_OK, _NO_REQUEST, _SERVER, _TOO_MANY, _NO_TIME, _NO_SERIES = 1, 2, 4, 103, 104, 146
_STATES: Final = {1: "ACCEPTED", 2: "TENTATIVE", 3: "DECLINED"}
REQUESTS_MAX: Final = 100
"""Of one command ([MS-ASCMD] §3.1.5.10)."""


class _NoSeries(Exception):
    """One instance is meant of a meeting that is no series ([MS-ASCMD] §2.2.3.87.1)."""


def meeting_response(call: Call) -> Element:
    """Answer each request by itself."""
    asked = [] if call.body is None else call.body.all(Meeting.Request)
    if len(asked) > REQUESTS_MAX:
        return Meeting.MeetingResponse(Meeting.Result(Meeting.Status(_TOO_MANY)))
    return Meeting.MeetingResponse(*(_one(call, one) for one in asked))


def _one(call: Call, asked: Element) -> Element:
    long_id = asked.text_of(Search.LongId)
    identified = long_id or asked.text_of(Meeting.RequestId) or ""
    folder = asked.text_of(Meeting.CollectionId) or identified.partition(":")[0]
    named = None if long_id else Meeting.RequestId(identified)  # a Result has no LongId ([MS-ASCMD] §2.2.3.155.2)
    state = _STATES.get(number(asked.text_of(Meeting.UserResponse), 0))
    if state is None:
        return Meeting.Result(named, Meeting.Status(_NO_REQUEST))
    if not _is_time(asked.text_of(Meeting.InstanceId)):
        return Meeting.Result(named, Meeting.Status(_NO_TIME))
    try:
        with call.store.write(call.actor) as tx:
            mail = _mail(tx, folder, identified)
            uid = mail[2].uid if mail is not None else _uid(tx, call, folder, identified)
            if mail is not None and copies.find(tx, tx.actor.id, uid) is None:
                own = sending.addresses(tx, call.actor, call.settings.site.domains)
                forwarding.join(tx, principals.me(tx), mail[2], own[0] if own else "")
            _answer(tx, call, asked, uid, state)
            if mail is not None:
                trash = mailboxes.find(tx, TRASH, beside=mail[0].id)
                if trash.id != mail[0].id:
                    moving.move(tx, mail[0], [mail[1]], trash)
            copy = copies.find(tx, tx.actor.id, uid)
    except _NoSeries:
        return Meeting.Result(named, Meeting.Status(_NO_SERIES))
    except (NotFound, Unconvertible):
        return Meeting.Result(named, Meeting.Status(_NO_REQUEST))
    except StorageError:
        return Meeting.Result(named, Meeting.Status(_SERVER))
    calendar = None
    if copy is not None and state != "DECLINED":
        calendar = Meeting.CalendarId(f"c{copy.collection}:{object_changes.number_of(copy.name):x}")
    return Meeting.Result(named, Meeting.Status(_OK), calendar)


def _is_time(instance: str | None) -> bool:
    """Whether an InstanceId is a moment; none at all means the whole meeting."""
    try:
        return not instance or event_times.seconds_of(instance) >= 0
    except Unconvertible:
        return False


def _mail(tx: Transaction, folder: str, identified: str) -> tuple[Mailbox, int, imip.Meeting] | None:
    """The mail that invites, and its meeting; None if the device means an item of a calendar."""
    if not folder[:1].isdigit():
        return None
    box = hierarchy.mailbox(tx, folder)
    uid = mail_items.uid_of(box, identified)
    states = [] if uid is None else flagging.states_in(tx, box, [(uid, uid)])
    meeting = imip.find(reading.body(tx, states[0].content)) if states else None
    if uid is None or meeting is None or meeting.method != "REQUEST":
        raise NotFound(identified)
    return box, uid, meeting


def _uid(tx: Transaction, call: Call, folder: str, identified: str) -> str:
    collection, item_class = hierarchy.collection(tx, folder)
    name = object_changes.name_of(tx, call.device, collection, item_class, identified)
    if name is None or item_class is not events.CLASS:
        raise NotFound(identified)
    body = items.get(tx, collection, name).body
    return icalendar.load(body or b"").uid


def _answer(tx: Transaction, call: Call, asked: Element, uid: str, state: str) -> None:
    reason = _reason(asked)
    instance = asked.text_of(Meeting.InstanceId)
    if not instance:
        proposed = asked.text_of(Meeting.ProposedStartTime)
        responding.respond(tx, principals.me(tx), uid, state, reason=reason, keep=proposed is not None)
        if proposed is not None:
            _propose(tx, uid, proposed, asked.text_of(Meeting.ProposedEndTime) or "", reason)
        return
    copy = copies.find(tx, tx.actor.id, uid)
    if copy is None:
        raise NotFound(uid)
    collection = tree.by_id(tx, copy.collection)
    context = ObjectContent(collection, events.CLASS).context(tx, call, {}, Options())
    found = icalendar.load(copy.body)
    master = found.components[0]
    if found.master is None or not event_people.attends(master, context):
        raise NotFound(uid)
    if master.get("RRULE") is None and master.get("RDATE") is None:
        raise _NoSeries
    times = event_times.of(master, event_times.zones_of(found.calendar), context.zone)
    part = event_exceptions.instance(found.calendar, master, event_times.seconds_of(instance), times, context)
    mine = event_people.own_attendee(part, context)
    if mine is None:
        raise NotFound(uid)
    itip.set_param(mine, "PARTSTAT", state)
    itip.set_value(part, itip.REPLY_TIME, event_times.wire(int(context.now)))
    prepared = kinds.EVENTS.prepare(render(found.calendar), copy.row.media_type)
    items.put(tx, collection, copy.name, prepared)


def _propose(tx: Transaction, uid: str, start: str, end: str, reason: str) -> None:
    """Another time, which the organizer may take (from 16.1 on; RFC 5546 §3.2.7)."""
    begin, over = (datetime.fromtimestamp(event_times.seconds_of(text), UTC) for text in (start, end))
    proposals.propose(tx, principals.me(tx), uid, begin, over, comment=reason)


def _reason(asked: Element) -> str:
    """What a device of 16.x says to the organizer beside the answer."""
    body = asked.find(Meeting.SendResponse, AirSyncBase.Body)
    if body is None:
        return ""
    text = body.text_of(AirSyncBase.Data) or ""
    return (message_text.plain(text) if body.text_of(AirSyncBase.Type) == "2" else text).strip()[:2_000]
