"""vCard 2.1 becomes 3.0: quoted-printable, bare parameters, its own way to escape (RFC 2426 §5).

Old telephones and Outlook still write it; some writers of 3.0 use its quoted-printable too.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from storage.errors import BadFormat
from storage.formats.contentline import (
    CHARACTER_SETS,
    Component,
    Property,
    escape_text,
    render,
    split_value,
    unescape_text,
)

_COMPOUND: Final = frozenset({"N", "ADR", "ORG", "GEO"})
_LISTS: Final = frozenset({"CATEGORIES", "NICKNAME"})
_URIS: Final = frozenset({"URL", "SOURCE", "UID", "REV", "BDAY", "TZ", "VERSION"})
_BINARY: Final = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_BLANKS: Final = re.compile(r"\s+")
_PAIR: Final = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*[,;]\s*([+-]?\d+(?:\.\d+)?)\s*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def upgrade(card: Component, *, modern: bool) -> bool:
    """Rewrite `card` in place as 3.0; with `modern` (it says 3.0 or 4.0) only its quoted-printable values.

    Give True if anything changed.

    Raises:
        BadFormat: control characters under the quoted-printable, or an unknown encoding.
    """
    if modern:
        old = [prop for prop in card.properties if _encoding(prop) == "QUOTED-PRINTABLE"]
        for prop in old:
            prop.value = _one_line(_decoded(prop))
            _drop(prop, "ENCODING", "CHARSET")
        return bool(old)
    for prop in card.properties:
        _upgrade(prop)
    # RFC 2426 §3.5.4: AGENT holds the other card as text; the empty property before it was its place.
    places = iter([prop for prop in card.properties if prop.name == "AGENT" and not prop.value.strip()])
    kept: list[Component] = []
    for inner in card.components:
        place = next(places, None) if inner.name == "VCARD" else None
        if place is None:
            kept.append(inner)
            continue
        upgrade(inner, modern=False)
        place.value = escape_text(render(inner).decode("utf-8"))
        place.params = []
    card.components = kept
    return True


def _upgrade(prop: Property) -> None:
    encoding = _encoding(prop)
    if encoding in ("BASE64", "B"):
        prop.value = _BLANKS.sub("", prop.value)
        _drop(prop, "ENCODING", "CHARSET")
        prop.params.insert(0, ("ENCODING", ["b"]))
        return
    if encoding not in ("", "QUOTED-PRINTABLE", "7BIT", "8BIT"):
        raise BadFormat(f"encoding {encoding[:20]!r} of {prop.name[:40]}", prop.line)
    text = _decoded(prop) if encoding == "QUOTED-PRINTABLE" else prop.value
    _drop(prop, "ENCODING", "CHARSET")
    place = (prop.param("VALUE") or "").upper()
    if place == "URL":
        _drop(prop, "VALUE")
        prop.params.append(("VALUE", ["uri"]))
    elif place == "INLINE":
        _drop(prop, "VALUE")
    if prop.name == "VERSION":
        prop.value = "3.0"
    elif prop.name == "GEO" and (pair := _PAIR.fullmatch(text)):
        prop.value = f"{pair[1]};{pair[2]}"  # with a comma in 2.1 §2.3.2, with a semicolon in RFC 2426 §3.4.2
    elif prop.name in _COMPOUND:
        # In 2.1 only the semicolon is escaped; a comma is an ordinary character.
        prop.value = ";".join(escape_text(unescape_text(part)) for part in split_value(text, ";"))
    elif prop.name in _LISTS:
        parts = re.split(r"(?<!\\)[,;]", text)
        prop.value = ",".join(escape_text(unescape_text(part).strip()) for part in parts)
    elif place == "URL" or prop.name in _URIS or prop.name in _BINARY:
        prop.value = _one_line(text)
    else:
        prop.value = escape_text(unescape_text(text))


def _encoding(prop: Property) -> str:
    return (prop.param("ENCODING") or "").strip().upper()


def _drop(prop: Property, *names: str) -> None:
    prop.params = [param for param in prop.params if param[0] not in names]


def _one_line(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _decoded(prop: Property) -> str:
    """The text under quoted-printable and CHARSET (RFC 2045 §6.7)."""
    octets = binascii.a2b_qp(prop.value.encode("utf-8", "surrogatepass"))
    stated = prop.param("CHARSET") or ""
    text = ""
    for charset in (stated if CHARACTER_SETS.fullmatch(stated) else "utf-8", "utf-8", "cp1252", "latin-1"):
        try:
            text = octets.decode(charset)
            break
        except (LookupError, UnicodeDecodeError):
            continue
    if _CONTROL.search(text):
        raise BadFormat(f"a control character in {prop.name[:40]}", prop.line)
    return text.removesuffix("\r\n")
