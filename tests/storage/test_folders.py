"""Folders of the virtual disk: found, made, shown, moved and copied as whole trees (DOC-01…07, ACL-12…19)."""

from __future__ import annotations

import random
import threading

import pytest
import sqlalchemy as sa

from storage import (
    bodies,
    check,
    files,
    filing,
    folder_changes,
    folders,
    grants,
    groups,
    plans,
    properties,
    subtree_rights,
    transplant,
    trees,
    wiki,
)
from storage.errors import (
    BadFormat,
    Conflict,
    Denied,
    Exists,
    Fixed,
    GateClosed,
    LimitReached,
    LogTruncated,
    NotFound,
    OverQuota,
    StorageError,
    UnsupportedMedia,
)
from storage.filing import FAVOURITES, Folder, Special
from storage.schema import collections
from storage.store import Store
from storage.types import PUBLIC, SITE, Actor, ModSeq, Principal, Right, SpaceKind
from tests.storage import desk, disk


def sound(store: Store) -> None:
    """No row contradicts another."""
    with store.write(SITE) as tx:
        assert check.run(tx) == []


def test_every_space_begins_with_its_special_folders(store: Store, alice: Actor) -> None:
    """DOC-05: the drop box shows itself with its first deposit."""
    with store.read(alice) as tx:
        assert disk.names(tx, "alice") == ["Trash/", "wiki/"]
        assert disk.names(tx, "IAB") == ["Trash/", "wiki/"]
        assert disk.folder(tx, "alice").special is Special.ROOT
        assert disk.folder(tx, "IAB", "wiki/groupinfo").special is Special.INFOS
        assert isinstance(folders.find(tx, SpaceKind.PRIVATE, "alice", "", root=FAVOURITES), Folder)


def test_a_calendar_client_never_meets_a_folder(store: Store, alice: Actor) -> None:
    from storage import collections as tree

    with store.read(alice) as tx:
        shown = [one.name for one in tree.home(tx, SpaceKind.PRIVATE, "alice")]
        assert "docs" not in shown
        assert "favourites" not in shown
        with pytest.raises(NotFound):
            tree.find(tx, SpaceKind.PRIVATE, "alice", "docs")


def test_folders_and_files_are_listed_and_found_by_path(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "Reports")
        disk.mkdir(tx, "alice", "Reports/2026")
        disk.put(tx, "alice", "Reports/2026/a.txt", b"hello")
        disk.put(tx, "alice", "Reports/b.txt")
    with store.read(alice) as tx:
        assert disk.names(tx, "alice", "Reports") == ["2026/", "b.txt"]
        found = disk.file(tx, "alice", "Reports/2026/a.txt")
        assert found.body == b"hello"
        assert found.path == "Reports/2026/a.txt"
        assert [one.path for one in folders.walk(tx, disk.folder(tx, "alice", "Reports"), 10)] == [
            "Reports",
            "Reports/2026",
        ]
        with pytest.raises(LimitReached):
            list(folders.walk(tx, disk.folder(tx, "alice"), 2))
        for missing in ("Reports/none", "None/none", "Reports/b.txt/x", "Reports/../wiki"):
            with pytest.raises(NotFound):
                folders.find(tx, SpaceKind.PRIVATE, "alice", missing)
        with pytest.raises(Conflict):
            folders.place(tx, SpaceKind.PRIVATE, "alice", "None/none.txt")
    sound(store)


