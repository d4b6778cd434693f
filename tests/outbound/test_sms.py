"""What is queued is handed over while `outbound` runs (SMS-02, REM-13)."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

from servers.outbound.gateway import Gateway
from servers.outbound.looking import Looking
from storage.sms import queue
from storage.store import Store
from storage.types import SITE
from tests.storage import desk


def test_what_is_queued_goes_out(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/desk.sqlite3", tmp_path / "blobs")
    store.migrate()
    desk.furnish(store)
    alice = desk.principal(store, "alice")
    with store.write(SITE) as tx:
        for text in ("one", "two"):
            assert queue.put(tx, alice.id, "alice", "32475123456", text)
    path = tmp_path / "sms.jsonl"
    handing = Looking("sms", partial(queue.run, store, Gateway(f"file://{path}").send), 0.05)
    handing.start()
    try:
        until = time.monotonic() + 15
        while queue.next_due(store) is not None and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        handing.close()
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["one", "two"]
    store.close()
