"""`escritoire contacts list` and `category`: finding contacts, and one's own names for them (ACC-18, CON-13…16)."""

from __future__ import annotations

from conf.load import load
from servers.http.start import open_store
from storage import contacts, files, folders, items
from storage.bodies import small
from storage.types import Precondition, SpaceKind
from tests.commands.conftest import Line
from tests.storage import desk

CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:{0}\r\nN:{0};;;\r\nORG:{1}\r\nCATEGORIES:{2}\r\nEND:VCARD\r\n"


def test_contacts_are_listed(line: Line) -> None:
    """CON-15, CON-16: what the commands on single contacts take as a name."""
    for values in (("Eve", "Kew", "work"), ("Dora", "Ferns", "friends"), ("Ada", "Kew", "friends")):
        line("import", "alice/contacts", "-", stdin=CARD.format(*values))
    assert [one["contact"] for one in line.json("contacts", "list", "alice/contacts")] == ["Ada", "Dora", "Eve"]
    kew = line.json("contacts", "list", "alice/contacts", "--find", "kew")
    assert [one["name"] for one in kew] == ["Ada.vcf", "Eve.vcf"]
    found = line.json("contacts", "list", "alice/contacts", "--find", "kew", "--category", "friends")
    assert [one["contact"] for one in found] == ["Ada"]
    line("contacts", "list", "alice/contacts", "--as", "bob", status=1)
    assert "events is no address book" in line("contacts", "list", "alice/events", status=2)
    line("contacts", "share", "alice/contacts/Ada.vcf", "IAB")
    assert "IAB has Ada.vcf already" in line("contacts", "share", "alice/contacts/Ada.vcf", "IAB", status=1)


def test_a_contact_with_its_documents(line: Line) -> None:
    """DOC-60, CON-22: a document shows on the sheet of the contact, to those who may see the document."""
    line("import", "groups/IAB/contacts", "-", "--as", "alice", stdin=CARD.format("Dora", "Ferns", "friends"))
    dora = "groups/IAB/contacts/Dora.vcf"
    assert line.json("contacts", "show", dora)["documents"] == []
    store = open_store(load(line.data / "escritoire.toml"))
    try:
        with store.write(desk.actor(store, "alice")) as tx:
            for kind, space in ((SpaceKind.PRIVATE, "alice"), (SpaceKind.GROUP, "IAB")):
                files.put(tx, folders.place(tx, kind, space, "cv.txt"), small(b"x"), Precondition())
    finally:
        store.close()
    line("document", "link", "alice/cv.txt", dora)
    line("document", "link", "groups/IAB/cv.txt", dora, "--as", "alice")
    hers = line.json("contacts", "show", dora, "--as", "alice")
    assert (hers["fn"], hers["company"], hers["categories"]) == ("Dora", "Ferns", "friends")
    assert sorted(hers["documents"]) == ["alice/cv.txt", "groups/IAB/cv.txt"]
    assert line.json("contacts", "show", dora, "--as", "bob")["documents"] == ["groups/IAB/cv.txt"]
    line("document", "hide", "groups/IAB/cv.txt", "bob")
    assert line.json("contacts", "show", dora, "--as", "bob")["documents"] == []
    line("contacts", "show", dora, "--as", "carol", status=1)
    assert "documents" in line("contacts", "show", dora)


def test_categories_are_ones_own(line: Line) -> None:
    """ACC-18, CON-13, CON-14: also on a group's contacts, which others see with theirs."""
    for values in (("Eve", "Kew", "freinds,work"), ("Ada", "Kew", "freinds")):
        line("import", "alice/contacts", "-", stdin=CARD.format(*values))
    line("import", "groups/IAB/contacts", "-", "--as", "alice", stdin=CARD.format("Common", "Kew", "members"))
    line("grant", "add", "alice/contacts", "bob", "see")
    store = open_store(load(line.data / "escritoire.toml"))
    try:
        bob = desk.actor(store, "bob")
        with store.write(bob) as tx:  # as his contacts program does
            theirs = contacts.prepare(CARD.format("Common", "Kew", "freinds").encode())
            items.put(tx, desk.contacts(tx, "IAB"), "Common.vcf", theirs)
            hers = contacts.prepare(CARD.format("Eve", "Kew", "freinds").encode())  # what alice shows him of hers
            items.put(tx, desk.contacts(tx, "alice"), "Eve.vcf", hers)
    finally:
        store.close()
    told = line.json("contacts", "category", "list", "bob")
    assert told == [{"category": "freinds", "contacts": 2}]
    assert line("contacts", "category", "rename", "bob", "freinds", "friends") == "2 contacts changed\n"
    assert line.json("contacts", "category", "list", "bob") == [{"category": "friends", "contacts": 2}]
    mine = {one["category"]: one["contacts"] for one in line.json("contacts", "category", "list", "alice")}
    assert mine == {"freinds": 2, "members": 1, "work": 1}
    assert line("contacts", "category", "rename", "alice", "freinds", "work") == "2 contacts changed\n"
    (eve,) = line.json("contacts", "list", "alice/contacts", "--find", "eve")
    assert eve["categories"] == ["work"]
    assert line("contacts", "category", "remove", "alice", "work") == "2 contacts changed\n"
    assert [one["category"] for one in line.json("contacts", "category", "list", "alice")] == ["members"]
    assert "no contact has" in line("contacts", "category", "remove", "alice", "work", status=1)
    assert "CATEGORIES" not in line("export", "alice/contacts/Eve.vcf")
    line("contacts", "category", "rename", "alice", "members", " ", status=2)
    line("import", "alice/contacts", "-", stdin=CARD.format("Zoe", "Kew", "a"))
    assert "not UTF-8" in line("contacts", "category", "rename", "alice", "a", "\udcff", status=1)


def test_an_empty_picture_takes_none_away(line: Line) -> None:
    """CON-06: a file that came to nothing is no wish to be without a photo."""
    line("import", "alice/contacts", "-", stdin=CARD.format("Eve", "Kew", "work"))
    assert "nothing in the picture" in line("contacts", "photo", "alice/contacts/Eve.vcf", "-", status=2)
    line("contacts", "photo", "alice/contacts/Eve.vcf", "--remove")
