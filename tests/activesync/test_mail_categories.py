"""Categories of mails are keywords: on phones and in IMAP, both ways, nothing lost ([MS-ASEMAIL] §2.2.2.16)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servers.activesync.classes import mail_categories, property_text
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email, ItemOperations
from storage.mail import flagging, flags, mailboxes
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone
from tests.imap.client import Client

Connect = Callable[..., Phone]
_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).map(property_text.clean)
_WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='(){%*"\\]'), min_size=1)


def change(number: str, *names: str) -> Element:
    named = Email.Categories(*(Email.Category(name) for name in names))
    return AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(named))


def shown(phone: Phone, folder: str, number: str) -> list[str] | None:
    found = phone.items[folder][number].find(Email.Categories)
    return None if found is None else [one.text for one in found.children]


@pytest.fixture
def imap(store: Store) -> Client:
    client = Client(store, known=False)
    assert "done" in client('LOGIN alice "alice-secret"')
    client("SELECT INBOX")
    return client


@given(_NAMES.filter(bool))
@example("Junk")
@example("$Forwarded")
@example("$label1")
@example("Work")
@example("a_b")
@example("a=5Fb")
@example("=4Aunk")
@example("Büro (2. Stock)")
@example("\\Seen")
def test_each_name_comes_back(name: str) -> None:
    keyword = mail_categories.keyword_of(name)
    assert flags.canonical([keyword]) == keyword
    assert mail_categories.name_of(keyword) == name


@given(st.lists(_WORDS.filter(lambda word: len(word) < 100), max_size=9), st.lists(_NAMES.filter(bool), max_size=9))
@example(["project_x", "Work", "$label2", "$Junk"], ["Work", "project x"])
@example(["_x", "x_", "a=00", "b=0A", "c=ff", "d=C3=BC", "d=c3=bc"], [])
def test_words_that_are_kept_keep_their_form(there: list[str], names: list[str]) -> None:
    """What a phone was shown and says again changes nothing; what it takes away goes, and nothing else."""
    before = flags.canonical(["\\Seen", *there])
    listed = mail_categories.listed(before)
    assert mail_categories.replaced(before, listed) == before
    after = mail_categories.replaced(before, names)
    hidden = {word for word in before.split() if mail_categories.name_of(word) is None}
    assert hidden <= set(after.split())
    assert {name.lower() for name in mail_categories.listed(after)} == {name.lower() for name in names}


def test_names_that_are_atoms_are_the_keywords() -> None:
    assert [mail_categories.keyword_of(name) for name in ("Red", "Project X", "Büro", "To Do")] == [
        "Red", "Project_X", "B=C3=BCro", "$label4",
    ]  # fmt: skip


def test_a_phone_and_imap_see_the_same(
    phone: Phone, imap: Client, connect: Connect, deliver: Callable[..., int]
) -> None:
    """EAS-13, IMAP-02: what the one sets, the other has at once; hidden keywords stay when a phone changes others."""
    deliver("hello")
    assert imap.lines("NOOP")[0] == "* 1 EXISTS"
    imap.lines("STORE 1 +FLAGS ($Forwarded NonJunk Urgent $label1)")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    assert shown(phone, inbox, number) == ["Important", "Urgent"]
    other = connect(device="PHONE2", version="16.1")
    other.folder_sync()
    other.sync(inbox)
    found = phone.sync_once(inbox, change(number, "Urgent", "Büro", "Project X"))
    assert found is not None
    assert AirSync.Commands not in found  # no echo of its own
    assert imap.lines("NOOP")[-1] == "* 1 FETCH (FLAGS ($Forwarded B=C3=BCro NonJunk Project_X Urgent \\Recent))"
    told = other.sync_once(inbox)
    assert told is not None
    data = told.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
    assert data is not None
    assert [one.tag for one in data.children] == [Email.Categories]  # and no body, no Read ([MS-ASEMAIL] §3.2.5.4)
    assert sorted(shown(other, inbox, number) or []) == ["Büro", "Project X", "Urgent"]
    imap.lines("STORE 1 -FLAGS (B=C3=BCro Project_X Urgent)")
    phone.sync(inbox)
    other.sync(inbox)
    assert shown(phone, inbox, number) == shown(other, inbox, number) == []
    imap.lines("STORE 1 +FLAGS (Kept)")
    phone.sync(inbox)
    assert phone.sync_once(inbox, change(number)) is not None
    assert imap.lines("NOOP")[-1] == "* 1 FETCH (FLAGS ($Forwarded NonJunk \\Recent))"


def test_nothing_of_it_is_told_to_old_phones(connect: Connect, imap: Client, deliver: Callable[..., int]) -> None:
    """[MS-ASEMAIL] §2.2.2.16: from 14.0 on."""
    deliver("hello")
    old = connect(version="12.1")
    old.folder_sync()
    inbox = old.folder("INBOX")
    old.sync(inbox)
    imap.lines("NOOP")
    imap.lines("STORE 1 +FLAGS (Urgent)")
    old.sync(inbox)
    assert shown(old, inbox, old.number(inbox, "hello")) is None


def test_a_fetch_has_them(phone: Phone, imap: Client, deliver: Callable[..., int]) -> None:
    """[MS-ASCMD] §2.2.3.67.1, §2.2.3.63.2: as the Add has, and empty where there are none."""
    deliver("hello")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    assert shown(phone, inbox, number) == []
    imap.lines("NOOP")
    imap.lines("STORE 1 +FLAGS (Urgent)")
    found = phone.sync_once(inbox, AirSync.Fetch(AirSync.ServerId(number)))
    assert found is not None
    fetched = found.find(AirSync.Responses, AirSync.Fetch, AirSync.ApplicationData, Email.Categories)
    assert fetched is not None
    assert [one.text for one in fetched.children] == ["Urgent"]
    asked = ItemOperations.Fetch(ItemOperations.Store("Mailbox"), AirSync.CollectionId(inbox), AirSync.ServerId(number))
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(asked)).document
    path = (ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties, Email.Categories, Email.Category)
    assert answer.text_of(*path) == "Urgent"


def test_what_cannot_be_kept_is_refused_and_the_desks_told(
    phone: Phone, imap: Client, deliver: Callable[..., int]
) -> None:
    """EAS-13: too many categories, or a name that is too long, are Status 6; the phone then has the desk's again."""
    deliver("hello")
    imap.lines("NOOP")
    imap.lines("STORE 1 +FLAGS (Urgent)")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    for names in (["я" * 60], [f"nr {one}" for one in range(70)]):
        command = change(number, *names)
        phone.items[inbox][number].children[:] = [
            one for one in phone.items[inbox][number].children if one.tag is not Email.Categories
        ]
        found = phone.sync_once(inbox, command)
        assert found is not None
        assert found.text_of(AirSync.Responses, AirSync.Change, AirSync.Status) == "6"
        assert shown(phone, inbox, number) == ["Urgent"]


