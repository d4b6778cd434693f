"""ItemOperations Move: conversations go to a folder, later mails of them too ([MS-ASCON] §2.2.2.7…10, EAS-10)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email, Email2, FolderHierarchy, ItemOperations, Search
from storage.mail import appending, delivery, mailboxes, tables, thread_moves
from storage.mail.recipients import Recipient
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone

INBOX, SENT, TRASH, DRAFTS, CALENDAR = 2, 5, 4, 3, 8
ROOT = "Message-ID: <root@far.example>\r\n"
REPLY = "Message-ID: <reply@far.example>\r\nReferences: <root@far.example>\r\n"


@pytest.fixture(params=["14.1", "16.1"])
def phone(request: pytest.FixtureRequest, connect: Callable[..., Phone]) -> Phone:
    found: Phone = connect(version=request.param)
    found.folder_sync()
    return found


@pytest.fixture
def arrives(store: Store, alice: Actor) -> Callable[..., str]:
    """A mail comes for alice; the mailbox that it lies in then."""

    def put(subject: str, more: str, *, spam: bool = False) -> str:
        data = f"From: bob@far.example\r\nTo: alice@example.test\r\nSubject: {subject}\r\n{more}\r\ntext\r\n"
        prepared = appending.prepare(store, data.encode())
        to = Recipient(alice.id, "alice", "alice@example.test", "en")
        return delivery.deliver(store, prepared, to, spam=spam).mailbox

    return put


def kind(phone: Phone, number: int) -> str:
    """The ServerId of the folder of a type."""
    return next(folder for folder, (_, type_) in phone.folders.items() if type_ == number)


def made(phone: Phone, name: str) -> str:
    """Make a mailbox; its ServerId."""
    create = FolderHierarchy.FolderCreate(
        FolderHierarchy.SyncKey(phone.hierarchy_key), FolderHierarchy.ParentId("0"), FolderHierarchy.DisplayName(name),
        FolderHierarchy.Type(12),
    )  # fmt: skip
    answer = phone.post("FolderCreate", create).document
    phone.hierarchy_key = answer.text_of(FolderHierarchy.SyncKey) or ""
    return answer.text_of(FolderHierarchy.ServerId) or ""


def conversation(phone: Phone, folder: str, subject: str) -> bytes:
    """The ConversationId of a mail."""
    found = phone.items[folder][phone.number(folder, subject)].find(Email2.ConversationId)
    assert found is not None
    return found.octets


def move(identified: bytes | str | None, folder: str | None, always: str | None = "") -> Element:
    return ItemOperations.Move(
        None if identified is None else ItemOperations.ConversationId(identified),
        None if folder is None else ItemOperations.DstFldId(folder),
        ItemOperations.Options(None if always is None else ItemOperations.MoveAlways(always)),
    )


def asked(phone: Phone, *moves: Element) -> list[str]:
    """Ask for moves; the status of each."""
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(*moves)).document
    assert answer.text_of(ItemOperations.Status) == "1"
    response = answer.find(ItemOperations.Response)
    assert response is not None
    return [one.text_of(ItemOperations.Status) or "" for one in response.all(ItemOperations.Move)]


def lying(store: Store, alice: Actor) -> dict[str, int]:
    """How many mails are in each mailbox that has any."""
    with store.read(alice) as tx:
        return {one.name: one.exists for one in mailboxes.every(tx) if one.exists}


def test_a_conversation_is_moved_for_good(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int], arrives: Callable[..., str]
) -> None:
    """From all folders but those of what one writes oneself and of spam ([MS-ASCON] §2.2.2.8)."""
    for mailbox in ("INBOX", "Trash", "Sent Items", "Drafts", "Spam?"):
        deliver(f"Re: plan in {mailbox}", mailbox, more=f"Message-ID: <{mailbox.split()[0]}@x>\r\nReferences: <root@far.example>\r\n")
    deliver("plan", more=ROOT)
    deliver("other", more="Message-ID: <other@x>\r\n")
    inbox, trash, target = kind(phone, INBOX), kind(phone, TRASH), made(phone, "Project")
    for folder in (inbox, trash, target):
        phone.sync(folder)
    identified = conversation(phone, inbox, "plan")
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(move(identified, target))).document
    told = answer.find(ItemOperations.Response, ItemOperations.Move)
    assert told == ItemOperations.Move(ItemOperations.Status(1), ItemOperations.ConversationId(identified))
    for folder in (inbox, trash, target):
        phone.sync(folder)
    assert phone.subjects(inbox) == ["other"]
    assert phone.subjects(trash) == []
    assert phone.subjects(target) == ["Re: plan in INBOX", "Re: plan in Trash", "plan"]
    assert {conversation(phone, target, one) for one in phone.subjects(target)} == {identified}
    assert lying(store, alice) == {"INBOX": 1, "Project": 3, "Sent Items": 1, "Drafts": 1, "Spam?": 1}

    assert arrives("Re: plan", REPLY) == "Project"
    assert arrives("again", "In-Reply-To: <reply@far.example>\r\n") == "Project"
    assert arrives("Re: other", "References: <other@x>\r\n") == "INBOX"
    assert arrives("no thread", "") == "INBOX"
    assert arrives("spam", REPLY, spam=True) == "Spam?"
    phone.sync(target)
    assert len(phone.items[target]) == 5


def test_a_conversation_is_ignored_and_not_any_more(
    phone: Phone, deliver: Callable[..., int], arrives: Callable[..., str]
) -> None:
    """Ignoring is moving to the Trash; going back to INBOX ends it ([MS-ASCON] §3.1.4.4)."""
    deliver("plan", more=ROOT)
    inbox, trash = kind(phone, INBOX), kind(phone, TRASH)
    phone.sync(inbox)
    phone.sync(trash)
    identified = conversation(phone, inbox, "plan")
    assert asked(phone, move(identified, trash)) == ["1"]
    assert asked(phone, move(identified, trash)) == ["1"]  # the answer was lost
    assert arrives("Re: plan", REPLY) == "Trash"
    assert asked(phone, move(identified, inbox)) == ["1"]
    assert arrives("Re: plan, once more", "References: <reply@far.example>\r\n") == "INBOX"
    phone.sync(inbox)
    phone.sync(trash)
    assert phone.subjects(inbox) == ["Re: plan", "Re: plan, once more", "plan"]
    assert phone.subjects(trash) == []


def test_once_ends_what_was_always(phone: Phone, deliver: Callable[..., int], arrives: Callable[..., str]) -> None:
    deliver("plan", more=ROOT)
    inbox, trash, target = kind(phone, INBOX), kind(phone, TRASH), made(phone, "Project")
    phone.sync(inbox)
    text = base64.b64encode(conversation(phone, inbox, "plan")).decode()
    assert asked(phone, move(text, trash, "1"), move(text, target, "0")) == ["1", "1"]
    assert arrives("Re: plan", REPLY) == "INBOX"
    phone.sync(target)
    assert phone.subjects(target) == ["plan"]


def test_a_folder_that_goes_takes_the_order_with_it(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int], arrives: Callable[..., str]
) -> None:
    deliver("plan", more=ROOT)
    inbox, target = kind(phone, INBOX), made(phone, "Project")
    phone.sync(inbox)
    assert asked(phone, move(conversation(phone, inbox, "plan"), target)) == ["1"]
    with store.write(alice) as tx:
        mailboxes.rename(tx, "Project", "Renamed")
    assert arrives("Re: plan", REPLY) == "Renamed"
    with store.write(alice) as tx:
        mailboxes.delete(tx, "Renamed")
    assert arrives("Re: plan", "References: <reply@far.example>\r\n") == "INBOX"


def test_the_nearest_mail_that_it_refers_to_counts(
    phone: Phone, deliver: Callable[..., int], arrives: Callable[..., str]
) -> None:
    """As for its ConversationId: a mail that names an ignored one as well is not ignored."""
    deliver("plan", more=ROOT)
    deliver("other", more="Message-ID: <other@x>\r\n")
    inbox, trash = kind(phone, INBOX), kind(phone, TRASH)
    phone.sync(inbox)
    assert asked(phone, move(conversation(phone, inbox, "plan"), trash)) == ["1"]
    assert arrives("both", "Message-ID: <both@x>\r\nReferences: <root@far.example> <other@x>\r\n") == "INBOX"
    many = " ".join(f"<{number}@nowhere.example>" for number in range(30))
    assert arrives("long", f"References: <root@far.example> {many} <root@far.example> <new@x>\r\n") == "Trash"
    phone.sync(inbox)
    assert conversation(phone, inbox, "both") == conversation(phone, inbox, "other")


def test_what_cannot_be_moved(phone: Phone, connect: Callable[..., Phone], deliver: Callable[..., int]) -> None:
    """[MS-ASCMD] §2.2.3.177.8, [MS-ASCON] §2.2.2.10; the statuses of Microsoft's own test suite for it."""
    deliver("plan", more=ROOT)
    inbox, trash = kind(phone, INBOX), kind(phone, TRASH)
    phone.sync(inbox)
    identified = conversation(phone, inbox, "plan")
    bob = connect(login="bob", password="bob-secret", device="PHONE2", version=phone.version)
    bob.folder_sync()
    wrong = [
        (move(None, trash), "2"), (move(b"", trash), "2"), (move(identified, None), "2"), (move(identified, ""), "2"),
        (move(identified, trash, None), "155"), (ItemOperations.Move(*move(identified, trash).children[:2]), "155"),
        (move(identified, trash, "MoveAlwaysContent"), "2"),
        (move(identified[:15], trash), "6"), (move(identified + b"x", trash), "6"), (move(bytes(16), trash), "6"),
        (move(b"\0" * 100_000, trash), "6"), (move("NotExistConversationId", trash), "6"), (move("é", trash), "6"),
        (move(identified, "NotExistFolderId"), "6"), (move(identified, "9" * 40), "6"), (move(identified, "-1"), "6"),
        (move(identified, kind(bob, INBOX)), "6"), (move(identified, kind(bob, CALENDAR)), "6"),
        (move(identified, kind(phone, CALENDAR)), "156"), (move(identified, kind(phone, SENT)), "156"),
        (move(identified, kind(phone, DRAFTS)), "156"),
    ]  # fmt: skip
    assert asked(phone, *(one for one, _ in wrong)) == [status for _, status in wrong]
    assert asked(bob, move(identified, kind(bob, TRASH))) == ["6"]
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["plan"]


