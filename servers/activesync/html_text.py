"""HTML that a device sends, as the text that people read in it (decision 0224)."""

from __future__ import annotations

import re
from typing import Final

from storage.formats import message_text

_SPACE: Final = re.compile(r"[ \t\r\n\x1c-\x1e]+")
# No "<" inside: a tag without end must not make the rest be read again and again.
_BREAK: Final = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_PARAGRAPH: Final = re.compile(r"</?p\b[^<>]*>", re.IGNORECASE)
_BLOCK: Final = re.compile(r"</?(?:div|li|ul|ol|tr|table|blockquote|pre|hr|h[1-6])\b[^<>]*>", re.IGNORECASE)
_BREAK_MARK, _PARAGRAPH_MARK, _BLOCK_MARK = "\x1c", "\x1d", "\x1e"
_GAP: Final = re.compile(r"[\x1c-\x1e][\x1c-\x1e ]*")


def plain(markup: str) -> str:
    """HTML as people read it: spaces count as one, lines end where blocks and breaks are; linear."""
    text = _SPACE.sub(" ", markup)
    text = _BREAK.sub(_BREAK_MARK, text)
    text = _PARAGRAPH.sub(_PARAGRAPH_MARK, text)
    text = _BLOCK.sub(_BLOCK_MARK, text)
    text = message_text.plain(text).replace("\n", "").replace("\xa0", " ")
    return _GAP.sub(_lines, text.replace(f" {_BREAK_MARK}", _BREAK_MARK)).strip()


def _lines(gap: re.Match[str]) -> str:
    breaks = gap[0].count(_BREAK_MARK)
    if _PARAGRAPH_MARK in gap[0]:
        return "\n" * max(breaks + 1, 2)
    return "\n" * (breaks + (_BLOCK_MARK in gap[0]))
