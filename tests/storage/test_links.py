"""Documents attached to contacts: seen there by who may, and protected from deletion (DOC-60…62, CON-22)."""

from __future__ import annotations

import pytest

from storage import check, document_uris, grants, items, links, transplant, trash
from storage.errors import Denied, Linked, NotFound
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.storage import desk, disk


@pytest.fixture
def linked(store: Store, alice: Actor) -> Store:
    """Ada's CV in a folder, attached to her card in alice's book."""
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        desk.put(tx, book, "ada.vcf", desk.card("ada"))
        desk.put(tx, book, "bea.vcf", desk.card("bea"))
        disk.mkdir(tx, "alice", "cvs")
        disk.mkdir(tx, "alice", "cvs/deep")
        disk.put(tx, "alice", "cvs/deep/ada.pdf", b"cv")
        links.attach(tx, disk.file(tx, "alice", "cvs/deep/ada.pdf"), book, "ada.vcf")
        links.attach(tx, disk.file(tx, "alice", "cvs/deep/ada.pdf"), book, "ada.vcf")
    return store


def test_a_linked_document_cannot_be_deleted_nor_can_what_holds_it(linked: Store, alice: Actor) -> None:
    """DOC-61: nothing is deleted; the refusal names the documents."""
    with linked.write(alice) as tx:
        disk.put(tx, "alice", "cvs/other.pdf")
        for path in ("cvs/deep/ada.pdf", "cvs/deep", "cvs"):
            with pytest.raises(Linked) as refused:
                disk.delete(tx, "alice", path)
            assert refused.value.paths == ("cvs/deep/ada.pdf",)
        assert disk.names(tx, "alice", "cvs") == ["deep/", "other.pdf"]
        with pytest.raises(Linked):
            transplant.move(tx, disk.folder(tx, "alice", "cvs"), disk.at(tx, "IAB", "cvs"), overwrite=False)


def test_moving_and_saving_keep_the_link(linked: Store, alice: Actor) -> None:
    """DOC-12, DOC-28, DOC-61."""
    with linked.write(alice) as tx:
        disk.move(tx, "alice", "cvs/deep", "people")
        disk.move(tx, "alice", "people/ada.pdf", "people/countess.pdf")
        disk.put(tx, "alice", "people/save.tmp", b"new cv")
        disk.move(tx, "alice", "people/save.tmp", "people/countess.pdf", overwrite=True)
        found = links.of_card(tx, desk.contacts(tx, "alice"), "ada.vcf")
        assert [one.path for one in found] == ["people/countess.pdf"]
        assert disk.file(tx, "alice", "people/countess.pdf").body == b"new cv"
        disk.put(tx, "alice", "people/old.pdf")
        disk.move(tx, "alice", "people/countess.pdf", "people/old.pdf", overwrite=True)
        assert [one.path for one in links.of_card(tx, desk.contacts(tx, "alice"), "ada.vcf")] == ["people/old.pdf"]


def test_unlinking_or_deleting_the_contact_frees_the_document(linked: Store, alice: Actor) -> None:
    """DOC-62."""
    with linked.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        document = disk.file(tx, "alice", "cvs/deep/ada.pdf")
        links.attach(tx, document, book, "bea.vcf")
        assert {one.card for one in links.of_file(tx, document)} == {"ada.vcf", "bea.vcf"}
        links.detach(tx, document, book, "bea.vcf")
        with pytest.raises(NotFound):
            links.detach(tx, document, book, "bea.vcf")
        with pytest.raises(Linked):
            disk.delete(tx, "alice", "cvs/deep/ada.pdf")
        items.delete(tx, book, "ada.vcf")
        disk.delete(tx, "alice", "cvs")
        trash.empty(tx, trash.folder(tx, SpaceKind.PRIVATE, "alice"))
    with linked.write(SITE) as tx:
        assert check.run(tx) == []


