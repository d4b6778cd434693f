"""Flags of mails with all that phones say of them ([MS-ASEMAIL] §2.2.2.34, §3.2.5.4.2, §4.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.classes import mail_follow_up
from servers.activesync.classes.item_class import Unconvertible
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, Email, Email2, Move, Tasks
from storage.mail import flagging, mailboxes
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone
from tests.imap.client import Client

Connect = Callable[..., Phone]
Deliver = Callable[..., int]
PLAIN = Email.Flag(Email.Status(2), Email.FlagType("Flag for follow up"))
DUE = (
    Tasks.StartDate("2026-03-01T01:00:00.000Z"), Tasks.UtcStartDate("2026-03-01T00:00:00.000Z"),
    Tasks.DueDate("2026-03-07T01:00:00.000Z"), Tasks.UtcDueDate("2026-03-07T00:00:00.000Z"),
)  # fmt: skip
WHOLE = Email.Flag(
    Email.Status(2), Email.FlagType("for Follow Up"), Tasks.Subject("Answer Bob"), *DUE,
    Tasks.ReminderTime("2026-03-06T08:00:00.000Z"), Tasks.OrdinalDate("2026-02-27T17:29:07.890Z"),
    Tasks.SubOrdinalDate("5555555"), Tasks.ReminderSet(1),
)  # fmt: skip
DONE = (Email.CompleteTime("2026-03-05T10:00:00.000Z"), Tasks.DateCompleted("2026-03-05T11:00:00.000Z"))


@pytest.mark.parametrize("text", ["2026-03-01T00:00:00." + "0" * 100_000 + "Z", "２０２６-03-01T00:00:00Z"])
def test_a_time_that_is_none(text: str) -> None:
    """EAS-13: what is kept of a time is what was said, so it is not as long as somebody likes."""
    with pytest.raises(Unconvertible):
        mail_follow_up.of(Email.Flag(Email.Status(2), Tasks.DueDate(text)), mail_follow_up.ACTIVE, "")


def flag(phone: Phone, folder: str) -> Element:
    """The flag of the only mail that the phone holds there."""
    (shown,) = phone.items[folder].values()
    found = shown.find(Email.Flag)
    assert found is not None
    return found


def as_set(element: Element) -> set[tuple[str, str]]:
    return {(repr(one.tag), one.text) for one in element.children}


@pytest.fixture
def imap(store: Store, deliver: Deliver) -> Client:
    """In the INBOX, with one mail."""
    deliver("hello")
    client = Client(store, known=False)
    assert "done" in client('LOGIN alice "alice-secret"')
    client("SELECT INBOX")
    return client


@pytest.fixture
def pair(imap: Client, phone: Phone, connect: Connect) -> tuple[Phone, Phone, str]:
    """Two phones that hold it, and their INBOX."""
    other = connect(device="PHONE2", version="12.1")
    for one in (phone, other):
        one.folder_sync()
        one.sync(one.folder("INBOX"))
    return phone, other, phone.folder("INBOX")


def say(phone: Phone, folder: str, *data: Element) -> Element:
    """One Change of the only mail; the phone has what it says."""
    (number,) = phone.items[folder]
    tags = {one.tag for one in data}
    kept = [one for one in phone.items[folder][number].children if one.tag not in tags]
    phone.items[folder][number] = AirSync.ApplicationData(*kept, *data)
    command = AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*data))
    found = phone.sync_once(folder, command)
    assert found is not None
    return found


def test_what_a_phone_says_others_are_told(pair: tuple[Phone, Phone, str], imap: Client) -> None:
    """EAS-13: every element of the flag comes back, to all versions; IMAP sees that it is flagged."""
    phone, other, inbox = pair
    found = say(phone, inbox, WHOLE)
    assert AirSync.Commands not in found
    assert imap.lines("NOOP") == ["* 1 FETCH (FLAGS (\\Flagged \\Recent))"]
    told = other.sync_once(inbox)
    assert told is not None
    data = told.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
    assert data is not None
    assert [one.tag for one in data.children] == [Email.Flag]
    assert as_set(flag(other, inbox)) == as_set(WHOLE)
    later = Email.Flag(Email.Status(2), Email.FlagType("for Follow Up"), *DUE)
    say(other, inbox, later)  # what it leaves out is gone (§4.2)
    phone.sync(inbox)
    assert as_set(flag(phone, inbox)) == as_set(later)
    phone.keys.pop(inbox)
    phone.sync(inbox)
    assert as_set(flag(phone, inbox)) == as_set(later)


def test_what_is_done_is_told_to_be(pair: tuple[Phone, Phone, str], imap: Client) -> None:
    """[MS-ASEMAIL] §2.2.2.74: 1 is complete, which is no flag to IMAP."""
    phone, other, inbox = pair
    say(phone, inbox, WHOLE)
    other.sync(inbox)
    done = Email.Flag(Email.Status(1), Email.FlagType("for Follow Up"), Tasks.Subject("Answer Bob"), *DONE)
    say(phone, inbox, done)
    assert imap.lines("NOOP") == ["* 1 FETCH (FLAGS (\\Recent))"]
    other.sync(inbox)
    assert as_set(flag(other, inbox)) == as_set(done)
    bare = Email.Flag(Email.Status(1))
    say(other, inbox, bare)
    phone.sync(inbox)
    assert flag(phone, inbox).text_of(Email.Status) == "1"
    assert flag(phone, inbox).text_of(Tasks.DateCompleted) == flag(phone, inbox).text_of(Email.CompleteTime) != ""
    say(phone, inbox, Email.Flag())
    other.sync(inbox)
    assert flag(other, inbox) == Email.Flag()


def test_imap_sets_and_clears_plain_flags(pair: tuple[Phone, Phone, str], imap: Client) -> None:
    """IMAP-02: who knows no details takes them away with the flag, and never brings old ones back."""
    phone, other, inbox = pair
    for say_first in (WHOLE, Email.Flag(Email.Status(1), *DONE)):
        say(phone, inbox, say_first)
        other.sync(inbox)
        imap.lines("NOOP")
        if say_first is WHOLE:
            imap.lines("STORE 1 -FLAGS (\\Flagged)")
            phone.sync(inbox)
            other.sync(inbox)
            assert flag(phone, inbox) == flag(other, inbox) == Email.Flag()
        imap.lines("STORE 1 FLAGS (\\Flagged)")
        phone.sync(inbox)
        other.sync(inbox)
        assert as_set(flag(phone, inbox)) == as_set(flag(other, inbox)) == as_set(PLAIN)
    imap.lines("STORE 1 +FLAGS (\\Seen)")
    say(phone, inbox, WHOLE)
    imap.lines("NOOP")
    imap.lines("STORE 1 FLAGS (\\Flagged)")  # it was before: nothing is said of the flag
    other.sync(inbox)
    assert as_set(flag(other, inbox)) == as_set(WHOLE)


def test_they_go_where_the_mail_goes(pair: tuple[Phone, Phone, str], imap: Client, store: Store, alice: Actor) -> None:
    """MSG-40, MSG-41: by MoveItems, MOVE and COPY; the phone that moved it is not told what it knows."""
    phone, other, inbox = pair
    say(phone, inbox, WHOLE)
    trash, sent = phone.folder("Trash"), phone.folder("Sent Items")
    for folder in (trash, sent):
        phone.sync(folder)
        other.sync(folder)
    (number,) = phone.items[inbox]
    move = Move.Move(Move.SrcMsgId(number), Move.SrcFldId(inbox), Move.DstFldId(trash))
    assert phone.post("MoveItems", Move.MoveItems(move)).document.text_of(Move.Response, Move.Status) == "3"
    assert phone.sync_once(trash) is None
    other.sync(trash)
    assert as_set(flag(other, trash)) == as_set(WHOLE)
    imap("SELECT Trash")
    imap('UID COPY 1:* "Sent Items"')
    other.sync(sent)
    assert as_set(flag(other, sent)) == as_set(WHOLE)
    imap("STORE 1 -FLAGS (\\Flagged)")
    other.sync(trash)
    other.sync(sent)
    assert flag(other, trash) == Email.Flag()
    assert as_set(flag(other, sent)) == as_set(WHOLE)  # the copy is another mail
    with store.read(alice) as tx:
        assert [one.flags for one in flagging.states_in(tx, mailboxes.find(tx, "Sent Items"), [(1, 9)])] == [
            "\\Flagged"
        ]


@pytest.mark.parametrize(
    "wrong",
    [
        Email.Flag(Email.Status(2), Tasks.DueDate("soon")),
        Email.Flag(Email.Status(7)),
        Email.Flag(Email.Status(2), Tasks.ReminderSet(2)),
    ],
)
def test_what_is_none_is_refused(pair: tuple[Phone, Phone, str], wrong: Element) -> None:
    """§3.2.5.4.2, EAS-13: Status 6, and the desk's flag comes back."""
    phone, _, inbox = pair
    found = say(phone, inbox, wrong)
    assert found.text_of(AirSync.Responses, AirSync.Change, AirSync.Status) == "6"
    assert flag(phone, inbox) == Email.Flag()


