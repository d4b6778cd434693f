"""Speaks to sessions as the kernel would: octets in, octets out, no sockets."""

from __future__ import annotations

from auth.sasl.context import Context
from auth.throttle import DEFAULT
from servers.imap.connection import Connection
from servers.imap.view import Shared
from servers.line.session import Peer, Reply, Then
from storage.store import Store

PASSWORD = "a secret"


class Client:
    """One connection; tags are made by itself."""

    def __init__(
        self,
        store: Store,
        *,
        login: str = "alice",
        address: str = "127.0.0.1",
        shared: Shared | None = None,
        known: bool = True,
    ) -> None:
        peer = Peer(address, 1, address == "127.0.0.1", False, "imap", True)
        self.session = Connection(
            store, shared or Shared(), peer, lambda on: Context(store, "imap", address, on, DEFAULT)
        )
        self._buffer = bytearray()
        self.greeting = self._data(self.session.greeting()).decode()
        self.then = Then.GO_ON
        self._number = 0
        if known:
            assert self(f'LOGIN {login} "{PASSWORD}"').endswith("LOGIN done\r\n")

    def __call__(self, command: str | bytes) -> str:
        """Give a command; all that is said, continuation requests included; the tag is `A`."""
        octets = command.encode() if isinstance(command, str) else command
        return self.feed(b"A " + octets + b"\r\n")

    def feed(self, octets: bytes) -> str:
        """Send octets as they are."""
        buffer = self._buffer
        buffer += octets
        said = b""
        while True:
            unit = self.session.cut(buffer)
            if unit is None:
                break
            reply = unit if isinstance(unit, Reply) else self.session.run(unit)
            said += self._data(reply)
            if reply.then is not Then.GO_ON:
                break
        return said.decode("utf-8", "surrogateescape")

    def lines(self, command: str | bytes) -> list[str]:
        """The untagged lines of an answer that is OK."""
        said = self(command).removesuffix("\r\n").split("\r\n")
        assert said[-1].startswith("A OK"), said[-1]
        return said[:-1]

    def end(self, command: str | bytes) -> str:
        """The last line of an answer."""
        return self(command).removesuffix("\r\n").split("\r\n")[-1]

    def woken(self) -> str:
        """What is said when something that is watched changed."""
        return self._data(self.session.woken()).decode()

    def _data(self, reply: Reply) -> bytes:
        self.then = reply.then
        self.wait = reply.wait
        return b"".join(reply.data)
