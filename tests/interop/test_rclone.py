"""rclone: synchronises a tree both ways, checks it, keeps its times, moves a large file (DOC-01, DOC-08, DOC-12)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.disk import folder, rclone, root
from tests.interop.wire import Wire

pytestmark = pytest.mark.skipif(shutil.which("rclone") is None, reason="needs rclone (Debian: rclone)")

NAMES = ("plain.txt", "sub/März 2026.txt", "sub/deeper/100% & more; #1.txt", "sub/empty", "sub/+plus,comma='q'.txt")


def tree(place: Path) -> Path:
    base = place / "tree"
    for name in NAMES:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name.endswith("empty") else name.encode() * 50)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return base


def test_sync_check_and_back(desk: Desk, tmp_path: Path) -> None:
    url = root(desk) + folder(desk)
    base = tree(tmp_path)
    rclone(tmp_path, url, "alice", "sync", str(base), "desk:")
    assert "0 differences found" in rclone(tmp_path, url, "alice", "check", str(base), "desk:", "--download")
    # Times came along, so that a second run has nothing to send.
    again = rclone(tmp_path, url, "alice", "sync", str(base), "desk:", "-v", "--stats-one-line")
    assert "Copied" not in again
    (base / "plain.txt").write_bytes(b"changed")
    (base / "sub" / "empty").unlink()
    rclone(tmp_path, url, "alice", "sync", str(base), "desk:")
    rclone(tmp_path, url, "alice", "sync", "desk:", str(tmp_path / "back"))
    found = {str(one.relative_to(tmp_path / "back")) for one in (tmp_path / "back").rglob("*") if one.is_file()}
    assert found == set(NAMES) - {"sub/empty"}
    assert (tmp_path / "back" / "plain.txt").read_bytes() == b"changed"


def test_moving_and_copying_on_the_server(desk: Desk, tmp_path: Path) -> None:
    """RFC 4918 §9.8, §9.9: no body goes over the wire."""
    url = root(desk) + folder(desk)
    rclone(tmp_path, url, "alice", "copy", str(tree(tmp_path)), "desk:a")
    rclone(tmp_path, url, "alice", "moveto", "desk:a/sub", "desk:b")
    rclone(tmp_path, url, "alice", "copyto", "desk:a/plain.txt", "desk:b/copy.txt")
    listed = rclone(tmp_path, url, "alice", "lsf", "-R", "--files-only", "desk:").split("\n")
    assert {"b/März 2026.txt", "b/deeper/100% & more; #1.txt", "b/copy.txt", "a/plain.txt"} <= set(listed)
    rclone(tmp_path, url, "alice", "purge", "desk:b")
    assert "b/" not in rclone(tmp_path, url, "alice", "lsf", "desk:")


def test_a_large_file(desk: Desk, tmp_path: Path) -> None:
    url = root(desk) + folder(desk)
    block = os.urandom(1024 * 1024)
    with (tmp_path / "large.bin").open("wb") as file:
        for number in range(120):
            file.write(block[number:] + block[:number])
    rclone(tmp_path, url, "alice", "copy", "large.bin", "desk:")
    rclone(tmp_path, url, "alice", "copyto", "desk:large.bin", "back.bin", "--multi-thread-streams", "4")
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("large.bin", "back.bin")}
    assert len(digests) == 1


def arrived(desk: Desk, path: str, body: bytes) -> None:
    """Wait until the server gives `body` there."""
    wire = Wire(root(desk), "alice")
    end = time.monotonic() + 30
    while wire("GET", path).body != body:
        assert time.monotonic() < end, f"{path} did not arrive"
        time.sleep(0.05)
    wire.close()


@pytest.mark.skipif(not os.access("/dev/fuse", os.W_OK) or shutil.which("fusermount3") is None, reason="needs FUSE")
def test_mounted(desk: Desk, tmp_path: Path) -> None:
    """`rclone mount --vfs-cache-mode writes`: what programs do with a file goes through."""
    path = folder(desk)
    url = root(desk) + path
    place = tmp_path / "mount"
    place.mkdir()
    obscured = subprocess.run(["rclone", "obscure", PASSWORDS["alice"]], capture_output=True, check=True)
    command = [
        "rclone", "--config", "/dev/null", "mount", f":webdav,url='{url}',vendor=owncloud,user=alice:", str(place),
        "--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "--cache-dir", str(tmp_path / "cache"),
        "--webdav-pass", obscured.stdout.decode().strip(),
    ]  # fmt: skip
    mounted = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 90
        while not os.path.ismount(place):
            if mounted.poll() is not None:  # no FUSE, or none for this user
                pytest.skip("this machine mounts nothing")
            assert time.monotonic() < end, "rclone neither mounts nor gives up"
            time.sleep(0.05)
        (place / "docs").mkdir()
        (place / "docs" / "a.txt").write_text("one")
        with (place / "docs" / "a.txt").open("a") as file:
            file.write(" two")
        arrived(desk, f"{path}docs/a.txt", b"one two")  # rclone uploads behind the program's back
        (place / "docs" / "a.txt").rename(place / "docs" / "b.txt")
        assert [one.name for one in (place / "docs").iterdir()] == ["b.txt"]
        assert (place / "docs" / "b.txt").read_text() == "one two"
        (place / "docs" / "b.txt").unlink()
        assert list((place / "docs").iterdir()) == []
    finally:
        subprocess.run(["fusermount3", "-u", str(place)], check=False, capture_output=True)
        mounted.terminate()
        mounted.wait(20)