def test_a_name_is_taken_once_by_file_or_folder(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.put(tx, "alice", "b")
        for name in ("a", "b"):
            with pytest.raises(Exists):
                disk.mkdir(tx, "alice", name)
        with pytest.raises(Conflict):
            disk.put(tx, "alice", "a")


def test_special_folders_stay_what_they_are(store: Store, alice: Actor) -> None:
    """DOC-05, CALSYNC-15: they are not renamed, moved, deleted; nothing is put into the Trash by hand."""
    with store.write(alice) as tx:
        for name in ("Trash", "wiki", "Drop box"):
            with pytest.raises(Fixed):
                disk.move(tx, "alice", name, "other")
            with pytest.raises(Fixed):
                disk.delete(tx, "alice", name)
        with pytest.raises(Fixed):
            disk.put(tx, "alice", "Trash/x")
        with pytest.raises(Fixed):
            disk.mkdir(tx, "alice", "Trash/x")
        with pytest.raises(Fixed):
            disk.put(tx, "alice", "calendar.ics")
        with pytest.raises(Fixed):
            transplant.delete(tx, disk.folder(tx, "alice"))
        disk.mkdir(tx, "alice", "web")
        disk.move(tx, "alice", "web", "site")


def test_the_plan_limits_how_deep_folders_go(store: Store, alice: Actor) -> None:
    """DOC-07: for MKCOL, MOVE and COPY alike."""
    with store.write(SITE) as tx:
        plans.change(tx, "full", limits={"folder_depth_max": 2})
    with store.write(alice) as tx:
        for path in ("a", "a/b", "c"):
            disk.mkdir(tx, "alice", path)
        for attempt in (
            lambda: disk.mkdir(tx, "alice", "a/b/c"),
            lambda: disk.move(tx, "alice", "a", "c/a"),
            lambda: disk.copy(tx, "alice", "a", "c/a"),
        ):
            with pytest.raises(LimitReached) as refused:
                attempt()
            assert refused.value.limit == "folder_depth_max"
        disk.move(tx, "alice", "a/b", "c/b")


def test_a_tree_moves_with_all_that_hangs_on_it(store: Store, alice: Actor) -> None:
    """DOC-06, DOC-12: one statement for the paths; rights, description and dead properties come along."""
    with store.write(alice) as tx:
        for path in ("a", "a/b", "a/b/c", "z"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "a/b/c/deep.txt", b"deep")
        trees.describe(tx, disk.file(tx, "alice", "a/b/c/deep.txt"), "what it is")
        properties.put(tx, disk.folder(tx, "alice", "a/b"), None, {("urn:x", "p"): "<p/>"})
        grants.grant(tx, disk.folder(tx, "alice", "a/b/c"), desk.principal(store, "bob"), Right.SEE_FOLDER)
        before = disk.folder(tx, "alice", "a/b/c").id
        assert disk.move(tx, "alice", "a", "z/new") is True
    with store.read(alice) as tx:
        assert disk.names(tx, "alice") == ["Trash/", "wiki/", "z/"]
        found = disk.file(tx, "alice", "z/new/b/c/deep.txt")
        assert (found.body, found.description, found.folder.id) == (b"deep", "what it is", before)
        assert properties.get_all(tx, disk.folder(tx, "alice", "z/new/b")) == {("urn:x", "p"): "<p/>"}
        assert any(row.granted for row in grants.grid(tx, found.folder).rows)
    sound(store)


def test_a_tree_is_copied_without_its_rights_and_counters(store: Store, alice: Actor) -> None:
    """DOC-12: descriptions and dead properties are the document's, rights are not."""
    with store.write(alice) as tx:
        for path in ("a", "a/b", "z"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "a/b/one.txt", b"1")
        disk.put(tx, "alice", "a/two.txt", b"22")
        trees.describe(tx, disk.file(tx, "alice", "a/two.txt"), "two")
        properties.put(tx, disk.folder(tx, "alice", "a"), "two.txt", {("urn:x", "p"): "<p/>"})
        grants.grant(tx, disk.folder(tx, "alice", "a/b"), desk.principal(store, "bob"), Right.SEE_FOLDER)
        assert disk.copy(tx, "alice", "a", "z/copy") is True
    with store.read(alice) as tx:
        assert disk.names(tx, "alice", "z/copy") == ["b/", "two.txt"]
        assert disk.file(tx, "alice", "z/copy/b/one.txt").body == b"1"
        copied = disk.file(tx, "alice", "z/copy/two.txt")
        assert copied.description == "two"
        assert copied.id != disk.file(tx, "alice", "a/two.txt").id
        assert properties.get_all(tx, copied.folder, "two.txt") == {("urn:x", "p"): "<p/>"}
        assert not any(row.granted for row in grants.grid(tx, disk.folder(tx, "alice", "z/copy/b")).rows)
    with store.write(alice) as tx:
        disk.put(tx, "alice", "z/copy/two.txt", b"changed")
        disk.put(tx, "alice", "z/copy/three.txt", b"3")
        disk.mkdir(tx, "alice", "z/copy/b/d")
    with store.read(alice) as tx:
        assert disk.file(tx, "alice", "a/two.txt").body == b"22"
    sound(store)


def test_a_folder_goes_neither_into_itself_nor_over_what_holds_it(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        for path in ("a", "a/b", "ab"):
            disk.mkdir(tx, "alice", path)
        for to in ("a", "a/x", "a/b/x"):
            with pytest.raises(Conflict):
                disk.move(tx, "alice", "a", to, overwrite=True)
            with pytest.raises(Conflict):
                disk.copy(tx, "alice", "a", to, overwrite=True)
        with pytest.raises(Conflict):
            disk.copy(tx, "alice", "a/b", "a", overwrite=True)
        assert disk.move(tx, "alice", "a", "ab/a") is True


def test_what_gives_way_to_a_folder_goes_to_the_trash(store: Store, alice: Actor) -> None:
    """RFC 4918 §9.9.3: the destination is deleted first; DOC-25 says where to."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.mkdir(tx, "alice", "b")
        disk.put(tx, "alice", "b/old.txt")
        with pytest.raises(Exists):
            disk.move(tx, "alice", "a", "b")
        assert disk.move(tx, "alice", "a", "b", overwrite=True) is False
        assert disk.names(tx, "alice", "Trash/b") == ["old.txt"]
        assert disk.names(tx, "alice", "b") == []
    sound(store)


def test_a_chain_of_folders_shows_a_private_document(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    """ACL-12: *see folder* from the root down, and *see* on the document; each taken away hides it."""
    guest = desk.principal(store, "bob")
    with store.write(alice) as tx:
        for path in ("a", "a/b", "hidden"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "a/b/c.txt", b"c")
        disk.put(tx, "alice", "a/b/d.txt")
        for path in ("", "a", "a/b"):
            grants.grant(tx, disk.folder(tx, "alice", path), guest, Right.SEE_FOLDER)
        grants.grant(tx, disk.folder(tx, "alice", "a/b"), guest, Right.SEE, "c.txt")
    with store.read(bob) as tx:
        assert disk.names(tx, "alice") == ["Drop box/", "a/"]
        assert disk.names(tx, "alice", "a/b") == ["c.txt"]
        found = disk.file(tx, "alice", "a/b/c.txt")
        assert found.body == b"c"
        assert not found.rights & Right.EDIT
        for path in ("hidden", "Trash", "a/b/d.txt", "wiki"):
            with pytest.raises(NotFound):
                folders.find(tx, SpaceKind.PRIVATE, "alice", path)
    with store.read(carol) as tx, pytest.raises(NotFound):
        disk.folder(tx, "alice")
    with store.write(alice) as tx:
        grants.withdraw(tx, disk.folder(tx, "alice", "a"), guest, Right.SEE_FOLDER)
    with store.read(bob) as tx:
        assert disk.names(tx, "alice") == ["Drop box/"]
        with pytest.raises(NotFound):
            disk.file(tx, "alice", "a/b/c.txt")


def test_members_see_all_folders_of_a_group_and_write_where_they_may(
    store: Store, alice: Actor, bob: Actor, iab: Principal
) -> None:
    """ACL-06, ACL-13, ACL-16: *add* makes subfolders too, and its maker may add in what he made (ACL-15)."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "IAB", "open")
        disk.mkdir(tx, "IAB", "open/deep")
        disk.put(tx, "IAB", "open/a.txt")
        grants.grant(tx, disk.folder(tx, "IAB", "open"), desk.principal(store, "bob"), Right.ADD)
    with store.write(bob) as tx:
        assert disk.names(tx, "IAB") == ["open/", "wiki/"]  # DOC-26: the Trash is not for him
        assert disk.names(tx, "IAB", "open") == ["a.txt", "deep/"]
        made = disk.mkdir(tx, "IAB", "open/mine")
        assert made.rights & Right.ADD
        disk.put(tx, "IAB", "open/mine/b.txt")
        for path in ("x.txt", "open/deep/x.txt"):
            with pytest.raises(Denied):
                disk.put(tx, "IAB", path)
        with pytest.raises(Denied):
            disk.delete(tx, "IAB", "open/mine/b.txt")  # ACL-05: adding is not deleting
        with pytest.raises(Denied):
            disk.put(tx, "IAB", "open/a.txt")  # ACL-18: alice's document
        disk.move(tx, "IAB", "open/mine", "open/renamed")  # ACL-19: his own, with nothing but his in it
    with store.write(alice) as tx:
        with pytest.raises(Denied):
            disk.put(tx, "IAB", "open/renamed/b.txt")  # ACL-06
        disk.put(tx, "IAB", "open/renamed/c.txt")
    with store.write(bob) as tx, pytest.raises(Denied):
        disk.move(tx, "IAB", "open/renamed", "open/again")
    with store.write(alice) as tx:
        disk.delete(tx, "IAB", "open/renamed")
    sound(store)


def test_a_hidden_document_of_a_group_is_absent_and_its_name_taken(
    store: Store, alice: Actor, bob: Actor, iab: Principal
) -> None:
    """DOC-18, DOC-24, ACL-06, ACL-09: administrators know that it exists and may delete it."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
        disk.put(tx, "IAB", "alices.txt")
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "alices.txt")
        grants.withdraw(tx, disk.folder(tx, "IAB"), desk.principal(store, "bob"), Right.SEE, "alices.txt")
    with store.write(bob) as tx:
        disk.put(tx, "IAB", "bobs.txt")
        grants.withdraw(tx, disk.folder(tx, "IAB"), iab, Right.SEE, "bobs.txt")
        grants.withdraw(tx, disk.folder(tx, "IAB"), desk.principal(store, "alice"), Right.SEE, "bobs.txt")
    with store.write(bob) as tx:
        assert disk.names(tx, "IAB") == ["bobs.txt", "wiki/"]
        assert [one.name for one in folders.files(tx, disk.folder(tx, "IAB"))] == ["bobs.txt"]
        assert [one.name for page in folders.pages(tx, disk.folder(tx, "IAB"), 1) for one in page] == ["bobs.txt"]
        with pytest.raises(NotFound):
            disk.file(tx, "IAB", "alices.txt")
        with pytest.raises(Denied):
            disk.put(tx, "IAB", "alices.txt")
        with pytest.raises(Denied):
            disk.mkdir(tx, "IAB", "alices.txt")
    with store.write(alice) as tx:
        known = disk.file(tx, "IAB", "bobs.txt")
        assert known.body is None
        assert known.etag.endswith("-known")
        assert {row.name: row.etag for row in folders.rows(tx, known.folder)}["bobs.txt"] == known.etag
        with pytest.raises(Denied):
            disk.copy(tx, "IAB", "bobs.txt", "open.txt")
        disk.delete(tx, "IAB", "bobs.txt")


def test_infos_are_written_by_the_admin_alone_and_read_by_all(
    store: Store, alice: Actor, bob: Actor, iab: Principal
) -> None:
    """INFO-02, INFO-03: whatever was granted on the wiki."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB", "wiki"), iab, Right.ADD | Right.DELETE)
        disk.put(tx, "IAB", "wiki/groupinfo/index.html", b"<p>hello")
        with pytest.raises(Fixed):
            grants.grant(tx, disk.folder(tx, "IAB", "wiki/groupinfo"), iab, Right.ADD)
    with store.write(bob) as tx:
        assert disk.file(tx, "IAB", "wiki/groupinfo/index.html").body == b"<p>hello"
        for attempt in (
            lambda: disk.put(tx, "IAB", "wiki/groupinfo/index.html"),
            lambda: disk.put(tx, "IAB", "wiki/groupinfo/other.html"),
            lambda: disk.delete(tx, "IAB", "wiki/groupinfo/index.html"),
        ):
            with pytest.raises(Denied):
                attempt()
        disk.put(tx, "IAB", "wiki/page.html")


