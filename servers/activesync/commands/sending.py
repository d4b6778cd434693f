"""SendMail, SmartReply, SmartForward ([MS-ASCMD] §2.2.1.17, §2.2.1.19, §2.2.1.20).

Whoever it is for, the mail goes by way of the queue: it, the sender's copy, the mark on the mail that is answered and
the ClientId by which a repetition is known are on disk together before the device hears of success (SYS-06).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from servers.activesync import composing, event_source, hierarchy, mail_items, outgoing
from servers.activesync.call import Call
from servers.activesync.classes.mail import FORWARDED
from servers.activesync.event_source import Event
from servers.activesync.outgoing import Refused
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.globals import HEADER
from servers.activesync.wbxml.pages import AirSyncBase, ComposeMail
from servers.activesync.wbxml.tokens import Token
from servers.http.errors import HttpError
from storage.activesync import devices, keys
from storage.errors import NotFound
from storage.formats import imip
from storage.mail import flagging, reading
from storage.mail.flags import ANSWERED
from storage.mail.types import Mailbox
from storage.scheduling import forwarding
from storage.store import Transaction

_SENT: Final = "SendMail"
"""Under this name ClientIds are kept."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the device wants sent."""

    mime: bytes
    client_id: str
    """"" up to 12.1."""
    save: bool
    replace: bool
    """The mail is whole: nothing of the original is to be added."""
    source: tuple[str, str] | None
    """ServerId of the folder and of the item that it answers or forwards."""
    instance: str = ""
    """Of a series, the instance that is meant."""
    forwardees: Mapping[str, str] = field(default_factory=dict)
    """Whom to forward an event to, where there is no mail: names by address (from 16.0 on)."""
    note: Element | None = None
    """What to say to them."""


def send_mail(call: Call) -> Element | None:
    """Send a mail."""
    return _answered(call, ComposeMail.SendMail, None)


def smart_reply(call: Call) -> Element | None:
    """Send an answer, with what it answers below it."""
    return _answered(call, ComposeMail.SmartReply, ANSWERED)


def smart_forward(call: Call) -> Element | None:
    """Pass a mail on, with its attachments."""
    return _answered(call, ComposeMail.SmartForward, FORWARDED)


def _answered(call: Call, root: Token, mark: str | None) -> Element | None:
    try:
        _send(call, _order(call), mark)
    except (Refused, *outgoing.REFUSALS) as error:
        status = outgoing.status_of(error)
    else:
        return None  # an empty answer is success
    if call.version < 140:  # there is no document to say it in ([MS-ASCMD] §2.2.1.17.2)
        code = 503 if status == outgoing.LATER else 507 if status == outgoing.QUOTA else 500
        raise HttpError(code, f"not sent: status {status}")
    return Element(root, "", [Element(ComposeMail.Status, str(status))])


def _order(call: Call) -> _Order:
    if call.version < 140:
        if call.octets.startswith(HEADER):
            raise HttpError(400, "up to 12.1 a mail is sent as it is")  # [MS-ASCMD] §2.2.2, status 103
        said = call.query.parameters
        folder, item = said.get("collectionid", ""), said.get("itemid", "")
        if not item and said.get("longid"):
            folder, item = said["longid"].partition(":")[0], said["longid"]
        save = said.get("saveinsent", "").upper() == "T"
        instance = said.get("occurrence", "")  # [MS-ASHTTP] §2.2.1.1.1.1.5
        return _Order(call.octets, "", save, False, (folder, item) if item else None, instance)
    body = call.body
    mime = None if body is None else body.find(ComposeMail.Mime)
    client_id = None if body is None else body.text_of(ComposeMail.ClientId)
    if body is None or not client_id or len(client_id) > 40:
        raise Refused(103)
    people, note = body.find(ComposeMail.Forwardees), body.find(AirSyncBase.Body)
    # [MS-ASCMD] §2.2.3.169: either the mail, or those whom a calendar item is for and what to say to them.
    alone = ComposeMail.SaveInSentItems not in body and ComposeMail.ReplaceMime not in body
    if (mime is None) is not (people is not None and alone) or (mime is not None and note is not None):
        raise Refused(103)
    if body.text_of(ComposeMail.AccountId):
        raise Refused(166)  # Settings names no account beside the one that it is ([MS-ASCMD] §2.2.3.3)
    source = body.find(ComposeMail.Source)
    place = None
    if source is not None:
        long_id = source.text_of(ComposeMail.LongId)
        folder, item = source.text_of(ComposeMail.FolderId) or "", source.text_of(ComposeMail.ItemId) or ""
        if long_id and (folder or item):
            raise Refused(105)
        place = (long_id.partition(":")[0], long_id) if long_id else (folder, item)
    return _Order(
        b"" if mime is None else mime.octets, client_id, ComposeMail.SaveInSentItems in body,
        ComposeMail.ReplaceMime in body, place, "" if source is None else source.text_of(ComposeMail.InstanceId) or "",
        {} if people is None else event_source.people_of(people), note,
    )  # fmt: skip


