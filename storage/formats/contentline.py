"""Content lines: the one grammar under iCalendar and vCard (RFC 5545 §3.1, RFC 6350 §3.3, RFC 6868).

Octets become components of raw properties and the way back; what a value means is not known here.
Wild input is taken where its meaning is clear; everything else is refused with the number of its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Final

from storage.errors import BadFormat

Params = list[tuple[str, list[str]]]


@dataclass(slots=True)
class Property:
    """One unfolded content line; `name` and parameter names upper case, `value` raw (still escaped)."""

    name: str
    value: str
    params: Params = field(default_factory=list)
    group: str = ""
    """The vCard group before the name (`item1.TEL`), as spelled."""
    line: int = field(default=0, compare=False)
    """First physical line it came from, from 1; 0 if made here."""

    def param(self, name: str) -> str | None:
        """First value of parameter `name` (upper case), or None."""
        for known, values in self.params:
            if known == name:
                return values[0] if values else ""
        return None

    def params_of(self, name: str) -> list[str]:
        """All values of parameter `name`, also where the parameter is repeated (`TYPE=a;TYPE=b`)."""
        return [value for known, values in self.params if known == name for value in values]


@dataclass(slots=True)
class Component:
    """BEGIN to END: properties and inner components, each in the order they came."""

    name: str
    properties: list[Property] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    line: int = field(default=0, compare=False)
    understood: object = field(default=None, init=False, compare=False, repr=False)
    """What its reader made of it, where that costs: of a VTIMEZONE, which never changes, its zone."""

    def get(self, name: str) -> Property | None:
        """First property of that name (upper case), or None."""
        for prop in self.properties:
            if prop.name == name:
                return prop
        return None

    def all(self, name: str) -> list[Property]:
        """Every property of that name."""
        return [prop for prop in self.properties if prop.name == name]

    def value(self, name: str) -> str:
        """Raw value of the first property of that name, "" if there is none."""
        for prop in self.properties:
            if prop.name == name:
                return prop.value
        return ""

    def of(self, name: str) -> list[Component]:
        """Every direct inner component of that name."""
        return [inner for inner in self.components if inner.name == name]


_CONTROL: Final = bytes(i for i in range(32) if i not in (9, 10, 13)) + b"\x7f"
_CONTROL_AT: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOLD_AFTER_BLANK: Final = re.compile(rb"(?<!\n)\n++[ \t]")
"""From a run's beginning only: else a run takes the square of its length."""
_NAME: Final = re.compile(r"(?:([A-Za-z0-9_-]+)\.)?([A-Za-z0-9_-]+)")
_PARAM_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_PARAM_VALUE: Final = re.compile(r'(?:"[^"]*"|[^",;:])*')
CHARACTER_SETS: Final = re.compile(
    r"utf-?(8|16)|(us-)?ascii|iso-?8859-?\d+|latin-?1|(windows-?|cp)\d+|shift[_-]?jis|euc-?(jp|kr)|iso-2022-jp"
    r"|gbk|gb2312|gb18030|big5|koi8-[ru]|mac-?roman|macintosh",
    re.IGNORECASE,
)
"""What a line may name: Python knows codecs that are no character sets."""
_QUOTED: Final = (b"QUOTED-PRINTABLE", b"quoted-printable", b"Quoted-Printable")
_MARK: Final = b"\x01"
"""Stands where a fold was; free, because control characters are refused before it is used."""
_CACHED_HEAD: Final = 120
"""Longest head (name and parameters, characters) worth remembering."""


def parse(data: bytes, *, max_lines: int = 200_000, max_depth: int = 8) -> list[Component]:
    """Read every top-level component of `data`.

    Takes bare LF or CR, a byte order mark, blank lines, lower-case names, folds that cut UTF-8 sequences,
    vCard 2.1 parameters without a name and its soft line breaks, and Windows-1252 where it is not UTF-8.

    Raises:
        BadFormat: control characters, a line without a colon, BEGIN and END that do not pair, lines outside
            a component, more than `max_lines` physical lines, or components nested deeper than `max_depth`.
    """
    lines, numbers = _lines(data, max_lines)
    top: list[Component] = []
    stack: list[Component] = []
    properties: list[Property] | None = None
    for line, number in zip(lines, numbers, strict=False):
        head, colon, value = line.partition(":")
        if '"' in head:
            group, name, params, value = _quoted(line, number)
        elif colon:
            group, name, frozen = (_head if len(head) <= _CACHED_HEAD else _head_anew)(head)
            if not name:
                raise BadFormat(f"not a property name: {head[:40]!r}", number)
            params = [(key, list(values)) for key, values in frozen] if frozen else []
        elif not line.strip():
            continue
        else:
            raise BadFormat(f"no colon in {line[:40]!r}", number)
        if name == "BEGIN":
            if len(stack) >= max_depth:
                raise BadFormat(f"components nested deeper than {max_depth}", number)
            component = Component(value.strip().upper(), [], [], number)
            (stack[-1].components if stack else top).append(component)
            stack.append(component)
            properties = component.properties
        elif name == "END":
            if not stack:
                raise BadFormat(f"END:{value.strip()[:40]} without its BEGIN", number)
            component = stack.pop()
            if component.name != value.strip().upper():
                raise BadFormat(
                    f"END:{value.strip()[:40]} where END:{component.name[:40]} was expected"
                    f" (begun at line {component.line})",
                    number,
                )
            properties = stack[-1].properties if stack else None
        elif properties is None:
            raise BadFormat(f"{name[:40]} outside a component", number)
        else:
            properties.append(Property(name, value, params, group, number))
    if stack:
        raise BadFormat(f"BEGIN:{stack[-1].name[:40]} without its END", stack[-1].line)
    return top


def render(component: Component) -> bytes:
    """Write a component with CRLF, folded after at most 75 octets between characters (RFC 5545 §3.1).

    Raises:
        BadFormat: a raw value holds a line break (it was not escaped).
    """
    lines: list[str] = []
    _write(component, lines)
    text = "\r\n".join(lines)
    if text.isascii() and max(map(len, lines)) <= 75:
        return text.encode("ascii") + b"\r\n"
    return b"".join(map(_folded, lines))


def escape_text(text: str) -> str:
    """Escape a TEXT value (RFC 5545 §3.3.11, RFC 6350 §3.4); every kind of line break becomes `\\n`."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\\n")


_ESCAPE: Final = re.compile(r'\\([\\;,:"nN])')


def unescape_text(raw: str) -> str:
    """Undo `escape_text`; `\\:` and `\\"` of old writers too, any other backslash stays."""
    if "\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], raw)


def split_value(raw: str, separator: str) -> list[str]:
    """Cut a raw value at the separators that no backslash escapes; the pieces stay raw."""
    if "\\" not in raw:
        return raw.split(separator)
    pieces: list[str] = []
    begin = at = 0
    while at < len(raw):
        if raw[at] == "\\":
            at += 2
            continue
        if raw[at] == separator:
            pieces.append(raw[begin:at])
            begin = at + 1
        at += 1
    pieces.append(raw[begin:])
    return pieces


def _lines(data: bytes, max_lines: int) -> tuple[list[str], list[int] | range]:
    """Unfolded lines, and for each the number of its first physical line."""
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    if b"\r" in data:
        # CR CR LF: text that went twice through a conversion of line ends.
        data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.count(b"\n") > max_lines:
        raise BadFormat(f"more than {max_lines} lines", max_lines)
    if len(data.translate(None, _CONTROL)) != len(data) and (bad := _CONTROL_AT.search(data)):
        reason = "a NUL" if bad.group() == b"\0" else "a control character"
        raise BadFormat(f"{reason} is not allowed here", data.count(b"\n", 0, bad.start()) + 1)
    if data[:1] in (b" ", b"\t") and data.partition(b"\n")[0].strip():
        raise BadFormat("a continuation line without anything to continue", 1)
    marked = data
    if any(spelled in data for spelled in _QUOTED):
        marked = _join_soft_breaks(marked)
    if b"\n\n" in marked:
        marked = _FOLD_AFTER_BLANK.sub(lambda found: _MARK * (len(found.group()) - 1), marked)
    else:
        marked = marked.replace(b"\n ", _MARK).replace(b"\n\t", _MARK)
    numbers: list[int] | range
    if _MARK in marked:
        sizes = [1 + line.count(_MARK) for line in marked.split(b"\n")]
        numbers = list(accumulate(sizes, initial=1))
        marked = marked.replace(_MARK, b"")
    else:
        numbers = range(1, marked.count(b"\n") + 2)
    try:
        return marked.decode("utf-8").split("\n"), numbers
    except UnicodeDecodeError:
        return [_decoded(line) for line in marked.split(b"\n")], numbers


_CHARSET: Final = re.compile(rb";CHARSET=\"?([A-Za-z0-9_-]{3,20})\"?[;:]", re.IGNORECASE)


def _decoded(line: bytes) -> str:
    """One line of octets that are not all UTF-8: by the character set that it names (vCard 2.1 §2.1.6), or a guess."""
    head = line[: line.find(b":") + 1]
    named = _CHARSET.search(head)
    stated = named[1].decode("ascii") if named else ""
    for charset in ("utf-8", stated if CHARACTER_SETS.fullmatch(stated) else "cp1252", "cp1252"):
        try:
            text = line.decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
        if charset != stated or text.startswith(head.decode("latin-1")):  # no EBCDIC, and nothing in sixteen bits
            return text
    return line.decode("latin-1")


def _join_soft_breaks(data: bytes) -> bytes:
    """Mark the soft line breaks of quoted-printable values like folds (vCard 2.1, RFC 2045 §6.7)."""
    out: list[bytes] = []
    soft = False
    for line in data.split(b"\n"):
        inside = soft
        if not inside:
            soft = line.endswith(b"=") and b"QUOTED-PRINTABLE" in line.partition(b":")[0].upper()
            out.append(b"\n")
        else:
            soft = line.endswith(b"=")
            out.append(_MARK)
        out.append(line[:-1] if soft else line)
    return b"".join(out[1:])


def _head_anew(head: str) -> tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Group, NAME and parameters of a head without quotes; an empty name if it is none."""
    name, *rest = head.split(";")
    found = _NAME.fullmatch(name.strip())
    if found is None:
        return "", "", ()
    params: list[tuple[str, tuple[str, ...]]] = []
    for part in rest:
        key, equals, values = part.partition("=")
        key = key.strip().upper()
        if not equals:
            if key:
                params.append((_bare_param(key), (part.strip(),)))
            continue
        if not _PARAM_NAME.fullmatch(key):
            return "", "", ()
        if "^" in values:
            values = values.replace("\r", "")
            params.append((key, tuple(_decode_param(value) for value in values.split(","))))
        else:
            params.append((key, tuple(values.split(","))))
    return found[1] or "", found[2].upper(), tuple(params)


