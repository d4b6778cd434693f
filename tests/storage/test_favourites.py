"""Bookmarks in their tree: imported, merged, exported, seen by whom (FAV-01…14)."""

from __future__ import annotations

import pytest

from storage import bodies, favourites, files, folders, grants, trees
from storage import principals as people
from storage.bookmark_files import checked, prepare
from storage.errors import BadFormat, Denied, Fixed, NotFound, UnsupportedMedia
from storage.filing import FAVOURITES, File
from storage.formats import bookmarks, bookmarks_html, url_file
from storage.formats.bookmarks import Bookmark, Folder
from storage.store import Store
from storage.types import Actor, Principal, Right, SpaceKind
from tests.storage import disk

PRIVATE, GROUP = SpaceKind.PRIVATE, SpaceKind.GROUP
TREE = Folder(
    children=[
        Bookmark("Tea", "https://tea.example/", "About tea", 1_700_000_000.0),
        Bookmark("A/B: what? | x", "www.site.com"),
        Folder("News", children=[Bookmark("Tea", "https://news.example/"), Folder("Empty")]),
        Folder("a/b", children=[Bookmark("deep", "ftp://files.example/")]),
    ]
)


def shape(folder: Folder) -> list[object]:
    return sorted(
        ((one.title, one.address) if isinstance(one, Bookmark) else (one.title, shape(one)) for one in folder.children),
        key=repr,
    )


def read(store: Store, who: Actor, space: str = "alice", path: str = "") -> Folder:
    kind = GROUP if space.isupper() else PRIVATE
    with store.read(who) as tx:
        found = folders.find(tx, kind, space, path, root=FAVOURITES)
        assert not isinstance(found, File)
        return favourites.read(tx, found)


def state(store: Store, who: Actor) -> str:
    with store.read(who) as tx:
        return favourites.state(tx, favourites.root(tx, PRIVATE, "alice"))


def test_a_tree_comes_in_and_goes_out(store: Store, alice: Actor) -> None:
    """FAV-11, FAV-13, FAV-14: folders kept, addresses completed (FAV-02)."""
    report = favourites.merge(store, alice, PRIVATE, "alice", TREE)
    assert (report.added, report.unchanged, report.folders, report.skipped) == (4, 0, 3, [])
    tree = read(store, alice)
    assert shape(tree) == [
        ("A/B: what? | x", "https://www.site.com"),
        ("News", [("Empty", []), ("Tea", "https://news.example/")]),
        ("Tea", "https://tea.example/"),
        ("a-b", [("deep", "ftp://files.example/")]),
    ]
    tea = next(one for one in tree.children if one.title == "Tea")
    assert tea.description == "About tea"
    again = favourites.parse(favourites.render("bookmarks.html", tree))
    assert shape(again) == shape(tree)
    assert shape(favourites.parse(favourites.render("bookmarks.xbel", tree))) == shape(tree)
    with store.read(alice) as tx:
        file = folders.find(tx, PRIVATE, "alice", "Tea.url", root=FAVOURITES, body=True)
        assert isinstance(file, File)
        assert file.body == b"[InternetShortcut]\r\nURL=https://tea.example/\r\n"
        assert file.modified == 1_700_000_000.0


def test_an_import_is_a_merge(store: Store, alice: Actor) -> None:
    """FAV-11: what is there stays; the same file again adds nothing."""
    favourites.merge(store, alice, PRIVATE, "alice", TREE)
    before = state(store, alice)
    report = favourites.merge(store, alice, PRIVATE, "alice", TREE)
    assert (report.added, report.unchanged, report.folders) == (0, 4, 0)
    assert state(store, alice) == before
    other = Folder(children=[Bookmark("Tea", "https://other.example/"), Bookmark("Renamed", "https://tea.example/")])
    report = favourites.merge(store, alice, PRIVATE, "alice", other)
    assert (report.added, report.unchanged) == (1, 1)
    titles = [one.title for one in read(store, alice).children]
    assert "Tea (2)" in titles
    assert "Renamed" not in titles
    assert state(store, alice) != before


def test_what_is_refused_is_reported(store: Store, alice: Actor) -> None:
    """FAV-02: no javascript:."""
    tree = Folder(children=[Bookmark("Run", "javascript:alert(1)"), Bookmark("Fine", "https://x.example/")])
    report = favourites.merge(store, alice, PRIVATE, "alice", tree)
    assert report.added == 1
    assert [(one.title, "javascript" in one.reason) for one in report.skipped] == [("Run", True)]


@pytest.mark.slow
def test_many_bookmarks(store: Store, alice: Actor) -> None:
    """More than one transaction takes."""
    tree = Folder(children=[Bookmark("same title", f"https://x.example/{number}") for number in range(450)])
    steps: list[tuple[int, int]] = []
    report = favourites.merge(
        store, alice, PRIVATE, "alice", tree, progress=lambda done, total: steps.append((done, total))
    )
    assert report.added == 450
    assert steps[-1] == (450, 450)
    assert len(steps) == 3
    assert {one.title for one in read(store, alice).children} >= {"same title", "same title (450)"}


def test_renaming_the_file_renames_the_bookmark(store: Store, alice: Actor) -> None:
    """FAV-03: the tree is edited by a file manager."""
    favourites.merge(store, alice, PRIVATE, "alice", Folder(children=[Bookmark("a/b", "https://x.example/")]))
    with store.write(alice) as tx:
        found = folders.find(tx, PRIVATE, "alice", "a-b.url", root=FAVOURITES)
        from storage import transplant

        transplant.move(
            tx, found, trees.present(tx, favourites.root(tx, PRIVATE, "alice"), "New name.url"), overwrite=False
        )
    assert shape(read(store, alice)) == [("New name", "https://x.example/")]


