"""wsgidav with dora's password: the oracle of the disk's differential test."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tests.interop import peer
from tests.interop.desk import PASSWORDS, program


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start it in `folder` with locks and dead properties in memory; give its root, without a final slash."""
    port = peer.free_port()
    (folder / "files").mkdir()
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "provider_mapping": {"/": str(folder / "files")},
        "simple_dc": {"user_mapping": {"*": {"dora": {"password": PASSWORDS["dora"]}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "property_manager": True,
        "lock_storage": True,
        "verbose": 1,
    }
    (folder / "wsgidav.json").write_text(json.dumps(settings))
    command = program("wsgidav")
    assert command is not None, "wsgidav is in the extra `dev`"
    with peer.serving([command, "--config", str(folder / "wsgidav.json")], port, folder / "log") as root:
        yield root
