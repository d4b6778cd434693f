"""Files that Windows programs save as "Unicode": UTF-16, with a byte order mark or without (RFC 2781 §4.3)."""

from __future__ import annotations


def as_utf8(data: bytes) -> bytes:
    """A file that begins with an ASCII character, in UTF-8 without a mark; what is not UTF-16 stays as it is."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8")
    if b"\0" in data[:2]:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", "replace").encode("utf-8")
    return data.removeprefix(b"\xef\xbb\xbf")
