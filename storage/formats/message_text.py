"""The text of a message, for search and preview: all text parts decoded, HTML without its tags (RFC 8970)."""

from __future__ import annotations

import html
import re
from typing import Final, NamedTuple

from storage.formats import message_parts, mime_charsets, mime_fields, mime_words
from storage.formats.message_parts import Entity

TEXT_CHARACTERS: Final = 1024 * 1024
PREVIEW_CHARACTERS: Final = 200
_PART_OCTETS: Final = 4 * 1024 * 1024
"""Of one part, encoded, so much is read."""

_HIDDEN: Final = re.compile(r"<(?:(!--)|(script|style|head|title)\b)", re.IGNORECASE)
_TAG: Final = re.compile(
    r"<(?:/?(p|div|br|tr|td|th|li|ul|ol|h[1-6]|table|blockquote|pre|hr)\b|/?[a-z!?/])[^>]*>?", re.IGNORECASE
)
"""To its end, or to that of the text; the group is there if it begins a line."""


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
        media = leaf.media
        if media.kind != b"text" or room <= 0:
            continue
        encoded = data[leaf.body : min(leaf.end, leaf.body + _PART_OCTETS)]
        text = mime_charsets.decode(message_parts.unencoded(encoded, leaf.encoding.name), media.charset)
        if media.subtype == b"html":
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
    while match := _HIDDEN.search(markup, at):
        start = match.start()
        before = markup[at:start]
        kept.append(_without_tags(before))
        if _TAG.search(before, before.rfind(">") + 1):  # it stands in a tag, which ends later
            end = markup.find(">", start)
            at = end + 1 if end >= 0 else len(markup)
        elif match[1]:
            end = markup.find("-->", match.end())
            at = end + 3 if end >= 0 else len(markup)
        else:
            close = re.compile(f"</{match[2]}\\s*>", re.IGNORECASE).search(markup, match.end())
            at = close.end() if close else len(markup)
    kept.append(_without_tags(markup[at:]))
    return html.unescape("".join(kept))


def _without_tags(markup: str) -> str:
    pieces = _TAG.split(markup)
    pieces[1::2] = ["\n" if block else "" for block in pieces[1::2]]
    return "".join(pieces)


def _preview(text: str) -> str:
    """The first words, quotations left out where something else follows (RFC 8970 §4)."""
    start = text[: 10 * PREVIEW_CHARACTERS]
    if ">" in start:
        start = "\n".join(line for line in start.split("\n") if not line.startswith(">")).strip() or start
    # Mostly its first part is enough of it.
    words = " ".join(start[: PREVIEW_CHARACTERS + PREVIEW_CHARACTERS // 4].split())
    return (words if len(words) >= PREVIEW_CHARACTERS else " ".join(start.split()))[:PREVIEW_CHARACTERS]


def _leaves(root: Entity) -> list[Entity]:
    found: list[Entity] = []
    stack = [root]
    while stack:
        entity = stack.pop()
        if entity.children:
            stack.extend(reversed(entity.children))
        else:
            found.append(entity)
    return found


def _is_attached(leaf: Entity) -> bool:
    disposition = leaf.mime.get(b"content-disposition")
    if disposition is not None:
        head, parameters = mime_fields.parameters(disposition)
        if head.lower() == b"attachment":
            return True
        if head.lower() != b"inline" and mime_words.parameter(parameters, "filename"):
            return True
    media = leaf.media
    return media.kind not in (b"text", b"multipart", b"message", b"image") and bool(
        mime_words.parameter(media.parameters, "name")
    )
