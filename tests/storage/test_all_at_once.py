"""Several people change the same few folders and collections at random, at the same moment: what must hold afterwards.

Nothing is refused but in the storage's own words; the check of the desk finds nothing; who follows the changes has what
a listing shows (SYS-02, SYS-06, SYS-07, DOC-02). `ROUNDS=20` goes on for so much longer.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from storage import (
    bodies,
    changes,
    check,
    collections,
    downloads,
    dropbox,
    files,
    folder_changes,
    folders,
    items,
    locating,
    locks,
    moving,
    placements,
    subtree_rights,
    transplant,
    trash,
    trees,
)
from storage.errors import Busy, Conflict, Exists, LogTruncated, StorageError
from storage.filing import DOCS, File, Folder
from storage.store import Store, Transaction
from storage.types import ANY, SITE, UNCONDITIONAL, Actor, Collection, ModSeq, Precondition, SpaceKind, Tool
from tests.storage import desk

pytestmark = pytest.mark.slow

SECONDS: Final = 4.0 * int(os.environ.get("ROUNDS", "1"))
SPACES: Final = ((SpaceKind.PRIVATE, "alice"), (SpaceKind.GROUP, "IAB"))
CALENDARS: Final = ("events", "one", "two")
NAMES: Final = "abc"
Space = tuple[SpaceKind, str]
Step = Callable[[random.Random, Transaction, Space], object]
State = dict[str, object]


def path(r: random.Random) -> str:
    found = "/".join(r.choice(NAMES) for _ in range(r.choice((1, 2, 2, 3))))
    return f"Trash/{found}" if r.random() < 0.1 else found


def put(r: random.Random, tx: Transaction, space: Space) -> None:
    precondition = r.choice((UNCONDITIONAL, Precondition(none_match=ANY)))
    files.put(tx, folders.place(tx, *space, path(r)), bodies.small(r.randbytes(r.choice((1, 50)))), precondition)


def mkdir(r: random.Random, tx: Transaction, space: Space) -> None:
    at = folders.place(tx, *space, path(r))
    if at.taken:
        raise Exists(at.name)
    trees.mkdir(tx, at.folder, at.name)


def delete(r: random.Random, tx: Transaction, space: Space) -> None:
    transplant.delete(tx, folders.find(tx, *space, path(r)))


def transfer(r: random.Random, tx: Transaction, space: Space) -> None:
    source, target = path(r), path(r)
    rows = locating.read(tx, *space, DOCS, source, target)
    one, place = folders.found_at(tx, rows, source), folders.place_at(tx, rows, target)
    if place is None:
        raise Conflict(target)
    if r.random() < 0.8:
        transplant.move(tx, one, place, overwrite=r.random() < 0.5)
    elif trees.height(tx, one) < 3 if isinstance(one, Folder) else True:
        transplant.copy(tx, one, place, overwrite=True)


def lock(r: random.Random, tx: Transaction, space: Space) -> None:
    one = folders.find(tx, *space, path(r))
    where = one.folder.space if isinstance(one, File) else one.space
    made = locks.lock(tx, where, f"{DOCS}/{one.path}", infinite=r.random() < 0.5)
    if r.random() < 0.9:
        locks.unlock(tx, where, f"{DOCS}/{one.path}", made.token)


def describe(r: random.Random, tx: Transaction, space: Space) -> None:
    trees.describe(tx, folders.find(tx, *space, path(r)), str(r.random()))


def share(r: random.Random, tx: Transaction, space: Space) -> None:
    one = folders.find(tx, SpaceKind.PRIVATE, "alice", path(r))
    if isinstance(one, File):
        r.choice((placements.share, placements.unshare))(tx, one, "IAB")


def deposit(r: random.Random, tx: Transaction, space: Space) -> None:
    one = folders.find(tx, *space, path(r))
    if isinstance(one, File):
        dropbox.deposit(tx, one, r.choice(("alice", "bob")))


def arrange(r: random.Random, tx: Transaction, space: Space) -> None:
    one = folders.find(tx, *space, path(r))
    if isinstance(one, Folder):
        subtree_rights.apply_to_subfolders(tx, one)


def empty(r: random.Random, tx: Transaction, space: Space) -> None:
    trash.empty(tx, trash.folder(tx, *space))


def calendar(r: random.Random, tx: Transaction) -> Collection:
    return collections.find(tx, *r.choice(SPACES), r.choice(CALENDARS))


def put_event(r: random.Random, tx: Transaction, space: Space) -> None:
    desk.put(tx, calendar(r, tx), r.choice(NAMES), desk.event(r.choice("uvw"), str(r.random())))


def delete_event(r: random.Random, tx: Transaction, space: Space) -> None:
    items.delete(tx, calendar(r, tx), r.choice(NAMES))


def put_card(r: random.Random, tx: Transaction, space: Space) -> None:
    """The same UID in one's own book and in the group's is one contact with two placements (CON-12)."""
    desk.put(tx, desk.contacts(tx, space[1]), r.choice(NAMES), desk.card(r.choice("uv"), str(r.random())))


def delete_card(r: random.Random, tx: Transaction, space: Space) -> None:
    items.delete(tx, desk.contacts(tx, space[1]), r.choice(NAMES))


def count(r: random.Random, tx: Transaction, space: Space) -> None:
    one = folders.find(tx, *space, path(r))
    if isinstance(one, File):
        tx.after_commit.append(lambda: downloads.count(tx.store, one))


def transfer_event(r: random.Random, tx: Transaction, space: Space) -> None:
    change = r.choice((moving.move, moving.copy))
    change(tx, calendar(r, tx), r.choice(NAMES), calendar(r, tx), r.choice(NAMES), overwrite=r.random() < 0.5)


def arrange_calendars(r: random.Random, tx: Transaction, space: Space) -> None:
    step = r.randrange(4)
    if step == 0:
        collections.create(tx, *space, r.choice(CALENDARS), Tool.CALENDAR, components=("VEVENT",))
    elif step == 1:
        collections.rename(tx, calendar(r, tx), r.choice(CALENDARS))
    elif step == 2:
        collections.delete(tx, calendar(r, tx))
    else:
        collections.update(tx, calendar(r, tx), display_name=str(r.random()), order=r.randrange(9))


STEPS: Final[tuple[Step, ...]] = (
    *(put, put, mkdir, mkdir, delete, transfer, transfer, lock, describe, share, deposit, arrange, empty),
    *(count, put_card, put_card, delete_card, put_event, put_event, delete_event, transfer_event, arrange_calendars),
)


class Follower:
    """A client that keeps what it was told and asks for changes only."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.known: dict[tuple[int, int], tuple[ModSeq, State]] = {}

    def look(self, store: Store) -> None:
        """Ask for what changed in all that there is; it must come to what a listing shows."""
        with store.read(self.actor) as tx:
            present: dict[tuple[int, int], Collection] = {}
            for space in SPACES:
                root = folders.find(tx, *space, "")
                assert isinstance(root, Folder)
                calendars = (one for one in collections.home(tx, *space) if one.tool is Tool.CALENDAR)
                present |= {(one.id, one.uid_validity): one for one in (*folders.walk(tx, root, 10_000), *calendars)}
            known = {key: self.known.get(key, (ModSeq(0), {})) for key in present}
            self.known = {key: self._told(tx, present[key], *known[key]) for key in present}

    def _told(self, tx: Transaction, one: Collection, since: ModSeq, state: State) -> tuple[ModSeq, State]:
        listed: State
        try:
            if isinstance(one, Folder):
                found = folder_changes.since(tx, one, since)
                gone, modseq = found.gone, found.modseq
                came: State = {row.name: row.etag for row in found.items} | {f"{f.title}/": f.id for f in found.folders}
                listed = {row.name: row.etag for row in folders.rows(tx, one)}
                listed |= {f"{f.title}/": f.id for f in folders.subfolders(tx, one)}
            else:
                told = changes.since(tx, one, since)
                gone, modseq = told.removed, told.modseq
                came = {row.name: row.etag for row in told.items}
                listed = {row.name: row.etag for row in items.rows(tx, one)}
        except LogTruncated:
            return self._told(tx, one, ModSeq(0), {})
        now = {name: value for name, value in state.items() if name not in gone} | came
        assert now == listed, f"{self.actor.login} in {one.space.name}/{one.name} since {since}"
        return modseq, now


