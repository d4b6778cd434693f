"""Text and URLs as they are written into answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

_PLAIN: Final = re.compile(r"[A-Za-z0-9._~@+=,:!$()*;-]+\Z")
_SAFE: Final = "-._~!$()*+,;=:@"
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPECIAL: Final = re.compile(r"[&<>\r]")


def text(value: str) -> str:
    """Character data: escaped, carriage returns kept, what XML forbids dropped (XML 1.0 §2.2)."""
    if not _SPECIAL.search(value) and value.isprintable():
        return value
    return (
        _ILLEGAL.sub("", value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    )


def body(octets: bytes) -> str:
    """A stored iCalendar object or card as character data; its control characters were refused at write."""
    if b"\xef\xbf" in octets:  # perhaps U+FFFE or U+FFFF, which XML forbids
        return text(octets.decode())
    if b"&" in octets:
        octets = octets.replace(b"&", b"&amp;")
    if b"<" in octets or b">" in octets:
        octets = octets.replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return octets.replace(b"\r", b"&#13;").decode()


def segment(name: str) -> str:
    """One path segment, percent-encoded so that it is an XML text as well."""
    return name if _PLAIN.match(name) else quote(name, safe=_SAFE)


def all_plain(names: Iterable[str]) -> bool:
    """Whether every one of them is its own path segment, told by one look at all."""
    return _PLAIN.match("".join(names)) is not None


def path(*names: str, directory: bool = False) -> str:
    """An absolute path of decoded segments; `directory` ends it with a slash."""
    joined = "/" + "/".join(names if all_plain(names) else [segment(name) for name in names])
    return joined + "/" if directory and names else joined