@pytest.mark.slow
def test_no_more_than_a_hundred_operations(phone: Phone, deliver: Callable[..., int]) -> None:
    deliver("plan", more=ROOT)
    inbox, trash = kind(phone, INBOX), kind(phone, TRASH)
    phone.sync(inbox)
    one = move(conversation(phone, inbox, "plan"), trash)
    assert asked(phone, *[one] * 10_000) == ["1"] * 100


def test_before_14_there_are_no_conversations(connect: Callable[..., Phone], deliver: Callable[..., int]) -> None:
    phone = connect(version="12.1")
    phone.folder_sync()
    deliver("plan", more=ROOT)
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(move(bytes(16), kind(phone, TRASH)))).document
    assert answer == ItemOperations.ItemOperations(ItemOperations.Status(2))


@pytest.mark.slow
def test_a_long_conversation_is_moved_whole(
    phone: Phone, store: Store, alice: Actor, arrives: Callable[..., str]
) -> None:
    """Ten thousand mails, where they are made in little time."""
    count = 10_000 if store.engines.sqlite else 1_000
    prepared = [
        appending.New(appending.prepare(store, f"Subject: {one}\r\nMessage-ID: <{one}@x>\r\nReferences: <0@x>\r\n\r\n".encode()))
        for one in range(count)
    ]  # fmt: skip
    with store.write(alice) as tx:
        box = mailboxes.find(tx, "INBOX")
        appending.append_many(tx, box, prepared)
    inbox, trash = kind(phone, INBOX), kind(phone, TRASH)
    phone.window = 1
    phone.sync_once(inbox)
    phone.sync_once(inbox)
    identified = conversation(phone, inbox, str(count - 1))
    assert asked(phone, move(identified, trash)) == ["1"]
    assert lying(store, alice) == {"Trash": count}
    assert arrives("Re", "References: <77@x>\r\n") == "Trash"
    phone.window = 512
    phone.sync(inbox)
    assert phone.items[inbox] == {}


