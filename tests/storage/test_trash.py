"""The Trash: what was deleted can be brought back until somebody empties it (DOC-25…27), as a tree of moves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from storage import check, filing, folder_changes, folders, grants, transplant, trash, trees
from storage.errors import Conflict, Denied, Exists, Fixed, NotFound, StorageError
from storage.filing import File
from storage.store import Store
from storage.types import SITE, Actor, ModSeq, Principal, Right, SpaceKind
from tests.storage import desk, disk


def test_what_is_deleted_says_where_it_was_and_comes_back(store: Store, alice: Actor) -> None:
    """DOC-26: original path and date; description and rights are kept."""
    guest = desk.principal(store, "bob")
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.mkdir(tx, "alice", "a/b")
        disk.put(tx, "alice", "a/b/c.txt", b"c")
        trees.describe(tx, disk.file(tx, "alice", "a/b/c.txt"), "mine")
        grants.grant(tx, disk.folder(tx, "alice", "a/b"), guest, Right.SEE, "c.txt")
        disk.delete(tx, "alice", "a/b/c.txt")
        thrown = disk.file(tx, "alice", "Trash/c.txt")
        assert (thrown.trashed_from, thrown.description, thrown.body) == ("a/b/c.txt", "mine", b"c")
        assert thrown.trashed_at == tx.now
        back = trash.restore(tx, thrown)
        assert isinstance(back, File)
        assert (back.path, back.trashed_from, back.trashed_at) == ("a/b/c.txt", "", 0)
        assert any(row.granted for row in grants.grid(tx, back.folder, "c.txt").rows)
        disk.delete(tx, "alice", "a/b")
        thrown_folder = disk.folder(tx, "alice", "Trash/b")
        assert thrown_folder.trashed_from == "a/b"
        assert disk.file(tx, "alice", "Trash/b/c.txt").trashed_from == ""
        with pytest.raises(Conflict):
            trash.restore(tx, disk.file(tx, "alice", "Trash/b/c.txt"))
        restored = trash.restore(tx, thrown_folder)
        assert (restored.path, restored.trashed_from) == ("a/b", "")
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_equal_names_get_numbers(store: Store, alice: Actor) -> None:
    """DOC-26."""
    with store.write(alice) as tx:
        for body in (b"1", b"2", b"3"):
            disk.put(tx, "alice", "a.txt", body)
            disk.delete(tx, "alice", "a.txt")
        disk.mkdir(tx, "alice", "a.txt")
        disk.delete(tx, "alice", "a.txt")
        assert disk.names(tx, "alice", "Trash") == ["a (2).txt", "a (3).txt", "a (4).txt/", "a.txt"]
        trash.restore(tx, disk.file(tx, "alice", "Trash/a (2).txt"))
        assert disk.file(tx, "alice", "a.txt").body == b"2"
        with pytest.raises(Exists):
            trash.restore(tx, disk.file(tx, "alice", "Trash/a (3).txt"))


def test_deleting_in_the_trash_is_final(store: Store, alice: Actor) -> None:
    """DOC-27."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.put(tx, "alice", "a/b.txt")
        disk.put(tx, "alice", "c.txt")
        disk.put(tx, "alice", "d.txt")
        for name in ("a", "c.txt", "d.txt"):
            disk.delete(tx, "alice", name)
        disk.delete(tx, "alice", "Trash/a/b.txt")
        disk.delete(tx, "alice", "Trash/c.txt")
        assert trash.empty(tx, trash.folder(tx, SpaceKind.PRIVATE, "alice")) == 2
        assert disk.names(tx, "alice", "Trash") == []
        assert disk.folder(tx, "alice").octets == 0
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_a_move_into_the_trash_deletes_and_out_of_it_restores(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        disk.put(tx, "alice", "a.txt")
        disk.move(tx, "alice", "a.txt", "Trash/whatever.txt")
        assert disk.file(tx, "alice", "Trash/a.txt").trashed_from == "a.txt"
        with pytest.raises(Fixed):
            disk.move(tx, "alice", "Trash/a.txt", "Trash/b.txt")
        disk.move(tx, "alice", "Trash/a.txt", "b.txt")
        assert disk.file(tx, "alice", "b.txt").trashed_from == ""


def test_the_trash_of_a_group_is_for_those_who_delete(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-26."""
    with store.write(alice) as tx:
        disk.put(tx, "IAB", "a.txt")
        disk.delete(tx, "IAB", "a.txt")
    with store.read(bob) as tx:
        assert "Trash/" not in disk.names(tx, "IAB")
        for path in ("Trash", "Trash/a.txt"):
            with pytest.raises(NotFound):
                folders.find(tx, SpaceKind.GROUP, "IAB", path)
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), desk.principal(store, "bob"), Right.DELETE)
    with store.write(bob) as tx:
        assert "Trash/" in disk.names(tx, "IAB")
        with pytest.raises(Denied):
            trash.restore(tx, disk.file(tx, "IAB", "Trash/a.txt"))  # he may not add at the root
        trash.empty(tx, disk.folder(tx, "IAB", "Trash"))


NAMES = ("a", "b", "c.txt")
PATHS = st.lists(st.sampled_from((*NAMES, "Trash", "wiki", "a (2)")), min_size=1, max_size=4).map("/".join)


class Tree(RuleBasedStateMachine):
    """Whatever is made, moved, copied, deleted and restored: a model, the desk and a follower of changes agree."""

    store: Store
    alice: Actor

    @initialize()
    def begin(self) -> None:
        """Empty the disk; `known` is what a client that follows the root's changes holds."""
        with self.store.write(self.alice) as tx:
            for path in ("", "wiki"):
                for one in folders.subfolders(tx, disk.folder(tx, "alice", path)):
                    if one.special not in filing.FIXED:
                        transplant.delete(tx, one)
                for row in folders.rows(tx, disk.folder(tx, "alice", path)):
                    disk.delete(tx, "alice", filing.join(path, row.name))
            trash.empty(tx, trash.folder(tx, SpaceKind.PRIVATE, "alice"))
        self.model: dict[str, bytes | None] = {}
        self.token, self.known = ModSeq(0), set[str]()
        self.count = 0

    def attempt(self, action: Any) -> bool:
        """Run one change in a transaction of its own; False if it was refused."""
        try:
            with self.store.write(self.alice) as tx:
                action(tx)
        except StorageError:
            return False
        return True

    def below(self, path: str) -> dict[str, bytes | None]:
        return {one: body for one, body in self.model.items() if filing.is_within(one, path)}

    @rule(path=PATHS)
    def mkdir(self, path: str) -> None:
        if self.attempt(lambda tx: disk.mkdir(tx, "alice", path)):
            assert path not in self.model
            self.model[path] = None

    @rule(path=PATHS)
    def put(self, path: str) -> None:
        self.count += 1
        body = b"%d" % self.count
        if self.attempt(lambda tx: disk.put(tx, "alice", path, body)):
            self.model[path] = body

    @rule(path=PATHS, to=PATHS, overwrite=st.booleans())
    def move(self, path: str, to: str, overwrite: bool) -> None:
        if not self.attempt(lambda tx: disk.move(tx, "alice", path, to, overwrite=overwrite)):
            return
        moved = self.below(path)
        for one in moved:
            self.model.pop(one, None)
        if filing.split(to)[0] == "Trash":
            return
        for one in self.below(to):
            self.model.pop(one)
        self.model |= {to + one.removeprefix(path): body for one, body in moved.items() if path[:5] != "Trash"}
        if path[:5] == "Trash":
            self.look(to)

    @rule(path=PATHS, to=PATHS, overwrite=st.booleans())
    def copy(self, path: str, to: str, overwrite: bool) -> None:
        if not self.attempt(lambda tx: disk.copy(tx, "alice", path, to, overwrite=overwrite)):
            return
        copied = self.below(path)
        for one in self.below(to):
            self.model.pop(one)
        self.model |= {to + one.removeprefix(path): body for one, body in copied.items()}
        if path[:5] == "Trash" or filing.is_within("wiki", path):
            self.look(to)

    @rule(path=PATHS)
    def delete(self, path: str) -> None:
        if self.attempt(lambda tx: disk.delete(tx, "alice", path)):
            for one in self.below(path):
                self.model.pop(one)

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        with self.store.read(self.alice) as tx:
            inside = disk.names(tx, "alice", "Trash")
        if not inside:
            return
        name = data.draw(st.sampled_from(inside)).rstrip("/")
        where: list[str] = []

        def back(tx: Any) -> None:
            found = folders.find(tx, SpaceKind.PRIVATE, "alice", f"Trash/{name}")
            restored = trash.restore(tx, found)
            where.append(restored.path)

        if self.attempt(back):
            self.look(where[-1])

    def look(self, path: str) -> None:
        """Take over from the desk what came from where the model does not look."""
        with self.store.read(self.alice) as tx:
            found = folders.find(tx, SpaceKind.PRIVATE, "alice", path)
            if isinstance(found, File):
                self.model[path] = disk.file(tx, "alice", path).body
                return
            for folder in folders.walk(tx, found, 1_000):
                self.model[folder.path] = None
                for row in folders.rows(tx, folder):
                    here = filing.join(folder.path, row.name)
                    self.model[here] = disk.file(tx, "alice", here).body

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        with self.store.read(self.alice) as tx:
            root = disk.folder(tx, "alice")
            real: dict[str, bytes | None] = {}
            for folder in folders.walk(tx, root, 1_000):
                if not folder.path or filing.in_trash(folder):
                    names = [] if folder.path else list(folders.rows(tx, folder))
                else:
                    names = list(folders.rows(tx, folder))
                    real[folder.path] = None
                for row in names:
                    here = filing.join(folder.path, row.name)
                    real[here] = disk.file(tx, "alice", here).body
            real.pop("wiki", None)
            model = {path: body for path, body in self.model.items() if path.partition("/")[0] != "Trash"}
            model.pop("wiki", None)
            assert real == model
            changes = folder_changes.since(tx, root, self.token)
            self.known -= set(changes.removed)
            self.known |= {row.name for row in changes.items} | {f"{one.title}" for one in changes.folders}
            self.token = changes.modseq
            assert self.known == {name.rstrip("/") for name in disk.names(tx, "alice")}

    def teardown(self) -> None:
        with self.store.write(SITE) as tx:
            assert check.run(tx) == []


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.laws
def test_the_tree_agrees_with_a_model(store: Store, alice: Actor) -> None:
    machine = type("Machine", (Tree,), {"store": store, "alice": alice})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_what_is_hidden_in_a_groups_trash_stays(store: Store, alice: Actor) -> None:
    """DOC-26, DOC-27, SYS-09: who may delete at the root empties what he sees; it failed at what he does not."""
    iab, bob = desk.principal(store, "IAB"), desk.principal(store, "bob")
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), bob, Right.DELETE)
        for name in ("open", "secret"):
            disk.put(tx, "IAB", name)
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "secret")
        grants.withdraw(tx, disk.folder(tx, "IAB"), bob, Right.SEE, "secret")
        for name in ("open", "secret"):
            disk.delete(tx, "IAB", name)
    with store.write(desk.actor(store, "bob")) as tx:
        assert trash.empty(tx, trash.folder(tx, SpaceKind.GROUP, "IAB")) == 1
    with store.read(alice) as tx:
        assert disk.names(tx, "IAB", "Trash") == ["secret"]