def test_the_wiki_is_there_with_its_gate(store: Store, alice: Actor) -> None:
    """DOC-05, ACC-11."""
    with store.write(SITE) as tx:
        plans.change(tx, "full", close_gates=["wiki"])
    with store.read(alice) as tx:
        assert disk.names(tx, "alice") == ["Trash/"]
        with pytest.raises(GateClosed):
            disk.folder(tx, "alice", "wiki")


def test_entries_are_copied_once_onto_all_subfolders(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """ACL-14: at every depth, and not live."""
    with store.write(alice) as tx:
        for path in ("a", "a/b", "a/b/c"):
            disk.mkdir(tx, "IAB", path)
        grants.grant(tx, disk.folder(tx, "IAB", "a"), iab, Right.ADD)
        assert subtree_rights.apply_to_subfolders(tx, disk.folder(tx, "IAB", "a")) == 2
        grants.withdraw(tx, disk.folder(tx, "IAB", "a"), iab, Right.ADD)
    with store.write(bob) as tx:
        disk.put(tx, "IAB", "a/b/c/x.txt")
    sound(store)


def test_a_move_between_environments_is_a_copy_and_a_deletion(
    store: Store, alice: Actor, bob: Actor, iab: Principal
) -> None:
    """ACL-19: it needs *delete* at the source."""
    with store.write(alice) as tx:
        for path in ("a", "a/b"):
            disk.mkdir(tx, "alice", path)
        disk.put(tx, "alice", "a/b/c.txt", b"c")
        assert transplant.move(tx, disk.folder(tx, "alice", "a"), disk.at(tx, "IAB", "A"), overwrite=False)
        assert disk.names(tx, "alice") == ["Trash/", "wiki/"]
        assert disk.file(tx, "IAB", "A/b/c.txt").body == b"c"
    with store.write(bob) as tx:
        with pytest.raises(Denied):
            transplant.move(tx, disk.folder(tx, "IAB", "A"), disk.at(tx, "bob", "A"), overwrite=False)
        assert transplant.copy(tx, disk.folder(tx, "IAB", "A"), disk.at(tx, "bob", "A"), overwrite=False)
        assert disk.file(tx, "bob", "A/b/c.txt").creator == bob.id
    sound(store)


def test_a_copy_holds_what_its_maker_sees(store: Store, alice: Actor, bob: Actor) -> None:
    """ACL-12, ACL-19: hidden folders and documents are not in it."""
    guest = desk.principal(store, "bob")
    with store.write(alice) as tx:
        for path in ("a", "a/seen", "a/hidden"):
            disk.mkdir(tx, "alice", path)
        for path in ("a/seen/1.txt", "a/seen/2.txt", "a/hidden/3.txt"):
            disk.put(tx, "alice", path)
        for path in ("", "a", "a/seen"):
            grants.grant(tx, disk.folder(tx, "alice", path), guest, Right.SEE_FOLDER)
        grants.grant(tx, disk.folder(tx, "alice", "a/seen"), guest, Right.SEE, "1.txt")
        grants.grant(tx, disk.folder(tx, "alice", "a/hidden"), guest, Right.SEE, "3.txt")
    with store.write(bob) as tx:
        transplant.copy(tx, disk.folder(tx, "alice", "a"), disk.at(tx, "bob", "a"), overwrite=False)
        assert disk.names(tx, "bob", "a") == ["seen/"]
        assert disk.names(tx, "bob", "a/seen") == ["1.txt"]
    sound(store)


def test_a_copy_that_does_not_fit_is_refused_whole(store: Store, alice: Actor) -> None:
    """DOC-13."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.put(tx, "alice", "a/x", b"x" * 600)
    with store.write(SITE) as tx:
        plans.change(tx, "full", limits={"docs_bytes": 1_000})
    with store.write(alice) as tx:
        with pytest.raises(OverQuota):
            disk.copy(tx, "alice", "a", "b")
        assert "b/" not in disk.names(tx, "alice")


def test_a_reader_of_changes_ends_where_the_folder_is(store: Store, alice: Actor) -> None:
    """SYS-07, RFC 6578 §3.5: files and direct subfolders that came, changed, went."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "a")
        disk.put(tx, "alice", "one")
        disk.put(tx, "alice", "two")
    with store.read(alice) as tx:
        first = folder_changes.since(tx, disk.folder(tx, "alice"), ModSeq(0))
        assert {one.title for one in first.folders} == {"Trash", "wiki", "a"}
        assert {row.name for row in first.items} == {"one", "two"}
        assert first.removed == ()
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "b")
        disk.move(tx, "alice", "a", "c")
        disk.delete(tx, "alice", "one")
        disk.put(tx, "alice", "two", b"2")
        disk.put(tx, "alice", "c/inside")
        disk.delete(tx, "alice", "b")
    with store.read(alice) as tx:
        next_ = folder_changes.since(tx, disk.folder(tx, "alice"), first.modseq)
        assert {one.title for one in next_.folders} == {"c"}
        assert {row.name for row in next_.items} == {"two"}
        assert set(next_.removed) == {"a", "b", "one"}
        last = folder_changes.since(tx, disk.folder(tx, "alice"), next_.modseq)
        assert not last.items
        assert not last.folders
        assert not last.removed
        with pytest.raises(LogTruncated):
            folder_changes.since(tx, disk.folder(tx, "alice"), ModSeq(next_.modseq + 1))
        cut, token, bound = [], ModSeq(0), ModSeq(0)
        while True:
            page = folder_changes.since(tx, disk.folder(tx, "alice"), token, bound=bound, limit=1)
            cut += [one.title for one in page.folders] + [row.name for row in page.items]
            token, bound = page.modseq, page.bound
            if not page.truncated:
                break
        assert set(cut) == {"Trash", "wiki", "c", "two"}


