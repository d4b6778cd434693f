"""SMS are handed over to a service, or to a file (SMS-02)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from servers.outbound.gateway import Gateway
from storage.sms.queue import Message, Outcome

OWN = "32475123456"


class _Service(BaseHTTPRequestHandler):
    status: ClassVar[int] = 202
    got: ClassVar[list[tuple[str, str, object]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/send?account=7"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service(service: str) -> None:
    gateway, message = Gateway(service, "secret"), Message(7, OWN, "Thé €")
    for status, outcome in (
        (202, Outcome.SENT),
        (429, Outcome.AGAIN),
        (503, Outcome.AGAIN),
        (302, Outcome.REFUSED),
        (400, Outcome.REFUSED),
    ):
        _Service.status = status
        assert gateway.send(message) is outcome
    assert _Service.got[0] == (
        "/send?account=7",
        "Bearer secret",
        {"id": "7", "to": f"+{OWN}", "text": "Thé €"},
    )
    assert Gateway("http://127.0.0.1:1/").send(message) is Outcome.AGAIN


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "sms file.jsonl"
    gateway = Gateway(f"file://{str(path).replace(' ', '%20')}")
    assert gateway.send(Message(1, OWN, "a\nb")) is Outcome.SENT
    assert gateway.send(Message(2, OWN, "c")) is Outcome.SENT
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["a\nb", "c"]
    assert path.stat().st_mode & 0o077 == 0
    assert Gateway(f"file://{tmp_path}/none/x").send(Message(1, OWN, "a")) is Outcome.AGAIN
