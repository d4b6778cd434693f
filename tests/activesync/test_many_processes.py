"""Devices whose requests come to several worker processes ([MS-ASCMD] §3.1.5.7, EAS-10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conf.settings import ActiveSync, Settings
from servers.activesync import application
from servers.activesync.app import eas_settings
from servers.activesync.call import EasSettings
from servers.activesync.wbxml.element import Element
from servers.activesync.wbxml.pages import Ping
from storage.activesync import waits
from storage.activesync.devices import find
from storage.bus import Bus
from storage.store import Store
from storage.types import Actor
from tests.activesync.phone import Phone


@pytest.fixture
def workers(url: str, tmp_path: Path, phone: Phone, alice: Actor) -> Iterator[list[Phone]]:
    """The same phone at three processes, each with a store and a bus of its own."""
    stores = [Store.open(url, tmp_path / "blobs") for _ in range(3)]
    settings = EasSettings(heartbeat_min_s=1, shared=True)
    yield [replace(phone, app=application.make(store, settings, lambda *_: alice)) for store in stores]
    for store in stores:
        store.close()


def asked(folder: str) -> Element:
    return Ping.Ping(Ping.HeartbeatInterval(60), Ping.Folders(Ping.Folder(Ping.Id(folder), Ping.Class("Email"))))


async def ended(task: asyncio.Future[object]) -> None:
    await asyncio.wait_for(asyncio.shield(task), 30)


def test_the_newest_ping_ends_those_of_other_processes(
    phone: Phone, workers: list[Phone], deliver: Callable[..., int]
) -> None:
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    query = f"Cmd=Ping&User=alice&DeviceId={phone.device}&DeviceType=Test"

    async def several() -> list[str | None]:
        waiting = []
        for one in workers:
            waiting.append(asyncio.ensure_future(one.send("POST", query, asked(inbox))))
            for before in waiting[:-1]:
                await ended(before)
            await asyncio.sleep(0.3)
            assert not waiting[-1].done()
        await asyncio.to_thread(deliver, "news")
        return [(await one).document.text_of(Ping.Status) for one in waiting]

    assert asyncio.run(several()) == ["1", "1", "2"]


def test_of_requests_at_once_one_waits_on(phone: Phone, workers: list[Phone]) -> None:
    phone.folder_sync()
    inbox = phone.folder("INBOX")
    phone.sync(inbox)
    query = f"Cmd=Ping&User=alice&DeviceId={phone.device}&DeviceType=Test"

    async def several() -> None:
        leaves = asyncio.Event()
        both = [workers[0], workers[1], workers[2], workers[0], workers[1], workers[2]]
        waiting = [asyncio.ensure_future(one.send("POST", query, asked(inbox), leaves)) for one in both]
        left = set(waiting)
        while len(left) > 1:
            done, left = await asyncio.wait(left, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            assert done
        await asyncio.sleep(0.5)
        assert len([one for one in waiting if not one.done()]) == 1
        leaves.set()
        await asyncio.gather(*waiting)

    asyncio.run(several())


def test_the_bus_tells_of_a_device(store: Store, phone: Phone, alice: Actor) -> None:
    phone.folder_sync()
    with store.read(alice) as tx:
        device = find(tx, phone.device)
    assert device is not None
    bus = Bus(store)
    with bus.subscribe([waits.topic(device)]) as subscription:
        with store.write(alice) as tx:
            number = waits.begin(tx, device)
        assert subscription.wait(30) == {waits.topic(device)}
        with store.read(alice) as tx:
            assert waits.newest(tx, device) == number
    bus.close()


def test_waits_are_counted_where_there_are_several_workers() -> None:
    """One worker alone knows of all of them, and writes nothing."""
    for workers in (1, 2):
        settings = eas_settings(Settings(domain="example.test", activesync=ActiveSync(workers=workers)))
        assert settings.shared is (workers > 1)
