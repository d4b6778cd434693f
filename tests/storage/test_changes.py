"""Synchronisation from any number to the present: SYS-07, SYS-08, SYS-09, SYS-10, RFC 6578 §3."""

from __future__ import annotations

import itertools
import multiprocessing
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import changes, collections, grants, groups, items, moving
from storage.errors import LogTruncated, NotFound, StorageError
from storage.schema import collections as collection_rows
from storage.schema import items as item_rows
from storage.store import Store
from storage.types import SITE, Actor, Changes, ModSeq, Right, SpaceKind, Tool, View
from tests.storage import bodies, desk

NAMES = ("a", "b", "c", "d")
RIGHTS = {
    Tool.CALENDAR: (Right.SEE, Right.EDIT, Right.ADD, Right.DELETE),
    Tool.TASKS: (Right.SEE, Right.SEE, Right.DELETE),
    Tool.NOTES: (Right.SEE_FOLDER, Right.SEE_FOLDER | Right.ADD, Right.ADD, Right.DELETE),
    Tool.CONTACTS: (Right.SEE, Right.SEE | Right.ADD, Right.EDIT, Right.DELETE),
}
WORLDS = (
    ("alice", Tool.CALENDAR, "VEVENT"),
    ("alice", Tool.TASKS, "VTODO"),
    ("alice", Tool.NOTES, "VJOURNAL"),
    ("alice", Tool.CONTACTS, ""),
    ("IAB", Tool.CALENDAR, "VEVENT"),
    ("IAB", Tool.NOTES, "VJOURNAL"),
    ("IAB", Tool.CONTACTS, ""),
)

_name = st.sampled_from(NAMES)
_who = st.sampled_from(("alice", "bob"))
_grantee = st.sampled_from(("bob", "IAB", "XYZ"))
_right = st.integers(0, 3)
_there = st.integers(0, 3)
"""Which of the items that exist."""
_write = st.tuples(
    st.just("put"),
    _who,
    _name,
    st.sampled_from(("", "", "PRIVATE", "CONFIDENTIAL")),
    st.sampled_from(("", "", "CANCELLED")),
    st.integers(0, 2),
)
_operation = st.one_of(
    _write,
    _write,
    st.tuples(st.just("own"), _who, _there, st.integers(0, 3)),
    st.tuples(st.just("delete"), _who, _there),
    st.tuples(st.just("move"), _who, _there, _name, st.booleans()),
    st.tuples(st.just("grant"), _grantee, _right),
    st.tuples(st.just("withdraw"), _grantee, _right),
    st.tuples(st.just("open"), _who, _grantee, st.sampled_from((Right.SEE, Right.EDIT)), _there),
    st.tuples(st.just("close"), _who, _grantee, st.sampled_from((Right.SEE, Right.EDIT)), _there),
    st.tuples(st.just("member"), st.sampled_from(("IAB", "XYZ"))),
    st.tuples(st.just("sync"), _who, st.sampled_from((None, 1, 2, 3))),
    st.tuples(st.just("start"), _who),
)
_count = itertools.count()


@dataclass
class Copy:
    """What one client believes, and the token it holds."""

    who: Actor
    held: dict[str, str] = field(default_factory=dict)
    token: ModSeq = ModSeq(0)  # noqa: RUF009
    bound: ModSeq = ModSeq(0)  # noqa: RUF009
    done: bool = False


