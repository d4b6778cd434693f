"""libwbxml's two programs, the independent codec (Debian package libwbxml2-utils). It knows pages 0 to 24, up to 16.0."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from servers.activesync.wbxml.pages import PAGES
from servers.activesync.wbxml.tokens import Token

NOT_KNOWN: Final = frozenset(
    {
        *((4, code) for code in range(0x2B, 0x33)),
        (8, 0x10),
        (8, 0x11),
        (14, 0x3B),
        *((25, code) for code in PAGES[25].tokens),
    }
)
"""By page and code: tokens of ours that it does not have."""
BINARY: Final = frozenset(
    {(10, 0x1C), (15, 0x20), (16, 0x12), (17, 0x1F), (20, 0x18), (21, 0x10), (22, 0x09), (22, 0x0A)}
)
"""Elements whose value it writes into XML as base64, and as opaque data into WBXML."""


def knows(token: Token) -> bool:
    return (token.page, token.code) not in NOT_KNOWN


def to_xml(document: bytes) -> bytes:
    """The language has to be named: the public identifier says nothing. White space is kept."""
    return _run(["wbxml2xml", "-l", "ACTIVESYNC", "-m", "0", "-k", "-o", "-", "-"], document)


def to_wbxml(xml: bytes, *options: str) -> bytes:
    """Version 1.3, public identifier 1 and no string table, unless options say otherwise."""
    return _run(["xml2wbxml", "-k", *(options or ("-a", "-n", "-v", "1.3")), "-o", "-", "-"], xml)


def _run(command: list[str], given: bytes) -> bytes:
    assert shutil.which(command[0]), f"{command[0]} is missing: apt-get install libwbxml2-utils"
    done = subprocess.run(command, input=given, capture_output=True, timeout=60, check=True)
    assert b"succeeded" in done.stderr, done.stderr
    return done.stdout
