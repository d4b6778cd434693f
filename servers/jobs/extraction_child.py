"""Reads documents in a process that may die of them: `python -m servers.jobs.extraction_child MEMORY SECONDS`.

Whatever a document does (a zip bomb, a PDF without end, a mistake in the library) it does here, where there
is little memory, no file to write, no network where the kernel lets us go without, and no door to the data.
On standard input comes a line of JSON {"kind", "size"} and so many octets; on standard output goes a line
{"state", "size"} and the text in UTF-8.
"""

from __future__ import annotations

import codecs
import ctypes
import json
import os
import re
import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, Final

_HTML: Final = "text/html"
_TEXT: Final = "text/plain"
_PDF: Final = "application/pdf"
_NO_PDF: Final = b"%PDF-1.4\n"
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_DONE, _FAILED = "done", "failed"
MOST_CHARACTERS: Final = 2 * 1024 * 1024


def main(memory_octets: int, timeout_s: int) -> None:
    """Serve documents until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # a library that prints would be taken for an answer
    os.dup2(nowhere, 2)
    leave_network()  # while there is one thread; the library has more
    read = extractor()
    confine(memory_octets)
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        data = sys.stdin.buffer.read(asked["size"])
        if len(data) < asked["size"]:
            return
        _allow_cpu(timeout_s)
        state, text = _attempt(read, data, asked["kind"])
        _answer(answers, state, text)


def leave_network() -> None:
    """Have no network, where the system allows a namespace to a process of one thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.unshare(_NEW_USER | _NEW_NETWORK)


def confine(memory_octets: int) -> None:
    """Give up what a document does not need to be read; what the system forbids to give up is kept."""
    with suppress(OSError):
        os.nice(10)
    for limit, value in (
        (resource.RLIMIT_AS, memory_octets),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        hard = resource.getrlimit(limit)[1]
        with suppress(OSError, ValueError):
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (bound, bound))


def _allow_cpu(timeout_s: int) -> None:
    """So much processor time for the next document, should nobody be left to kill us."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (int(spent.ru_utime + spent.ru_stime) + timeout_s + 1, hard))


def extractor() -> Callable[[bytes, str], str]:
    """How documents are read: text by ourselves, all else by the library, if it is installed.

    Before `confine`, for the library has files to write until it is ready.
    """
    try:
        import kreuzberg
    except ImportError:
        return _plain
    library: Any = kreuzberg
    # Nothing is kept on disk, no picture is read, nothing is fetched.
    config = library.ExtractionConfig(use_cache=False, ocr=None, output_format="plain")

    def read(data: bytes, kind: str) -> str:
        if kind == _TEXT:
            return decode(data)
        if kind == _HTML:
            data = decode(data).encode("utf-8", "replace")
        return str(library.extract_bytes_sync(data, kind, config=config).content)

    _unpack_pdf(read)
    return read


def _unpack_pdf(read: Callable[[bytes, str], str]) -> None:
    """Have the library load its reader of PDF, while there may still be files.

    It unpacks that shared object into the temporary directory, under a name that everybody knows: there must be
    nobody else's to be found. Once it is loaded, the file is needed no more.
    """
    with tempfile.TemporaryDirectory(prefix="escritoire-") as private:
        os.environ["TMPDIR"] = private
        _attempt(read, _NO_PDF, _PDF)
    del os.environ["TMPDIR"]


def decode(data: bytes) -> str:
    """Text of an unknown encoding: a byte order mark, UTF-8, what a page says of itself, else Windows' Latin."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        said = _CHARSET.search(data[:4096])
    with suppress(LookupError, ValueError):
        if said and codecs.lookup(said[1].decode("ascii")).name != "utf-8":
            return data.decode(said[1].decode("ascii"), "replace")
    return data.decode("cp1252", "replace")


def _plain(data: bytes, kind: str) -> str:
    if kind != _TEXT:
        raise ValueError("no library to read it")
    return decode(data)


def _attempt(read: Callable[[bytes, str], str], data: bytes, kind: str) -> tuple[str, str]:
    try:
        return _DONE, read(data, kind)[:MOST_CHARACTERS]
    except BaseException as error:  # a panic of the library is no Exception
        if isinstance(error, SystemExit | KeyboardInterrupt):
            raise
        return _FAILED, ""


def _answer(answers: BinaryIO, state: str, text: str) -> None:
    encoded = text.encode("utf-8", "replace")
    answers.write(json.dumps({"state": state, "size": len(encoded)}).encode() + b"\n")
    answers.write(encoded)
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
