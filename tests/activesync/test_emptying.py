"""EmptyFolderContents: what is in a folder, and with DeleteSubFolders what is below it ([MS-ASCMD] §2.2.3.44, MSG-42)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync.wbxml.pages import AirSync, ItemOperations
from storage.mail import mailboxes
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone


@pytest.fixture
def folders(phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int]) -> None:
    """Folders in folders, with a mail in each."""
    with store.write(alice) as tx:
        for name in ("Work/Old/Older", "Workshop", "Trash/Old/Older"):
            mailboxes.create(tx, name)
    for name in ("INBOX", "Work", "Work/Old", "Work/Old/Older", "Workshop", "Trash", "Trash/Old", "Trash/Old/Older"):
        deliver(name, name)
    phone.folder_sync()


def emptied(phone: Phone, name: str, deep: str | None) -> str | None:
    """Empty a folder; the status."""
    options = None if deep is None else ItemOperations.Options(ItemOperations.DeleteSubFolders(deep))
    asked = ItemOperations.EmptyFolderContents(AirSync.CollectionId(phone.folder(name)), options)
    answer = phone.post("ItemOperations", ItemOperations.ItemOperations(asked)).document
    return answer.text_of(ItemOperations.Response, ItemOperations.EmptyFolderContents, ItemOperations.Status)


def lying(store: Store, alice: Actor) -> dict[str, int]:
    with store.read(alice) as tx:
        return {one.name: one.exists for one in mailboxes.every(tx) if one.exists or not one.system}


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("deep", [None, "0"])
def test_subfolders_stay_where_nothing_is_said_of_them(
    phone: Phone, store: Store, alice: Actor, deep: str | None
) -> None:
    before = lying(store, alice)
    assert emptied(phone, "Work", deep) == "1"
    assert lying(store, alice) == before | {"Work": 0, "Trash": 2}
    assert emptied(phone, "Trash", deep) == "1"
    after = before | {"Work": 0}
    del after["Trash"]
    assert lying(store, alice) == after


@pytest.mark.usefixtures("folders")
def test_subfolders_go_where_that_is_asked_for(phone: Phone, store: Store, alice: Actor) -> None:
    assert emptied(phone, "Work", "") == "1"
    left = {"INBOX": 1, "Work": 0, "Workshop": 1, "Trash": 4, "Trash/Old": 1, "Trash/Old/Older": 1}
    assert lying(store, alice) == left
    assert emptied(phone, "Trash", "") == "1"
    assert lying(store, alice) == {"INBOX": 1, "Work": 0, "Workshop": 1}
    phone.folder_sync()
    assert {"Old", "Older"}.isdisjoint(name for name, _ in phone.folders.values())
    assert emptied(phone, "Trash", "") == "1"  # the answer was lost
    assert emptied(phone, "INBOX", "") == "1"
    assert lying(store, alice) == {"Work": 0, "Workshop": 1, "Trash": 1}
