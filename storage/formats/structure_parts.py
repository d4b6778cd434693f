"""One part out of a finished BODYSTRUCTURE, by its section number (RFC 9051 §6.4.5.1, RFC 5524 §3.1).

What is read here was written by `message_structure`; the message itself is not looked at.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|\{(\d+)\}\r\n|[^()" {]+', re.DOTALL)
_SECTION: Final = re.compile(r"[1-9]\d*(?:\.[1-9]\d*)*\Z")
_ENCODING, _SIZE, _ENVELOPE, _ENCLOSED = 5, 6, 7, 8
_LINES: Final = 7
_LINE_OCTETS: Final = 998


class _Node(NamedTuple):
    start: int
    end: int
    children: list[_Node] | None
    """None: a string, a number or NIL."""


def part(structure: bytes, section: str) -> bytes | None:
    """The structure of a part; "" is that of the message; None: there is no such part."""
    found = _find(structure, section)
    return None if found is None else structure[found.start : found.end]


def decoded(structure: bytes, content: bytes) -> bytes:
    """The structure of a part, if its content was sent without a transfer encoding (RFC 5524 §3.2)."""
    root = _read(structure)
    fields = root.children or []
    if _is_multipart(root) or len(fields) <= _SIZE or _encloses(structure, root):
        return structure
    changes = [(fields[_ENCODING], b'"%b"' % _domain(content)), (fields[_SIZE], b"%d" % len(content))]
    if _word(structure, fields[0]) == b"text" and len(fields) > _LINES:
        changes.append((fields[_LINES], b"%d" % content.count(b"\n")))
    for node, value in reversed(changes):
        structure = structure[: node.start] + value + structure[node.end :]
    return structure


def _domain(content: bytes) -> bytes:
    """RFC 2045 §2.7…2.9."""
    if b"\0" in content or max(map(len, content.split(b"\r\n"))) > _LINE_OCTETS:
        return b"BINARY"
    return b"7BIT" if content.isascii() else b"8BIT"


def _find(structure: bytes, section: str) -> _Node | None:
    node: _Node | None = _read(structure)
    if not section:
        return node
    if not _SECTION.match(section):
        return None
    body = True  # whether the node is what a message consists of: then a single part is its part 1
    for number in map(int, section.split(".")):
        if node is None:
            return None
        if not body and not _is_multipart(node):
            if not _encloses(structure, node):
                return None
            node, body = (node.children or [])[_ENCLOSED], True
        if _is_multipart(node):
            parts = list(takewhile(lambda one: one.children is not None, node.children or []))  # a word follows them
            node = parts[number - 1] if number <= len(parts) else None
        elif number != 1:
            return None
        body = False
    return node


def _is_multipart(node: _Node) -> bool:
    return bool(node.children) and node.children[0].children is not None  # type: ignore[index]


def _encloses(structure: bytes, node: _Node) -> bool:
    fields = node.children or []
    return (
        len(fields) > _ENCLOSED
        and _word(structure, fields[0]) == b"message"
        and fields[_ENVELOPE].children is not None
        and fields[_ENCLOSED].children is not None
    )


def _word(structure: bytes, node: _Node) -> bytes:
    return structure[node.start : node.end].strip(b'"').lower()


def _read(structure: bytes) -> _Node:
    """Lists in lists, without recursion: they are as deep as the message was."""
    stack: list[tuple[int, list[_Node]]] = [(0, [])]
    at = 0
    while at < len(structure):
        token = _TOKEN.match(structure, at)
        if token is None:  # a blank
            at += 1
            continue
        end = token.end()
        if token[0] == b"(":
            stack.append((at, []))
        elif token[0] == b")":
            start, children = stack.pop()
            stack[-1][1].append(_Node(start, end, children))
        else:
            end += int(token[1] or 0)
            stack[-1][1].append(_Node(at, end, None))
        at = end
    return stack[0][1][0]
