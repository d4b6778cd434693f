"""A worker as a process of its own, to be killed: `python worker_process.py DATABASE BLOBS OPTIONS-AS-JSON`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from servers.outbound.app import make
from servers.outbound.options import Options
from storage.store import Store


def main() -> None:
    """Deliver until SIGTERM."""
    database, blobs, given = sys.argv[1:4]
    values = json.loads(given)
    values |= {"domains": frozenset(values["domains"]), "resolvers": tuple(values["resolvers"])}
    store = Store.open(database, Path(blobs))
    worker = make(store, Options(**values), None)
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop())
    print("working", flush=True)
    worker.run()


if __name__ == "__main__":
    main()
