"""APPEND by eight clients at once, which `mail_bench.py` does not measure: a mail of 4 KiB each time, every answer read."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any, Final

from bench.growth import cpu_ns
from bench.mail_bench import Imap, gen

CLIENTS: Final = 8
EACH: Final = 250
"""Messages of one client."""
MAILBOX: Final = "appends"


def measure(address: str, login: str, password: str, pid: int) -> dict[str, Any]:
    """Give messages a second, and the server's processor time for one in ms; the mailbox is counted at the end."""
    made: Any = Imap
    first = made(address, login, password)
    first.ok(f"CREATE {MAILBOX}")
    context = multiprocessing.get_context("fork")
    ready, done, go = context.Queue(), context.Queue(), context.Event()
    clients = [
        context.Process(target=_append, args=(address, login, password, number, ready, go, done))
        for number in range(CLIENTS)
    ]
    for one in clients:
        one.start()
    for _ in clients:
        ready.get(timeout=60)
    before, began = cpu_ns((pid,)), time.perf_counter()
    go.set()
    for _ in clients:
        done.get(timeout=120)
    took = time.perf_counter() - began
    spent = cpu_ns((pid,)) - before
    for one in clients:
        one.join()
    count = CLIENTS * EACH
    told = first.ok(f"STATUS {MAILBOX} (MESSAGES)")[1]
    first.ok(f"DELETE {MAILBOX}")
    first.close()
    return {
        "n": count,
        "ops_s": round(count / took, 1),
        "cpu_ms_per_op": round(spent / count / 1e6, 4),
        "ok": f"MESSAGES {count}".encode() in told,
    }


def _append(address: str, login: str, password: str, number: int, ready: Any, go: Any, done: Any) -> None:
    made, make_mail = _untyped(Imap), _untyped(gen)
    mails = [make_mail(each, tag=f"c{number}") for each in range(EACH)]
    client = made(address, login, password)
    ready.put(number)
    go.wait()
    for mail in mails:
        client.append(MAILBOX, mail)
    done.put(number)
    client.close()


def _untyped(what: Any) -> Any:
    return what