def _send(call: Call, order: _Order, mark: str | None) -> None:
    if order.client_id:
        with call.store.read(call.actor) as tx:
            if keys.applied_as(tx, call.device, _SENT, order.client_id) is not None:
                return  # it was sent, and the answer was lost
    mime = b"\r\n".join(order.mime.splitlines()) + b"\r\n"
    if mark is not None and order.source is None:
        raise Refused(outgoing.IDS)
    if mark is not None and order.source is not None and order.source[0][:1].isalpha():
        with call.store.read(call.actor) as tx:
            event = event_source.find(tx, call, *order.source, order.instance)
        _send_event(call, order, mime, event, forward=mark == FORWARDED)
        return
    if order.forwardees:
        raise Refused(outgoing.MISSING)
    if mark is not None and order.source is not None and not order.replace and order.mime.strip():
        with call.store.read(call.actor) as tx:
            box, uid = _original(tx, order.source)
            states = flagging.states_in(tx, box, [(uid, uid)])
            original = reading.body(tx, states[0].content)
        mime = composing.joined(mime, original, forward=mark == FORWARDED)
    out = outgoing.ready(call, mime)
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        if order.client_id:
            if keys.applied_as(tx, call.device, _SENT, order.client_id) is not None:
                return
            keys.note_applied(tx, call.device, _SENT, order.client_id, "sent")
        outgoing.accept(tx, out, keep=order.save)
        if mark == FORWARDED and out.meeting is not None and out.meeting.method == "REQUEST":
            forwarding.tell_of_mail(tx, out.sender, out.meeting, out.addresses)
        if mark is not None and order.source is not None:
            box, uid = _original(tx, order.source)
            flagging.set_flags(tx, box, [uid], "add", mark)
    outgoing.propose(call, out)


def _send_event(call: Call, order: _Order, mime: bytes, event: Event, *, forward: bool) -> None:
    """Answer or pass on an event: the mail, the invitations or the news for the organizer, all of it or nothing."""
    meeting = event_source.forwarded(event) if forward else None
    told = True
    if order.forwardees:
        mime, told = event_source.note(event, order.forwardees, order.note)
        told = told or meeting is not None
    if mime.strip() and not (order.replace and (meeting is None or imip.find(mime) is not None)):
        # ReplaceMime: the device wrote the text, but the object is the desk's to add.
        original = None if order.replace else event_source.quotable(event)
        mime = composing.joined(mime, original, forward=forward, meeting=meeting)
    out = outgoing.ready(call, mime)
    assert order.source is not None
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        if order.client_id:
            if keys.applied_as(tx, call.device, _SENT, order.client_id) is not None:
                return
            keys.note_applied(tx, call.device, _SENT, order.client_id, "sent")
        if forward:
            event = event_source.find(tx, call, *order.source, order.instance)  # as it is now
            event_source.pass_on(tx, event, out.addresses, order.forwardees, out.sender)
        if told:
            outgoing.accept(tx, out, keep=order.save)


def _original(tx: Transaction, source: tuple[str, str]) -> tuple[Mailbox, int]:
    """The mail that is answered or forwarded."""
    try:
        box = hierarchy.mailbox(tx, source[0] or source[1].partition(":")[0])
    except NotFound:
        raise Refused(outgoing.MISSING) from None
    uid = mail_items.uid_of(box, source[1])
    if uid is None or not flagging.states_in(tx, box, [(uid, uid)]):
        raise Refused(outgoing.MISSING)
    return box, uid