class Office:
    """One collection, its two viewers, and every copy that they began to keep of it."""

    def __init__(self, store: Store, space: str, tool: Tool, component: str) -> None:
        self.store, self.space, self.component = store, space, component
        self.alice, self.bob = desk.actor(store, "alice"), desk.actor(store, "bob")
        self.name, self.rights = f"c{next(_count)}", RIGHTS[tool]
        kind = SpaceKind.GROUP if space.isupper() else SpaceKind.PRIVATE
        with store.write(self.alice) as tx:
            collections.create(tx, kind, space, self.name, tool, components=(component,) if component else ())
        self.copies: list[Copy] = []
        self.seen: dict[str, set[str]] = {"alice": set(), "bob": set()}
        self.etags: dict[tuple[str, str, str], bytes] = {}
        self.bodies: dict[tuple[str, str, bytes], str] = {}
        self.stamps = itertools.count(1)

    def actor(self, login: str) -> Actor:
        return self.alice if login == "alice" else self.bob

    def body(self, uid: str, klass: str = "", status: str = "", own: int = 0, text: int = 0) -> bytes:
        summary = f"s{text}" if text else f"s{next(self.stamps)}"
        if not self.component:
            return bodies.card(uid, summary, ",".join("xyz"[:own]))
        return bodies.thing(self.component, uid, summary=summary, klass=klass, status=status, alarm=own)

    def do(self, operation: tuple[object, ...]) -> None:
        verb, *values = operation
        with suppress(StorageError):
            getattr(self, f"{verb}_")(*values)
        self.look()

    def put_(self, who: str, name: str, klass: str, status: str, own: int) -> None:
        with self.store.write(self.actor(who)) as tx:
            here = bodies.find(tx, self.space, self.name)
            uid = self._uid(name) or f"{name}{next(self.stamps)}"
            bodies.put(tx, here, name, self.body(uid, klass, status, own))
        self.seen[who].add(name)  # he knows what he wrote, whoever sees it

    def _uid(self, name: str) -> str | None:
        with self.store.read(SITE) as tx:
            try:
                found = items.get(tx, bodies.find(tx, self.space, self.name), name)
            except NotFound:
                return None
        assert found.body is not None
        return bodies.uid_of(found.body)

    def one(self, which: int) -> str:
        with self.store.read(self.alice if self.space == "alice" else SITE) as tx:
            names = sorted(row.name for row in items.rows(tx, bodies.find(tx, self.space, self.name)))
        return names[which % len(names)] if names else "a"

    def own_(self, who: str, which: int, own: int) -> None:
        """Change alarms or categories only (SYS-08)."""
        name = self.one(which)
        with self.store.write(self.actor(who)) as tx:
            here = bodies.find(tx, self.space, self.name)
            item = items.get(tx, here, name)
            assert item.body is not None or item.view is View.EXISTENCE
            if item.body is None or item.view is not View.FULL:
                return
            lines = item.body.decode().split("\r\n")
            if self.component:
                text = item.body.decode().split("BEGIN:VALARM")[0].split(f"END:{self.component}")[0]
                alarms = bodies.ALARM.format("x", own) if own else ""
                text += f"{alarms}END:{self.component}\r\nEND:VCALENDAR\r\n"
            else:
                kept = [line for line in lines if not line.startswith("CATEGORIES")]
                kept[-2:-2] = [f"CATEGORIES:{','.join('xyz'[:own])}"] if own else []
                text = "\r\n".join(kept)
            bodies.put(tx, here, name, text.encode())

    def delete_(self, who: str, which: int) -> None:
        name = self.one(which)
        with self.store.write(self.actor(who)) as tx:
            items.delete(tx, bodies.find(tx, self.space, self.name), name)

    def move_(self, who: str, which: int, target: str, overwrite: bool) -> None:
        name = self.one(which)
        with self.store.write(self.actor(who)) as tx:
            here = bodies.find(tx, self.space, self.name)
            moving.move(tx, here, name, here, target, overwrite=overwrite)

    def grant_(self, grantee: str, which: int) -> None:
        right = self.rights[which % len(self.rights)]
        with self.store.write(self.alice) as tx:
            grants.grant(tx, bodies.find(tx, self.space, self.name), desk.principal(self.store, grantee), right)

    def withdraw_(self, grantee: str, which: int) -> None:
        right = self.rights[which % len(self.rights)]
        with self.store.write(self.alice) as tx:
            grants.withdraw(tx, bodies.find(tx, self.space, self.name), desk.principal(self.store, grantee), right)

    def open_(self, who: str, grantee: str, right: Right, which: int) -> None:
        name = self.one(which)
        with self.store.write(self.actor(who)) as tx:
            here = bodies.find(tx, self.space, self.name)
            grants.grant(tx, here, desk.principal(self.store, grantee), right, name)
        self.seen["bob"].add(name)  # opened to him, were it in a folder that he does not see yet

    def close_(self, who: str, grantee: str, right: Right, which: int) -> None:
        name = self.one(which)
        with self.store.write(self.actor(who)) as tx:
            here = bodies.find(tx, self.space, self.name)
            grants.withdraw(tx, here, desk.principal(self.store, grantee), right, name)

    def member_(self, group: str) -> None:
        """Bob leaves the group, or enters it again."""
        bob, whole = desk.principal(self.store, "bob"), desk.principal(self.store, group)
        with self.store.write(SITE) as tx:
            if groups.role(tx, whole.id, bob.id) is None:
                groups.add_member(tx, whole, bob)
            else:
                groups.expel(tx, whole, bob)

    def start_(self, who: str) -> None:
        self.copies.append(Copy(self.actor(who)))

    def sync_(self, who: str, limit: int | None) -> None:
        for copy in self.copies:
            if copy.who.login == who:
                self.step(copy, limit)

    def step(self, copy: Copy, limit: int | None) -> None:
        """One sync-collection report."""
        with self.store.read(copy.who) as tx:
            here = bodies.find(tx, self.space, self.name)
            found = changes.since(tx, here, copy.token, bound=copy.bound, limit=limit)
        assert found.modseq >= copy.token, "tokens only grow"
        assert found.modseq <= here.modseq
        if not copy.token:
            assert found.removed == (), "an initial synchronisation lists no removed members"
        assert not {row.name for row in found.items} & set(found.removed)
        for name in found.removed:
            assert name in self.seen[copy.who.login], f"{name} was never visible (SYS-09)"
            copy.held.pop(name, None)
        copy.held |= {row.name: row.etag for row in found.items}
        assert not found.truncated or found.modseq > copy.token
        copy.token, copy.bound, copy.done = found.modseq, found.bound, not found.truncated

    def look(self) -> None:
        """Both viewers list and read everything; a validator stands for one body, and a body for one validator."""
        for login in ("alice", "bob"):
            actor = self.actor(login)
            try:
                self._read(login, actor)
            except NotFound:
                self.seen[login] |= self._common()

    def _read(self, login: str, actor: Actor) -> None:
        with self.store.read(actor) as tx:
            here = bodies.find(tx, self.space, self.name)
            for row in items.rows(tx, here):
                self.seen[login].add(row.name)
                item = items.get(tx, here, row.name)
                assert item.etag == row.etag
                if item.view is View.EXISTENCE:
                    continue
                assert item.body is not None
                assert len(item.body) == row.size == item.size
                assert self.etags.setdefault((login, row.name, row.etag), item.body) == item.body
                assert self.bodies.setdefault((login, row.name, item.body), row.etag) == row.etag

    def _common(self) -> set[str]:
        """What whoever sees the collection sees: who is out may learn later that such a one came and went."""
        with self.store.read(SITE) as tx:
            here = bodies.find(tx, self.space, self.name)
            query = sa.select(item_rows.c.name).where(
                item_rows.c.collection_id == here.id, item_rows.c.hidden_modseq == 0, ~item_rows.c.restricted
            )
            if self.space == "alice" and self.component:
                query = query.where(sa.or_(item_rows.c.freed_modseq == 0, item_rows.c.creator_id == self.bob.id))
            return set(tx.db.execute(query).scalars())

    def settle(self) -> None:
        """Every copy comes to what a fresh listing shows, names and validators."""
        for copy, limit in zip(self.copies, itertools.cycle((None, 1, 2)), strict=False):
            try:
                for _ in range(100):
                    self.step(copy, limit)
                    if copy.done:
                        break
            except NotFound:
                continue
            with self.store.read(copy.who) as tx:
                here = bodies.find(tx, self.space, self.name)
                assert copy.held == {row.name: row.etag for row in items.rows(tx, here)}
                again = changes.since(tx, here, copy.token, bound=copy.bound)
            assert not again.items
            assert not again.removed


