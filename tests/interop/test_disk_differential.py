"""RFC 4918's corner cases to wsgidav and to us: the differences are exactly those that the documentation explains."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from tests.interop.desk import Desk
from tests.interop.disk import root
from tests.interop.disk_differential import answers
from tests.interop.wire import Wire
from tests.interop.wsgidav_peer import serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocols" / "differences-wsgidav.md"


def test_differences_are_the_documented_ones(desk: Desk, tmp_path: Path) -> None:
    """DOC-01: each case that differs has a row with the sentence that decides; each row still differs."""
    base = f"/docs/dora/private/d-{uuid.uuid4().hex[:8]}/"
    with serving(tmp_path) as peer, Wire(peer, "dora") as theirs, Wire(root(desk), "dora") as ours:
        assert ours("MKCOL", base).status == 201
        assert theirs("MKCOL", "/d/").status == 201
        found, expected = answers(ours, base), answers(theirs, "/d/")
    assert found.keys() == expected.keys()
    different = {
        name: {"ours": value, "wsgidav": expected[name]} for name, value in found.items() if value != expected[name]
    }
    documented = set(re.findall(r"^\| `([^`]+)` \|", DOCUMENT.read_text(), re.M))
    assert {name: value for name, value in different.items() if name not in documented} == {}
    assert documented - set(different) == set(), "these no longer differ"
