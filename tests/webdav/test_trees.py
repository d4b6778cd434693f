"""COPY, MOVE, DELETE of trees, Trash, locks and links on the way (RFC 4918 §9.6…§9.9; DOC-12, DOC-25…28, DOC-61)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conf import load
from servers.dav import application, start
from servers.webdav.app import PROTOCOL
from storage import collections, contacts, folders, items, links
from storage.filing import File, Folder
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.dav import desk
from tests.dav.desk import Client, card

DAV = "{DAV:}"
ESC = "{urn:escritoire:dav}"
HOME = "/docs/alice/private/"
LOCK = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope><D:locktype><D:write/></D:locktype>'
    "<D:owner>me</D:owner></D:lockinfo>"
)


def lock(client: Client, path: str, scope: str = "exclusive", **fields: str) -> str:
    answer = client.request("LOCK", path, LOCK % scope, **fields)
    assert answer.status in (200, 201), answer.text
    return answer.headers["lock-token"].strip("<>")


@pytest.fixture
def tree(alice: Client) -> Client:
    """a/one, a/b/two, a/b/c/, z."""
    for path in ("a", "a/b", "a/b/c"):
        assert alice.request("MKCOL", HOME + path).status == 201
    for path in ("a/one", "a/b/two", "z"):
        assert alice.request("PUT", HOME + path, path.encode()).status == 201
    return alice


def names(client: Client, path: str) -> set[str]:
    answer = client.propfind(path, f"{DAV}resourcetype", depth="infinity")
    assert answer.status == 207, answer.text
    return {href.removeprefix(path) for href in answer.hrefs()} - {""}


def test_copying_a_tree(tree: Client) -> None:
    """RFC 4918 §9.8.3: whole, or the folder alone."""
    assert tree.request("COPY", HOME + "a", destination=HOME + "copy/").status == 201
    assert names(tree, HOME + "copy/") == {"one", "b/", "b/two", "b/c/"}
    assert tree.request("GET", HOME + "copy/b/two").body == b"a/b/two"
    assert tree.request("COPY", HOME + "a", destination=HOME + "bare", depth="0").status == 201
    assert names(tree, HOME + "bare/") == set()
    assert tree.request("COPY", HOME + "a", destination=HOME + "copy", overwrite="F").status == 412
    assert tree.request("COPY", HOME + "z", destination=HOME + "copy").status == 204
    assert tree.request("GET", HOME + "copy").body == b"z"
    assert tree.request("COPY", HOME + "a", destination=HOME + "c", depth="1").status == 400
    assert tree.request("COPY", HOME + "a", destination=HOME + "missing/c").status == 409


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_into_itself(tree: Client, method: str) -> None:
    """RFC 4918 §9.8.5: refused, and nothing lost."""
    for destination in ("a", "a/", "a/b/inside", "a/b/c/d"):
        status = tree.request(method, HOME + "a", destination=HOME + destination).status
        assert status in (403, 409), destination
    assert tree.request(method, HOME + "a/b", destination=HOME + "a").status in (403, 409)
    assert tree.request(method, HOME + "z", destination=HOME + "z").status == 403
    assert names(tree, HOME + "a/") == {"one", "b/", "b/two", "b/c/"}


def test_moving_needs_no_body(tree: Client) -> None:
    """RFC 4918 §9.9: dead properties and validators come along."""
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:mood xmlns:x="urn:x">good</x:mood></D:prop></D:set>'
        "</D:propertyupdate>"
    )
    assert tree.request("PROPPATCH", HOME + "a/one", patch).status == 207
    assert tree.request("PROPPATCH", HOME + "a", patch).status == 207
    tag = tree.request("HEAD", HOME + "a/one").headers["etag"]
    assert tree.request("MOVE", HOME + "a", destination=HOME + "moved").status == 201
    assert tree.request("HEAD", HOME + "moved/one").headers["etag"] == tag
    for path in (HOME + "moved/", HOME + "moved/one"):
        found = tree.propfind(path, "{urn:x}mood").prop(path, "{urn:x}mood")
        assert found is not None
        assert found.text == "good"
    assert tree.request("PROPFIND", HOME + "a", depth="0").status == 404


def test_the_trash(tree: Client) -> None:
    """DOC-25…27: what is deleted lies there, knows where it was, comes back by MOVE, and goes for good from there."""
    assert tree.request("DELETE", HOME + "a").status == 204
    found = names(tree, HOME + "Trash/")
    assert {"a/", "a/one", "a/b/two"} <= found
    path = HOME + "Trash/a/"
    origin = tree.propfind(path, f"{ESC}trashed-from", f"{ESC}trashed-at").prop(path, f"{ESC}trashed-from")
    assert origin is not None
    assert origin.text == "a"
    tree.request("PUT", HOME + "z2", b"2")
    tree.request("MOVE", HOME + "z2", destination=HOME + "z")
    tree.request("DELETE", HOME + "z")
    assert tree.request("PUT", HOME + "z", b"again").status == 201
    assert tree.request("DELETE", HOME + "z").status == 204
    assert {"z", "z%20(2)"} <= names(tree, HOME + "Trash/")
    assert tree.request("MOVE", HOME + "Trash/a", destination=HOME + "a").status == 201
    assert tree.request("GET", HOME + "a/b/two").body == b"a/b/two"
    assert tree.request("DELETE", HOME + "Trash/z").status == 204
    assert "z" not in names(tree, HOME + "Trash/")
    for method in ("DELETE", "MOVE"):
        assert tree.request(method, HOME + "Trash", destination=HOME + "other").status == 403


def test_safe_save_keeps_what_is_known(alice: Client) -> None:
    """DOC-28: office programs write a new file and move it over the old one; work files bypass the Trash."""
    alice.request("PUT", HOME + "letter.odt", b"old")
    describe = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:set><D:prop>'
        "<E:description>To the bank</E:description></D:prop></D:set></D:propertyupdate>"
    )
    alice.request("PROPPATCH", HOME + "letter.odt", describe)
    alice.request("PUT", HOME + "~$letter.odt", b"mine")
    alice.request("PUT", HOME + "lu123.tmp", b"new")
    assert alice.request("MOVE", HOME + "lu123.tmp", destination=HOME + "letter.odt").status == 204
    assert alice.request("DELETE", HOME + "~$letter.odt").status == 204
    assert alice.request("GET", HOME + "letter.odt").body == b"new"
    found = alice.propfind(HOME + "letter.odt", f"{ESC}description").prop(HOME + "letter.odt", f"{ESC}description")
    assert found is not None
    assert found.text == "To the bank"
    trash = alice.propfind(HOME + "Trash/", f"{DAV}resourcetype", depth="1")
    assert not any("letter" in href or "lu123" in href for href in trash.hrefs())


@pytest.mark.parametrize(("method", "kept"), [("COPY", None), ("MOVE", "9")])
def test_dead_properties_come_along_over_a_file(tree: Client, method: str, kept: str | None) -> None:
    """RFC 4918 §9.8.2, §9.9.1: the source's are there afterwards; a safe-save keeps the target's own too (DOC-28)."""
    patch = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:mood xmlns:x="urn:x">%s</x:mood>%s</D:prop></D:set>'
        "</D:propertyupdate>"
    )
    there = HOME + "a/one"
    assert tree.request("PROPPATCH", HOME + "z", patch % ("good", "")).status == 207
    assert tree.request("PROPPATCH", there, patch % ("bad", '<x:stars xmlns:x="urn:x">9</x:stars>')).status == 207
    assert tree.request(method, HOME + "z", destination=there).status == 204
    found = tree.propfind(there, "{urn:x}mood", "{urn:x}stars")
    mood, stars = found.prop(there, "{urn:x}mood"), found.prop(there, "{urn:x}stars")
    assert mood is not None
    assert mood.text == "good"
    assert (None if stars is None else stars.text) == kept


def test_locks_in_the_way(tree: Client, app: object) -> None:
    """RFC 4918 §7, §9.6.1: a member's lock fails the whole, and is named; nothing is half done."""
    token = lock(tree, HOME + "a/b/two")
    for method, fields in (("DELETE", {}), ("MOVE", {"destination": HOME + "other"})):
        answer = tree.request(method, HOME + "a", **fields)
        assert answer.status == 207, method
        assert answer.status_of(HOME + "a/b/two") == "423 Locked"
    assert tree.request("PUT", HOME + "a/b/two", b"x").status == 423
    assert tree.request("PUT", HOME + "a/b/two", b"x", **{"if": f"(<{token}>)"}).status == 204
    assert tree.request("DELETE", HOME + "a", **{"if": f"<{HOME}a/b/two> (<{token}>)"}).status == 204


