"""`kill -9` in the middle of deliveries and moves: nothing acknowledged is lost, nothing is there twice (SMTP-08).

`make kill` is the long version.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import random
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.interop.desk import PASSWORDS, Desk

ROUNDS = int(os.environ.get("ROUNDS", "3"))
MAILS = int(os.environ.get("MAILS", "20"))
"""Acknowledged before a kill, half as many more or fewer."""
_LANE = 10_000
_SERVED = ("imap", "smtp", "jobs")


@pytest.fixture
def own(own_desk: Desk) -> Desk:
    own_desk.start(*_SERVED)
    return own_desk


def opened(desk: Desk) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", int(desk.endpoints["imap"]["port"]), timeout=120)
    client.login("alice", PASSWORDS["alice"])
    return client


def deliver(desk: Desk, first: int, sent: set[int], acknowledged: set[int], stop: threading.Event) -> None:
    """Send numbered mails over LMTP until the server dies; note what was begun and what was acknowledged."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        client = smtplib.LMTP("127.0.0.1", int(desk.endpoints["lmtp"]["port"]), timeout=30)
        for number in range(first, first + _LANE):
            if stop.is_set():
                break
            sent.add(number)
            text = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: <{number}@kill>\r\n\r\n"
            client.sendmail("a@b.example", ["alice@example.test"], text + "x" * (number % 7 * 12_000))
            acknowledged.add(number)
        client.close()


def move(desk: Desk, stop: threading.Event) -> None:
    """Move mails from the INBOX to Kept, as fast as they come."""
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        client = opened(desk)
        with contextlib.closing(client.socket()):
            while not stop.is_set():
                client.select("INBOX")
                client.uid("MOVE", "1:*", "Kept")


def listed(client: imaplib.IMAP4, name: str) -> Iterator[tuple[int, int]]:
    """UID and number of each mail."""
    client.select(name, readonly=True)
    _, answer = client.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    for one in answer:
        if isinstance(one, tuple):
            yield int(one[0].split(b"UID ")[1].split()[0]), int(one[1].split(b":")[1])


def test_nothing_is_lost_and_nothing_doubled(own: Desk) -> None:
    client = opened(own)
    client.create("Kept")
    client.logout()
    sent: set[int] = set()
    acknowledged: set[int] = set()
    highest: dict[str, int] = {}
    uids: dict[tuple[str, int], int] = {}
    for number in range(ROUNDS):
        stop = threading.Event()
        workers = [
            threading.Thread(target=deliver, args=(own, (2 * number + lane) * _LANE, sent, acknowledged, stop))
            for lane in (0, 1)
        ]
        workers.append(threading.Thread(target=move, args=(own, stop)))
        for worker in workers:
            worker.start()
        enough = len(acknowledged) + random.randrange(MAILS // 2, MAILS * 3 // 2 + 1)
        end = time.monotonic() + 120
        while len(acknowledged) < enough and time.monotonic() < end:
            time.sleep(0.002)
        own.kill()
        stop.set()
        for worker in workers:
            worker.join()
        own.start(*_SERVED)
        found: Counter[int] = Counter()
        client = opened(own)
        for name in ("INBOX", "Kept"):
            for uid, subject in listed(client, name):
                found[subject] += 1
                assert uids.setdefault((name, uid), subject) == subject
            _, answer = client.status(name, "(UIDNEXT HIGHESTMODSEQ)")
            numbers = [int(word) for word in answer[0].decode().replace(")", "").split() if word.isdigit()]
            for key, value in zip((f"{name} uid", f"{name} modseq"), numbers, strict=True):
                assert value >= highest.get(key, 0), key
                highest[key] = value
        client.logout()
        assert acknowledged <= set(found)
        assert set(found) <= sent
        assert max(found.values()) == 1
    assert len(acknowledged) >= ROUNDS * MAILS // 2
    print(f"{len(acknowledged)} acknowledged of {len(sent)} sent, {ROUNDS} kills")
    own.cli("check")
