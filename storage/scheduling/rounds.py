"""Answers in large meetings reach the other attendees in rounds: many answers, one write of each copy (MTG-11).

A round is a row of the transaction that made it necessary; how far it has come is in the row, written in the
transaction that writes the copies. It brings everybody what the organizer's object says at that moment: who dies in
the middle leaves nothing undone, and a copy that is right already is not written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage import many, writing
from storage.errors import StorageError
from storage.formats import icalendar, itip
from storage.formats.contentline import Component
from storage.scheduling import copies, delivery, later, people
from storage.scheduling.people import Person
from storage.scheduling.tables import rounds
from storage.scheduling.views import View, Views
from storage.schema import collections, event_index, items, principals
from storage.statements import Statement
from storage.store import Store, Transaction, attempt, is_passing
from storage.types import SITE, CollectionId, PrincipalId, Tool

log = logging.getLogger(__name__)

PUT_OFF_S: Final = 3_600
"""A round that fails by a mistake of ours is tried again so much later, and stands in nobody's way."""
PACE_S: Final = 3
"""A round comes so many seconds for each attendee after the first answer in it: 10 minutes for 200 people, 50 for a
thousand. So a meeting costs a copy each three seconds at most, however many answer, and as often as they like."""
TOGETHER: Final = 256
"""Attendees of one transaction."""
OCTETS: Final = 500_000
"""And so much of copies that differ, which are read and merged one by one while nobody else can write (SQLite)."""
STEPS: Final = 20
"""Transactions after which others that wait for `jobs` have their turn."""


_FIRST: Final = (
    sa.select(rounds, principals.c.name)
    .join(principals, principals.c.id == rounds.c.organizer_id)
    .order_by(rounds.c.due)
    .limit(STEPS)
)


def _lying(size: int) -> Statement:
    """Where the copies of some people lie, and which are alike."""
    columns = (collections.c.space_id, event_index.c.collection_id, items.c.id, items.c.hash, items.c.size)
    here = collections.join(event_index, event_index.c.collection_id == collections.c.id)
    return Statement(
        sa.select(*columns)
        .select_from(here.join(items, items.c.id == event_index.c.item_id))
        .where(
            many.among(collections.c.space_id, size),
            sa.or_(*(collections.c.tool == tool for tool in copies.HOLDERS)),
            event_index.c.uid == sa.bindparam("uid"),
        )
        .order_by(collections.c.space_id, items.c.id)
    )


def _locked(size: int) -> Statement:
    # In one order, so that nobody who writes in the same calendars waits for us while we wait for him (DESIGN §2).
    query = sa.select(collections.c.id).where(many.among(collections.c.id, size)).order_by(collections.c.id)
    return Statement(query.with_for_update())


def _stored(size: int) -> Statement:
    """The copies themselves, now that nobody else can write them; `plain`: they may be written together."""
    plain = sa.and_(items.c.hidden_modseq == 0, items.c.freed_modseq == 0, many.UNSHARED)
    columns = (items.c.id, items.c.collection_id, items.c.hash, items.c.size, plain.label("plain"))
    return Statement(sa.select(*columns).where(many.among(items.c.id, size)).order_by(items.c.id))


def _bodies(size: int) -> Statement:
    columns = (items.c.hash, items.c.body, items.c.blob)
    return Statement(sa.select(*columns).where(many.among(items.c.id, size)))


_LYING: Final = {size: _lying(size) for size in many.SIZES}
_LOCKED: Final = {size: _locked(size) for size in many.SIZES}
_STORED: Final = {size: _stored(size) for size in many.SIZES}
_BODIES: Final = {size: _bodies(size) for size in many.SIZES}


def gather(tx: Transaction, organizer: Person, uid: str, attendees: int) -> None:
    """Let an answer wait for the next round of its meeting; one that is under way is followed by another."""
    due = int(tx.now) + PACE_S * attendees
    insert = sqlite.insert(rounds) if tx.store.engines.sqlite else postgresql.insert(rounds)
    fresh = insert.values(organizer_id=organizer.id, uid=uid, due=due)
    later_on = sa.case((sa.and_(rounds.c.reached > 0, rounds.c.again == 0), due), else_=rounds.c.again)
    tx.db.execute(fresh.on_conflict_do_update(index_elements=["organizer_id", "uid"], set_={"again": later_on}))


def next_due(store: Store) -> float | None:
    """When the next round is due, seconds since the epoch; None if none waits."""
    with store.read(SITE) as tx:
        found: int | None = tx.db.execute(sa.select(sa.func.min(rounds.c.due))).scalar()
    return None if found is None else float(found)


