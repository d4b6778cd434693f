"""A phone's mail: folders, first transfer, changes both ways, lost answers, waiting (EAS-01…14)."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable

import pytest

from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import (
    AirSync,
    AirSyncBase,
    Email,
    Email2,
    FolderHierarchy,
    GetItemEstimate,
    ItemOperations,
    Move,
    Ping,
    Provision,
    Settings,
)
from storage.activesync import devices
from storage.mail import appending, flagging, mailboxes, moving
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone

Deliver = Callable[..., int]


def change(number: str, *data: Element) -> Element:
    return AirSync.Change(AirSync.ServerId(number), AirSync.ApplicationData(*data))


def flags(store: Store, alice: Actor, mailbox: str = "INBOX") -> list[str]:
    with store.read(alice) as tx:
        box = mailboxes.find(tx, mailbox)
        return [one.flags for one in flagging.states_in(tx, box, [(1, 10**9)])]


def test_what_is_offered_is_told_to_who_may_log_in(phone: Phone, connect: Callable[..., Phone]) -> None:
    """EAS-10, EAS-08: OPTIONS is the password check of phones ([MS-ASHTTP] §3.2.5.2)."""
    answer = phone.request("OPTIONS")
    assert answer.status == 200
    assert answer.headers["ms-asprotocolversions"] == "12.1,14.0,14.1,16.1"
    assert "Sync" in answer.headers["ms-asprotocolcommands"].split(",")
    refused = connect(password="wrong").request("OPTIONS")
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert connect(login="EXAMPLE\\alice").request("OPTIONS").status == 200  # EAS-07


def test_provisioning_asks_nothing_of_the_device(phone: Phone) -> None:
    """EAS-05: an empty policy, in the two phases of [MS-ASPROV] §3.1.5.1."""
    policy = Provision.PolicyType("MS-EAS-Provisioning-WBXML")
    told = Settings.DeviceInformation(Settings.Set(Settings.Model("Phone 3"), Settings.OS("iOS 20")))
    first = phone.post("Provision", Provision.Provision(told, Provision.Policies(Provision.Policy(policy)))).document
    assert first.text_of(Provision.Status) == "1"
    assert first.text_of(Settings.DeviceInformation, Settings.Status) == "1"
    given = first.find(Provision.Policies, Provision.Policy)
    assert given is not None
    assert given.text_of(Provision.Data, Provision.EASProvisionDoc, Provision.DevicePasswordEnabled) == "0"
    key = given.text_of(Provision.PolicyKey) or ""
    taken = Provision.Policy(policy, Provision.PolicyKey(key), Provision.Status(1))
    second = phone.post("Provision", Provision.Provision(Provision.Policies(taken))).document
    final = second.find(Provision.Policies, Provision.Policy)
    assert final is not None
    assert final.text_of(Provision.Status) == "1"
    assert final.text_of(Provision.PolicyKey) not in ("", "0", key)
    assert Provision.Data not in final
    wrong = Provision.Policy(policy, Provision.PolicyKey("77"), Provision.Status(1))
    third = phone.post("Provision", Provision.Provision(Provision.Policies(wrong))).document
    assert third.text_of(Provision.Policies, Provision.Policy, Provision.Status) == "5"


def test_the_folders_are_those_of_the_account(phone: Phone, store: Store, alice: Actor) -> None:
    """EAS-11: each system folder has its type; what is made, renamed and removed elsewhere is told."""
    phone.folder_sync()
    kinds = dict(phone.folders.values())
    assert (kinds["INBOX"], kinds["Drafts"], kinds["Trash"], kinds["Sent Items"]) == (2, 3, 4, 5)
    with store.write(alice) as tx:
        mailboxes.create(tx, "Projects/Bridge")
    phone.folder_sync()
    assert {"Projects", "Bridge"} <= {name for name, _ in phone.folders.values()}
    with store.write(alice) as tx:
        mailboxes.rename(tx, "Projects/Bridge", "Tunnel")
        mailboxes.delete(tx, "Projects")
    phone.folder_sync()
    names = {name for name, _ in phone.folders.values()}
    assert "Tunnel" in names
    assert not {"Projects", "Bridge"} & names
    answer = phone.folder_sync()
    assert answer.text_of(FolderHierarchy.Changes, FolderHierarchy.Count) == "0"
    phone.hierarchy_key = "zzz-9"
    unknown = phone.post("FolderSync", FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("zzz-9"))).document
    assert unknown.text_of(FolderHierarchy.Status) == "9"


def test_folders_are_made_renamed_and_removed_by_the_phone(phone: Phone, store: Store, alice: Actor) -> None:
    """EAS-10: FolderCreate, FolderUpdate, FolderDelete; an answer that was lost makes nothing twice."""
    phone.folder_sync()
    make = FolderHierarchy.FolderCreate(
        FolderHierarchy.SyncKey(phone.hierarchy_key), FolderHierarchy.ParentId("0"),
        FolderHierarchy.DisplayName("Bills"), FolderHierarchy.Type(12),
    )  # fmt: skip
    made = phone.post("FolderCreate", make).document
    again = phone.post("FolderCreate", make).document
    assert made == again
    assert made.text_of(FolderHierarchy.Status) == "1"
    phone.hierarchy_key = made.text_of(FolderHierarchy.SyncKey) or ""
    number = made.text_of(FolderHierarchy.ServerId) or ""
    phone.folder_sync()
    assert number not in phone.folders  # the key contained it
    rename = FolderHierarchy.FolderUpdate(
        FolderHierarchy.SyncKey(phone.hierarchy_key), FolderHierarchy.ServerId(number), FolderHierarchy.ParentId("0"),
        FolderHierarchy.DisplayName("Paid"),
    )  # fmt: skip
    phone.hierarchy_key = phone.post("FolderUpdate", rename).document.text_of(FolderHierarchy.SyncKey) or ""
    with store.read(alice) as tx:
        assert str(mailboxes.find(tx, "Paid").id) == number
    inbox = phone.folder("INBOX")
    remove = FolderHierarchy.FolderDelete(FolderHierarchy.SyncKey(phone.hierarchy_key), FolderHierarchy.ServerId(inbox))
    assert phone.post("FolderDelete", remove).document.text_of(FolderHierarchy.Status) == "3"
    remove = FolderHierarchy.FolderDelete(
        FolderHierarchy.SyncKey(phone.hierarchy_key), FolderHierarchy.ServerId(number)
    )
    assert phone.post("FolderDelete", remove).document.text_of(FolderHierarchy.Status) == "1"
    with store.read(alice) as tx:
        assert "Paid" not in {box.name for box in mailboxes.every(tx)}


def test_the_first_transfer_comes_in_windows(phone: Phone, deliver: Deliver) -> None:
    """EAS-09: the newest first, MoreAvailable while some are left, and none twice."""
    for number in range(25):
        deliver(f"nr {number:02}")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.window = 10
    assert phone.sync_once(inbox) is not None
    first = phone.sync_once(inbox)
    assert first is not None
    assert AirSync.MoreAvailable in first
    assert phone.subjects(inbox) == [f"nr {number:02}" for number in range(15, 25)]
    deliver("in between")
    phone.sync(inbox)
    assert phone.subjects(inbox) == sorted(["in between", *(f"nr {number:02}" for number in range(25))])
    assert phone.sync_once(inbox) is None  # nothing new: an empty answer


def test_changes_go_both_ways(phone: Phone, deliver: Deliver, store: Store, alice: Actor) -> None:
    """EAS-01, EAS-03: read and flagged, from the phone and to it, and nothing comes back as an echo."""
    uid = deliver("hello")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "hello")
    assert phone.items[inbox][number].text_of(Email.Read) == "0"
    answer = phone.sync_once(inbox, change(number, Email.Read(1), Email.Flag(Email.Status(2))))
    assert answer is not None
    assert AirSync.Commands not in answer  # no echo
    assert flags(store, alice) == ["\\Flagged \\Seen"]
    with store.write(alice) as tx:
        flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [uid], "remove", "\\Seen")
    phone.sync(inbox)
    shown = phone.items[inbox][number]
    assert shown.text_of(Email.Read) == "0"
    assert flags(store, alice) == ["\\Flagged"]
    assert shown.text_of(AirSyncBase.Body, AirSyncBase.Data) == "text\r\n"  # the body was not sent again, nor lost
    with store.write(alice) as tx:
        moving.remove(tx, mailboxes.find(tx, "INBOX"), [uid])
    phone.sync(inbox)
    assert phone.items[inbox] == {}


def test_a_deleted_mail_goes_to_the_trash(phone: Phone, deliver: Deliver, store: Store, alice: Actor) -> None:
    """MSG-41: DeletesAsMoves; the item of another folder or of nobody is refused by itself (EAS-13)."""
    deliver("unwanted")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "unwanted")
    answer = phone.sync_once(
        inbox, AirSync.Delete(AirSync.ServerId(number)), AirSync.Delete(AirSync.ServerId("999:1")),
        change("nonsense", Email.Read(1)),
    )  # fmt: skip
    assert answer is not None
    responses = answer.find(AirSync.Responses)
    assert responses is not None
    assert [one.text_of(AirSync.Status) for one in responses.children] == ["8", "8"]
    del phone.items[inbox][number]
    phone.sync(inbox)
    trash = phone.folder("Trash")
    phone.sync(trash)
    assert phone.subjects(trash) == ["unwanted"]
    assert flags(store, alice) == []


@pytest.mark.parametrize("changed", [False, True])
def test_a_lost_answer_is_repaired(phone: Phone, deliver: Deliver, store: Store, alice: Actor, changed: bool) -> None:
    """EAS-04: the same request gets the same answer; another one goes on from the state of its key."""
    for number in range(5):
        deliver(f"nr {number}")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.window = 2
    phone.sync_once(inbox)
    asked = AirSync.Sync(AirSync.Collections(phone.collection(inbox)))
    lost = phone.post("Sync", asked)
    if changed:
        deliver("late")
        phone.window = 3
        phone.sync(inbox)
        assert phone.subjects(inbox) == ["late", *(f"nr {number}" for number in range(5))]
    else:
        again = phone.post("Sync", asked)
        assert again.body == lost.body
        phone.take(again)
        phone.sync(inbox)
        assert phone.subjects(inbox) == [f"nr {number}" for number in range(5)]


def test_a_key_that_nobody_gave_begins_anew(phone: Phone, deliver: Deliver) -> None:
    """EAS-04: Status 3; and key 0 forgets what was before."""
    deliver("hello")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    for wrong in ("12345678-1", "nonsense", "-", "a-b", "9" * 60):
        phone.keys[inbox] = wrong
        answer = phone.sync_once(inbox)
        assert answer is not None
        assert answer.text_of(AirSync.Status) == "3"
    phone.keys[inbox] = "0"
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["hello"]
    phone.keys[inbox] = "0"
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["hello"]


def test_only_the_last_days_are_shown(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASCMD] §2.2.3.68.2: FilterType; what becomes too old is taken away softly, a longer window adds."""
    now = time.time()
    deliver("today", internal=now)
    deliver("last week", internal=now - 6 * 86_400)
    deliver("old", internal=now - 400 * 86_400)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.filter = 2
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["today"]
    phone.filter = 4
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["last week", "today"]
    phone.filter = 0
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["last week", "old", "today"]
    phone.filter = 1
    phone.sync(inbox)
    assert phone.subjects(inbox) == ["today"]


