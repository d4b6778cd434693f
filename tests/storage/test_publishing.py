"""What the public sees: the published web folder, and chains of public folders (DOC-37…45, ACL-25)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from storage import accounts, folder_changes, folders, grants, groups, plans, publishing, transplant, trees
from storage import principals as people
from storage.errors import Denied, Fixed, GateClosed, NotFound, Refused
from storage.filing import File
from storage.store import Store
from storage.types import PUBLIC, SITE, Actor, ModSeq, Principal, Right, SpaceKind
from tests.storage import desk, disk


def public(store: Store, space: str, path: str) -> bool:
    """Whether anybody reads it."""
    with store.read(PUBLIC) as tx:
        try:
            found = folders.find(tx, disk.kind(space), space, path, body=True)
        except NotFound:
            return False
        assert found.rights & ~(Right.SEE | Right.SEE_FOLDER) == Right.NONE  # DOC-43
        return not isinstance(found, File) or found.body is not None


@pytest.fixture
def web(store: Store, alice: Actor) -> Store:
    """Alice's folder `web`, not published, with a document at two levels."""
    with store.write(alice) as tx:
        for path in ("web", "web/deep"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "web/form.pdf", b"form")
        disk.put(tx, "alice", "web/deep/a.txt", b"a")
        disk.put(tx, "alice", "private.txt")
    return store


def test_nothing_in_web_is_public_before_it_is_published(web: Store, alice: Actor, bob: Actor) -> None:
    """DOC-37, DOC-38, DOC-44: then all of it is, at any depth, and nothing else."""
    assert not public(web, "alice", "web/form.pdf")
    with web.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        disk.put(tx, "alice", "web/later.txt")
        assert publishing.public_path(tx, disk.file(tx, "alice", "web/form.pdf")) == "alice/web/form.pdf"
        assert publishing.public_path(tx, disk.folder(tx, "alice", "web")) == "alice/web"
        assert publishing.public_path(tx, disk.folder(tx, "alice")) == ""
        assert publishing.public_path(tx, disk.file(tx, "alice", "private.txt")) == ""
    for path in ("web", "web/form.pdf", "web/deep", "web/deep/a.txt", "web/later.txt"):
        assert public(web, "alice", path)
    for path in ("", "private.txt", "wiki", "Trash", "Drop box"):
        assert not public(web, "alice", path)
    with web.read(PUBLIC) as tx:
        assert disk.names(tx, "alice", "web") == ["deep/", "form.pdf", "later.txt"]
        assert [one.name for one in folders.files(tx, disk.folder(tx, "alice", "web/deep"))] == ["a.txt"]
    with web.read(bob) as tx:  # DOC-41
        assert disk.names(tx, "alice") == ["Drop box/", "web/"]
        assert disk.file(tx, "alice", "web/deep/a.txt").body == b"a"
    with web.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), False)
    assert not public(web, "alice", "web/form.pdf")


def test_the_grid_ticks_what_is_public(web: Store, alice: Actor) -> None:
    """DOC-41: on the next opening of the rights everybody is seen to see it."""

    def held(path: str) -> set[bool]:
        with web.read(alice) as tx:
            found = folders.find(tx, SpaceKind.PRIVATE, "alice", path)
            where, item, right = (
                (found.folder, found.name, Right.SEE) if isinstance(found, File) else (found, None, Right.SEE_FOLDER)
            )
            return {right in row.held for row in grants.grid(tx, where, item).rows}

    paths = ("web", "web/form.pdf", "web/deep/a.txt", "private.txt", "")
    assert [held(path) for path in paths] == [{False}] * 5
    with web.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        publishing.set_public(tx, disk.file(tx, "alice", "private.txt"), True)
    assert [held(path) for path in paths] == [{True}, {True}, {True}, {True}, {False}]