def test_rights_make_folders_come_and_go_in_synchronisation(store: Store, alice: Actor, bob: Actor) -> None:
    """SYS-10: without a new beginning for the grantee."""
    guest = desk.principal(store, "bob")
    with store.write(alice) as tx:
        for path in ("a", "never"):
            disk.mkdir(tx, "alice", path)
        grants.grant(tx, disk.folder(tx, "alice"), guest, Right.SEE_FOLDER)
    with store.read(bob) as tx:
        token = folder_changes.since(tx, disk.folder(tx, "alice"), ModSeq(0)).modseq
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "alice", "a"), guest, Right.SEE_FOLDER)
    with store.read(bob) as tx:
        seen = folder_changes.since(tx, disk.folder(tx, "alice"), token)
        assert [one.title for one in seen.folders] == ["a"]
        assert seen.removed == ()
    with store.write(alice) as tx:
        grants.withdraw(tx, disk.folder(tx, "alice", "a"), guest, Right.SEE_FOLDER)
    with store.read(bob) as tx:
        after = folder_changes.since(tx, disk.folder(tx, "alice"), seen.modseq)
        assert after.folders == ()
        assert after.removed == ("a",)
    with store.write(alice) as tx:
        disk.delete(tx, "alice", "never")
    with store.read(bob) as tx:
        assert folder_changes.since(tx, disk.folder(tx, "alice"), after.modseq).removed == ()  # SYS-09


