"""Addresses of mail header fields (RFC 5322 §3.4, obsolete forms of §4.4, RFC 6532), as lenient as mail needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from storage.formats import mime_words

MAX_ADDRESSES: Final = 10_000
"""Addresses read of one field; what follows is not looked at."""
CACHED_OCTETS: Final = 512
"""What is found in a value of so many octets is remembered."""


class RawAddress(NamedTuple):
    """One member of an address list in ENVELOPE's terms (RFC 9051 §7.5.2), as sent: encoded words not decoded.

    `host` None marks group syntax: `mailbox` is the group's name at its start, None at its end.
    """

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox, decoded: `name` is "" if none was given, `group` the name of the group that it was listed in."""

    name: str
    mailbox: str
    host: str
    group: str = ""

    @property
    def address(self) -> str:
        """`mailbox@host`, the mailbox quoted where RFC 5321 §4.1.2 demands it."""
        mailbox = self.mailbox
        if not _DOT_ATOM.match(mailbox):
            mailbox = '"' + re.sub(r'(["\\])', r"\\\1", mailbox) + '"'
        return f"{mailbox}@{self.host}" if self.host else mailbox

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


_DOT_ATOM: Final = re.compile(r"[^\s\"(),:;<>@\[\]\\.]+(?:\.[^\s\"(),:;<>@\[\]\\.]+)*\Z")
_ATOM: Final = rb"[^\s\"(),:;<>@\[\]\\]++"
_WORD: Final = rb"[^\s\"(),:;<>@\[\]\\\x00]++"
# Possessive throughout: nothing can be matched in two ways, so that no field takes longer than its length.
_SIMPLE: Final = re.compile(
    rb"[ \t\r\n]*+(?:(?:\"([^\"\\\r\n\x00]*+)\"|(%b(?:[ \t]++%b)*+))?+"
    rb"[ \t\r\n]*+<(%b)@(%b)>|(%b)@(%b))[ \t\r\n]*+\Z" % (_WORD, _WORD, _ATOM, _ATOM, _ATOM, _ATOM)
)
# Quoted strings and domain literals may lack their end: the rest of the value belongs to them.
_TOKENS: Final = re.compile(
    rb"\s+|\"((?:[^\"\\]|\\.)*)(?:\"|\\?\Z)|\[[^\]]*\]?|([^\s\"(),:;<>@\[\]\\]+)|[(),:;<>@\\\]]", re.DOTALL
)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)


def parse_addresses(value: bytes | str) -> list[Address]:
    """Read an address list: the mailboxes in order, those of groups too; at most `MAX_ADDRESSES`, never fails.

    What cannot be read as `local@domain` has an empty `host`.
    """
    octets = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    group = ""
    found: list[Address] = []
    for raw in raw_addresses(octets):
        if raw.host is None:
            group = mime_words.decode_words(raw.mailbox) if raw.mailbox is not None else ""
            continue
        found.append(
            Address(
                mime_words.decode_words(raw.name) if raw.name else "",
                mime_words.decode_words(raw.mailbox or b""),
                mime_words.decode_words(raw.host),
                group,
            )
        )
    return found


def raw_addresses(value: bytes) -> tuple[RawAddress, ...]:
    """Read an address list as ENVELOPE tells it (RFC 9051 §7.5.2); folded or not. Never fails."""
    if len(value) <= CACHED_OCTETS:
        return _remembered(value)
    return _read(value)


def _read(value: bytes) -> tuple[RawAddress, ...]:
    simple = _SIMPLE.match(value)
    if simple:
        quoted, plain, mailbox, host, bare, bare_host = simple.groups()
        if bare is not None:
            return (RawAddress(None, None, bare, bare_host),)
        name = quoted if quoted is not None else b" ".join((plain or b"").split())
        return (RawAddress(name or None, None, mailbox, host),)
    return tuple(_Reader(value).read())


_remembered = lru_cache(maxsize=2048)(_read)
"""The same people write and are written to."""


