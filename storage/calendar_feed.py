"""A calendar as one read-only file, for programs that subscribe instead of synchronising (CALSYNC-14…17)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final

from storage import collections as tree
from storage import viewing
from storage.store import Transaction
from storage.types import Collection, SpaceKind

NAME: Final = "calendar.ics"
"""Under this name it lies in each main folder of the disk, with size 0 there (CALSYNC-15)."""
MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
POLL: Final = "PT30M"
"""How soon a subscriber may look again, as the feeds say in their own words."""
_FORM: Final = 2
"""Raised when the same events are written differently."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The file as one viewer sees it; his validator is derived from the calendar's change number (SYS-07)."""

    etag: str
    """A weak validator, without quotes."""
    modified: float
    body: bytes | None
    """None if the viewer has it already."""


def whole(tx: Transaction, kind: SpaceKind, space: str, known: Set[str] = frozenset()) -> Whole:
    """The calendar of a person or a group, with details or busy blocks as the actor's rights say.

    Nothing is read of a calendar whose validator is in `known`.

    Raises:
        NotFound: there is none, or the actor may not know of it.
    """
    calendar = tree.find(tx, kind, space, "events")
    etag = validator(calendar)
    body = None if etag in known else joined(tx, calendar, poll=POLL)
    return Whole(etag, calendar.modified, body)


def validator(calendar: Collection) -> str:
    """What changes whenever this viewer would read something else, his rights included."""
    seen = (
        _FORM,
        calendar.id,
        calendar.uid_validity,
        calendar.modseq,
        calendar.view.value,
        calendar.relation.value,
        calendar.display_name,
        calendar.color,
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def combined(form: int, parts: Iterable[str]) -> str:
    """The validator of several calendars in one file."""
    return hashlib.sha256(repr((form, *parts)).encode()).hexdigest()[:32]


def bodies(tx: Transaction, calendar: Collection) -> Iterator[bytes]:
    """The stored bodies as the actor may read them; none is parsed."""
    for item in viewing.load(tx, calendar, body=True):
        if item.body is not None:
            yield item.body


def joined(tx: Transaction, calendar: Collection, *, poll: str = "") -> bytes:
    """All of any calendar, task list or notebook in one iCalendar object, as the actor may read it."""
    from storage.formats import calendar_files

    return calendar_files.join_objects(bodies(tx, calendar), calendar.display_name, calendar.color, poll=poll)
