"""Subscribed calendars are fetched again when it is time, in a thread of their own (CAL-21)."""

from __future__ import annotations

import logging
import threading
from typing import Final

from servers.outbound.fetching import Fetcher, Unreachable
from storage.errors import Busy, StorageError
from storage.overlay import refreshing
from storage.overlay.refreshing import Due, Report
from storage.store import Store

logger = logging.getLogger(__name__)

LOOK_S: Final = 15.0


class Subscriptions:
    """One calendar after the other: a slow server delays other subscriptions, and nothing else."""

    def __init__(self, store: Store, fetcher: Fetcher) -> None:
        self._store: Final = store
        self._fetcher: Final = fetcher
        self._stopped: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="subscriptions", daemon=True)

    def start(self) -> None:
        """Begin; `close` ends it."""
        self._thread.start()

    def close(self) -> None:
        """End after the event that is being written; an unfinished fetch is given up, and done again later."""
        self._stopped.set()
        self._thread.join(2.0)

    def look(self) -> int:
        """Refresh all that is due; how many calendars were asked for.

        Raises:
            Busy: the database is away or taken.
        """
        done = 0
        while not self._stopped.is_set() and (due := refreshing.claim(self._store)) is not None:
            refresh(self._store, self._fetcher, due)
            done += 1
        return done

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.look()
            except (Busy, OSError) as error:
                logger.warning("waiting", extra={"reason": type(error).__name__})
            except Exception:
                logger.exception("a subscription failed")
            self._stopped.wait(LOOK_S)


def refresh(store: Store, fetcher: Fetcher, due: Due) -> Report:
    """Fetch one calendar and write what changed; what goes wrong is remembered with it, and tried again later.

    Raises:
        Busy: the database is away or taken.
    """
    try:
        found = fetcher.fetch(due.url, due.etag, due.last_modified)
        if found.data is None:
            refreshing.unchanged(store, due)
            return Report()
        return refreshing.keep(store, due, found.data, found.etag, found.last_modified)
    except Busy:
        raise
    except (Unreachable, StorageError) as error:
        logger.info("no calendar", extra={"collection": due.number, "reason": str(error)[:200]})
        refreshing.failed(store, due, str(error))
        return Report()
