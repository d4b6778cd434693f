"""`kill -9` in the middle of deliveries and moves: nothing acknowledged is lost, nothing is there twice (SMTP-08)."""

from __future__ import annotations

import contextlib
import imaplib
import os
import random
import smtplib
import threading
import time
from collections import Counter

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.mail import Mailbox

ROUNDS = int(os.environ.get("ROUNDS", "3"))
MAILS = 60
_SERVED = ("imap", "smtp", "jobs")


@pytest.fixture
def own(own_desk: Desk) -> Desk:
    own_desk.start(*_SERVED)
    return own_desk


def deliver(desk: Desk, first: int, sent: set[int], acknowledged: set[int], stop: threading.Event) -> None:
    """Send numbered mails over LMTP until the server dies; note what was begun and what was acknowledged."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        client = smtplib.LMTP("127.0.0.1", int(desk.endpoints["lmtp"]["port"]), timeout=30)
        for number in range(first, first + MAILS):
            if stop.is_set():
                return
            sent.add(number)
            text = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: <{number}@kill>\r\n\r\n" + "x" * (
                number % 7 * 12_000
            )
            client.sendmail("a@b.example", ["alice@example.test"], text)
            acknowledged.add(number)


def move(desk: Desk, stop: threading.Event) -> None:
    """Move mails from the INBOX to Kept, as fast as they come."""
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        client = imaplib.IMAP4("127.0.0.1", int(desk.endpoints["imap"]["port"]), timeout=30)
        client.login("alice", PASSWORDS["alice"])
        while not stop.is_set():
            client.select("INBOX")
            client.uid("MOVE", "1:*", "Kept")


def test_nothing_is_lost_and_nothing_doubled(own: Desk) -> None:
    kept = Mailbox(own, "alice", "Kept", make=True)
    kept.close()
    sent: set[int] = set()
    acknowledged: set[int] = set()
    highest: dict[str, int] = {}
    for number in range(ROUNDS):
        stop = threading.Event()
        workers = [
            threading.Thread(target=deliver, args=(own, number * 1_000 + lane * 100, sent, acknowledged, stop))
            for lane in (0, 1)
        ]
        workers.append(threading.Thread(target=move, args=(own, stop)))
        for worker in workers:
            worker.start()
        enough = len(acknowledged) + random.randrange(5, 40)
        end = time.monotonic() + 60
        while len(acknowledged) < enough and time.monotonic() < end:
            time.sleep(0.002)
        own.kill()
        stop.set()
        for worker in workers:
            worker.join()
        own.start(*_SERVED)
        found: Counter[int] = Counter()
        for name in ("INBOX", "Kept"):
            box = Mailbox(own, "alice", name)
            found.update(int(subject) for subject in box.subjects())
            _, answer = box._client.status(f'"{name}"', "(UIDNEXT HIGHESTMODSEQ)")
            numbers = [int(word) for word in answer[0].decode().replace(")", "").split() if word.isdigit()]
            for key, value in zip((f"{name} uid", f"{name} modseq"), numbers, strict=True):
                assert value >= highest.get(key, 0), key
                highest[key] = value
            box.close()
        assert acknowledged <= set(found)
        assert set(found) <= sent
        assert max(found.values()) == 1
    own.cli("check")
