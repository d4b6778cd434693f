"""`escritoire overlay`: from a server of calendars to a calendar in the home (CAL-19…23)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.commands.conftest import Line

EVENT = "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTAMP:20250101T000000Z\r\nDTSTART;VALUE=DATE:20250714\r\nSUMMARY:{0}\r\nEND:VEVENT\r\n"


class Calendars(BaseHTTPRequestHandler):
    """Says what `events` names."""

    events: tuple[str, ...] = ("Bastille", "Assumption")

    def do_GET(self) -> None:
        body = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-CALNAME:French holidays\r\n"
        body += "".join(EVENT.format(one) for one in type(self).events) + "END:VCALENDAR\r\n"
        self.send_response(200 if self.path == "/fr.ics" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Calendars)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"webcal://127.0.0.1:{server.server_port}/fr.ics"
    server.shutdown()
    server.server_close()


def test_a_calendar_of_the_internet(line: Line, url: str) -> None:
    assert "private network" in line("overlay", "add", "alice", url, status=1)
    with (line.data / "escritoire.toml").open("a") as file:
        file.write('\n[outbound]\nsubscription_networks = ["127.0.0.0/8"]\n')
    assert "404" in line("overlay", "add", "alice", url.replace("fr.ics", "de.ics"), status=1)
    assert "begins with https" in line("overlay", "add", "alice", "file:///etc/passwd", status=1)
    assert line("overlay", "add", "alice", url, "--color", "#E53935") == "subscribed-french-holidays: 2 events\n"
    (row,) = line.json("overlay", "list", "alice")
    assert (row["title"], row["events"], row["shown"], row["trouble"]) == ("French holidays", 2, True, "")
    assert "SUMMARY:Bastille" in line("export", "alice/subscribed-french-holidays")
    Calendars.events = ("Bastille", "Armistice", "Christmas")
    said = line("overlay", "refresh", "alice", "French holidays")
    assert said == "French holidays: 2 added, 0 changed, 1 removed\n"
    line("overlay", "hide", "alice", "French holidays")
    assert line.json("overlay", "list", "alice")[0]["shown"] is False
    line("overlay", "show", "alice", "French holidays")
    line("overlay", "off", "alice")
    assert line.json("overlay", "list", "alice")[0]["shown"] is False
    line("overlay", "on", "alice")
    line("overlay", "remove", "alice", "French holidays")
    assert line.json("overlay", "list", "alice") == []
    assert "there is no" in line("overlay", "remove", "alice", "French holidays", status=1)
