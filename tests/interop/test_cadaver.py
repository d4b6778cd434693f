"""cadaver, a plain WebDAV client, on a calendar: list, put, get, properties, locks; collections inside are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.interop import objects
from tests.interop.desk import PASSWORDS, Desk, calendar
from tests.interop.wire import DAV, Wire

pytestmark = pytest.mark.skipif(shutil.which("cadaver") is None, reason="needs cadaver (Debian: cadaver)")


def cadaver(folder: Path, url: str, login: str, *commands: str) -> str:
    """Run commands in one session; give what cadaver printed."""
    session = start(folder, url, login)
    out, _ = session.communicate("\n".join([*commands, "quit", ""]).encode(), timeout=60)
    return out.decode()


def start(folder: Path, url: str, login: str) -> subprocess.Popen[bytes]:
    """Open a session; commands are lines of its standard input."""
    netrc = folder / ".netrc"
    netrc.write_text(f"machine {urlsplit(url).hostname}\nlogin {login}\npassword {PASSWORDS[login]}\n")
    netrc.chmod(0o600)
    return subprocess.Popen(
        ["cadaver", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"},
    )


def test_files_of_a_calendar(desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path) -> None:
    """RFC 4918 class 1 through a client that knows nothing of calendars."""
    (tmp_path / "one.ics").write_text(objects.event("one", "From cadaver"), newline="")
    out = cadaver(
        tmp_path,
        desk.caldav + calendar_path,
        "alice",
        "put one.ics",
        "ls",
        "get one.ics back.ics",
        "copy one.ics two.ics",
        "move one.ics three.ics",
        "ls",
        "delete three.ics",
    )
    assert "Uploading one.ics" in out
    assert out.count("succeeded") >= 4, out
    assert "From cadaver" in (tmp_path / "back.ics").read_text()
    # RFC 4791 §5.3.2.1 no-uid-conflict: a copy inside one calendar would be a second object with that UID.
    assert "Copying" in out
    assert "failed" in out.split("Copying", 1)[1].split("Moving", 1)[0]
    members = wire("alice").propfind(calendar_path, "<D:getetag/>", "1").responses()
    assert list(members) == [calendar_path]


def test_what_is_not_a_calendar_object_is_refused(desk: Desk, calendar_path: str, tmp_path: Path) -> None:
    """No collection inside a calendar (RFC 4791 §4.2), no other kind of file; the listing stays empty."""
    (tmp_path / "note.txt").write_text("just text\n")
    out = cadaver(tmp_path, desk.caldav + calendar_path, "alice", "mkcol inside", "put note.txt", "ls")
    assert "Creating `inside': failed" in out
    assert "403" in out
    assert "Uploading note.txt" in out
    assert "failed" in out.split("Uploading note.txt", 1)[1]
    assert "Coll:" not in out


def test_locks_hold_against_other_clients(
    desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path
) -> None:
    """RFC 4918 §6, §7: while cadaver holds the lock, a PUT without its token is 423; after unlocking it is not."""
    alice = wire("alice")
    assert alice("PUT", calendar_path + "one.ics", objects.event("one", "Before")).status == 201
    (tmp_path / "one.ics").write_text(objects.event("one", "By the holder"), newline="")
    session = start(tmp_path, desk.caldav + calendar_path, "alice")
    assert session.stdin is not None
    session.stdin.write(b"lock one.ics\n")
    session.stdin.flush()
    end = time.monotonic() + 30
    while (
        not alice.propfind(calendar_path + "one.ics", "<D:lockdiscovery/>")
        .one()
        .has(f"{DAV}lockdiscovery", f"{DAV}activelock")
    ):
        assert time.monotonic() < end, "no lock appeared"
        time.sleep(0.05)
    intruder = objects.event("one", "Intruder")
    refused = alice("PUT", calendar_path + "one.ics", intruder)
    assert refused.status == 423
    assert refused.precondition() == f"{DAV}lock-token-submitted"  # RFC 4918 §16
    assert alice("DELETE", calendar_path + "one.ics").status == 423
    out, _ = session.communicate(b"put one.ics\nunlock one.ics\nquit\n", timeout=60)
    assert "By the holder" in alice("GET", calendar_path + "one.ics").text, out.decode()
    assert alice("PUT", calendar_path + "one.ics", objects.event("one", "After")).status == 204


def test_home_of_another(desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path) -> None:
    """A member lists what he may see; a stranger is told it is not there (SYS-09); deleting is refused."""
    assert wire("alice")("PUT", calendar_path + "one.ics", objects.event("one", "Secret")).status == 201
    out = cadaver(tmp_path, desk.caldav + calendar_path, "bob", "ls", "get one.ics stub.ics", "delete one.ics")
    assert "failed" in out.split("Deleting", 1)[1]
    assert "403" in out.split("Deleting", 1)[1]
    assert "Secret" not in (tmp_path / "stub.ics").read_text()
    out = cadaver(tmp_path, desk.caldav + calendar("alice"), "carol", "ls")
    assert "404" in out
