"""Contacts on a phone and in the address book: both ways, and nothing lost (EAS-01, EAS-06, EAS-11, EAS-13, CON)."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import pytest
from PIL import Image

from servers.activesync.classes import contacts
from servers.activesync.classes.item_class import Context, Unconvertible
from servers.activesync.options import PLAIN, Options, Preference
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, Contacts, Contacts2, Ping
from storage import collections as tree
from storage import grants, groups, items, kinds, plans
from storage.formats import vcard
from storage.store import Store
from storage.types import SITE, Actor, Right, SpaceKind
from tests.activesync.phone import Phone
from tests.storage import desk
from tests.storage.full_disk import no_room

ADA = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ada\r\nFN:Ada Lovelace\r\nN:Lovelace;Ada;King;Lady;\r\nORG:Engines;Analysis\r\n"
    "TITLE:Countess\r\nTEL;TYPE=CELL,VOICE:+44 1\r\nTEL;TYPE=HOME:+44 2\r\nTEL;TYPE=WORK:+44 3\r\nTEL;TYPE=WORK:+44 4\r\n"
    "TEL;TYPE=WORK:+44 5\r\nTEL:+44 6\r\nitem1.TEL;TYPE=FAX:+44 7\r\nitem1.X-ABLABEL:the machine\r\n"
    "EMAIL;TYPE=INTERNET:ada@work.test\r\nEMAIL;TYPE=INTERNET,PREF:ada@home.test\r\nEMAIL:a3@x.test\r\nEMAIL:a4@x.test\r\n"
    "ADR;TYPE=HOME:;;1 Street;London;;SW1;England\r\nBDAY:1815-12-10\r\nNOTE:first\\nprogrammer\r\nX-SPECIAL;X-A=1:kept\r\n"
    "CATEGORIES:People,Science\r\nURL:https://ada.test\r\nX-PHONETIC-LAST-NAME:Lavlis\r\nEND:VCARD\r\n"
)


def context(version: int = 141, managed: frozenset[str] | None = None) -> Context:
    from datetime import UTC

    return Context(Options(0, (Preference(PLAIN, None, False, 0),)), version, UTC, 0.0, (), managed)


def data(*elements: Element) -> Element:
    return AirSync.ApplicationData(*elements)


@pytest.fixture
def put(store: Store, alice: Actor) -> Callable[..., None]:
    def write(text: str = ADA, name: str = "ada.vcf", who: Actor = alice) -> None:
        with store.write(who) as tx:
            book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
            items.put(tx, book, name, kinds.CARDS.prepare(text.encode(), "text/vcard"))

    return write


@pytest.fixture
def stored(store: Store, alice: Actor) -> Callable[..., dict[str, str]]:
    def read() -> dict[str, str]:
        with store.read(alice) as tx:
            book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
            names = [row.name for row in items.rows(tx, book)]
            return {name: (item.body or b"").decode() for name, item in items.many(tx, book, names).items()}

    return read


def names(phone: Phone, book: str) -> list[str]:
    return sorted(one.text_of(Contacts.FileAs) or "" for one in phone.items[book].values())


def book_of(phone: Phone) -> str:
    phone.folder_sync()
    return next(number for number, (_, kind) in phone.folders.items() if kind == 9)


def change(number: str, *elements: Element) -> Element:
    return AirSync.Change(AirSync.ServerId(number), data(*elements))


def shown(text: str = ADA) -> Element:
    return data(*contacts.show(text.encode(), context()))


def merged(elements: Element, before: str | None = ADA, managed: frozenset[str] | None = None) -> str:
    body = contacts.merge(elements, None if before is None else before.encode(), "u1", context(managed=managed))
    assert vcard.read(body).body
    return body.decode().replace("\r\n ", "")


def test_every_element_has_its_place() -> None:
    found = shown()
    for tag, text in (
        (Contacts.FirstName, "Ada"),
        (Contacts.LastName, "Lovelace"),
        (Contacts.MiddleName, "King"),
        (Contacts.Title, "Lady"),
        (Contacts.CompanyName, "Engines"),
        (Contacts.Department, "Analysis"),
        (Contacts.JobTitle, "Countess"),
        (Contacts.MobilePhoneNumber, "+44 1"),
        (Contacts.HomePhoneNumber, "+44 2"),
        (Contacts.BusinessPhoneNumber, "+44 3"),
        (Contacts.Business2PhoneNumber, "+44 4"),
        (Contacts.BusinessFaxNumber, "+44 7"),
        (Contacts.Email1Address, "ada@home.test"),
        (Contacts.Email2Address, "ada@work.test"),
        (Contacts.HomeAddressCity, "London"),
        (Contacts.HomeAddressCountry, "England"),
        (Contacts.Birthday, "1815-12-10T00:00:00.000Z"),
        (Contacts.WebPage, "https://ada.test"),
        (Contacts.YomiLastName, "Lavlis"),
    ):
        assert found.text_of(tag) == text, tag
    assert found.text_of(AirSyncBase.Body, AirSyncBase.Data) == "first\nprogrammer"
    categories = found.find(Contacts.Categories)
    assert categories is not None
    assert [one.text for one in categories.children] == ["People", "Science"]


def test_what_comes_back_unchanged_changes_nothing() -> None:
    assert merged(shown()) == ADA.replace("\r\n ", "")


def test_a_change_touches_what_changed_only() -> None:
    elements = [one for one in shown().children if one.tag is not Contacts.BusinessPhoneNumber]
    text = merged(data(*elements, Contacts.BusinessPhoneNumber("+44 33")))
    assert text == ADA.replace("WORK:+44 3\r\n", "WORK:+44 33\r\n")


def test_lines_of_a_note_stay_for_a_device_that_wants_html() -> None:
    """EAS-13, decision 0224."""
    note = AirSyncBase.Body(AirSyncBase.Type(2), AirSyncBase.Data("<html><body>one<br>two<br><br>three</body></html>"))
    before = ADA.replace("END:VCARD", "NOTE:one\\ntwo\\n\\nthree\r\nEND:VCARD")
    elements = [one for one in shown(before).children if one.tag is not AirSyncBase.Body]
    assert r"NOTE:one\ntwo\n\nthree" in merged(data(*elements, note), before)


def test_what_is_left_out_is_removed_unless_it_is_ghosted() -> None:
    """[MS-ASCMD] §2.2.3.179."""
    elements = [one for one in shown().children if one.tag not in (Contacts.JobTitle, Contacts.BusinessFaxNumber)]
    text = merged(data(*elements))
    assert "Countess" not in text
    assert "+44 7" not in text
    assert "the machine" not in text  # the label of the number that went
    assert "X-SPECIAL;X-A=1:kept" in text
    assert "+44 5" in text  # it has no element, and stays
    kept = merged(data(*elements), managed=frozenset({repr(Contacts.FirstName)}))
    assert "Countess" in kept


def test_a_new_contact() -> None:
    text = merged(
        data(
            Contacts.FirstName("Grace"),
            Contacts.LastName("Hopper; R.Adm."),
            Contacts.Email1Address('"Grace" <grace@navy.test>'),
            Contacts.MobilePhoneNumber("1"),
            Contacts.HomeFaxNumber("2"),
            Contacts.Birthday("1906-12-08T23:00:00.000Z"),
            Contacts.OtherAddressStreet("Pier 1\r\nBerth 2"),
            Contacts2.IMAddress("xmpp:grace@navy.test"),
            Contacts2.CompanyMainPhone("3"),
            AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data("bug\r\nfound")),
        ),
        None,
    )
    assert "FN:Grace Hopper\\; R.Adm.\r\n" in text
    assert "N:Hopper\\; R.Adm.;Grace;;;\r\n" in text
    assert "EMAIL;TYPE=INTERNET:grace@navy.test\r\n" in text
    assert "BDAY:1906-12-09\r\n" in text  # local midnight, sent as UTC
    assert "NOTE:bug\\nfound\r\n" in text
    found = shown(text)
    assert found.text_of(Contacts.HomeFaxNumber) == "2"
    assert found.text_of(Contacts2.CompanyMainPhone) == "3"
    assert found.text_of(Contacts2.IMAddress) == "xmpp:grace@navy.test"
    assert found.text_of(Contacts.OtherAddressStreet) == "Pier 1\nBerth 2"


def test_names_that_others_chose_stay() -> None:
    nick = ADA.replace("FN:Ada Lovelace", "FN:The Countess")
    elements = [one for one in shown(nick).children if one.tag is not Contacts.FirstName]
    assert "FN:The Countess" in merged(data(*elements, Contacts.FirstName("Augusta")), nick)
    plain = ADA.replace("FN:Ada Lovelace", "FN:Lady Ada King Lovelace")
    elements = [one for one in shown(plain).children if one.tag is not Contacts.FirstName]
    assert "FN:Lady Augusta King Lovelace" in merged(data(*elements, Contacts.FirstName("Augusta")), plain)


def test_pictures_are_made_small_and_the_large_one_stays() -> None:
    """CON-06."""
    large = io.BytesIO()
    Image.effect_noise((512, 512), 90).convert("RGB").save(large, "JPEG", quality=95)
    encoded = base64.b64encode(large.getvalue()).decode()
    card = ADA.replace("END:VCARD", f"PHOTO;ENCODING=b;TYPE=JPEG:{encoded}\r\nEND:VCARD")
    sent = shown(card)
    small = sent.text_of(Contacts.Picture) or ""
    assert 0 < len(small) <= 48 * 1024
    assert encoded in merged(sent, card)
    other = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(other, "PNG")
    elements = [one for one in sent.children if one.tag is not Contacts.Picture]
    text = merged(data(*elements, Contacts.Picture(base64.b64encode(other.getvalue()).decode())), card)
    assert encoded not in text
    assert "PHOTO;ENCODING=b;TYPE=JPEG:" in text
    assert "PHOTO" in merged(data(*elements), card)  # MS-ASCMD_R878: left out it stays
    assert "PHOTO" not in merged(data(*elements, Contacts.Picture("")), card)


@pytest.mark.parametrize(
    "elements",
    [
        (),
        (Contacts.Birthday("yesterday"), Contacts.FirstName("x")),
        (Contacts.Birthday("1906-13-08T00:00:00.000Z"), Contacts.FirstName("x")),
        (Contacts.Picture("!!"), Contacts.FirstName("x")),
        (Contacts.Picture("AAAA"), Contacts.FirstName("x")),
    ],
)
def test_hostile_values_are_refused(elements: tuple[Element, ...]) -> None:
    with pytest.raises(Unconvertible):
        contacts.merge(data(*elements), None, "u", context())


def test_version_four_stays_version_four() -> None:
    card = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u4\r\nFN:Vier\r\nTEL;VALUE=uri;TYPE=cell:tel:+49-1\r\n"
        "EMAIL;PREF=2:two@x.test\r\nEMAIL;PREF=1:one@x.test\r\nBDAY:--0412\r\nANNIVERSARY:20090808\r\nEND:VCARD\r\n"
    )
    found = shown(card)
    assert found.text_of(Contacts.MobilePhoneNumber) == "+49-1"
    assert found.text_of(Contacts.Email1Address) == "one@x.test"
    assert found.text_of(Contacts.Birthday) == "1604-04-12T00:00:00.000Z"
    assert found.text_of(Contacts.Anniversary) == "2009-08-08T00:00:00.000Z"
    assert merged(found, card) == card.replace("END:VCARD", "N:;;;;\r\nEND:VCARD")
    elements = [one for one in found.children if one.tag not in (Contacts.MobilePhoneNumber, Contacts.Anniversary)]
    text = merged(
        data(*elements, Contacts.MobilePhoneNumber("+49-2"), Contacts.Anniversary("2010-01-02T00:00:00.000Z")), card
    )
    assert "TEL;TYPE=cell:+49-2\r\n" in text
    assert "ANNIVERSARY:20100102\r\n" in text


def test_changes_go_both_ways(
    phone: Phone, put: Callable[..., None], stored: Callable[..., dict[str, str]], store: Store, alice: Actor
) -> None:
    put()
    book = book_of(phone)
    phone.sync(book)
    assert names(phone, book) == ["Ada Lovelace"]
    number = next(iter(phone.items[book]))
    put(ADA.replace("Countess", "Mathematician"))
    phone.sync(book)
    assert phone.items[book][number].text_of(Contacts.JobTitle) == "Mathematician"
    sent = phone.items[book][number].children
    found = phone.sync_once(book, change(number, *[one for one in sent if one.tag is not Contacts.WebPage]))
    assert found is not None
    assert AirSync.Responses not in found
    assert AirSync.Commands not in found  # no echo of its own change
    assert "ada.test" not in stored()["ada.vcf"]
    assert "X-SPECIAL;X-A=1:kept" in stored()["ada.vcf"]
    phone.sync_once(book, AirSync.Delete(AirSync.ServerId(number)))
    assert stored() == {}
    put(name="again.vcf")
    phone.items[book].clear()
    phone.sync(book)
    assert names(phone, book) == ["Ada Lovelace"]
    with store.write(alice) as tx:
        items.delete(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts"), "again.vcf")
    phone.sync(book)
    assert names(phone, book) == []


def add(client: str, name: str = "New") -> Element:
    return AirSync.Add(AirSync.ClientId(client), data(Contacts.FirstName(name)))


def test_additions_are_never_doubled(phone: Phone, stored: Callable[..., dict[str, str]]) -> None:
    """EAS-04: the answer is lost, and the phone sends the same once more, or begins anew and adds it again."""
    book = book_of(phone)
    phone.sync(book)
    request = AirSync.Sync(AirSync.Collections(phone.collection(book, add("n1"))))
    first, second = phone.post("Sync", request), phone.post("Sync", request)
    assert first.body == second.body
    phone.take(second)
    assert len(stored()) == 1
    other = AirSync.Sync(AirSync.Collections(phone.collection(book, add("n2", "Other"))))
    phone.post("Sync", other)  # lost
    third = phone.sync_once(book, add("n2", "Other"), add("n3", "Third"))
    assert third is not None
    assert len(stored()) == 3
    phone.keys[book] = "0"
    phone.sync(book)
    phone.sync_once(book, add("n1"))
    assert len(stored()) == 3
    assert len(phone.items[book]) == 3


def test_windows_tell_everything_once(phone: Phone, put: Callable[..., None]) -> None:
    """EAS-09."""
    for number in range(37):
        put(ADA.replace("UID:ada", f"UID:u{number}").replace("Ada Lovelace", f"No {number:02}"), f"{number}.vcf")
    phone.window = 10
    book = book_of(phone)
    phone.sync(book)
    assert names(phone, book) == [f"No {number:02}" for number in range(37)]
    put(ADA.replace("Ada Lovelace", "No 99"), "99.vcf")
    phone.sync(book)
    assert len(phone.items[book]) == 38


def test_the_server_wins_a_conflict_unless_the_phone_says_otherwise(
    phone: Phone, put: Callable[..., None], stored: Callable[..., dict[str, str]]
) -> None:
    """EAS-06."""
    put()
    book = book_of(phone)
    phone.sync(book)
    number = next(iter(phone.items[book]))
    put(ADA.replace("Countess", "Server"))
    sent = [one for one in phone.items[book][number].children if one.tag is not Contacts.JobTitle]
    found = phone.sync_once(book, change(number, *sent, Contacts.JobTitle("Phone")))
    assert found is not None
    assert found.text_of(AirSync.Responses, AirSync.Change, AirSync.Status) == "7"
    assert "Server" in stored()["ada.vcf"]
    assert phone.items[book][number].text_of(Contacts.JobTitle) == "Server"
    put(ADA.replace("Countess", "Once more"))
    del phone.items[book][number]  # the phone removes it
    found = phone.sync_once(book, AirSync.Delete(AirSync.ServerId(number)))
    assert found is not None
    assert found.text_of(AirSync.Commands, AirSync.Add, AirSync.ServerId) == number
    assert "Once more" in stored()["ada.vcf"]


@pytest.fixture
def bobs(store: Store, connect: Callable[..., Phone]) -> Phone:
    """Bob's phone; he and alice are in the group IAB."""
    people = {name: desk.principal(store, name) for name in ("alice", "bob")}
    with store.write(SITE) as tx:
        groups.add_member(tx, groups.create(tx, "IAB", admin=people["alice"]), people["bob"])
    return connect(login="bob", password="bob-secret", device="BOBS")


