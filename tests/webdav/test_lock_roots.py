"""What answers name as locked or refused: folders with their slash (RFC 4918 §5.2), nothing unseen (SYS-09)."""

from __future__ import annotations

import re

import pytest

from storage import collections, contacts, grants, items, links
from storage import principals as people
from storage.store import Store
from storage.types import SITE, Actor, Principal, Right, SpaceKind
from tests.dav.desk import Answer, Client, card
from tests.storage import disk
from tests.webdav.test_trees import DAV, ESC, HOME, LOCK, lock

GROUP = "/docs/%s/IAB/"


def roots(answer: Answer) -> list[str]:
    return re.findall(r"<D:lockroot><D:href>([^<]*)</D:href>", answer.text)


def actor(store: Store, login: str) -> Actor:
    with store.read(SITE) as tx:
        return Actor(people.find(tx, SpaceKind.PRIVATE, login).id, login)


@pytest.mark.parametrize("depth", ["0", "infinity"])
def test_a_locked_folder_ends_with_its_slash(alice: Client, depth: str) -> None:
    """RFC 4918 §5.2, §14.12: however deep it lies, and whatever the depth of its lock."""
    for name in ("a", "a/b"):
        alice.request("MKCOL", HOME + name)
    alice.request("PUT", HOME + "a/b/c", b"1")
    made = alice.request("LOCK", HOME + "a/b", LOCK % "exclusive", depth=depth)
    assert roots(made) == [HOME + "a/b/"]
    assert roots(alice.propfind(HOME + "a/b/", f"{DAV}lockdiscovery")) == [HOME + "a/b/"]
    inside = alice.request("PUT", HOME + "a/b/new", b"1")
    assert (inside.status, f"<D:href>{HOME}a/b/</D:href>" in inside.text) == (423, True)
    for method, fields in (("DELETE", {}), ("MOVE", {"destination": HOME + "other"})):
        assert alice.request(method, HOME + "a", **fields).status_of(HOME + "a/b/") == "423 Locked"
    assert alice.request("LOCK", HOME + "a", LOCK % "exclusive").status_of(HOME + "a/b/") == "423 Locked"
    lock(alice, HOME + "z")
    assert roots(alice.propfind(HOME + "z", f"{DAV}lockdiscovery")) == [HOME + "z"]


def test_a_refusing_folder_ends_with_its_slash(alice: Client, bob: Client) -> None:
    """RFC 3744 §7.1.1: DAV:need-privileges names a folder as PROPFIND does."""
    alice.request("MKCOL", GROUP % "alice" + "a")
    for where in ("", "a/"):
        refused = bob.request("PUT", f"/docs/bob/IAB/{where}x", b"1")
        assert (refused.status, f"<D:href>/docs/bob/IAB/{where}</D:href>" in refused.text) == (403, True)
    alice.request("PUT", GROUP % "alice" + "a/x", b"1")
    assert "<D:href>/docs/bob/IAB/a/x</D:href>" in bob.request("PUT", "/docs/bob/IAB/a/x", b"2").text


@pytest.fixture
def hidden(alice: Client, bob: Client, store: Store) -> Client:
    """IAB's a/secret is hidden from bob, who may delete and add there; a/open is not."""
    alice.request("MKCOL", GROUP % "alice" + "a")
    with store.write(actor(store, "alice")) as tx:
        iab = people.find(tx, SpaceKind.GROUP, "IAB")
        him: Principal = people.find(tx, SpaceKind.PRIVATE, "bob")
        for where in (disk.folder(tx, "IAB"), disk.folder(tx, "IAB", "a")):
            for right in (Right.ADD, Right.DELETE):
                grants.grant(tx, where, him, right)
        disk.put(tx, "IAB", "a/secret")
        folder = disk.folder(tx, "IAB", "a")
        grants.withdraw(tx, folder, iab, Right.SEE, "secret")
        grants.withdraw(tx, folder, him, Right.SEE, "secret")
    assert bob.request("GET", "/docs/bob/IAB/a/secret").status == 404
    return bob


def test_a_lock_on_what_is_hidden_names_nothing(alice: Client, hidden: Client) -> None:
    """SYS-09, RFC 4918 §9.6.1, §9.10.3: it forbids, and who does not see what it is on hears of the folder alone."""
    lock(alice, GROUP % "alice" + "a/secret")
    where = "/docs/bob/IAB/a/"
    for method, fields in (("DELETE", {}), ("LOCK", {}), ("MOVE", {"destination": "/docs/bob/IAB/other"})):
        body = LOCK % "exclusive" if method == "LOCK" else ""
        answer = hidden.request(method, where, body, **fields)
        assert answer.status in (207, 403, 423), method
        assert "secret" not in answer.text, method
    assert hidden.request("DELETE", where).status == 423
    theirs = alice.request("DELETE", GROUP % "alice" + "a/")
    assert theirs.status_of(GROUP % "alice" + "a/secret") == "423 Locked"


def test_a_linked_document_that_is_hidden_is_not_named(alice: Client, hidden: Client, store: Store) -> None:
    """SYS-09, DOC-61: the folder stays, and its own URL says so."""
    with store.write(actor(store, "alice")) as tx:
        book = collections.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, "ada.vcf", contacts.prepare(card("1")))
        links.attach(tx, disk.file(tx, "IAB", "a/secret"), book, "ada.vcf")
    answer = hidden.request("DELETE", "/docs/bob/IAB/a/")
    assert "secret" not in answer.text
    assert (answer.status, answer.precondition) == (403, f"{ESC}document-linked")
    assert alice.request("DELETE", GROUP % "alice" + "a/").hrefs() == [GROUP % "alice" + "a/secret"]


def test_what_stands_in_the_way_at_the_destination(alice: Client, store: Store) -> None:
    """RFC 4918 §9.8.7, §9.9.4: a member of the destination is named by its own URL."""
    for name in ("a", "b"):
        alice.request("MKCOL", HOME + name)
    alice.request("PUT", HOME + "b/cv", b"1")
    with store.write(actor(store, "alice")) as tx:
        book = collections.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, "ada.vcf", contacts.prepare(card("1")))
        links.attach(tx, disk.file(tx, "alice", "b/cv"), book, "ada.vcf")
    for method in ("COPY", "MOVE"):
        answer = alice.request(method, HOME + "a/", destination=HOME + "b/", overwrite="T")
        assert (answer.status, answer.hrefs()) == (207, [HOME + "b/cv"]), answer.text
    lock(alice, HOME + "b/cv")
    for method in ("COPY", "MOVE"):
        answer = alice.request(method, HOME + "a/", destination=HOME + "b/", overwrite="T")
        assert answer.status_of(HOME + "b/cv") == "423 Locked", answer.text
