"""Writing what IMAP sends: strings, names, flags, dates, sets (RFC 9051 §9)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from storage.mail import utf7
from storage.mail.types import CHILDLESS, Mailbox

_PLAIN: Final = re.compile(rb"[\x20-\x21\x23-\x5b\x5d-\x7e]*\Z")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def string(value: bytes) -> bytes:
    """A quoted string, or a literal where that cannot be one."""
    if _PLAIN.match(value):
        return b'"%b"' % value
    if value.isascii() and b"\r" not in value and b"\n" not in value and b"\0" not in value:
        return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"{%d}\r\n%b" % (len(value), value)


def shown(value: bytes) -> bytes:
    """What came without NULs, which only a `literal8` can hold: the octet that Dovecot writes instead (RFC 9051 §9)."""
    return value.replace(b"\0", b"\x80")


def literal(value: bytes) -> bytes:
    """A literal of what came."""
    return b"{%d}\r\n%b" % (len(value), shown(value))


def binary(value: bytes) -> bytes:
    """A literal for BINARY: a `literal8` if there is a NUL in it (RFC 9051 §6.4.5)."""
    return b"~{%d}\r\n%b" % (len(value), value) if b"\0" in value else literal(value)


def text(value: str, *, utf8: bool) -> bytes:
    """A string for people: quoted UTF-8 where the client takes it, else a literal (RFC 6855 §3)."""
    octets = value.encode("utf-8", "replace")
    if utf8 and not octets.isascii() and b"\r" not in octets and b"\n" not in octets and b"\0" not in octets:
        return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return string(octets)


def mailbox(name: str, *, utf8: bool) -> bytes:
    """A mailbox's name (RFC 9051 §5.1, RFC 3501 §5.1.3)."""
    return text(name, utf8=True) if utf8 else string(utf7.encode(name))


@lru_cache(4096)
def flags(canonical: str) -> bytes:
    """`FLAGS (…)` of a canonical text."""
    return b"FLAGS (%b)" % canonical.encode("ascii", "replace")


@lru_cache(4096)
def _day(days: int) -> bytes:
    moment = time.gmtime(days * 86_400)
    return b"%2d-%b-%04d" % (moment.tm_mday, _MONTHS[moment.tm_mon - 1].encode(), moment.tm_year)


@lru_cache(1440)
def _clock(minutes: int) -> bytes:
    return b"%02d:%02d" % divmod(minutes, 60)


def date_time(seconds: int) -> bytes:
    """A time in UTC, as INTERNALDATE is written."""
    days, rest = divmod(seconds, 86_400)
    minutes, second = divmod(rest, 60)
    return b'"%b %b:%02d +0000"' % (_day(days), _clock(minutes), second)


def rows(form: bytes, columns: Sequence[Sequence[Any]]) -> bytes:
    """One row after the other, each written as `form` says; all at once, in half the time of row by row."""
    count, width = len(columns[0]), len(columns)
    values: list[Any] = [None] * (count * width)
    for place, column in enumerate(columns):
        values[place::width] = column
    return (form * count) % tuple(values)


def number_set(numbers: Sequence[int]) -> bytes:
    """Ascending numbers as a set with ranges."""
    found: list[bytes] = []
    at, count = 0, len(numbers)
    while at < count:
        first = last = numbers[at]
        at += 1
        while at < count and numbers[at] == last + 1:
            last = numbers[at]
            at += 1
        found.append(b"%d" % first if first == last else b"%d:%d" % (first, last))
    return b",".join(found)


def attributes(box: Mailbox | None, *, subscribed: bool) -> list[str]:
    """The attributes of a name in LIST; None is a name without a mailbox (RFC 9051 §7.3.1, RFC 5258 §3)."""
    if box is None:
        found = ["\\NonExistent"]
    elif box.name in CHILDLESS:
        found = ["\\NoInferiors"]
    else:
        found = ["\\HasChildren" if box.has_children else "\\HasNoChildren"]
    if box is not None and box.use:
        found.append(box.use)
    return [*found, "\\Subscribed"] if subscribed else found


def list_response(name: str, attributes: Iterable[str], *, utf8: bool, old: str = "") -> bytes:
    """A LIST response; with another name that was given for the mailbox (RFC 9051 §6.3.9.7)."""
    more = b' ("OLDNAME" (%b))' % mailbox(old, utf8=utf8) if old and old != name else b""
    return b'* LIST %b "/" %b%b\r\n' % (listed(attributes), mailbox(name, utf8=utf8), more)


def listed(words: Iterable[str]) -> bytes:
    """Words in parentheses."""
    return b"(%b)" % " ".join(words).encode("ascii", "replace")