def test_a_renamed_or_deleted_web_is_public_no_more(web: Store, alice: Actor) -> None:
    """DOC-37: the folder named exactly `web`, at the first level."""
    with web.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        disk.move(tx, "alice", "web", "Web")
    assert not public(web, "alice", "Web/form.pdf")
    with web.write(alice) as tx:
        disk.move(tx, "alice", "Web", "web")
    assert public(web, "alice", "web/form.pdf")
    with web.write(alice) as tx:
        disk.delete(tx, "alice", "web")
    assert not public(web, "alice", "Trash/web/form.pdf")
    assert not public(web, "alice", "web/form.pdf")


def test_a_chain_of_public_folders_leads_to_a_public_document(store: Store, alice: Actor, bob: Actor) -> None:
    """DOC-39, DOC-40: for `public/communication/form.doc` all four must be public; any one ends it."""
    chain = ("", "public", "public/communication")
    path = "public/communication/form.doc"
    with store.write(alice) as tx:
        for one in chain[1:]:
            disk.mkdir(tx, "alice", one)
        disk.put(tx, "alice", path, b"form")
        disk.put(tx, "alice", "public/communication/other.doc")
    with store.write(alice) as tx:
        for one in chain:
            publishing.set_public(tx, disk.folder(tx, "alice", one), True)
    assert public(store, "alice", "public/communication")
    assert not public(store, "alice", path)
    with store.write(alice) as tx:
        publishing.set_public(tx, disk.file(tx, "alice", path), True)
        assert publishing.public_path(tx, disk.file(tx, "alice", path)) == f"alice/{path}"
    assert public(store, "alice", path)
    assert not public(store, "alice", "public/communication/other.doc")
    with store.read(PUBLIC) as tx:
        assert disk.names(tx, "alice") == ["public/"]
        assert disk.names(tx, "alice", "public/communication") == ["form.doc"]
        assert [row.name for page in folders.pages(tx, disk.folder(tx, "alice", chain[2])) for row in page] == [
            "form.doc"
        ]
    with store.read(bob) as tx:  # DOC-41
        assert disk.file(tx, "alice", path).body == b"form"
    for one in chain:
        with store.write(alice) as tx:
            publishing.set_public(tx, disk.folder(tx, "alice", one), False)
        assert not public(store, "alice", path)
        with store.write(alice) as tx:
            publishing.set_public(tx, disk.folder(tx, "alice", one), True)
    with store.write(alice) as tx:
        publishing.set_public(tx, disk.file(tx, "alice", path), False)
    assert not public(store, "alice", path)


def test_a_closed_gate_hides_and_keeps(web: Store, alice: Actor) -> None:
    """DOC-45: 404 everywhere; opened again, all is as it was."""
    with web.write(alice) as tx:
        publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
    with web.write(SITE) as tx:
        plans.change(tx, "full", close_gates=["public_access"])
    assert not public(web, "alice", "web/form.pdf")
    with web.write(alice) as tx:
        with pytest.raises(GateClosed):
            publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        with pytest.raises(GateClosed):
            publishing.set_public(tx, disk.file(tx, "alice", "private.txt"), True)
        assert publishing.public_path(tx, disk.file(tx, "alice", "web/form.pdf")) == ""
    with web.write(SITE) as tx:
        plans.change(tx, "full", open_gates=["public_access"])
    assert public(web, "alice", "web/form.pdf")


