"""Request: one HTTP request as a value; its path is decoded once, and safely."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from servers.http.errors import BadRequest, HttpError

MAX_PATH_OCTETS: Final = 4096
MAX_HEADER_OCTETS: Final = 32 * 1024
"""One field; the server below limits them all together."""

_BLOCK: Final = 128 * 1024
"""As servers/http/files.py says: 1 MiB was a third slower."""
_ENCODED_SLASH: Final = re.compile(r"%2f", re.IGNORECASE)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}\Z")


class Readable(Protocol):
    """`wsgi.input`."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Request:
    """Method, decoded path segments, fields, and a body that is read when a handler wants it."""

    method: str
    segments: tuple[str, ...]
    """Percent-decoded, NFC (SYS-13), never empty, "." or "..", without slashes and control characters."""
    directory: bool
    """The path ended with a slash."""
    query: str
    environ: Mapping[str, Any]
    peer: str
    """Address of the client, as a trusted proxy names it."""
    secure: bool
    """The client's connection is encrypted, or does not leave this machine."""
    origin: str
    """`https://desk.example`: how the client names us."""

    def header(self, name: str) -> str | None:
        """A field's value, several joined by commas; None if absent."""
        value = self.environ.get(_key(name))
        if value is None:
            return None
        if len(value) > MAX_HEADER_OCTETS:
            raise HttpError(431)
        return str(value).strip()

    @property
    def content_length(self) -> int | None:
        """The announced length of the body; None if chunked or absent.

        Raises:
            BadRequest: it is not a number.
        """
        value = self.environ.get("CONTENT_LENGTH")
        if value is None or value == "":
            return None
        if not str(value).isascii() or not str(value).isdigit():
            raise BadRequest("Content-Length is not a number")
        return int(value)

    @property
    def by_front(self) -> bool:
        """The connection comes from this machine, or from a trusted proxy elsewhere."""
        address = self.environ.get("REMOTE_ADDR", "") or ""
        return is_loopback(address) or self.peer != address

    @property
    def unmeasured(self) -> bool:
        """A body may come, and nothing says how long: in chunks (RFC 9112 §7.1), or in frames (RFC 9113 §8.1.1)."""
        if self.content_length is not None:
            return False
        framed = str(self.environ.get("SERVER_PROTOCOL", "")).startswith(("HTTP/2", "HTTP/3"))
        return framed or "HTTP_TRANSFER_ENCODING" in self.environ

    @property
    def has_body(self) -> bool:
        """Whether a body was announced, be it empty (RFC 9112 §6.3)."""
        return bool(self.content_length) or "HTTP_TRANSFER_ENCODING" in self.environ

    def blocks(self) -> Iterator[bytes]:
        """The body in blocks of at most 128 KiB, for what must never be in memory as a whole.

        Raises:
            HttpError: 415 for a content coding.
            BadRequest: fewer octets came than were announced; what was read is to be thrown away.
        """
        self._refuse_codings()
        source: Readable = self.environ["wsgi.input"]
        length = self.content_length
        if length is None:
            if self.unmeasured:
                while data := source.read(_BLOCK):
                    yield data
            return
        missing = length
        while missing > 0:
            data = source.read(min(missing, _BLOCK))
            if not data:
                raise BadRequest("the body is shorter than Content-Length")
            missing -= len(data)
            yield data

    def body(self, limit: int) -> bytes:
        """The whole body, at most `limit` octets.

        Raises:
            HttpError: 413 when it is longer (before reading, if it was announced), 415 for a
                content coding, 400 when fewer octets came than were announced.
        """
        self._refuse_codings()
        length = self.content_length
        source: Readable = self.environ["wsgi.input"]
        if length is not None:
            if length > limit:
                raise HttpError(413, f"the body is larger than {limit} octets")
            data = _read(source, length) if length else b""
            if len(data) != length:
                raise BadRequest("the body is shorter than Content-Length")
            return data
        if not self.unmeasured:
            return b""  # RFC 9112 §6.3: neither length nor chunks means no body
        data = _read(source, limit + 1)
        if len(data) > limit:
            raise HttpError(413, f"the body is larger than {limit} octets")
        return data

    def whole(self) -> bytes:
        """An unmeasured body as a whole; nothing where there is none, or where it broke off (docs/decisions/0285).

        Only granian's `read` without a size tells an end from a broken connection, and it knows no limit.

        Raises:
            HttpError: 415 for a content coding.
        """
        self._refuse_codings()
        source: Readable = self.environ["wsgi.input"]
        return source.read()

    def _refuse_codings(self) -> None:
        coding = self.header("Content-Encoding")
        if coding and coding.lower() != "identity":
            raise HttpError(415, "this content coding is not accepted", headers=[("Accept-Encoding", "identity")])