def test_the_same_again_is_no_change(pair: tuple[Phone, Phone, str], store: Store, alice: Actor) -> None:
    phone, other, inbox = pair
    say(phone, inbox, WHOLE)
    other.sync(inbox)
    with store.read(alice) as tx:
        before = mailboxes.find(tx, "INBOX").modseq
    say(phone, inbox, WHOLE)
    with store.read(alice) as tx:
        assert mailboxes.find(tx, "INBOX").modseq == before
    without = Email.Flag(*(one for one in WHOLE.children if one.tag is not Email.Status))
    say(phone, inbox, without)  # "Update the flag metadata": the status stays
    assert other.sync_once(inbox) is None


def test_a_draft_that_is_written_anew_keeps_its_flag(connect: Connect) -> None:
    """[MS-ASEMAIL] §3.1.5.1: the new mail in its place has what was said of the old one's flag."""
    phone = connect(version="16.1")
    phone.folder_sync()
    drafts = phone.folder("Drafts")
    phone.sync(drafts)
    data = AirSync.ApplicationData(Email.To("bob@example.test"), Email.Subject("plan"), WHOLE)
    phone.sync_once(drafts, AirSync.Add(AirSync.ClientId("c1"), data))
    (number,) = phone.items[drafts]
    changed = AirSync.ApplicationData(Email.Subject("plan B"))
    phone.sync_once(drafts, AirSync.Change(AirSync.ServerId(number), changed))
    assert as_set(flag(phone, drafts)) == as_set(WHOLE)