def test_what_is_told_again_is_what_there_is_now(phone: Phone, imap: Client, deliver: Callable[..., int]) -> None:
    """EAS-13: a later command of the same request counts, whether it changes the mail or deletes it."""
    for subject in ("kept", "gone"):
        deliver(subject)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    kept, gone = phone.number(inbox, "kept"), phone.number(inbox, "gone")
    read = AirSync.Change(AirSync.ServerId(kept), AirSync.ApplicationData(Email.Read(1)))
    del phone.items[inbox][gone]
    found = phone.sync_once(
        inbox, change(kept, "я" * 60), read, change(gone, "я" * 60), AirSync.Delete(AirSync.ServerId(gone))
    )
    assert found is not None
    told = found.find(AirSync.Commands)
    assert told is not None
    assert [one.text_of(AirSync.ServerId) for one in told.children] == [kept]
    assert told.children[0].text_of(AirSync.ApplicationData, Email.Read) == "1"
    assert shown(phone, inbox, kept) == []


def test_drafts_have_them_too(connect: Connect, store: Store, alice: Actor) -> None:
    """[MS-ASEMAIL] §3.1.5.1: a draft that is written, and one whose text is changed, keep theirs."""
    phone = connect(version="16.1")
    phone.folder_sync()
    drafts = phone.folder("Drafts")
    phone.sync(drafts)
    named = Email.Categories(Email.Category("Project X"))
    data = AirSync.ApplicationData(Email.To("bob@example.test"), Email.Subject("plan"), named)
    phone.sync_once(drafts, AirSync.Add(AirSync.ClientId("c1"), data))
    number = phone.number(drafts, "plan")
    changed = AirSync.ApplicationData(Email.Subject("plan B"))
    phone.sync_once(drafts, AirSync.Change(AirSync.ServerId(number), changed))
    assert shown(phone, drafts, phone.number(drafts, "plan B")) == ["Project X"]
    with store.read(alice) as tx:
        box = mailboxes.find(tx, "Drafts")
        assert [one.flags for one in flagging.states_in(tx, box, [(1, 10**9)])] == ["\\Draft Project_X"]
