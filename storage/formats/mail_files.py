"""Mails in files: mbox, Maildir, .eml and zips of them, read and written one at a time (MSG-70, MSG-72)."""

from __future__ import annotations

import os
import re
import struct
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, NamedTuple

from storage.formats import gmail_labels, mbox_file
from storage.mail import utf7

MAIL_OCTETS: Final = 52_428_800
"""Larger members of an archive are passed over."""
_FROM: Final = re.compile(rb"^(>*From )", re.MULTILINE)
_INTERNAL: Final = re.compile(rb"(?im)^subject:.*FOLDER INTERNAL DATA")
_FLAGS: Final = re.compile(r"[:;!]2,([A-Za-z]*)\Z")
"""Behind a colon, or what file systems without colons have instead."""
_STATUS: Final = {"R": "\\Seen", "A": "\\Answered", "F": "\\Flagged", "D": "\\Deleted", "T": "\\Draft"}
_INFO: Final = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "T": "\\Deleted", "D": "\\Draft", "P": "$Forwarded"}
_STATUS_FIELDS: Final = re.compile(
    rb"^(?:status|x-status|x-keywords|x-mozilla-status2?|x-mozilla-keys|x-uid|x-imapbase|x-imap):"
    rb"[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)

_BROKEN: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What the library says of zips that are cut off, changed or locked."""
_KEYWORDS: Final = "dovecot-keywords"
_OURS: Final = b"Escritoire"
"""The comment of a zip that was written here."""
_EXTENDED: Final = struct.Struct("<HHBl")
_EXTENDED_ID: Final = 0x5455
"""Info-ZIP's extended timestamp: seconds since the epoch, where a zip has local time, two by two."""
_NUMBERS: Final = frozenset(map(str, range(26)))


class Filed(NamedTuple):
    """One mail of a file."""

    folder: str
    """Where it lay, "/"-separated; "" is the top."""
    data: bytes
    """With CRLF line ends."""
    flags: tuple[str, ...]
    internal: float | None
    """When it was received, seconds since the epoch, where the file says so."""
    too_large: bool = False
    """Larger than `MAIL_OCTETS`: `data` is empty."""
    trouble: str = ""
    """Why it could not be read: `data` is empty; what follows may be whole."""
    labels: tuple[str, ...] | None = None
    """Of a file that knows no folders: where it belonged, by any one of these; by none, it was put away."""


def read(path: Path) -> Iterator[Filed]:
    """The mails of a file, a Maildir or a tree of files, by what it is.

    Raises:
        ValueError: it is none of the kinds that are read; the text says so.
        OSError: it cannot be read.
    """
    if path.is_dir() and (path / "mbox").is_file():  # what Apple Mail exports
        path = path / "mbox"
    if path.is_dir():
        if (path / "cur").is_dir() or any(path.glob("*/cur")):
            yield from _maildir(path)
            return
        files = list(_tree(path))
        if not files:
            raise ValueError(f"{path} is no Maildir, for it has no folder cur, and there is no mbox or .eml in it")
        for file, folder in files:
            yield from _mbox(file, folder) if _is_mbox(file) else (_one_file(file, folder, (), dated=False),)
        return
    with path.open("rb") as opened:
        start = opened.read(64)
    if start.startswith(b"PK\x03\x04"):
        yield from _zip(path)
    elif mbox_file.begins(start):
        yield from _mbox(path)
    elif path.suffix.lower() == ".eml" or path.suffix.lower() == ".mbox":
        if path.stat().st_size:
            yield Filed("", crlf(path.read_bytes()), (), None)
    else:
        raise ValueError(f"{path} is no mbox, Maildir, .eml or zip of .eml files")


def crlf(data: bytes) -> bytes:
    """The same mail with CRLF at every line's end, as servers hand it out (RFC 5322 §2.1)."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", data)


def _tree(path: Path) -> Iterator[tuple[Path, str]]:
    """The files with mails below a folder, and the folders that they stand for.

    Thunderbird has `Work`, beside it `Work.sbd` with what lies in it, and files about both; Apple Mail has
    `Work.mbox/mbox`.
    """
    for place, below, names in os.walk(path):
        below.sort()
        inside = [part.removesuffix(".sbd") for part in Path(place).relative_to(path).parts]
        for name in sorted(names):
            file = Path(place) / name
            parts = [*inside, name.removesuffix(".mbox")]
            if inside and name == "mbox" and inside[-1].endswith(".mbox"):
                parts = inside
            folder = [part.removesuffix(".mbox") for part in parts]
            if name.startswith(".") or not file.is_file():
                continue
            if name.lower().endswith(".eml"):
                yield file, "/".join(folder[:-1])
            elif _is_mbox(file):
                yield file, "/".join(folder)


def _is_mbox(file: Path) -> bool:
    with suppress(OSError), file.open("rb") as opened:
        return mbox_file.begins(opened.read(64))
    return False


def _mbox(path: Path, folder: str = "") -> Iterator[Filed]:
    for one in mbox_file.read(path, MAIL_OCTETS):
        if one.too_large:
            yield Filed(folder, b"", (), one.date, too_large=True)
            continue
        header = one.header
        if _INTERNAL.search(header) and _STATUS_FIELDS.search(header):
            continue  # the first mail of mailboxes of UW-IMAP, Pine and Dovecot holds their own numbers
        clean = _STATUS_FIELDS.sub(b"", header if header.endswith(b"\n") or not header else header + b"\n")
        rest = b"" if one.body is None else b"\n" + one.body
        flags, labels = _status_flags(header), None
        if (gmail := gmail_labels.read(header)) is not None and not _STATUS_FIELDS.search(header):
            labels, flags = gmail
        yield Filed(folder, crlf(clean + rest), flags, one.date, labels=labels)


def _status_flags(header: bytes) -> tuple[str, ...]:
    """mutt's and Dovecot's Status and X-Status, Mozilla's bits."""
    letters = "".join(
        value.decode("ascii", "replace") for value in re.findall(rb"(?im)^(?:x-)?status:[ \t]*([A-Za-z]*)", header)
    )
    found = [flag for letter, flag in _STATUS.items() if letter in letters.upper()]
    bits = re.search(rb"(?im)^x-mozilla-status:[ \t]*([0-9a-f]{4})", header)
    if bits:
        number = int(bits[1], 16)
        found += [flag for bit, flag in ((1, "\\Seen"), (2, "\\Answered"), (4, "\\Flagged")) if number & bit]
        found += ["$Forwarded"] if number & 0x1000 else []
        found += ["\\Deleted"] if number & 8 else []
    for keywords in re.findall(rb"(?im)^(?:x-keywords|x-mozilla-keys):[ \t]*([^\r\n]*)", header):
        found += keywords.decode("ascii", "replace").split()
    return tuple(dict.fromkeys(found))


def _maildir(path: Path) -> Iterator[Filed]:
    """A Maildir and its Maildir++ folders (`.Work.2026`), or plain folders with a `cur` in each."""
    yield from _one_maildir(path, "")
    for below in sorted(one.parent for one in path.rglob("cur") if one.is_dir() and one.parent != path):
        relative = below.relative_to(path).as_posix()
        name = relative
        if relative.startswith(".") and "/" not in relative:
            name = "/".join(map(_decoded, relative[1:].split(".")))
        yield from _one_maildir(below, name)


def _decoded(name: str) -> str:
    """A folder's name as Dovecot and Courier write it, in modified UTF-7; others are as they are."""
    return utf7.decode(os.fsencode(name))


def _one_maildir(path: Path, folder: str) -> Iterator[Filed]:
    keywords, tagged = _keywords(path / _KEYWORDS), _tagged(path / "courierimapkeywords" / ":list")
    for sub in ("cur", "new"):
        if not (path / sub).is_dir():
            continue
        for file in sorted(one for one in (path / sub).iterdir() if one.is_file() and not one.name.startswith(".")):
            found = _FLAGS.search(file.name)
            letters = found[1] if found else ""
            flags = tuple(flag for letter, flag in (_INFO | keywords).items() if letter in letters)
            flags += tuple(word for word in tagged.get(_FLAGS.sub("", file.name), ()) if word not in flags)
            yield _one_file(file, folder, flags)


def _one_file(file: Path, folder: str, flags: tuple[str, ...], *, dated: bool = True) -> Filed:
    """`dated`: the file's time is that of the mail's arrival."""
    try:
        state = file.stat()
        came = state.st_mtime if dated else None
        if state.st_size > MAIL_OCTETS:
            return Filed(folder, b"", flags, came, too_large=True)
        return Filed(folder, crlf(file.read_bytes()), flags, came)
    except OSError as error:  # another program moved it at this moment, or keeps it from us
        return Filed(folder, b"", flags, None, trouble=f"{file.name}: {error.strerror}")


def _keywords(file: Path) -> dict[str, str]:
    """What Dovecot means by the small letters of a folder's flags."""
    try:
        lines = file.read_bytes()[:10_000].decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(" ") for line in lines[:26])
    return {chr(ord("a") + int(number)): word for number, _, word in pairs if number in _NUMBERS and word}