HTML = (
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n',
    '--x\r\nContent-Type: multipart/alternative; boundary="y"\r\n\r\n'
    "--y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngrüße\r\n"
    "--y\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>gr&uuml;&szlig;e</p>\r\n--y--\r\n"
    '--x\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    'Content-Disposition: attachment; filename="r\u00e9sum\u00e9.pdf"\r\n\r\nJVBERi0=\r\n--x--\r\n',
)


def test_bodies_and_attachments(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASAIRS] §2.2.2.9: the wanted form, cut at whole characters; attachments are fetched by their reference."""
    deliver("both", more=HTML[0], text=HTML[1])
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox, body=2)
    (shown,) = phone.items[inbox].values()
    assert shown.text_of(AirSyncBase.Body, AirSyncBase.Type) == "2"
    assert "<p>gr&uuml;" in (shown.text_of(AirSyncBase.Body, AirSyncBase.Data) or "")
    attached = shown.find(AirSyncBase.Attachments, AirSyncBase.Attachment)
    assert attached is not None
    assert attached.text_of(AirSyncBase.DisplayName) == "r\u00e9sum\u00e9.pdf"
    reference = attached.text_of(AirSyncBase.FileReference) or ""
    store = ItemOperations.Store("Mailbox")
    asked = ItemOperations.Fetch(store, AirSyncBase.FileReference(reference))
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(asked)).document
    fetched = found.find(ItemOperations.Response, ItemOperations.Fetch)
    assert fetched is not None
    assert fetched.text_of(ItemOperations.Status) == "1"
    assert base64.b64decode(fetched.text_of(ItemOperations.Properties, ItemOperations.Data) or "") == b"%PDF-"
    part = ItemOperations.Fetch(
        store, AirSyncBase.FileReference(reference), ItemOperations.Options(ItemOperations.Range("1-2"))
    )
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(part)).document
    fetched = found.find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties)
    assert fetched is not None
    assert base64.b64decode(fetched.text_of(ItemOperations.Data) or "") == b"PD"
    assert fetched.text_of(ItemOperations.Total) == "5"
    whole = ItemOperations.Fetch(
        store, AirSync.CollectionId(inbox), AirSync.ServerId(phone.number(inbox, "both")),
        ItemOperations.Options(
            AirSyncBase.BodyPreference(AirSyncBase.Type(1), AirSyncBase.TruncationSize(3)),
        ),
    )  # fmt: skip
    found = phone.post("ItemOperations", ItemOperations.ItemOperations(whole)).document
    body = found.find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties, AirSyncBase.Body)
    assert body is not None
    assert body.text_of(AirSyncBase.Data) == "gr"
    assert body.text_of(AirSyncBase.Truncated) == "1"


def test_nobody_reads_anothers(phone: Phone, connect: Callable[..., Phone], deliver: Deliver) -> None:
    """SYS-09: ids come from the client and open nothing that is not his."""
    deliver("secret", more=HTML[0], text=HTML[1])
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    number = phone.number(inbox, "secret")
    bob = connect(login="bob", password="bob-secret")
    bob.folder_sync()
    answer = bob.post("Sync", AirSync.Sync(AirSync.Collections(bob.collection(inbox)))).document
    assert answer.text_of(AirSync.Status) == "12"
    mailbox = ItemOperations.Store("Mailbox")
    for asked, status in (
        (ItemOperations.Fetch(mailbox, AirSyncBase.FileReference(f"{number}:2")), "15"),
        (ItemOperations.Fetch(mailbox, AirSync.CollectionId(inbox), AirSync.ServerId(number)), "6"),
    ):
        found = bob.post("ItemOperations", ItemOperations.ItemOperations(asked)).document
        assert found.text_of(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Status) == status
    stolen = Move.Move(Move.SrcMsgId(number), Move.SrcFldId(inbox), Move.DstFldId(bob.folder("INBOX")))
    found = bob.post("MoveItems", Move.MoveItems(stolen)).document
    assert found.text_of(Move.Response, Move.Status) == "1"


def test_moved_items_are_there_already(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASCMD] §2.2.1.12: a new id, no second copy in the target; the same request again gets the same id."""
    deliver("file me")
    phone.folder_sync()
    inbox, drafts = phone.folder("INBOX"), phone.folder("Templates")
    phone.sync(inbox)
    phone.sync(drafts)
    number = phone.number(inbox, "file me")
    asked = Move.MoveItems(Move.Move(Move.SrcMsgId(number), Move.SrcFldId(inbox), Move.DstFldId(drafts)))
    done = phone.post("MoveItems", asked).document
    assert done.text_of(Move.Response, Move.Status) == "3"
    assert phone.post("MoveItems", asked).document == done
    moved = done.text_of(Move.Response, Move.DstMsgId) or ""
    phone.items[drafts][moved] = phone.items[inbox].pop(number)
    phone.sync(inbox)
    phone.sync(drafts)
    assert phone.items[inbox] == {}
    assert phone.subjects(drafts) == ["file me"]