def test_a_lock_makes_an_empty_file(alice: Client, bob: Client) -> None:
    """RFC 4918 §7.3, §9.10.4: listed, of length 0; the holder fills it."""
    answer = alice.request("LOCK", HOME + "new.txt", LOCK % "exclusive", timeout="Second-600")
    assert answer.status == 201
    token = answer.headers["lock-token"].strip("<>")
    assert f"<D:lockroot><D:href>{HOME}new.txt</D:href></D:lockroot>" in answer.text
    assert alice.request("GET", HOME + "new.txt").body == b""
    assert alice.request("PUT", HOME + "new.txt", b"x").status == 423
    refused = alice.request("DELETE", HOME + "new.txt")
    assert refused.precondition == f"{DAV}lock-token-submitted"
    assert f"<D:href>{HOME}new.txt</D:href>" in refused.text
    assert alice.request("PUT", HOME + "new.txt", b"full", **{"if": f"(<{token}>)"}).status == 204
    assert alice.request("LOCK", HOME + "new.txt", **{"if": f"(<{token}>)", "timeout": "Second-60"}).status == 200
    found = alice.request("PROPFIND", HOME, depth="1")
    shown = found.prop(HOME + "new.txt", f"{DAV}lockdiscovery")
    assert shown is not None
    assert len(shown) == 1
    assert alice.request("UNLOCK", HOME + "new.txt", lock_token=f"<{token}>").status == 204
    assert alice.request("GET", HOME + "new.txt").body == b"full"
    assert alice.request("LOCK", HOME + "missing/new.txt", LOCK % "exclusive").status == 409
    # SYS-09: what is there is refused as what is not
    statuses = {bob.request("LOCK", HOME + name, LOCK % "exclusive").status for name in ("new.txt", "none.txt")}
    assert statuses == {403}
    assert bob.request("LOCK", "/docs/bob/IAB/new.txt", LOCK % "exclusive").status == 403


