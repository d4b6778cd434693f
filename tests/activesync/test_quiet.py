"""A folder that was looked at and had nothing to tell is not looked at again, until it changes (SYS-07, EAS-10)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.activesync import quiet
from servers.activesync.wbxml.pages import AirSync
from storage.activesync import devices, keys, standing
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone

INBOX, CALENDAR, CONTACTS, TASKS = 2, 8, 9, 7


def restless(store: Store, alice: Actor) -> set[str]:
    """The folders that the next request would look at."""
    with store.read(alice) as tx:
        device = devices.find(tx, "PHONE1")
        assert device is not None
        return {folder for folder, one in standing.of(tx, device).items() if not quiet.is_quiet(one, tx.now)}


def asked(phone: Phone, *folders: str) -> bytes:
    """A Sync of folders; the answer's octets, none if there is nothing to tell."""
    return phone.post("Sync", AirSync.Sync(AirSync.Collections(*(phone.collection(one) for one in folders)))).body


@pytest.mark.parametrize("days", [0, 5], ids=["everything", "a window"])
def test_empty_folders_are_quiet_after_one_look(phone: Phone, store: Store, alice: Actor, days: int) -> None:
    phone.filter = days
    phone.folder_sync()
    every = [number for number, (_, kind) in phone.folders.items() if kind in (INBOX, CALENDAR, CONTACTS, TASKS)]
    for folder in every:
        phone.take(phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(folder)))))
    keys_before = dict(phone.keys)
    assert len(restless(store, alice)) == len(every) == 4
    assert asked(phone, *every) == b""
    assert restless(store, alice) == set()
    assert asked(phone, *every) == b""
    assert phone.keys == keys_before


def test_what_comes_afterwards_is_told(phone: Phone, store: Store, alice: Actor, deliver: Callable[..., int]) -> None:
    """With the key that was quiet, and again if the answer is lost."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.take(phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(inbox)))))
    assert asked(phone, inbox) == b""
    deliver("one")
    assert restless(store, alice) == {inbox}
    lost = asked(phone, inbox)
    assert lost
    assert asked(phone, inbox) == lost
    phone.sync(inbox)
    assert len(phone.items[inbox]) == 1
    assert asked(phone, inbox) == b""
    assert restless(store, alice) == set()


def test_a_look_that_is_out_of_date_changes_nothing(phone: Phone, store: Store, alice: Actor) -> None:
    """Another request was quicker: its state stands."""
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.take(phone.post("Sync", AirSync.Sync(AirSync.Collections(phone.collection(inbox)))))
    with store.write(alice) as tx:
        device = devices.find(tx, "PHONE1")
        assert device is not None
        state = keys.newest(tx, device, inbox)
        assert state is not None
        keys.settle(tx, device, inbox, phone.keys[inbox], {**state, "base": -1}, {**state, "day": 7})
        keys.settle(tx, device, inbox, "0-1", state, {**state, "day": 7})
        assert keys.newest(tx, device, inbox) == state
        keys.settle(tx, device, inbox, phone.keys[inbox], state, {**state, "day": 7})
        assert keys.newest(tx, device, inbox) == {**state, "day": 7}