def test_the_estimate_is_what_comes(phone: Phone, deliver: Deliver) -> None:
    for number in range(7):
        deliver(f"nr {number}")
    phone.folder_sync()
    inbox = phone.folder("INBOX")

    def estimate() -> Element:
        one = GetItemEstimate.Collection(
            AirSync.SyncKey(phone.keys.get(inbox, "0")), GetItemEstimate.CollectionId(inbox)
        )
        asked = GetItemEstimate.GetItemEstimate(GetItemEstimate.Collections(one))
        found = phone.post("GetItemEstimate", asked).document.find(GetItemEstimate.Response)
        assert found is not None
        return found

    assert estimate().text_of(GetItemEstimate.Status) == "3"
    phone.sync_once(inbox)
    assert estimate().text_of(GetItemEstimate.Collection, GetItemEstimate.Estimate) == "7"
    phone.sync(inbox)
    assert estimate().text_of(GetItemEstimate.Collection, GetItemEstimate.Estimate) == "0"


def test_a_waiting_phone_is_woken(phone: Phone, deliver: Deliver) -> None:
    """EAS-10: Ping answers when a folder has news, at once if it had some before, and at its end without any."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    query = f"Cmd=Ping&User=alice&DeviceId={phone.device}&DeviceType=Test"
    asked = Ping.Ping(Ping.HeartbeatInterval(30), Ping.Folders(Ping.Folder(Ping.Id(inbox), Ping.Class("Email"))))

    async def woken() -> tuple[Element, float]:
        waiting = asyncio.ensure_future(phone.send("POST", query, asked))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        began = time.monotonic()
        await asyncio.to_thread(deliver, "news")
        return (await waiting).document, time.monotonic() - began

    answer, _ = asyncio.run(woken())
    assert answer.text_of(Ping.Status) == "2"
    assert answer.text_of(Ping.Folders, Ping.Folder) == inbox
    assert phone.post("Ping").document.text_of(Ping.Status) == "2"  # an empty one is the same again
    phone.sync(inbox)
    short = Ping.Ping(Ping.HeartbeatInterval(1), Ping.Folders(Ping.Folder(Ping.Id(inbox))))
    assert phone.post("Ping", short).document.text_of(Ping.Status) == "1"
    long = Ping.Ping(Ping.HeartbeatInterval(10**6), Ping.Folders(Ping.Folder(Ping.Id(inbox))))
    refused = phone.post("Ping", long).document
    assert (refused.text_of(Ping.Status), refused.text_of(Ping.HeartbeatInterval)) == ("5", "3540")


def test_the_newest_ping_ends_the_one_before(phone: Phone) -> None:
    """Three Pings at once, as some programs send them: one waits on, the others are over."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    query = f"Cmd=Ping&User=alice&DeviceId={phone.device}&DeviceType=Test"
    asked = Ping.Ping(Ping.HeartbeatInterval(60), Ping.Folders(Ping.Folder(Ping.Id(inbox))))

    async def several() -> list[str | None]:
        leaves = asyncio.Event()
        waiting = []
        for _ in range(3):
            waiting.append(asyncio.ensure_future(phone.send("POST", query, asked, leaves)))
            await asyncio.sleep(0.2)
        assert [one.done() for one in waiting] == [True, True, False]
        leaves.set()  # the connection of the last one ends, and with it the wait
        return [(await one).document.text_of(Ping.Status) for one in waiting]

    assert asyncio.run(several()) == ["1", "1", "1"]