def test_nothing_of_a_disk_is_public_unless_made_so(store: Store) -> None:
    with store.read(PUBLIC) as tx:
        for space in ("alice", "IAB"):
            for path in ("", "wiki", "Drop box", "Trash"):
                with pytest.raises(NotFound):
                    disk.folder(tx, space, path)


def test_a_large_tree_moves_in_few_statements(store: Store, alice: Actor) -> None:
    """As many statements for forty folders as for four."""
    counted: list[int] = []
    for size in (4, 40):
        with store.write(alice) as tx:
            disk.mkdir(tx, "alice", f"t{size}")
            for number in range(size):
                disk.mkdir(tx, "alice", f"t{size}/{number}")
                disk.put(tx, "alice", f"t{size}/{number}/f")
        with store.write(alice) as tx:
            seen = [0]

            def count(*_: object, seen: list[int] = seen) -> None:
                seen[0] += 1

            sa.event.listen(tx.db, "before_cursor_execute", count)
            disk.move(tx, "alice", f"t{size}", f"u{size}")
            disk.copy(tx, "alice", f"u{size}", f"v{size}")
            disk.delete(tx, "alice", f"u{size}")
            sa.event.remove(tx.db, "before_cursor_execute", count)
            counted.append(seen[0])
            paths = sa.select(sa.func.count()).where(collections.c.path.like(f"docs/v{size}/%"))
            assert tx.db.execute(paths).scalar_one() == size
    assert counted[0] == counted[1]


