"""Work on one mail, and opening a mailbox after one change, must not grow with the number of mails in it.

    python -m bench.mail_growth               1,000, 10,000 and 100,000 mails of 4 KiB; ten minutes
    python -m bench.mail_growth --no-store    print only

The mailbox is filled through the storage library (that is not measured), and its texts are indexed as `jobs` does it.
Then each operation runs over IMAP and LMTP. Shown is the server's processor time for each operation, which other
programs on the machine hardly move, and the median of the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.dav import RESULTS
from bench.growth import cpu_ns, make, table
from bench.mail_bench import Imap, Smtp, gen, uniq
from bench.peers import LOGIN, PASSWORD, serving
from storage import accounts
from storage.mail import appending, indexing, mailboxes
from storage.store import Store
from storage.types import SITE, Actor

SIZES = (1_000, 10_000, 100_000)
BATCH = 200


def fill(store: Store, wanted: int, have: int) -> None:
    """Bring the INBOX from `have` to `wanted` mails, all in the index."""
    with store.read(SITE) as tx:
        who = Actor(accounts.find(tx, LOGIN).principal.id, LOGIN)
    for start in range(have, wanted, BATCH):
        mails = [gen(number, tag="g") for number in range(start, min(start + BATCH, wanted))]  # type: ignore[no-untyped-call]
        new = [appending.New(appending.prepare(store, one.data), "\\Seen" if one.seen else "") for one in mails]
        with store.write(who) as tx:
            appending.append_many(tx, mailboxes.find(tx, "INBOX"), new)
    indexing.run(store)


def operations(
    address: str, lmtp: str, count: int, chance: random.Random
) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Give each operation with its name; the argument is the turn."""
    made: Any = Imap
    first, second = made(address, LOGIN, PASSWORD), made(address, LOGIN, PASSWORD)
    for client in (first, second):
        client.ok("ENABLE QRESYNC")
        client.ok("SELECT INBOX")

    def pick() -> int:
        return chance.randrange(1, count + 1)

    second.ok("STORE 1:* -FLAGS.SILENT (\\Answered)")
    flagged: set[int] = set()

    def flag(_: int) -> None:
        number = pick()
        second.ok(f"STORE {number} {'-' if number in flagged else '+'}FLAGS.SILENT (\\Answered)")
        flagged.symmetric_difference_update({number})

    def login(_: int) -> None:
        client = made(address, LOGIN, PASSWORD)
        client.ok("SELECT INBOX")
        client.close()

    yield "log in and SELECT", login
    yield "STORE of one flag", flag
    yield "SELECT (QRESYNC …) after one change", _reopened(first, flag)
    yield "SELECT, FETCH … (CHANGEDSINCE …) after one change", _asked(first, flag)
    first.ok("SELECT INBOX")
    yield "NOOP after another client's change", _told(first, flag)
    yield "STATUS of the INBOX", lambda _: void(second.ok("STATUS INBOX (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ)"))
    yield "FETCH of one envelope", lambda _: void(first.ok(f"FETCH {pick()} (FLAGS ENVELOPE)"))
    yield "FETCH of one whole mail", lambda _: void(first.ok(f"FETCH {pick()} (BODY.PEEK[])"))
    yield "SEARCH of one Message-ID", _searched(first, pick)
    yield "APPEND", lambda n: void(second.append("INBOX", gen(n, tag=f"a{count}")))  # type: ignore[no-untyped-call]
    yield "COPY of one mail", lambda _: void(second.ok(f"COPY {pick()} Templates"))
    yield "MOVE of one mail", lambda _: void(second.ok("MOVE * Templates"))
    yield "delivery by LMTP", _delivered(lmtp, count)
    for client in (first, second):
        client.close()


def void(_: object) -> None:
    """Drop an answer."""


def _modseq(told: bytes) -> tuple[int, int]:
    validity, modseq = (re.findall(name + rb" (\d+)\]", told)[-1] for name in (rb"UIDVALIDITY", rb"HIGHESTMODSEQ"))
    return int(validity), int(modseq)


