"""What a Sync asks for, and what of it is refused ([MS-ASCMD] §2.2.3): windows, waiting, options."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from auth import authenticate
from servers.activesync import application
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import AirSync, AirSyncBase, ItemOperations
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone


def folders(phone: Phone) -> dict[int, str]:
    """ServerIds of the account's own folders, by type."""
    phone.folder_sync()
    return {kind: number for number, (_, kind) in phone.folders.items()}


def collection(phone: Phone, folder: str, *more: Element) -> Element:
    return AirSync.Collection(AirSync.SyncKey(phone.keys.get(folder, "0")), AirSync.CollectionId(folder), *more)


def ask(phone: Phone, asked: Element, *more: Element) -> Element:
    return phone.post("Sync", AirSync.Sync(*more, AirSync.Collections(asked))).document


@pytest.mark.parametrize(
    ("wait", "limit"),
    [
        (AirSync.Wait(0), "1"),
        (AirSync.Wait(60), "59"),
        (AirSync.HeartbeatInterval(59), "60"),
        (AirSync.HeartbeatInterval(3541), "3540"),
    ],
)
def test_intervals(strict: Phone, wait: Element, limit: str) -> None:
    """§2.2.3.93 (MS-ASCMD_R3227 to R3230)."""
    inbox = folders(strict)[2]
    strict.sync(inbox)
    answer = ask(strict, collection(strict, inbox), wait)
    assert (answer.text_of(AirSync.Status), answer.text_of(AirSync.Limit)) == ("14", limit)


@pytest.fixture
def strict(store: Store) -> Phone:
    """A phone of a desk with the bounds that an administrator who says nothing gets."""

    def verify(store: Store, login: str, password: str, address: str) -> Actor:
        return authenticate.verify(store, login, password, address=address, protocol="activesync")

    return Phone(application.make(store, EasSettings(), verify))


def options(name: str = "", filter_: int | None = None) -> Element:
    return AirSync.Options(
        AirSync.FilterType.given(None if filter_ is None else str(filter_)), AirSync.Class.given(name)
    )


def test_options_that_go_together(phone: Phone) -> None:
    """§2.2.3.27.5, §2.2.3.36.2, §2.2.3.68.2, §2.2.3.84 (R930, R934, R935, R2117, R3080, R3128, R5838)."""
    kinds = folders(phone)
    inbox, calendar, contacts = kinds[2], kinds[8], kinds[9]
    for folder in (inbox, calendar, contacts):
        phone.sync(folder)
    refused = [
        (calendar, options("Calendar"), options("Calendar")),
        (calendar, options("Calendar"), options("Tasks")),
        (contacts, AirSync.ConversationMode(1)),
        (inbox, options(filter_=8)),
    ]
    for folder, *said in refused:
        assert ask(phone, collection(phone, folder, *said)).text_of(AirSync.Status) == "4", said
    served = [
        (inbox, options("Email"), options("SMS")),
        (inbox, AirSync.ConversationMode(1)),
        (contacts, options(filter_=0)),
        (kinds[7], options(filter_=8)),
    ]
    for folder, *said in served:
        answer = phone.post("Sync", AirSync.Sync(AirSync.Collections(collection(phone, folder, *said))))
        assert answer.body == b"" or answer.document.text_of(AirSync.Status) is None, said
    phone.keys[inbox] = "0"
    for value in (AirSync.GetChanges(), AirSync.GetChanges(1)):
        assert ask(phone, collection(phone, inbox, value)).text_of(AirSync.Status) == "4"
    fresh = ask(phone, collection(phone, inbox, AirSync.GetChanges(False)))
    assert fresh.text_of(AirSync.Collections, AirSync.Collection, AirSync.Status) == "1"


