"""vdirsyncer both ways, calendars and contacts, conflicts, another member's calendar and the group's (CALSYNC-01, 05, 06; CON-25)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from tests.interop import objects
from tests.interop.desk import Desk, calendar, contacts, group_calendar
from tests.interop.vdirs import Vdirs
from tests.interop.wire import Wire


def put(connection: Wire, path: str, body: str) -> None:
    assert connection("PUT", path, body).status in (201, 204)


def test_calendar_both_ways(desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path) -> None:
    """Discovery by the root alone (SYS-14), then creation, change and removal from each side (CALSYNC-01)."""
    name = calendar_path.rstrip("/").rsplit("/", 1)[-1]
    vdirs = Vdirs(tmp_path, "alice")
    parent = vdirs.pair("cal", "caldav", f"{desk.caldav}/", f'["{name}"]')
    vdirs.discover("cal")
    local, alice = parent / name, wire("alice")
    local.mkdir(exist_ok=True)

    put(alice, calendar_path + "one.ics", objects.event("one", "From the server"))
    (local / "two.ics").write_text(objects.event("two", "From the file"), newline="")
    vdirs.sync()
    files = {p.read_text() for p in local.glob("*.ics")}
    assert any("From the server" in text for text in files)
    assert (
        sum("From the file" in a.text for a in [alice("GET", calendar_path + n) for n in _names(alice, calendar_path)])
        == 1
    )

    (file,) = (p for p in local.glob("*.ics") if "From the server" in p.read_text())
    file.write_text(objects.event("one", "Changed in the file"), newline="")
    other = next(n for n in _names(alice, calendar_path) if "From the file" in alice("GET", calendar_path + n).text)
    put(alice, calendar_path + other, objects.event("two", "Changed on the server"))
    vdirs.sync()
    assert "Changed in the file" in alice("GET", calendar_path + "one.ics").text
    assert any("Changed on the server" in p.read_text() for p in local.glob("*.ics"))

    file.unlink()
    assert alice("DELETE", calendar_path + other).status == 204
    vdirs.sync()
    assert _names(alice, calendar_path) == []
    assert list(local.glob("*.ics")) == []


def test_conflict_is_seen_and_nothing_is_lost(
    desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path
) -> None:
    """Both sides changed: vdirsyncer stops by itself; told who wins, both end alike (SYS-06)."""
    vdirs = Vdirs(tmp_path, "alice")
    local = vdirs.pair("cal", "caldav", desk.caldav + calendar_path, "null")
    alice = wire("alice")
    put(alice, calendar_path + "one.ics", objects.event("one", "Before"))
    vdirs.discover("cal")
    vdirs.sync()
    (file,) = local.glob("*.ics")
    file.write_text(objects.event("one", "Mine"), newline="")
    put(alice, calendar_path + "one.ics", objects.event("one", "Theirs"))
    assert "conflict" in vdirs.sync(status=1).lower()
    assert "Theirs" in alice("GET", calendar_path + "one.ics").text
    assert "Mine" in file.read_text()
    vdirs.sections[1] += 'conflict_resolution = "a wins"\n'
    (tmp_path / "config").write_text("\n".join(vdirs.sections))
    vdirs.sync()
    assert "Mine" in alice("GET", calendar_path + "one.ics").text


def test_create_a_calendar_by_discovery(desk: Desk, wire: Callable[..., Wire], tmp_path: Path) -> None:
    """A collection that exists only as a folder is made on the server (RFC 5689 extended MKCOL)."""
    name = f"v-{uuid.uuid4().hex[:8]}"
    vdirs = Vdirs(tmp_path, "alice")
    parent = vdirs.pair("cal", "caldav", f"{desk.caldav}/", f'["{name}"]')
    (parent / name).mkdir()
    (parent / name / "one.ics").write_text(objects.event("one", "New list"), newline="")
    vdirs.discover("cal")
    vdirs.sync()
    alice = wire("alice")
    (member,) = _names(alice, calendar("alice", name))
    assert "New list" in alice("GET", calendar("alice", name) + member).text
    assert alice("DELETE", calendar("alice", name)).status == 204


def test_contacts_both_ways(desk: Desk, wire: Callable[..., Wire], tmp_path: Path) -> None:
    """The private address book, found from the root alone (CON-25)."""
    bob = wire("bob", "carddav")
    path = contacts("bob")
    vdirs = Vdirs(tmp_path, "bob")
    local = vdirs.pair("book", "carddav", f"{desk.carddav}/", '["contacts"]') / "contacts"
    put(bob, path + "ada.vcf", objects.card("ada", "Ada Lovelace", "EMAIL:ada@example.org"))
    vdirs.discover("book")
    local.mkdir(exist_ok=True)
    (local / "emmy.vcf").write_text(objects.card("emmy", "Emmy Noether", "TEL;TYPE=CELL:+49 170 1234567"), newline="")
    vdirs.sync()
    assert any("ada@example.org" in p.read_text() for p in local.glob("*.vcf"))
    assert sum("Emmy Noether" in bob("GET", path + n).text for n in _names(bob, path)) == 1
    assert bob("DELETE", path + "ada.vcf").status == 204
    (local / "grete.vcf").write_text(objects.card("grete", "Grete Hermann"), newline="")
    vdirs.sync()
    names = {line for p in local.glob("*.vcf") for line in p.read_text().splitlines() if line.startswith("FN:")}
    assert names == {"FN:Emmy Noether", "FN:Grete Hermann"}
    assert len(_names(bob, path)) == 2
    for member in _names(bob, path):
        assert bob("DELETE", path + member).status == 204


def test_member_sees_busy_time_only_and_cannot_write(
    desk: Desk, wire: Callable[..., Wire], calendar_path: str, tmp_path: Path
) -> None:
    """Alice's calendar in bob's vdirsyncer: stubs without details, private events absent, writing refused (CAL-06, 07; CALSYNC-06)."""
    alice = wire("alice")
    put(
        alice,
        calendar_path + "open.ics",
        objects.event("open", "Salary talk", "20260316T090000Z", "20260316T093000Z", "LOCATION:Room 1"),
    )
    put(
        alice,
        calendar_path + "hidden.ics",
        objects.event("hidden", "Doctor", "20260317T090000Z", "20260317T093000Z", "CLASS:PRIVATE"),
    )
    vdirs = Vdirs(tmp_path, "bob")
    local = vdirs.pair("cal", "caldav", desk.caldav + calendar_path, "null")
    vdirs.discover("cal")
    vdirs.sync()
    (file,) = local.glob("*.ics")
    text = file.read_text()
    assert "SUMMARY:Busy" in text
    assert "20260316T090000Z" in text
    assert not any(word in text for word in ("Salary", "Room 1", "UID:open", "Doctor"))

    (local / "mine.ics").write_text(objects.event("mine", "Slipped in"), newline="")
    assert "403" in vdirs.sync(status=1) or "Forbidden" in vdirs.sync(status=1)
    assert set(_names(alice, calendar_path)) == {"open.ics", "hidden.ics"}


def test_group_calendar(desk: Desk, wire: Callable[..., Wire], tmp_path: Path) -> None:
    """All members see details; adding is the admin's by default (CAL-13); the path is case-sensitive (0.3)."""
    alice, path = wire("alice"), group_calendar()
    uid = uuid.uuid4().hex
    put(alice, f"{path}{uid}.ics", objects.event(uid, "General meeting"))
    put(alice, f"{path}keep-{uid}.ics", objects.event(f"keep-{uid}", "Summer party"))
    vdirs = Vdirs(tmp_path, "bob")
    local = vdirs.pair("cal", "caldav", desk.caldav + path, "null")
    vdirs.discover("cal")
    vdirs.sync()
    (file,) = (p for p in local.glob("*.ics") if f"UID:{uid}" in p.read_text())
    assert "General meeting" in file.read_text()
    mine = local / "mine.ics"
    mine.write_text(objects.event("mine-" + uid, "From a member"), newline="")
    vdirs.sync(status=1)
    assert not any("From a member" in alice("GET", path + n).text for n in _names(alice, path))
    mine.unlink()
    assert alice("DELETE", f"{path}{uid}.ics").status == 204
    vdirs.sync()
    assert not any(f"UID:{uid}" in p.read_text() for p in local.glob("*.ics"))
    assert any(f"UID:keep-{uid}" in p.read_text() for p in local.glob("*.ics"))
    assert alice("DELETE", f"{path}keep-{uid}.ics").status == 204


def _names(connection: Wire, path: str) -> list[str]:
    """Give the members of a collection."""
    found = connection.propfind(path, "<D:getetag/>", "1").responses()
    return [href.rsplit("/", 1)[-1] for href in found if href != path]
