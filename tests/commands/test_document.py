"""`escritoire document`, `search`, `favourites`, `wiki` and `grant` on the disk (DOC-09, 17..23, 27, 31, 34..47, 60..62)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conf.load import load
from servers.cli import group
from servers.http.start import open_store
from storage import text_index
from storage.store import Store
from storage.text_index import State
from storage.types import SITE, Actor
from tests.commands.conftest import Line
from tests.storage import desk, disk

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada\r\nN:Ada;;;;\r\nEND:VCARD\r\n"


@pytest.fixture
def store(line: Line) -> Iterator[Store]:
    """The store behind the command line, for what file managers do."""
    one = open_store(load(line.data / "escritoire.toml"))
    yield one
    one.close()


@pytest.fixture
def alice(store: Store) -> Actor:
    return desk.actor(store, "alice")


@pytest.fixture
def documents(store: Store, alice: Actor) -> None:
    """alice/Reports/a.txt, alice/web/form.txt, groups/IAB/common.txt."""
    with store.write(alice) as tx:
        disk.mkdir(tx, "alice", "Reports")
        disk.mkdir(tx, "alice", "web")
        disk.put(tx, "alice", "Reports/a.txt", b"zebra")
        disk.put(tx, "alice", "web/form.txt", b"a form")
        disk.put(tx, "IAB", "common.txt", b"for all")


pytestmark = pytest.mark.usefixtures("documents")


def test_a_tree_and_one_of_it(line: Line) -> None:
    """DOC-09, DOC-11: the details of a document."""
    assert [one["path"] for one in line.json("document", "tree", "alice")][-3:] == ["web/", "web/form.txt", "wiki/"]
    line("document", "description", "alice/Reports/a.txt", "Stripes")
    told = line.json("document", "show", "alice/Reports/a.txt")
    assert (told["description"], told["creator"], told["downloads"], told["size"]) == ("Stripes", "alice", 0, 5)
    assert line.json("document", "show", "alice/Reports")["documents"] == 1
    assert line.json("document", "show", "/alice/private/Reports")["kind"] == "folder"
    line("document", "show", "alice/absent", status=1)
    line("document", "show", "alice/Reports", "--as", "carol", status=1)
    line("document", "show", "groups", status=2)


def test_sharing_with_a_group(line: Line) -> None:
    """DOC-17: one document with two placements."""
    assert line("document", "share", "alice/Reports/a.txt", "IAB").strip() == "groups/IAB/a.txt"
    assert line.json("document", "show", "alice/Reports/a.txt")["also_in"] == ["groups/IAB/a.txt"]
    line("document", "share", "alice/Reports/a.txt", "IAB", "--as", "bob", status=1)
    assert line("document", "unshare", "alice/Reports/a.txt", "IAB") == "alice/Reports/a.txt is not in IAB any more\n"
    line("document", "show", "groups/IAB/a.txt", status=1)
    assert line.json("document", "show", "alice/Reports/a.txt")["also_in"] == []
    assert "not shared" in line("document", "unshare", "alice/Reports/a.txt", "IAB", status=1)
    line("document", "share", "alice/Reports/a.txt", "IAB")
    line("import", "alice/contacts", "-", stdin=CARD)
    line("document", "link", "groups/IAB/a.txt", "alice/contacts/ada.vcf", "--as", "alice")
    assert "attached" in line("document", "unshare", "alice/Reports/a.txt", "IAB", status=1)


def test_hiding_from_a_member(line: Line) -> None:
    """DOC-18, ACL-09."""
    line("document", "show", "groups/IAB/common.txt", "--as", "bob")
    line("document", "hide", "groups/IAB/common.txt", "bob")
    line("document", "show", "groups/IAB/common.txt", "--as", "bob", status=1)
    assert line.json("document", "show", "groups/IAB/common.txt")["hidden_from_some"] is True
    line("document", "hide", "alice/Reports/a.txt", "bob", status=2)


def test_publishing(line: Line) -> None:
    """DOC-37, DOC-38, DOC-39."""
    assert line("document", "publish", "alice/web").strip() == "/public/alice/web"
    assert line.json("document", "show", "alice/web/form.txt")["public"] == "/public/alice/web/form.txt"
    line("document", "unpublish", "alice/web")
    assert line.json("document", "show", "alice/web/form.txt")["public"] == ""
    assert "not public yet" in line("document", "public", "alice/Reports/a.txt", "on")
    line("document", "public", "alice", "on")
    line("document", "public", "alice/Reports", "on")
    assert line.json("document", "show", "alice/Reports/a.txt")["public"] == "/public/alice/Reports/a.txt"
    line("document", "public", "alice/Reports", "off")
    assert line.json("document", "show", "alice/Reports/a.txt")["public"] == ""
    line("document", "publish", "alice/Reports", status=1)


def test_the_drop_box(line: Line) -> None:
    """DOC-31, DOC-32."""
    line("document", "drop", "alice/Reports/a.txt", "bob")
    line("document", "drop", "alice/Reports/a.txt", "bob")
    paths = [one["path"] for one in line.json("document", "tree", "bob/Drop box")]
    assert paths == ["Drop box/", "Drop box/a (2).txt", "Drop box/a.txt"]
    assert line.json("document", "show", "bob/Drop box/a.txt")["deposited_by"] == "alice"
    line("document", "show", "bob/Drop box/a.txt", "--as", "alice", status=1)
    line("document", "drop", "alice/Reports/a.txt", "carol", status=1)


def test_links(line: Line) -> None:
    """DOC-60, DOC-61, DOC-62."""
    line("import", "alice/contacts", "-", stdin=CARD)
    card = "ada.vcf"
    line("document", "link", "alice/Reports/a.txt", f"alice/contacts/{card}")
    assert line.json("document", "show", "alice/Reports/a.txt")["attached_to"] == [f"alice/contacts/{card}"]
    assert "attached" in line("document", "delete", "alice/Reports/a.txt", status=1)
    line("document", "delete", "alice/Reports", status=1)
    line("document", "unlink", "alice/Reports/a.txt", f"alice/contacts/{card}")
    line("document", "delete", "alice/Reports/a.txt")
    line("document", "link", "alice/web/form.txt", "alice/contacts", status=2)


def test_the_trash(line: Line) -> None:
    """DOC-25, DOC-26, DOC-27."""
    line("document", "delete", "alice/Reports/a.txt")
    (one,) = line.json("document", "trash", "alice")
    assert (one["name"], one["was"]) == ("a.txt", "Reports/a.txt")
    assert line("document", "restore", "alice/Trash/a.txt").strip() == "alice/Reports/a.txt"
    line("document", "delete", "alice/Reports")
    assert "1 deleted" in line("document", "empty-trash", "alice")
    assert line.json("document", "trash", "alice") == []
    line("document", "restore", "alice/Trash/a.txt", status=1)


def test_rights_on_the_disk(line: Line) -> None:
    """DOC-20..23, ACL-12, ACL-14, ACL-28."""
    with_bob = ("document", "show", "alice/Reports/a.txt", "--as", "bob")
    line(*with_bob, status=1)
    line("grant", "add", "alice/docs", "bob", "see-folder")
    line("grant", "apply", "alice/docs")
    line("grant", "add", "alice/docs/Reports/a.txt", "bob", "see")
    line(*with_bob)
    rows = line.json("grant", "show", "alice/docs/Reports/a.txt")
    assert [one["granted"] for one in rows if one["grantee"] == "bob"] == [["see"]]
    line("grant", "remove", "alice/docs/Reports", "bob", "see-folder")
    line(*with_bob, status=1)
    line("grant", "apply", "alice/docs/Reports/a.txt", status=2)
    line("grant", "apply", "alice/events", status=2)
    line("grant", "show", "alice/docs/absent", status=1)
    line("grant", "add", "groups/IAB/docs", "bob", "add", "delete")
    assert "docs" not in line("grant", "show", "groups/IAB/favourites")


def test_searching(line: Line, store: Store) -> None:
    """DOC-34, DOC-35, DOC-36."""
    assert "3 documents are not read yet" in line.run("search", "--as", "alice", "zebra").stderr
    with store.write(SITE) as tx:
        for number in text_index.changed(tx, {}):
            for one in text_index.due(tx, number, 0):
                text_index.put(tx, one, State.DONE, (text_index.body(store, tx, one) or b"").decode())
    (hit,) = line.json("search", "--as", "alice", "zebra")
    assert (hit["place"], hit["author"], hit["excerpt"]) == ("alice/Reports/a.txt", "Alice", "zebra")
    assert line.run("search", "--as", "alice", "xyzzy").stderr == "nothing was found\n"
    assert [one["place"] for one in line.json("search", "--as", "bob", "--ext", "txt")] == ["groups/IAB/common.txt"]
    assert [one["place"] for one in line.json("search", "--as", "alice", "--query", "name:form OR name:comm*")] == [
        "groups/IAB/common.txt",
        "alice/web/form.txt",
    ]
    assert len(line.json("search", "--as", "alice", "--name", "a*", "--content", "form", "--any")) == 2
    assert line.json("search", "--as", "alice", "--in", "groups/IAB", "zebra") == []
    assert len(line.json("search", "--as", "alice", "--in", "alice/Reports", "--size", "<10")) == 1
    assert "* cannot stand at the beginning" in line("search", "--as", "alice", "*bra", status=1)
    line("search", "--as", "alice", status=1)
    line("search", "zebra", status=2)
    line("search", "--as", "alice", "--query", "a", "b", status=2)
    line("plan", "set", "full", "--close", "doc_search")
    assert "doc_search" in line("search", "--as", "alice", "zebra", status=1)


BOOKMARKS = '<DL><DT><H3>News</H3><DL><DT><A HREF="www.site.com">Site</A></DL><DT><A HREF="javascript:1">x</A></DL>'


def test_favourites(line: Line, tmp_path: Path) -> None:
    """FAV-07, FAV-13, FAV-14."""
    done = line.json("favourites", "import", "alice", "-", stdin=BOOKMARKS)
    assert (done["added"], done["folders"], len(done["skipped"])) == (1, 1, 1)
    (one,) = line.json("favourites", "list", "alice")
    assert (one["folder"], one["title"], one["address"]) == ("News", "Site", "https://www.site.com")
    for form in ("html", "xbel"):
        file = tmp_path / f"bookmarks.{form}"
        line("favourites", "export", "alice", "--format", form, "-o", str(file))
        line("favourites", "import", "bob", str(file))
    assert len(line.json("favourites", "list", "bob")) == 1
    assert "https://www.site.com" in line("favourites", "export", "alice/News")
    assert line("favourites", "share", "alice/News/Site.url", "IAB").strip() == "groups/IAB/Site.url"
    assert len(line.json("favourites", "list", "groups/IAB", "--as", "bob")) == 1
    line("favourites", "hide", "groups/IAB/Site.url", "bob")  # FAV-08
    assert line.json("favourites", "list", "groups/IAB", "--as", "bob") == []
    line("favourites", "hide", "alice/News/Site.url", "bob", status=2)
    line("favourites", "unshare", "alice/News/Site.url", "IAB")
    assert line.json("favourites", "list", "groups/IAB") == []
    assert line("favourites", "share", "alice/News/Site.url", "IAB").strip() == "groups/IAB/Site.url"
    line("favourites", "import", "alice", "-", stdin="no bookmarks", status=1)
    line("favourites", "export", "alice", "--as", "carol", status=1)


def test_a_wikis_links(line: Line, store: Store, alice: Actor) -> None:
    """WIKI-07: orphans and dead links."""
    link = '<a class="WikiReference" href="sw?type=wiki&amp;state=10&amp;WikiPage={}">x</a>'
    with store.write(alice) as tx:
        disk.put(tx, "alice", "wiki/index.html", (link.format("Tea") + '<a href="https://x.example/">x</a>').encode())
        disk.put(tx, "alice", "wiki/Tea.html", (link.format("Nowhere") + '<a href="../Reports/a.txt">d</a>').encode())
        disk.put(tx, "alice", "wiki/Lost.html", b'<a href="Tea.html#part">x</a><img src="absent.png">')
    done = CliRunner().invoke(group, ["--data", str(line.data), "wiki", "check", "alice", "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [(one["kind"], one["page"], one["target"]) for one in found] == [
        ("orphan", "wiki/Lost.html", None),
        ("dead link", "wiki/Lost.html", "wiki/absent.png"),
        ("dead link", "wiki/Tea.html", "wiki/Nowhere.html"),
    ]
    with store.write(alice) as tx:
        disk.put(tx, "alice", "wiki/Nowhere.html", link.format("Lost").encode())
        disk.put(tx, "alice", "wiki/absent.png", b"x")
    assert line.json("wiki", "check", "alice") == []


def test_what_a_document_was_can_be_had_again(line: Line, store: Store, alice: Actor) -> None:
    """DOC-28, SYS-06: also under another name, also of one that is gone, also a large one."""
    large = b"0123456789abcdef" * 8192
    for body in (large, b"gnu"):
        with store.write(alice) as tx:
            disk.put(tx, "alice", "Reports/a.txt", body)
    newest, oldest = line.json("document", "versions", "alice/Reports/a.txt")
    assert (oldest["name"], oldest["size"], oldest["by"], oldest["removed"]) == ("a.txt", 5, "alice", False)
    assert line("document", "version", "alice/Reports/a.txt", str(oldest["version"])) == "zebra"
    assert line("document", "version", "alice/Reports", str(newest["version"])) == large.decode()
    line("document", "revert", "alice/Reports/a.txt", str(newest["version"]), "--name", "b.txt")
    assert line.json("document", "show", "alice/Reports/b.txt")["size"] == len(large)
    line("document", "revert", "alice/Reports/a.txt", str(oldest["version"]))
    assert line.json("document", "show", "alice/Reports/a.txt")["size"] == 5
    assert [one["size"] for one in line.json("document", "versions", "alice/Reports")] == [3, len(large), 5]
    line("document", "versions", "alice/Reports", "--as", "bob", status=1)
    line("document", "version", "alice/Reports/a.txt", "9999", status=1)
