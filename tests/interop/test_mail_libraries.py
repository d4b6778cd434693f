"""Mail with libraries of other languages: imapflow (Node.js)."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from tests.interop.desk import PASSWORDS, Desk, program
from tests.interop.mail import door, run

NODE = Path(__file__).parent / "node"


def test_imapflow(desk: Desk) -> None:
    """RFC 9051, 7162, 6154, 6851, 8474, 2177: special folders, octets, flags, dates, a move, a push."""
    node = program("node")
    if node is None or not (NODE / "node_modules" / "imapflow").exists():
        pytest.skip("needs Node.js and imapflow (make interop installs them)")
    os.environ["NO_COLOR"] = "1"
    host, port = door(desk, "imaps")
    name = f"flow-{uuid.uuid4().hex[:8]}"
    out = json.loads(run(node, NODE / "imapflow.mjs", host, str(port), "carol", PASSWORDS["carol"], name))
    assert ["Sent Items", "\\Sent"] in out["special"]
    assert ["Trash", "\\Trash"] in out["special"]
    assert (out["subject"], out["same"], out["flags"]) == ("Grüße", True, ["$Work", "\\Flagged"])
    assert (out["date"], out["type"], out["emailId"]) == ("2025-09-01T10:00:00.000Z", "text/plain", True)
    assert (out["found"], out["moved"], out["arrived"], out["status"]) == ([1], 1, 1, 1)
