"""What a device changed in a mailbox: read, flagged, categorized, deleted ([MS-ASCMD] §2.2.3.24.2, §2.2.3.42)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from servers.activesync import draft_changes, drafts
from servers.activesync.call import Call
from servers.activesync.classes import mail, mail_flags
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.mail_items import Done, uid_of
from servers.activesync.options import Options
from servers.activesync.wanted import Wanted
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email, Email2
from storage.activesync import keys
from storage.activesync.keys import Opened
from storage.mail import flagging, follow_ups, mailboxes, moving, numbers
from storage.mail import flags as words
from storage.mail.types import DRAFTS, TRASH, Mailbox
from storage.store import Transaction

_OK, _CONVERSION, _MISSING = 1, 6, 8
_WAYS: Final[tuple[words.Change, ...]] = ("remove", "add")


def apply(tx: Transaction, call: Call, opened: Opened, mailbox: Mailbox, wanted: Wanted, options: Options) -> Done:
    """Carry the commands out; failures are told item by item (EAS-13)."""
    done = Done()
    if any(one.tag is not AirSync.Fetch for one in wanted.commands):
        # What is read is what is changed: a draft that another phone sends at this moment is not sent once more.
        numbers.lock(tx, mailbox.id)
    deleted: list[int] = []
    writes = call.version >= 160 and mailbox.name == DRAFTS
    known = keys.held_of(tx, opened.device, opened.folder, _changed(mailbox, wanted)) if wanted.commands else {}
    for command in wanted.commands:
        identified = command.text_of(AirSync.ServerId) or ""
        uid = uid_of(mailbox, identified)
        data = command.find(AirSync.ApplicationData)
        drafted = writes and data is not None and (Email2.Send in command or drafts.concerns(data))
        if command.tag is AirSync.Add:
            if writes:
                draft_changes.add(tx, call, opened, mailbox, command, done)
            else:
                client = command.text_of(AirSync.ClientId) or ""
                done.responses.append(AirSync.Add(AirSync.ClientId(client), AirSync.Status(_CONVERSION)))
        elif command.tag is AirSync.Fetch:
            done.responses.append(_fetch(tx, mailbox, identified, uid, options, call.version))
        elif command.tag is AirSync.Change and drafted and uid is not None:
            draft_changes.change(tx, call, mailbox, uid, command, done)
        elif command.tag is AirSync.Change:
            status = _MISSING if uid is None else _change(tx, mailbox, uid, command, known, done)
            if status != _OK:
                done.responses.append(AirSync.Change(AirSync.ServerId(identified), AirSync.Status(status)))
        elif command.tag is AirSync.Delete:
            if uid is None or not keys.held_of(tx, opened.device, opened.folder, [uid]):
                done.responses.append(AirSync.Delete(AirSync.ServerId(identified), AirSync.Status(_MISSING)))
            else:
                deleted.append(uid)
                done.held[uid] = None
    if deleted:
        trash = mailboxes.find(tx, TRASH, beside=mailbox.id)
        if wanted.to_trash and trash.id != mailbox.id:
            moving.move(tx, mailbox, deleted, trash)
        else:
            moving.remove(tx, mailbox, deleted)
    return done


def _changed(mailbox: Mailbox, wanted: Wanted) -> list[int]:
    """The mails that the device changes."""
    changes = (one for one in wanted.commands if one.tag is AirSync.Change)
    uids = (uid_of(mailbox, one.text_of(AirSync.ServerId) or "") for one in changes)
    return [uid for uid in uids if uid is not None]


def _change(
    tx: Transaction, mailbox: Mailbox, uid: int, command: Element, known: Mapping[int, str], done: Done
) -> int:
    """Change the flags of a mail; how it went. `known` is what the device held before."""
    data = command.find(AirSync.ApplicationData)
    states = flagging.states_in(tx, mailbox, [(uid, uid)])
    if data is None or not states or not mail.is_shown(states[0]):
        return _MISSING
    state = states[0]
    details = follow_ups.of(tx, mailbox.id, [uid]).get(uid)
    try:
        flags, details = mail_flags.after(state.flags, details, data, tx.now)
    except Unconvertible:
        done.refused.add(uid)
        return _CONVERSION
    # What changes, and not what there is then: another program may change flags at the same time.
    before, after = set(state.flags.split()), set(flags.split())
    for way, given in zip(_WAYS, (before - after, after - before), strict=True):
        if given:
            state = flagging.set_flags(tx, mailbox, [uid], way, words.canonical(given)).states[0]
    if Email.Flag in data:
        follow_ups.put(tx, mailbox, uid, details)
    done.held[uid] = mail.heard(done.held.get(uid, known.get(uid)), mail.version(state, details) or "", data)
    return _OK


def _fetch(
    tx: Transaction, mailbox: Mailbox, identified: str, uid: int | None, options: Options, protocol: int
) -> Element:
    states = [] if uid is None else flagging.states_in(tx, mailbox, [(uid, uid)])
    shown = mail.whole(tx, mailbox, states, options, protocol) if states else {}
    if uid is None or uid not in shown:
        return AirSync.Fetch(AirSync.ServerId(identified), AirSync.Status(_MISSING))
    return AirSync.Fetch(AirSync.ServerId(identified), AirSync.Status(1), AirSync.ApplicationData(*shown[uid]))
