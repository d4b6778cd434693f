"""Text in header fields: encoded words (RFC 2047) and extended parameters (RFC 2231)."""

from __future__ import annotations

import binascii
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from storage.formats import mime_charsets

# RFC 2047 §2, with RFC 2231 §5's language. Spaces within are wrong and occur.
_WORD: Final = re.compile(rb"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\r\n]*)\?=")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])|[\r\n\x00]+")
_CONTINUED: Final = re.compile(r"(.+?)\*(\d{1,4})(\*?)\Z")
_MAX_SECTIONS: Final = 1000
_CACHED_OCTETS: Final = 256


def unfold(value: bytes) -> bytes:
    """Join the lines of a field's value (RFC 5322 §2.2.3), white space around it gone, no CR, LF or NUL left."""
    value = value.strip()
    if b"\n" in value:
        value = value.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")
        if b"\n" not in value and b"\r" not in value and b"\0" not in value:
            return value
    elif b"\r" not in value and b"\0" not in value:
        return value
    return _FOLD.sub(b"", value).strip()


def decode_words(value: bytes) -> str:
    """Decode an unstructured value, unfolded already: encoded words, else UTF-8 (RFC 6532) or what it is. NFC."""
    if b"=?" not in value:
        if value.isascii():
            return value.decode("ascii")
        return unicodedata.normalize("NFC", mime_charsets.decode(value, ""))
    return _remembered(value) if len(value) <= _CACHED_OCTETS else _decode(value)


def _decode(value: bytes) -> str:
    pieces: list[str] = []
    at = 0
    pending: list[bytes] = []
    charset = ""
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        # RFC 2047 §6.2: white space between two encoded words is not displayed.
        joins = bool(pending) and not between.strip()
        label = word[1].decode("ascii", "replace").lower()
        if pending and not (joins and label == charset):
            pieces.append(mime_charsets.decode(b"".join(pending), charset))
            pending = []
        if between and not joins:
            pieces.append(mime_charsets.decode(between, ""))
        # Octets of neighbours are joined before they are read: senders cut characters in two.
        pending.append(_octets(word[2], word[3]))
        charset = label
        at = word.end()
    if pending:
        pieces.append(mime_charsets.decode(b"".join(pending), charset))
    pieces.append(mime_charsets.decode(value[at:], ""))
    return unicodedata.normalize("NFC", "".join(pieces).replace("\0", ""))


_remembered = lru_cache(maxsize=2048)(_decode)
"""The same names and subjects come again and again, several times in one header."""


def _octets(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return base64(text)
    return binascii.a2b_qp(text, header=True)


def base64(text: bytes) -> bytes:
    """Decode base64 as far as it goes: foreign characters skipped, padding not required (RFC 2045 §6.8)."""
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        pass
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    if len(kept) % 4 == 1:
        kept = kept[:-1]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def encode_words(text: str) -> bytes:
    """Write `text` as an unstructured value: as it is if ASCII, else as encoded words of UTF-8 (RFC 2047 §2, §5).

    Words are of at most 75 characters, separated by CRLF SP (folded). CR, LF and NUL become spaces.
    """
    text = re.sub(r"[\r\n\0]+", " ", text)
    if text.isascii() and "=?" not in text:
        return text.encode("ascii")
    words: list[bytes] = []
    chunk = b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > 45:  # 45 octets are 60 of base64; with =?utf-8?b?…?= 72
            words.append(chunk)
            chunk = b""
        chunk += octets
    words.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?%b?=" % binascii.b2a_base64(word, newline=False) for word in words)


def parameter(parameters: Iterable[tuple[bytes, bytes]], name: str) -> str:
    """Give a parameter's value decoded: RFC 2231 pieces and charset, else encoded words, which RFC 2047 §5 forbids.

    "" if there is none. The extended form wins over the plain one (RFC 6266 §4.3).
    """
    plain: str | None = None
    pieces: dict[int, tuple[bytes, bool]] = {}
    for raw, value in parameters:
        key = raw.decode("ascii", "replace").lower()
        if key == name:
            if plain is None:
                plain = decode_words(unfold(value))
        elif key == name + "*":
            pieces.setdefault(0, (value, True))
        elif key.startswith(name + "*") and (match := _CONTINUED.match(key)) and len(pieces) < _MAX_SECTIONS:
            pieces.setdefault(int(match[2]), (value, bool(match[3])))
    if 0 not in pieces:
        return plain or ""
    charset = ""
    octets: list[bytes] = []
    for number in range(len(pieces)):
        if number not in pieces:  # RFC 2231 §3: numbered without gaps
            break
        value, extended = pieces[number]
        if number == 0 and extended and value.count(b"'") >= 2:
            label, _, value = value.split(b"'", 2)
            charset = label.decode("ascii", "replace")
        octets.append(unquote_to_bytes(value) if extended else value)
    text = mime_charsets.decode(b"".join(octets), charset).replace("\0", "")
    return unicodedata.normalize("NFC", text)


_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """A text without what no document may hold: control characters but tab and line feed, lone surrogates."""
    return _CONTROLS.sub(" ", text.replace("\r\n", "\n"))
