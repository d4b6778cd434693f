"""A token: one octet on one code page, and the name of the element that it stands for ([MS-ASWBXML] §2.1.2.1)."""

from __future__ import annotations

from functools import cache
from typing import Final

from servers.activesync.wbxml.globals import HAS_CONTENT, OPAQUE, STR_I

FIRST_VERSION: Final = 121
LAST_VERSION: Final = 161
"""Protocol versions are written times ten, as in the base64 query ([MS-ASHTTP] §2.2.1.1.1.1)."""


class Token:
    """One element's name on the wire. There is one object per token: compare with `is`, `==` or `match`.

    `empty`, `opening`, `before_text` and `before_opaque` are the octets that the encoder writes for it.
    """

    __slots__ = (
        "before_opaque",
        "before_text",
        "code",
        "empty",
        "name",
        "namespace",
        "opening",
        "page",
        "since",
        "until",
    )

    def __init__(self, code: int, *, since: int = FIRST_VERSION, until: int = LAST_VERSION) -> None:
        self.code = code
        self.since = since
        self.until = until
        self.page = -1
        self.namespace = self.name = ""
        self.empty = bytes((code,))
        self.opening = bytes((code | HAS_CONTENT,))
        self.before_text = bytes((code | HAS_CONTENT, STR_I))
        self.before_opaque = bytes((code | HAS_CONTENT, OPAQUE))

    def name_it(self, page: int, namespace: str, name: str) -> None:
        """Say where the token stands; its page does so once."""
        self.page, self.namespace, self.name = page, namespace, name

    def known_to(self, version: int) -> bool:
        """If protocol `version` (121 to 161) has this element; answers hold no others."""
        return self.since <= version <= self.until

    def __repr__(self) -> str:
        return f"{self.namespace}:{self.name}"


@cache
def unknown(page: int, code: int) -> Token:
    """The token that no table has; always the same object for the same two octets."""
    token = Token(code, since=0, until=0)
    token.name_it(page, "Unknown", f"Unknown_{page:02X}_{code:02X}")
    return token
