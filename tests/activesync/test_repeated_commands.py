"""What a device said and had no answer to comes again: nothing doubles, and its own work is no conflict (EAS-04)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Contacts, Email
from storage import collections as tree
from storage import items, kinds
from storage.mail import flagging, mailboxes, moving
from storage.mail import flags as words
from storage.mail.flags import FLAGGED
from storage.store import Store
from storage.types import Actor, SpaceKind
from tests.activesync.phone import Phone


def put(store: Store, alice: Actor, name: str, first: str, uid: str = "") -> None:
    body = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid or first}\r\nFN:{first}\r\nN:;{first};;;\r\nEND:VCARD\r\n".encode()
    with store.write(alice) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        items.put(tx, book, name, kinds.CARDS.prepare(body, "text/vcard"))


def added(first: str) -> Element:
    return AirSync.Add(AirSync.ClientId(first), AirSync.ApplicationData(Contacts.FirstName(first)))


@pytest.mark.parametrize("changed", [False, True], ids=["as it was", "changed on the desk"])
def test_what_the_device_says_next(phone: Phone, store: Store, alice: Actor, changed: bool) -> None:
    """The window is full of other news, so that the item itself cannot be told in the answer."""
    phone.folder_sync()
    book = next(number for number, (_, kind) in phone.folders.items() if kind == 9)
    phone.sync(book)
    phone.window = 1
    first = AirSync.Sync(AirSync.Collections(phone.collection(book, added("zoe"), added("ann"))))
    assert phone.post("Sync", first).body  # and lost
    for number in range(3):
        put(store, alice, f"other{number}.vcf", f"other{number}")
    if changed:
        with store.read(alice) as tx:
            folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
            made = items.many(tx, folder, [row.name for row in items.rows(tx, folder)])
            name = next(key for key, one in made.items() if b"N:;ann;;;" in (one.body or b""))
            uid = name.removesuffix(".vcf")
        put(store, alice, name, "anna", uid)
    more = (added("zoe"), added("ann"), added("ben"))
    answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(book, *more))))
    found = phone.take(answer, {one.text_of(AirSync.ClientId) or "": one for one in more})
    assert found is not None
    responses = found.find(AirSync.Responses)
    assert responses is not None
    _, ann, ben = responses.all(AirSync.Add)
    number = ann.text_of(AirSync.ServerId) or ""
    assert (ann.text_of(AirSync.Status), ben.text_of(AirSync.Status)) == ("1", "1")
    told = AirSync.ApplicationData(Contacts.FirstName("ann"), Contacts.JobTitle("one"))
    change = AirSync.Change(AirSync.ServerId(number), told)
    found = phone.sync_once(book, change)
    assert found is not None
    refused = [one.text_of(AirSync.Status) for one in (found.find(AirSync.Responses) or found).all(AirSync.Change)]
    assert refused in ([], ["1"])  # it knows the item as it is, also where the desk had changed it
    phone.sync(book)
    with store.read(alice) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        bodies = [
            one.body or b"" for one in items.many(tx, folder, [row.name for row in items.rows(tx, folder)]).values()
        ]
    assert len(bodies) == len(phone.items[book]) == 6
    assert sum(b"TITLE:one" in body and b"N:;ann;;;" in body for body in bodies) == 1


@pytest.mark.parametrize("meanwhile", [False, True], ids=["nothing happened", "changed on the desk"])
def test_a_change_that_comes_again_and_says_more(phone: Phone, store: Store, alice: Actor, meanwhile: bool) -> None:
    """Its answer was lost, its owner went on: what he wrote last counts, unless the desk changed the item meanwhile."""
    put(store, alice, "ann.vcf", "ann")
    phone.folder_sync()
    book = next(number for number, (_, kind) in phone.folders.items() if kind == 9)
    phone.sync(book)
    (number,) = phone.items[book]

    def change(title: str) -> Element:
        told = AirSync.ApplicationData(Contacts.FirstName("ann"), Contacts.JobTitle(title))
        return AirSync.Change(AirSync.ServerId(number), told)

    for title in ("one", "two"):
        assert phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(book, change(title))))).body
    if meanwhile:
        put(store, alice, "ann.vcf", "anna", "ann")
    found = phone.sync_once(book, change("three"))
    assert found is not None
    refused = found.find(AirSync.Responses, AirSync.Change)
    assert (None if refused is None else refused.text_of(AirSync.Status)) == ("7" if meanwhile else None)
    with store.read(alice) as tx:
        body = items.get(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts"), "ann.vcf").body or b""
    assert (b"TITLE:three" in body) is not meanwhile


@pytest.mark.parametrize("change", ["", "add", "remove"], ids=["as it was", "flagged meanwhile", "gone meanwhile"])
def test_a_draft_that_comes_again_is_told_once(
    connect: Callable[..., Phone], store: Store, alice: Actor, change: str
) -> None:
    """[MS-ASCMD] §3.1.5.9: the answer was lost, and the phone says more; it has the draft already."""
    phone = connect(version="16.1")
    phone.folder_sync()
    drafts = next(number for number, (_, kind) in phone.folders.items() if kind == 3)
    phone.sync(drafts)

    def draft(client: str) -> Element:
        return AirSync.Add(AirSync.ClientId(client), AirSync.ApplicationData(Email.Subject(client), Email.Read(1)))

    first = AirSync.Sync(AirSync.Collections(phone.collection(drafts, draft("one"))))
    assert phone.post("Sync", first).body  # and lost
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "Drafts")
        (made,) = flagging.states_in(tx, box, [(1, 10**9)])
        if change == "add":
            flagging.set_flags(tx, box, [made.uid], "add", words.canonical({FLAGGED}))
        elif change == "remove":
            moving.remove(tx, box, [made.uid])
    found = phone.sync_once(drafts, draft("one"), draft("two"))
    assert found is not None
    commands = found.find(AirSync.Commands)
    tags = [] if commands is None else [one.tag for one in commands.children]
    assert tags == {"": [], "add": [AirSync.Change], "remove": [AirSync.Delete]}[change]
    assert phone.sync_once(drafts) is None