def test_a_sync_can_wait_too(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASCMD] §2.2.3.96: HeartbeatInterval; the answer has the items, or is empty when the time is over."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    query = f"Cmd=Sync&User=alice&DeviceId={phone.device}&DeviceType=Test"
    asked = AirSync.Sync(AirSync.Collections(phone.collection(inbox)), AirSync.HeartbeatInterval(1))
    assert phone.post("Sync", asked).body == b""
    asked = AirSync.Sync(AirSync.Collections(phone.collection(inbox)), AirSync.HeartbeatInterval(30))

    async def woken() -> None:
        waiting = asyncio.ensure_future(phone.send("POST", query, asked))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(deliver, "news")
        phone.take(await waiting)

    asyncio.run(woken())
    assert phone.subjects(inbox) == ["news"]


def test_a_device_is_known_and_can_be_kept_out(phone: Phone, store: Store, alice: Actor) -> None:
    """EAS-02, EAS-14: each device has its own state; a blocked one gets 403."""
    phone.folder_sync()
    with store.write(alice) as tx:
        (row,) = devices.every(tx)
        assert (row.device_id, row.type, row.version) == ("PHONE1", "Test", 141)
        assert devices.block(tx, "PHONE1", blocked=True)
    assert phone.post("FolderSync").status == 403
    with store.write(alice) as tx:
        assert devices.block(tx, "PHONE1", blocked=False)
        assert devices.forget(tx, "PHONE1")
    assert phone.post("FolderSync").status == 200


