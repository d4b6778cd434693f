"""The disk for devices: folders listed, documents fetched, in parts too, and nothing of what is somebody else's ([MS-ASDOC])."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import pytest

from servers.activesync import application, document_links, multipart
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.decoder import decode
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, DocumentLibrary, ItemOperations, Search
from storage import bodies, files, folders, groups, trees
from storage.filing import Folder
from storage.store import Store
from storage.types import SITE, Actor, SpaceKind
from tests.activesync.phone import Answer, Phone
from tests.storage import desk

URL = "https://desk.example.test/docs"
UNC = r"\\desk.example.test\docs"


@pytest.fixture(autouse=True)
def furnished(store: Store, alice: Actor) -> None:
    people = {name: desk.principal(store, name) for name in ("alice", "bob")}
    with store.write(SITE) as tx:
        groups.add_member(tx, groups.create(tx, "IAB", admin=people["alice"]), people["bob"])
    with store.write(alice) as tx:
        for kind, space, path, data in (
            (SpaceKind.PRIVATE, "alice", "cv 1.txt", b"0123456789"),
            (SpaceKind.PRIVATE, "alice", "empty.txt", b""),
            (SpaceKind.GROUP, "IAB", "minutes.txt", b"agreed"),
        ):
            files.put(tx, folders.place(tx, kind, space, path), bodies.small(data), media_type="text/plain")
        root = folders.find(tx, SpaceKind.PRIVATE, "alice", "")
        assert isinstance(root, Folder)
        trees.mkdir(tx, root, "plans")


def searched(phone: Phone, link: str, *options: Element, span: str = "0-999") -> Element:
    query = Search.Query(Search.EqualTo(DocumentLibrary.LinkId(), Search.Value(link)))
    store = Search.Store(Search.Name("DocumentLibrary"), query, Search.Options(Search.Range(span), *options))
    found = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
    assert found is not None
    return found


def names(found: Element) -> list[tuple[str, str]]:
    shown = [result.find(Search.Properties) for result in found.all(Search.Result)]
    library = DocumentLibrary
    return [(one.text_of(library.DisplayName) or "", one.text_of(library.IsFolder) or "") for one in shown if one]


def fetched(phone: Phone, link: str, *options: Element, **headers: str) -> Answer:
    options_ = (ItemOperations.Options(*options),) if options else ()
    fetch = ItemOperations.Fetch(ItemOperations.Store("DocumentLibrary"), DocumentLibrary.LinkId(link), *options_)
    return phone.post("ItemOperations", ItemOperations.ItemOperations(fetch), **headers)


def status(answer: Answer) -> str | None:
    return answer.document.text_of(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Status)


def parts(answer: Answer) -> list[bytes]:
    """[MS-ASCMD] §2.2.1.10.1.1: all numbers are little-endian; offsets count from the beginning of the body."""
    assert answer.headers["content-type"] == "application/vnd.ms-sync.multipart"
    (count,) = struct.unpack_from("<I", answer.body)
    spans = [struct.unpack_from("<II", answer.body, 4 + 8 * one) for one in range(count)]
    assert spans[0][0] == 4 + 8 * count
    assert spans[-1][0] + spans[-1][1] == len(answer.body)
    return [answer.body[start : start + length] for start, length in spans]


@pytest.mark.parametrize("head", [URL, UNC])
def test_a_folder_is_the_first_result_and_what_is_in_it_follows(phone: Phone, head: str) -> None:
    """[MS-ASDOC] §4.3; DOC-02: one's own documents and those of one's groups."""
    slash = "/" if head == URL else "\\"
    assert names(searched(phone, head)) == [("docs", "1"), ("alice", "1")]
    assert names(searched(phone, f"{head}{slash}alice")) == [("alice", "1"), ("private", "1"), ("IAB", "1")]
    found = searched(phone, slash.join((head, "alice", "private")))
    assert found.text_of(Search.Status) == "1"
    assert names(found)[0] == ("private", "1")
    assert {("plans", "1"), ("cv 1.txt", "0")} <= set(names(found))
    assert found.text_of(Search.Total) == str(len(names(found)))
    link = next(
        properties.text_of(DocumentLibrary.LinkId) or ""
        for result in found.all(Search.Result)
        if (properties := result.find(Search.Properties)) and properties.text_of(DocumentLibrary.IsFolder) == "0"
    )
    assert link == slash.join((head, "alice", "private", "cv%201.txt" if head == URL else "cv 1.txt"))
    [document] = searched(phone, link).all(Search.Result)
    shown = document.find(Search.Properties)
    assert shown is not None
    assert shown.text_of(DocumentLibrary.ContentLength) == "10"
    assert shown.text_of(DocumentLibrary.ContentType) == "text/plain"
    assert (shown.text_of(DocumentLibrary.LastModifiedDate) or "").endswith("Z")
    assert names(searched(phone, link, span="1-5")) == []
    assert searched(phone, link, span="1-5").text_of(Search.Status) == "12"
    whole = fetched(phone, link).document.find(ItemOperations.Response, ItemOperations.Fetch)
    assert whole is not None
    assert whole.text_of(DocumentLibrary.LinkId) == link
    assert base64.b64decode(whole.text_of(ItemOperations.Properties, ItemOperations.Data) or "") == b"0123456789"


def test_documents_come_in_parts(phone: Phone, deliver: Callable[..., int]) -> None:
    """[MS-ASDOC] §3.2.5.1, [MS-ASCMD] §2.2.3.130: Part is the index of the part; texts of mails are parts as well."""
    answer = fetched(
        phone, f"{URL}/alice/private/cv%201.txt", ItemOperations.Range("2-4"), **{"MS-ASAcceptMultiPart": "T"}
    )
    document, data = parts(answer)
    assert data == b"234"
    shown = decode(document).find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties)
    assert shown is not None
    assert shown.text_of(ItemOperations.Part) == "1"
    assert shown.text_of(ItemOperations.Range) == "2-4"
    assert shown.text_of(ItemOperations.Total) == "10"
    assert ItemOperations.Data not in shown
    deliver("one", text="grüße")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    mail = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"), AirSync.CollectionId(inbox), AirSync.ServerId(phone.number(inbox, "one")),
        ItemOperations.Options(AirSyncBase.BodyPreference(AirSyncBase.Type(1))),
    )  # fmt: skip
    link = DocumentLibrary.LinkId(rf"{UNC}\alice\IAB\minutes.txt")
    file = ItemOperations.Fetch(ItemOperations.Store("DocumentLibrary"), link)
    asked = ItemOperations.ItemOperations(mail, file)
    document, text, minutes = parts(phone.post("ItemOperations", asked, **{"MS-ASAcceptMultiPart": "T"}))
    assert (text.strip(), minutes) == ("grüße".encode(), b"agreed")
    of_mail, of_file = [
        one.find(ItemOperations.Properties) or one
        for one in (decode(document).find(ItemOperations.Response) or Element(AirSync.Sync)).all(ItemOperations.Fetch)
    ]
    assert of_mail.text_of(AirSyncBase.Body, ItemOperations.Part) == "1"
    assert of_mail.text_of(AirSyncBase.Body, AirSyncBase.Data) is None
    assert of_file.text_of(ItemOperations.Part) == "2"


def test_parts_are_asked_for_in_the_packed_query_too(phone: Phone) -> None:
    """[MS-ASHTTP] §2.2.1.1.1.1: tag 7, bit 1."""
    link = DocumentLibrary.LinkId(f"{URL}/alice/private/cv%201.txt")
    body = ItemOperations.ItemOperations(ItemOperations.Fetch(ItemOperations.Store("DocumentLibrary"), link))
    packed = bytes([141, 19, 9, 4, 6]) + b"PHONE1" + bytes([0, 4]) + b"Test" + bytes([7, 1, 2])
    answer = phone.request("POST", base64.b64encode(packed).decode(), body)
    assert parts(answer)[1] == b"0123456789"


def test_an_answer_has_an_end(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one answer holds is in memory: the rest is to be asked for by itself."""
    monkeypatch.setattr(multipart, "OCTETS_MAX", 15)

    link = DocumentLibrary.LinkId(f"{URL}/alice/private/cv%201.txt")
    fetches = [ItemOperations.Fetch(ItemOperations.Store("DocumentLibrary"), link) for _ in range(2)]
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(*fetches)).document
    told = found.find(ItemOperations.Response)
    assert told is not None
    assert [one.text_of(ItemOperations.Status) for one in told.all(ItemOperations.Fetch)] == ["1", "11"]


