"""Reading an mbox, one mail at a time, in whatever of its dialects: mboxo, mboxrd, mboxcl, mboxcl2 (RFC 4155)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import mktime_tz, parsedate_tz
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

_ZONE: Final = rb"(?:[A-Z]{1,5}|[+-]\d{4})"
_DATED: Final = re.compile(
    rb"From (?:[^\n]*[ \t])?("
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) +[A-Z][a-z]{2} +\d{1,2} +\d{1,2}:\d\d(?::\d\d)?(?: +%b){0,2} +\d{4}(?: +%b)?"
    rb")(?: +remote from [^\n]*)?\s*\Z" % (_ZONE, _ZONE)
)
"""How a mail begins: who sent it, and when it came."""
_BARE: Final = re.compile(
    rb"From(?:[ \t]*|[ \t]+-[^\n]*|[ \t]+[^\s@]+@\S+(?:[ \t][^\n]*\d{1,2}:\d\d:\d\d[^\n]*)?)\r?\n?\Z"
)
"""How some programs begin it: Thunderbird writes the word alone, others another date."""
_SEPARATOR_OCTETS: Final = 1_000
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,9})[ \t]*$")
_QUOTED: Final = re.compile(rb"^>(>*From )", re.MULTILINE)
_ENDS: Final = re.compile(rb"\r\n|\r")
_LINE_OCTETS: Final = 1024 * 1024


class Boxed(NamedTuple):
    """One mail; header and body end their lines with LF."""

    header: bytes
    """Without the blank line."""
    body: bytes | None
    """None: there is not even a blank line."""
    date: float | None
    """When it came, seconds since the epoch."""
    too_large: bool = False


def begins(start: bytes) -> bool:
    """Whether a file that starts like this is an mbox."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").startswith((b"From ", b"From\r", b"From\n"))


def read(path: Path, most: int) -> Iterator[Boxed]:
    """The mails of a file; of one with more than `most` octets nothing is kept but its place.

    A line begins a mail if it has a date, as `From ` lines do, or is as bare as some programs write it, behind a blank
    line and before a field: what somebody wrote into a text begins nothing. `Content-Length` is believed if a mail
    begins, or the file ends, where it says.
    """
    with path.open("rb") as file:
        line = file.readline(_LINE_OCTETS).removeprefix(b"\xef\xbb\xbf")
        while line and not line.strip():
            line = file.readline(_LINE_OCTETS)
        while line:
            boxed, line = _one(file, line, most)
            yield boxed


def _one(file: BinaryIO, first: bytes, most: int) -> tuple[Boxed, bytes]:
    """The mail whose `From ` line this is, and the one of the next mail, b"" at the end."""
    date = _time(first)
    header: list[bytes] = []
    octets = 0
    line = file.readline(_LINE_OCTETS)
    while line.strip(b"\r\n") and not (header and _is_dated(line)):
        octets += len(line)
        if octets <= most:
            header.append(line)
        line = file.readline(_LINE_OCTETS)
    fields = _lines(b"".join(header))
    if line.strip(b"\r\n") or not line:
        return Boxed(fields, None, date, octets > most), line
    body, line = _counted(file, fields, most - octets) or _to_the_next(file, most - octets)
    if body is None:
        return Boxed(b"", None, date, True), line
    return Boxed(fields, _QUOTED.sub(rb"\1", body), date), line


def _counted(file: BinaryIO, fields: bytes, room: int) -> tuple[bytes, bytes] | None:
    """A body by its Content-Length and the line behind it; None: that is wrong, and nothing was read."""
    found = _LENGTH.search(fields)
    if found is None or int(found[1]) > room:
        return None
    start = file.tell()
    body = file.read(int(found[1]))
    at = file.tell()
    line = file.readline(_LINE_OCTETS)
    while line and not line.strip(b"\r\n") and file.tell() - at < 5:
        line = file.readline(_LINE_OCTETS)
    if (not line and len(body) == int(found[1])) or _is_dated(line):
        text = _lines(body)
        return text if text.endswith(b"\n") or not text else text + b"\n", line
    file.seek(start)
    return None


def _to_the_next(file: BinaryIO, room: int) -> tuple[bytes | None, bytes]:
    lines: list[bytes] = []
    blank = True
    while line := file.readline(_LINE_OCTETS):
        if _is_dated(line) or (blank and _is_bare(line) and _before_a_field(file)):
            break
        blank = not line.strip(b"\r\n")
        room -= len(line)
        if room >= 0:
            lines.append(line)
    if room < 0:
        return None, line
    if lines and not lines[-1].strip(b"\r\n"):
        lines.pop()  # it belongs to what follows
    return _lines(b"".join(lines)), line


def _is_dated(line: bytes) -> bool:
    return line.startswith(b"From ") and len(line) < _SEPARATOR_OCTETS and _DATED.match(line) is not None


def _is_bare(line: bytes) -> bool:
    return line.startswith(b"From") and len(line) < _SEPARATOR_OCTETS and _BARE.match(line) is not None


def _before_a_field(file: BinaryIO) -> bool:
    at = file.tell()
    found = _FIELD.match(file.readline(1_000)) is not None
    file.seek(at)
    return found


def _lines(data: bytes) -> bytes:
    return _ENDS.sub(b"\n", data) if b"\r" in data else data


def _time(line: bytes) -> float | None:
    """The time of a `From ` line: asctime in UTC, if it names no zone (RFC 4155)."""
    found = _DATED.match(line[:_SEPARATOR_OCTETS])
    if found is None:
        return None
    try:
        parsed = parsedate_tz(found[1].decode("ascii", "replace"))
        return None if parsed is None else float(mktime_tz((*parsed[:9], parsed[9] or 0)))
    except (ValueError, OverflowError, TypeError):
        return None
