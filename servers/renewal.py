"""A renewed certificate of [tls] is taken over by an HTTP process without a restart (SYS-05).

granian's workers read it when they begin. So when its files change, new workers begin, and the old ones finish what is
under way. The line protocols read it at each connection (servers/certificate.py).
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

LOOK_S: Final = 30.0
"""So soon it is seen; who renews certificates does it weeks before they end."""


def watch(server: Any, certificate: Path, key: Path, every_s: float) -> None:
    """Look after both files for as long as the process runs, in a thread of its own."""
    files = certificate, key
    threading.Thread(target=_look, args=(server, files, every_s), name="certificate", daemon=True).start()


def _look(server: Any, files: tuple[Path, Path], every_s: float) -> None:
    from granian.constants import SSLProtocols

    known = _stamps(files)
    told = known
    while True:
        time.sleep(every_s)
        now = known
        try:
            now = _stamps(files)
            if now == known:
                continue
            # It also follows links anew: certbot's lead to another file then.
            server.build_ssl_context(*files, None, SSLProtocols.tls12, None, [], False)
        except OSError as error:  # SSLError too: half-written or gone, and the old one goes on
            if now != told:
                log.warning("certificate", extra={"reason": str(error)[:200]})
            told = now
            continue
        known = told = now
        log.info("certificate renewed", extra={"file": str(files[0])})
        server.signal_handler_reload()


def _stamps(files: tuple[Path, Path]) -> tuple[tuple[int, int], ...]:
    found = (file.stat() for file in files)
    return tuple((one.st_mtime_ns, one.st_ino) for one in found)