def _tagged(file: Path) -> dict[str, tuple[str, ...]]:
    """Courier's keywords of mails by their names without flags: words, an empty line, `name:` and numbers of words."""
    try:
        lines = file.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    words = lines[: lines.index("")] if "" in lines else []
    found: dict[str, tuple[str, ...]] = {}
    for line in lines[len(words) + 1 :]:
        name, _, numbers = line.rpartition(":")
        known = (int(one) for one in numbers.split() if one.isascii() and one.isdigit() and len(one) < 6)
        found[name] = tuple(words[number] for number in known if number < len(words))
    return found


def _zip(path: Path) -> Iterator[Filed]:
    """A zip of .eml files, in a folder `mail` and folders in it (MSG-70)."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(_member_name(member).replace("\\", "/"))
                if member.is_dir() or name.suffix.lower() != ".eml" or ".." in name.parts:
                    continue
                if name.parts[0] == "__MACOSX" or name.name.startswith("._"):
                    continue  # what a Mac keeps about the files beside it
                parts = list(name.parent.parts)
                if parts and parts[0].lower() == "mail":
                    parts = parts[1:]
                folder = "/".join(parts)
                if member.file_size > MAIL_OCTETS:
                    yield Filed(folder, b"", (), None, too_large=True)
                    continue
                yield _one_member(archive, member, folder)
    except (*_BROKEN, UnicodeError) as error:
        raise ValueError(f"{path} is a broken zip: {error}") from error


def _one_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: str) -> Filed:
    try:
        with archive.open(member) as file:
            data = file.read(MAIL_OCTETS + 1)
    except (*_BROKEN, OSError) as error:  # of this one; the others have octets of their own
        return Filed(folder, b"", (), None, trouble=f"{member.filename} is broken or locked: {error}")
    if archive.comment != _OURS:  # others' times are those of files, and their comments nobody knows whose
        return Filed(folder, crlf(data), (), None)
    return Filed(folder, crlf(data), tuple(member.comment.decode("ascii", "replace").split()), _came(member.extra))


def _came(extra: bytes) -> float | None:
    """The time of a member that we wrote, whatever the library put beside it."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if (kind, size) == (_EXTENDED_ID, 5) and len(extra) >= _EXTENDED.size:
            return float(_EXTENDED.unpack_from(extra)[3])
        extra = extra[4 + size :]
    return None


