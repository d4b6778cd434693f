"""How office programs save on a network drive: the document stays what it was, with another content (DOC-28)."""

from __future__ import annotations

import pytest

from servers.dav.names import ESCRITOIRE
from storage import grants, groups, history, publishing
from storage import principals as people
from storage.store import Store
from storage.types import SITE, Right, SpaceKind
from tests.dav.desk import Client
from tests.storage import disk
from tests.webdav.test_lock_roots import GROUP, actor

DESCRIBED = f"{ESCRITOIRE}description"
SAVES = {"Word": ("~WRD0000.tmp", "~WRL0001.tmp"), "Excel": ("A1B2C300", "D4E5F600.tmp")}


def save(client: Client, folder: str, name: str, body: bytes, program: str) -> None:
    """A new file, the old one aside, the new one in its place, the old one gone."""
    new, old = SAVES[program]
    assert client.request("PUT", folder + new, body).status == 201
    assert client.request("MOVE", folder + name, destination=folder + old).status == 201
    assert client.request("MOVE", folder + new, destination=folder + name).status == 201
    assert client.request("DELETE", folder + old).status == 204


@pytest.mark.parametrize("program", SAVES)
def test_a_document_that_another_may_edit(alice: Client, bob: Client, store: Store, program: str) -> None:
    """DOC-28, SYS-06: rights, description, creator and versions are the document's; its editor does not come to own it."""
    hers, his = GROUP % "alice", GROUP % "bob"
    alice.request("PUT", hers + "report.docx", b"first")
    with store.write(actor(store, "alice")) as tx:
        him, root = people.find(tx, SpaceKind.PRIVATE, "bob"), disk.folder(tx, "IAB")
        grants.grant(tx, root, him, Right.ADD)
        grants.grant(tx, root, him, Right.EDIT, "report.docx")
        before = disk.file(tx, "IAB", "report.docx")
        publishing.set_public(tx, before, True)
    describe(alice, hers + "report.docx", "The yearly one")
    alice.request("GET", hers + "report.docx")
    for number in (2, 3):
        save(bob, his, "report.docx", b"%d" % number, program)
    with store.read(actor(store, "alice")) as tx:
        now = disk.file(tx, "IAB", "report.docx")
        assert (now.id, now.creator, now.flagged) == (before.id, before.creator, True)
    with store.read(SITE) as tx:
        kept = history.listing(tx, disk.folder(tx, "IAB"), "report.docx")
        assert sorted(one.size for one in kept) == [1, 5]
    assert alice.request("GET", hers + "report.docx").body == b"3"
    seen = alice.propfind(hers, DESCRIBED, depth="1")
    assert seen.prop(hers + "report.docx", DESCRIBED).text == "The yearly one"
    files = [one for one in seen.hrefs() if not one.endswith(("/", "calendar.ics"))]
    assert files == [hers + "report.docx"]
    assert alice.propfind(hers + "Trash/", depth="1").hrefs() == [hers + "Trash/"]


def test_what_is_no_save_is_a_move(alice: Client, store: Store) -> None:
    """A file that was there before, or what was put aside under no work file's name, keeps to itself."""
    home = "/docs/alice/private/"
    for name in ("a.txt", "b.txt"):
        alice.request("PUT", home + name, name.encode())
        describe(alice, home + name, name)
    alice.request("MOVE", home + "a.txt", destination=home + "old.txt")
    alice.request("MOVE", home + "b.txt", destination=home + "a.txt")
    seen = alice.propfind(home, DESCRIBED, depth="1")
    assert [seen.prop(home + name, DESCRIBED).text for name in ("old.txt", "a.txt")] == ["a.txt", "b.txt"]


def test_a_hidden_document_does_not_come_to_sight(alice: Client, bob: Client, store: Store) -> None:
    """SYS-09: what somebody hid does not get the rights of what had its new name before."""
    hers, his = GROUP % "alice", GROUP % "bob"
    for name in ("open.docx", "hidden.docx"):
        alice.request("PUT", hers + name, name.encode())
    with store.write(actor(store, "alice")) as tx:
        iab, him = people.find(tx, SpaceKind.GROUP, "IAB"), people.find(tx, SpaceKind.PRIVATE, "bob")
        root = disk.folder(tx, "IAB")
        grants.withdraw(tx, root, iab, Right.SEE, "hidden.docx")
        grants.withdraw(tx, root, him, Right.SEE, "hidden.docx")
        assert groups.role(tx, iab.id, him.id) is groups.Role.MEMBER
    alice.request("MOVE", hers + "open.docx", destination=hers + "open.tmp")
    alice.request("MOVE", hers + "hidden.docx", destination=hers + "open.docx")
    assert bob.request("GET", his + "open.docx").status == 404
    assert bob.request("GET", his + "open.tmp").body == b"open.docx"


def describe(client: Client, path: str, text: str) -> None:
    body = (
        f'<D:propertyupdate xmlns:D="DAV:" xmlns:e="{ESCRITOIRE[1:-1]}"><D:set><D:prop><e:description>{text}'
        "</e:description></D:prop></D:set></D:propertyupdate>"
    )
    assert "200 OK" in client.request("PROPPATCH", path, body).text
