"""Units of several connections that one thread carries out together, one batch after the other.

What comes while a batch is worked on is the next one: nobody waits for company, and under load a batch grows. Its
threads do not take the interpreter from one another, and what it writes can be one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from servers.line.session import Reply, Run

log = logging.getLogger(__name__)

MOST: Final = 32
"""Units of one batch: the first of them waits for the last."""

Done = Callable[[Reply | Exception | None], None]
"""Takes what `Run` gives for one unit."""


class Joint:
    """What one process does together by one function; all methods but `_work` run in the loop."""

    def __init__(self, reactor: Any, pool: Any, run: Run) -> None:
        self._reactor: Final = reactor
        self._pool: Final = pool
        self._run_all: Final = run
        self._waiting: list[tuple[Any, Any, Done]] = []
        self._under_way = False

    def add(self, session: Any, unit: Any, done: Done) -> None:
        """Let a unit be carried out with others; `done` is called in the loop."""
        self._waiting.append((session, unit, done))
        if not self._under_way:
            # What this turn of the loop still brings goes along.
            self._under_way = True
            self._reactor.callLater(0, self._begin)

    def _begin(self) -> None:
        batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        self._pool.callInThread(self._work, batch)

    def _work(self, batch: Sequence[tuple[Any, Any, Done]]) -> None:
        found: Sequence[Reply | Exception | None]
        try:
            found = self._run_all([(session, unit) for session, unit, _ in batch])
        except Exception as error:
            found = [error] * len(batch)
        self._reactor.callFromThread(self._ended, batch, found)

    def _ended(self, batch: Sequence[tuple[Any, Any, Done]], found: Sequence[Reply | Exception | None]) -> None:
        if self._waiting:  # the thread works while the loop writes
            self._begin()
        else:
            self._under_way = False
        for (_, _, done), one in zip(batch, found, strict=True):
            try:
                done(one)
            except Exception:
                log.exception("answer failed")