def test_what_is_published_is_hidden_from_nobody(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-41: hiding a document in the published `web` would hide nothing, and is refused as that of any public one."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "IAB", "web")
        disk.mkdir(tx, "IAB", "web/forms")
        disk.put(tx, "IAB", "web/forms/form.txt", b"a form")
        publishing.publish(tx, disk.folder(tx, "IAB", "web"), True)
    with store.write(alice) as tx:
        for who in (iab, people.find(tx, SpaceKind.PRIVATE, "bob")):
            with pytest.raises(Refused, match="DOC-41"):
                grants.withdraw(tx, disk.folder(tx, "IAB", "web/forms"), who, Right.SEE, "form.txt")
        assert not disk.file(tx, "IAB", "web/forms/form.txt").restricted
        publishing.publish(tx, disk.folder(tx, "IAB", "web"), False)
        grants.withdraw(tx, disk.folder(tx, "IAB", "web/forms"), iab, Right.SEE, "form.txt")
        assert disk.file(tx, "IAB", "web/forms/form.txt").restricted


def test_only_the_admin_opens_folders_of_a_group(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """DOC-42: a member's public document waits for its folder."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
    with store.write(bob) as tx:
        disk.put(tx, "IAB", "bobs.txt", b"b")
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "bobs.txt")
        publishing.set_public(tx, disk.file(tx, "IAB", "bobs.txt"), True)
        with pytest.raises(Refused):  # DOC-41
            grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "bobs.txt")
        with pytest.raises(Denied):
            publishing.set_public(tx, disk.folder(tx, "IAB"), True)
    assert not public(store, "IAB", "bobs.txt")
    with store.write(alice) as tx:
        assert disk.file(tx, "IAB", "bobs.txt").body == b"b"  # DOC-41: no member is left out
        with pytest.raises(Denied):
            publishing.set_public(tx, disk.file(tx, "IAB", "bobs.txt"), False)
        publishing.set_public(tx, disk.folder(tx, "IAB"), True)
        assert publishing.public_path(tx, disk.file(tx, "IAB", "bobs.txt")) == "groups/IAB/bobs.txt"
    assert public(store, "IAB", "bobs.txt")


def test_some_things_are_never_public(web: Store, alice: Actor) -> None:
    with web.write(alice) as tx:
        for path in ("Trash", "Drop box"):
            with pytest.raises(Fixed):
                publishing.set_public(tx, disk.folder(tx, "alice", path), True)
        with pytest.raises(Fixed):
            publishing.publish(tx, disk.folder(tx, "alice", "web/deep"), True)
        with pytest.raises(Fixed):
            publishing.set_public(tx, disk.folder(tx, "IAB", "wiki/groupinfo"), True)


def test_a_copy_is_private_and_a_subfolder_like_its_parent(web: Store, alice: Actor) -> None:
    """DOC-12, ACL-15."""
    with web.write(alice) as tx:
        publishing.set_public(tx, disk.folder(tx, "alice", "web"), True)
        publishing.set_public(tx, disk.file(tx, "alice", "web/form.pdf"), True)
        disk.copy(tx, "alice", "web", "copy")
        assert not disk.file(tx, "alice", "copy/form.pdf").flagged
        assert not disk.folder(tx, "alice", "copy").flagged
        assert trees.mkdir(tx, disk.folder(tx, "alice", "web"), "new").flagged
        transplant.move(
            tx, disk.file(tx, "alice", "web/form.pdf"), disk.at(tx, "alice", "copy/f"), overwrite=False
        )
        assert disk.file(tx, "alice", "copy/f").flagged
        assert desk.principal(web, "alice").id == alice.id


def test_a_publication_ends_in_few_statements(web: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """SYS-17: as many for thirty people and documents as for three; a hundred people and a thousand took half a minute."""
    with web.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "alice"), iab, Right.SEE_FOLDER)
        grants.grant(tx, disk.folder(tx, "alice", "web"), iab, Right.SEE_FOLDER)
    counted: list[int] = []
    for size in (3, 30):
        with web.write(SITE) as tx:
            for number in range(size):
                groups.add_member(tx, iab, accounts.create(tx, f"m{size}-{number}", "*"))
        with web.write(alice) as tx:
            for number in range(size):
                disk.put(tx, "alice", f"web/{size}-{number}")
            publishing.publish(tx, disk.folder(tx, "alice", "web"), True)
        with web.write(alice) as tx:
            seen: list[object] = []
            sa.event.listen(tx.db, "before_cursor_execute", lambda *_, seen=seen: seen.append(1))
            publishing.publish(tx, disk.folder(tx, "alice", "web"), False)
            counted.append(len(seen))
    assert counted[0] == counted[1]
    with web.read(bob) as tx:
        found = folder_changes.since(tx, disk.folder(tx, "alice", "web"), ModSeq(1))
    assert {"form.pdf", *(f"30-{number}" for number in range(30))} <= set(found.removed)