def test_a_folders_lock(tree: Client) -> None:
    """RFC 4918 §7.5: depth infinity covers what is below, also what is shown of folders below."""
    token = lock(tree, HOME + "a", depth="infinity")
    assert tree.request("PUT", HOME + "a/b/new", b"x").status == 423
    assert tree.request("PUT", HOME + "a/b/new", b"x", **{"if": f"<{HOME}a> (<{token}>)"}).status == 201
    shown = tree.propfind(HOME + "a/b/", f"{DAV}lockdiscovery").prop(HOME + "a/b/", f"{DAV}lockdiscovery")
    assert shown is not None
    assert re.search(rf"<[^>]*href>{HOME}a/</", tree.propfind(HOME + "a/b/", f"{DAV}lockdiscovery").text)
    outside = tree.propfind(HOME + "z", f"{DAV}lockdiscovery").prop(HOME + "z", f"{DAV}lockdiscovery")
    assert outside is not None
    assert len(outside) == 0


def test_a_linked_document_stays(tree: Client, store: Store) -> None:
    """DOC-61: 403 `document-linked`; of a folder 207 with that member, and nothing is deleted."""
    with store.read(SITE) as tx:
        from storage import principals

        alice = Actor(principals.find(tx, SpaceKind.PRIVATE, "alice").id, "alice")
    with store.write(alice) as tx:
        book = collections.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, "ada.vcf", contacts.prepare(card("ada"), "text/vcard"))
        file = folders.find(tx, SpaceKind.PRIVATE, "alice", "a/b/two")
        assert isinstance(file, File)
        links.attach(tx, file, book, "ada.vcf")
    assert tree.request("DELETE", HOME + "a/b/two").precondition == f"{ESC}document-linked"
    answer = tree.request("DELETE", HOME + "a")
    assert answer.status == 207
    assert answer.status_of(HOME + "a/b/two") == "403 Forbidden"
    assert "document-linked" in answer.text
    assert names(tree, HOME + "a/") == {"one", "b/", "b/two", "b/c/"}
    assert tree.request("MOVE", HOME + "a/b/two", destination=HOME + "three").status == 201
    assert tree.request("DELETE", HOME + "three").precondition == f"{ESC}document-linked"


def test_depth_of_folders_is_limited(alice: Client, store: Store) -> None:
    """DOC-07: `limit-reached` with the plan's word for it, for MKCOL and for whole trees."""
    from storage import plans, principals

    with store.write(SITE) as tx:
        plans.add(tx, "flat", (), {"folder_depth_max": 2})
        plans.assign(tx, principals.find(tx, SpaceKind.PRIVATE, "alice").id, "flat")
    for path in ("a", "a/b", "c"):
        assert alice.request("MKCOL", HOME + path).status == 201
    refused = alice.request("MKCOL", HOME + "a/b/c")
    assert (refused.status, refused.precondition) == (403, f"{ESC}limit-reached")
    assert "folder_depth_max" in refused.text
    for method in ("COPY", "MOVE"):
        assert alice.request(method, HOME + "a", destination=HOME + "c/a").status == 403, method


