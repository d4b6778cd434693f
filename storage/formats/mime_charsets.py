"""Character sets of mail: their labels as they occur, wrong ones too (RFC 2045 §5.1, RFC 2978).

What a label promises and what the octets are differ often. Decoding here never fails: a label that nobody knows, or
that the octets contradict, is taken for UTF-8 if the octets are UTF-8, and else for windows-1252.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

_FALLBACK: Final = "cp1252"
# Labels that Python does not know, or for which senders use a superset (as browsers read them).
_ALIASES: Final = {
    "ansi": "cp1252",
    "ascii": "us-ascii",
    "ansi_x3.4-1968": "us-ascii",
    "ansi_x3.110-1983": "cp1252",
    "big5": "cp950",
    "big5-hkscs": "big5hkscs",
    "cn-big5": "cp950",
    "cp-850": "cp850",
    "cp932": "cp932",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-6-i": "iso8859_6",
    "iso-8859-11": "cp874",
    "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf_7",
    "utf8mb4": "utf_8",
    "utf8": "utf_8",
    "unicode-1-1-utf-8": "utf_8",
    "windows-874": "cp874",
    "windows-31j": "cp932",
    "windows-949": "cp949",
}
# Python's "text encodings" that are no character sets, or that run long on hostile octets.
_NOT_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem", "unicode_escape"}
)
_HALVES: Final = re.compile("[\ud800-\udfff]")
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}\Z")


@lru_cache(maxsize=512)
def codec(label: str) -> str | None:
    """Name Python's codec for a charset label; None if nobody knows it."""
    name = label.strip().strip("\"'").lower()
    if not _LABEL.match(name):
        return None
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if found.name in _NOT_CHARSETS or not getattr(found, "_is_text_encoding", False):
        return None
    return found.name


def decode(octets: bytes, label: str) -> str:
    """Read `octets` as the character set `label` says, or as what they evidently are; never fails.

    Octets that stand for nothing become U+FFFD.
    """
    name = codec(label) if label else None
    if name is None or name == "ascii":
        name = "utf-8"
    if name == "utf-7":  # the one codec of Python's that gives halves of characters, which no database takes
        return _HALVES.sub("\ufffd", octets.decode(name, "replace"))
    try:
        return octets.decode(name)
    except (UnicodeError, ValueError):
        pass
    if name != "utf-8":
        if name != _FALLBACK:
            return octets.decode(name, "replace")
        return octets.decode(_FALLBACK, "replace")
    # Labelled UTF-8 or not at all, and is not: a cut tail is forgiven, anything else is western text.
    forgiven = octets.decode("utf-8", "replace")
    if label and codec(label) == "utf-8" and forgiven.count("\ufffd") * 8 < len(forgiven):
        return forgiven
    return octets.decode(_FALLBACK, "replace")
