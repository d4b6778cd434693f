"""Devices that wait for a change: on the bus, without a thread or a transaction for each ([MS-ASCMD] §3.1.5.7)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from servers.activesync.call import Wait
from servers.activesync.wbxml.element import Element
from servers.http.asgi import Receive
from storage.bus import Bus, Subscription
from storage.types import CollectionId

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Turn:
    """A device's place among its waiting requests, where other processes serve it too."""

    number: int
    """The greatest is the newest."""
    topic: CollectionId
    """What the bus tells of its newer ones by."""
    is_over: Callable[[], bool]
    """Whether there is a newer one; called in a thread."""


class Unwatched(Exception):
    """The store cannot be watched at this moment."""


class Waiters:
    """All waiting devices of this process; the newest wait of a device ends those before it, here and elsewhere."""

    def __init__(self, bus: Bus, pool: Executor) -> None:
        self._bus: Final = bus
        self._pool: Final = pool
        self._waiting: Final[dict[int, tuple[int, asyncio.Event]]] = {}
        self._numbers: Final = itertools.count()

    async def wait(
        self, device: int, wait: Wait, receive: Receive, begin: Callable[[], Turn] | None = None
    ) -> Element | None:
        """The answer when something changed, the time is over, or a newer request of the device came.

        `begin` makes it the newest for other processes, and is called in a thread.
        """
        loop = asyncio.get_running_loop()
        deadline = time.monotonic() + wait.seconds
        woken, ended = asyncio.Event(), asyncio.Event()
        gone = asyncio.ensure_future(_disconnected(receive))

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        subscription: Subscription | None = None
        number = -1
        try:
            turn = None if begin is None else await self._in_thread(begin)
            number = next(self._numbers) if turn is None else turn.number
            self._take_turn(device, number, ended)
            watched = set(wait.collections) | (set() if turn is None else {turn.topic})
            # Subscribe first, then look: a change between the two is not missed.
            try:
                subscription = await self._in_thread(lambda: self._bus.subscribe(watched, wake))
            except OSError as error:
                raise Unwatched from error
            first = True
            while True:
                woken.clear()
                assert subscription is not None
                told = subscription.take()
                if turn is not None and (first or turn.topic in told) and await self._in_thread(turn.is_over):
                    ended.set()
                first = False
                found = await self._in_thread(wait.look)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or ended.is_set() or gone.done():
                    return await self._in_thread(wait.over)
                await _first(woken, ended, gone, left)
        finally:
            gone.cancel()
            if self._waiting.get(device) == (number, ended):
                del self._waiting[device]
            if subscription is not None:
                subscription.close()

    def _take_turn(self, device: int, number: int, ended: asyncio.Event) -> None:
        """End the one that is older, which may be the one that comes."""
        before = self._waiting.get(device)
        if before is not None and before[0] > number:
            ended.set()
            return
        if before is not None:
            before[1].set()
        self._waiting[device] = number, ended

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
