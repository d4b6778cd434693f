"""The header of a mail on its way: what is added to it, and what must not go out (RFC 5321 §4.4, RFC 6409 §8)."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Final, NamedTuple

from storage.formats import mime_fields
from storage.formats.addresses import parse_addresses

HOPS_MAX: Final = 100
_HEADER_OCTETS: Final = 256 * 1024
_PIECE: Final = re.compile(rb'\\.|["()\\]|[^"()\\]++', re.DOTALL)
_STRAY: Final = re.compile(rb"(?<![^\s<>@])[^\s<>@]++@[^\s<>]+")  # not at each octet of a long word anew


def split(data: bytes) -> tuple[bytes, bytes]:
    """Header with its last line end, and the rest with the blank line before it."""
    end = mime_fields.header_end(data, 0, len(data))
    header = data[:end]
    if header.endswith(b"\r\n\r\n"):
        return header[:-2], data[end - 2 :]
    if header == b"\r\n":
        return b"", data
    if header and not header.endswith(b"\r\n"):
        return header + b"\r\n", b"\r\n" + data[end:]
    if end == len(data) and header:
        return header, b"\r\n"
    return header, b"\r\n" + data[end:]


def values(header: bytes, name: bytes) -> list[bytes]:
    """The raw values of all fields of a name."""
    fields = mime_fields.fields(header[:_HEADER_OCTETS])
    return [value for _, found, value in fields if found.lower() == name]


def without(header: bytes, *names: bytes) -> bytes:
    """A header without some fields."""
    lower = header.lower()
    names = tuple(name for name in names if name in lower)
    if not names:
        return header
    alternatives = b"|".join(map(re.escape, names))
    pattern = re.compile(rb"^(?:%b)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*" % alternatives, re.IGNORECASE | re.MULTILINE)
    return pattern.sub(b"", header)


def hops(header: bytes) -> int:
    """How many servers it passed already (RFC 5321 §6.3)."""
    return len(values(header, b"received"))


def authors(header: bytes) -> list[str]:
    """The addresses of From and Sender, lower case, however far down they stand (MSG-09)."""
    found: list[str] = []
    for _, name, value in mime_fields.fields(header):
        if name.lower() in (b"from", b"sender"):
            found += [one.address.lower() for one in parse_addresses(value) if one.host]
            found += _strays(value)
    return found


def _strays(value: bytes) -> list[str]:
    """Addresses of a list in which one has two of them, `<a@x> <b@x>`: programs differ in which of them they show."""
    if value.count(b"@") < 2 and value.count(b"<") < 2:
        return []
    found: list[str] = []
    for one in re.split(rb"[,;]", _plain(value)):
        if one.count(b"<") > 1 or b"@" in one.partition(b">")[2]:
            found += [each.decode("utf-8", "replace").lower() for each in _STRAY.findall(one)]
    return found


def _plain(value: bytes) -> bytes:
    """A list without what stands in quotes and in comments."""
    kept: list[bytes] = []
    quoted, depth = False, 0
    for piece in _PIECE.findall(value):
        if quoted:
            quoted = piece != b'"'
        elif depth:
            depth += (piece == b"(") - (piece == b")")
        elif piece in (b'"', b"("):
            quoted, depth = piece == b'"', int(piece == b"(")
        else:
            kept.append(piece)
    return b" ".join(kept)


def received(*, helo: str, address: str, hostname: str, protocol: str, recipient: str, login: str, queue: str) -> bytes:
    """One trace field (RFC 5321 §4.4); of the desk's own people neither address nor name of the machine is told."""
    source = "" if login else f"from {_clean(helo)} ([{_literal(address)}])\r\n\t"
    target = f"\r\n\tfor <{_clean(recipient)}>" if recipient else ""
    by = f"by {hostname} (Escritoire) with {protocol} id {queue}"
    return f"Received: {source}{by}{target};\r\n\t{_now()}\r\n".encode("utf-8", "replace")


def completed(header: bytes, hostname: str) -> bytes:
    """What a submission may lack: Date and Message-ID (RFC 6409 §8.2, §8.3); Bcc is taken out (MSG-01)."""
    header = without(header, b"bcc", b"resent-bcc", b"return-path")
    if not values(header, b"date"):
        header += f"Date: {_now()}\r\n".encode()
    if not values(header, b"message-id"):
        header += f"Message-ID: <{int(time.time())}.{secrets.token_hex(10)}@{hostname}>\r\n".encode()
    return header


def delivered_to(header: bytes) -> set[str]:
    """Whom it was delivered to before, lower case: it must not come again (MSG-63)."""
    return set(map(_address, values(header, b"delivered-to")))


def judged(header: bytes) -> bytes:
    """What this desk wrote of a mail when it came, right below its trace: results of checks, and that it is spam."""
    above = [b"received", b"authentication-results", b"x-spam-flag"]
    found: list[bytes] = []
    for whole, name, _ in mime_fields.fields(header[:_HEADER_OCTETS]):
        if name.lower() not in above:
            break
        above = above[above.index(name.lower()) + 1 :]
        found.append(whole)
    return b"".join(found[1:])


def found_spam(header: bytes) -> bool:
    """Whether this desk found a mail to be spam when it came (MSG-47)."""
    return any(value.strip().upper() == b"YES" for value in values(judged(header), b"x-spam-flag"))


class Passed(NamedTuple):
    """What a header says of a mail's way, found in one pass."""

    hops: int
    """As `hops`."""
    delivered_to: frozenset[str]
    """As `delivered_to`."""
    own: bytes
    """The header without Return-Path, which is the delivering server's to write (RFC 5321 §4.4)."""


def passed(header: bytes) -> Passed:
    """`hops`, `delivered_to` and `without` Return-Path together."""
    count = 0
    before: list[bytes] = []
    paths: list[bytes] = []
    for whole, name, value in mime_fields.fields(header[:_HEADER_OCTETS]):
        match len(name):
            case 8:
                count += name.lower() == b"received"
            case 11 if name.lower() == b"return-path":
                paths.append(whole)
            case 12 if name.lower() == b"delivered-to":
                before.append(value)
    own = header
    if len(paths) == 1 and header.startswith(paths[0]) and len(header) <= _HEADER_OCTETS:  # where servers write it
        own = header[len(paths[0]) :]
    elif paths or len(header) > _HEADER_OCTETS:
        own = without(header, b"return-path")
    return Passed(count, frozenset(map(_address, before)), own)


def _address(value: bytes) -> str:
    return value.strip().strip(b"<>").decode("utf-8", "replace").lower()


def _now() -> str:
    return _said(int(time.time()))


@lru_cache(maxsize=8)
def _said(second: int) -> str:
    """A moment as header fields tell it; many mails come in one second."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


@lru_cache(maxsize=512)
def _clean(text: str) -> str:
    return re.sub(r"[^\x21-\x7e\u00a0-\U0010ffff]|[()<>]", "?", text)[:255]


def _literal(address: str) -> str:
    return f"IPv6:{address}" if ":" in address else address or "local"