def test_base64_queries_are_the_same(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASHTTP] §2.2.1.1.1.1: version, command, locale, device, policy key, type."""
    phone.folder_sync()
    packed = bytes([141, 9]) + b"\x07\x04" + bytes([6]) + b"PHONE1" + bytes([4]) + b"\1\0\0\0" + bytes([4]) + b"Test"
    asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey(phone.hierarchy_key))
    for query in (base64.b64encode(packed).decode(), base64.b64encode(packed).decode().rstrip("=")):
        answer = phone.request("POST", query, asked)
        assert answer.document.text_of(FolderHierarchy.Status) == "1"
    assert phone.request("POST", "AAAA", asked).status == 400
    assert phone.request("POST", base64.b64encode(packed[:7]).decode(), asked).status == 400


@pytest.mark.parametrize("body", [b"\x03\x01", b"<xml/>", b"\x03\x01\x6a\x00\x45\x5c", b"\0" * 100, b"\xff" * 50])
def test_broken_documents_are_refused(phone: Phone, body: bytes) -> None:
    for command in ("Sync", "Ping", "FolderSync", "Provision", "ItemOperations", "Settings", "MoveItems"):
        assert phone.post(command, body).status == 400
    assert phone.post("Nonsense", body).status == 501
    assert phone.request("POST", "Cmd=Sync&DeviceType=x", body).status == 400


def test_only_what_changed_of_a_mail_is_told(phone: Phone, store: Store, alice: Actor, deliver: Deliver) -> None:
    """MS-ASEMAIL_R75, R76: "the server MUST include the Read element as the only child element"."""
    uid = deliver("one")
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    told = {"\\Seen": {Email.Read}, "\\Flagged": {Email.Flag}, "\\Answered \\Seen": {Email2.LastVerbExecuted}}
    for flags, tags in told.items():
        with store.write(alice) as tx:
            flagging.set_flags(tx, mailboxes.find(tx, "INBOX"), [uid], "add", flags)
        found = phone.sync_once(inbox)
        assert found is not None
        data = found.find(AirSync.Commands, AirSync.Change, AirSync.ApplicationData)
        assert data is not None
        assert {one.tag for one in data.children} == tags


def test_people_of_a_mail(phone: Phone, store: Store, alice: Actor) -> None:
    """MS-ASEMAIL_R400, R711: display names and addresses to reply to have semicolons between them."""
    to, reply = '"Bo, B" <bo@far.test>, carol@far.test', "Dan <d@far.test>, e@far.test"
    prepared = appending.prepare(store, f"Sender: Sec <s@far.test>\r\nTo: {to}\r\nReply-To: {reply}\r\n\r\nx\r\n".encode())
    with store.write(alice) as tx:
        appending.append(tx, mailboxes.find(tx, "INBOX"), prepared)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    [mail] = phone.items[inbox].values()
    assert mail.text_of(Email.To) == to
    assert mail.text_of(Email2.Sender) == "Sec <s@far.test>"  # MS-ASEMAIL_R724
    assert mail.text_of(Email.DisplayTo) == "Bo, B; carol@far.test"
    assert mail.text_of(Email.ReplyTo) == "Dan <d@far.test>; e@far.test"


def test_what_lies_in_the_text_and_what_beside_it(phone: Phone, deliver: Deliver) -> None:
    """[MS-ASAIRS] §2.2.2.27, IsInline: a Content-ID alone, as Gmail gives to all, puts nothing into the text (R2299)."""
    part = "--x\r\nContent-Type: image/png\r\nContent-ID: <{0}>\r\nContent-Disposition: {1}; filename={0}.png\r\n\r\ni\r\n"
    text = (
        '--x\r\nContent-Type: text/html\r\n\r\n<img src="cid:named">\r\n'
        + part.format("named", "attachment")
        + part.format("beside", "attachment")
        + part.format("within", "inline")
        + "--x\r\nContent-Type: message/rfc822; name=mail\r\n\r\nSubject: e\r\n\r\ne\r\n--x--\r\n"
    )
    deliver("files", more='MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="x"\r\n', text=text)
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox, body=2)
    [mail] = phone.items[inbox].values()
    attached = mail.find(AirSyncBase.Attachments)
    assert attached is not None
    told = {one.text_of(AirSyncBase.DisplayName): one.text_of(AirSyncBase.IsInline) for one in attached.children}
    assert told == {"named.png": "1", "beside.png": None, "within.png": "1", "mail.eml": None}


def test_long_answers_are_compressed(phone: Phone, store: Store, alice: Actor) -> None:
    """MS-ASHTTP_R412, R214: where the device takes gzip, and only there."""
    with store.write(alice) as tx:
        for number in range(30):
            mailboxes.create(tx, f"Bridge {number}")
    asked = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey("0"))
    plain = phone.post("FolderSync", asked)
    assert "content-encoding" not in plain.headers
    packed = phone.post("FolderSync", asked, **{"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)
    assert packed.document.text_of(FolderHierarchy.Status) == "1"
    again = FolderHierarchy.FolderSync(FolderHierarchy.SyncKey(packed.document.text_of(FolderHierarchy.SyncKey) or ""))
    assert "content-encoding" not in phone.post("FolderSync", again, **{"Accept-Encoding": "gzip"}).headers  # short
