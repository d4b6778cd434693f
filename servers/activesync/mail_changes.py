"""What a device changed in a mailbox: read, flagged, deleted ([MS-ASCMD] §2.2.3.24.2, §2.2.3.42)."""

from __future__ import annotations

from dataclasses import dataclass, field

from servers.activesync.classes import mail
from servers.activesync.options import Options
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email
from storage.activesync import keys
from storage.activesync.keys import Opened
from storage.mail import flagging, mailboxes, moving
from storage.mail.flags import FLAGGED, SEEN
from storage.mail.types import TRASH, Mailbox
from storage.store import Transaction

_CONVERSION, _MISSING = 6, 8


@dataclass(slots=True)
class Done:
    """What came of a device's commands."""

    responses: list[Element] = field(default_factory=list)
    held: dict[int, str | None] = field(default_factory=dict)
    """What the device holds now by its own doing: it is not told again."""


def server_id(mailbox: Mailbox, uid: int) -> str:
    """How a mail is called on the wire."""
    return f"{mailbox.id}:{uid}"


def uid_of(mailbox: Mailbox, text: str) -> int | None:
    """The uid in a ServerId of this mailbox; None if it is none."""
    number, _, uid = text.partition(":")
    if number != str(mailbox.id) or not (uid.isascii() and uid.isdecimal() and len(uid) < 19):
        return None
    return int(uid)


def apply(
    tx: Transaction, opened: Opened, mailbox: Mailbox, commands: list[Element], *, to_trash: bool, options: Options,
    protocol: int,
) -> Done:  # fmt: skip
    """Carry the commands out; failures are told item by item (EAS-13)."""
    done = Done()
    deleted: list[int] = []
    for command in commands:
        identified = command.text_of(AirSync.ServerId) or ""
        uid = uid_of(mailbox, identified)
        if command.tag is AirSync.Add:
            client = command.text_of(AirSync.ClientId) or ""
            done.responses.append(AirSync.Add(AirSync.ClientId(client), AirSync.Status(_CONVERSION)))
        elif command.tag is AirSync.Fetch:
            done.responses.append(_fetch(tx, mailbox, identified, uid, options, protocol))
        elif command.tag is AirSync.Change:
            if uid is None or not _change(tx, mailbox, uid, command, done):
                done.responses.append(AirSync.Change(AirSync.ServerId(identified), AirSync.Status(_MISSING)))
        elif command.tag is AirSync.Delete:
            if uid is None or not keys.held_of(tx, opened.device, opened.folder, [uid]):
                done.responses.append(AirSync.Delete(AirSync.ServerId(identified), AirSync.Status(_MISSING)))
            else:
                deleted.append(uid)
                done.held[uid] = None
    if deleted:
        trash = mailboxes.find(tx, TRASH)
        if to_trash and trash.id != mailbox.id:
            moving.move(tx, mailbox, deleted, trash)
        else:
            moving.remove(tx, mailbox, deleted)
    return done


def _change(tx: Transaction, mailbox: Mailbox, uid: int, command: Element, done: Done) -> bool:
    data = command.find(AirSync.ApplicationData)
    states = flagging.states_in(tx, mailbox, [(uid, uid)])
    if data is None or not states or mail.version(states[0]) is None:
        return False
    state = states[0]
    read = data.text_of(Email.Read)
    if read in ("0", "1"):
        state = flagging.set_flags(tx, mailbox, [uid], "add" if read == "1" else "remove", SEEN).states[0]
    flag = data.find(Email.Flag)
    if flag is not None:
        active = flag.text_of(Email.Status) == "2"  # 1 is done, 0 or nothing is none
        state = flagging.set_flags(tx, mailbox, [uid], "add" if active else "remove", FLAGGED).states[0]
    done.held[uid] = mail.version(state)
    return True


def _fetch(
    tx: Transaction, mailbox: Mailbox, identified: str, uid: int | None, options: Options, protocol: int
) -> Element:
    states = [] if uid is None else flagging.states_in(tx, mailbox, [(uid, uid)])
    shown = mail.whole(tx, mailbox, states, options, protocol) if states else {}
    if uid is None or uid not in shown:
        return AirSync.Fetch(AirSync.ServerId(identified), AirSync.Status(_MISSING))
    return AirSync.Fetch(AirSync.ServerId(identified), AirSync.Status(1), AirSync.ApplicationData(*shown[uid]))
