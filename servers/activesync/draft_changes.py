"""Drafts that a device adds, changes and sends by Sync, from 16.0 on ([MS-ASCMD] §2.2.3.7.2; [MS-ASEMAIL] §3)."""

from __future__ import annotations

from collections.abc import Mapping

from servers.activesync import drafts, outgoing
from servers.activesync.call import Call
from servers.activesync.classes import mail, mail_flags
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.drafts import Draft
from servers.activesync.mail_items import Done, server_id
from servers.activesync.outgoing import Outgoing, Refused
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.encoder import encode
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Email2
from storage.activesync import keys
from storage.activesync.keys import Opened
from storage.errors import OverQuota, StorageError
from storage.mail import appending, flagging, follow_ups, moving, reading
from storage.mail.flags import DRAFT
from storage.mail.follow_ups import FollowUp
from storage.mail.types import Mailbox, State
from storage.store import Transaction

_OK, _CONVERSION, _MISSING, _FULL = 1, 6, 8, 9


def add(tx: Transaction, call: Call, opened: Opened, mailbox: Mailbox, command: Element, done: Done) -> None:
    """A new draft, or one that is sent at once; the same ClientId makes one only (EAS-04)."""
    client = (command.text_of(AirSync.ClientId) or "")[:64]
    data = command.find(AirSync.ApplicationData)

    def answer(status: int, uid: int | None = None, added: Mapping[str, str] | None = None) -> None:
        identified = None if uid is None else AirSync.ServerId(server_id(mailbox, uid))
        files = _files(mailbox, uid, added or {})
        done.responses.append(AirSync.Add(AirSync.ClientId(client), identified, AirSync.Status(status), files))

    request = keys.digest(encode(command))
    before = keys.added_as(tx, opened, client, request) if client else None
    if before is not None:
        made = int(before) if before.isdecimal() else None
        if made is not None and data is not None:
            done.held[made] = _as_made(tx, mailbox, made, data)
        answer(_OK, made)
        return
    if data is None or not client:
        answer(_CONVERSION)
        return
    try:
        draft = drafts.written(data, None)
        with tx.db.begin_nested():
            if Email2.Send in command:
                _send(tx, call, draft.mime)
                uid = None
            else:
                uid = _place(tx, call, mailbox, draft, mail_flags.after(DRAFT, None, data, tx.now), done)
    except (Unconvertible, Refused, *outgoing.REFUSALS, StorageError) as error:
        answer(_status(error))
        return
    keys.note_added(tx, opened, client, request, "sent" if uid is None else str(uid))
    answer(_OK, uid, draft.added)


def change(tx: Transaction, call: Call, mailbox: Mailbox, uid: int, command: Element, done: Done) -> None:
    """Another content of a draft, or its sending. The changed one is another mail: the old one's removal is told."""
    identified = AirSync.ServerId(server_id(mailbox, uid))
    states = flagging.states_in(tx, mailbox, [(uid, uid)])
    data = command.find(AirSync.ApplicationData)
    if not states or data is None:
        done.responses.append(AirSync.Change(identified, AirSync.Status(_MISSING)))
        return
    before = reading.body(tx, states[0].content)
    try:
        draft = drafts.written(data, before)
        with tx.db.begin_nested():
            if Email2.Send in command:
                _send(tx, call, draft.mime)
            else:
                # Not held: the device is told the new one, with its own ServerId, in this very answer.
                details = follow_ups.of(tx, mailbox.id, [uid]).get(uid)
                _place(tx, call, mailbox, draft, mail_flags.after(states[0].flags, details, data, tx.now), None)
            moving.remove(tx, mailbox, [uid])
    except (Unconvertible, Refused, *outgoing.REFUSALS, StorageError) as error:
        done.responses.append(AirSync.Change(identified, AirSync.Status(_status(error))))


def _send(tx: Transaction, call: Call, mime: bytes) -> None:
    out: Outgoing = outgoing.ready(call, mime)
    outgoing.accept(tx, out, keep=True)


def _place(
    tx: Transaction, call: Call, mailbox: Mailbox, draft: Draft, flags: tuple[str, FollowUp | None], done: Done | None
) -> int:
    prepared = appending.prepare(call.store, draft.mime)
    uid = appending.append(tx, mailbox, prepared, flags=flags[0]).uid
    follow_ups.put(tx, mailbox, uid, flags[1])
    if done is not None:
        state: State = flagging.states_in(tx, mailbox, [(uid, uid)])[0]
        done.held[uid] = mail.version(state, flags[1])
    return uid


def _as_made(tx: Transaction, mailbox: Mailbox, uid: int, data: Element) -> str:
    """What a device holds of a draft that it added before: what others changed of it since, or its end, is told."""
    states = flagging.states_in(tx, mailbox, [(uid, uid)])
    if not states:
        return ""
    try:
        flags, details = mail_flags.after(DRAFT, None, data, tx.now)
    except Unconvertible:  # it was taken the first time
        flags, details = states[0].flags, None
    return mail.version(states[0]._replace(flags=flags), details) or ""


def _files(mailbox: Mailbox, uid: int | None, added: Mapping[str, str]) -> Element | None:
    """What became of each attachment ([MS-ASAIRS] §2.2.2.11)."""
    if uid is None or not added:
        return None
    return AirSync.ApplicationData(
        AirSyncBase.Attachments(
            *(
                AirSyncBase.Attachment(
                    AirSyncBase.ClientId(client), AirSyncBase.FileReference(f"{mailbox.id}:{uid}:{section}")
                )
                for client, section in added.items()
            )
        )
    )


def _status(error: Exception) -> int:
    if isinstance(error, Unconvertible):
        return _CONVERSION
    if isinstance(error, OverQuota):
        return _FULL
    return outgoing.status_of(error) if isinstance(error, (Refused, *outgoing.REFUSALS)) else _CONVERSION