def test_answers_without_parts_are_documents(phone: Phone) -> None:
    answer = fetched(phone, f"{URL}/alice/private/none", **{"MS-ASAcceptMultiPart": "T"})
    assert answer.headers["content-type"] == "application/vnd.ms-sync.wbxml"
    assert status(answer) == "6"


@pytest.mark.parametrize(
    ("link", "options", "expected"),
    [
        ("", (), "4"),
        ("cv.txt", (), "4"),
        ("file:///docs/alice/private/cv%201.txt", (), "4"),
        (f"{URL}/alice/private/../private/cv%201.txt", (), "4"),
        (r"\\desk.example.test\C$\cv.txt", (), "4"),
        (f"{URL}/alice/private", (), "4"),
        (f"{URL}/bob/private/cv%201.txt", (), "6"),
        (f"{URL}/bob/IAB/minutes.txt", (), "6"),
        (f"{URL}/alice/NONE/minutes.txt", (), "6"),
        (f"{URL}/alice/private/empty.txt", (), "10"),
        (f"{URL}/alice/private/cv%201.txt", (ItemOperations.Range("10-12"),), "8"),
        (f"{URL}/alice/private/cv%201.txt", (ItemOperations.Range("x"),), "8"),
        (f"{URL}/alice/private/cv%201.txt", (ItemOperations.UserName("bob"), ItemOperations.Password("b")), "18"),
        (
            f"{URL}/alice/private/cv%201.txt",
            (ItemOperations.UserName("DESK\\alice"), ItemOperations.Password("a")),
            "1",
        ),
    ],
)
def test_what_cannot_be_fetched(phone: Phone, link: str, options: tuple[Element, ...], expected: str) -> None:
    """[MS-ASCMD] §2.2.3.177.8."""
    assert status(fetched(phone, link, *options)) == expected