def test_all_at_once(store: Store, alice: Actor, bob: Actor) -> None:
    ends = time.monotonic() + SECONDS
    wrong: list[Exception] = []
    done: list[str] = []

    def work(actor: Actor, r: random.Random) -> None:
        while time.monotonic() < ends and not wrong:
            step = r.choice(STEPS)
            try:
                with store.write(actor) as tx:
                    step(r, tx, r.choice(SPACES))
                done.append(step.__name__)
            except StorageError as error:
                if isinstance(error, Busy) and store.engines.sqlite:
                    wrong.append(error)
            except Exception as error:
                wrong.append(error)

    def follow(follower: Follower) -> None:
        while time.monotonic() < ends and not wrong:
            try:
                follower.look(store)
            except Exception as error:
                wrong.append(error)
            time.sleep(0.05)

    followers = [Follower(alice), Follower(bob)]
    seed = random.randrange(1_000_000)
    threads = [
        threading.Thread(target=work, args=(actor, random.Random(seed + number)))
        for number, actor in enumerate((alice, bob, alice, bob, alice))
    ]
    threads += [threading.Thread(target=follow, args=(one,)) for one in followers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise AssertionError(f"with the seed {seed}") from wrong[0]
    for one in followers:
        one.look(store)
    with store.read(SITE) as tx:
        assert check.run(tx) == []
    assert done


def test_the_follower_sees_what_is_wrong(store: Store, alice: Actor) -> None:
    """The law above is one: a follower who missed a change says so."""
    follower = Follower(alice)
    follower.look(store)
    with store.write(alice) as tx:
        desk.put(tx, desk.events(tx, "alice"), "a", desk.event("u"))
    with store.read(alice) as tx:
        events = desk.events(tx, "alice")
        with pytest.raises(AssertionError):
            follower._told(tx, events, events.modseq, {})