def test_a_mail_that_was_flagged_keeps_its_flag(phone: Phone, deliver: Callable[..., int]) -> None:
    deliver("plan", more=ROOT)
    inbox, target = kind(phone, INBOX), made(phone, "Project")
    phone.sync(inbox)
    number = phone.number(inbox, "plan")
    data = AirSync.ApplicationData(Email.Read(1))
    phone.sync_once(inbox, AirSync.Change(AirSync.ServerId(number), data))
    assert asked(phone, move(conversation(phone, inbox, "plan"), target)) == ["1"]
    phone.sync(target)
    assert phone.items[target][phone.number(target, "plan")].text_of(Email.Read) == "1"


def test_the_oldest_orders_give_way(
    phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int], arrives: Callable[..., str]
) -> None:
    far = 10**6
    with store.write(alice) as tx:
        for one in range(thread_moves.MOVES_MAX):
            thread_moves.always(tx, far + one, mailboxes.find(tx, "Trash"))
    deliver("plan", more=ROOT)
    inbox = kind(phone, INBOX)
    phone.sync(inbox)
    assert asked(phone, move(conversation(phone, inbox, "plan"), kind(phone, TRASH))) == ["1"]
    assert arrives("Re: plan", REPLY) == "Trash"
    with store.read(alice) as tx:
        left = set(tx.db.execute(sa.select(tables.thread_moves.c.thread)).scalars())
    assert len(left) == thread_moves.MOVES_MAX
    assert far not in left