class _Reader:
    """Reads one list token by token. Words collect until a comma, semicolon or the end makes an address of them."""

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._found: list[RawAddress] = []
        self._in_group = False
        self._clear()

    def _clear(self) -> None:
        self._words: list[bytes] = []  # phrase, or local part with its dots
        self._glue: list[bool] = []  # whether white space stood before the word
        self._comment = b""
        self._host: list[bytes] | None = None
        self._angle: tuple[bytes | None, bytes, bytes] | None = None

    def read(self) -> list[RawAddress]:
        value = self._value
        at, end = 0, len(value)
        space = False
        while at < end and len(self._found) < MAX_ADDRESSES:
            token = _TOKENS.match(value, at)
            if token is None:
                at += 1
                continue
            at = token.end()
            text = token[0]
            if text[:1].isspace():
                space = True
                continue
            if text == b"(":
                at = self._take_comment(at)
                space = True
            elif text == b"<":
                at = self._take_angle(at)
            elif text == b"@":
                if self._host is None:
                    self._host = []
            elif text == b",":
                self._finish()
            elif text == b";":
                self._finish()
                self._close_group()
            elif text == b":" and not self._in_group and self._host is None and self._angle is None:
                self._found.append(RawAddress(None, None, self._phrase(), None))
                self._in_group = True
                self._clear()
            elif token[1] is not None:
                self._word(_unquoted(token[1]), space)
            elif text not in (b">", b")", b"\\", b"]", b":"):
                self._word(text, space)
            space = False
        self._finish()
        self._close_group()
        return self._found

    def _word(self, word: bytes, space: bool) -> None:
        word = mime_words.unfold(word)
        if self._host is not None:
            self._host.append(word)
        elif self._angle is None:
            self._words.append(word)
            self._glue.append(space)

    def _phrase(self) -> bytes:
        """Join words, with one space where there was white space."""
        return b"".join(
            b" " + word if number and space else word
            for number, (word, space) in enumerate(zip(self._words, self._glue, strict=True))
        )

    def _take_comment(self, at: int) -> int:
        """Read a comment, nested ones in it (RFC 5322 §3.2.2); the last one names an address without a phrase."""
        depth = 1
        start = at
        for match in re.compile(rb"\\.|[()]", re.DOTALL).finditer(self._value, at):
            if match[0] == b"(":
                depth += 1
            elif match[0] == b")":
                depth -= 1
                if not depth:
                    self._comment = mime_words.unfold(_unquoted(self._value[start : match.start()]))
                    return match.end()
        self._comment = mime_words.unfold(_unquoted(self._value[start:]))
        return len(self._value)

    def _take_angle(self, at: int) -> int:
        """Read `[route:] local@domain>` (RFC 5322 §4.4)."""
        inner: list[bytes] = []
        route: bytes | None = None
        host: list[bytes] | None = None
        while token := _TOKENS.match(self._value, at):
            text = token[0]
            if text in (b">", b";") or (text == b"," and not (route is None and host is not None and not inner)):
                at = token.end() if text == b">" else at
                break
            at = token.end()
            if text[:1].isspace() or text in (b")", b"\\", b"<"):
                continue
            if text == b"(":
                at = self._take_comment(at)
            elif text == b"@":
                host = [] if host is None or inner else [*host, b"@"]
            elif text == b":":
                if host is not None and not inner:
                    route, host = b"@" + b"".join(host), None
            else:
                word = mime_words.unfold(_unquoted(token[1]) if token[1] is not None else text)
                (inner if host is None else host).append(word)
        if self._angle is None:
            self._angle = (route, b"".join(inner), b"".join(host or []))
        return at

    def _finish(self) -> None:
        if self._angle is not None:
            route, mailbox, host = self._angle
            name = self._phrase()
            if self._host:  # an address where the name belongs: "a@b <a@b>", unquoted
                name += b"@" + b"".join(self._host)
            if mailbox or host or name:
                self._found.append(RawAddress(name or self._comment or None, route, mailbox, host))
        elif self._host is not None or self._words:
            mailbox = b"".join(self._words) if self._host is not None else self._phrase()
            self._found.append(RawAddress(self._comment or None, None, mailbox, b"".join(self._host or [])))
        self._clear()

    def _close_group(self) -> None:
        if self._in_group:
            self._found.append(RawAddress(None, None, None, None))
            self._in_group = False


def _unquoted(text: bytes) -> bytes:
    return _QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text


def format_address(address: Address) -> bytes:
    """Write one mailbox for a header field: the name quoted, or encoded when it is not ASCII (RFC 5322 §3.4)."""
    spec = address.address.encode("utf-8", "replace")
    if not address.name:
        return spec
    if not address.name.isascii():
        return b"%b <%b>" % (mime_words.encode_words(address.name), spec)
    name = re.sub(r"[\r\n\0]+", " ", address.name)
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return b'"%b" <%b>' % (quoted.encode("ascii"), spec)
