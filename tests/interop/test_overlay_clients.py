"""The overlay in programs of others: the library caldav, vdirsyncer, khal and tsdav (CAL-20…25)."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from storage.overlay.tables import subscriptions
from storage.store import Store
from storage.types import SITE
from tests.interop import objects
from tests.interop.desk import PASSWORDS, Desk, calendar, program
from tests.interop.vdirs import Vdirs, khal
from tests.interop.wire import Wire

warnings.filterwarnings("ignore", module="caldav")
caldav = pytest.importorskip("caldav")
WAIT_S = 60
NODE = Path(__file__).parent / "node"


class Holidays(BaseHTTPRequestHandler):
    """A calendar somewhere; it knows what a client has."""

    names: ClassVar[list[str]] = ["Bastille"]
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        tag = f'"{"-".join(self.names)}"'
        self.asked.append(self.headers["If-None-Match"])
        whole = "".join(objects.event(one, one, "20300714", "20300715") for one in self.names)
        body = whole.replace("END:VCALENDAR\r\nBEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "").encode()
        known = self.headers["If-None-Match"] == tag
        self.send_response(304 if known else 200)
        self.send_header("ETag", tag)
        if not known:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not known:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Bob's calendar and one of a server nearby in alice's overlay; served with the process that fetches."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Holidays)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    it = Desk(tmp_path / "data")
    it.make()
    it.furnish()
    with (it.data / "escritoire.toml").open("a") as file:
        file.write('\n[outbound]\nsubscription_networks = ["127.0.0.0/8"]\n')
    it.cli("overlay", "add", "alice", "bob")
    it.cli("overlay", "add", "alice", f"http://127.0.0.1:{server.server_port}/h.ics", "--name", "Holidays")
    it.start("caldav", "outbound")
    with Wire(it.caldav, "bob") as bob:
        body = objects.event("tea", "Tea with Ann", "20300316T090000Z", "20300316T100000Z")
        assert bob("PUT", f"{calendar('bob')}tea.ics", body).status == 201
    yield it
    it.stop()
    server.shutdown()
    server.server_close()


def titles(found: Any) -> list[str]:
    return sorted(str(event.icalendar_component["SUMMARY"]) for event in found.events())


def test_the_library_sees_and_does_not_write(desk: Desk) -> None:
    with caldav.DAVClient(desk.caldav + "/", username="alice", password=PASSWORDS["alice"]) as client:
        found = {str(one.url.path).rstrip("/").rpartition("/")[2]: one for one in client.principal().calendars()}
        assert {"events", "overlay", "overlay-bob-events", "subscribed-holidays"} <= found.keys()
        assert titles(found["subscribed-holidays"]) == ["Bastille"]
        together = titles(found["overlay"])
        assert [one.partition("]")[0] for one in together] == ["[HO", "[bob"]
        assert "Ann" not in str(together)
        with pytest.raises(caldav.lib.error.AuthorizationError):
            found["subscribed-holidays"].add_event(objects.event("mine"))
        with pytest.raises(caldav.lib.error.AuthorizationError):
            found["overlay"].add_event(objects.event("mine"))
        asked = len(Holidays.asked)
        Holidays.names.append("Assumption")
        store = Store.open(f"sqlite:///{desk.data}/desk.sqlite3", desk.data / "blobs")
        with store.write(SITE) as tx:
            tx.db.execute(sa.update(subscriptions).values(next_fetch=0))
        store.close()
        end = time.monotonic() + WAIT_S
        while titles(found["subscribed-holidays"]) != ["Assumption", "Bastille"]:
            assert time.monotonic() < end, desk.log()
            time.sleep(0.5)
        assert Holidays.asked[asked:][0] == '"Bastille"'
        assert len(titles(found["overlay"])) == 3


def test_vdirsyncer_follows_the_merged_calendar(desk: Desk, tmp_path: Path) -> None:
    vdirs = Vdirs(tmp_path, "alice")
    local = vdirs.pair("cal", "caldav", desk.caldav + calendar("alice", "overlay"), "null")
    vdirs.discover("cal")
    vdirs.sync()
    assert len(list(local.glob("*.ics"))) == 1 + len(Holidays.names)
    with Wire(desk.caldav, "bob") as bob:
        assert bob("DELETE", f"{calendar('bob')}tea.ics").status == 204
    vdirs.sync()
    assert len(list(local.glob("*.ics"))) == len(Holidays.names)


def test_khal_shows_all_of_them_and_writes_to_none(desk: Desk, tmp_path: Path) -> None:
    """CAL-21, CAL-22, CAL-24: what khal adds to a calendar of the Internet does not leave its folder."""
    vdirs = Vdirs(tmp_path, "alice")
    names = ["events", "overlay", "overlay-bob-events", "subscribed-holidays"]
    local = vdirs.pair("cal", "caldav", desk.caldav + "/", json.dumps(names))
    vdirs.discover("cal")
    vdirs.sync()
    days = ["list", "2030-03-01", "2030-07-31"]
    for name, shown in {
        "subscribed-holidays": ["Bastille"],
        "overlay-bob-events": ["Busy"],
        "overlay": ["[bob] Busy", "[HO] Bastille"],
        "events": [],
    }.items():
        listed = khal(tmp_path, {"one": local / name}, days)
        (tmp_path / "khal.db").unlink()
        assert all(title in listed for title in shown), (name, listed)
        assert "Ann" not in listed
        assert name != "events" or "Bastille" not in listed
    khal(tmp_path, {"one": local / "subscribed-holidays"}, ["new", "-a", "one", "2030-03-20 10:00", "11:00", "Mine"])
    vdirs.sync(status=1)
    with Wire(desk.caldav, "alice") as alice:
        found = alice.propfind(calendar("alice", "subscribed-holidays"), "<D:getetag/>", "1").responses()
        assert len(found) == 1 + len(Holidays.names)


def test_tsdav_follows_the_overlay(desk: Desk) -> None:
    """CAL-20…25 over Node.js: discovery, titles with initials, refusals, the merged calendar's sync-token, the switch."""
    node = program("node")
    if node is None or not (NODE / "node_modules" / "tsdav").exists():
        pytest.skip("needs Node.js and tsdav (make interop installs them)")
    with subprocess.Popen(
        [node, str(NODE / "overlay.mjs"), desk.caldav + "/", "alice", PASSWORDS["alice"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=NODE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        said: dict[str, Any] = {}
        turns = iter((lambda: _change(desk), lambda: desk.cli("overlay", "off", "alice")))
        for line in running.stdout:
            step = json.loads(line)
            said[step["step"]] = step["value"]
            if step["step"] == "waiting":
                next(turns)()
                running.stdin.write("\n")
                running.stdin.flush()
    assert running.returncode == 0, said
    assert {"events", "overlay", "overlay-bob-events", "subscribed-holidays"} <= {*said["calendars"]}
    assert "Bastille" in said["titles of subscribed-holidays"]
    assert said["titles of overlay-bob-events"] == ["Busy"]
    assert said["titles of overlay"][-1] == "[bob] Busy"
    assert {said[f"written to {one}"] for one in ("overlay", "subscribed-holidays", "overlay-bob-events")} == {403}
    assert said["synchronised"] == len(said["titles of overlay"])
    assert said["changes"] == [False, True]  # one came, one went
    assert said["titles afterwards"] == said["titles of overlay"]
    # CAL-22, CAL-25: empty when it is switched off.
    assert [one for one in said["calendars afterwards"] if one.startswith(("overlay", "subscribed"))] == ["overlay"]
    assert said["titles when it is off"] == []


def _change(desk: Desk) -> None:
    with Wire(desk.caldav, "bob") as bob:
        assert bob("DELETE", f"{calendar('bob')}tea.ics").status == 204
        body = objects.event("cake", "Cake", "20300317T090000Z", "20300317T100000Z")
        assert bob("PUT", f"{calendar('bob')}cake.ics", body).status == 201
