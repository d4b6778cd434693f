"""Items: read as the actor may see them, written whole or not at all (SYS-06, SYS-08, ACL-05)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from storage import collections as tree
from storage import kinds, locks, numbering, tombstones, viewing, writing
from storage.attachments.foreign import Foreign
from storage.errors import (
    Conflict,
    Denied,
    NotFound,
    Stale,
    TooLarge,
    UnsupportedComponent,
    UnsupportedMedia,
)
from storage.kinds import Prepared
from storage.store import Transaction
from storage.types import (
    ANY,
    UNCONDITIONAL,
    Answers,
    Brief,
    Collection,
    Item,
    Precondition,
    Right,
    Row,
    Tool,
    View,
    Written,
)


def get(tx: Transaction, collection: Collection, name: str, *, body: bool = True) -> Item:
    """One item as the actor sees it.

    Raises:
        NotFound: it does not exist, or is hidden from him.
    """
    found = viewing.one(tx, collection, normal(name), body=body)
    if found is None:
        raise NotFound(f"there is no {name}, or whoever acts may not see it (capitals count)")
    return found


def rows(tx: Transaction, collection: Collection) -> Sequence[Row]:
    """All items that the actor sees, one cheap row each."""
    return viewing.listing(tx, collection)


def brief(tx: Transaction, collection: Collection) -> Sequence[Brief]:
    """Name and validator of all items that the actor sees; plain tuples in that order."""
    return viewing.brief(tx, collection)


def listing(tx: Transaction, collection: Collection) -> list[Item]:
    """All items that the actor sees, without their bodies."""
    return viewing.load(tx, collection, body=False)


def many(tx: Transaction, collection: Collection, names: Sequence[str], *, body: bool = True) -> dict[str, Item]:
    """The named items that the actor sees, by name; absent ones are left out."""
    return {item.name: item for item in viewing.named(tx, collection, names, body=body)}


def put(
    tx: Transaction,
    collection: Collection,
    name: str,
    prepared: Prepared,
    precondition: Precondition = UNCONDITIONAL,
    *,
    schedule: bool = True,
    foreign: Foreign = Foreign.REFUSED,
    answers: Answers = Answers.SEEN,
) -> Written:
    """Store a body under a name: a new item, a new body, or only what belongs to the viewer.

    A meeting is sent to those whom it concerns, unless `schedule` is off: then it is only kept (RFC 6638 §3.2).
    `foreign` says what becomes of attachments that are not his to use (RFC 8607 §3.12), `answers` what is known of
    those in a meeting; with a schedule tag, some may have come unseen.

    Raises:
        Stale: the precondition does not hold.
        Denied: the actor may not add, or may not edit.
        OthersMeeting, ScheduledElsewhere: see storage/scheduling.
        StatusOnly: see storage/assigned_tasks.
        UnknownAttachment, TooManyAttachments: see storage/attachments.
        UidConflict, UnsupportedComponent, TooLarge, OverQuota, LimitReached, Locked, Conflict: as named.
    """
    name = clean_name(name)
    if bool(collection.components) is not bool(prepared.component):
        raise UnsupportedMedia(prepared.media_type)
    if collection.components and prepared.component not in collection.components:
        raise UnsupportedComponent(prepared.component)
    if len(prepared.body) > tx.store.limits.resource_octets:
        raise TooLarge(tx.store.limits.resource_octets)
    stored = writing.stored(tx, collection, name)
    seen = None if stored is None else viewing.one(tx, collection, name, body=False)
    check(seen, precondition)
    prepared, used = _attached(tx, collection, stored, prepared, foreign)
    prepared = _given(tx, collection, stored, prepared)
    if schedule and (stored is None or (seen is not None and seen.view is View.FULL)):
        unseen = precondition.schedule_tag is not None and answers is Answers.SEEN
        prepared = _scheduled(tx, collection, stored, seen, prepared, Answers.UNSEEN if unseen else answers)
    write = writing.Write(tx, collection, name, prepared, kinds.of(collection.tool))
    if stored is None or seen is None:
        # A name taken by what he may not know of is refused in the words of a missing right (SYS-09), and
        # whoever may not write here learns nothing of locks and UIDs either.
        if stored is not None or not collection.rights & Right.ADD:
            raise Denied(Right.ADD, tree.path(collection))
        locks.check(tx, collection.space, tree.below(collection, name), member=True)
        written = write.create()
        if used:
            attaching().note(tx, writing.stored(tx, collection, name).id, used, anew=True)
        if collection.tool is Tool.CONTACTS:
            card_placements().created(tx, collection, name, prepared)
        return written
    locks.check(tx, collection.space, tree.below(collection, name))
    written = write.replace(stored, seen)
    if prepared.component:
        attaching().note(tx, stored.id, used, anew=False)
    if collection.tool is Tool.CONTACTS:
        card_placements().edited(tx, collection, name, prepared)
    return written


def _attached(
    tx: Transaction, collection: Collection, stored: Any, prepared: Prepared, foreign: Foreign
) -> tuple[Prepared, frozenset[int]]:
    if not prepared.attachments:
        return prepared, frozenset()
    found: tuple[Prepared, frozenset[int]] = attaching().checked(tx, collection, stored, prepared, foreign)
    return found


def attaching() -> ModuleType:
    """The module of managed attachments, which parses: it is loaded where there are calendars."""
    from storage.attachments import checking as found

    return found


def _given(tx: Transaction, collection: Collection, stored: Any, prepared: Prepared) -> Prepared:
    """TASK-04: what of a task is its recipient's to change."""
    if stored is None or collection.tool is not Tool.TASKS:
        return prepared
    from storage import assigned_tasks  # which parses

    return assigned_tasks.checked(tx, collection, stored, prepared)


