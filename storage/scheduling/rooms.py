"""Rooms and resources answer for themselves: yes while nothing else takes place there (RFC 5545 §3.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from storage import busy_times, preferences
from storage import collections as tree
from storage.errors import BadFormat, NotFound, TooManyInstances
from storage.formats import itip
from storage.formats.contentline import Component, Property
from storage.formats.freebusy import merged
from storage.formats.series import Series
from storage.scheduling import copies, people
from storage.scheduling.people import Person
from storage.store import Transaction
from storage.types import SpaceKind, Tool

_HORIZON_S: Final = 2 * 366 * 86_400
"""A series is looked at so far ahead; beyond that nobody has booked yet."""
_MOST: Final = 1_000
"""Instances within that time; a series with more of them is declined."""
ANSWERED: Final = "2.0"


def decide(
    tx: Transaction, meeting: Component, lines: Mapping[str, list[Property]], here: Mapping[str, Person]
) -> tuple[set[str], set[str]]:
    """Answer in a meeting of an organizer here for all rooms that have not answered.

    Gives those that come anew, and those that do not come. A room is told by its calendar alone: it gets the
    meeting that it accepts, and never one that it declined.
    """
    accepted: set[str] = set()
    declined: set[str] = set()
    for address in sorted(here):
        person, own = here[address], lines[address]
        if not person.automatic:
            continue
        if any(itip.partstat(prop) == itip.NEEDS_ACTION for prop in own):
            uid = itip.parts(meeting)[0].value("UID").strip()
            state = "ACCEPTED" if free(tx, person, meeting, uid) else itip.DECLINED
            for prop in own:
                itip.set_param(prop, "PARTSTAT", state)
                itip.set_param(prop, "RSVP", "")
            accepted.add(address)
        if all(itip.partstat(prop) == itip.DECLINED for prop in own):
            declined.add(address)
    return accepted - declined, declined


def free(tx: Transaction, person: Person, meeting: Component, uid: str) -> bool:
    """Whether nothing in a room's calendars meets a meeting; what it had of this one is taken out first."""
    theirs = people.acting(tx, person)
    try:
        # The row is locked: of two who book at the same moment, the second one sees the first (DESIGN §2).
        tree.find(theirs, SpaceKind.PRIVATE, person.login, "events")
        homes = [one for one in tree.home(theirs, SpaceKind.PRIVATE, person.login) if one.tool is Tool.CALENDAR]
    except NotFound:
        return False
    present = copies.find(theirs, person.id, uid)
    if present is not None:
        copies.remove(theirs, present)
    zone: tzinfo = ZoneInfo(preferences.zone_of(tx, person.id)) if person.id else UTC
    now = int(tx.now)
    try:
        wanted = Series.of(meeting).periods(now, now + _HORIZON_S, zone)
    except (BadFormat, TooManyInstances):
        return False
    if len(wanted) > _MOST:
        return False
    periods = merged(wanted, now, now + _HORIZON_S)
    if not periods:
        return True
    start, end = periods[0].start, max(one.end for one in periods)
    taken = merged(busy_times.of(theirs, homes, start, end, zone), start, end)
    return not _meet([(one.start, one.end) for one in periods], [(one.start, one.end) for one in taken])


def _meet(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> bool:
    """Whether any two periods of two sorted lists overlap."""
    at = 0
    for start, end in one:
        while at < len(other) and other[at][1] <= start:
            at += 1
        if at < len(other) and other[at][0] < end:
            return True
    return False
