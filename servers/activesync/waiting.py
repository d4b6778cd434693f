"""Devices that wait for a change: on the bus, without a thread or a transaction for each ([MS-ASCMD] §3.1.5.7)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, Final, TypeVar

from servers.activesync.call import Wait
from servers.activesync.wbxml.element import Element
from servers.http.asgi import Receive
from storage.bus import Bus, Subscription

_T = TypeVar("_T")


class Unwatched(Exception):
    """The store cannot be watched at this moment."""


class Waiters:
    """All waiting devices of this process; the newest wait of a device ends the one before it."""

    def __init__(self, bus: Bus, pool: Executor) -> None:
        self._bus: Final = bus
        self._pool: Final = pool
        self._waiting: Final[dict[int, asyncio.Event]] = {}

    async def wait(self, device: int, wait: Wait, receive: Receive) -> Element | None:
        """The answer when something changed, the time is over, or a newer request of the device came."""
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + wait.seconds
        woken, ended = asyncio.Event(), asyncio.Event()
        before = self._waiting.get(device)
        if before is not None:
            before.set()
        self._waiting[device] = ended
        gone = asyncio.ensure_future(_disconnected(receive))

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        subscription: Subscription | None = None
        try:
            # Subscribe first, then look: a change between the two is not missed.
            try:
                subscription = await self._in_thread(lambda: self._bus.subscribe(wait.collections, wake))
            except OSError as error:
                raise Unwatched from error
            while True:
                woken.clear()
                assert subscription is not None
                subscription.take()
                found = await self._in_thread(wait.look)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or ended.is_set() or gone.done():
                    return await self._in_thread(wait.over)
                await _first(woken, ended, gone, left)
        finally:
            gone.cancel()
            if self._waiting.get(device) is ended:
                del self._waiting[device]
            if subscription is not None:
                subscription.close()

    async def _in_thread(self, function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)


async def _first(woken: asyncio.Event, ended: asyncio.Event, gone: asyncio.Future[None], seconds: float) -> None:
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(one.wait()) for one in (woken, ended)]
    try:
        await asyncio.wait([*waits, gone], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


async def _disconnected(receive: Receive) -> None:
    with suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass
