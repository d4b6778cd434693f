"""What the tests of the disk's clients share: its URL, folders of one's own, rclone's settings."""

from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

from tests.interop.desk import PASSWORDS, Desk
from tests.interop.wire import Wire


def root(desk: Desk) -> str:
    """The disk's server, without a final slash."""
    return str(desk.endpoints["webdav"]["url"]).rstrip("/")


def folder(desk: Desk, login: str = "alice") -> str:
    """Make a folder for one test; give its path."""
    path = f"/docs/{login}/private/t-{uuid.uuid4().hex[:10]}/"
    wire = Wire(root(desk), login)
    assert wire("MKCOL", path).status == 201
    wire.close()
    return path


def rclone(place: Path, url: str, login: str, *arguments: str, timeout_s: float = 120) -> str:
    """Run rclone with the disk as `desk:`; give what it printed."""
    obscured = subprocess.run(["rclone", "obscure", PASSWORDS[login]], capture_output=True, check=True)
    environment = {
        **os.environ,
        "HOME": str(place),
        "RCLONE_CONFIG_DESK_TYPE": "webdav",
        "RCLONE_CONFIG_DESK_URL": url,
        "RCLONE_CONFIG_DESK_VENDOR": "owncloud",
        "RCLONE_CONFIG_DESK_USER": login,
        "RCLONE_CONFIG_DESK_PASS": obscured.stdout.decode().strip(),
    }
    done = subprocess.run(
        ["rclone", "--config", "/dev/null", "--retries", "1", *arguments],
        cwd=place, env=environment, capture_output=True, check=False, timeout=timeout_s,
    )  # fmt: skip
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said
