"""XML namespaces in Clark notation, and how names are written in answers."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.sax.saxutils import quoteattr

DAV: Final = "{DAV:}"
CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
CALENDARSERVER: Final = "{http://calendarserver.org/ns/}"
APPLE: Final = "{http://apple.com/ns/ical/}"
ESCRITOIRE: Final = "{urn:escritoire:dav}"

_PREFIXES: Final = {
    DAV: "D",
    CALDAV: "C",
    CARDDAV: "A",
    CALENDARSERVER: "CS",
    APPLE: "I",
    ESCRITOIRE: "E",
}

DECLARATIONS: Final = "".join(f' xmlns:{prefix}="{namespace[1:-1]}"' for namespace, prefix in _PREFIXES.items())
"""What the root of every answer declares."""


@lru_cache(maxsize=2048)
def tags(name: str) -> tuple[str, str]:
    """Start tag and end tag, without their angle brackets, of a Clark name (`{ns}local` or `local`).

    A namespace of our own table uses the prefix that the root declares; another one declares itself.
    """
    namespace, brace, local = name.rpartition("}")
    prefix = _PREFIXES.get(namespace + brace)
    if prefix:
        return f"{prefix}:{local}", f"{prefix}:{local}"
    if brace and namespace[1:]:
        return f"X:{local} xmlns:X={quoteattr(namespace[1:])}", f"X:{local}"
    return f'{local} xmlns=""', local


def element(name: str, content: str = "") -> str:
    """One element as text; `content` is XML already."""
    start, end = tags(name)
    return f"<{start}>{content}</{end}>" if content else f"<{start}/>"
