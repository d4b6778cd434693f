"""Categories of mails are their IMAP keywords ([MS-ASEMAIL] §2.2.2.16, §2.2.2.17; RFC 9051 §2.3.2; decision 0229)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from servers.activesync.classes import property_text
from servers.activesync.wbxml.element import Element
from storage.mail import flags as words

_LABELS: Final[Mapping[str, str]] = {  # Thunderbird's five labels
    "$label1": "Important", "$label2": "Work", "$label3": "Personal", "$label4": "To Do", "$label5": "Later",
}  # fmt: skip
_KEYWORDS: Final = {name: keyword for keyword, name in _LABELS.items()}
# Words of programs, not of people: as are all others with a dollar (RFC 5788 §3.4).
_HIDDEN: Final = frozenset({"junk", "nonjunk", "notjunk", "junkrecorded", "forwarded", "redirected", "mdnsent"})
_ATOM: Final = re.compile(r'[^\x00-\x20\x7f-\U0010ffff(){%*"\\\]]+')
_SAFE: Final = frozenset(chr(code) for code in range(0x21, 0x7F) if _ATOM.match(chr(code))) - {"_", "="}
_BLANK: Final = re.compile(r"[\t\r\n]+")
_NAME_MAX: Final = 255


def listed(flags: str) -> list[str]:
    """The categories that canonical flags name, each once."""
    return list(_listed(flags))


@lru_cache(4096)
def _listed(flags: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for word in flags.split() if (name := name_of(word)) is not None))


def said(element: Element) -> list[str]:
    """The categories that a device names."""
    return list(dict.fromkeys(name for one in element.known if (name := _clean(one.text))))


def replaced(flags: str, names: Iterable[str]) -> str:
    """Canonical flags with these categories and no others; words that are none stay, and those kept keep their form.

    Raises:
        BadFlag: a name is too long for a keyword.
        LimitReached: there are too many.
    """
    wanted = dict.fromkeys(names)
    kept = [word for word in flags.split() if (name := name_of(word)) is None or name in wanted]
    there = {name_of(word) for word in kept}
    return words.canonical([*kept, *(keyword_of(name) for name in wanted if name not in there)])


def name_of(word: str) -> str | None:
    """The category that a keyword stands for; None if it is no word of people."""
    folded = word.lower()
    if folded in _LABELS:
        return _LABELS[folded]
    if folded.startswith(("\\", "$")) or folded in _HIDDEN:
        return None
    name = _unescaped(word)
    return word if name is None or name != _clean(name) or _escaped(name).lower() != folded else name


def keyword_of(name: str) -> str:
    """The keyword of a category: `name_of` gives its very name again."""
    if name in _KEYWORDS:
        return _KEYWORDS[name]
    if _ATOM.fullmatch(name) and name_of(name) == name:
        return name
    return _escaped(name)


def keywords_of(name: str) -> list[str]:
    """The keywords by which to look for a category, whoever set it, in capitals or not."""
    labels = [keyword for keyword, label in _LABELS.items() if label.lower() == name.lower()]
    return list(dict.fromkeys([*labels, *([name] if _ATOM.fullmatch(name) else []), keyword_of(name)]))


def _escaped(name: str) -> str:
    """As the encoding "Q" writes it (RFC 2047 §4.2): it says the same in capitals as in small letters."""
    plain = "".join(_quoted(one) for one in name)
    folded = plain.lower()
    if folded.startswith("$") or folded in _HIDDEN:
        return _octets(name[0]) + plain[1:]
    return plain


def _clean(name: str) -> str:
    return property_text.clean(_BLANK.sub(" ", name), _NAME_MAX)


def _quoted(one: str) -> str:
    return one if one in _SAFE else "_" if one == " " else _octets(one)


def _octets(text: str) -> str:
    return "".join(f"={octet:02X}" for octet in text.encode())


def _unescaped(word: str) -> str | None:
    if "_" not in word and "=" not in word:
        return None
    try:
        return unquote_to_bytes(word.replace("_", " ").replace("=", "%")).decode("utf-8")
    except UnicodeDecodeError:
        return None
