"""The mark of what changed lately is by the window of who reads (ACC-05, ACC-06)."""

from __future__ import annotations

import time

import pytest

from servers.dav.names import ESCRITOIRE
from storage import preferences
from storage.store import Store
from storage.types import SITE
from tests.carddav import desk
from tests.carddav.desk import BOOK, Client
from tests.storage.desk import principal

RECENT = f"{ESCRITOIRE}recent"


def test_the_mark_follows_the_preference(store: Store, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.put(alice, f"{BOOK}ada.vcf", desk.card("ada"))
    who = principal(store, "alice")

    def mark(depth: str = "1") -> str:
        return list(alice.propfind(BOOK, RECENT, depth=depth).xml.iter(RECENT))[-1].text or ""

    assert mark() == "1"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 6 * 86_400)
    assert mark() == "0"
    for days, shown in (("7", "1"), ("0", "0"), ("", "0")):
        with store.write(SITE) as tx:
            preferences.choose(tx, who, "recent_days", days)
        assert mark() == shown
