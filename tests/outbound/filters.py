"""A spam filter of the outside: takes what it is sent over a socket, and answers with what it is given."""

from __future__ import annotations

import re
import socket
import threading

_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")


class Server:
    """The outside: takes one request on each connection, and answers with what it is given."""

    def __init__(self) -> None:
        self.says = b""
        self.heard: list[tuple[bytes, bytes]] = []
        """Head and body of each request."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                self._serve(peer)

    def _serve(self, peer: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked and (piece := peer.recv(65_536)):
            asked += piece
        head, _, body = asked.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        while len(body) < (int(found[1]) if found else 0) and (piece := peer.recv(65_536)):
            body += piece
        self.heard.append((head, body))
        peer.sendall(self.says)


def http(status: str, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)