def test_searches_that_are_refused(phone: Phone, connect: Callable[..., Phone]) -> None:
    """[MS-ASCMD] §2.2.3.177.13; SYS-09: what one may not know of is not there."""
    assert searched(phone, f"{URL}/alice/private", Search.UserName("bob")).text_of(Search.Status) == "14"
    assert searched(phone, "nonsense").text_of(Search.Status) == "4"
    assert searched(phone, f"{URL}/alice/private/none").text_of(Search.Status) == "6"
    assert searched(phone, f"{URL}/nobody").text_of(Search.Status) == "6"
    bob = connect(login="bob", password="bob-secret", device="B")
    assert searched(bob, f"{URL}/alice/private/cv%201.txt").text_of(Search.Status) == "6"
    assert searched(bob, f"{URL}/alice/IAB").text_of(Search.Status) == "6"
    assert ("minutes.txt", "0") in names(searched(bob, f"{URL}/bob/IAB"))


def test_other_servers_are_not_asked(store: Store, alice: Actor) -> None:
    settings = EasSettings(origin="https://desk.example.test")
    phone = Phone(application.make(store, settings, lambda *_: alice))
    assert searched(phone, f"{URL}/alice").text_of(Search.Status) == "1"
    assert searched(phone, "https://elsewhere.test/docs/alice").text_of(Search.Status) == "13"
    assert status(fetched(phone, r"\\elsewhere.test\docs\alice\private\cv 1.txt")) == "5"


@pytest.mark.parametrize(
    "text",
    [
        r"\\desk.example.test@SSL@8443\DavWWWRoot\docs\alice\private\a b",
        "https://desk.example.test:8443/docs/alice/private/a%20b",
        "HTTP://Desk.example.test/docs//alice/private/a%20b/",
    ],
)
def test_links_in_all_their_forms(text: str) -> None:
    link = document_links.parse(text)
    assert link is not None
    assert link.host == "desk.example.test"
    assert link.names == ("alice", "private", "a b")
    assert document_links.parse(link.text) == link


def test_a_name_that_unc_cannot_say_is_told_by_its_url() -> None:
    link = document_links.parse(rf"{UNC}\alice\private")
    assert link is not None
    assert link.member("a\\b").text == f"{URL}/alice/private/a%5Cb"
