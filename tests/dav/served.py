"""The kernel as granian loads it in test_wire.py; the environment says which desk and which protocol."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from storage.store import Store
from tests.dav import desk


def make() -> Any:
    """The WSGI callable of a worker."""
    folder = Path(os.environ["DESK_FOLDER"])
    store = Store.open(f"sqlite:///{folder}/desk.sqlite3", folder / "blobs")
    protocol = desk.BOOKS if os.environ["DESK_PROTOCOL"] == "carddav" else desk.CALENDARS
    settings = json.loads(os.environ["DESK_SETTINGS"])
    settings["trusted_proxies"] = frozenset(settings.get("trusted_proxies", ()))
    return desk.app(store, protocol, **settings)
