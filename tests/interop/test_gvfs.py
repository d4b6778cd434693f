"""GNOME's file manager: gvfs mounts the disk, and `gio` does with it what Files does (DOC-01, DOC-08, DOC-12)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.disk import folder, root
from tests.interop.wire import Wire

pytestmark = pytest.mark.skipif(
    shutil.which("gio") is None or shutil.which("dbus-run-session") is None,
    reason="needs gio, gvfs and a D-Bus daemon (Debian: libglib2.0-bin, gvfs-backends, dbus-daemon)",
)

LARGE = os.urandom(3_000_000)
SESSION = """\
set -eu
printf '%s\\n' "$PASSWORD" | gio mount "$DISK"
gio mkdir "$HERE/New folder"
gio copy one.txt "$HERE/one.txt"
gio copy large.bin "$HERE/New folder/large.bin"
gio rename "$HERE/one.txt" "Größe 1 & 2.txt"
gio move "$HERE/Größe 1 & 2.txt" "$HERE/New folder/two.txt"
gio copy "$HERE/New folder/two.txt" "$HERE/three.txt"
printf 'saved again' | gio save "$HERE/three.txt"
if printf 'lost' | gio save -e '"no such validator"' "$HERE/three.txt"; then exit 9; fi
gio list "$HERE" > listed
gio cat "$HERE/New folder/two.txt" > two
gio copy "$HERE/New folder/large.bin" back.bin
gio info -a standard::size,standard::content-type,etag::value "$HERE/three.txt" > info
gio info -f "$HERE" > space
gio remove "$HERE/New folder/two.txt"
gio rename "$HERE/New folder" "Old folder"
gio list "$GROUP" > group
gio mount -u "$DISK"
"""


def test_a_day_in_gnome_s_file_manager(desk: Desk, tmp_path: Path) -> None:
    """Mount, make folders, copy both ways, rename, move, save over, a refused save, remove, unmount."""
    path = folder(desk)
    (tmp_path / "one.txt").write_text("from gnome")
    (tmp_path / "large.bin").write_bytes(LARGE)
    at = f"dav://alice@{urlsplit(root(desk)).netloc}"
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(run),
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "GIO_USE_VFS": "gvfs",
        "LC_ALL": "C.UTF-8",
        "PASSWORD": PASSWORDS["alice"],
        "DISK": f"{at}/docs/alice/private/",
        "HERE": at + path.rstrip("/"),
        "GROUP": f"{at}/docs/alice/IAB/",
    }
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", SESSION],
        cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode() + desk.log()
    assert set((tmp_path / "listed").read_text().split("\n")) == {"New folder", "three.txt", ""}
    assert (tmp_path / "two").read_text() == "from gnome"
    assert (tmp_path / "back.bin").read_bytes() == LARGE
    assert "standard::size: 11" in (tmp_path / "info").read_text()
    assert "standard::content-type: text/plain" in (tmp_path / "info").read_text()
    assert "filesystem::used" in (tmp_path / "space").read_text()
    assert "wiki" in (tmp_path / "group").read_text().split("\n")
    wire = Wire(root(desk), "alice")
    assert wire("GET", path + "three.txt").body == b"saved again"
    assert wire("GET", path + "Old%20folder/large.bin").body == LARGE
    assert wire("GET", path + "Old%20folder/two.txt").status == 404
    wire.close()
