"""kill -9 amid Syncs, on both engines: phones and desk agree in the end, nothing doubled or lost (EAS-04, SYS-06)."""

from __future__ import annotations

import random
import threading
from collections import Counter
from email import message_from_bytes
from typing import Final

import pytest
import sqlalchemy as sa

from servers.activesync.wbxml.pages import Email
from storage import collections as tree
from storage import items
from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE, SpaceKind
from tests.activesync.owner import Owner, shown
from tests.activesync.wired_phone import WiredPhone
from tests.interop.desk import PASSWORDS, Desk

KILLS: Final = 6
SYNCS: Final = 40
"""Of all phones together, between two kills."""

pytestmark = pytest.mark.slow


def there(desk: Desk) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """The contacts of alice (first name and title), and the subjects of the mails in the queue."""
    store = Store.open(desk.database_url or f"sqlite:///{desk.data}/desk.sqlite3", desk.data / "blobs")
    contacts: Counter[tuple[str, str]] = Counter()
    with store.read(SITE) as tx:
        book = tree.find(tx, SpaceKind.PRIVATE, "alice", "contacts")
        names = [row.name for row in items.rows(tx, book)]
        for item in items.many(tx, book, names).values():
            lines = dict(line.split(":", 1) for line in (item.body or b"").decode().split("\r\n") if ":" in line)
            contacts[lines["N"].split(";")[1], lines.get("TITLE", "")] += 1
        bodies = tx.db.execute(sa.select(outbound.messages.c.body)).scalars().all()
    store.close()
    return contacts, Counter(str(message_from_bytes(body)["subject"]) for body in bodies)


def start(desk: Desk, owners: list[Owner]) -> None:
    desk.start("activesync")
    for owner in owners:
        assert isinstance(owner.phone, WiredPhone)
        owner.phone.root = str(desk.endpoints["activesync"]["url"]).rstrip("/")


def test_kill_amid_syncs(own_desk: Desk) -> None:
    owners = [
        Owner(WiredPhone(None, "alice", PASSWORDS["alice"], f"KILL{name}", window=7), name, random.Random(name))  # type: ignore[arg-type]
        for name in ("a", "b", "c")
    ]
    start(own_desk, owners)
    for owner in owners:
        owner.phone.folder_sync()
        owner.book = next(number for number, (_, kind) in owner.phone.folders.items() if kind == 9)
        owner.sent_items = next(number for number, (_, kind) in owner.phone.folders.items() if kind == 5)
        owner.exchange()
    for _ in range(KILLS):
        stop, goal = threading.Event(), sum(owner.syncs for owner in owners) + SYNCS
        threads = [threading.Thread(target=owner.run, args=(stop,)) for owner in owners]
        for thread in threads:
            thread.start()
        while sum(owner.syncs for owner in owners) < goal and any(thread.is_alive() for thread in threads):
            threads[0].join(0.002)
        own_desk.kill()
        stop.set()
        for thread in threads:
            thread.join()
        assert [owner.wrong for owner in owners] == [""] * len(owners), own_desk.log()
        start(own_desk, owners)
    for owner in [*owners, *owners]:  # what the last one says, the first one has to hear of
        owner.settle()
    wanted = Counter((first, title) for owner in owners for first, title in owner.contacts.items())
    contacts, mails = there(own_desk)
    assert contacts == wanted
    for owner in owners:
        assert shown(owner) == wanted
    sent = {f"{owner.name}-mail-{number + 1}" for owner in owners for number in range(owner.mails)}
    assert mails == Counter(dict.fromkeys(sent, 1))
    reader = owners[0].phone
    reader.sync(owners[0].sent_items)
    kept = Counter(one.text_of(Email.Subject) for one in reader.items[owners[0].sent_items].values())
    assert kept == mails
    assert sum(mails.values()) > 0
    own_desk.stop()
    own_desk.cli("check")