def test_a_link_is_shown_to_who_sees_the_document(linked: Store, alice: Actor, bob: Actor) -> None:
    """CON-22: and made by who may edit the contact."""
    guest = desk.principal(linked, "bob")
    with linked.write(alice) as tx:
        grants.grant(tx, desk.contacts(tx, "alice"), guest, Right.SEE)
    with linked.write(bob) as tx:
        book = desk.contacts(tx, "alice")
        assert links.of_card(tx, book, "ada.vcf") == []
        disk.put(tx, "bob", "mine.txt")
        with pytest.raises(Denied):
            links.attach(tx, disk.file(tx, "bob", "mine.txt"), book, "ada.vcf")
    with linked.write(alice) as tx:
        for path in ("", "cvs", "cvs/deep"):
            grants.grant(tx, disk.folder(tx, "alice", path), guest, Right.SEE_FOLDER)
        grants.grant(tx, disk.folder(tx, "alice", "cvs/deep"), guest, Right.SEE, "ada.pdf")
    with linked.read(bob) as tx:
        found = links.of_card(tx, desk.contacts(tx, "alice"), "ada.vcf")
        assert [one.path for one in found] == ["cvs/deep/ada.pdf"]


def test_what_a_card_names_is_linked_and_no_more(linked: Store, alice: Actor, bob: Actor) -> None:
    """CON-22: what is hidden or missing is passed over; links made by hand stay."""
    with linked.write(bob) as tx:
        disk.put(tx, "bob", "secret.txt")
    with linked.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        disk.put(tx, "alice", "a.txt")
        private = SpaceKind.PRIVATE
        named = [(private, "alice", "a.txt"), (private, "alice", "none"), (private, "bob", "secret.txt")]
        links.attach_by_uris(tx, book, "ada.vcf", named)
        assert [one.path for one in links.of_card(tx, book, "ada.vcf")] == ["a.txt", "cvs/deep/ada.pdf"]
        links.attach_by_uris(tx, book, "ada.vcf", [])
        assert [one.path for one in links.of_card(tx, book, "ada.vcf")] == ["cvs/deep/ada.pdf"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (
            b"RELATED;VALUE=uri:https://desk.example/docs/alice/private/a%20b.txt",
            (SpaceKind.PRIVATE, "alice", "a b.txt"),
        ),
        (b'item1.RELATED;TYPE="x:y":/docs/alice/IAB/f/c.txt', (SpaceKind.GROUP, "IAB", "f/c.txt")),
        (
            b"X-ESCRITOIRE-DOCUMENT:https://desk.exam\r\n ple/docs/alice/private/a.txt",
            (SpaceKind.PRIVATE, "alice", "a.txt"),
        ),
        (b"RELATED;VALUE=text:see /docs/alice/private/a.txt", None),
        (b"URL:https://desk.example/docs/alice/private/a.txt", None),
        (b"RELATED:https://desk.example/docs/alice/private/", None),
        (b"RELATED:https://[/docs/alice/private/a", None),
    ],
)
def test_addresses_in_a_card(line: bytes, place: tuple[SpaceKind, str, str] | None) -> None:
    """CON-22."""
    body = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A\r\n" + line + b"\r\nEND:VCARD\r\n"
    assert document_uris.of_card(body) == ([] if place is None else [place])


def test_writing_a_card_attaches_what_it_names(store: Store, alice: Actor) -> None:
    """CON-22, DOC-60: and writing it without the address detaches it."""
    naming = desk.card("ada", note="x").replace(
        b"NOTE:x", b"X-ESCRITOIRE-DOCUMENT:https://desk.example/docs/alice/private/cv.pdf"
    )
    with store.write(alice) as tx:
        book = desk.contacts(tx, "alice")
        disk.put(tx, "alice", "cv.pdf")
        desk.put(tx, book, "ada.vcf", naming)
        with pytest.raises(Linked):
            disk.delete(tx, "alice", "cv.pdf")
        desk.put(tx, book, "ada.vcf", desk.card("ada"))
        disk.delete(tx, "alice", "cv.pdf")
