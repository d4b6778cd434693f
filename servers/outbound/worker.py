"""The endless loop: waits for the bell or for the next attempt's time, leases what is due, and has it delivered."""

from __future__ import annotations

import logging
import queue as queues
import secrets
import socket
import threading
import time
from typing import Final

from servers.outbound.delivery import Delivery
from servers.outbound.options import Options
from storage.bus import Bus, Subscription
from storage.errors import Busy
from storage.outbound import queue
from storage.outbound.bell import BELL
from storage.outbound.types import Lease
from storage.store import Store
from storage.types import SITE

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""Should a bell be missed, and the clock of another machine be wrong."""
PAUSE_S: Final = 5.0
"""After the database was away."""
PATIENCE_S: Final = 8.0
"""What is under way when the end comes may end itself; what does not is leased until its time is over."""


class Worker:
    """One process's worker with its threads. `run` returns soon after `stop`."""

    def __init__(self, store: Store, options: Options, delivery: Delivery) -> None:
        self._store: Final = store
        self._options: Final = options
        self._delivery: Final = delivery
        self._name: Final = f"{socket.gethostname()[:60]}-{secrets.token_hex(4)}"
        self._awake: Final = threading.Event()
        self._stopped = False
        self._lock: Final = threading.Lock()
        self._running: dict[str, Lease] = {}
        self._work: Final[queues.SimpleQueue[Lease | None]] = queues.SimpleQueue()
        self._renewed = time.monotonic()

    def stop(self) -> None:
        """Begin no further delivery; may be called in a signal's handler."""
        self._stopped = True
        self._awake.set()

    def run(self) -> None:
        """Deliver until `stop`."""
        # Daemons: a server that dawdles must not keep the process; the lease brings its mail back.
        threads = [
            threading.Thread(target=self._deliver, name=f"deliver-{number}", daemon=True)
            for number in range(self._options.threads)
        ]
        for thread in threads:
            thread.start()
        while not self._stopped:
            bus = Bus(self._store)
            try:
                with bus.subscribe({BELL}, self._awake.set) as rung:
                    self._serve(rung)
            except (Busy, OSError) as error:
                log.warning("waiting", extra={"reason": type(error).__name__})
                self._rest(PAUSE_S)
            except Exception:
                # Whatever it is, deliveries are under way in this process: it goes on.
                log.exception("loop failed")
                self._rest(PAUSE_S)
            finally:
                bus.close()
        for _ in threads:
            self._work.put(None)
        until = time.monotonic() + PATIENCE_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _serve(self, rung: Subscription) -> None:
        while not self._stopped:
            self._awake.clear()
            rung.take()
            self._renew()
            pause = LOOK_S
            free = self._options.threads - len(self._running)
            if free > 0:
                leases = self._lease(free)
                for one in leases:
                    self._begin(one)
                pause = 0.0 if len(leases) == free else self._until_due()
            self._rest(min(pause, LOOK_S) if free > 0 else LOOK_S)

    def _lease(self, free: int) -> list[Lease]:
        now = time.time()
        with self._store.read(SITE) as tx:  # most looks find nothing, and a reader disturbs nobody
            if not queue.any_due(tx, now):
                return []
        with self._store.write(SITE) as tx:
            return queue.lease(
                tx,
                self._name,
                now,
                free,
                per_destination=self._options.per_destination,
                together=self._options.smarthost is not None,
                apart=self._options.domains,
            )

    def _until_due(self) -> float:
        with self._store.read(SITE) as tx:
            due = queue.next_due(tx, tx.now)
            return LOOK_S if due is None else max(0.05, due - tx.now)

    def _renew(self) -> None:
        """Keep what takes long; its thread is alive, as this one is."""
        if time.monotonic() - self._renewed < queue.LEASE_S / 4:
            return
        self._renewed = time.monotonic()
        with self._lock:
            running = list(self._running.values())
        if running:
            with self._store.write(SITE) as tx:
                queue.renew(tx, running, time.time() + queue.LEASE_S)

    def _begin(self, lease: Lease) -> None:
        with self._lock:
            self._running[lease.token] = lease
        self._work.put(lease)

    def _deliver(self) -> None:
        while (lease := self._work.get()) is not None:
            try:
                self._delivery.run(lease)
            finally:
                with self._lock:
                    del self._running[lease.token]
                self._awake.set()

    def _rest(self, seconds: float) -> None:
        if not self._stopped:
            self._awake.wait(seconds)