@pytest.fixture
def two_groups(store: Store) -> Store:
    """Alice and bob share XYZ as well, so that leaving one group does not part them."""
    with store.write(SITE) as tx:
        other = groups.create(tx, "XYZ", admin=desk.principal(store, "alice"))
        groups.add_member(tx, other, desk.principal(store, "bob"))
    return store


@pytest.mark.slow
@pytest.mark.parametrize(("space", "tool", "component"), WORLDS, ids=lambda value: str(getattr(value, "value", value)))
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(operations=st.lists(_operation, min_size=8, max_size=30))
def test_every_client_ends_where_the_server_is(
    two_groups: Store, space: str, tool: Tool, component: str, operations: list[tuple[object, ...]]
) -> None:
    bob = desk.principal(two_groups, "bob")
    with two_groups.write(SITE) as tx:
        for name in ("IAB", "XYZ"):
            group = desk.principal(two_groups, name)
            if groups.role(tx, group.id, bob.id) is None:
                groups.add_member(tx, group, bob)
    office = Office(two_groups, space, tool, component)
    for operation in operations:
        office.do(operation)
        for who in ("alice", "bob"):
            office.start_(who)
            try:
                office.step(office.copies[-1], None)
            except NotFound:
                office.copies.pop()
    office.settle()


def _token(store: Store, who: Actor, space: str = "alice") -> ModSeq:
    with store.read(who) as tx:
        return desk.events(tx, space).modseq