def _scheduled(
    tx: Transaction, collection: Collection, stored: Any, seen: Item | None, prepared: Prepared, answers: Answers
) -> Prepared:
    if not _is_meeting(collection, stored, prepared):
        return prepared
    allowed = collection.rights & Right.ADD if seen is None else seen.rights & Right.EDIT
    if not allowed:
        return prepared  # it will be refused, or only the viewer's own parts change
    held = collection.rights if seen is None else seen.rights
    found: Prepared = implicit().written(tx, collection, stored, prepared, held, answers)
    return found


def _is_meeting(collection: Collection, stored: Any, prepared: Prepared | None) -> bool:
    """Whether a write, or a removal (`prepared` is None), is that of a meeting."""
    if collection.tool not in (Tool.CALENDAR, Tool.TASKS):
        return False
    return bool((prepared is not None and prepared.scheduled) or (stored is not None and stored.schedule_tag))


def implicit() -> ModuleType:
    """The module of meetings, which stands above this one."""
    from storage.scheduling import implicit as found

    return found


def card_placements() -> ModuleType:
    """The module that stands above this one, and is told what was written."""
    from storage import card_placements as found

    return found


def delete(
    tx: Transaction,
    collection: Collection,
    name: str,
    precondition: Precondition = UNCONDITIONAL,
    *,
    schedule: bool = True,
    reply: bool = True,
) -> None:
    """Remove an item; its last body stays recoverable (SYS-06).

    A meeting is called off, or refused, unless `schedule` is off; without `reply` it is refused silently (MTG-08).

    Raises:
        NotFound, Stale, Denied, Locked: as named; the creator alone may not delete (ACL-05).
    """
    name = normal(name)
    seen = get(tx, collection, name, body=False)
    check(seen, precondition)
    if not seen.rights & Right.DELETE and not collection.rights & Right.DELETE:
        raise Denied(Right.DELETE, tree.path(collection))
    locks.check(tx, collection.space, tree.below(collection, name), member=True, tree=True)
    stored = writing.stored(tx, collection, name)
    if schedule and _is_meeting(collection, stored, None):
        implicit().removed(tx, collection, stored, reply=reply)
    writing.keep_version(tx, stored, removed=True)
    number = numbering.take(tx, collection.id, count=-1, octets=-stored.size)
    tombstones.bury(tx, collection, stored, number)
    writing.remove(tx, stored)
    locks.forget(tx, collection.space, tree.below(collection, name))


def check(seen: Item | None, precondition: Precondition) -> None:
    """Evaluate If-Match, If-None-Match and If-Schedule-Tag-Match on what the actor sees (RFC 9110 §13).

    Raises:
        Stale: one of them does not hold.
    """
    if precondition.match is not None and (
        seen is None or (precondition.match != ANY and seen.etag not in precondition.match)
    ):
        raise Stale("the item is not what you read")
    if (
        precondition.none_match is not None
        and seen is not None
        and (precondition.none_match == ANY or seen.etag in precondition.none_match)
    ):
        raise Stale("the item is already there")
    if precondition.schedule_tag is not None and (seen is None or seen.schedule_tag != precondition.schedule_tag):
        raise Stale("the meeting changed meanwhile")


def normal(name: str) -> str:
    """NFC, as names are stored and matched (SYS-13)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def clean_name(name: str) -> str:
    """The name as it is stored: NFC, at most 255 octets (SYS-13).

    Raises:
        Conflict: it holds control characters or a slash, or is too long.
    """
    clean = normal(name)
    if not clean or clean in {".", ".."} or len(clean.encode()) > 255:
        raise Conflict("this cannot be a name")
    if "/" in clean or not clean.isprintable():
        raise Conflict("a name holds no control characters and no slash")
    return clean
