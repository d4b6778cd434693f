"""The texts and attachments of a mail, by the parts that were computed when it came (MSG-12, [MS-ASAIRS] §2.2.2.7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from storage.formats import message_parts, mime_fields, mime_words
from storage.formats.message_parts import Part

PLAIN: Final = 1
HTML: Final = 2
"""The forms of a text, numbered as in [MS-ASAIRS] §2.2.2.41."""
_TEXTS: Final = {"text/plain": PLAIN, "text/html": HTML}
_CID: Final = re.compile(r'cid:([^\s"<>]{1,998})')
_CLOSED: Final = re.compile(r"[')]")
"""Where a Content-ID ends in `src='cid:…'` and in `url(cid:…)`."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment."""

    section: str
    name: str
    octets: int
    content_id: str
    """Without angle brackets."""
    inline: bool
    message: bool
    """It is a mail itself."""


def forms(data: bytes, parts: Sequence[Part]) -> dict[int, str]:
    """The first text of each form that is no attachment."""
    found: dict[int, str] = {}
    for part in parts:
        kind = _TEXTS.get(part.kind)
        if kind is None or kind in found or not part.section or _is_attached(data, part):
            continue
        found[kind] = message_parts.text(data, part)
    return found


def attachments(data: bytes, parts: Sequence[Part]) -> list[Attached]:
    """All that is no text of the mail itself; what lies in an attached mail is that mail's."""
    found: list[Attached] = []
    enclosed: list[str] = []
    taken: set[int] = set()

    @cache
    def named() -> frozenset[str]:
        return _named(forms(data, parts).get(HTML, ""))

    for part in parts:
        if not part.section or part.kind.startswith("multipart/"):
            continue
        if any(part.section.startswith(prefix) for prefix in enclosed):
            continue
        if part.inner:
            enclosed.append(part.section + ".")
        kind = _TEXTS.get(part.kind)
        if kind is not None and kind not in taken and not _is_attached(data, part):
            taken.add(kind)
            continue
        found.append(_attached(data, part, named))
    return found


def _named(html: str) -> frozenset[str]:
    """The Content-IDs that a text names: all in one pass, for a mail may have a thousand parts."""
    found = _CID.findall(html)
    return frozenset([*found, *(_CLOSED.split(one, maxsplit=1)[0] for one in found)])


def _attached(data: bytes, part: Part, named: Callable[[], frozenset[str]]) -> Attached:
    """`named` gives the Content-IDs that stand in the text; it is asked only if need be."""
    header = _header(data, part)
    disposition, given = mime_fields.parameters(header.get(b"content-disposition", b""))
    _, typed = mime_fields.parameters(header.get(b"content-type", b""))
    name = mime_words.parameter(given, "filename") or mime_words.parameter(typed, "name")
    octets = part.end - part.body
    if part.encoding == "base64":
        octets = octets * 73 // 100
    identified = header.get(b"content-id", b"").strip().strip(b"<>").decode("utf-8", "replace")
    shown = mime_words.printable(name)[:255] or ("message.eml" if part.inner else "attachment")
    if part.inner and not shown.lower().endswith(".eml"):
        shown += ".eml"  # "the attachment file has an .eml extension" ([MS-ASAIRS] §2.2.2.27.1)
    if identified and disposition.lower() == b"attachment":
        # Gmail gives every attachment a Content-ID: shown in the text is only what the text names.
        inline = identified in named()
    else:
        inline = bool(identified) or disposition.lower() == b"inline"
    return Attached(part.section, shown, octets, identified, inline, bool(part.inner))


def _is_attached(data: bytes, part: Part) -> bool:
    value = _header(data, part).get(b"content-disposition", b"")
    return value.strip().lower().startswith(b"attachment")


def _header(data: bytes, part: Part) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for _, name, value in mime_fields.fields(data[part.header : part.body]):
        found.setdefault(name.lower(), mime_words.unfold(value))
    return found
