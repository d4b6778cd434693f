"""The process `jobs`: texts of documents, large meetings, reminders and notices, the daily purge."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Final, TypeVar

from conf.settings import Settings
from servers import log
from servers.jobs import mail_index
from servers.jobs.extractor import Extractor
from servers.jobs.texts import Texts
from storage import automatic_notices, purge, reminders
from storage.bus import Bus
from storage.errors import Busy
from storage.mail import trash
from storage.patience import once_possible
from storage.scheduling import later, rounds
from storage.sms import agenda as sms_agenda
from storage.store import Limits, Store

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

SETTLE_S: Final = 1.0
"""A client that saves saves often: its documents are read when it has finished."""
LOOK_S: Final = 60.0
"""New spaces come without a change in any folder that is watched."""
PAUSE_S: Final = 5.0
"""After the database was away."""
DAY_S: Final = 86_400.0


def serve(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    log.configure(settings, "jobs")
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: told.append(received))
    kept = Limits(tombstone_days=settings.limits.tombstone_days, version_days=settings.limits.version_days)
    store = Store.open(settings.database_url, settings.blobs_directory, limits=kept)
    if not once_possible(lambda: _begin(store), lambda: bool(told)):
        return
    extractor = Extractor(settings.jobs.extraction_memory_octets, settings.jobs.extraction_timeout_s)
    logger.info("working")
    try:
        Jobs(store, extractor, sms=bool(settings.sms.gateway)).run(lambda: bool(told))
    finally:
        extractor.close()
        store.close()
    logger.info("stopped")


def _begin(store: Store) -> None:
    store.migrate()
    later.revive(store)


class Jobs:
    """The endless loop; `run` ends soon after `stopped` says so."""

    def __init__(self, store: Store, extractor: Extractor, *, sms: bool = False) -> None:
        self._store: Final = store
        self._texts: Final = Texts(store, extractor)
        self._mail_index: Final = mail_index.MailIndex(store)
        self._sms: Final = sms
        self._purged = 0.0

    def run(self, stopped: Callable[[], bool]) -> None:
        """Work, wait for a change, and work again."""
        bus = Bus(self._store)
        try:
            while not stopped():
                try:
                    self._once(bus, stopped)
                except (Busy, OSError) as error:
                    logger.warning("waiting", extra={"reason": type(error).__name__})
                    _pause(PAUSE_S, stopped)
        finally:
            bus.close()

    def _once(self, bus: Bus, stopped: Callable[[], bool]) -> None:
        # Subscribed before the look, so that nothing falls between the two.
        watched = self._texts.folders
        with bus.subscribe(watched) as changes:
            self._tried(self._texts.run)
            self._tried(lambda: self._mail_index.look(stopped))
            self._tried(lambda: self._meetings(stopped))
            if self._texts.folders != watched:
                return  # watch the new ones as well
            self._tried(self._purge)
            pause = self._tried(lambda: self._remind(stopped))
            until = time.monotonic() + (LOOK_S if pause is None else pause)
            while not stopped() and time.monotonic() < until:
                if later.waiting(self._store):
                    return
                if changes.wait(mail_index.LOOK_S):
                    _pause(SETTLE_S, stopped)
                    return
                self._mail_index.look(stopped)

    def _tried(self, work: Callable[[], _T]) -> _T | None:
        """Do one kind of work; a mistake of ours in it costs the others nothing (SYS-17)."""
        try:
            return work()
        except (Busy, OSError):
            raise  # the database is away: everything waits
        except Exception:
            logger.exception("failed")
            return None

    def _meetings(self, stopped: Callable[[], bool]) -> None:
        later.run(self._store, stopped)
        rounds.run(self._store, stopped)

    def _remind(self, stopped: Callable[[], bool]) -> float:
        """Send what is due; gives for how many seconds there is nothing more to do (REM-01, DOC-19)."""
        sent = reminders.run(self._store, stopped, sms=self._sms)
        if sent:
            logger.info("reminded", extra={"reminders": sent})
        told = automatic_notices.run(self._store, stopped)
        if told:
            logger.info("told", extra={"documents": told})
        if self._sms:
            sms_agenda.run(self._store, stopped)
        due = (reminders.next_due(self._store), rounds.next_due(self._store), automatic_notices.next_due(self._store))
        return min([LOOK_S, *(max(0.0, one - time.time()) for one in due if one is not None)])

    def _purge(self) -> None:
        if time.monotonic() - self._purged < DAY_S and self._purged:
            return
        self._purged = time.monotonic()
        gone = purge.run(self._store)
        logger.info("purged", extra=asdict(gone) | {"trash": trash.purge(self._store)})


def _pause(seconds: float, stopped: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stopped() and time.monotonic() < until:
        time.sleep(0.05)
