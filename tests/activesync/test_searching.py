"""Search, Find and ResolveRecipients: people and mails, and nothing of what is somebody else's (EAS-10, MSG-10, SYS-09)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import GAL, AirSync, Email, Find, ItemOperations, ResolveRecipients, Search
from storage import collections as tree
from storage import groups, items, kinds
from storage.mail.types import TRASH
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.activesync.phone import Phone
from tests.storage import desk


@pytest.fixture(autouse=True)
def together(store: Store, alice: Actor) -> None:
    people = {name: desk.principal(store, name) for name in ("alice", "bob")}
    with store.write(SITE) as tx:
        groups.add_member(tx, groups.create(tx, "IAB", admin=people["alice"]), people["bob"])
    with store.write(alice) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        card = (
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:g\r\nFN:Grace Hopper\r\nN:Hopper;Grace;;;\r\nORG:Navy\r\nTITLE:Admiral\r\n"
            "EMAIL:grace@navy.test\r\nEMAIL:amazing@navy.test\r\nTEL;TYPE=CELL:1\r\nEND:VCARD\r\n"
        )
        items.put(tx, book, "g.vcf", kinds.CARDS.prepare(card.encode(), "text/vcard"))


def gal(phone: Phone, text: str, *options: Element) -> list[Element]:
    store = Search.Store(Search.Name("GAL"), Search.Query(text), Search.Options(Search.Range("0-9"), *options))
    found = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
    assert found is not None
    assert found.text_of(Search.Status) == "1"
    return [one for result in found.all(Search.Result) if (one := result.find(Search.Properties)) is not None]


def test_people_are_found_by_name_address_and_company(phone: Phone) -> None:
    [bob] = gal(phone, "bob")
    assert bob.text_of(GAL.EmailAddress) == "bob@example.test"
    assert bob.text_of(GAL.Alias) == "bob"
    assert len(gal(phone, "NAVY")) == 2  # both her addresses are there
    for text in ("hopper", "GRACE", "grace@"):
        [grace] = gal(phone, text)
        assert grace.text_of(GAL.EmailAddress) == "grace@navy.test", text
        assert grace.text_of(GAL.Title) == "Admiral"
        assert grace.text_of(GAL.MobilePhone) == "1"
    [pictured] = gal(phone, "hopper", Search.Picture())
    assert pictured.text_of(GAL.Picture, GAL.Status) == "173"
    assert gal(phone, "b") == []
    assert gal(phone, "nobody") == []


def test_there_are_more_people_than_are_told(connect: Callable[..., Phone]) -> None:
    """[MS-ASCMD] §2.2.3.176 (Total): a device asks for a further range only where there is something in it."""
    phone = connect(version="16.1")
    for span, total in (("0-0", "2"), ("1-1", "2"), ("0-1", "2")):
        store = Search.Store(Search.Name("GAL"), Search.Query("navy"), Search.Options(Search.Range(span)))
        found = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
        assert found is not None
        assert (found.text_of(Search.Range), found.text_of(Search.Total)) == (span, total)
        asked = Find.GalSearchCriterion(Find.Query("navy"), Find.Options(Find.Range(span)))
        answer = phone.post("Find", Find.Find(Find.SearchId("1"), Find.ExecuteSearch(asked))).document
        assert answer.text_of(Find.Response, Find.Total) == total


def test_strangers_are_not_told(connect: Callable[..., Phone], store: Store) -> None:
    from auth import passwords
    from storage import accounts

    with store.write(SITE) as tx:
        accounts.create(tx, "carol", passwords.make_hash("carol-secret"), email="carol@example.test")
    carol = connect(login="carol", password="carol-secret", device="C")
    assert gal(carol, "bob") == []
    assert gal(carol, "hopper") == []


def mails(phone: Phone, *query: Element, span: str = "0-9") -> Element:
    asked = Search.Query(Search.And(AirSync.Class("Email"), *query))
    store = Search.Store(Search.Name("Mailbox"), asked, Search.Options(Search.RebuildResults(), Search.Range(span)))
    found = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
    assert found is not None
    return found


def subjects(found: Element) -> list[str]:
    results = [result.find(Search.Properties) for result in found.all(Search.Result)]
    return [one.text_of(Email.Subject) or "" for one in results if one is not None]


def test_mails_are_found(phone: Phone, deliver: Callable[..., int]) -> None:
    """MSG-46."""
    deliver("budget", text="numbers", internal=1_700_000_000)
    deliver("lunch", text="the budget is gone", internal=1_700_100_000)
    deliver("else", internal=1_700_200_000)
    deliver("budget in the trash", TRASH)
    phone.folder_sync()
    found = mails(phone, Search.FreeText("budget"))
    assert subjects(found) == ["lunch", "budget"]
    assert found.text_of(Search.Range) == "0-1"
    assert found.text_of(Search.Total) == "2"
    assert subjects(mails(phone, Search.FreeText("subject:budget"))) == ["budget"]
    assert subjects(mails(phone, Search.FreeText('"budget is"'))) == ["lunch"]
    assert subjects(mails(phone, Search.FreeText("budget"), span="1-1")) == ["budget"]
    assert mails(phone, Search.FreeText("budget"), span="5-9").text_of(Search.Status) == "12"
    trash = phone.folder(TRASH)
    assert subjects(mails(phone, AirSync.CollectionId(trash), Search.FreeText("budget"))) == ["budget in the trash"]
    later = Search.GreaterThan(Email.DateReceived(), Search.Value("2023-11-16T00:00:00.000Z"))
    assert subjects(mails(phone, Search.FreeText("budget"), later)) == ["lunch"]
    result = mails(phone, Search.FreeText("lunch")).find(Search.Result)
    assert result is not None
    long_id = result.text_of(Search.LongId) or ""
    fetch = ItemOperations.Fetch(ItemOperations.Store("Mailbox"), Search.LongId(long_id))
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    one = answer.find(ItemOperations.Response, ItemOperations.Fetch)
    assert one is not None
    assert one.text_of(ItemOperations.Status) == "1"
    assert one.text_of(ItemOperations.Properties, Email.Subject) == "lunch"


@pytest.mark.parametrize(
    "document",
    [
        Search.Search(),
        Search.Search(Search.Store(Search.Name("DocumentLibrary"), Search.Query("x"))),
        Search.Search(Search.Store(Search.Name("Mailbox"))),
        Search.Search(Search.Store(Search.Name("GAL"), Search.Query("xx"), Search.Options(Search.Range("9-1")))),
        Search.Search(
            Search.Store(
                Search.Name("Mailbox"),
                Search.Query(Search.And(Search.LessThan(Email.DateReceived(), Search.Value("x")))),
            )
        ),
    ],
)
def test_broken_searches_are_refused(phone: Phone, document: Element) -> None:
    answer = phone.post("Search", document).document
    assert answer.text_of(Search.Response, Search.Store, Search.Status) == "2"


def test_nobody_searches_the_mail_of_others(
    phone: Phone, connect: Callable[..., Phone], deliver: Callable[..., int]
) -> None:
    deliver("secret")
    phone.folder_sync()
    bob = connect(login="bob", password="bob-secret", device="BOBS")
    found = mails(bob, AirSync.CollectionId(phone.folder("INBOX")), Search.FreeText("secret"))
    assert found.text_of(Search.Status) == "6"
    assert subjects(mails(bob, Search.FreeText("secret"))) == []


def resolved(phone: Phone, *parts: Element) -> list[Element]:
    answer = phone.post("ResolveRecipients", ResolveRecipients.ResolveRecipients(*parts)).document
    assert answer.text_of(ResolveRecipients.Status) == "1"
    return answer.all(ResolveRecipients.Response)


def test_recipients_are_resolved(phone: Phone) -> None:
    R = ResolveRecipients
    one, several, none = resolved(phone, R.To("bob@example.test"), R.To("navy"), R.To("nobody"))
    assert one.text_of(R.Status) == "1"
    assert one.text_of(R.Recipient, R.Type) == "1"
    assert one.text_of(R.Recipient, R.EmailAddress) == "bob@example.test"
    assert several.text_of(R.Status) == "2"
    assert sorted(each.text_of(R.EmailAddress) or "" for each in several.all(R.Recipient)) == [
        "amazing@navy.test",
        "grace@navy.test",
    ]
    assert none.text_of(R.Status) == "4"


def test_busy_times_are_told(phone: Phone, store: Store) -> None:
    """CAL-07: half hours; of who is no account nothing is known."""
    R = ResolveRecipients
    bob = desk.actor(store, "bob")
    with store.write(bob) as tx:
        folder = tree.find(tx, SpaceKind.PRIVATE, "bob", "events")
        for uid, start, end, more in (
            ("a", "20260706T083000Z", "20260706T093000Z", ""),
            ("b", "20260706T100000Z", "20260706T101000Z", "STATUS:TENTATIVE\r\n"),
        ):
            body = (
                f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n"
                f"DTSTART:{start}\r\nDTEND:{end}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
            )
            items.put(tx, folder, f"{uid}.ics", kinds.EVENTS.prepare(body.encode(), "text/calendar"))
    span = R.Options(
        R.Availability(R.StartTime("2026-07-06T08:00:00.000Z"), R.EndTime("2026-07-06T11:00:00.000Z")),
        R.CertificateRetrieval(2),
    )
    known, stranger = resolved(phone, R.To("bob@example.test"), R.To("grace@navy.test"), span)
    assert known.text_of(R.Recipient, R.Availability, R.MergedFreeBusy) == "022010"
    assert known.text_of(R.Recipient, R.Certificates, R.Status) == "7"
    assert stranger.text_of(R.Recipient, R.Availability, R.MergedFreeBusy) == "444444"


def test_hostile_requests_of_recipients(phone: Phone) -> None:
    R = ResolveRecipients
    for parts in (
        (),
        tuple(R.To(f"x{number}") for number in range(101)),
        (R.To("bob"), R.Options(R.Availability(R.StartTime("x"), R.EndTime("y")))),
        (R.To("bob"), R.Options(R.Availability(R.StartTime("20260101T000000Z"), R.EndTime("20290101T000000Z")))),
    ):
        answer = phone.post("ResolveRecipients", R.ResolveRecipients(*parts)).document
        assert answer.text_of(R.Status) == "5"