def read(environ: Mapping[str, Any], *, trusted: frozenset[str] = frozenset(), origin: str = "") -> Request:
    """Make a request of a WSGI environment.

    `trusted` are the addresses of proxies whose X-Forwarded-* fields are believed; `origin` is our
    public origin where it is configured.

    Raises:
        BadRequest: the path is not UTF-8, holds NUL, an encoded slash or dot segments.
        HttpError: 414 for an endless path, 501 for what cannot be a method.
    """
    method = environ["REQUEST_METHOD"]
    if not _METHOD.match(method):
        raise HttpError(501)
    peer = environ.get("REMOTE_ADDR", "") or ""
    scheme = environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST") or "localhost"
    secure = scheme == "https"
    if peer in trusted:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        if forwarded:
            peer = forwarded.rpartition(",")[2].strip()
        proto = environ.get("HTTP_X_FORWARDED_PROTO")
        if proto:
            scheme = proto.rpartition(",")[2].strip().lower()
            secure = scheme == "https"
        host = environ.get("HTTP_X_FORWARDED_HOST") or host
    segments, directory = _path(environ)
    return Request(
        method=method,
        segments=segments,
        directory=directory,
        query=environ.get("QUERY_STRING", ""),
        environ=environ,
        peer=peer,
        secure=secure or is_loopback(peer),
        origin=origin or f"{scheme}://{host}",
    )


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    """The key of a field in the environment (PEP 3333); the names are constants of ours."""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key


def is_loopback(address: str) -> bool:
    """Whether what is sent to this address does not leave the machine."""
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1", "")


def segments_of(path: str) -> tuple[tuple[str, ...], bool]:
    """Decode an absolute, percent-encoded path (of a Destination or an href) as `read` does.

    Raises:
        BadRequest: as in `read`.
    """
    if "%" not in path:
        return _split(path.encode())
    if _ENCODED_SLASH.search(path):
        raise BadRequest("an encoded slash is not accepted in a path")
    if _BAD_ESCAPE.search(path):
        raise BadRequest("the path is badly encoded")
    return _split(unquote_to_bytes(path))


def _path(environ: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    # Where the server gives the path as it was sent, an encoded slash can be told from a real one.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        path = raw.partition("?")[0]
        if "://" in path:
            path = "/" + path.partition("://")[2].partition("/")[2]
        if len(path) > MAX_PATH_OCTETS:
            raise HttpError(414)
        return segments_of(path)
    info = environ.get("PATH_INFO", "/") or "/"
    if len(info) > MAX_PATH_OCTETS:
        raise HttpError(414)
    try:
        return _split(info.encode("latin-1"))  # PEP 3333: octets as characters
    except UnicodeEncodeError:
        return _split(info.encode())


def _split(octets: bytes) -> tuple[tuple[str, ...], bool]:
    try:
        path = octets.decode()
    except UnicodeDecodeError:
        raise BadRequest("the path is not UTF-8") from None
    if not path.isascii():
        path = unicodedata.normalize("NFC", path)
    if not path.isprintable():
        _refuse_controls(path)
    segments = tuple([part for part in path.split("/") if part])
    for part in segments:
        if part in (".", ".."):
            raise BadRequest("dot segments are not accepted in a path")
    return segments, path.endswith("/")


def _refuse_controls(path: str) -> None:
    if any(unicodedata.category(character) == "Cc" for character in path):
        raise BadRequest("control characters are not accepted in a path")


def _read(source: Readable, length: int) -> bytes:
    """Read up to `length` octets, in blocks: an announced length alone takes no memory."""
    data = source.read(min(length, _BLOCK))
    if len(data) == length or not data:
        return data
    blocks = [data]
    missing = length - len(data)
    while missing > 0:
        data = source.read(min(missing, _BLOCK))
        if not data:
            break
        blocks.append(data)
        missing -= len(data)
    return b"".join(blocks)