def _reopened(client: Any, change: Callable[[int], None]) -> Callable[[int], None]:
    known = [_modseq(client.ok("SELECT INBOX")[1])]

    def run(turn: int) -> None:
        change(turn)
        validity, modseq = known[0]
        told = client.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")[1]
        known[0] = _modseq(told)
        if told.count(b" FETCH (") != 1:
            raise SystemExit("SELECT (QRESYNC …): the change is missing")

    return run


def _asked(client: Any, change: Callable[[int], None]) -> Callable[[int], None]:
    known = [_modseq(client.ok("SELECT INBOX")[1])]

    def run(turn: int) -> None:
        change(turn)
        modseq = known[0][1]
        known[0] = _modseq(client.ok("SELECT INBOX")[1])
        if client.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq})")[1].count(b" FETCH (") != 1:
            raise SystemExit("FETCH … (CHANGEDSINCE …): the change is missing")

    return run


def _told(client: Any, change: Callable[[int], None]) -> Callable[[int], None]:
    def run(turn: int) -> None:
        change(turn)
        if client.ok("NOOP")[1].count(b" FETCH (") != 1:
            raise SystemExit("NOOP: the change is missing")

    return run


def _searched(client: Any, pick: Callable[[], int]) -> Callable[[int], None]:
    def run(_: int) -> None:
        told = client.ok(f"FETCH {pick()} (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
        name = re.search(rb"<([^>]+)>", told)
        assert name is not None
        found = client.ok(f'UID SEARCH HEADER Message-ID "{name[1].decode()}"')[1]
        if not re.search(rb"SEARCH.* \d+", found):
            raise SystemExit("SEARCH: the mail is missing")

    return run


def _delivered(address: str, count: int) -> Callable[[int], None]:
    made: Any = Smtp
    session = made(address, True, argparse.Namespace(smtp_auth=False))
    return lambda n: void(
        session.send("sender@example.com", f"{LOGIN}@example.test", uniq(gen(n, tag=f"l{count}").data))
    )  # type: ignore[no-untyped-call]


def measure(folder: Path, count: int, turns: int) -> dict[str, tuple[float, float]]:
    """Serve the desk and give each operation's processor time and its median on the clock, in ms."""
    out: dict[str, tuple[float, float]] = {}
    with serving(folder, ("imap", "smtp")) as endpoints:
        addresses = [f"127.0.0.1:{endpoints[name]['port']}" for name in ("imap", "lmtp")]
        pids = tuple({int(endpoints[name]["pid"]) for name in ("imap", "lmtp")})
        for name, operation in operations(addresses[0], addresses[1], count, random.Random(5)):
            for turn in range(4):  # what is read at the first time only is not the question
                operation(turn)
            times, before = [], cpu_ns(pids)
            for turn in range(4, turns + 4):
                start = time.perf_counter()
                operation(turn)
                times.append(time.perf_counter() - start)
            spent = (cpu_ns(pids) - before) / turns / 1e6
            out[name] = (round(spent, 3), round(statistics.median(times) * 1000, 3))
    return out


def main() -> None:
    """Parse the switches, measure, print, store."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.mail_growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", help="comma separated numbers of mails instead")
    parser.add_argument("--turns", type=int, default=100, help="repetitions of each operation")
    parser.add_argument("--directory", default="/var/tmp", help="where the desk is (1.5 GB)")
    parser.add_argument("--no-store", action="store_true")
    options = parser.parse_args()
    sizes = [int(n) for n in options.sizes.split(",")] if options.sizes else list(SIZES)
    runs: dict[int, dict[str, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="growth-", dir=options.directory) as place:
        store, have = make(Path(place) / "desk"), 0
        for size in sizes:
            print(f"{size} mails …", file=sys.stderr, flush=True)
            fill(store, size, have)
            have = size
            runs[size] = measure(Path(place) / "desk", size, options.turns)
        store.close()
    date = time.strftime("%Y-%m-%d")
    text = (
        f"# Growth of a mailbox, {date}\n\nSQLite, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; "
        f"{options.turns} repetitions. A change is a STORE of another client; its own time is in the rows after one change.\n\n"
        + table("Mails in the INBOX", runs)
    )
    print(text)
    if not options.no_store:
        (RESULTS / f"mail-growth-{date}.md").write_text(text)
        (RESULTS / f"mail-growth-{date}.json").write_text(json.dumps({"date": date, "mails": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
