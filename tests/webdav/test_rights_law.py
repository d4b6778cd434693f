"""The law of sight: whatever happens to rights, groups and documents, listings, synchronisations and searches show each
person what is his to see, and no name of anything else (ACL-01…17, DOC-30, DOC-41, SYS-09, SYS-10)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

import pytest

from storage import accounts, folders, grants, groups, publishing, search, subtree_rights
from storage import principals as people
from storage.errors import StorageError
from storage.formats import search_query
from storage.store import Store, Transaction
from storage.types import SITE, Right, SpaceKind
from tests.dav.desk import DAV, Client
from tests.storage import disk
from tests.webdav.rights_oracle import Oracle
from tests.webdav.test_lock_roots import actor

pytestmark = pytest.mark.slow

PEOPLE = ("alice", "bob", "carol", "dora")
ADMINS = {"IAB": "alice", "LAB": "bob"}
NAMES, FOLDERS = ("a", "b", "c"), ("x", "y", "web")
SPECIAL = {"Trash/", "Drop box/"}
"""Names that are no secret."""
_FOLDER_RIGHTS = (Right.SEE_FOLDER, Right.SEE_FOLDER, Right.ADD, Right.DELETE, Right.ADD | Right.SEE_FOLDER)


class World:
    """Four people at their clients, and what these know."""

    def __init__(self, app: Callable[..., Iterable[bytes]], store: Store, seed: int) -> None:
        self.store, self.dice = store, random.Random(seed)
        self.clients = {one: Client(app, one) for one in PEOPLE}
        self.copies: dict[tuple[str, int], tuple[str, set[str]]] = {}
        self.ever: dict[tuple[str, int], set[str]] = defaultdict(set)
        with store.write(SITE) as tx:
            accounts.create(tx, "dora", "*")
            bob = people.find(tx, SpaceKind.PRIVATE, "bob")
            groups.create(tx, "LAB", admin=bob)
        self.look()

    def look(self) -> None:
        """Note who could see which names now."""
        self.oracle = Oracle(self.store)
        for person in PEOPLE:
            for folder in self.oracle.folders.values():
                if self.oracle.sight(person, folder):
                    self.ever[person, folder.id] |= self.oracle.members(person, folder)

    def url(self, person: str, folder: Any) -> str:
        space, path = self.oracle.name[folder.space_id], self.oracle.path(folder)
        top = f"/docs/{person}/{space}/" if space in ADMINS else f"/docs/{space}/private/"
        return top + (f"{quote(path)}/" if path else "")

    def step(self) -> None:
        action = self.dice.choice((self.write, self.write, self.write, self.share, self.share, self.publish, self.join))
        action()
        self.look()

    def folder(self) -> Any:
        return self.dice.choice([one for one in self.oracle.folders.values() if one.path.count("/") < 4])

    def write(self) -> None:
        person = self.dice.choice(PEOPLE)
        method = self.dice.choice(("PUT", "PUT", "MKCOL", "DELETE", "MOVE", "MOVE", "COPY"))
        path, to = (
            self.url(person, self.folder()) + self.dice.choice(FOLDERS if method == "MKCOL" else NAMES + FOLDERS)
            for _ in range(2)
        )
        answer = self.clients[person].request(method, path, b"x" if method == "PUT" else b"", destination=to)
        assert answer.status < 500, answer.text

    def act(self, space: str, what: Callable[[Transaction], object], who: str = "") -> None:
        try:
            with self.store.write(actor(self.store, who or ADMINS.get(space, space))) as tx:
                what(tx)
        except StorageError:
            return  # as it may be

    def share(self) -> None:
        """Give or take a right on a folder, all of its chain, or a file."""
        verb = self.dice.choice((grants.grant, grants.grant, grants.withdraw))
        name = self.dice.choice((*PEOPLE, *ADMINS))
        kind = disk.kind(name)

        def whom(tx: Transaction) -> Any:
            return people.find(tx, kind, name)

        folder, right = self.folder(), self.dice.choice(_FOLDER_RIGHTS)
        space = self.oracle.name[folder.space_id]
        if self.oracle.files and self.dice.random() < 0.4:
            file, right = self.dice.choice(self.oracle.files), self.dice.choice((Right.SEE, Right.EDIT))
            folder = self.oracle.folders[file.collection_id]
            space, path = self.oracle.name[folder.space_id], self.oracle.path(folder)
            who = self.oracle.name.get(file.creator_id, "") if space in ADMINS else ""
            self.act(space, lambda tx: verb(tx, disk.folder(tx, space, path), whom(tx), right, file.name), who)
            return

        for one in self.oracle.chain(folder) if self.dice.random() < 0.5 else [folder]:
            path = self.oracle.path(one)
            self.act(space, lambda tx, path=path: verb(tx, disk.folder(tx, space, path), whom(tx), right))

    def publish(self) -> None:
        folder, on = self.folder(), self.dice.random() < 0.6
        space, path = self.oracle.name[folder.space_id], self.oracle.path(folder)
        inside = [one for one in self.oracle.files if one.collection_id == folder.id]
        below = f"{path}/{self.dice.choice(inside).name}".lstrip("/") if inside else path
        self.act(
            space,
            self.dice.choice(
                (
                    lambda tx: publishing.set_public(tx, disk.folder(tx, space, path), on),
                    lambda tx: publishing.set_public(tx, folders.find(tx, disk.kind(space), space, below), on),
                    lambda tx: publishing.publish(tx, disk.folder(tx, space, "web"), on),
                    lambda tx: subtree_rights.apply_to_subfolders(tx, disk.folder(tx, space, path)),
                )
            ),
        )

    def join(self) -> None:
        group, person, on = self.dice.choice(tuple(ADMINS)), self.dice.choice(PEOPLE), self.dice.random() < 0.5

        def change(tx: Transaction) -> None:
            circle, one = people.find(tx, SpaceKind.GROUP, group), people.find(tx, SpaceKind.PRIVATE, person)
            if groups.role(tx, circle.id, one.id) is None:
                groups.add_member(tx, circle, one)
            elif self.dice.random() < 0.5:
                groups.set_co_admin(tx, circle, one, on)
            else:
                groups.expel(tx, circle, one)

        try:
            with self.store.write(SITE) as tx:
                change(tx)
        except StorageError:
            return

    def check(self) -> None:
        for person in PEOPLE:
            for folder in list(self.oracle.folders.values()):
                if self.oracle.sight(person, folder):
                    self.check_folder(person, folder)
                else:
                    assert self.clients[person].propfind(self.url(person, folder)).status == 404
            for space in (*PEOPLE, *ADMINS):
                self.check_search(person, space)

    def check_folder(self, person: str, folder: Any) -> None:
        url, expected = self.url(person, folder), self.oracle.members(person, folder)
        listed = self.clients[person].propfind(url, f"{DAV}getetag", depth="1").hrefs()[1:]
        assert {unquote(one[len(url) :]) for one in listed} - {"calendar.ics"} == expected, (person, url)
        assert self.synchronised(person, folder, url) == expected, (person, url)

    def synchronised(self, person: str, folder: Any, url: str) -> set[str]:
        token, known = self.copies.get((person, folder.id), ("", set()))
        answer = self.clients[person].sync(url, token)
        assert answer.status == 207, answer.text
        for href in answer.hrefs():
            name = unquote(href[len(url) :])
            known -= {name.rstrip("/"), name.rstrip("/") + "/"}
            if answer.status_of(href):
                told = {one.rstrip("/") for one in self.ever[person, folder.id] | SPECIAL}
                assert name.rstrip("/") in told, f"{person} never saw {name} in {url}"
            elif name != "calendar.ics":
                known.add(name)
        self.copies[person, folder.id] = answer.sync_token, known
        return known

    def check_search(self, person: str, space: str) -> None:
        with self.store.read(actor(self.store, person)) as tx:
            try:
                asked = search_query.advanced("NOT name:none")
                found = search.run(tx, asked, space=(disk.kind(space), space), limit=1_000)
                paths = {hit.path for hit in found.hits}
            except StorageError:
                paths = set()
        assert paths == self.oracle.readable(person, space), (person, space)


@pytest.mark.parametrize("seed", range(3))
def test_everybody_sees_what_is_his_to_see(app: Callable[..., Iterable[bytes]], store: Store, seed: int) -> None:
    world = World(app, store, seed)
    for _ in range(20):
        for _ in range(world.dice.randint(2, 8)):
            world.step()
        world.check()
