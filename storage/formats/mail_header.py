"""The header of a mail on its way: what is added to it, and what must not go out (RFC 5321 §4.4, RFC 6409 §8)."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from storage.formats import mime_fields
from storage.formats.addresses import parse_addresses

HOPS_MAX: Final = 100
_HEADER_OCTETS: Final = 256 * 1024


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
    """The addresses of From and Sender, lower case (MSG-09)."""
    found: list[str] = []
    for name in (b"from", b"sender"):
        for value in values(header, name):
            found += [one.address.lower() for one in parse_addresses(value) if one.host]
    return found


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
    return {value.strip().strip(b"<>").decode("utf-8", "replace").lower() for value in values(header, b"delivered-to")}


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _clean(text: str) -> str:
    return re.sub(r"[^\x21-\x7e\u00a0-\U0010ffff]|[()<>]", "?", text)[:255]


def _literal(address: str) -> str:
    return f"IPv6:{address}" if ":" in address else address or "local"
