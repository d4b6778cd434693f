"""SendMail, SmartReply, SmartForward ([MS-ASCMD] §2.2.1.17, §2.2.1.19, §2.2.1.20).

Whoever it is for, the mail goes by way of the queue: it, the sender's copy, the mark on the mail that is answered and
the ClientId by which a repetition is known are on disk together before the device hears of success (SYS-06).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from servers.activesync import composing, hierarchy, mail_changes
from servers.activesync.call import Call
from servers.activesync.classes.mail import FORWARDED
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import ComposeMail
from servers.activesync.wbxml.tokens import Token
from servers.http.errors import HttpError
from storage.activesync import devices, keys
from storage.errors import BadFormat, Busy, NotFound, TooLarge
from storage.formats import imip, mail_header
from storage.formats.addresses import parse_addresses
from storage.mail import appending, flagging, reading, routing, sending, submitting
from storage.mail.flags import ANSWERED
from storage.mail.types import Mailbox
from storage.scheduling import incoming, phones
from storage.store import Transaction

_SENT: Final = "SendMail"
"""Under this name ClientIds are kept."""
_IDS, _MIME, _SERVER, _LATER, _QUOTA, _UNRESOLVED, _NO_RECIPIENT, _FAILED, _LARGE, _MISSING = (
    106, 107, 110, 111, 115, 116, 119, 120, 122, 150,
)  # fmt: skip


class _Refused(Exception):
    """The status of [MS-ASCMD] §2.2.2 that says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


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
    except _Refused as refusal:
        status = refusal.status
    except submitting.NotYours:
        status = _FAILED
    except submitting.Loop:
        status = _FAILED
    except sending.TooMany:
        status = _QUOTA
    except BadFormat:
        status = _UNRESOLVED
    except TooLarge:
        status = _LARGE
    except Busy:
        status = _LATER
    else:
        return None  # an empty answer is success
    if call.version < 140:  # there is no document to say it in ([MS-ASCMD] §2.2.1.17.2)
        raise HttpError(503 if status == _LATER else 507 if status == _QUOTA else 500, f"not sent: status {status}")
    return Element(root, "", [Element(ComposeMail.Status, str(status))])


def _order(call: Call) -> _Order:
    if call.version < 140:
        said = call.query.parameters
        folder, item = said.get("collectionid", ""), said.get("itemid", "")
        if not item and said.get("longid"):
            folder, item = said["longid"].partition(":")[0], said["longid"]
        save = said.get("saveinsent", "").upper() == "T"
        return _Order(call.octets, "", save, False, (folder, item) if item else None)
    body = call.body
    mime = None if body is None else body.find(ComposeMail.Mime)
    client_id = None if body is None else body.text_of(ComposeMail.ClientId)
    if body is None or mime is None or not client_id or len(client_id) > 40:
        raise _Refused(103)
    source = body.find(ComposeMail.Source)
    place = None
    if source is not None:
        long_id = source.text_of(ComposeMail.LongId)
        folder, item = source.text_of(ComposeMail.FolderId) or "", source.text_of(ComposeMail.ItemId) or ""
        if long_id and (folder or item):
            raise _Refused(105)
        place = (long_id.partition(":")[0], long_id) if long_id else (folder, item)
    return _Order(
        mime.octets, client_id, ComposeMail.SaveInSentItems in body, ComposeMail.ReplaceMime in body, place
    )


def _send(call: Call, order: _Order, mark: str | None) -> None:
    if order.client_id:
        with call.store.read(call.actor) as tx:
            if keys.applied_as(tx, call.device, _SENT, order.client_id) is not None:
                return  # it was sent, and the answer was lost
    if not order.mime.strip():
        raise _Refused(_MIME)
    mime = b"\r\n".join(order.mime.splitlines()) + b"\r\n"
    if mark is not None and order.source is None:
        raise _Refused(_IDS)
    if mark is not None and order.source is not None and not order.replace:
        with call.store.read(call.actor) as tx:
            box, uid = _original(tx, order.source)
            states = flagging.states_in(tx, box, [(uid, uid)])
            original = reading.body(tx, states[0].content)
        mime = composing.joined(mime, original, forward=mark == FORWARDED)
    site = call.settings.site
    with call.store.read(call.actor) as tx:
        own = sending.addresses(tx, call.actor, site.domains)
        most = sending.recipients_max(tx, call.actor)
    if not own:
        raise _Refused(_FAILED)  # an account without any address
    header, rest = mail_header.split(mime)
    addresses = _recipients(header)
    if len(addresses) > min(site.recipients_max, most if most is not None else site.recipients_max):
        raise _Refused(_QUOTA)
    if not mail_header.values(header, b"from"):
        header += f"From: {own[0]}\r\n".encode()
    meeting = imip.find(mime)
    if meeting is not None:
        with call.store.read(call.actor) as tx:
            told = phones.is_told(tx, meeting)
        if told:
            _only_kept(call, order, header + rest)
            return
    origin = submitting.Origin("HTTPS")
    mail = submitting.ready(call.store, site, call.actor, origin, own, header + rest, sender=own[0])
    targets = submitting.targets(call.store, site, addresses)
    utf8 = not header.isascii() or not all(address.rpartition("@")[0].isascii() for address in addresses)
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        if order.client_id:
            if keys.applied_as(tx, call.device, _SENT, order.client_id) is not None:
                return
            keys.note_applied(tx, call.device, _SENT, order.client_id, mail.number)
        submitting.accept(tx, mail, targets, sender=own[0], smtputf8=utf8, keep=order.save)
        if mark is not None and order.source is not None:
            box, uid = _original(tx, order.source)
            flagging.set_flags(tx, box, [uid], "add", mark)
    if meeting is not None:  # a proposal to somebody here; its author was compared with the sender's own addresses
        for address in addresses:
            for here in routing.find(call.store, site, address).here if routing.is_own(site, address) else ():
                incoming.take(call.store, here, meeting, submitted=True)


def _only_kept(call: Call, order: _Order, mime: bytes) -> None:
    """What the calendar tells everybody is not sent a second time; the sender's copy is kept as he expects it."""
    header, rest = mail_header.split(mime)
    kept = mail_header.completed(header, call.settings.site.hostname) + rest
    prepared = appending.prepare(call.store, kept)
    with call.store.write(call.actor) as tx:
        devices.lock(tx, call.device)
        if order.client_id and keys.applied_as(tx, call.device, _SENT, order.client_id) is None:
            keys.note_applied(tx, call.device, _SENT, order.client_id, "meeting")
            sending.keep_copy(tx, prepared, always=order.save)


def _recipients(header: bytes) -> list[str]:
    """Whom it is for (RFC 5322 §3.6.3)."""
    found: dict[str, None] = {}
    for name in (b"to", b"cc", b"bcc"):
        for value in mail_header.values(header, name):
            for one in parse_addresses(value):
                if not one.host:
                    raise _Refused(_UNRESOLVED)
                found[one.address] = None
    if not found:
        raise _Refused(_NO_RECIPIENT)
    return list(found)


def _original(tx: Transaction, source: tuple[str, str]) -> tuple[Mailbox, int]:
    """The mail that is answered or forwarded."""
    try:
        box = hierarchy.mailbox(tx, source[0] or source[1].partition(":")[0])
    except NotFound:
        raise _Refused(_MISSING) from None
    uid = mail_changes.uid_of(box, source[1])
    if uid is None or not flagging.states_in(tx, box, [(uid, uid)]):
        raise _Refused(_MISSING)
    return box, uid
