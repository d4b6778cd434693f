"""When the texts of mails are indexed: soon after they came, and not while more of them come (MSG-46)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from storage.mail import indexing
from storage.store import Store

LOOK_S: Final = 0.25
"""How often to look; nothing came between two looks: then it is time."""
WAIT_S: Final = 3.0
"""Where mails come without a pause, they are indexed after this time all the same, from then on as they come."""
MOST_S: Final = 2.0
"""Of one look: reminders and meetings do not wait for a large import."""


class MailIndex:
    """Looks at what waits; delivery is not disturbed by the index of what it has just brought."""

    def __init__(self, store: Store) -> None:
        self._store: Final = store
        self._tidy: Final = indexing.Tidy(store)
        self._newest: int | None = None
        self._since = 0.0

    def look(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Index what waits if nothing came since the last look, or for `WAIT_S` seconds; how many mails.

        Where nothing waits, what deletions left in the index is merged.

        Raises:
            Busy: the database is away or taken; try again.
        """
        until = time.monotonic() + MOST_S
        newest = indexing.newest(self._store)
        known, self._newest = self._newest, newest
        if newest is None:
            self._tidy.run(lambda: stopped() or time.monotonic() > until)
            return 0
        now = time.monotonic()
        if known is None:
            self._since = now
        if newest != known and now - self._since < WAIT_S:
            return 0
        return indexing.run(self._store, lambda: stopped() or time.monotonic() > until)
