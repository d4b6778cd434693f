"""What a store's process gathers and writes together, within about a second, so that nobody waits for it.

Where little comes, some of it may be written at once.

What was gathered last is written when the store is closed. A process that is killed loses it: this is for counters and
marks, not for people's data.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

import sqlalchemy as sa

from storage.errors import Busy
from storage.store import Store, Transaction
from storage.types import SITE

log = logging.getLogger(__name__)

DELAY_S: Final = 1.0
AT_ONCE: Final = 200
"""Values of one transaction: who writes something else does not wait for thousands of them."""
_V = TypeVar("_V")


class _Waiting(Generic[_V]):
    """What one store's process has not written yet."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.values: dict[int, _V] = {}
        self.written: dict[int, _V] = {}
        """What is being written at this moment."""
        self.timer: threading.Timer | None = None
        self.credit = 0.0
        self.credited = float("-inf")
        self.turn = threading.Lock()
        """Held while they are written: who closes the store waits for a timer that is at it."""


class Gathering(Generic[_V]):
    """One kind of such values, by the id of what they belong to."""

    def __init__(
        self,
        name: str,
        merge: Callable[[_V, _V], _V],
        write: Callable[[Transaction, Mapping[int, _V]], None],
        *,
        prompt: int = 0,
    ) -> None:
        """`merge` makes one value of the one that waits and another; `write` is the transaction.

        So many transactions as `prompt` are made at once, and one more in each second after them, before values wait.
        """
        self._name: Final = name
        self._prompt: Final = prompt
        self._merge: Final = merge
        self._write: Final = write
        self._stores: Final[weakref.WeakKeyDictionary[Store, _Waiting[_V]]] = weakref.WeakKeyDictionary()
        self._guard: Final = threading.Lock()

    def add(self, store: Store, key: int, value: _V) -> None:
        """Gather a value."""
        waiting = self._of(store)
        with waiting.guard:
            before = waiting.values.get(key)
            waiting.values[key] = value if before is None else self._merge(before, value)
            if waiting.timer is None:
                waiting.timer = threading.Timer(self._delay(waiting), self.settle, (store,))
                waiting.timer.daemon = True
                waiting.timer.start()

    def known(self, store: Store, key: int) -> _V | None:
        """What of this key may not be in the database yet."""
        waiting = self._of(store)
        with waiting.guard:
            found = waiting.values.get(key)
            return waiting.written.get(key) if found is None else found

    def flush(self, store: Store) -> None:
        """Write what was gathered, now."""
        waiting = self._of(store)
        with waiting.turn:
            with waiting.guard:
                waiting.written, waiting.values = waiting.values, {}
                timer, waiting.timer = waiting.timer, None
            if timer is not None:
                timer.cancel()
            values = list(waiting.written.items())
            for start in range(0, len(values), AT_ONCE):
                with store.write(SITE) as tx:
                    self._write(tx, dict(values[start : start + AT_ONCE]))

    def settle(self, store: Store) -> None:
        """Write what was gathered, if there is something; where that cannot be done now, it is lost."""
        try:
            if self._waits(store):
                self.flush(store)
        except (Busy, sa.exc.SQLAlchemyError):
            log.info("not gathered", extra={"what": self._name})

    def _waits(self, store: Store) -> bool:
        """Whether something is to be written, or being written."""
        waiting = self._of(store)
        with waiting.guard:
            return bool(waiting.values) or waiting.turn.locked()

    def _delay(self, waiting: _Waiting[_V]) -> float:
        """Seconds until the next writing: none while few values come."""
        now = time.monotonic()
        waiting.credit = min(self._prompt, waiting.credit + now - waiting.credited)
        waiting.credited = now
        if waiting.credit < 1:
            return DELAY_S
        waiting.credit -= 1
        return 0.0

    def _of(self, store: Store) -> _Waiting[_V]:
        with self._guard:
            found = self._stores.get(store)
            if found is None:
                found = self._stores[store] = _Waiting()
                store.before_close(self.settle)
            return found
