"""How many SMS a text takes, and where it is cut (3GPP TS 23.038 §6.2.1, TS 23.040 §9.2.3.24.1)."""

from __future__ import annotations

from typing import Final, NamedTuple

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Two septets each: an escape and another letter."""
_GSM: Final = (160, 153)
_UCS2: Final = (70, 67)
"""Units of a message by itself, and of one of several, which begins with a header."""


class Message(NamedTuple):
    """A text as it is sent."""

    text: str
    parts: int
    """What is debited (SMS-08)."""


def fit(text: str, parts_max: int) -> Message:
    """Cut a text at `parts_max` SMS (ACC-04, SMS-05); a character is never cut in two."""
    wide = any(letter not in _BASIC and letter not in _EXTENDED for letter in text)
    alone, together = _UCS2 if wide else _GSM
    sizes = [_units(letter, wide) for letter in text]
    if sum(sizes) <= alone:
        return Message(text, 1)
    if parts_max <= 1:
        used = end = 0
        while used + sizes[end] <= alone:
            used += sizes[end]
            end += 1
        return Message(text[:end], 1)
    parts, used = 1, 0
    for index, size in enumerate(sizes):
        if used + size > together:
            if parts == parts_max:
                return Message(text[:index], parts)
            parts, used = parts + 1, 0
        used += size
    return Message(text, parts)


def _units(letter: str, wide: bool) -> int:
    if wide:
        return 2 if ord(letter) > 0xFFFF else 1
    return 2 if letter in _EXTENDED else 1