def _member_name(member: zipfile.ZipInfo) -> str:
    """Macs write UTF-8 without saying so, and take letters apart from their accents."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name)


def write_mbox(file: BinaryIO, mails: Iterable[Filed]) -> int:
    """Write mails as an mbox with `>From ` quoting (mboxrd) and their flags; how many."""
    written = 0
    for mail in mails:
        when = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(mail.internal or 0))
        header, _, body = mail.data.replace(b"\r\n", b"\n").partition(b"\n\n")
        header = _STATUS_FIELDS.sub(b"", header + b"\n")  # what another program left there would be read as ours
        lines = b"Status: %b\n" % (b"RO" if "\\Seen" in mail.flags else b"O")
        letters = "".join(letter for letter, flag in _STATUS.items() if letter != "R" and flag in mail.flags)
        lines += f"X-Status: {letters}\n".encode() if letters else b""
        keywords = [flag for flag in mail.flags if not flag.startswith("\\")]
        lines += f"X-Keywords: {' '.join(keywords)}\n".encode() if keywords else b""
        text = _FROM.sub(rb">\1", body)
        file.write(f"From MAILER-DAEMON {when}\n".encode() + header.rstrip(b"\n") + b"\n" + lines + b"\n" + text)
        file.write((b"" if text.endswith(b"\n") or not text else b"\n") + b"\n")
        written += 1
    return written


def write_zip(file: BinaryIO, mails: Iterable[Filed]) -> int:
    """Write mails as a zip of .eml files in `mail/FOLDER/`, which `read` takes back; how many.

    Their flags stand in the comments, and when they came in the extended timestamps.
    """
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = _OURS
        for written, mail in enumerate(mails, 1):
            parts = ["_" if part in {".", ".."} else part for part in mail.folder.split("/") if part]
            came = min(max(int(mail.internal or 0), 0), 2**31 - 1)
            name = "/".join(("mail", *parts, f"{written:06d}.eml"))
            member = zipfile.ZipInfo(name, time.gmtime(max(came, 315_532_800))[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o600 << 16
            member.comment = " ".join(mail.flags).encode()
            member.extra = _EXTENDED.pack(_EXTENDED_ID, 5, 1, came)
            archive.writestr(member, mail.data)
    return written


def write_maildir(path: Path, mails: Iterable[Filed]) -> int:
    """Write mails as a new Maildir++ with their flags; how many.

    Raises:
        OSError: it exists, or cannot be made.
    """
    path.mkdir(parents=True)
    made: dict[Path, dict[str, str]] = {}
    written = 0
    for written, mail in enumerate(mails, 1):
        place = path / _folder_name(mail.folder) if mail.folder else path
        if place not in made:
            made[place] = {}
            for sub in ("cur", "new", "tmp"):
                (place / sub).mkdir(parents=True, exist_ok=True)
        letters = "".join(sorted(_letters(mail.flags, made[place])))
        internal = mail.internal or 0
        file = place / "cur" / f"{int(internal)}.{written}.escritoire:2,{letters}"
        file.write_bytes(mail.data.replace(b"\r\n", b"\n"))
        os.utime(file, (internal, internal))
    for place, keywords in made.items():
        lines = (f"{ord(letter) - ord('a')} {word}\n" for word, letter in keywords.items())
        if keywords:
            (place / _KEYWORDS).write_text("".join(lines), "utf-8")
    return written


def _letters(flags: Iterable[str], keywords: dict[str, str]) -> Iterator[str]:
    """Of a mail's file name; `keywords` are those of its folder, to which new ones come while there are letters."""
    capitals = {flag: letter for letter, flag in _INFO.items()}
    for flag in flags:
        if flag in capitals:
            yield capitals[flag]
        elif not flag.startswith("\\") and (flag in keywords or len(keywords) < 26):
            yield keywords.setdefault(flag, chr(ord("a") + len(keywords)))


def _folder_name(folder: str) -> str:
    return "." + utf7.encode(folder.replace(".", "_")).decode().replace("/", ".")