def test_a_move_does_not_hide_what_else_changed(pair: tuple[Phone, Phone, str], imap: Client) -> None:
    """EAS-13: the mail that was read elsewhere before is read in its new place."""
    phone, _, inbox = pair
    trash = phone.folder("Trash")
    phone.sync(trash)
    imap.lines("NOOP")
    imap.lines("STORE 1 +FLAGS (\\Seen)")
    (number,) = phone.items[inbox]
    move = Move.Move(Move.SrcMsgId(number), Move.SrcFldId(inbox), Move.DstFldId(trash))
    moved = phone.post("MoveItems", Move.MoveItems(move)).document.text_of(Move.Response, Move.DstMsgId) or ""
    phone.items[trash][moved] = phone.items[inbox].pop(number)
    found = phone.sync_once(trash)
    assert found is not None
    told = found.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
    assert told is not None
    assert told.children == [Email.Read(1)]


def test_a_change_does_not_hide_what_else_changed(pair: tuple[Phone, Phone, str], imap: Client) -> None:
    """EAS-04, EAS-13: what others changed before is told to the phone that changes something else of the mail."""
    phone, _, inbox = pair
    imap.lines("NOOP")
    imap.lines("STORE 1 +FLAGS (\\Seen Urgent \\Answered)")
    found = say(phone, inbox, WHOLE)
    told = found.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
    assert told is not None
    assert {one.tag for one in told.children} == {Email.Read, Email.Categories, Email2.LastVerbExecuted}
    imap.lines("STORE 1 -FLAGS (\\Flagged Urgent)")
    found = say(phone, inbox, Email.Categories(Email.Category("Later")))  # the last word counts
    told = found.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
    assert told is not None
    assert told.children == [Email.Flag()]
    assert phone.sync_once(inbox) is None
