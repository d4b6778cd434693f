"""A process with a protocol of a few words on the kernel of line protocols: what the kernel itself does can be seen.

`python -m tests.line.tiny DIRECTORY`: prints the ports of a door with STARTTLS and of one with TLS.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conf.settings import Settings
from servers import certificate
from servers.line import transport
from servers.line.limits import Limits
from servers.line.listening import Listening
from servers.line.session import NOTHING, Peer, Reply, Then, Wait
from servers.line.transport import Kernel
from storage.bus import Bus
from storage.mail import mailboxes
from storage.store import Store
from storage.types import SITE, Actor, CollectionId


class Session:
    """One word in a line, one line back."""

    def __init__(self, peer: Peer, watched: CollectionId) -> None:
        self._peer = peer
        self._tls = peer.tls
        self._watched = watched
        self.timeout_s = 60.0

    def greeting(self) -> Reply:
        return Reply((f"hello {self._peer.address} {self._peer.listener}\r\n".encode(),))

    most = 100

    def cut(self, buffer: bytearray) -> bytes | Reply | None:
        end = buffer.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return Reply((b"at once\r\n",)) if line == b"now" else line

    def quick(self, unit: bytes) -> bool:
        return unit.startswith(b"quick")

    def run(self, unit: bytes) -> Reply:
        word, _, rest = unit.partition(b" ")
        match word:
            case b"starttls":
                return Reply((b"begin\r\n",), Then.STARTTLS)
            case b"deflate":
                return Reply((b"squeeze\r\n",), Then.DEFLATE)
            case b"tls":
                return Reply((b"yes\r\n" if self._tls else b"no\r\n",))
            case b"sleep":
                time.sleep(float(rest))
                return Reply((b"slept\r\n",))
            case b"big":
                return Reply(self._big(int(rest)))
            case b"fail":
                raise RuntimeError("on purpose")
            case b"wait":
                return Reply((b"waiting\r\n",), wait=Wait(frozenset({self._watched})))
            case b"bye":
                return Reply((b"bye\r\n",), Then.CLOSE)
            case b"idle":
                self.timeout_s = 0.2
                return Reply((b"soon\r\n",))
            case _:
                return Reply((b"echo " + unit + b"\r\n",))

    def _big(self, size: int) -> Iterator[bytes]:
        for _ in range(size // 1024):
            yield b"x" * 1022 + b"\r\n"
        yield b"end\r\n"

    def woken(self) -> Reply:
        return Reply((b"woken\r\n",), wait=Wait(frozenset({self._watched})))

    def secured(self) -> None:
        self._tls = True

    def working(self, unit: bytes) -> bytes:
        return b"at it: " + unit + b"\r\n" if unit.endswith(b"0.7") else b""

    def timed_out(self) -> bytes:
        return b"too late\r\n"

    def failed(self) -> bytes:
        return b"failed\r\n"

    def closed(self) -> None:
        print("closed", flush=True)


def main() -> None:
    from twisted.internet import reactor as loop
    from twisted.python.threadpool import ThreadPool

    transport.WORKING_S = 0.2
    reactor: Any = loop
    place = Path(sys.argv[1])
    store = Store.open(f"sqlite:///{place}/desk.sqlite3", place / "blobs")
    with store.read(SITE) as tx:
        from storage import accounts

        who = accounts.find(tx, "alice").principal
    with store.read(Actor(who.id, who.name)) as tx:
        watched = mailboxes.find(tx, "INBOX").id
    pool = ThreadPool(1, 4)
    pool.start()
    made = certificate.of(Settings(domain="example.test", data=str(place)))
    kernel = Kernel(reactor, pool, Bus(store), made, Limits(50, 5))
    for tls, proxies in (
        ("starttls", ()),
        ("implicit", ()),
        ("starttls", ("127.0.0.1",)),
        ("implicit", ("127.0.0.1",)),
    ):
        factory = Listening(kernel, lambda peer: Session(peer, watched), f"tiny-{tls}", tls, proxies)
        print(reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port, flush=True)
    assert NOTHING.then is Then.GO_ON
    reactor.run()
    pool.stop()


if __name__ == "__main__":
    main()