def test_a_group_s_book_is_a_further_folder(store: Store, bobs: Phone, alice: Actor) -> None:
    """EAS-11."""
    with store.write(alice) as tx:
        book = tree.find(tx, SpaceKind.GROUP, "IAB", "contacts")
        items.put(tx, book, "ada.vcf", kinds.CARDS.prepare(ADA.encode(), "text/vcard"))
    bobs.folder_sync()
    kinds_shown = sorted(kind for _, kind in bobs.folders.values() if kind in (7, 8, 9, 10, 13, 14, 15, 17))
    assert kinds_shown == [7, 8, 9, 10, 13, 14, 15, 17]
    shared = next(number for number, (_, kind) in bobs.folders.items() if kind == 14)
    bobs.sync(shared)
    assert names(bobs, shared) == ["Ada Lovelace"]


def test_who_may_only_read_gets_it_back_as_it_was(
    store: Store, connect: Callable[..., Phone], bobs: Phone, put: Callable[..., None], alice: Actor
) -> None:
    """EAS-11, EAS-13, SPEC 0.4: additions, changes and removals are refused one by one, and what is there comes again."""
    put()
    someone = desk.principal(store, "bob")
    with store.write(alice) as tx:
        grants.grant(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts"), someone, Right.SEE)
    bobs.folder_sync()
    shared = next(number for number, (name, kind) in bobs.folders.items() if kind == 14 and "alice" in name)
    bobs.sync(shared)
    number = next(iter(bobs.items[shared]))
    sent = [one for one in bobs.items[shared][number].children if one.tag is not Contacts.JobTitle]
    found = bobs.sync_once(shared, change(number, *sent, Contacts.JobTitle("Hacked")), add("x"))
    assert found is not None
    responses = found.find(AirSync.Responses)
    assert responses is not None
    assert {one.tag: one.text_of(AirSync.Status) for one in responses.children} == {
        AirSync.Change: "6",
        AirSync.Add: "6",
    }
    assert bobs.items[shared][number].text_of(Contacts.JobTitle) == "Countess"
    del bobs.items[shared][number]
    found = bobs.sync_once(shared, AirSync.Delete(AirSync.ServerId(number)))
    assert found is not None
    assert found.text_of(AirSync.Responses, AirSync.Delete, AirSync.Status) == "6"
    assert number in bobs.items[shared]
    with store.write(alice) as tx:
        grants.withdraw(tx, tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts"), someone, Right.SEE)
    answer = bobs.post("Sync", AirSync.Sync(AirSync.Collections(bobs.collection(shared)))).document
    assert answer.text_of(AirSync.Status) == "12"  # he has to ask for the folders anew
    bobs.folder_sync()
    assert shared not in bobs.folders


def test_limits_of_the_plan(store: Store, phone: Phone, put: Callable[..., None], alice: Actor) -> None:
    """SPEC 0.4, ACC-12: a count that is reached is 6, space that is used up 9."""
    put()
    book = book_of(phone)
    phone.sync(book)
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"contacts_max": 1})
    found = phone.sync_once(book, add("x"))
    assert found is not None
    assert found.text_of(AirSync.Responses, AirSync.Add, AirSync.Status) == "6"
    with store.write(SITE) as tx:
        plans.change(tx, plans.FULL, limits={"contacts_max": None})
    assert phone.sync_once(book, add("x")) is not None
    assert len(phone.items[book]) == 2