def test_a_window_for_all_folders_together(phone: Phone, deliver: Callable[..., int]) -> None:
    """§2.2.3.199: the window of the whole request is shared by its folders (R4771, R4779)."""
    kinds = folders(phone)
    boxes = [kinds[2], kinds[4], kinds[5]]
    for folder in boxes:
        phone.sync(folder)
    for name in ("INBOX", "Trash", "Sent Items"):
        for number in range(3):
            deliver(f"{name} {number}", name)
    seen: list[int] = []
    for _ in range(5):
        asked = AirSync.Collections(*(collection(phone, folder) for folder in boxes))
        answer = phone.post("Sync", AirSync.Sync(AirSync.WindowSize(4), asked))
        if not answer.body:
            break
        listed = answer.document.find(AirSync.Collections)
        assert listed is not None
        told = 0
        for one in listed.all(AirSync.Collection):
            folder = one.text_of(AirSync.CollectionId) or ""
            phone.keys[folder] = one.text_of(AirSync.SyncKey) or ""
            commands = one.find(AirSync.Commands)
            told += 0 if commands is None else len(commands.children)
        seen.append(told)
    assert seen == [4, 4, 1]


@pytest.mark.parametrize("kind", [3, 4])
def test_a_text_rather_than_none(phone: Phone, deliver: Callable[..., int], kind: int) -> None:
    """[MS-ASCMD] §2.2.3.110.3: of mails that are not S/MIME the regular body is sent (MS-ASCMD_R3408)."""
    deliver("plain", text="some text")
    inbox = folders(phone)[2]
    phone.sync(inbox)
    phone.keys[inbox] = "0"
    phone.sync(inbox, body=kind)
    [mail] = phone.items[inbox].values()
    found = mail.find(AirSyncBase.Body)
    assert found is not None
    assert found.text_of(AirSyncBase.Type) == "1"
    assert (found.text_of(AirSyncBase.Data) or "").strip() == "some text"


def part_of(found: Element | None) -> Element:
    assert found is not None
    part = found.find(AirSyncBase.BodyPart)
    assert part is not None
    return part


def test_the_text_once_more_for_conversations(phone: Phone, deliver: Callable[..., int]) -> None:
    """[MS-ASAIRS] §2.2.2.10: BodyPart "MUST be included [...] when the BodyPartPreference element is specified" (R120)."""
    deliver("plain", text="a < b and more")
    inbox = folders(phone)[2]
    wanted = AirSyncBase.BodyPartPreference(AirSyncBase.Type(2), AirSyncBase.TruncationSize(30), AirSyncBase.Preview(5))
    phone.keys[inbox] = ask(phone, collection(phone, inbox, AirSync.Options(wanted))).text_of(
        AirSync.Collections, AirSync.Collection, AirSync.SyncKey
    ) or ""  # fmt: skip
    answer = ask(phone, collection(phone, inbox))  # the options are kept
    add = answer.find(AirSync.Collections, AirSync.Collection, AirSync.Commands, AirSync.Add)
    assert add is not None
    part = part_of(add.find(AirSync.ApplicationData))
    tags = [AirSyncBase.Status, AirSyncBase.Type, AirSyncBase.EstimatedDataSize, AirSyncBase.Truncated]
    assert [one.tag for one in part.children] == [*tags, AirSyncBase.Data, AirSyncBase.Preview]
    assert (part.text_of(AirSyncBase.Status), part.text_of(AirSyncBase.Type)) == ("1", "2")
    assert (part.text_of(AirSyncBase.Data) or "").startswith("<html><body>a &lt; b")
    assert part.text_of(AirSyncBase.Preview) == "a < b"
    fetch = ItemOperations.Fetch(
        ItemOperations.Store("Mailbox"),
        AirSync.CollectionId(inbox),
        AirSync.ServerId(add.text_of(AirSync.ServerId) or ""),
        ItemOperations.Options(AirSyncBase.BodyPartPreference(AirSyncBase.Type(2))),
    )
    fetched = phone.post("ItemOperations", ItemOperations.ItemOperations(fetch)).document
    whole = part_of(fetched.find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties))
    assert "and more" in (whole.text_of(AirSyncBase.Data) or "")
    bare = ItemOperations.Fetch(*fetch.children[:3])  # nothing is said of the body: all of it
    fetched = phone.post("ItemOperations", ItemOperations.ItemOperations(bare)).document
    found = fetched.find(ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties)
    assert found is not None
    assert (found.text_of(AirSyncBase.Body, AirSyncBase.Data) or "").strip() == "a < b and more"
    odd = AirSync.Options(AirSyncBase.BodyPartPreference(AirSyncBase.Type(3)))
    assert ask(phone, collection(phone, inbox, odd)).text_of(AirSync.Status) == "164"  # MS-ASCMD_R5412