@pytest.mark.slow
def test_writers_at_the_same_time_leave_a_sound_tree(store: Store, alice: Actor) -> None:
    """Refusals are in the storage's own words, and no row contradicts another (SYS-01)."""
    with store.write(alice) as tx:
        for path in ("a", "b", "a/x", "b/y"):
            disk.mkdir(tx, "alice", path)
    strange: list[BaseException] = []

    def work(seed: int) -> None:
        choose = random.Random(seed)
        paths = ["a", "b", "c", "a/x", "b/x", "b/y", "a/y", "a/f", "b/f", "a/x/f", "f"]
        actions = (
            lambda tx: disk.put(tx, "alice", choose.choice(paths), b"%d" % choose.randrange(9)),
            lambda tx: disk.mkdir(tx, "alice", choose.choice(paths)),
            lambda tx: disk.move(tx, "alice", choose.choice(paths), choose.choice(paths), overwrite=True),
            lambda tx: disk.copy(tx, "alice", choose.choice(paths), choose.choice(paths), overwrite=True),
            lambda tx: disk.delete(tx, "alice", choose.choice(paths)),
        )
        for _ in range(40):
            try:
                with store.write(alice) as tx:
                    choose.choice(actions)(tx)
            except StorageError:
                continue
            except BaseException as error:
                strange.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert strange == []
    sound(store)


