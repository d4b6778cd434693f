"""Work beside the mail queue: looked for every so often, in a thread of its own; neither waits for the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from storage.errors import Busy

logger = logging.getLogger(__name__)

_LEAVE_S: Final = 2.0


class Looking:
    """Calls `look(stopped)` every `pause_s` seconds until `close`; what goes wrong is logged, and tried again."""

    def __init__(self, name: str, look: Callable[[Callable[[], bool]], object], pause_s: float) -> None:
        self._name: Final = name
        self._look: Final = look
        self._pause_s: Final = pause_s
        self._stopped: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; `close` ends it."""
        self._thread.start()

    def close(self) -> None:
        """End soon; what a server far away is still asked for is given up, and done again later."""
        self._stopped.set()
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._look(self._stopped.is_set)
            except (Busy, OSError) as error:
                logger.warning("waiting", extra={"work": self._name, "reason": type(error).__name__})
            except Exception:
                logger.exception("failed", extra={"work": self._name})
            self._stopped.wait(self._pause_s)
