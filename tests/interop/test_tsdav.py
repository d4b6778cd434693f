"""tsdav (Node.js): discovery, objects with ETags, sync-collection, another's calendar, address books."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop import objects
from tests.interop.desk import GROUP, PASSWORDS, Desk, calendar, contacts, program
from tests.interop.wire import Wire

NODE = Path(__file__).parent / "node"


def test_tsdav(desk: Desk, wire: Callable[..., Wire], calendar_path: str) -> None:
    """One session of bob, who also opens a calendar of alice (RFC 4791, 6352, 6578; CAL-07, SYS-06, SYS-14)."""
    node = program("node")
    if node is None or not (NODE / "node_modules" / "tsdav").exists():
        pytest.skip("needs Node.js and tsdav (make interop installs them)")
    alice = wire("alice")
    assert (
        alice(
            "PUT",
            calendar_path + "a.ics",
            objects.event("talk", "Salary talk", "20260316T090000Z", "20260316T100000Z", "LOCATION:Room 1"),
        ).status
        == 201
    )
    done = subprocess.run(
        [
            node,
            str(NODE / "tsdav.mjs"),
            desk.caldav + "/",
            desk.carddav + "/",
            "bob",
            PASSWORDS["bob"],
            desk.caldav + calendar_path,
        ],
        capture_output=True,
        check=False,
        timeout=120,
        cwd=NODE,
        env={**os.environ, "NO_COLOR": "1"},
    )
    said: dict[str, Any] = {}
    for line in done.stdout.decode().splitlines():
        step = json.loads(line)
        said[step["step"]] = step.get("value")
    assert done.returncode == 0, (said, done.stderr.decode()[-3000:])
    assert calendar("bob") in said["calendars"]
    assert any(GROUP in path for path in said["calendars"])  # CALSYNC-05, GRP-23
    assert said["made"] == "From tsdav"
    assert said["created"] == 201
    assert said["created twice"] == 412
    assert said["fetched"] == {"etag": True, "first": True}
    assert said["updated"] in (200, 204)
    assert said["updated with a stale etag"] == 412
    assert said["in range"] == [1, 0]
    assert said["deleted"] == 204
    assert said["synchronised"] == [["one.ics", True], ["two.ics", False]]
    assert said["smart"] == [1, 1]
    assert said["calendar deleted"] == 204
    assert said["stubs"] == [[True, False]]
    assert said["refused"] == 403
    assert contacts("bob") in said["books"]
    assert said["card created"] == 201
    assert said["card updated"][0] in (200, 204)
    assert said["card updated"][1]
    assert said["card deleted"] == 204