def test_the_wiki_has_a_start_page_that_keeps_its_name(store: Store, alice: Actor, bob: Actor) -> None:
    """WIKI-02, WIKI-08: made by the first who may, deleted and made anew."""
    with store.write(bob) as tx:
        wiki.open_wiki(tx, SpaceKind.GROUP, "IAB")
        assert disk.names(tx, "IAB", "wiki") == ["groupinfo/"]
    with store.write(alice) as tx:
        found = wiki.open_wiki(tx, SpaceKind.GROUP, "IAB")
        assert [row.name for row in wiki.page_list(tx, found)] == ["index.html"]
        assert disk.file(tx, "IAB", "wiki/index.html").media_type == wiki.MEDIA_TYPE
        with pytest.raises(Fixed):
            disk.move(tx, "IAB", "wiki/index.html", "wiki/start.html")
        disk.put(tx, "IAB", "wiki/index.html", b"<p>ours")
        wiki.open_wiki(tx, SpaceKind.GROUP, "IAB")
        assert disk.file(tx, "IAB", "wiki/index.html").body == b"<p>ours"
        disk.delete(tx, "IAB", "wiki/index.html")


def test_who_leaves_a_group_made_nothing_of_it(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """GRP-15: content stays, the creator's rights on it do not, also if he returns."""
    with store.write(alice) as tx:
        grants.grant(tx, disk.folder(tx, "IAB"), iab, Right.ADD)
    with store.write(bob) as tx:
        disk.mkdir(tx, "IAB", "mine")
        disk.put(tx, "IAB", "mine/a.txt")
    with store.write(bob) as tx:
        groups.leave(tx, iab)
    with store.read(bob) as tx, pytest.raises(NotFound):
        disk.folder(tx, "IAB")
    with store.write(SITE) as tx:
        groups.add_member(tx, iab, desk.principal(store, "bob"))
    with store.write(bob) as tx:
        with pytest.raises(Denied):
            disk.move(tx, "IAB", "mine", "yours")
        with pytest.raises(Denied):
            disk.put(tx, "IAB", "mine/a.txt", b"2")
    sound(store)


def test_favourites_hold_bookmarks_and_no_trash(store: Store, alice: Actor) -> None:
    """FAV-01…03, FAV-10, FAV-11: by whatever way something would come there."""

    def at(path: str) -> filing.Place:
        return folders.place(tx, SpaceKind.PRIVATE, "alice", path, root=FAVOURITES)

    good = b"[InternetShortcut]\r\nURL=https://example.test/\r\n"
    with store.write(alice) as tx:
        root = at("x").folder
        inner = trees.mkdir(tx, root, "f")
        files.put(tx, at("f/a.url"), bodies.small(good))
        files.put(tx, at("._a"), bodies.small(b"URL=javascript:x"))
        disk.put(tx, "alice", "run.url", b"[InternetShortcut]\r\nURL=javascript:alert(1)\r\n")
        disk.put(tx, "alice", "a.txt")
        disk.mkdir(tx, "alice", "d")
        for name, body in (("run.url", b"[InternetShortcut]\r\nURL=javascript:x\r\n"), ("a.txt", b"a")):
            with pytest.raises((UnsupportedMedia, BadFormat)):
                files.put(tx, at(name), bodies.small(body))
            with pytest.raises((UnsupportedMedia, BadFormat)):
                transplant.copy(tx, disk.file(tx, "alice", name), trees.present(tx, inner, name), overwrite=False)
        for name in ("bookmarks.html", "bookmarks.xbel"):
            with pytest.raises(Fixed):
                files.put(tx, at(name), bodies.small(good))
        with pytest.raises(Fixed):
            transplant.copy(tx, disk.folder(tx, "alice", "d"), at("d"), overwrite=False)
        with pytest.raises((UnsupportedMedia, BadFormat, Fixed)):
            transplant.move(
                tx, folders.find(tx, SpaceKind.PRIVATE, "alice", "._a", root=FAVOURITES), at("b.url"), overwrite=False
            )
        found = folders.find(tx, SpaceKind.PRIVATE, "alice", "f/a.url", root=FAVOURITES)
        assert transplant.move(tx, found, at("b.url"), overwrite=False)
        transplant.delete(tx, folders.find(tx, SpaceKind.PRIVATE, "alice", "b.url", root=FAVOURITES))
        transplant.delete(tx, inner)
        assert disk.names(tx, "alice", "Trash") == []
    sound(store)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_of_files_and_folders_lose_nothing(store: Store, alice: Actor, limit: int) -> None:
    """RFC 6578 §3.6: whatever lies between which numbers; a file before several folders was left out of the first page."""

    def read(token: ModSeq) -> tuple[set[str], set[str], ModSeq]:
        present: set[str] = set()
        removed: set[str] = set()
        bound = ModSeq(0)
        while True:
            with store.read(alice) as tx:
                page = folder_changes.since(tx, disk.folder(tx, "alice", "d"), token, bound=bound, limit=limit)
            seen = {row.name for row in page.items} | {f"{one.title}/" for one in page.folders}
            present = present - {name for one in page.removed for name in (one, f"{one}/")} | seen
            removed |= set(page.removed)
            token, bound = page.modseq, page.bound
            if not page.truncated:
                return present, removed, token

    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "d")
        disk.put(tx, "alice", "d/one")
        for name in "abcd":
            disk.mkdir(tx, "alice", f"d/{name}")
        disk.put(tx, "alice", "d/two")
        disk.put(tx, "alice", "d/three")
    present, _, token = read(ModSeq(0))
    assert present == {"one", "two", "three", "a/", "b/", "c/", "d/"}
    with store.write(alice) as tx:
        disk.put(tx, "alice", "d/one", b"1")
        for name in ("d/a", "d/b", "d/two", "d/three"):
            disk.delete(tx, "alice", name)
        for name in "efg":
            disk.mkdir(tx, "alice", f"d/{name}")
        disk.move(tx, "alice", "d/c", "d/two")
    present, removed, token = read(token)
    assert present == {"one", "two/", "e/", "f/", "g/"}
    assert removed - {"two"} == {"a", "b", "c", "three"}
    assert read(token) == (set(), set(), token)
    with store.write(alice) as tx:
        disk.put(tx, "alice", "d/late")
        for name in "hijk":
            disk.mkdir(tx, "alice", f"d/{name}")
    present, removed, token = read(token)
    assert present == {"late", "h/", "i/", "j/", "k/"}
    with store.write(alice) as tx:
        disk.move(tx, "alice", "d/late", "d/later")
    assert read(token)[:2] == ({"later"}, {"late"})
