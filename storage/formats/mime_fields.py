"""Header blocks: where they end, their fields, and the structured values of MIME (RFC 5322 §2.2, RFC 2045 §5.1)."""

from __future__ import annotations

import re
from typing import Final

# Everything up to the next line that does not continue the field; linear, as nothing matches in two ways.
FIELD: Final = re.compile(rb"^(([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?)", re.MULTILINE)
_FIRST: Final = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
_BLANK: Final = re.compile(rb"\n\r?\n")
_TOKEN: Final = re.compile(rb"[^\s;=\"()]+")
_PARAMETER: Final = re.compile(
    rb"[;\s]*([^\s;=\"()]+)[ \t\r\n]*=[ \t\r\n]*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\s\"(]*))[^;]*", re.DOTALL
)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)
_MAX_PARAMETERS: Final = 200
_MAX_COMMENT_DEPTH: Final = 100


def header_end(data: bytes, start: int, end: int) -> int:
    """Find where the body of the entity at `start` begins: behind the blank line, or `end` if there is none.

    A first line that is no field has no header before it: `start`. CRLF and bare LF both end lines.
    """
    if data.startswith(b"\r\n", start, end):
        return start + 2
    if data.startswith(b"\n", start, end):
        return start + 1
    if not _FIRST.match(data, start, end):
        return start
    blank = _BLANK.search(data, start, end)
    return end if blank is None else blank.end()


def fields(block: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Split a header block into (whole lines, name as sent, raw value); lines that are no fields are passed over."""
    return FIELD.findall(block)


def parameters(value: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Split `type/subtype; name=value…` into what stands first and the parameters, names and values as sent.

    Quoted values lose quotes and quoted-pair backslashes; RFC 2231's asterisks stay in the names. What is broken is
    read up to the next semicolon.
    """
    if b"(" in value:
        value = without_comments(value)
    first = _TOKEN.match(value.lstrip())
    head = first[0] if first else b""
    rest = value.find(b";")
    if rest < 0:
        return head, []
    found: list[tuple[bytes, bytes]] = []
    at = rest
    while len(found) < _MAX_PARAMETERS and (match := _PARAMETER.match(value, at)):
        quoted, plain = match[2], match[3]
        if quoted is not None:
            if b"\\" in quoted:
                quoted = _QUOTED_PAIR.sub(rb"\1", quoted)
            found.append((match[1], quoted))
        else:
            found.append((match[1], plain))
        at = match.end()
    return head, found


def without_comments(value: bytes) -> bytes:
    """Take the comments out of a structured value (RFC 5322 §3.2.2), quoted strings left alone; linear."""
    kept: list[bytes] = []
    depth = 0
    quoted = False
    at = 0
    for match in re.finditer(rb"\\.|[\"()]", value, re.DOTALL):
        token = match[0]
        if token == b'"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif token == b"(":
            if not depth:
                kept.append(value[at : match.start()])
            depth += 1
        elif token == b")" and depth:
            depth -= 1
            if not depth:
                at = match.end()
                kept.append(b" ")
    if not depth:
        kept.append(value[at:])
    return b"".join(kept)
