"""This and all later instances become a series of their own, which keeps everybody's answers (CAL-17, MTG-13)."""

from __future__ import annotations

import uuid

from storage import collections as tree
from storage import items
from storage.attachments.foreign import Foreign
from storage.errors import NotFound, Refused
from storage.formats import cutting, itip
from storage.formats.contentline import Property
from storage.scheduling import copies, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import Answers, Principal


def split(tx: Transaction, account: Principal, uid: str, instance: str) -> str:
    """Cut one of the account's own series before an instance; gives the UID of the later half.

    `instance` is its RECURRENCE-ID as the calendar writes it. Attendees get both halves, with the answers that
    they gave: nothing of what they answered to has changed.

    Raises:
        NotFound: there is no such series.
        Refused: somebody else organizes it, or it cannot be cut there.
        Denied: the actor may not write there.
    """
    present = copies.find(tx, account.id, uid)
    if present is None:
        raise NotFound(uid)
    head = itip.organizer(present.calendar)
    me = people.addresses(tx, Person(account.id, account.name), present.calendar)
    if head is not None and itip.address(head.value) not in me:
        raise Refused("only the organizer cuts a series")
    master = itip.parts(present.calendar)[0]
    start = master.get("DTSTART")
    params = [pair for pair in start.params if pair[0] in ("TZID", "VALUE")] if start is not None else []
    if instance.upper().endswith("Z"):
        params = []
    fresh = str(uuid.uuid4())
    halves = cutting.cut(present.calendar, Property("RECURRENCE-ID", instance, params), fresh)
    if halves is None:
        raise Refused("a series is cut before one of its instances, and not before the first")
    collection = tree.by_id(tx, present.collection)
    items.put(tx, collection, present.name, copies.prepare(halves[0]), answers=Answers.OURS)
    later = copies.prepare(halves[1])
    items.put(tx, collection, f"{fresh}.ics", later, foreign=Foreign.OF_SPACE, answers=Answers.OURS)
    return fresh
