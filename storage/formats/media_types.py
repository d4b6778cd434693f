"""What a part's header says of its content, read once for all who ask (RFC 2045 §5, §6).

The same few values stand in nearly all mails: what was made of them is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from storage.formats import mime_fields, mime_words
from storage.formats.imap_string import string

_CACHED_OCTETS: Final = 128
_NAME_CHARACTERS: Final = 255


class MediaType(NamedTuple):
    """A Content-Type, and what is made of it."""

    kind: bytes
    """Lower case, as is `subtype`."""
    subtype: bytes
    parameters: Sequence[tuple[bytes, bytes]]
    """Names and values as sent."""
    name: str
    """`type/subtype`, lower case, as parts have it."""
    charset: str
    """As labelled, "" without label."""
    kind_form: bytes
    """Type, subtype and parameters as BODYSTRUCTURE has them (RFC 9051 §7.5.2)."""
    subtype_form: bytes
    parameters_form: bytes


class Encoding(NamedTuple):
    """A Content-Transfer-Encoding: lower case, and as BODYSTRUCTURE has it."""

    name: str
    form: bytes


def media_type(value: bytes | None, *, digest: bool) -> MediaType:
    """Read a Content-Type; what is none is plain text, in a digest a message (RFC 2045 §5.2, RFC 2046 §5.1.5)."""
    if value is not None:
        found = _remembered_type(value) if len(value) <= _CACHED_OCTETS else _read_type(value)
        if found is not None:
            return found
    return _MESSAGE if digest else _TEXT


def encoding(value: bytes | None) -> Encoding:
    """Read a Content-Transfer-Encoding; none is 7bit."""
    if value is None:
        return _SEVEN_BIT
    return _remembered_encoding(value) if len(value) <= _CACHED_OCTETS else _read_encoding(value)


def parameters_form(parameters: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Parameters as BODYSTRUCTURE has them."""
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join(
        [word for name, value in parameters for word in (string(name), string(mime_words.unfold(value)))]
    )


def _made(kind: bytes, subtype: bytes, parameters: Sequence[tuple[bytes, bytes]]) -> MediaType:
    name = f"{kind.decode('ascii', 'replace')}/{subtype.decode('ascii', 'replace')}".lower()[:_NAME_CHARACTERS]
    return MediaType(
        kind=kind.lower(),
        subtype=subtype.lower(),
        parameters=parameters,
        name=name,
        charset=mime_words.parameter(parameters, "charset"),
        kind_form=string(kind),
        subtype_form=string(subtype),
        parameters_form=parameters_form(parameters),
    )


def _read_type(value: bytes) -> MediaType | None:
    head, parameters = mime_fields.parameters(value)
    kind, slash, subtype = head.partition(b"/")
    if slash and kind and subtype and head.isascii():
        return _made(kind, subtype, parameters)
    if head.lower() == b"text":
        return _made(b"text", b"plain", parameters)
    return None


def _read_encoding(value: bytes) -> Encoding:
    """One token; a comment beside it, or what looks like parameters, is none of it (RFC 2045 §6.1)."""
    whole = mime_words.unfold(value)
    name = (mime_fields.parameters(whole)[0] or whole).decode("ascii", "replace").lower()
    return Encoding(name, string(name.upper().encode("ascii", "replace") or b"7BIT"))


_TEXT: Final = _made(b"text", b"plain", [(b"charset", b"us-ascii")])
_MESSAGE: Final = _made(b"message", b"rfc822", [])
OPAQUE: Final = _made(b"application", b"octet-stream", [])
"""What cannot be taken apart is octets."""
_SEVEN_BIT: Final = Encoding("7bit", b'"7BIT"')
_remembered_type = lru_cache(maxsize=512)(_read_type)
_remembered_encoding = lru_cache(maxsize=128)(_read_encoding)