def run(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Take some steps of the rounds that are due; gives how many transactions that was."""
    done = 0
    while done < STEPS and not stopped():
        with store.read(SITE) as tx:
            due = tx.db.execute(_FIRST.where(rounds.c.due <= int(tx.now))).all()
            # What was to reach their copies before does so first: `later` is done before the next look.
            row = next((one for one in due if not later.waits(tx, one.uid)), None)
        if row is None:
            return done
        with store.write(SITE) as tx:
            try:
                with attempt(tx):
                    _step(tx, row)
            except Exception as error:
                if is_passing(error):
                    raise
                log.exception("round put off", extra={"organizer": row.name, "uid": row.uid})
                this = (rounds.c.organizer_id == row.organizer_id, rounds.c.uid == row.uid)
                tx.db.execute(sa.update(rounds).where(*this).values(due=int(tx.now) + PUT_OFF_S))
        done += 1
    return done


def _step(tx: Transaction, row: Any) -> None:
    """Serve the next attendees of a round."""
    organizer = Person(PrincipalId(row.organizer_id), row.name)
    present = delivery.organized(tx, organizer, row.uid)
    who = _people(tx, organizer, present.calendar) if present is not None else {}
    found, reached = _next(tx, sorted(one for one in who if one > row.reached), row.uid)
    _all(tx, _LOCKED, sorted({each.collection_id for each in found}))
    # The row is locked after the calendars, as by whoever answers: he has his own, and then comes here.
    same = (rounds.c.organizer_id == row.organizer_id, rounds.c.uid == row.uid, rounds.c.reached == row.reached)
    mine = tx.db.execute(sa.select(rounds).where(*same).with_for_update()).first()
    if mine is None:
        return  # another process was here
    if present is not None and found:
        seen, present = present.body, delivery.organized(tx, organizer, row.uid)
        if present is None or present.body != seen:
            return  # somebody answered this moment: the step is taken again with what he said
        _serve(tx, organizer, present.calendar, who, found)
    if reached:
        tx.db.execute(sa.update(rounds).where(*same).values(reached=reached))
    elif mine.again:
        tx.db.execute(sa.update(rounds).where(*same).values(due=mine.again, reached=0, again=0))
    else:
        tx.db.execute(sa.delete(rounds).where(*same))


def _people(tx: Transaction, organizer: Person, meeting: Component) -> dict[int, tuple[str, Person]]:
    """Whose copies follow, by account, with the address that is invited."""
    me = people.addresses(tx, organizer, meeting)
    served = [one for one, prop in itip.attendees(meeting).items() if one not in me and itip.agent(prop) == "SERVER"]
    return {who.id: (one, who) for one, who in people.of_addresses(tx, served).items()}


def _next(tx: Transaction, left: Sequence[int], uid: str) -> tuple[list[Any], int]:
    """Where the copies of the next people of `left` lie, and who is the last of these; 0 if nobody is left then."""
    some, octets, differ = left[:TOGETHER], 0, set[str]()
    rows = _all(tx, _LYING, some, {"uid": uid})
    for at, row in enumerate(rows):
        octets += row.size if row.hash not in differ else 0
        differ.add(row.hash)
        if octets > OCTETS and at and row.space_id != rows[at - 1].space_id:
            return rows[:at], int(rows[at - 1].space_id)
    return rows, some[-1] if len(left) > len(some) else 0


def _serve(
    tx: Transaction,
    organizer: Person,
    meeting: Component,
    who: Mapping[int, tuple[str, Person]],
    found: Sequence[Any],
) -> None:
    """Give these copies the answers: together those that have nothing of their owners', else one by one."""
    views, spaces = Views(meeting), {row.id: row.space_id for row in found}
    me = people.addresses(tx, organizer, meeting)
    rows: dict[int, Any] = {}
    for row in _all(tx, _STORED, sorted(spaces)):
        rows.setdefault(spaces[row.id], row)  # as `copies.find`: the first of his calendars that has it
    ones = {row.hash: row.id for row in rows.values()}
    bodies = {row.hash: writing.body_of(tx, row) for row in _all(tx, _BODIES, sorted(ones.values()))}
    alike: dict[tuple[str, int], list[int]] = {}
    forms: dict[int, View] = {}
    for space in rows:
        view = views.of(who[space][0])
        if view is not None:
            forms[id(view)] = view
            alike.setdefault((rows[space].hash, id(view)), []).append(space)
    together: dict[tuple[int, int], dict[int, CollectionId]] = {}
    for (digest, key), some in alike.items():
        view, had = forms[key], icalendar.load(bodies[digest]).calendar
        head = itip.organizer(had)
        if head is None or itip.address(head.value) not in me or bodies[digest] == view.prepared.body:
            continue  # something of his own that bears the same UID; or he has it already
        apart = _own(had, view, [who[space][0] for space in some])
        for space in some:
            row = rows[space]
            if apart or not row.plain or not view.plain:
                with suppress(StorageError):  # his copy cannot be written: the answers stand in the organizer's
                    _one(tx, who[space][1], view, who[space][0])
            else:
                together.setdefault((key, row.size), {})[row.id] = CollectionId(row.collection_id)
    for (key, size), targets in together.items():
        prepared = forms[key].prepared
        grown = len(prepared.body) - size
        many.replace(tx, targets, Tool.CALENDAR, prepared, grown=grown, keep_tag=True, keep_version=False)


def _own(had: Component, view: View, addresses: Sequence[str]) -> bool:
    """Whether copies that are alike have something of their owners' own."""
    fresh = itip.clone(view.calendar)
    return itip.keep_own(had, fresh) or any(itip.stay_away(had, fresh, one) for one in addresses)


def _one(tx: Transaction, person: Person, view: View, address: str) -> None:
    theirs = people.acting(tx, person)
    present = copies.find(theirs, person.id, view.uid)
    if present is not None:
        prepared = delivery.merged(present, view, address)
        if prepared.body != present.body:
            copies.replace(theirs, present, prepared, keep_tag=True, keep_version=False)


def _all(
    tx: Transaction, statements: Mapping[int, Statement], values: Sequence[int], more: Mapping[str, Any] | None = None
) -> list[Any]:
    return [row for size, chosen in many.chunks(values) for row in statements[size].all(tx, chosen | dict(more or {}))]
