"""The law of synchronisation for two programs on calendars, address books and folders: nothing is lost, nothing is told
twice, whatever answers are cut or lost and whatever else is written meanwhile (RFC 6578, SYS-07, SYS-10)."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from servers.webdav.app import PROTOCOL as DISK
from storage import (
    bodies,
    calendar,
    collections,
    contacts,
    files,
    folders,
    grants,
    items,
    principals,
    transplant,
    trees,
)
from storage.errors import StorageError
from storage.filing import DOCS, File, Folder
from storage.store import Store, Transaction
from storage.types import SITE, Actor, Collection, Right, SpaceKind, Tool
from tests.caldav import desk as caldav
from tests.carddav import desk as carddav
from tests.dav import desk
from tests.dav.desk import DAV, Client
from tests.dav.replicas import BOOKS, CALENDARS, FOLDERS, Program, Sort

NAMES = ("one", "two", "three")
AT = st.integers(0, 20)
VERSION = st.integers(0, 2)
UID = st.sampled_from(("", "", "", "a"))
"""Another UID than that of the name, if not empty."""
WHO = st.sampled_from(("alice", "bob"))
SORT = st.sampled_from((CALENDARS, BOOKS, FOLDERS))
WHERE = st.sampled_from(("one", "one", "two", "two", "three"))
NAME = st.sampled_from(("a", "b", "c"))
LIMIT = st.sampled_from((0, 1, 1, 2, 3))
LOST = st.sampled_from((False, False, True))
SHARED = (Right.SEE, Right.EDIT, Right.ADD, Right.DELETE)


class Synchronisation(RuleBasedStateMachine):
    """alice and bob each have a program for each protocol; the collections are alice's, bob may be let in."""

    @initialize(sort=SORT)
    def begin(self, sort: Sort) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(_template(), self.folder / "desk")
        self.store = Store.open(f"sqlite:///{self.folder}/desk/desk.sqlite3", self.folder / "desk" / "blobs")
        self.sort = sort
        app = {CALENDARS: caldav.app, BOOKS: carddav.app}.get(sort, lambda store: desk.app(store, DISK))(self.store)
        self.programs = {who: Program(Client(app, who), sort) for who in ("alice", "bob")}
        for program in self.programs.values():
            program.whole(sort.url("one"), 0)
            program.fetch(sort.url("one"))
        with self.store.read(SITE) as tx:
            self.alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
            self.bob = principals.find(tx, SpaceKind.PRIVATE, "bob")

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            for program in self.programs.values():
                self.settle(program)
        finally:
            self.store.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # Programs

    @rule(who=WHO, where=WHERE, limit=LIMIT, lost=LOST)
    def page(self, who: str, where: str, limit: int, lost: bool) -> None:
        self.programs[who].page(self.sort.url(where), limit, lost)

    @rule(who=WHO, where=WHERE, limit=LIMIT, lost=LOST)
    def synchronise(self, who: str, where: str, limit: int, lost: bool) -> None:
        self.programs[who].whole(self.sort.url(where), limit)
        self.programs[who].fetch(self.sort.url(where), lost)

    @rule(who=WHO, where=WHERE, lost=LOST)
    def fetch(self, who: str, where: str, lost: bool) -> None:
        self.programs[who].fetch(self.sort.url(where), lost)

    @rule(who=WHO, where=WHERE, name=NAME, uid=UID, version=VERSION, mark=st.booleans(), lost=LOST)
    def add(self, who: str, where: str, name: str, uid: str, version: int, mark: bool, lost: bool) -> None:
        self.programs[who].put(self.sort.url(where, name), self.sort.body(uid or name, version, mark), lost)

    @rule(who=WHO, at=AT, version=VERSION, mark=st.booleans(), lost=LOST)
    def change(self, who: str, at: int, version: int, mark: bool, lost: bool) -> None:
        if href := self.programs[who].known(at):
            self.programs[who].put(href, self.sort.body(href.rpartition("/")[2], version, mark), lost)

    @rule(who=WHO, at=AT, lost=LOST)
    def delete(self, who: str, at: int, lost: bool) -> None:
        if href := self.programs[who].known(at):
            self.programs[who].delete(href, lost)

    @rule(who=WHO, at=AT, to=WHERE, name=NAME, lost=LOST, overwrite=st.sampled_from("TF"))
    def move(self, who: str, at: int, to: str, name: str, lost: bool, overwrite: str) -> None:
        if href := self.programs[who].known(at):
            self.programs[who].move(href, self.sort.url(to, name), lost, overwrite)

    # Others

    @rule(where=WHERE, to=WHERE, overwrite=st.sampled_from("TFF"))
    def rename(self, where: str, to: str, overwrite: str) -> None:
        """alice gives a collection another name, at times that of another one."""
        client = self.programs["alice"].client
        answer = client.request("MOVE", self.sort.url(where), destination=self.sort.url(to), overwrite=overwrite)
        assert answer.status in (201, 204, 403, 404, 412), answer.text

    @rule(where=WHERE)
    def make(self, where: str) -> None:
        """A collection of this name, where there is none."""
        with suppress(StorageError), self.store.write(self._as("alice")) as tx:
            _make(tx, self.sort, where)

    @rule(where=WHERE, right=st.sampled_from(SHARED), whole=st.booleans(), give=st.booleans(), at=NAME)
    def share(self, where: str, right: Right, whole: bool, give: bool, at: str) -> None:
        """bob may do something, or no longer."""
        with suppress(StorageError), self.store.write(self._as("alice")) as tx:
            found = _collection(tx, self.sort, where)
            if self.sort is FOLDERS and whole and right is Right.SEE:
                right = Right.SEE_FOLDER  # of documents the right to see is each one's own (ACL-11)
            (grants.grant if give else grants.withdraw)(tx, found, self.bob, right, None if whole else at)

    @rule(who=WHO, where=WHERE, at=NAME, uid=UID, version=VERSION, remove=st.booleans())
    def write(self, who: str, where: str, at: str, uid: str, version: int, remove: bool) -> None:
        """Another protocol's change: it knows no entity tags."""
        with suppress(StorageError), self.store.write(self._as(who)) as tx:
            _write(tx, self.sort, where, at, b"" if remove else self.sort.body(uid or at, version, version == 1))

    @rule(where=WHERE, at=NAME)
    def subfolder(self, where: str, at: str) -> None:
        if self.sort is FOLDERS:
            self.programs["alice"].ask("MKCOL", self.sort.url(where, at))

    # The law

    def settle(self, program: Program) -> None:
        """After a last synchronisation each replica is what PROPFIND and GET show, and there is no more to tell."""
        for where in NAMES:
            url = program.sort.url(where)
            program.whole(url, 1)
            program.fetch(url)
            seen = program.listed(url)
            if seen is None:
                assert url not in program.replicas
                continue
            assert program.replicas[url].members == seen, (program.client.login, url)
            token = program.replicas[url].token
            assert program.client.propfind(url, f"{DAV}sync-token").xml.findtext(f".//{DAV}sync-token") == token
            assert program.page(url, 0) == (False, [])
            assert program.replicas[url].token == token

    def _as(self, who: str) -> Actor:
        found = self.alice if who == "alice" else self.bob
        return Actor(found.id, found.name)


