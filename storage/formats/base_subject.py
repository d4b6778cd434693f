"""The base subject of a message: without "Re:", "Fwd:" and their like (RFC 5256 §2.1)."""

from __future__ import annotations

import re
from typing import Final

_CHARACTERS: Final = 1_000
_SPACES: Final = re.compile(r"\s+")
_BLOB: Final = r"\[[^\[\]]*\]\s*"
_LEADER: Final = re.compile(rf"\s+|(?:{_BLOB}){{0,20}}(?:re|fwd?)\s*(?:{_BLOB})?:", re.IGNORECASE)
_BLOB_FIRST: Final = re.compile(_BLOB)


def base_subject(subject: str) -> tuple[str, bool]:
    """The base subject of a decoded one, and whether it said that the message is a reply or a forward."""
    text = _SPACES.sub(" ", subject[:_CHARACTERS])
    reply = False
    while True:
        trimmed = text
        while trimmed.endswith(" ") or trimmed[-5:].lower() == "(fwd)":  # step 2
            if trimmed.endswith(" "):
                trimmed = trimmed[:-1]
            else:
                trimmed, reply = trimmed[:-5], True
        text = trimmed
        while True:
            before = text
            while match := _LEADER.match(text):  # step 3
                reply = reply or not match[0].isspace()
                text = text[match.end() :]
            if (match := _BLOB_FIRST.match(text)) and match.end() < len(text):  # step 4
                text = text[match.end() :]
            if text == before:
                break
        if text[:5].lower() == "[fwd:" and text.endswith("]"):  # step 6
            text, reply = text[5:-1], True
            continue
        return text, reply
