"""The overlay as one read-only file: every event carries the initials of whose it is (CAL-24, CAL-25)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Final

from storage import calendar_feed
from storage import collections as tree
from storage.calendar_feed import Whole
from storage.overlay import choosing
from storage.store import Transaction
from storage.types import Collection, SpaceKind, Tool

_FORM: Final = 2
"""Raised when the same events are written differently."""
_EVENT: Final = re.compile(rb"(?<=\n)BEGIN:VEVENT\r\n.*?(?<=\n)END:VEVENT\r\n", re.DOTALL)
_SUMMARY: Final = re.compile(rb'(?<=\n)SUMMARY(?:;[^":\r\n]*(?:"[^"\r\n]*"[^":\r\n]*)*)?:')
_UID: Final = re.compile(rb"(?<=\n)UID(?:;[^:\r\n]*)?:")


def whole(tx: Transaction, known: Set[str] = frozenset()) -> Whole:
    """All events of the calendars that the actor's overlay shows; none when it is switched off.

    Nothing is read if its validator is in `known`.
    """
    found = calendars(tx)
    marks = [initials(owner_of(one)) for one in found]
    etag = calendar_feed.combined(_FORM, [*map(calendar_feed.validator, found), *marks])
    if etag in known:
        return Whole(etag, _modified(found), None)
    from storage.formats import calendar_files

    bodies = (
        marked(body, mark, one.id)
        for one, mark in zip(found, marks, strict=True)
        for body in calendar_feed.bodies(tx, one)
    )
    joined = calendar_files.join_objects(_events(bodies), "Overlay", poll=calendar_feed.POLL)
    return Whole(etag, _modified(found), joined)


def calendars(tx: Transaction) -> list[Collection]:
    """What the overlay shows: calendars of the desk, then those of the Internet."""
    home = tree.home(tx, SpaceKind.PRIVATE, tx.actor.login)  # without what is hidden
    return choosing.calendars(tx) + [one for one in home if one.tool is Tool.SUBSCRIPTION]


def initials(name: str) -> str:
    """Two or three letters for a name: Alice Martin is AM, Jean-Luc de Vries is JV, IAB is IAB."""
    words = [word for word in re.split(r"[\s._]+", name) if word[:1].isalnum()]
    if not words:
        return "?"
    if len(words) == 1:
        return words[0] if len(words[0]) <= 3 else words[0][:2].upper()
    return (words[0][0] + words[-1][0]).upper()


def marked(body: bytes, mark: str, number: int) -> bytes:
    """A stored object with the mark before each title, and a UID that no other calendar's copy has.

    The insertion is a folded line of its own, so that none becomes too long (RFC 5545 §3.1).
    """
    title = b"\r\n [" + mark.encode() + b"] "

    def mark_event(found: re.Match[bytes]) -> bytes:
        event, count = _SUMMARY.subn(lambda head: head[0] + title, found[0], count=1)
        if not count:
            event = event.replace(b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\nSUMMARY:[" + mark.encode() + b"]\r\n", 1)
        return _UID.sub(lambda head: head[0] + b"\r\n overlay-%d-" % number, event, count=1)

    return _EVENT.sub(mark_event, body)


def _events(bodies: Iterator[bytes]) -> Iterator[bytes]:
    return (body for body in bodies if b"BEGIN:VEVENT" in body)


def owner_of(one: Collection) -> str:
    """The name of whose calendar it is: a person, a group, or what a subscription is called (CAL-24)."""
    if one.tool is Tool.SUBSCRIPTION:
        return one.display_name or one.name
    return one.space.name if one.space.kind is SpaceKind.GROUP else one.space.display_name or one.space.name


def _modified(found: list[Collection]) -> float:
    return max((one.modified for one in found), default=0.0)
