"""Units of several connections that one thread carries out together, one batch after the other.

What comes while a batch is worked on is the next one: nobody waits for company, and under load a batch grows. Its
threads do not take the interpreter from one another, and what it writes can be one transaction.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from servers.line.session import Reply, Run

log = logging.getLogger(__name__)

MOST: Final = 32
"""Units of one batch: the first of them waits for the last."""

Done = Callable[[Reply | Exception | None], None]
"""Takes what `Run` gives for one unit."""

_One = tuple[Any, Any, Done]
"""Session, unit, and who takes the answer."""
_MOMENT_S: Final = 0.0001


class Joint:
    """What one process does together by one function; all methods but `_work` and `_units` run in the loop."""

    def __init__(self, reactor: Any, pool: Any, run: Run) -> None:
        self._reactor: Final = reactor
        self._pool: Final = pool
        self._run: Final = run
        self._waiting: Final[deque[_One]] = deque()
        self._under_way = False
        self._company = False
        """There was more than one in the last batch."""

    def add(self, session: Any, unit: Any, done: Done) -> None:
        """Let a unit be carried out with others; `done` is called in the loop."""
        self._waiting.append((session, unit, done))
        if not self._under_way:
            # What this turn of the loop still brings goes along.
            self._under_way = True
            self._reactor.callLater(0, self._begin)

    def _begin(self) -> None:
        self._pool.callInThread(self._work)

    def _work(self) -> None:
        batch: list[_One] = []
        found: Sequence[Reply | Exception | None]
        try:
            found = self._run(self._units(batch))
        except Exception as error:
            found = [error] * len(batch)
        self._company = len(batch) > 1
        self._reactor.callFromThread(self._ended, batch, found)

    def _units(self, batch: list[_One]) -> Iterator[tuple[Any, Any]]:
        """Those that wait, and those that come while these are taken; in the thread."""
        looked = not self._company
        while len(batch) < MOST:
            if self._waiting:
                batch.append(self._waiting.popleft())
                yield batch[-1][:2]
                looked = not self._company
            elif looked:
                return
            else:
                time.sleep(_MOMENT_S)  # lets the loop have the interpreter
                looked = True

    def _ended(self, batch: Sequence[_One], found: Sequence[Reply | Exception | None]) -> None:
        if self._waiting:  # the thread works while the loop writes
            self._begin()
        else:
            self._under_way = False
        for (_, _, done), one in zip(batch, found, strict=True):
            try:
                done(one)
            except Exception:
                log.exception("answer failed")
