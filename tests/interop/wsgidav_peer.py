"""wsgidav on a free loopback port, with dora's password: the oracle of the disk's differential test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from servers.parent import bound_to_this_process
from tests.interop.desk import PASSWORDS, program


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start it in `folder` with locks and dead properties in memory; give its root, without a final slash."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [command, "--config", str(folder / "wsgidav.json")],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=bound_to_this_process(),
        )
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((folder / "log").read_text())
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