def _since(store: Store, who: Actor, after: int, *, bound: int = 0, limit: int | None = None) -> Changes:
    with store.read(who) as tx:
        return changes.since(tx, desk.events(tx, "alice"), ModSeq(after), bound=ModSeq(bound), limit=limit)


def _put(store: Store, who: Actor, name: str, **parts: object) -> None:
    with store.write(who) as tx:
        bodies.put(tx, desk.events(tx, "alice"), name, bodies.event(name, **parts))


def _delete(store: Store, who: Actor, name: str) -> None:
    with store.write(who) as tx:
        items.delete(tx, desk.events(tx, "alice"), name)


def _names(found: Changes) -> tuple[list[str], list[str]]:
    return [row.name for row in found.items], sorted(found.removed)


def test_numbers_never_given_out_and_purged_ones_are_refused(store: Store, alice: Actor) -> None:
    """SYS-07, RFC 6578 §3.2 `valid-sync-token`."""
    _put(store, alice, "a")
    with pytest.raises(LogTruncated):
        _since(store, alice, _token(store, alice) + 1)
    with pytest.raises(LogTruncated):
        _since(store, alice, 1, bound=_token(store, alice) + 1)
    _delete(store, alice, "a")
    floor = _token(store, alice)
    with store.write(SITE) as tx:
        tx.db.execute(sa.update(collection_rows).values(log_floor=floor))
    with pytest.raises(LogTruncated):
        _since(store, alice, floor - 1)
    assert _names(_since(store, alice, floor)) == ([], [])
    assert _names(_since(store, alice, 0)) == ([], [])


def test_what_came_and_went_is_told_as_removed(store: Store, alice: Actor, bob: Actor) -> None:
    """RFC 6578 §3.5.2: "it MUST be reported as removed"; but a private one never was there for bob (SYS-09)."""
    token = _token(store, alice)
    _put(store, alice, "open")
    _put(store, alice, "secret", klass="PRIVATE")
    _put(store, alice, "free", status="CANCELLED")  # no busy block (CAL-07)
    for name in ("open", "secret", "free"):
        _delete(store, alice, name)
    assert _names(_since(store, alice, token)) == ([], ["free", "open", "secret"])
    assert _names(_since(store, bob, token)) == ([], ["open"])


