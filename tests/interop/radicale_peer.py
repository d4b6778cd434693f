"""Radicale with everybody's password: the oracle of the calendars' and contacts' differential test."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.interop import peer
from tests.interop.desk import PASSWORDS


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start it in `folder`; give its root, without a final slash."""
    port = peer.free_port()
    (folder / "users").write_text("".join(f"{login}:{secret}\n" for login, secret in PASSWORDS.items()))
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        "htpasswd_encryption = plain\ndelay = 0\n[rights]\ntype = owner_only\n"
        f"[storage]\nfilesystem_folder = {folder}/collections\n"
    )
    command = [sys.executable, "-m", "radicale", "--config", str(folder / "config")]
    with peer.serving(command, port, folder / "log") as root:
        yield root