def test_a_full_disk_loses_nothing(phone: Phone, put: Callable[..., None]) -> None:
    """EAS-04: the whole Sync is answered 503 and comes again; by status 6 a phone gives up what it has."""
    put()
    book = book_of(phone)
    phone.sync(book)
    (number,) = phone.items[book]
    note = AirSyncBase.Body(AirSyncBase.Type(1), AirSyncBase.Data("n" * 3_000_000))
    for command in (AirSync.Add(AirSync.ClientId("y"), data(Contacts.FirstName("New"), note)), change(number, note)):
        asked = AirSync.Sync(AirSync.Collections(phone.collection(book, command)))
        with no_room(2_900_000):
            assert phone.post("Sync", asked).status == 503
        answer = phone.post("Sync", asked)
        assert answer.status == 200
        phone.take(answer, {"y": command})
    assert len(phone.items[book]) == 2


def test_nobody_reaches_the_book_of_another(
    phone: Phone, connect: Callable[..., Phone], put: Callable[..., None]
) -> None:
    put()
    book = book_of(phone)
    bob = connect(login="bob", password="bob-secret", device="BOBS")
    for folder in (book, "b999999", "b", "bx", "c" + book[1:], "b" + "9" * 30):
        answer = bob.post("Sync", AirSync.Sync(AirSync.Collections(bob.collection(folder)))).document
        assert answer.text_of(AirSync.Status) == "12", folder


