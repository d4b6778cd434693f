"""Oof of the Settings command: automatic answers, asked for and set ([MS-ASCMD] §2.2.3.117; MSG-27)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from servers.activesync.call import Call
from servers.activesync.classes import event_times
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.options import number
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Settings
from storage.formats import message_text
from storage.mail import absence
from storage.mail.absence import Absence, Message

_OK, _PROTOCOL, _DENIED, _ARGUMENTS = 1, 2, 3, 5
_AUDIENCES: Final[dict[str, Tag]] = {
    "internal": Settings.AppliesToInternal,
    "known": Settings.AppliesToExternalKnown,
    "others": Settings.AppliesToExternalUnknown,
}


def oof(call: Call, asked: Element) -> Element:
    """Answer a Get or a Set; where the plan has no automatic answers, neither (ACC-11)."""
    with call.store.read(call.actor) as tx:
        if not absence.allowed(tx):
            return Settings.Oof(Settings.Status(_DENIED))
    said = asked.find(Settings.Set)
    if said is not None:
        if (Settings.StartTime in said) != (Settings.EndTime in said):  # both or none ([MS-ASCMD] §2.2.3.61.2)
            return Settings.Oof(Settings.Status(_PROTOCOL))
        with call.store.write(call.actor) as tx:
            named = {part.tag for one in said.all(Settings.OofMessage) for part in one.children}
            before = absence.of(tx)  # who is not named is answered as before ([MS-ASCMD] §2.2.3.122)
            try:
                wanted = _read(said, before)
            except Unconvertible:
                wanted = None
            if wanted is None:
                return Settings.Oof(Settings.Status(_ARGUMENTS))
            kept = {name: getattr(before, name) for name, tag in _AUDIENCES.items() if tag not in named}
            absence.set_(tx, replace(wanted, **kept))
        return Settings.Oof(Settings.Status(_OK))
    html = (asked.text_of(Settings.Get, Settings.BodyType) or "").upper() == "HTML"
    with call.store.read(call.actor) as tx:
        found = absence.of(tx)
    return Settings.Oof(Settings.Status(_OK), _get(found, html=html))


def _get(found: Absence, *, html: bool) -> Element:
    messages = [_message(tag, getattr(found, name), html=html) for name, tag in _AUDIENCES.items()]
    times: list[Element | None] = []
    if found.state == absence.SCHEDULED:
        times.append(Settings.StartTime(event_times.long(event_times.wire(int(found.starts)))))
        times.append(Settings.EndTime(event_times.long(event_times.wire(int(found.ends)))))
    return Settings.Get(Settings.OofState(found.state), *times, *messages)


def _message(tag: Tag, message: Message | None, *, html: bool) -> Element:
    text = "" if message is None else message.text
    if message is not None and message.html and not html:
        text = message_text.plain(text)
    return Settings.OofMessage(
        tag(),
        Settings.Enabled(0 if message is None else 1),
        Settings.ReplyMessage.given(text),
        # "MUST always be present [...] if the ReplyMessage element is returned" ([MS-ASCMD] §2.2.3.17)
        Settings.BodyType("HTML" if html and message is not None and message.html else "Text") if text else None,
    )


def _read(said: Element, before: Absence) -> Absence | None:
    """What a Set asks for; None if it is none. A Set of messages may leave out the state, and the times with it."""
    messages = said.all(Settings.OofMessage)
    state = number(said.text_of(Settings.OofState), -1)
    if Settings.OofState not in said and messages:
        state = before.state
    if state not in (absence.OFF, absence.ON, absence.SCHEDULED):
        return None
    starts: float = 0
    ends: float = 0
    if state == absence.SCHEDULED == before.state and Settings.StartTime not in said:
        starts, ends = before.starts, before.ends
    elif state == absence.SCHEDULED:
        starts = event_times.seconds_of(said.text_of(Settings.StartTime) or "")
        ends = event_times.seconds_of(said.text_of(Settings.EndTime) or "")
        if ends <= starts:
            return None
    found: dict[str, Message | None] = dict.fromkeys(_AUDIENCES)
    for one in messages:
        text = (one.text_of(Settings.ReplyMessage) or "").replace("\r\n", "\n")
        if len(text) > absence.TEXT_MAX:
            return None
        kind = (one.text_of(Settings.BodyType) or "TEXT").upper()
        if kind not in ("TEXT", "HTML"):
            return None
        html = kind == "HTML"
        enabled = one.text_of(Settings.Enabled) == "1" and bool(text.strip())
        for name, tag in _AUDIENCES.items():
            if tag in one:
                found[name] = Message(text, html) if enabled else None
    return Absence(state, starts, ends, **found)