_head = lru_cache(maxsize=4096)(_head_anew)


def _quoted(line: str, number: int) -> tuple[str, str, Params, str]:
    """Take apart a line with a quote before its first colon, where a quoted colon may hide."""
    begin = line.index(";") if ";" in line else len(line)
    group, name, _ = _head_anew(line[:begin])
    if not name or '"' in line[:begin]:
        raise BadFormat(f"not a property name: {line[:40]!r}", number)
    params: Params = []
    at = begin
    while at < len(line) and line[at] == ";":
        at += 1
        found = _PARAM_NAME.match(line, at)
        if found is None:
            if at < len(line) and line[at] in ";:":  # `;;`: an empty parameter says nothing
                continue
            raise BadFormat(f"not a parameter of {name}: {line[at : at + 40]!r}", number)
        at = found.end()
        if at >= len(line) or line[at] != "=":
            params.append((_bare_param(found.group().upper()), [found.group()]))
            continue
        values: list[str] = []
        while at < len(line) and line[at] in "=,":
            token = _PARAM_VALUE.match(line, at + 1)
            assert token is not None  # it matches the empty string
            at = token.end()
            values.append(_decode_param(token.group().replace('"', "")))
            if at < len(line) and line[at] == '"':
                raise BadFormat(f"a quote of {name} is never closed", number)
        params.append((found.group().upper(), values))
    if at >= len(line) or line[at] != ":":
        raise BadFormat(f"no colon after the parameters of {name}", number)
    return group, name, params, line[at + 1 :]


_ENCODINGS: Final = frozenset({"QUOTED-PRINTABLE", "BASE64", "7BIT", "8BIT", "B"})
_PLACES: Final = frozenset({"INLINE", "URL", "CID", "CONTENT-ID"})


def _bare_param(value: str) -> str:
    """Name of a vCard 2.1 parameter that was written as its value only (`TEL;HOME;VOICE:`)."""
    return "ENCODING" if value in _ENCODINGS else "VALUE" if value in _PLACES else "TYPE"


_CARET: Final = re.compile(r"\^([n'^])")
_CARETS: Final = {"n": "\n", "'": '"', "^": "^"}


def _decode_param(value: str) -> str:
    """RFC 6868 §3.2; a caret before anything else stays."""
    return _CARET.sub(lambda found: _CARETS[found[1]], value) if "^" in value else value


def _encode_param(value: str) -> str:
    """RFC 6868 §3.1, in quotes where a delimiter occurs."""
    if "^" in value or '"' in value or "\n" in value or "\r" in value:
        value = value.replace("^", "^^").replace('"', "^'").replace("\r\n", "\n").replace("\r", "\n")
        value = value.replace("\n", "^n")
    return f'"{value}"' if ":" in value or ";" in value or "," in value else value


def _write(component: Component, lines: list[str]) -> None:
    lines.append("BEGIN:" + component.name)
    for prop in component.properties:
        head = f"{prop.group}.{prop.name}" if prop.group else prop.name
        if prop.params:
            for name, values in prop.params:
                head += f";{name}=" + ",".join(map(_encode_param, values))
        line = f"{head}:{prop.value}"
        if "\n" in line or "\r" in line:
            raise BadFormat(f"a line break inside {prop.name}", prop.line)
        lines.append(line)
    for inner in component.components:
        _write(inner, lines)
    lines.append("END:" + component.name)


def _folded(line: str) -> bytes:
    """One line with CRLF; cuts fall between characters, never inside a UTF-8 sequence."""
    data = line.encode("utf-8")
    if len(data) <= 75:
        return data + b"\r\n"
    pieces: list[bytes] = []
    begin, room = 0, 75
    while len(data) - begin > room:
        end = begin + room
        while data[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(data[begin:end])
        begin, room = end, 74
    pieces.append(data[begin:])
    return b"\r\n ".join(pieces) + b"\r\n"
