"""The drop box: a letter box that nobody but its owner opens (DOC-29…33)."""

from __future__ import annotations

import pytest

from storage import bodies, check, dropbox, files, folder_changes, folders, grants, placements, plans, transplant, trees
from storage.errors import Denied, Fixed, NotFound, OverQuota
from storage.store import Store
from storage.types import ANY, SITE, Actor, ModSeq, Precondition, Principal, Right, SpaceKind
from tests.storage import desk, disk


def test_a_deposit_is_its_recipients_and_invisible_afterwards(store: Store, alice: Actor, bob: Actor) -> None:
    """DOC-31, DOC-32, DOC-33: its depositor's name is recorded; equal names get numbers."""
    with store.read(alice) as tx:
        token = folder_changes.since(tx, disk.folder(tx, "alice"), ModSeq(0)).modseq
    for body in (b"one", b"two"):
        with store.write(bob) as tx:
            place = folders.place(tx, SpaceKind.PRIVATE, "alice", "Drop box/cv.pdf")
            assert place.present is None
            assert files.admit(tx, place, 3, Precondition(none_match=ANY)) is None
            written = files.put(tx, place, bodies.small(body))
            assert written.created
            assert written.etag == ""
            assert disk.names(tx, "alice", "Drop box") == []
            assert disk.names(tx, "alice") == ["Drop box/"]
            with pytest.raises(NotFound):
                disk.file(tx, "alice", "Drop box/cv.pdf")
    with store.write(alice) as tx:
        assert [one.title for one in folder_changes.since(tx, disk.folder(tx, "alice"), token).folders] == ["Drop box"]
        assert disk.names(tx, "alice", "Drop box") == ["cv (2).pdf", "cv.pdf"]
        found = disk.file(tx, "alice", "Drop box/cv.pdf")
        assert (found.body, found.creator, found.depositor) == (b"one", alice.id, bob.id)
        assert folders.details(tx, found.folder)["cv.pdf"].depositor == "bob"
        disk.move(tx, "alice", "Drop box/cv.pdf", "cv.pdf")
        disk.delete(tx, "alice", "Drop box/cv (2).pdf")
        placements.share(tx, disk.file(tx, "alice", "cv.pdf"), "IAB")
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_a_copy_of_a_readable_document_is_deposited(store: Store, alice: Actor, bob: Actor) -> None:
    """DOC-31, over WebDAV's COPY too."""
    with store.write(bob) as tx:
        disk.put(tx, "bob", "a.txt", b"a")
        dropbox.deposit(tx, disk.file(tx, "bob", "a.txt"), "alice")
        box = dropbox.of(tx, "alice")
        assert transplant.copy(tx, disk.file(tx, "bob", "a.txt"), trees.present(tx, box, "b.txt"), overwrite=False)
        assert transplant.move(tx, disk.file(tx, "bob", "a.txt"), trees.present(tx, box, "c.txt"), overwrite=False)
        assert disk.names(tx, "bob") == ["Trash/", "wiki/"]
        disk.mkdir(tx, "bob", "f")
        with pytest.raises(Denied):
            transplant.copy(tx, disk.folder(tx, "bob", "f"), trees.present(tx, box, "f"), overwrite=False)
    with store.read(alice) as tx:
        assert disk.names(tx, "alice", "Drop box") == ["a.txt", "b.txt", "c.txt"]


def test_the_box_is_open_to_co_members_alone(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    """DOC-30: nobody can close it, nobody can open it further."""
    with store.write(carol) as tx:
        disk.put(tx, "carol", "a.txt")
        with pytest.raises(NotFound):
            dropbox.deposit(tx, disk.file(tx, "carol", "a.txt"), "alice")
        with pytest.raises(NotFound):
            folders.place(tx, SpaceKind.PRIVATE, "alice", "Drop box/a.txt")
    with store.write(alice) as tx:
        for right in (Right.ADD, Right.SEE_FOLDER, Right.DELETE):
            with pytest.raises(Fixed):
                grants.grant(tx, disk.folder(tx, "alice", "Drop box"), desk.principal(store, "bob"), right)
    with store.write(bob) as tx, pytest.raises(Denied):
        disk.mkdir(tx, "alice", "Drop box/folder")


def test_a_full_disk_takes_no_deposit(store: Store, alice: Actor, bob: Actor) -> None:
    """DOC-31: it counts in the recipient's quota."""
    with store.write(bob) as tx:
        disk.put(tx, "bob", "a.txt", b"x" * 600)
    with store.write(SITE) as tx:
        plans.add(tx, "small", ["wiki"], {"docs_bytes": 1_000})
        plans.assign(tx, alice.id, "small")
    with store.write(bob) as tx:
        dropbox.deposit(tx, disk.file(tx, "bob", "a.txt"), "alice")
        with pytest.raises(OverQuota):
            dropbox.deposit(tx, disk.file(tx, "bob", "a.txt"), "alice")
        place = folders.place(tx, SpaceKind.PRIVATE, "alice", "Drop box/a.txt")
        with pytest.raises(OverQuota):
            files.admit(tx, place, 401)


def test_a_group_has_none(store: Store, alice: Actor, iab: Principal) -> None:
    with store.write(alice) as tx:
        with pytest.raises(NotFound):
            disk.folder(tx, "IAB", "Drop box")
        assert disk.mkdir(tx, "IAB", "Drop box").special is None
