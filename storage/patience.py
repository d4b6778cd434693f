"""What a process without a port does at its start when the database is away: it waits, as the others do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from storage.store import is_passing

log = logging.getLogger(__name__)

PAUSE_S: Final = 5.0


def once_possible(work: Callable[[], object], stopped: Callable[[], bool]) -> bool:
    """Do `work` as soon as database and machine let it; False if it was told to stop before."""
    while not stopped():
        try:
            work()
            return True
        except Exception as error:
            if not is_passing(error):
                raise
            reason = error.__cause__ or error
            log.warning("waiting", extra={"reason": (str(reason).splitlines() or [type(reason).__name__])[0]})
        until = time.monotonic() + PAUSE_S
        while not stopped() and time.monotonic() < until:
            time.sleep(0.05)
    return False
