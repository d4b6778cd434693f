"""kill -9 amid invitations, on both engines: who is invited has his copy and his mail, once, or there is no meeting (MTG-04, SYS-06)."""

from __future__ import annotations

import http.client
import random
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, Final

import pytest
import sqlalchemy as sa

from storage.outbound import tables as outbound
from storage.store import Store
from storage.types import SITE
from tests.interop import objects
from tests.interop.desk import Desk, calendar
from tests.interop.wire import Wire

KILLS: Final = 8
MEETINGS: Final = 160
WRITERS: Final = 3
GONE: Final = (http.client.HTTPException, OSError)
DATA: Final = "{urn:ietf:params:xml:ns:caldav}calendar-data"
PEOPLE: Final = (
    "ORGANIZER:mailto:alice@example.test",
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test",
    "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:bob@example.test",
    "ATTENDEE;RSVP=TRUE;PARTSTAT=NEEDS-ACTION:mailto:eve@far.test",
)

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Ledger:
    """What was acknowledged, and what was under way when the line broke."""

    made: set[str] = field(default_factory=set)
    called_off: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def write(root: str, path: str, ledger: Ledger, lane: str, stop: threading.Event) -> None:
    """Make meetings, and call some of them off."""
    chance, mine = random.Random(lane), []
    with Wire(root, "alice") as wire:
        for number in range(1_000):
            if stop.is_set():
                return
            away = bool(mine) and chance.random() < 0.25
            uid = mine.pop() if away else f"{lane}-{number}"
            body = objects.event(uid, f"Meeting {uid}", "20300316T090000Z", "20300316T100000Z", *PEOPLE)
            try:
                status = wire(*(("DELETE", f"{path}{uid}.ics") if away else ("PUT", f"{path}{uid}.ics", body))).status
            except GONE:
                with ledger.lock:
                    ledger.unsure.add(uid)
                return
            assert status in (201, 204), status
            with ledger.lock:
                (ledger.called_off if away else ledger.made).add(uid)
            if not away:
                mine.append(uid)


def meetings(wire: Wire, path: str) -> dict[str, str]:
    """UID and text of what a calendar holds and is not cancelled."""
    query = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop>'
        '<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    )
    texts = [one.text(DATA) for one in wire("REPORT", path, query, {"Depth": "1"}).responses().values()]
    alive = [text for text in texts if "STATUS:CANCELLED" not in text]
    return {re.search(r"UID:(\S+)", text).group(1): text for text in alive}  # type: ignore[union-attr]


def mails(desk: Desk) -> Counter[tuple[str, str]]:
    """How many messages of each method and UID were sent to people outside; bob is told in plain text."""
    store = Store.open(desk.database_url or f"sqlite:///{desk.data}/desk.sqlite3", desk.data / "blobs")
    with store.read(SITE) as tx:
        bodies = tx.db.execute(sa.select(outbound.messages.c.body)).scalars().all()
    store.close()
    found: Counter[tuple[str, str]] = Counter()
    for body in bodies:
        message: Any = message_from_bytes(body, policy=policy.default)
        if not message.is_multipart():
            assert message.get_content_type() == "text/plain"
            continue
        part = next(one for one in message.walk() if one.get_content_type() == "text/calendar")
        text = part.get_content()
        text = text if isinstance(text, str) else text.decode()
        found[part["Content-Type"].params["method"].upper(), re.search(r"UID:(\S+)", text).group(1)] += 1  # type: ignore[union-attr]
    return found


def test_kill_amid_invitations(own_desk: Desk) -> None:
    own_desk.add_user("bob")
    path, ledger = calendar("alice"), Ledger()
    own_desk.start("caldav")
    for turn in range(KILLS):
        stop, goal = threading.Event(), (turn + 1) * MEETINGS // KILLS
        threads = [
            threading.Thread(target=write, args=(own_desk.caldav, path, ledger, f"t{turn}w{number}", stop))
            for number in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while len(ledger.made) < goal and any(thread.is_alive() for thread in threads):
            threads[0].join(0.002)
        own_desk.kill()
        stop.set()
        for thread in threads:
            thread.join()
        assert len(ledger.made) >= goal, own_desk.log()
        own_desk.start("caldav")
        with Wire(own_desk.caldav, "alice") as alice, Wire(own_desk.caldav, "bob") as bob:
            hers, his = meetings(alice, path), meetings(bob, calendar("bob"))
        assert hers.keys() == his.keys()
        wanted = ledger.made - ledger.called_off
        assert wanted - ledger.unsure <= hers.keys() <= wanted | ledger.unsure
        sent = mails(own_desk)
        assert set(sent.values()) <= {1}
        for uid in ledger.made | ledger.unsure:
            invited, cancelled = sent["REQUEST", uid], sent["CANCEL", uid]
            if uid in hers:
                assert (invited, cancelled) == (1, 0), uid
            elif uid in ledger.called_off - ledger.unsure:
                assert (invited, cancelled) == (1, 1), uid
            else:  # never made, or called off in the last moment
                assert (invited, cancelled) in ((0, 0), (1, 1)), uid
    own_desk.stop()
    own_desk.cli("check")