def _collection(tx: Transaction, sort: Sort, where: str) -> Collection:
    if sort is FOLDERS:
        found: Folder | File = folders.find(tx, SpaceKind.PRIVATE, "alice", where, root=DOCS)
        assert isinstance(found, Folder)
        return found
    return collections.find(tx, SpaceKind.PRIVATE, "alice", sort.stem + where)


def _make(tx: Transaction, sort: Sort, where: str) -> None:
    if sort is FOLDERS:
        root = folders.find(tx, SpaceKind.PRIVATE, "alice", "", root=DOCS)
        assert isinstance(root, Folder)
        trees.mkdir(tx, root, where)
    else:
        tool = Tool.CALENDAR if sort is CALENDARS else Tool.CONTACTS
        collections.create(tx, SpaceKind.PRIVATE, "alice", sort.stem + where, tool)


def _write(tx: Transaction, sort: Sort, where: str, name: str, body: bytes) -> None:
    """Store a member, or remove it, without any condition."""
    if sort is FOLDERS:
        place = folders.place(tx, SpaceKind.PRIVATE, "alice", f"{where}/{name}")
        if body:
            files.put(tx, place, bodies.small(body))
        elif place.present is not None:
            transplant.delete(tx, place.present)
    elif body:
        prepare = calendar.prepare if sort is CALENDARS else contacts.prepare
        items.put(tx, _collection(tx, sort, where), name, prepare(body))
    else:
        items.delete(tx, _collection(tx, sort, where), name)


@cache
def _template() -> Path:
    """A desk where alice has two collections of each sort with something in them; bob may do much in one of each."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = desk.open_store(folder)
    with store.read(SITE) as tx:
        alice = principals.find(tx, SpaceKind.PRIVATE, "alice")
        bob = principals.find(tx, SpaceKind.PRIVATE, "bob")
    with store.write(Actor(alice.id, alice.name)) as tx:
        root = folders.find(tx, SpaceKind.PRIVATE, "alice", "", root=DOCS)
        assert isinstance(root, Folder)
        grants.grant(tx, root, bob, Right.SEE_FOLDER)
        for sort in (CALENDARS, BOOKS, FOLDERS):
            for where in NAMES[:2]:
                _make(tx, sort, where)
                _write(tx, sort, where, "a", sort.body("a", 0, False))
                _write(tx, sort, where, "b", sort.body("b", 0, False))
            found = _collection(tx, sort, "one")
            see = Right.SEE_FOLDER if sort is FOLDERS else Right.SEE | Right.EDIT
            grants.grant(tx, found, bob, see | Right.ADD | Right.DELETE)
            if sort is FOLDERS:
                grants.grant(tx, found, bob, Right.SEE | Right.EDIT, "a")
    store.close()
    return folder


@pytest.mark.slow
def test_replicas_are_what_is_there() -> None:
    run_state_machine_as_test(
        Synchronisation,
        settings=settings(
            max_examples=int(os.environ.get("SYNC_EXAMPLES", "25")),
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
