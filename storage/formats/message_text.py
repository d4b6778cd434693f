"""The text of a message, for search and preview: all text parts decoded, HTML without its tags (RFC 8970)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from storage.formats import message_parts, mime_charsets, mime_fields, mime_words
from storage.formats.message_parts import Entity

TEXT_CHARACTERS: Final = 1024 * 1024
PREVIEW_CHARACTERS: Final = 200
_PART_OCTETS: Final = 4 * 1024 * 1024
"""Of one part, encoded, so much is read."""

_OPEN: Final = re.compile(r"<(?:(!--)|(script|style|head|title)\b|/?[a-z!?/])", re.IGNORECASE)
_BLOCKS: Final = re.compile(r"</?(?:p|div|br|tr|td|th|li|ul|ol|h[1-6]|table|blockquote|pre|hr)\b", re.IGNORECASE)


class Texts(NamedTuple):
    """Text, its beginning, and how many attachments there are."""

    text: str
    preview: str
    attachments: int


def of(data: bytes, root: Entity) -> Texts:
    """The texts of a message."""
    found: list[str] = []
    preview = ""
    room = TEXT_CHARACTERS
    attachments = 0
    for leaf in _leaves(root):
        attached = _is_attached(leaf)
        attachments += attached
        if leaf.kind.lower() != b"text" or room <= 0:
            continue
        content = message_parts.unencoded(data[leaf.body : min(leaf.end, leaf.body + _PART_OCTETS)], leaf.encoding)
        text = mime_charsets.decode(content, mime_words.parameter(leaf.parameters, "charset"))
        if leaf.subtype.lower() == b"html":
            text = plain(text)
        text = text[:room].replace("\0", "")
        room -= len(text)
        found.append(text)
        if not preview and not attached:
            preview = _preview(text)
    return Texts("\n".join(found), preview, attachments)


def plain(markup: str) -> str:
    """HTML as plain text for search: tags, scripts, styles and comments gone, entities resolved; linear."""
    kept: list[str] = []
    at = 0
    while match := _OPEN.search(markup, at):
        kept.append(markup[at : match.start()])
        if match[1]:
            end = markup.find("-->", match.end())
            at = end + 3 if end >= 0 else len(markup)
        elif match[2]:
            close = re.compile(f"</{match[2]}\\s*>", re.IGNORECASE).search(markup, match.end())
            at = close.end() if close else len(markup)
        else:
            if _BLOCKS.match(markup, match.start()):
                kept.append("\n")
            end = markup.find(">", match.end())
            at = end + 1 if end >= 0 else len(markup)
    kept.append(markup[at:])
    return html.unescape("".join(kept))


def _preview(text: str) -> str:
    """The first words, quotations left out where something else follows (RFC 8970 §4)."""
    start = text[: 10 * PREVIEW_CHARACTERS]
    if ">" in start:
        start = "\n".join(line for line in start.split("\n") if not line.startswith(">")).strip() or start
    words = start.split(None, PREVIEW_CHARACTERS // 2 + 1)[: PREVIEW_CHARACTERS // 2 + 1]
    return " ".join(words)[:PREVIEW_CHARACTERS]


def _leaves(root: Entity) -> Iterator[Entity]:
    stack = [root]
    while stack:
        entity = stack.pop()
        if entity.children:
            stack.extend(reversed(entity.children))
        else:
            yield entity


def _is_attached(leaf: Entity) -> bool:
    disposition = leaf.mime.get(b"content-disposition")
    if disposition is not None:
        head, parameters = mime_fields.parameters(disposition)
        if head.lower() == b"attachment":
            return True
        if head.lower() != b"inline" and mime_words.parameter(parameters, "filename"):
            return True
    return leaf.kind.lower() not in (b"text", b"multipart", b"message", b"image") and bool(
        mime_words.parameter(leaf.parameters, "name")
    )