def test_deletion_is_immediate(store: Store, alice: Actor) -> None:
    """FAV-03, FAV-10: a folder goes with its content, nothing lands in the Trash."""
    favourites.merge(store, alice, PRIVATE, "alice", TREE)
    from storage import transplant

    with store.write(alice) as tx:
        transplant.delete(tx, folders.find(tx, PRIVATE, "alice", "News", root=FAVOURITES))
    assert "News" not in [one.title for one in read(store, alice).children]
    with store.read(alice) as tx:
        assert disk.names(tx, "alice", "Trash") == []


def test_another_sees_what_he_may(store: Store, alice: Actor, bob: Actor, carol: Actor) -> None:
    """FAV-04: the chain of folders and the item."""
    favourites.merge(store, alice, PRIVATE, "alice", TREE)
    for who in (bob, carol):
        with pytest.raises(NotFound):
            read(store, who)
    with store.write(alice) as tx:
        bobs = people.find(tx, PRIVATE, "bob")
        root = favourites.root(tx, PRIVATE, "alice")
        grants.grant(tx, root, bobs, Right.SEE_FOLDER)
        grants.grant(tx, root, bobs, Right.SEE, "Tea.url")
    assert shape(read(store, bob)) == [("Tea", "https://tea.example/")]
    assert state(store, bob) != state(store, alice)
    with pytest.raises(Denied):
        favourites.merge(store, bob, PRIVATE, "alice", Folder(children=[Bookmark("x", "https://x.example/")]))


def test_a_groups_bookmarks(store: Store, alice: Actor, bob: Actor, iab: Principal) -> None:
    """FAV-05, FAV-06: members read, the admin adds, and lets others add, in folders too."""
    favourites.merge(store, alice, GROUP, "IAB", TREE)
    assert len(read(store, bob, "IAB").children) == 4
    new = Folder(children=[Folder("Bob's", children=[Bookmark("x", "https://x.example/")])])
    with pytest.raises(Denied):
        favourites.merge(store, bob, GROUP, "IAB", Folder(children=[Bookmark("x", "https://x.example/")]))
    with store.write(alice) as tx:
        grants.grant(tx, favourites.root(tx, GROUP, "IAB"), people.find(tx, PRIVATE, "bob"), Right.ADD)
    assert favourites.merge(store, bob, GROUP, "IAB", new).added == 1
    with store.write(alice) as tx:
        root = favourites.root(tx, GROUP, "IAB")
        grants.withdraw(tx, root, iab, Right.SEE, "Tea.url")  # FAV-08
        grants.withdraw(tx, root, people.find(tx, PRIVATE, "bob"), Right.SEE, "Tea.url")
    assert "Tea" not in [one.title for one in read(store, bob, "IAB").children]


def test_a_refusal_in_the_middle_keeps_what_was_added(store: Store, alice: Actor, bob: Actor) -> None:
    favourites.merge(store, alice, PRIVATE, "alice", Folder(children=[Folder("open"), Folder("shut")]))
    with store.write(alice) as tx:
        bobs = people.find(tx, PRIVATE, "bob")
        for path, rights in (
            ("", Right.SEE_FOLDER),
            ("open", Right.SEE_FOLDER | Right.ADD),
            ("shut", Right.SEE_FOLDER),
        ):
            found = folders.find(tx, PRIVATE, "alice", path, root=FAVOURITES)
            assert not isinstance(found, File)
            grants.grant(tx, found, bobs, rights)
    mark = Bookmark("x", "https://x.example/")
    tree = Folder(children=[Folder("open", children=[mark]), Folder("shut", children=[mark, mark])])
    report = favourites.merge(store, bob, PRIVATE, "alice", tree)
    assert (report.added, report.not_tried) == (1, 2)
    assert report.stopped
    assert shape(read(store, alice, path="open")) == [("x", "https://x.example/")]


def test_what_the_tree_holds(store: Store, alice: Actor) -> None:
    """FAV-01, FAV-02: `.url` files with a decent address, whichever protocol writes."""
    assert prepare("a.URL", b"[InternetShortcut]\nURL=www.x.example\n") == (
        b"[InternetShortcut]\r\nURL=https://www.x.example\r\n"
    )
    assert prepare("._a.url", b"\0apple") == b"\0apple"
    for name, data, error in (
        ("a.html", b"<script>", UnsupportedMedia),
        ("a.url", b"[InternetShortcut]\nURL=javascript:1\n", BadFormat),
        ("a.url", b"rubbish", BadFormat),
    ):
        with pytest.raises(error):
            prepare(name, data)
    with store.read(alice) as tx:
        root = favourites.root(tx, PRIVATE, "alice")
        with pytest.raises(Fixed):
            checked(root, "bookmarks.html", bodies.small(b""))
        plain = bodies.small(b"a document")
        assert checked(disk.folder(tx, "alice"), "bookmarks.html", plain) is plain


def test_broken_files_are_left_out(store: Store, alice: Actor) -> None:
    with store.write(alice) as tx:
        root = favourites.root(tx, PRIVATE, "alice")
        files.put(tx, trees.present(tx, root, "fine.url"), bodies.small(url_file.write("https://x.example/")))
        trees.mkdir(tx, root, "folder")
    assert shape(read(store, alice)) == [("fine", "https://x.example/"), ("folder", [])]


def test_deep_trees_flatten_or_are_reported(store: Store, alice: Actor) -> None:
    text = "<DL>" + "<DT><H3>f</H3><DL>" * 150 + '<DT><A HREF="https://x.example/">x</A>'
    report = favourites.merge(store, alice, PRIVATE, "alice", bookmarks_html.read(text.encode()))
    assert report.added == 1
    assert report.folders == bookmarks.MOST_LEVELS