def test_the_drop_box(alice: Client, bob: Client, carol: Client) -> None:
    """DOC-29…32: co-members put in and see nothing; names give way; the owner has it all."""
    box = HOME + "Drop%20box/"
    assert bob.request("PUT", box + "cv.txt", b"one").status == 201
    assert bob.request("PUT", box + "cv.txt", b"two").status == 201
    assert bob.request("GET", box + "cv.txt").status == 404
    assert bob.request("DELETE", box + "cv.txt").status == 404
    listed = bob.propfind(box, f"{DAV}resourcetype", depth="1")
    assert listed.hrefs() in ([box], [])
    assert carol.request("PUT", box + "cv.txt", b"x").status in (404, 409)
    bob.request("PUT", "/docs/bob/private/mine.txt", b"mine")
    assert bob.request("COPY", "/docs/bob/private/mine.txt", destination=box + "mine.txt").status == 201
    assert alice.request("GET", box + "cv.txt").body == b"one"
    assert alice.request("GET", box + "cv%20(2).txt").body == b"two"
    who = alice.propfind(box, f"{ESC}depositor", depth="1").prop(box + "mine.txt", f"{ESC}depositor")
    assert who is not None
    assert who.text == "bob"
    assert alice.request("MOVE", box + "cv.txt", destination=HOME + "cv.txt").status == 201


def test_publishing(alice: Client) -> None:
    """DOC-37, DOC-44: by the owner, of the folder `web` alone."""
    patch = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:set><D:prop>'
        "<E:published>1</E:published></D:prop></D:set></D:propertyupdate>"
    )
    for name in ("web", "other"):
        alice.request("MKCOL", HOME + name)
    alice.request("PUT", HOME + "web/form.pdf", b"%PDF")
    path = HOME + "web/form.pdf"
    assert alice.propfind(path, f"{ESC}public-url").prop(path, f"{ESC}public-url") is None
    assert "403" in alice.request("PROPPATCH", HOME + "other", patch).text
    assert "200 OK" in alice.request("PROPPATCH", HOME + "web", patch).text
    for depth, asked in (("0", path), ("1", HOME + "web/")):
        found = alice.propfind(asked, f"{ESC}public-url", depth=depth).prop(path, f"{ESC}public-url")
        assert found is not None
        assert str(found.text).endswith("/public/alice/web/form.pdf")


def test_public_urls_lead_to_who_serves_them(alice: Client, store: Store, tmp_path: Path) -> None:
    """DOC-44, DOC-46: without a front the process of the feeds, with `public.origin` that host; else where everything is."""
    alice.request("MKCOL", HOME + "web")
    alice.request("PUT", HOME + "web/form.pdf", b"%PDF")
    patch = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:E="urn:escritoire:dav"><D:set><D:prop>'
        "<E:published>1</E:published></D:prop></D:set></D:propertyupdate>"
    )
    alice.request("PROPPATCH", HOME + "web", patch)

    def told(more: str) -> str:
        settings = start.dav_settings(load.parse(f'domain = "desk.example"\n{more}\n', tmp_path / "escritoire.toml"))
        client = Client(application.make(store, PROTOCOL, settings, desk.verifier()), "alice")
        found = client.propfind(HOME + "web/form.pdf", f"{ESC}public-url").prop(HOME + "web/form.pdf", f"{ESC}public-url")
        assert found is not None
        return str(found.text)

    path = "/public/alice/web/form.pdf"
    assert told("port_base = 21000") == f"http://127.0.0.1:21005{path}"
    assert told('[front]\norigin = "https://desk.example"') == f"https://desk.example{path}"
    assert told('[public]\norigin = "https://files.example"') == f"https://files.example{path}"
    assert told("[feeds]\nenabled = false").endswith(path)


def test_moving_between_environments(alice: Client, bob: Client) -> None:
    """ACL-19: copy and deletion; the group's admin may."""
    alice.request("MKCOL", HOME + "a")
    alice.request("PUT", HOME + "a/one", b"1")
    assert alice.request("MOVE", HOME + "a", destination="/docs/alice/IAB/a").status == 201
    assert bob.request("GET", "/docs/bob/IAB/a/one").body == b"1"
    assert bob.request("MOVE", "/docs/bob/IAB/a", destination="/docs/bob/private/a").status == 403
    assert bob.request("COPY", "/docs/bob/IAB/a", destination="/docs/bob/private/a").status == 201
    assert bob.request("GET", "/docs/bob/private/a/one").body == b"1"


def test_values_of_storage(alice: Client, store: Store) -> None:
    """A folder is a Folder, a file a File: what the servers rely on."""
    alice.request("MKCOL", HOME + "a")
    with store.read(SITE) as tx:
        assert isinstance(folders.find(tx, SpaceKind.PRIVATE, "alice", "a"), Folder)