def test_a_name_used_again_is_changed_not_removed(store: Store, alice: Actor, bob: Actor) -> None:
    """RFC 6578 §3.5.1: a mapping that came back is reported as changed only."""
    _put(store, alice, "a")
    token = _token(store, alice)
    _delete(store, alice, "a")
    _put(store, alice, "a", summary="again")
    assert _names(_since(store, alice, token)) == (["a"], [])
    assert _names(_since(store, bob, token)) == (["a"], [])
    _put(store, alice, "a", klass="PRIVATE")
    assert _names(_since(store, alice, token)) == (["a"], [])
    assert _names(_since(store, bob, token)) == ([], ["a"])


def test_an_initial_synchronisation_that_was_cut_tells_no_old_removals(store: Store, alice: Actor) -> None:
    for name in ("a", "b", "c", "d"):
        _put(store, alice, name)
    _delete(store, alice, "b")
    first = _since(store, alice, 0, limit=1)
    assert (_names(first), first.truncated) == ((["a"], []), True)
    assert first.bound == _token(store, alice)
    assert first.modseq < first.bound
    _delete(store, alice, "a")
    second = _since(store, alice, first.modseq, bound=first.bound)
    assert _names(second) == (["c", "d"], ["a"])
    assert second.bound == 0
    assert not second.truncated
    assert second.modseq == _token(store, alice)


def test_changes_for_one_viewer_move_nobody_elses_token(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-08: the owner's alarm is told to the owner alone."""
    _put(store, alice, "a")
    mine, his = _token(store, alice), _token(store, bob)
    _put(store, alice, "a", alarm=5)
    assert _token(store, bob) == his
    assert _token(store, alice) > mine
    assert _names(_since(store, bob, his)) == ([], [])
    assert _names(_since(store, alice, mine)) == (["a"], [])


def test_eight_threads_on_one_collection(store: Store, alice: Actor) -> None:
    """Eight writers on one collection: no number is lost or reused, uids are gapless."""
    start = _token(store, alice)
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(5):
                _put(store, alice, f"{writer}-{number}")
        except BaseException as error:  # a thread's own failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with store.read(alice) as tx:
        rows = tx.db.execute(sa.select(item_rows.c.modseq, item_rows.c.uid)).all()
        here = desk.events(tx, "alice")
    assert sorted(row.modseq for row in rows) == list(range(start + 1, start + 41))
    assert sorted(row.uid for row in rows) == list(range(1, 41))
    assert (here.item_count, here.modseq) == (40, start + 40)


def _write_some(url: str, blobs: str, writer: int) -> None:
    from pathlib import Path

    store = Store.open(url, Path(blobs))
    alice = desk.actor(store, "alice")
    for number in range(25):
        _put(store, alice, f"{writer}-{number}")
    store.close()


@pytest.mark.slow
def test_four_processes_on_one_collection(store: Store, alice: Actor, url: str) -> None:
    start = _token(store, alice)
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_some, args=(url, str(store.blobs.root), number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    with store.read(alice) as tx:
        numbers = sorted(tx.db.execute(sa.select(item_rows.c.modseq)).scalars())
    assert numbers == list(range(start + 1, start + 101))
    assert len(_since(store, alice, start).items) == 100


def test_a_first_synchronisation_in_pages_passes_the_floor(store: Store) -> None:
    """SYS-07, RFC 6578 §3.6: up to its bound nothing removed is told, so a purged log does not stop it."""
    alice = desk.actor(store, "alice")
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        for number in range(6):
            desk.put(tx, book, f"{number}.vcf", desk.card(f"u{number}"))
        tx.db.execute(sa.update(collection_rows).where(collection_rows.c.id == book.id).values(log_floor=4))
    with store.read(alice) as tx:
        book = desk.contacts(tx, "alice")
        first = changes.since(tx, book, ModSeq(0), limit=2)
        second = changes.since(tx, book, first.modseq, bound=first.bound, limit=10)
        assert len(first.items) + len(second.items) == 6
        with pytest.raises(LogTruncated):
            changes.since(tx, book, first.modseq)
