"""newsboat, a feed reader, on the desk's feeds: with a password, with a secret address, and as anybody (CALSYNC-19, DOC-48…50)."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.interop import objects
from tests.interop.desk import PASSWORDS, Desk, calendar
from tests.interop.wire import Wire

pytestmark = pytest.mark.skipif(shutil.which("newsboat") is None, reason="needs newsboat (Debian: newsboat)")


def read(folder: Path, *urls: str) -> list[tuple[str, str, str, str]]:
    """Let newsboat fetch some feeds; give what it keeps of their items: feed, title, address, enclosure."""
    folder.mkdir(exist_ok=True)
    (folder / "urls").write_text("".join(f"{url}\n" for url in urls))
    (folder / "config").write_text("reload-threads 1\nmax-items 0\n")
    done = subprocess.run(
        ["newsboat", "-C", "config", "-u", "urls", "-c", "cache.db", "-x", "reload"],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    with sqlite3.connect(folder / "cache.db") as cache:
        rows: list[tuple[str, str, str, str]] = cache.execute(
            "SELECT feedurl, title, url, enclosure_url FROM rss_item WHERE deleted = 0 ORDER BY id"
        ).fetchall()
    return rows


@pytest.fixture
def feeds(desk: Desk) -> str:
    return str(desk.endpoints["feeds"]["url"]).rstrip("/")


def with_password(url: str, login: str) -> str:
    """`scheme://login:password@feed-address` (CALSYNC-19)."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}:{quote(PASSWORDS[login])}@{parts.netloc}").geturl()


@pytest.fixture
def event(wire: Callable[..., Wire]) -> Iterator[str]:
    """An event of alice in two days; its name."""
    summary = f"Newsboat {uuid.uuid4().hex[:8]} & more"
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    path = f"{calendar('alice')}{uuid.uuid4().hex}.ics"
    times = (f"{begin:%Y%m%dT%H%M%SZ}", f"{begin + timedelta(hours=1):%Y%m%dT%H%M%SZ}")
    body = objects.event(uuid.uuid4().hex, summary, *times)
    alice = wire("alice")
    assert alice("PUT", path, body, {"Content-Type": "text/calendar"}).status == 201
    yield summary
    alice("DELETE", path)


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_events_with_a_password_in_the_address(feeds: str, event: str, tmp_path: Path, form: str) -> None:
    url = with_password(f"{feeds}/feeds/alice/private/events/30days.{form}", "alice")
    items = read(tmp_path / "reader", url)
    assert any(event in title for _, title, _, _ in items)
    assert len(read(tmp_path / "reader", url)) == len(items), "a second look at the same feed brings nothing new"


def test_a_member_reads_busy(feeds: str, event: str, tmp_path: Path) -> None:
    """CAL-07, in a reader."""
    items = read(tmp_path / "reader", with_password(f"{feeds}/feeds/alice/private/events/30days.rss", "bob"))
    assert items
    assert all(title.endswith("Busy") for _, title, _, _ in items)


def test_a_secret_address_until_it_is_revoked(desk: Desk, event: str, tmp_path: Path) -> None:
    """CALSYNC-19, CALSYNC-21."""
    url = desk.cli("feed", "add", "alice", "alice/private/events/30days.rss").strip()
    assert any(event in title for _, title, _, _ in read(tmp_path / "one", url))
    newest = json.loads(desk.cli("feed", "list", "alice", "--json"))[-1]
    assert newest["last_used"]
    desk.cli("feed", "revoke", "alice", str(newest["token"]), "--yes")
    assert read(tmp_path / "two", url) == []


def test_recent_changes(feeds: str, event: str, tmp_path: Path) -> None:
    items = read(tmp_path / "reader", with_password(f"{feeds}/feeds/alice/changes.rss", "alice"))
    assert f"» {event}" in [title for _, title, _, _ in items]


def test_a_podcast(desk: Desk, feeds: str, tmp_path: Path) -> None:
    """DOC-50, DOC-51: mounted, published, heard by anybody."""
    disk = str(desk.endpoints["webdav"]["url"]).rstrip("/") + "/docs/dora/private/web"
    dora = ("dora", PASSWORDS["dora"])
    sound = b"ID3" + bytes(100_000)
    assert requests.request("MKCOL", disk, auth=dora, timeout=30).status_code == 201
    assert requests.put(f"{disk}/first show.mp3", sound, auth=dora, timeout=30).status_code == 201
    url = f"{feeds}/feeds/public/dora/web/index.rss"
    assert read(tmp_path / "before", url) == []
    publish = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:e="urn:escritoire:dav"><D:set><D:prop>'
        "<e:published>true</e:published></D:prop></D:set></D:propertyupdate>"
    )
    done = requests.request("PROPPATCH", disk, data=publish, auth=dora, timeout=30)
    assert done.status_code == 207
    assert "200 OK" in done.text
    [(_, title, _, enclosure)] = read(tmp_path / "after", url)
    assert title == "first show.mp3"
    heard = requests.get(enclosure, headers={"Range": "bytes=0-"}, timeout=30)
    assert (heard.status_code, heard.content, heard.headers["Content-Type"]) == (206, sound, "audio/mpeg")
    assert requests.get(f"{disk}/first show.mp3", timeout=30).status_code == 401
