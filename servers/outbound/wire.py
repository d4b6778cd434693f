"""A message's octets as SMTP wants them, and the same in 7 bits (RFC 5321 §2.3.8, RFC 6152)."""

from __future__ import annotations

import base64
import email
import email.generator
import email.policy
import io
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

_END: Final = re.compile(rb"\r\n|\r|\n")
_BLANK: Final = re.compile(rb"(?:\A|\r\n)\r\n")
_FIELD: Final = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:[ \t]*((?:[^\r\n]|\r\n(?=[ \t]))*)", re.MULTILINE)
_POLICY: Final[Any] = email.policy.compat32.clone(linesep="\r\n", cte_type="7bit", max_line_length=0)
_SEALED: Final = frozenset({"multipart/signed", "multipart/encrypted"})
_ENCODED: Final = frozenset({"quoted-printable", "base64", "x-uuencode", "uuencode", "uue", "x-uue"})
_LONG: Final = re.compile(rb"\n[^\r\n]{999}")
"""With the end of the line before, so that it is looked for once in each line."""
_PARTS_MAX: Final = 2000
_CONVERTED_OCTETS: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready for the wire: every line ends with CRLF."""

    data: bytes
    header: bytes
    """Without the blank line."""

    @property
    def eight(self) -> bool:
        """It has octets above 127."""
        return not self.data.isascii()

    @property
    def international(self) -> bool:
        """Its header has them, which takes SMTPUTF8 (RFC 6531 §3.6)."""
        return not self.header.isascii()

    def field(self, name: str) -> str:
        """The first field of that name, unfolded; "" if there is none."""
        return next(iter(self.fields(name)), "")

    def fields(self, name: str) -> list[str]:
        """All fields of that name, unfolded."""
        wanted = name.lower().encode()
        found = [one[2] for one in _FIELD.finditer(self.header) if one[1].lower() == wanted]
        return [re.sub(r"\s+", " ", value.decode("utf-8", "replace")).strip() for value in found]


def letter(data: bytes) -> Letter:
    """Make ends of lines of whatever ends lines: a bare one lets servers disagree on where a message ends."""
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        data = _END.sub(b"\r\n", data)
    blank = _BLANK.search(data)
    return Letter(data, data[: blank.start() + 2] if blank and blank.start() else b"" if blank else data)


def seven_bits(one: Letter) -> Letter | None:
    """The same message without octets above 127 (RFC 6152 §3); None: that would break it.

    A signature or an encryption covers the octets as they are, and nobody knows what text without a charset says.
    """
    if one.international:
        return None
    converted = _converted(one, _POLICY, _is_not_ascii)
    return None if converted is None or converted.eight else converted


def short_lines(one: Letter) -> Letter:
    """The same message without lines that are longer than RFC 5321 §4.5.3.1.6 lets a server take; as it is, if that
    would break it, as above.
    """
    if not _LONG.search(one.data, max(len(one.header) - 1, 0)):
        return one
    return _converted(one, _POLICY.clone(cte_type="8bit"), _is_long) or one


def _converted(one: Letter, policy: Any, unfit: Callable[[bytes, str], bool]) -> Letter | None:
    if len(one.data) > _CONVERTED_OCTETS:
        return None
    try:
        parsed = email.message_from_bytes(one.data, policy=policy)
        parts: list[Message] = []
        for part in parsed.walk():
            parts.append(part)
            if len(parts) > _PARTS_MAX or part.get_content_type() in _SEALED:
                return None
        for part in parts:
            _encode(part, unfit)
        out = io.BytesIO()
        email.generator.BytesGenerator(out, mangle_from_=False, policy=policy).flatten(parsed)
    except (ValueError, LookupError, KeyError, AttributeError, TypeError, IndexError, RecursionError):
        return None  # the library's many words for MIME that is none
    return letter(out.getvalue())


def _is_not_ascii(payload: bytes, encoding: str) -> bool:
    """`payload` as it stands there."""
    return not payload.isascii() or encoding in {"8bit", "binary"}


def _is_long(payload: bytes, encoding: str) -> bool:
    return _LONG.search(b"\n" + payload) is not None


def _encode(part: Message, unfit: Callable[[bytes, str], bool]) -> None:
    """Give a leaf that is `unfit` an encoding of short lines of 7 bits, and what is around it none (RFC 2045 §6.4)."""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if part.is_multipart():
        if encoding in {"8bit", "binary"} and unfit is _is_not_ascii:
            part.replace_header("Content-Transfer-Encoding", "7bit")
        return
    raw: Any = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return
    written = str(part.get_payload()).encode("utf-8", "surrogateescape") if encoding in _ENCODED else raw
    if not unfit(written, encoding):
        return
    if part.get_content_maintype() == "text":
        lines = [quopri.encodestring(line).replace(b"\n", b"\r\n") for line in _END.split(raw)]
        octets, encoding = b"\r\n".join(lines), "quoted-printable"
    else:
        octets, encoding = base64.encodebytes(raw).replace(b"\n", b"\r\n"), "base64"
    part.set_payload(octets.decode("ascii"))
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = encoding
