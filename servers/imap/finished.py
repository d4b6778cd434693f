"""Finished answers of messages, as this process last read them: they were made when the messages came, for good.

A message's ENVELOPE and BODYSTRUCTURE never change, and the number of its content is never given to another one. So
what one client was told can be told to the next, or to the same one again, without the database: half of what a FETCH
of a whole mailbox takes. Nothing is looked up by anything but the numbers of a session's own messages.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

MOST_OCTETS: Final = 16 * 1024 * 1024
"""Of a process, all mailboxes together: some 25,000 messages."""
DECODED_OCTETS: Final = 16 * 1024 * 1024
"""The same of parts that are fetched piece by piece; larger ones are decoded for each piece."""
_ENTRY_OCTETS: Final = 140
"""What an entry takes beside its octets."""


class Decoded:
    """The parts that were decoded last, without their transfer encoding, for clients that fetch them piece by piece."""

    def __init__(self, most_octets: int = DECODED_OCTETS) -> None:
        self._most: Final = most_octets
        self._lock: Final = threading.Lock()
        self._held: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._octets = 0

    def of(self, number: int, section: str, decode: Callable[[], bytes]) -> bytes:
        """That part of a message's content; `decode` gives what is not at hand."""
        key = number, section
        with self._lock:
            found = self._held.get(key)
        if found is not None:
            return found
        fresh = decode()
        if len(fresh) > self._most:
            return fresh
        with self._lock:
            self._octets += len(fresh) - len(self._held.pop(key, b""))
            self._held[key] = fresh
            while self._octets > self._most:
                self._octets -= len(self._held.popitem(last=False)[1])
        return fresh


class Finished:
    """By kind of answer and number of a message's content; emptied whole when it is full."""

    def __init__(self, most_octets: int = MOST_OCTETS) -> None:
        self._most: Final = most_octets
        self._lock: Final = threading.Lock()
        self._held: dict[str, dict[int, bytes]] = {}
        self._octets = 0
        self.decoded: Final = Decoded()

    def of(self, what: str, numbers: Sequence[int], read: Callable[[], Mapping[int, bytes]]) -> Sequence[bytes | None]:
        """The answers of these messages in their order, None where one is gone; `read` gives what is not at hand."""
        held = self._held.get(what)
        if held is not None:
            found = list(map(held.get, numbers))
            if None not in found:
                return found
        fresh = read()
        self._keep(what, fresh)
        return list(map(fresh.get, numbers))

    def _keep(self, what: str, fresh: Mapping[int, bytes]) -> None:
        octets = sum(map(len, fresh.values())) + _ENTRY_OCTETS * len(fresh)
        if octets > self._most:
            return
        with self._lock:
            if self._octets + octets > self._most:
                self._held, self._octets = {}, 0
            self._held.setdefault(what, {}).update(fresh)
            self._octets += octets