def found(phone: Phone, *query: Element) -> tuple[str | None, list[str]]:
    """Search mails; the status, and the subjects of the hits."""
    store = Search.Store(Search.Name("Mailbox"), Search.Query(*query), Search.Options(Search.Range("0-9")))
    answer = phone.post("Search", Search.Search(store)).document.find(Search.Response, Search.Store)
    assert answer is not None
    hits = [one.text_of(Search.Properties, Email.Subject) for one in answer.all(Search.Result)]
    return answer.text_of(Search.Status), sorted(one for one in hits if one)


def test_the_mails_of_a_conversation_are_found(phone: Phone, deliver: Callable[..., int]) -> None:
    """[MS-ASCMD] §2.2.3.35.2."""
    deliver("plan", more=ROOT)
    deliver("Re: plan", "Sent Items", more=REPLY)
    deliver("other", more="Message-ID: <other@x>\r\n")
    inbox = kind(phone, INBOX)
    phone.sync(inbox)
    identified = conversation(phone, inbox, "plan")
    mails, one = AirSync.Class("Email"), Search.ConversationId(identified)
    assert found(phone, Search.And(mails, one)) == ("1", ["Re: plan", "plan"])
    text = Search.ConversationId(base64.b64encode(identified).decode())
    assert found(phone, Search.And(mails, text)) == ("1", ["Re: plan", "plan"])
    assert found(phone, Search.And(mails, AirSync.CollectionId(inbox), one)) == ("1", ["plan"])
    assert found(phone, Search.And(mails, Search.FreeText("subject:other"), one)) == ("1", [])
    for strange in (bytes(16), b"short", identified * 2, "é"):
        assert found(phone, Search.And(mails, Search.ConversationId(strange))) == ("1", []), strange
    assert found(phone, mails, one)[0] == "8"
    assert found(phone, Search.And(mails, one, one))[0] == "2"
