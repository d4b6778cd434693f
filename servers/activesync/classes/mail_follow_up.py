"""Flag of a mail: what is to be done, until when, and that it is done ([MS-ASEMAIL] §2.2.2.34, §3.2.5.4.2, §4.2)."""

from __future__ import annotations

from typing import Final

from servers.activesync.classes import event_times, property_text
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.wbxml.code_page import Tag
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Email, Tasks
from storage.mail.follow_ups import FollowUp

NONE, COMPLETE, ACTIVE = "0", "1", "2"
KIND: Final = "Flag for follow up"
"""FlagType where nobody said another ([MS-ASEMAIL] §3.2.5.4.2)."""
_TEXTS: Final[tuple[tuple[Tag, str], ...]] = (
    (Email.FlagType, "kind"), (Tasks.Subject, "subject"), (Tasks.SubOrdinalDate, "sub_ordinal"),
)  # fmt: skip
_TIMES: Final[tuple[tuple[Tag, str], ...]] = (
    (Email.CompleteTime, "completed"), (Tasks.DateCompleted, "completed_on"),
    (Tasks.StartDate, "starts"), (Tasks.UtcStartDate, "starts_utc"),
    (Tasks.DueDate, "due"), (Tasks.UtcDueDate, "due_utc"),
    (Tasks.ReminderTime, "reminder_at"), (Tasks.OrdinalDate, "ordinal"),
)  # fmt: skip
_TEXT_MAX: Final = 4_000


def shown(flagged: bool, details: FollowUp | None) -> Element:
    """The element; empty where a mail is not flagged and nothing was done."""
    if details is None:
        return Email.Flag(Email.Status(ACTIVE), Email.FlagType(KIND)) if flagged else Email.Flag()
    return Email.Flag(
        Email.Status(COMPLETE if details.complete else ACTIVE),
        *(tag.given(getattr(details, field)) for tag, field in (*_TEXTS, *_TIMES)),
        Tasks.ReminderSet.given(details.reminder),
    )


def status(flag: Element, before: FollowUp | None) -> str:
    """`NONE`, `COMPLETE` or `ACTIVE`; without Status ("update the flag metadata") it stays as it is.

    Raises:
        Unconvertible: it is none of them ([MS-ASEMAIL] §2.2.2.74).
    """
    said = (flag.text_of(Email.Status) or "").strip()
    if not said and flag.known:
        return COMPLETE if before is not None and before.complete else ACTIVE
    if said not in ("", NONE, COMPLETE, ACTIVE):
        raise Unconvertible("no status of a flag")
    return said or NONE


def of(flag: Element, status: str, now: str) -> FollowUp | None:
    """The details that a device gives; None for a flag without any. What it leaves out is gone (§4.2).

    Where it does not say when a mail was done it was `now`, which other devices need to be told (§3.2.5.4.2).

    Raises:
        Unconvertible: a time is none.
    """
    if status == NONE:
        return None
    texts = {field: property_text.clean(flag.text_of(tag) or "", _TEXT_MAX) for tag, field in _TEXTS}
    times = {field: _time(flag.text_of(tag) or "") for tag, field in _TIMES}
    reminder = (flag.text_of(Tasks.ReminderSet) or "").strip()
    if reminder not in ("", "0", "1"):
        raise Unconvertible("a reminder is set or not")
    texts["kind"] = texts["kind"] or KIND
    if status == COMPLETE:
        times["completed"] = times["completed"] or times["completed_on"] or now
        times["completed_on"] = times["completed_on"] or times["completed"]
    found = FollowUp(complete=status == COMPLETE, reminder=reminder, **texts, **times)
    return None if found == FollowUp(kind=KIND) else found


def _time(text: str) -> str:
    if text:
        event_times.seconds_of(text)
    return text.strip()