def test_a_ping_hears_of_contacts(phone: Phone, put: Callable[..., None]) -> None:
    book = book_of(phone)
    phone.sync(book)
    put()
    asked = Ping.Ping(Ping.HeartbeatInterval(60), Ping.Folders(Ping.Folder(Ping.Id(book), Ping.Class("Contacts"))))
    answer = phone.post("Ping", asked).document
    assert answer.text_of(Ping.Status) == "2"
    assert answer.text_of(Ping.Folders, Ping.Folder) == book


GROUPS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:club\r\nFN:Club\r\nN:Club;;;;\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n"
    "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:ada\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:club\r\nFN:Club\r\nKIND:group\r\nMEMBER:urn:uuid:ada\r\nEND:VCARD\r\n",
)


@pytest.mark.parametrize("group", GROUPS, ids=["as Apple writes them", "RFC 6350"])
def test_a_group_of_contacts_is_no_contact(phone: Phone, put: Callable[..., None], group: str) -> None:
    """[MS-ASCNTC] §2.2.2 has people alone: a group would be a contact without a number (RFC 6350 §6.1.4)."""
    put(group, "club.vcf")
    put()
    book = book_of(phone)
    phone.sync(book)
    assert names(phone, book) == ["Ada Lovelace"]
    put(group.replace("FN:Club", "FN:Choir"), "club.vcf")
    phone.sync(book)
    assert names(phone, book) == ["Ada Lovelace"]


def test_characters_that_no_text_may_hold_do_not_keep_a_contact_off() -> None:
    """Old devices and Outlook send the controls of Word in WBXML, where XML has none (§2.2); the contact is taken."""
    text = merged(
        data(
            Contacts.FirstName("Gr\x0bace"),
            Contacts.HomeAddressStreet("1 Street\x0b\r\nLeft\x07"),
            Contacts.Categories(Contacts.Category("Fri\x1fends")),
            Contacts.Children(Contacts.Child("A\x01nn")),
            AirSyncBase.Body(AirSyncBase.Type(PLAIN), AirSyncBase.Data("one\x0btwo\r\nthree")),
        ),
        None,
    )
    assert "N:;Grace;;;" in text
    assert "ADR;TYPE=HOME:;;1 Street\\nLeft;;;;" in text
    assert "CATEGORIES:Friends" in text
    assert "X-CHILD:Ann" in text
    assert "NOTE:onetwo\\nthree" in text
