"""Subscribed calendars are fetched again when it is time (CAL-21)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from servers.outbound.fetching import Fetcher, Unreachable
from storage.errors import Busy, StorageError
from storage.overlay import refreshing
from storage.overlay.refreshing import Due, Report
from storage.store import Store

logger = logging.getLogger(__name__)

LOOK_S: Final = 15.0


def look(store: Store, fetcher: Fetcher, stopped: Callable[[], bool] = lambda: False) -> int:
    """Refresh all that is due, one after the other; how many calendars were asked for.

    Raises:
        Busy: the database is away or taken.
    """
    done = 0
    while not stopped() and (due := refreshing.claim(store)) is not None:
        refresh(store, fetcher, due)
        done += 1
    return done


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
